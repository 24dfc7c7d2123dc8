"""Which lines of the user's code keep a turn, and which read it again. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.judge.evidence.lines import anchors, find_builds
from statecheck.judge.evidence.whereabouts import find_mapping, find_places, find_whereabouts

if TYPE_CHECKING:
    from statecheck.judge.conversation import Conversation, Sent
    from statecheck.model import Anchor


def line_of(conversation: Conversation, turn: Sent) -> Anchor | None:
    """The user's line that leads to what keeps a turn, or that gave it to that, else to the model."""
    put = [*conversation.handed_over(turn.marker, turn.number), *find_builds(conversation, turn.marker, turn)]
    stored = [place.anchor for place in find_whereabouts(conversation, turn.marker) if place.anchor]
    found = [find_mapping(conversation, turn), *anchors(put, ""), *stored]
    return next(filter(None, [*found, *anchors(conversation.select("model", turn.number, "read"), "")]), None)


def find_related(conversation: Conversation, turn: Sent, marker: str, anchor: Anchor) -> tuple[Anchor, ...]:
    """Where the state that a marker went to is written and read, but for the anchor itself."""
    ops = conversation.state_ops(turn.number)
    wire = [op for op in conversation.select(turn=turn.number) if op.f in ("wire", "sql")]
    found = [
        *anchors(conversation.writes(turn.number, marker), "written"),
        *anchors(conversation.handed_over(marker, turn.number), "written"),
        *anchors([op for op in wire if op.action == "write"], "written"),
        *anchors([op for op in conversation.select("file", turn.number) if op.action == "write"], "written"),
        *anchors([op for op in ops if op.action in ("read", "load")], "read"),
        *anchors([op for op in wire if op.action == "send"], "read"),
        *anchors(conversation.handed_back(turn.number), "read"),
    ]
    kept = find_places(conversation, turn) if marker == turn.marker else find_whereabouts(conversation, marker)
    found += [use for place in kept for use in place.uses]
    unique: dict[tuple[str, int], Anchor] = {}
    for place in found:
        if (place.path, place.line) != (anchor.path, anchor.line):
            unique.setdefault((place.path, place.line), place)
    return tuple(unique.values())
