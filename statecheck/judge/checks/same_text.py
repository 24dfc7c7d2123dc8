"""Same text: what one session says is answered from its own conversation, and what it says again is kept again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from statecheck.experiments import SAME_TEXT, SESSIONS
from statecheck.judge.checks.mixing import Leak, find_leaks
from statecheck.judge.checks.unanswered import find_unanswered, report_unanswered
from statecheck.judge.conversation.text_keys import list_digests

if TYPE_CHECKING:
    from statecheck.history import Op
    from statecheck.judge.conversation import Channel, Conversation, Sent
    from statecheck.model import OutcomeName

_ONCE = re.compile(r"\bOR\s+IGNORE\b|\bINSERT\s+IGNORE\b|\bDO\s+NOTHING\b|\bNOT\s+EXISTS\b", re.IGNORECASE)


def goes_by_text(conversation: Conversation) -> bool:
    """Whether a turn asked a store for its own text or a digest of it, or had a table take that only once."""
    if any(find_once(conversation, turn) for turn in conversation.turns):
        return True
    asked = (op for turn in conversation.turns for op in conversation.with_marker("sql", turn.marker))
    return any(op.action == "write" and op.text[:6].upper() == "SELECT" for op in asked) or any(
        part in word
        for turn in conversation.turns
        for part in list_digests(conversation, turn.number)
        for op in conversation.select(turn=turn.number)
        if op.f in ("sql", "wire", "file", "cache")
        for word in (op.where, op.key or "", *op.arguments, op.text if op.f == "wire" else "")
    )


def find_once(conversation: Conversation, turn: Sent) -> Op | None:
    """Return the statement of a turn that a table takes only where it has no such row yet."""
    written = (op for op in conversation.select("sql", turn.number, "write") if turn.marker in op.markers)
    return next((op for op in written if _ONCE.search(op.text)), None)


def find_shared_answer(conversation: Conversation) -> Leak | None:
    """Return the turn that was given another session's conversation, because both said the same.

    Its answer shows that, or is the very one that the other's model gave when it had been given more, and no model
    was asked for it.
    """
    leak = next(find_leaks(conversation), None)
    if leak is not None:
        return leak
    session = dict(zip(conversation.numbers, SESSIONS[SAME_TEXT], strict=False))
    for turn in conversation.turns:
        if session.get(turn.number) == 1 or turn.status != "ok" or conversation.calls_model(turn.number):
            continue
        for other in conversation.turns[: turn.number - 1]:
            same = other.marker == turn.marker and other.answer == turn.answer and session[other.number] == 1
            more = any(len({*op.markers}) > 1 for op in conversation.select("model", other.number))
            if same and more and turn.answer:
                return Leak(turn, other, "it was sent that turn's answer, and no model was asked")
    return None


def find_dropped(conversation: Conversation) -> tuple[Sent, Sent] | None:
    """Return (what was said again, the last turn) where the last turn's model was given that once.

    All else that its session said was given to it, each a message of its own: it is no window, and no summary.
    """
    session = dict(zip(conversation.numbers, SESSIONS[SAME_TEXT], strict=False))
    turns = [turn for turn in conversation.turns if session.get(turn.number) == 1]
    if len(turns) != SESSIONS[SAME_TEXT].count(1) or any(turn.status != "ok" for turn in turns):
        return None
    *_, said, before, again, reader = turns
    if not conversation.calls_model(again.number):  # it may be taken for a repeated request
        return None
    calls = [_widest(conversation, turn) for turn in (said, before, reader)]
    if any(op is None for op in calls):
        return None
    first, middle, last = (op for op in calls if op is not None)
    if not {turn.marker for turn in turns} <= {*last.markers}:
        return None
    if not last.messages:
        return (again, reader) if _is_told_once(conversation, last, turns) else None
    counts = [_list_said(op) for op in (first, middle, last)]
    each = len(counts[1]) - len(counts[0])
    whole = each > 0 and counts[1][:1] == counts[2][:1] == counts[0][:1]
    return (again, reader) if whole and len(counts[2]) == len(counts[1]) + each else None


def _widest(conversation: Conversation, turn: Sent) -> Op | None:
    """The call of a turn's model that was given the most messages."""
    calls = list(conversation.select("model", turn.number))
    return max(calls, key=lambda op: (len(op.messages), len({*op.markers})), default=None)


def _list_said(op: Op) -> list[str]:
    return [message for message in op.messages if message[0] == "u"]


def _is_told_once(conversation: Conversation, op: Op, turns: list[Sent]) -> bool:
    """Whether each text of a session, in words, stands once in the prompt that a model was given."""
    said = {
        found.text for turn in turns for found in conversation.select("turn", turn.number) if found.type == "invoke"
    }
    return all(op.text.count(text) == 1 for text in said)


def check(
    conversation: Conversation, _channel: Channel | None = None, _control: Conversation | None = None
) -> tuple[OutcomeName, str]:
    """Judge a conversation in which one text is said by two sessions, and twice by the first of them.

    Returns:
        `leaked`, `lost` (what was said again), `kept`, or `error` where a turn was not acknowledged; and a sentence.
    """
    leak = find_shared_answer(conversation)
    if leak is not None:
        return "leaked", f"turn {leak.turn.number} was given turn {leak.other.number} of another session ({leak.how})"
    refused = find_unanswered(conversation.turns)
    if refused is not None or len(conversation.turns) < len(SESSIONS[SAME_TEXT]):
        return report_unanswered(refused)
    dropped = find_dropped(conversation)
    if dropped is not None:
        again, reader = dropped
        return "lost", f"turn {again.number} says what was said before, and turn {reader.number} was given it once"
    return "kept", "a text that is said twice is kept twice, and answered in each session from what that said"
