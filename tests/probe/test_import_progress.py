"""What the lab is told while modules are imported."""

from __future__ import annotations

import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from statecheck.probe import hooks
from statecheck.probe.channel import Channel
from statecheck.probe.progress import IMPORTS, Imports, run_program

if TYPE_CHECKING:
    from collections.abc import Iterator


Pair = tuple[Channel, Channel]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """The lab's end of a channel and the probe's."""
    ends = [Channel(end) for end in socket.socketpair()]
    yield ends[0], ends[1]
    for end in ends:
        end.close()


def clock(monkeypatch: pytest.MonkeyPatch, *seconds: float) -> None:
    times: Iterator[float] = iter(seconds)
    monkeypatch.setattr("statecheck.probe.progress.time.monotonic", lambda: next(times))


def test_imports_are_told_once_a_second(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pair
    imports = Imports()
    imports.begin(theirs)
    clock(monkeypatch, 100.0, 100.9, 101.1)

    for module in ("torch", "torch.nn", "torch.cuda"):
        imports.note(module)

    assert [ours.receive(5)[0]["importing"] for _ in range(2)] == ["torch", "torch.cuda"]


def test_what_is_imported_while_a_message_is_sent_waits_for_nobody() -> None:
    imports = Imports()

    class Importing(socket.socket):
        """Its bytes go out when a finalizer has imported something, as one may at any time."""

        def sendmsg(self, *what: Any) -> int:
            imports.note("late")
            return super().sendmsg(*what)

    end, other = socket.socketpair()
    with Importing(fileno=end.detach()) as mine, other:
        theirs = Channel(mine)
        imports.begin(theirs)
        sending = threading.Thread(target=theirs.send, args=({"answer": 1},), daemon=True)
        sending.start()
        sending.join(5)

        assert not sending.is_alive()
        assert Channel(other).receive(5)[0] == {"answer": 1}


def test_nothing_is_told_before_and_after(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pair
    imports = Imports()
    clock(monkeypatch, 100.0, 102.0, 104.0)

    imports.note("early")
    imports.begin(theirs)
    imports.note("torch")
    imports.end()
    imports.note("late")
    theirs.send({"last": True})

    assert [ours.receive(5)[0] for _ in range(2)] == [{"importing": "torch"}, {"last": True}]


def test_a_lab_that_is_gone_is_told_nothing_more(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pair
    imports = Imports()
    imports.begin(theirs)
    ours.close()
    clock(monkeypatch, 100.0, 102.0)

    imports.note("torch")
    imports.note("torch.nn")


def test_every_module_that_is_looked_for_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[str] = []
    monkeypatch.setattr(IMPORTS, "note", noted.append)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    hooks.install()

    assert sys.meta_path[0].find_spec("nowhere.to.be.found", None, None) is None
    assert noted == ["nowhere.to.be.found"]


_BUSY = "import time\nend = time.process_time() + 1.2\nwhile time.process_time() < end: pass"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells what a process uses")
def test_a_program_that_works_is_told_of_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[str] = []
    monkeypatch.setattr(IMPORTS, "note", noted.append)

    run_program([sys.executable, "-c", _BUSY], "/")

    assert set(noted) == {f"-c {_BUSY}"}


def test_a_program_that_waits_is_not_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[str] = []
    monkeypatch.setattr(IMPORTS, "note", noted.append)
    monkeypatch.setattr("statecheck.probe.progress._SECONDS", 0.1)
    monkeypatch.setattr("statecheck.probe.progress._read_used", lambda _pid: b"")

    run_program([sys.executable, "-c", "import sys; sys.stdin.read(0)"], "/")

    assert noted == []
