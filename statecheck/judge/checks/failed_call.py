"""Failed call: a turn in which a model fails once leaves what was said before, and is in the conversation once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from statecheck.judge.checks.unanswered import describe_refused
from statecheck.judge.conversation.shapes import find_repeated

if TYPE_CHECKING:
    from statecheck.history import Op
    from statecheck.judge.conversation import Channel, Conversation, Sent
    from statecheck.model import OutcomeName

Left = Literal["twice", "unanswered", "nothing-before", "not-kept", "refusals"]
"""What a turn in which a model failed leaves: its question twice, or without an answer; nothing of what was said
before it, be it with itself or without; nothing of itself, though it was answered; a conversation that is refused from
then on."""

_FEWEST = 3
_BROKEN = (409, 423, 500)
"""Answers by which a conversation is found broken, or taken; others may mean that the app waits for the provider."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What such a turn leaves that it should not.

    Attributes:
        turn: in which the call failed.
        again: it was tried again within the turn, which was answered.
        reader: the turn that shows what is left.
    """

    left: Left
    turn: Sent
    again: bool
    reader: Sent


def keeps_first(conversation: Conversation) -> bool:
    """Whether a turn's text was stored by the app's own code before a model was asked."""
    return any(
        op.time < asked
        for turn in conversation.turns
        for asked in [min((op.time for op in conversation.select("model", turn.number)), default=0)]
        for op in list_own_writes(conversation, turn)
    )


def list_own_writes(conversation: Conversation, turn: Sent) -> list[Op]:
    """Return where the app's own code stored a turn's text: not where an engine or an agent does, which it calls."""
    calls = {op.frames[0] for op in conversation.select("model", turn.number) if op.frames}
    written = [*conversation.stored_outside(turn), *conversation.writes(turn.number, turn.marker)]
    return [op for op in written if op.frames and op.frames[0] not in calls]


def find_failure(conversation: Conversation) -> Failure | None:
    """Return what a turn in which a model's call failed leaves that it should not; None where all is well.

    An engine that puts the question into its own memory first is the library's doing: it is told where the app itself
    asks it once more.
    """
    turn = _find_failing(conversation)
    if turn is None:
        return None
    later = [each for each in conversation.turns if each.number > turn.number]
    *_, reader = later or (None,)
    again = turn.status == "ok" and len(list(conversation.select("model", turn.number))) > 1
    if reader is None or reader.status != "ok":
        broken = reader is not None and all(each.status == "fail" and each.code in _BROKEN for each in later)
        return Failure("refusals", turn, again, reader) if broken and reader is not None else None
    first, failed, last = (_widest(conversation, each) for each in (conversation.turns[0], turn, reader))
    if first is None or failed is None or last is None or not _is_given_before(conversation, failed, turn):
        return None
    own = bool(list_own_writes(conversation, turn)) or not conversation.state_ops(turn.number)
    if (own or again) and _has_twice(conversation, last, turn) and not find_repeated(first.messages):
        return Failure("twice", turn, again, reader)
    if own and not again and "uu" in _speakers(last) and "uu" not in _speakers(failed):
        return Failure("unanswered", turn, again, reader)
    before = [each for each in conversation.turns if each.number < reader.number and each.status == "ok"]
    given = {marker for op in _calls(conversation, reader) for marker in op.markers}
    if before and given.isdisjoint(each.marker for each in before):
        return Failure("nothing-before", turn, again, reader)
    if again and _starts_over(conversation, turn) and conversation.turns[0].marker not in given:
        return Failure("nothing-before", turn, again, reader)
    if again and turn.marker not in given:
        return Failure("not-kept", turn, again, reader)
    return None


def _find_failing(conversation: Conversation) -> Sent | None:
    failed = next(conversation.select("outage"), None)
    return conversation.find_turn(failed.turn) if failed is not None else None


def _calls(conversation: Conversation, turn: Sent) -> list[Op]:
    return list(conversation.select("model", turn.number))


def _widest(conversation: Conversation, turn: Sent) -> Op | None:
    """The call of a turn's model that was given the most messages, the first of these."""
    return max(_calls(conversation, turn), key=lambda op: (len(op.messages), len({*op.markers})), default=None)


def _is_given_before(conversation: Conversation, call: Op, turn: Sent) -> bool:
    """Whether a call of a turn's model was given what was said before."""
    return any(each.marker in call.markers for each in conversation.turns if each.number < turn.number)


def _starts_over(conversation: Conversation, turn: Sent) -> bool:
    """Whether a turn's last call was given nothing of what was said before, which the one that failed had been given.

    A window is no reason for that: both calls are of one turn.
    """
    *_, last = _calls(conversation, turn)
    return not _is_given_before(conversation, last, turn)


def _has_twice(conversation: Conversation, op: Op, turn: Sent) -> bool:
    """Whether a model was given what a turn said twice: as messages of their own, or in words."""
    if find_repeated(op.messages):
        return True
    said = next((each.text for each in conversation.select("turn", turn.number) if each.type == "invoke"), "")
    return not op.messages and bool(said) and op.text.count(said) > 1


def _speakers(op: Op) -> str:
    return "".join(each[0] for each in op.messages if each[0] in "uact")


def check(
    conversation: Conversation, _channel: Channel | None = None, _control: Conversation | None = None
) -> tuple[OutcomeName, str]:
    """Judge a conversation in whose second turn a call of a model fails once.

    Returns:
        `duplicated`, `lost`, `kept`, `skipped` where no call could be made to fail, or no later turn shows anything, or
        `error` where no turn was sent; and a sentence.
    """
    if len(conversation.turns) < _FEWEST:
        return "error", "too few turns were sent"
    turn, reader = _find_failing(conversation), conversation.turns[-1]
    if turn is None:
        return "skipped", "no call of a model could be made to fail"
    found = find_failure(conversation)
    if found is None and reader.status != "ok":
        return "skipped", describe_refused(reader)
    what = f"in turn {turn.number} a call of a model failed once"
    if found is None:
        return "kept", f"{what}, and turn {reader.number} was given what was said before"
    if found.left == "refusals":
        return "lost", f"{what}, and {describe_refused(reader)}"
    if found.left == "twice":
        return "duplicated", f"{what}, and turn {reader.number} was given what it said twice"
    if found.left == "unanswered":
        return "duplicated", f"{what}, and turn {reader.number} was given what it said without an answer"
    before = "what was said before" if found.left == "nothing-before" else "it, though it was answered"
    return "lost", f"{what}, and turn {reader.number} was not given {before}"
