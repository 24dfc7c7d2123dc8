"""What a name says: whether `bid_comment` carries the user's words or says who is talking.

One axis, the leaning: positive speaks for a message, negative for a session key, 0 says nothing.
"""

from __future__ import annotations

import re


def as_set(text: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(text.split())


_MESSAGE = {
    10: "message msg text question prompt query utterance",
    9: "q input content ask messages",
    8: "comment body sentence speech says say instruction instructions transcript",
    7: "brief item note notes description remark statement line wish complaint memo words said request inquiry enquiry",
    6: "receipt symptom symptoms feedback task command topic idea issue problem concern details entry post story "
    "answer reply claim report update thought review summary saying dictation letter",
    4: "data value payload string str chat event subject title goal order",
}
_SESSION = {
    10: "session conversation sid sessid thread conv",
    9: "cid dialog dialogue chatroom",
    8: "user uid visitor customer username login",
    7: "client account caller guest member patient person student pupil employee owner sender phone email peer contact "
    "player traveller traveler applicant household family subscriber buyer seller tenantuser author speaker",
    6: "reader farmer resident citizen driver passenger teacher room channel ticket case lot matter device handle "
    "table desk booking reservation claimant worker staff group team project workspace nickname who whom "
    "policy vehicle plate flat apartment house store branch dossier file folder notebook board basket cart trip "
    "learner participant nurse doctor lawyer company",
    5: "chat context history scope",
    3: "name",
}
_ID = as_set("id ids key uuid guid token ref reference number no num nr code hash identifier slug pk")
_SETTING = as_set(
    "language lang locale model temperature stream streaming top k limit max min timeout mode type role format version "
    "provider tenant org organization organisation persona style tone debug verbose timestamp time date timezone page "
    "size offset count threshold score rating tags tag category tools tool agent bot index collection tokens system "
    "metadata config settings options auth authorization csrf secret password accept encoding origin referer host "
    "api request trace correlation idempotency client_version platform currency country region flag enabled "
    "reset clear theme unit units"
)
_WEIGHTS = {word: float(weight) for weight, words in _MESSAGE.items() for word in words.split()}
_WEIGHTS |= {word: -float(weight) for weight, words in _SESSION.items() for word in words.split()}
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
    sessions = [-_WEIGHTS[word] for word in before if _WEIGHTS.get(word, 0) < 0 or word == "chat"]
    if head in _ID:
        if sessions:
            return -(5 + 0.5 * max(map(abs, sessions)))
        if _TRACES.intersection(before):
            return 0.0
        others = [word for word in before if word not in _TRANSPORT]
        return -5.0 if not others else -1.0 if any(w in _WEIGHTS or w in _SETTING for w in others) else -6.0
    if head in _WEIGHTS:
        return _WEIGHTS[head]
    known = [_WEIGHTS[word] for word in before if word in _WEIGHTS and word not in _TRANSPORT]
    return 0.6 * known[-1] if known else 0.0


def is_token(name: str) -> bool:
    """Whether a name is that of a token against forged requests."""
    return "csrf" in name.lower() or "xsrf" in name.lower()


def is_setting(name: str) -> bool:
    """Whether a name is that of a setting, which is neither message nor session: `language`, `top_k`, `api_key`."""
    parts = words(name)
    if not parts or leaning(name) <= -6 or leaning(name) >= 6:
        return False
    return parts[-1] in _SETTING or any(part in _SETTING for part in parts[:-1])


def is_history(name: str) -> bool:
    """Whether a list of this name holds the earlier messages."""
    parts = words(name)
    return bool(parts) and (parts[-1] in _LISTS or "".join(parts) in _LISTS)
