"""Simulated conversation stores of known strength, served to the experiments: what the checks must tell apart.

The experiments are the lab's own data, so a simulated run has the turns that a real one has. Which turns overlap, in
which order they load and save and which are refused is left to hypothesis.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from histories import marker

from statecheck.experiments import find_experiment
from statecheck.history import History, Op
from statecheck.steps import Overlap, Start, Step, Take

if TYPE_CHECKING:
    from collections.abc import Sequence

    from statecheck.probe.ops import OpKind, OpType

Conversation = tuple[str, ...]


@dataclass
class Store:
    """A store that keeps every turn, whatever happens. The others are weaker in one way each."""

    kept: dict[object, Conversation] = field(default_factory=dict)

    def place(self, worker: str, life: int, disk: int, session: int) -> object:
        """What a turn's conversation is found by."""
        return session

    def load(self, place: object) -> Conversation:
        """What the model is given of the turns before."""
        return self.kept.get(place, ())

    def save(self, place: object, loaded: Conversation, turn: str) -> None:
        """Keep a turn, once its model has answered."""
        self.kept[place] = (*self.kept.get(place, ()), turn)


class Forgetful(Store):
    """Each request has a store of its own."""

    def save(self, place: object, loaded: Conversation, turn: str) -> None:
        return


class Overwriting(Store):
    """Load, model call, save: the last one to save wins."""

    def save(self, place: object, loaded: Conversation, turn: str) -> None:
        self.kept[place] = (*loaded, turn)


@dataclass
class Truncating(Overwriting):
    """A file that each turn opens for reading and writing: who comes before the first has saved finds it empty."""

    loading: int = 0

    def load(self, place: object) -> Conversation:
        self.loading += 1
        return super().load(place) if self.loading == 1 else ()

    def save(self, place: object, loaded: Conversation, turn: str) -> None:
        super().save(place, loaded, turn)
        self.loading -= 1


class Splitting(Store):
    """Process memory: each life of a worker has its own."""

    def place(self, worker: str, life: int, disk: int, session: int) -> object:
        return life, session


class OnDisk(Store):
    """A file in the container."""

    def place(self, worker: str, life: int, disk: int, session: int) -> object:
        return disk, session


@dataclass
class Swapping(Store):
    """Who is talking is one attribute, set when a turn loads and read when one saves."""

    current: object = None

    def load(self, place: object) -> Conversation:
        self.current = place
        return super().load(place)

    def save(self, place: object, loaded: Conversation, turn: str) -> None:
        super().save(self.current, loaded, turn)


@dataclass
class OneFile(Store):
    """All sessions are one file: loaded whole, and saved whole when the model has answered."""

    loaded: dict[object, dict[object, Conversation]] = field(default_factory=dict)

    def load(self, place: object) -> Conversation:
        self.loaded[place] = dict(self.kept)
        return super().load(place)

    def save(self, place: object, loaded: Conversation, turn: str) -> None:
        self.kept = {**self.loaded[place], place: (*loaded, turn)}


@dataclass
class Small(Store):
    """A cache of one session: another's turn pushes it out."""

    def load(self, place: object) -> Conversation:
        self.kept = {place: self.kept.get(place, ())}
        return super().load(place)


class Leaking(Store):
    """One key for all sessions."""

    def place(self, worker: str, life: int, disk: int, session: int) -> object:
        return "chat_history"


@dataclass
class Window(Store):
    """Keeps every turn and gives the model only the newest: a token limit."""

    size: int = 3

    def load(self, place: object) -> Conversation:
        return super().load(place)[-self.size :]


@dataclass(frozen=True)
class Overlapping:
    """How overlapping turns go: `order` has each of them twice, its load and then its save; some are refused."""

    order: Sequence[int]
    refused: frozenset[int] = frozenset()


class Says(Protocol):
    """What an app that calls no model answers to what it takes for a session's n-th turn, in a life of a worker."""

    def __call__(self, number: int, life: int) -> str: ...


def serve(store: Store, experiment: str, how: Overlapping | None = None, says: Says | None = None) -> History:
    """The history of one experiment on this store. An app that `says` something calls no model."""
    run = _Run(store, how or Overlapping(()), says)
    for step in find_experiment(experiment).steps:
        run.take(step)
    return History(experiment, tuple(run.ops))


@dataclass
class _Run:
    """One experiment under way: the steps are those that the lab's driver takes."""

    store: Store
    how: Overlapping
    says: Says | None = None
    ops: list[Op] = field(default_factory=list)
    workers: dict[str, tuple[int, int]] = field(default_factory=dict)
    sent: int = 0
    lives: int = 0

    def take(self, step: Step) -> None:
        if isinstance(step, Start):
            self.lives += 1
            self.workers[step.worker] = (self.lives, step.disk)
            if step.warm and self.says is not None:
                text = self.says(1, self.lives)
                self.ops.append(Op(10 * len(self.ops), "ok", "warm-up", generation=self.lives, text=text))
        elif isinstance(step, Take) and not step.once_more:  # these stores write nothing late
            self.sent += 1
            self._send(self.sent, step.worker, step.session)
            loaded = self._load(self.sent, step.worker, step.session)
            self._answer(self.sent, step.worker, step.session, loaded)
        elif isinstance(step, Overlap):
            self._overlap(step)

    def _overlap(self, step: Overlap) -> None:
        first, self.sent = self.sent + 1, self.sent + step.turns
        at = {first + number: step.workers[number % len(step.workers)] for number in range(step.turns)}
        of = {first + number: step.sessions[number % len(step.sessions)] for number in range(step.turns)}
        loaded: dict[int, Conversation] = {}
        for turn, worker in at.items():
            self._send(turn, worker, of[turn])
        for number in self.how.order:
            turn = first + number
            if turn not in at:
                continue
            if turn not in loaded:
                loaded[turn] = self._load(turn, at[turn], of[turn])
            elif number in self.how.refused:
                self._record("fail", "turn", turn, at[turn], status=500)
            else:
                self._answer(turn, at[turn], of[turn], loaded[turn])
        self.ops.append(Op(10 * len(self.ops), "info", "overlap", turn=first, held=step.turns))

    def _send(self, turn: int, worker: str, session: int) -> None:
        self._record("invoke", "turn", turn, worker, key=f"sc-{session}")

    def _load(self, turn: int, worker: str, session: int) -> Conversation:
        loaded = self.store.load(self._place(worker, session))
        if self.says is None:
            self._record("ok", "model", turn, worker, before=loaded, action="read")
        return loaded

    def _answer(self, turn: int, worker: str, session: int, loaded: Conversation) -> None:
        self.store.save(self._place(worker, session), loaded, marker(turn))
        text = self.says(len(loaded) + 1, self.workers[worker][0]) if self.says is not None else ""
        self._record("ok", "turn", turn, worker, status=200, text=text)

    def _place(self, worker: str, session: int) -> object:
        return self.store.place(worker, *self.workers[worker], session)

    def _record(self, type_: OpType, f: OpKind, turn: int, worker: str, before: Conversation = (), **more: Any) -> None:
        life = self.workers[worker][0]
        markers = (*before, marker(turn))
        self.ops.append(Op(10 * len(self.ops), type_, f, 6 + life, life, turn, markers=markers, **more))
