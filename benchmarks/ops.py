"""What one op of the recorder costs, or one OpenTelemetry span that says as much; prints seconds for each.

    python benchmarks/ops.py op|span NUMBER

Both are made below the same stack: a user's function that library code called, some frames down. The op is what a
hook on a chat store records, with the user's frames, written with one `write`. The span has six attributes (the same
values) and goes through a batch processor to an exporter that drops it: nothing of a network is counted.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

DEPTH = 12  # frames of a server and a framework between the interpreter and the user's handler


def recorder(file: int) -> Callable[[int], None]:
    """One op, as a hook records it."""
    from statecheck.probe.recorder import RECORDER, TURN

    RECORDER.open(file, (str(Path(__file__).resolve().parent),))
    TURN.set(40000)

    def op(number: int) -> None:
        RECORDER.emit(
            "chat-store",
            action="write",
            cls="SimpleChatStore",
            obj=7,
            key=f"sc-{number:012x}",
            markers=[f"sc-m{number:08x}"],
            frames=RECORDER.frames(1),
        )

    return op


class Dropped:
    """An exporter that drops what it gets."""

    def export(self, spans: object) -> None:
        """Take spans."""

    def shutdown(self) -> None:
        """Have nothing to end."""

    def force_flush(self, timeout_millis: int = 0) -> bool:  # noqa: ARG002 - as the SDK calls it
        """Have nothing to flush."""
        return True


def tracer() -> Callable[[int], None]:
    """One span with six attributes."""
    from importlib import import_module  # it is no dependency: type checkers need not find it

    sdk = import_module("opentelemetry.sdk.trace")
    export = import_module("opentelemetry.sdk.trace.export")
    provider = sdk.TracerProvider()
    provider.add_span_processor(export.BatchSpanProcessor(Dropped()))
    tracer = provider.get_tracer("benchmark")

    def span(number: int) -> None:
        with tracer.start_as_current_span("chat-store") as made:
            made.set_attribute("action", "write")
            made.set_attribute("class", "SimpleChatStore")
            made.set_attribute("object", 7)
            made.set_attribute("key", f"sc-{number:012x}")
            made.set_attribute("marker", f"sc-m{number:08x}")
            made.set_attribute("turn", 40000)

    return span


def below(depth: int, work: Callable[[int], None], count: int) -> float:
    """Call `work` from that many frames further down; seconds for each."""
    if depth:
        return below(depth - 1, work, count)
    for number in range(count // 10):
        work(number)
    started = time.perf_counter()
    for number in range(count):
        work(number)
    return (time.perf_counter() - started) / count


def main() -> None:
    """Measure one of the two and print it."""
    name, count = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryFile() as file:
        work = recorder(file.fileno()) if name == "op" else tracer()
        print(below(DEPTH, work, count))


if __name__ == "__main__":
    main()
