"""Simulated conversation stores of known strength, served to the experiments: what the checks must tell apart.

The experiments are the lab's own data, so a simulated run has the turns that a real one has. Which turns overlap, in
which order they load and save and which are refused is left to hypothesis.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from histories import marker

from statecheck.history import History, Op
from statecheck.lab.experiments import EXPERIMENTS, Kill, Locate, Overlap, Start, Take

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


class Splitting(Store):
    """Process memory: each life of a worker has its own."""

    def place(self, worker: str, life: int, disk: int, session: int) -> object:
        return life, session


class OnDisk(Store):
    """A file in the container."""

    def place(self, worker: str, life: int, disk: int, session: int) -> object:
        return disk, session


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


def serve(store: Store, experiment: str, how: Overlapping | None = None) -> History:
    """The history of one experiment on this store."""
    return History(experiment, tuple(_serve(store, experiment, how)))


def _serve(store: Store, experiment: str, how: Overlapping | None) -> Iterator[Op]:
    steps = next(one.steps for one in EXPERIMENTS if one.name == experiment)
    workers: dict[str, tuple[int, int]] = {}
    lives = 0
    clock = 0
    sent = 0

    def op(type_: str, f: str, turn: int, worker: str, session: int, markers: Conversation = (), **more: object) -> Op:
        nonlocal clock
        clock += 10
        life = workers[worker][0]
        key = f"sc-{session}" if f == "turn" else None
        return Op(clock, type_, f, 6 + life, life, turn, key=key, markers=markers, **more)  # type: ignore[arg-type]

    def place(worker: str, session: int) -> object:
        return store.place(worker, *workers[worker], session)

    for step in steps:
        match step:
            case Start():
                lives += 1
                workers[step.worker] = (lives, step.disk)
            case Kill() | Locate():
                pass
            case Take():
                sent += 1
                own = marker(sent)
                yield op("invoke", "turn", sent, step.worker, step.session, (own,))
                loaded = store.load(place(step.worker, step.session))
                yield op("ok", "model", sent, step.worker, step.session, (*loaded, own), action="read")
                store.save(place(step.worker, step.session), loaded, own)
                yield op("ok", "turn", sent, step.worker, step.session, (own,), note="200")
            case Overlap():
                assert how is not None
                first, sent = sent + 1, sent + step.turns
                loads: dict[int, Conversation] = {}
                at = {first + number: step.workers[number % len(step.workers)] for number in range(step.turns)}
                for turn, worker in at.items():
                    yield op("invoke", "turn", turn, worker, 1, (marker(turn),))
                for number in how.order:
                    turn = first + number
                    worker, own = at[turn], marker(turn)
                    if turn not in loads:
                        loads[turn] = store.load(place(worker, 1))
                        yield op("ok", "model", turn, worker, 1, (*loads[turn], own), action="read")
                    elif number in how.refused:
                        yield op("fail", "turn", turn, worker, 1, (own,), note="HTTP 500")
                    else:
                        store.save(place(worker, 1), loads[turn], own)
                        yield op("ok", "turn", turn, worker, 1, (own,), note="200")
                clock += 10
                yield Op(clock, "info", "overlap", turn=first, note=str(step.turns))
