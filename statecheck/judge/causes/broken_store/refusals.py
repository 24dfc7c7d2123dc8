"""The library's own code raises an exception: at what it is to keep, or at what it has kept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from statecheck.experiments import SEQUENTIAL
from statecheck.judge.cause import Observation
from statecheck.judge.evidence.lines import anchor_of
from statecheck.model import Evidence

if TYPE_CHECKING:
    from statecheck.history import Op
    from statecheck.judge.conversation import Conversation
    from statecheck.judge.evidence.case import Case

_SIGNS = ("PydanticSerializationError", "chat_message_serialization", "'index_key' is expected")
"""How the library's own code refuses to keep what it was given, whoever's class it is that asks it to."""
_OF_PROGRAMS = frozenset(("AttributeError", "TypeError", "NameError", "UnboundLocalError", "NotImplementedError"))
_OF_STATEMENTS = frozenset(("ProgrammingError", "IntegrityError", "DataError", "UndefinedTable", "ResponseError"))
_MISTAKES = _OF_PROGRAMS | _OF_STATEMENTS
"""Exceptions that say that code is wrong, and not that a server cannot be reached or a disk is full."""
_LOOPS = re.compile(r"Event loop is closed|to a different (event )?loop|Detected nested async")
_UNREADABLE = _MISTAKES | {"ValidationError", "ValueError", "KeyError", "JSONDecodeError", "UnicodeDecodeError"}
_STORES = ("chat-store", "memory")
_MOST_SAID = 160


def is_refusal(op: Op) -> bool:
    """Whether an op is the library's refusal of what it takes, through no fault of a server or of what it was given."""
    if op.type != "fail" or op.f == "turn":
        return False
    if any(sign in op.error for sign in _SIGNS):
        return True
    return bool(op.distribution) and (_type_of(op) in _MISTAKES or bool(_LOOPS.search(op.error)))


def find_stored(conversation: Conversation, refused: Op) -> bool:
    """Whether what a call was refused is read back later all the same, under the same key."""
    if refused.action not in ("write", "overwrite"):
        return False
    later = (op for op in conversation.select(refused.f, action="read") if op.type == "ok" and op.time > refused.time)
    for op in later:
        before = _read_before(conversation, refused)
        if op.key != refused.key:
            continue
        if refused.markers and {*refused.markers} <= {*op.markers}:
            return True
        if not refused.markers and refused.text and op.text.count(refused.text) > before.count(refused.text):
            return True
    return False


def _read_before(conversation: Conversation, refused: Op) -> str:
    """What was under a key when it was last read before a call, and what was added since."""
    same = [op for op in conversation.select(refused.f) if op.key == refused.key and op.time < refused.time]
    said = ""
    for op in same:
        if op.type == "ok" and op.action in ("read", "write"):
            said = op.text if op.action == "read" else f"{said} | {op.text}"
    return said


def is_poisoned(conversation: Conversation, failed: Op) -> bool:
    """Whether a read fails at what was acknowledged before: a write under the same key."""
    if failed.type != "fail" or failed.action != "read" or not failed.distribution or _LOOPS.search(failed.error):
        return False
    return _type_of(failed) in _UNREADABLE and bool(_written_before(conversation, failed))


def _written_before(conversation: Conversation, failed: Op) -> list[Op]:
    """The acknowledged writes of a store under the key of one of its calls, before that."""
    return [
        op
        for op in conversation.select(failed.f)
        if op.action in ("write", "overwrite")
        and op.type == "ok"
        and op.time < failed.time
        and (op.cls, op.key) == (failed.cls, failed.key)
    ]


def find_refused_but_stored(case: Case) -> Observation | None:
    """Did a store raise an exception at a message that it has stored?"""
    for conversation in _one_by_one(case):
        failed = (op for op in conversation.ops if op.f in _STORES and op.turn and is_refusal(op))
        refused = next((op for op in failed if find_stored(conversation, op)), None)
        if refused is None:
            continue
        what = (
            f"`{refused.cls}` raised an exception at a message of turn {refused.turn} ({say(refused)}), and stored it"
        )
        mends = "keep one event loop for the store's async methods (an `async def` handler), or use its blocking ones"
        return Observation(
            f"{what}: whoever sends it again has it there twice{name_library(case, conversation, refused)}",
            anchor_of(refused),
            (Evidence(conversation.experiment, f"the write failed in turn {refused.turn}, and a later turn read it"),),
            kind="refused-but-stored",
            fix=mends if _LOOPS.search(refused.error) else "read what is stored before a message is sent to it again",
        )
    return None


def find_poisoned_read(case: Case) -> Observation | None:
    """Did a store take a message that it cannot read, so that each later read of the conversation fails?"""
    for conversation in _one_by_one(case):
        reads = (op for op in conversation.ops if op.f in _STORES and op.turn)
        failed = next((op for op in reads if is_poisoned(conversation, op)), None)
        if failed is None:
            continue
        written = _written_before(conversation, failed)
        what = f"`{failed.cls}` took a message and cannot read it: turn {failed.turn} is refused ({say(failed)})"
        return Observation(
            f"{what}, and so is every later one of the conversation{name_library(case, conversation, failed)}",
            anchor_of(written[-1]) or anchor_of(failed),
            (
                Evidence(
                    conversation.experiment, f"a write of turn {written[-1].turn} was acknowledged; reads then fail"
                ),
            ),
            kind="poisons",
            related_to=tuple(filter(None, [anchor_of(failed)])),
            fix="keep such messages out of this store: store their text, and of a picture or a file where it is",
        )
    return None


def name_library(case: Case, conversation: Conversation, op: Op) -> str:
    """Whose code it is, as the end of a sentence: the distribution of the op's class, with its version.

    Of a class of LlamaIndex's own: what decides how that keeps state. Of a class of the app's: nothing.
    """
    builds = [each for each in conversation.select(action="build") if each.cls == op.cls]
    found = op.distribution or next((each.distribution for each in builds if each.distribution), "")
    if found and not found.startswith("llama-index-core "):
        return f"; it is the library's own code: {found}"
    if builds and not found:
        return ""
    versions = ", ".join(f"{name} {version}" for name, version in sorted(case.app.versions.items()))
    return f"; installed: {versions}" if versions else ""


def say(op: Op) -> str:
    """What an exception says, in one line."""
    return " ".join(op.error.split())[:_MOST_SAID]


def _type_of(op: Op) -> str:
    return op.error.partition(":")[0].strip()


def _one_by_one(case: Case) -> list[Conversation]:
    found = (case.conversations.get(name) for name in SEQUENTIAL)
    return [conversation for conversation in found if conversation is not None]
