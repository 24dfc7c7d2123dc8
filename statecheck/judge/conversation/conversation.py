"""What a history says of each turn: what it wrote and what it was given."""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import cached_property
from typing import TYPE_CHECKING

from statecheck.experiments import SESSIONS
from statecheck.judge.conversation.answer_scale import split_words
from statecheck.judge.conversation.state_values import StateValues
from statecheck.judge.conversation.turn_index import TurnIndex, Turns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from statecheck.history import History, Op
    from statecheck.judge.conversation.answer_scale import Scale
    from statecheck.judge.conversation.sent import Channel, Sent
    from statecheck.probe.ops import OpAction, OpKind

WRITES: tuple[OpAction, ...] = ("write", "overwrite", "mutate")
"""What puts something into state; `mutate` does so only where the state is in memory."""
STATE: tuple[OpKind, ...] = ("memory", "chat-store", "ctx-store", "block")
_FRAMEWORKS: tuple[OpKind, ...] = ("session", "cache")
_OUTSIDE: tuple[OpKind, ...] = ("sql", "file", "wire")
_BEFORE = 8  # characters before a marker that tell who says it
_RESP = re.compile(r"\*\d+\r\n\$\d+\r\n(\w+)\r\n\$\d+\r\n([^\r]*)\r\n")


class Conversation(TurnIndex):
    """One experiment's history, made ready for questions. What an answer takes is computed once, when it is asked for.

    Args:
        scale: how far answers show the conversation to be, where that is what shows it.
    """

    def __init__(self, history: History, scale: Scale | None = None) -> None:
        super().__init__(history.ops)
        self.experiment = history.experiment
        self._scale = scale
        self._given: dict[tuple[int, Channel], Turns] = {}

    @cached_property
    def _keys(self) -> frozenset[str]:
        """The session keys of all turns."""
        return frozenset(turn.key for turn in self.turns if turn.key)

    @cached_property
    def overlap(self) -> tuple[Sequence[Sent], Sequence[Sent], Sent | None]:
        """(turns before the overlap, turns that overlapped, the sequential turn that reads afterwards)."""
        mark = next(self.select("overlap"), None)
        turns = [turn for turn in self.turns if turn != self.once_more]
        if mark is None or len(turns) < 3:
            return turns, (), None
        before = [turn for turn in turns if turn.number < mark.turn]
        during = [turn for turn in turns[:-1] if turn.number >= mark.turn]
        if self.experiment in SESSIONS:  # each session has a turn that reads
            during = [turn for turn in during if turn.sent < mark.time]
        return before, during, turns[-1]

    @cached_property
    def once_more(self) -> Sent | None:
        """The turn that asked again what the one that reads had asked, if there is one."""
        mark = next(self.select("once-more"), None)
        return next((turn for turn in self.turns if mark is not None and turn.number == mark.turn), None)

    @cached_property
    def held(self) -> int:
        """The greatest number of overlapping turns that were held at once; 0 where none overlapped."""
        mark = next(self.select("overlap"), None)
        return mark.held if mark is not None else 0

    @cached_property
    def in_tabs(self) -> bool:
        """Whether each overlapping turn came from a tab of its own."""
        mark = next(self.select("overlap"), None)
        return mark is not None and mark.tabs

    # -------------------------------------------------------------------------------------------- what a turn was given

    def given(self, turn: Sent, channel: Channel) -> Turns:
        """The turns that a turn was given through one channel.

        The model's input, what it read, its answer, or how far its answer shows the conversation to be.
        """
        known = self._given.get((turn.number, channel))
        if known is None:
            known = self._given[turn.number, channel] = self._read_given(turn, channel)
        return known

    def _read_given(self, turn: Sent, channel: Channel) -> Turns:
        if channel == "model":
            return self._in_ops(self.select("model", turn.number))
        if channel == "state":
            reads = self.shown_reads(turn)
            marked = any(op.markers for op in reads)
            taken = self.of_numbers((turn.answers,)) if self.takes_answer(turn) else 0
            return taken | (self._in_ops(reads) if marked else self.state_values.read_back(turn.number))
        if channel == "progress":
            return self._read_progress(turn) if self._scale is not None else 0
        from statecheck.probe.markers import read_markers

        return self.of_markers(read_markers(turn.answer))

    def _in_ops(self, ops: Iterable[Op]) -> Turns:
        return self.of_markers(marker for op in ops for marker in op.markers)

    def _read_progress(self, turn: Sent) -> Turns:
        """The turns that a later one shows by its answer. Off the scale, nothing is missing."""
        earlier = bisect_left(self.numbers, turn.number)
        if not earlier or self.experiment in SESSIONS:
            return 0
        words = split_words(turn.answer, turn.key)
        reached = self._scale.reached(words) if self._scale is not None and turn.status == "ok" else []
        before = bisect_left(reached, turn.number)
        if not before or turn.number in reached[before : before + 1]:
            return self.first(earlier)
        return self.first(min(reached[before - 1] - 1, earlier))

    def is_given(self, turn: Sent, earlier: Sent, channel: Channel) -> bool:
        """Whether a turn was given another through a channel."""
        return bool(self.given(turn, channel) & self._marked_by.get(earlier.marker, 0))

    def calls_model(self, turn: int) -> bool:
        """Whether a turn called a model at all."""
        return next(self.select("model", turn), None) is not None

    def takes_answer(self, turn: Sent) -> bool:
        """Whether a turn answered what was asked before, and a run was given that answer."""
        return bool(turn.answers) and turn.status == "ok" and any(self.select("answers", turn.number))

    @cached_property
    def _has_answers(self) -> bool:
        return any(turn.answers for turn in self.turns)

    def run_of(self, turn: Sent) -> Turns:
        """The turns that a turn goes on with: all, but where turns answer what was asked, that one or none."""
        if not self._has_answers:
            return (1 << len(self.turns)) - 1
        return self.of_numbers((turn.answers,))

    def channels(self, turn: Sent) -> tuple[Channel, ...]:
        """The channels that can show what a turn remembers, the strongest first.

        The model's input, where a model is called. An echo model repeats in its answer what it was given, so an answer
        counts where no model was called, or where the app keeps what it shows in memory of its own.
        """
        if not self.calls_model(turn.number):
            return "answer", "state", "progress"
        return ("model", "state", "answer") if self._shows_its_own(turn) else ("model", "state")

    def _shows_its_own(self, turn: Sent) -> bool:
        """Whether an answer may show what the app itself keeps in memory of an earlier turn, where no store does."""
        earlier = [each for each in self.turns if each.number < turn.number]
        kept = [each for each in earlier if any(op.is_text for op in self.with_marker("place", each.marker))]
        return bool(kept) and not any(self.writes(each.number, each.marker) for each in kept)

    def remembered_by(self, turn: Sent, earlier: Sent) -> Channel | None:
        """The strongest channel through which a turn was given another, or None."""
        return next((channel for channel in self.channels(turn) if self.is_given(turn, earlier, channel)), None)

    # ------------------------------------------------------------------------------ what a turn wrote to state and read

    @cached_property
    def state_values(self) -> StateValues:
        """Values of a Context's store that stand in for a marker."""
        return StateValues(self.select("ctx-store"), self.of_numbers)

    @cached_property
    def _state(self) -> dict[int, list[Op]]:
        """{turn: its ops on conversation state, construction included, but for what is scratch}."""
        found: dict[int, list[Op]] = {}
        for op in self.ops:
            if op.f in STATE and not self.state_values.is_scratch(op):
                found.setdefault(op.turn, []).append(op)
        return found

    def state_ops(self, turn: int) -> Sequence[Op]:
        """All ops of a turn on conversation state, construction included."""
        return self._state.get(turn, ())

    def own_reads(self, turn: int) -> list[Op]:
        """Reads of conversation state in this turn."""
        return [op for op in self.state_ops(turn) if op.action in ("read", "load") and op.type == "ok"]

    def shown_reads(self, turn: Sent) -> list[Op]:
        """Reads that show what a turn was given.

        The load of a file or table that holds all sessions shows nothing yet: what is asked of it is read afterwards.
        Nor does a read under the key of another session (to tidy up, to list them all) beside one under its own.
        """
        reads = [op for op in self.own_reads(turn.number) if op.action == "read"]
        keys = {op.key for op in reads}
        own = {key for key in keys if key is not None and turn.key and turn.key in key}
        others = self._keys - {turn.key} if own and keys != own else ()
        aside = {key for key in keys - own if key is not None and any(other in key for other in others)}
        return [op for op in reads if op.key not in aside]

    def writes(self, turn: int, marker: str) -> list[Op]:
        """Acknowledged writes of this marker to conversation state in this turn, in order.

        Where there are none: those to Context values that stand in for it.
        """
        written = [
            op for op in self.state_ops(turn) if op.action in WRITES and op.type == "ok" and marker in op.markers
        ]
        return written or self.state_values.changed(turn)

    def stored_outside(self, turn: Sent) -> list[Op]:
        """Writes of a turn's text to databases, then to files and services, each in order."""
        return [op for f in _OUTSIDE for op in self.select(f, turn.number, "write") if turn.marker in op.markers]

    @cached_property
    def _writers(self) -> dict[str, Turns]:
        set_here = {op.name for op in self.select("ctx-store", action="write")}
        found: dict[str, Turns] = {}
        for position, turn in enumerate(self.turns):
            for op in self.writes(turn.number, turn.marker):
                marked = op.f == "ctx-store" and turn.marker in op.markers
                if marked and not (op.action == "mutate" and op.name in set_here):
                    found[op.name] = found.get(op.name, 0) | 1 << position
        return found

    def writers_of(self, name: str) -> Turns:
        """The turns that wrote their marker to a Context's value; not those that changed one which others set."""
        return self._writers.get(name, 0)

    def handed_over(self, marker: str, turn: int | None = None) -> list[Op]:
        """What the app gave its framework to keep with this marker: writes to a session or cache, else its reads there.

        A list in a session may be appended to in place: then only the read of it is seen. A cache of answers, in which
        the user's words are not, keeps no conversation.
        """
        marked = [op for f in _FRAMEWORKS for op in self.with_marker(f, marker) if op.frames]
        kept = [op for op in marked if turn is None or op.turn == turn]
        kept = [op for op in kept if op.f != "cache" or marker not in op.text or self.is_said(op.text, marker)]
        return [op for op in kept if op.action == "write"] or kept

    @cached_property
    def _said(self) -> dict[str, str]:
        """{marker: the text that was sent with it}."""
        found: dict[str, str] = {}
        for op in self.select("turn"):
            for marker in op.markers if op.type == "invoke" else ():
                found.setdefault(marker, op.text)
        return found

    def is_said(self, text: str, marker: str) -> bool:
        """Whether a text has the words that stand before the marker where the user says it, not those of an answer."""
        said = self._said.get(marker, "")
        return said.partition(marker)[0][-_BEFORE:].lower() in text.lower()

    def handed_back(self, turn: int) -> list[Op]:
        """What the app asked its framework's session or cache for in this turn."""
        return [op for f in _FRAMEWORKS for op in self.select(f, turn, "read") if op.frames]

    def find_unsaved(self, turn: Sent) -> Op | None:
        """The change of a framework's session in place, which marks nothing to be saved, that a turn was put into."""
        changes = self.select("session", turn.number, "mutate")
        return next((op for op in changes if turn.marker in op.markers), None)

    @cached_property
    def unsaved(self) -> Turns:
        """The turns of which there is such a change."""
        changed = {op.turn for op in self.select("session", action="mutate")}
        return self.set_of(t for t in self.turns if t.number in changed and self.find_unsaved(t) is not None)

    def find_refusal(self, turn: Sent) -> Op | None:
        """The refusal of a signature in a turn: of a cookie, or a stored session, that another process has signed."""
        return next((op for op in self.select("signature", turn.number) if op.type == "fail"), None)

    def find_request(self, turn: Sent) -> Op | None:
        """What a turn's run asked a person, where nobody answered it in that turn."""
        answered = any(self.select("answers", turn.number))
        return None if answered else next(self.select("asks", turn.number), None)


def service_key(text: str) -> str | None:
    """The key of a Redis command as it goes over the wire; None for other protocols."""
    found = _RESP.match(text)
    return found[2] if found else None
