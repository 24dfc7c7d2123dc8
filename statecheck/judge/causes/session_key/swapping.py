"""Two sessions are kept apart one after the other, and mixed up at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import OTHER_SESSION, TWO_SESSIONS
from statecheck.judge.cause import Observation
from statecheck.judge.causes.session_key.handed_out import is_handed_out_twice
from statecheck.judge.checks.mixing import find_leaks, find_misplaced
from statecheck.judge.conversation.conversation import WRITES
from statecheck.judge.evidence.lines import anchors
from statecheck.model import Anchor

if TYPE_CHECKING:
    from collections.abc import Iterable

    from statecheck.history import Op
    from statecheck.judge.conversation import Conversation
    from statecheck.judge.evidence.case import Case


def find_swap(case: Case) -> Observation | None:
    """Was a session given what another said at the same time, though one after the other they are kept apart?"""
    conversation = case.conversations.get(TWO_SESSIONS)
    if conversation is None or not case.leaked(TWO_SESSIONS) or case.leaked(OTHER_SESSION):
        return None
    if any(is_handed_out_twice(case, leak.turn, leak.other) for leak in find_leaks(conversation)):
        return None
    turns = [turn.number for turn in conversation.overlap[1]]
    shared = _find_shared(conversation, turns)
    lines = shared.lines if shared is not None else ()
    written = next((Anchor(line.path, line.line) for line in lines if line.role == "written"), None)
    used = anchors(_find_used(conversation, turns), "used after the wait for the model")
    used += [Anchor(line.path, line.line, "read") for line in lines if line.role == "read"]
    anchor = written or next(iter(used), None)
    places = {(place.path, place.line): place for place in reversed(used)}
    if anchor is not None:
        places.pop((anchor.path, anchor.line), None)
    common = _find_common(conversation, turns)
    if shared is not None:
        what = f"`{shared.name}` is assigned by every request, and by the time it is used it may be another's"
    else:
        what = f"all requests change {f'one `{common}`' if common else 'something that they share'}"
    return Observation(
        f"two users at once are mixed up: {what}; {_describe_mixing(conversation)}",
        anchor,
        (case.reason(TWO_SESSIONS),),
        kind="swapped",
        related_to=tuple(places.values())[::-1],
        fix="keep what belongs to one request in local variables, arguments or a context variable, and build the "
        "engine in the request; or hold one lock from where it is set to where it is last used",
    )


def _describe_mixing(conversation: Conversation) -> str:
    for leak in find_leaks(conversation):
        return f"turn {leak.turn.number} was given turn {leak.other.number}, which another user said"
    found = next(find_misplaced(conversation))
    return f"turn {found.turn.number} was written to `{found.where}`, where another user's turn {found.other.number} is"


def _find_used(conversation: Conversation, turns: Iterable[int]) -> list[Op]:
    """Ops of the user's code on what may have been exchanged meanwhile: writes to state, then calls of the model."""
    ops = [op for turn in turns for op in conversation.state_ops(turn) if op.action in WRITES]
    return [op for op in (*ops, *(op for turn in turns for op in conversation.select("model", turn))) if op.frames]


def _find_common(conversation: Conversation, turns: Iterable[int]) -> str:
    """The class of a state object that all of these turns wrote to, or ""."""
    written = [{(op.obj, op.cls) for op in conversation.state_ops(n) if op.obj and op.action in WRITES} for n in turns]
    return next((cls for _, cls in sorted(set.intersection(*written))), "") if written else ""


def _find_shared(conversation: Conversation, turns: Iterable[int]) -> Op | None:
    """What functions assign and share: of one that is seen to have run in these turns, else the first."""
    ran = {
        (frame.path, frame.function) for turn in turns for op in conversation.select(turn=turn) for frame in op.frames
    }
    known = [op for op in conversation.select("shared") if op.lines]
    return min(known, key=lambda op: (op.lines[0].path, op.method) not in ran, default=None)
