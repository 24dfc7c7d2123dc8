"""The app asks its own store on every turn, and a condition keeps its own save from happening."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE
from statecheck.judge.cause import Observation
from statecheck.judge.causes.broken_store.failed_save import find_asked
from statecheck.judge.evidence.lines import anchors
from statecheck.model import Anchor
from statecheck.probe.notebooks import spell_line

if TYPE_CHECKING:
    from statecheck.history import Op
    from statecheck.judge.conversation import Conversation, Sent
    from statecheck.judge.evidence.case import Case
    from statecheck.probe.ops import OpKind


def find_guarded_save(case: Case) -> Observation | None:
    """Did both turns ask a store that nothing was put into, where a condition did not hold under which code saves?"""
    conversation = case.conversations.get(BASELINE)
    if conversation is None or not case.lost(BASELINE):
        return None
    turns = conversation.turns[:2]
    asked = [find_asked(conversation, turn) for turn in turns]
    if not all(asked) or any(_is_saved(conversation, turn) for turn in turns):
        return None
    guard = next((op for op in conversation.select("guarded") if _is_passed_by(conversation, op, turns)), None)
    if guard is None:
        return None
    condition, save = guard.lines[0], guard.lines[-1]
    return Observation(
        f"each turn asks for what was said before, and nothing was saved: `{guard.name}` kept the save at "
        f"{spell_line(save.path, save.line)} from happening",
        Anchor(condition.path, condition.line),
        (case.reason(BASELINE),),
        kind="guarded-save",
        related_to=(Anchor(save.path, save.line, "written"), *anchors(asked[1], "read")),
        fix="save after every turn, or ask in the condition for what a first turn already has",
    )


def _is_saved(conversation: Conversation, turn: Sent) -> bool:
    """Whether a turn wrote to a file of the project, or put its text into a database, a service or a session."""
    kinds: tuple[OpKind, ...] = ("sql", "wire", "disk", "session", "cache")
    in_ram = {op.frames[:1] for op in conversation.writes(turn.number, turn.marker) if ":memory:" in op.where}
    marked = [op for f in kinds for op in conversation.with_marker(f, turn.marker)]
    marked = [op for op in marked if op.f != "sql" or op.frames[:1] not in in_ram]  # of an engine of the request
    files = [op for op in conversation.select("file", turn.number, "write") if not op.where.startswith("/")]
    return bool(files) or any(op.action in ("write", "mutate", "") for op in marked)


def _is_passed_by(conversation: Conversation, guard: Op, turns: tuple[Sent, ...]) -> bool:
    """Whether the function of a guarded save ran in these turns, and the save did not."""
    save = guard.lines[-1]
    for turn in turns:
        frames = [frame for op in conversation.select(turn=turn.number) for frame in op.frames]
        if not {frame.function for frame in frames} & {guard.method, *guard.arguments}:
            return False
        if any((frame.path, frame.line) == (save.path, save.line) for frame in frames):
            return False
    return True
