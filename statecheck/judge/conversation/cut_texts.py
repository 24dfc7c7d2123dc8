"""Which texts of several lines, or of some length, came back cut: they begin and end with a marker. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from statecheck.probe.markers import read_markers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from statecheck.judge.conversation.conversation import Conversation
    from statecheck.judge.conversation.sent import Sent

_BROKEN = 500  # answers from here on say that the app failed, and not that it refuses


@dataclass(frozen=True, slots=True)
class Cut:
    """A text that did not come back whole.

    Attributes:
        sent, reader: the turn that said it, and the next one that was answered, or failed.
        lines: it has several lines; else it is long.
        left: what of it later turns were given; `refusals`: they were refused from then on.
    """

    sent: Sent
    reader: Sent
    lines: bool
    left: Literal["beginning", "end", "nothing", "refusals"]

    @property
    def what(self) -> str:
        """What became of it, in words."""
        how = "several lines" if self.lines else "some hundred characters"
        if self.left == "refusals":
            return f"turn {self.sent.number}, of {how}, was taken, and turns after it were refused: {self.reader.note}"
        given = {"nothing": "nothing", "end": "the end alone"}.get(self.left, "the beginning alone")
        return f"turn {self.reader.number} was given {given} of turn {self.sent.number}, which had {how}"


def find_cut(conversation: Conversation) -> Cut | None:
    """Return the first text of which later turns were not given both ends.

    Nothing is said of one that was refused; nor where all of it is missing because a limit of the app's code may have
    dropped it, or it was the second.
    """
    texts = {op.turn: op.text for op in conversation.select("turn") if op.type == "invoke"}
    turns = conversation.turns
    for position, sent in enumerate(turns):
        ends = read_markers(texts.get(sent.number, ""))
        later = turns[position + 1 :]
        if len(ends) < 2 or sent.status != "ok" or not later:
            continue
        lines = "\n" in texts[sent.number]
        if all(turn.status == "fail" and turn.code >= _BROKEN for turn in later) and not position:
            return Cut(sent, later[0], lines, "refusals")
        answered = [turn for turn in later if turn.status == "ok"]
        if answered:
            beginning, end = (_is_given(conversation, answered, each) for each in (ends[0], ends[-1]))
            if beginning and not end:
                return Cut(sent, answered[0], lines, "beginning")
            if end and not beginning and not _uses_tools(conversation):
                return Cut(sent, answered[0], lines, "end")
            if not beginning and not end and not position and next(conversation.select("window"), None) is None:
                return Cut(sent, answered[0], lines, "nothing")
    return None


def _is_given(conversation: Conversation, turns: Sequence[Sent], marker: str) -> bool:
    return any(marker in op.markers for turn in turns for op in conversation.select("model", turn.number))


def _uses_tools(conversation: Conversation) -> bool:
    """Whether a tool was called: a model hands it the end of what it was told."""
    return any(op.tool for op in conversation.select())
