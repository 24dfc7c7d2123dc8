"""What a name says: whether `bid_comment` carries the user's words or says who is talking.

One axis, the leaning: positive speaks for a message, negative for a session key, 0 says nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from statecheck.source import weights
from statecheck.source.field_evidence import FieldEvidence

if TYPE_CHECKING:
    from statecheck.source.weights import NameUse


def as_set(text: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(text.split())


_ID = as_set("id ids key uuid guid token ref reference number no num nr code hash identifier slug pk")
_SETTING = as_set(
    "language lang locale model temperature stream streaming top k limit max min timeout mode type role format version "
    "provider tenant org organization organisation persona style tone debug verbose timestamp time date timezone page "
    "size offset count threshold score rating tags tag category tools tool agent bot index collection tokens system "
    "metadata config settings options auth authorization csrf secret password accept encoding origin referer host "
    "api request trace correlation idempotency client_version platform currency country region flag enabled "
    "reset clear theme unit units"
)
_BEFORE = as_set("parent previous prev reply replied")
_SIGNATURES = as_set("signature sig hmac")
_WEIGHTS = {word: row.weight for row in weights.NAMES for word in row.words.split()}
_TRANSPORT = as_set("data payload body event start json form params x http request req")
_TRACES = as_set("request req trace correlation span idempotency")
_LISTS = as_set("messages history turns transcript dialog dialogue conversation chathistory log past previous")


def words(name: str) -> list[str]:
    """Return the words of a name in any spelling: `threadId`, `bid_comment`, `X-Pupil`."""
    parts = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", name))
    return [word.lower() for word in re.split(r"[^A-Za-z0-9]+", parts) if word]


def leaning(name: str) -> float:
    """How a name leans, from 10 (the user's words) to -10 (a session key). The last word counts most."""
    parts = words(name)
    if not parts:
        return 0.0
    *before, head = parts
    if head not in _ID and head.endswith("id") and head[:-2] in _WEIGHTS:  # sessionid, userid
        before, head = [*before, head[:-2]], "id"
    sessions = [-_WEIGHTS[word] for word in before if _WEIGHTS.get(word, 0) < 0]
    if head in _ID:
        if sessions:
            return weights.ID_OF - weights.ID_OF_SHARE * max(map(abs, sessions))
        if _TRACES.intersection(before):
            return 0.0
        others = [word for word in before if word not in _TRANSPORT]
        if not others:
            return weights.BARE_ID
        known = any(word in _WEIGHTS or word in _SETTING for word in others)
        return weights.ID_OF_SETTING if known else weights.ID_OF_THING
    if head in _WEIGHTS:
        return _WEIGHTS[head]
    earlier = [_WEIGHTS[word] for word in before if word in _WEIGHTS and word not in _TRANSPORT]
    return weights.BEFORE_THE_LAST * earlier[-1] if earlier else 0.0


def name_evidence(name: str, use: NameUse = weights.OWN_NAME) -> FieldEvidence:
    """Return what a name says of a field: its own, or one that code has for its value."""
    return FieldEvidence(use.source, use.share * leaning(name), use.because.format(name=name))


def is_token(name: str) -> bool:
    """Whether a name is that of a token against forged requests."""
    return "csrf" in name.lower() or "xsrf" in name.lower()


def is_reply_id(name: str) -> bool:
    """Whether a name is that of the message which another one answers: `parent_id`, `previous_response_id`."""
    parts = words(name)
    return len(parts) > 1 and parts[-1] in _ID and not _BEFORE.isdisjoint(parts)


def is_signature(name: str) -> bool:
    """Whether a name is that of a signature, by which a sender proves what it sends: `X-Hub-Signature-256`."""
    return not _SIGNATURES.isdisjoint(words(name))


def is_setting(name: str) -> bool:
    """Whether a name is that of a setting, which is neither message nor session: `language`, `top_k`, `api_key`."""
    parts = words(name)
    if is_signature(name):
        return True
    if not parts or abs(leaning(name)) >= weights.SURE_NAME:
        return False
    return parts[-1] in _SETTING or any(part in _SETTING for part in parts[:-1])


def is_history(name: str) -> bool:
    """Whether a list of this name holds the earlier messages."""
    parts = words(name)
    return bool(parts) and (parts[-1] in _LISTS or "".join(parts) in _LISTS)
