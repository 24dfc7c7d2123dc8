"""The lines of the user's code that ops carry, and by which what they did is shown. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.model import Anchor

if TYPE_CHECKING:
    from collections.abc import Iterable

    from statecheck.history import Frame, Op
    from statecheck.judge.conversation import Conversation, Sent
    from statecheck.probe.ops import OpKind


def anchor_of(op: Op | None) -> Anchor | None:
    """The user's innermost line in an op; None where there is no op, or it has no line of theirs."""
    return Anchor(op.frames[0].path, op.frames[0].line) if op is not None and op.frames else None


def defined_at(op: Op | None) -> Anchor | None:
    """The first line that an op has from reading the code; None where there is no op, or it has none."""
    return next((Anchor(line.path, line.line) for line in op.lines), None) if op is not None else None


def anchors(ops: Iterable[Op], text: str) -> list[Anchor]:
    """The user's innermost lines of these ops, each once."""
    lines = dict.fromkeys((op.frames[0].path, op.frames[0].line) for op in ops if op.frames)
    return [Anchor(path, line, text) for path, line in lines]


def find_library_lines(conversation: Conversation, turn: Sent) -> frozenset[Frame]:
    """Return the user's lines at which a store of the library was used in a turn: statements there are the store's."""
    return frozenset(op.frames[0] for op in conversation.state_ops(turn.number) if op.frames)


def find_lines_in_ram(conversation: Conversation, turn: Sent) -> frozenset[Frame]:
    """Return those of these lines at which the store has its rows in process memory, as that of an engine does."""
    used = (op for op in conversation.state_ops(turn.number) if ":memory:" in op.where)
    return frozenset(op.frames[0] for op in used if op.frames)


def find_builds(conversation: Conversation, marker: str, turn: Sent) -> list[Op]:
    """Constructions of the objects that a marker was written to in a turn, the innermost backing store first."""
    written = conversation.writes(turn.number, marker)
    objects = dict.fromkeys((op.pid, op.obj) for op in written if op.obj)
    builds = [op for pid, obj in objects for op in conversation.builds_of(pid, obj)]
    order: dict[OpKind, int] = {"chat-store": 0, "memory": 1, "block": 2}
    return sorted((op for op in builds if op.generation == turn.generation), key=lambda op: order.get(op.f, 3))
