"""How the time of `analyze` grows with the ops of a run; prints seconds and growth, exits 1 where it is not linear.

    python benchmarks/analyze.py [--most 13]

Each shape of run is made of 1,000, 10,000 and 100,000 ops, spread over all experiments: conversations get longer. A run
is kept as `diagnose` keeps it and judged from its folder, decoding included. The sizes take turns, so that neighbours
disturb all alike, and the least of several counts, in processor time. The shapes take different ways through the judge:

    memory    a store, a service and a file take each turn; a later one is given the newest eight: a loss to explain
    counter   no marker is kept, a Context's value goes from turn to turn: every turn was given all before it
    answers   no model is called, and the answers count: all before each turn, again
"""

from __future__ import annotations

import argparse
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from statecheck.diagnose import analyze
from statecheck.experiments import CONTROL, REPORTED, find_experiment
from statecheck.history import Frame, History, Op
from statecheck.kept.meta import RunMeta
from statecheck.kept.runs import KeptRun, keep_run
from statecheck.model import Anchor, TargetName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from statecheck.probe.ops import OpKind, OpType

SIZES = (1_000, 10_000, 100_000)
ROUNDS = 5
NAMES = (*REPORTED, CONTROL)
WINDOW = 8
FRAMES = (Frame("app.py", 9, "chat"), Frame("app.py", 3, "<module>"))


def marker(turn: int) -> str:
    """The marker of a turn."""
    return f"sc-m{turn:08x}"


class Clock:
    """Makes ops of one worker, each a little later than the one before."""

    def __init__(self) -> None:
        self.now = 0

    def op(self, turn: int, f: OpKind, type_: OpType = "ok", **fields: object) -> Op:
        """An op of now."""
        self.now += 10
        return Op(self.now, type_, f, 7, 1, turn, **fields)  # type: ignore[arg-type]  # as the shapes below give them


def memory(clock: Clock, turn: int) -> Iterator[Op]:
    """A turn that is put into a memory, a service and a file, and given the newest few."""
    newest = tuple(map(marker, range(max(1, turn - WINDOW), turn)))
    yield clock.op(turn, "memory", action="build", cls="Memory", obj=turn, key="sc-1", frames=FRAMES)
    yield clock.op(turn, "memory", action="read", cls="Memory", obj=turn, key="sc-1", markers=newest, frames=FRAMES)
    yield clock.op(turn, "wire", action="send", where="127.0.0.1:6379", text="*2\r\n$3\r\nGET\r\n$4\r\nsc-1\r\n")
    yield clock.op(turn, "model", action="read", cls="EchoLLM", markers=(*newest, marker(turn)), frames=FRAMES)
    yield clock.op(turn, "memory", action="write", cls="Memory", obj=turn, key="sc-1", markers=(marker(turn),))
    said = "*3\r\n$5\r\nRPUSH\r\n$4\r\nsc-1\r\n"
    yield clock.op(turn, "wire", action="write", where="127.0.0.1:6379", text=said, markers=(marker(turn),))
    yield clock.op(turn, "file", action="write", where="said.txt", frames=FRAMES)
    yield clock.op(turn, "place", where="app.said", markers=(marker(turn),))
    yield clock.op(turn, "blocked", where=f"host-{turn}.example.com:443")
    yield clock.op(0, "gone", cls="Memory", obj=turn)


def counter(clock: Clock, turn: int) -> Iterator[Op]:
    """A turn that counts on in a value of a Context."""
    run = f"run-{turn}"
    yield clock.op(turn, "context", action="build", cls="Context", obj=turn, frames=FRAMES)
    yield clock.op(turn, "run", action="call", obj=turn, run=run, arguments=("ctx",), frames=FRAMES)
    yield clock.op(turn, "ctx-store", action="read", name="count", text=str(turn - 1), run=run, frames=FRAMES)
    yield clock.op(turn, "model", action="read", cls="EchoLLM", markers=(marker(turn),), frames=FRAMES)
    yield clock.op(turn, "ctx-store", action="write", name="count", text=str(turn), run=run, frames=FRAMES)
    yield clock.op(turn, "context", action="to_dict", cls="Context", obj=turn, frames=FRAMES)


def answers(clock: Clock, turn: int) -> Iterator[Op]:
    """A turn of which nothing but its answer is seen."""
    yield clock.op(turn, "file", action="read", where="count.txt", frames=FRAMES)
    yield clock.op(turn, "file", action="write", where="count.txt", frames=FRAMES)


SHAPES: dict[str, Callable[[Clock, int], Iterator[Op]]] = {"memory": memory, "counter": counter, "answers": answers}


def make_history(name: str, shape: Callable[[Clock, int], Iterator[Op]], size: int) -> History:
    """A history of this many ops, or a few more."""
    clock, turn = Clock(), 0
    ops = [clock.op(0, "warm-up", text="visit 1")]
    if find_experiment(name).overlapping:
        ops.append(clock.op(2, "overlap", "info", held=8))
    while len(ops) < size:
        turn += 1
        marked, text = (marker(turn),), f"Please note that my code word is {marker(turn)}."
        ops.append(clock.op(turn, "turn", "invoke", key="sc-1", markers=marked, text=text))
        ops += shape(clock, turn)
        ops.append(clock.op(turn, "turn", key="sc-1", markers=marked, text=f"visit {turn}", status=200))
    return History(name, tuple(ops))


def keep(shape: Callable[[Clock, int], Iterator[Op]], size: int, home: Path) -> Path:
    """Keep a run of this many ops in all; return its folder."""
    histories = {name: make_history(name, shape, size // len(NAMES)) for name in NAMES}
    ops = {name: len(history.ops) for name, history in histories.items()}
    meta = RunMeta(TargetName("app.py", "app", "fastapi"), Anchor("app.py", 1), ops=ops)
    return home / keep_run(KeptRun(meta, histories), home).path


def measure(shape: Callable[[Clock, int], Iterator[Op]], home: Path) -> list[float]:
    """The processor time that `analyze` takes for a run of each size: the least over rounds in which all take turns."""
    folders = [keep(shape, size, home) for size in SIZES]
    least = [float("inf") for _ in SIZES]
    for _ in range(ROUNDS):
        for at, folder in enumerate(folders):
            for _ in range(len(folders) - at):
                started = time.process_time()
                analyze(folder)
                least[at] = min(least[at], time.process_time() - started)
    return least


def main() -> None:
    """Measure all shapes and sizes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--most", type=float, default=13.0, help="growth of the time with ten times the ops")
    most = parser.parse_args().most
    fails = False
    with tempfile.TemporaryDirectory() as folder:
        for name, shape in SHAPES.items():
            seconds = measure(shape, Path(folder))
            growth = [after / before for before, after in pairwise(seconds)]
            fails = fails or any(factor > most for factor in growth)
            times = ", ".join(f"{size:,} ops {took:.3f} s" for size, took in zip(SIZES, seconds, strict=True))
            print(f"{name}: {times}; growth {', '.join(f'{factor:.1f}' for factor in growth)} (at most {most:g})")
    raise SystemExit(int(fails))


if __name__ == "__main__":
    main()
