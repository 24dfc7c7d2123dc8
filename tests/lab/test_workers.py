"""What a lab says of a warm parent that does not answer, and what it takes from workers that tell nonsense."""

from __future__ import annotations

import os
import socket
import threading
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import pytest

from statecheck.errors import ExitCode, StatecheckError
from statecheck.history import History, Op
from statecheck.lab.workers.pool import Lab, make_warm_request
from statecheck.lab.workers.worker import Worker
from statecheck.probe.channel import Channel, Closed
from statecheck.probe.ops import MOST_RECORDED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from statecheck.lab.workers.launch import Launched
    from statecheck.probe.channel import Message


class Silent:
    """A run whose process does not answer, and its own channel."""

    isolation, error = "namespace", cast("Exception", TimeoutError("timed out"))
    ahead: Message | None = None

    @property
    def channel(self) -> Any:
        return self

    def send(self, message: object, descriptors: object) -> None: ...

    def receive(self, seconds: float) -> None:
        raise self.error

    def describe_end(self) -> tuple[str, str]:
        return "was killed by SIGKILL", "no memory"


@pytest.mark.parametrize(
    ("error", "slug", "code"),
    [
        (TimeoutError("timed out"), "libraries-hang", ExitCode.INCONCLUSIVE),
        (Closed(), "lab-lost", ExitCode.INTERNAL),
    ],
)
def test_libraries_that_take_long_are_no_fault_of_ours(error: Exception, slug: str, code: ExitCode) -> None:
    silent = Silent()
    silent.error = error
    lab = Lab(cast("Launched", silent), {"roots": []}, 60.0, "run")

    with pytest.raises(StatecheckError) as raised:
        lab.warm(("numpy",))

    assert (raised.value.slug, raised.value.exit_code) == (slug, code)
    if slug == "lab-lost":
        assert raised.value.text == "the run's own process was killed by SIGKILL (`warm`)"
        assert raised.value.detail == "no memory"


class Answering:
    """A run whose process answers each request with what was asked, and its own channel."""

    isolation = "namespace"

    def __init__(self, ahead: Message | None) -> None:
        self.ahead = ahead
        self.asked = [ahead] if ahead else []
        self.answered = 0

    @property
    def channel(self) -> Any:
        return self

    def send(self, message: Message, descriptors: tuple[int, ...] = ()) -> None:
        self.asked.append(message)

    def receive(self, seconds: float) -> tuple[Message, list[int]]:
        self.answered += 1
        return {"to": self.asked[self.answered - 1]["do"], "threads": [], "compiled": 0}, []


@pytest.mark.parametrize(
    ("ahead", "asked"),
    [
        (None, ["warm", "kill"]),
        (make_warm_request(("numpy",), ["/project"]), ["warm", "kill"]),
        (make_warm_request(("pandas",), ["/project"]), ["warm", "warm", "kill"]),
    ],
    ids=["nothing", "the same", "another"],
)
def test_what_was_asked_ahead_is_asked_once(ahead: Message | None, asked: list[str]) -> None:
    run = Answering(ahead)
    lab = Lab(cast("Launched", run), {"roots": ["/project"]}, 60.0, "run")

    assert lab.warm(("numpy",))["to"] == "warm"
    assert lab.ask({"do": "kill"})["to"] == "kill", "each has the answer to its own question"
    assert [message["do"] for message in run.asked] == asked
    assert run.ahead is None


class Importing(Answering):
    """A run whose process tells of imports first, each time that it is asked."""

    def __init__(self, imports: int) -> None:
        super().__init__(None)
        self.imports = imports

    def receive(self, seconds: float) -> tuple[Message, list[int]]:
        if self.imports:
            self.imports -= 1
            return {"importing": f"big.part{self.imports}"}, []
        return super().receive(seconds)


def test_libraries_that_are_still_being_imported_are_waited_for() -> None:
    lab = Lab(cast("Launched", Importing(imports=3)), {"roots": []}, 60.0, "run")

    assert lab.warm(("big",))["to"] == "warm"


def test_imports_without_end_are_not_waited_for() -> None:
    class Endless(Importing):
        def describe_end(self) -> tuple[str, str]:
            return "", ""

    lab = Lab(cast("Launched", Endless(imports=10**9)), {"roots": []}, 0.0, "run")

    with pytest.raises(StatecheckError) as raised:
        lab.warm(("big",))

    assert raised.value.slug == "libraries-hang"


class Started(NamedTuple):
    """A worker, and what its process has of it: its end of the channel, and the file of its ops."""

    worker: Worker
    channel: Channel
    ops: int


@pytest.fixture
def started() -> Iterator[Started]:
    worker = Worker(1, "x/1", None)
    theirs: list[int] = []

    def ask(_message: Message, descriptors: tuple[int, ...]) -> Message:
        theirs.extend(os.dup(descriptor) for descriptor in descriptors)
        return {"pid": 7}

    worker.start(ask, {})
    os.close(theirs[2])
    channel = Channel(socket.socket(fileno=theirs[0]))
    yield Started(worker, channel, theirs[1])
    channel.close()
    worker.close()
    os.close(theirs[1])


@pytest.mark.parametrize(
    "message",
    [{"done": 1}, {"answer": 1, "text": "x"}, {"done": [], "error": "", "missing": 0}, {"failed": 1, "at": 7}],
)
def test_a_worker_that_tells_what_no_probe_tells_is_not_believed(started: Started, message: Message) -> None:
    worker, channel, _ops = started
    channel.send(message)

    assert worker.wait(lambda: False, 5)
    assert (worker.dead, worker.garbled, worker.incomplete, worker.facts) == (True, True, True, None)
    assert worker.fate.startswith("the app wrote on a descriptor of statecheck's")
    with pytest.raises(Closed):
        channel.receive(5)


def test_a_worker_that_goes_on_importing_is_waited_for(started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    worker, channel, _ops = started
    told: list[Message] = [{"importing": "big.a"}, {"importing": "big.b"}, {"ready": {"framework": "FastAPI"}}]
    wait, limits = worker.wait, []

    def tell_and_wait(done: Callable[[], Any], seconds: float) -> bool:
        channel.send(told.pop(0))
        limits.append(round(seconds))
        return wait(done, 5)

    monkeypatch.setattr(worker, "wait", tell_and_wait)
    worker.wait_for_start(60.0)

    assert worker.facts == {"framework": "FastAPI"}
    assert limits == [60, 60, 60], "each import has the whole of it"


def test_turns_that_are_held_are_told_in_the_order_of_their_first_arrival(started: Started) -> None:
    worker, channel, _ops = started
    for turn in (8, 7):
        channel.send({"held": turn, "at": "model"})
    worker.wait(lambda: worker.held == 2, 5)
    worker.let_go(8)

    assert worker.list_held() == [7]
    assert channel.receive(5)[0] == {"next-round": True, "turn": 8, "models-only": False}
    channel.send({"held": 8, "at": "write"})
    worker.wait(lambda: worker.held == 3, 5)
    assert worker.list_held() == [8, 7]
    worker.let_go(for_good=True)
    assert worker.list_held() == []


def test_a_worker_that_imports_nothing_new_is_not_waited_for(started: Started) -> None:
    worker, channel, _ops = started
    channel.send({"importing": "big.a"})
    assert worker.wait(lambda: worker.importing == ("big.a", 1), 5)

    worker.wait_for_start(0.01)

    assert (worker.facts, worker.failed, worker.dead) == (None, None, False)


def test_what_an_answer_promises_is_waited_for_until_one_has_promised_in_vain(
    started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, _channel, _ops = started
    limits = list[float]()

    def wait(_done: Callable[[], Any], seconds: float) -> bool:
        limits.append(seconds)
        return len(limits) < 3

    monkeypatch.setattr(worker, "wait", wait)
    for promised in (0.0, 30.0, 30.0, 30.0):
        worker.wait_for_rest(1, promised)

    assert limits == [2.0, 30.0, 30.0, 0.05]


def test_a_worker_that_ends_is_not_garbled(started: Started) -> None:
    worker, channel, _ops = started
    channel.close()

    assert worker.wait(lambda: False, 5)
    assert (worker.garbled, worker.incomplete) == (False, False)


OP = b'{"time": 1, "type": "ok", "f": "run"}\n'


@pytest.mark.parametrize("junk", [b"junk\n", b"[" * 100_000 + b"\n", b"\xff\n", b"{}\n"], ids=range(4))
def test_ops_with_junk_between_them_are_read_and_not_taken_for_all(started: Started, junk: bytes) -> None:
    worker, _channel, ops = started
    os.write(ops, OP + junk + OP)

    assert len(worker.ops()) == 2
    assert worker.incomplete


def test_ops_without_end_are_read_to_a_bound(started: Started) -> None:
    worker, _channel, ops = started
    line = b'{"time": 1, "type": "ok", "f": "run", "text": "%s"}\n' % (b"x" * 100_000)
    for _ in range(MOST_RECORDED // len(line) + 5):
        os.write(ops, line)

    assert len(worker.ops()) == MOST_RECORDED // len(line)
    assert worker.incomplete


def test_the_histories_of_a_run_have_a_bound_together() -> None:
    lab = Lab(cast("Launched", Silent()), {"roots": []}, 60.0, "run")
    ops = tuple(Op(time, "ok", "run") for time in range(40_000))
    first, second, third = (lab.limit(History(name, ops)) for name in ("one", "two", "three"))

    assert first.ops == ops
    assert len(second.ops) == 20_001
    assert [op.f for op in second.ops[-1:]] == [op.f for op in third.ops] == ["incomplete"]
    assert "60000 ops" in second.ops[-1].error


class Hanging(Silent):
    """A run whose process answers nothing until it is ended."""

    def __init__(self) -> None:
        self.ended = threading.Event()

    def receive(self, seconds: float) -> None:
        assert self.ended.wait(seconds)
        raise Closed("ended")

    def end(self) -> None:
        self.ended.set()

    def close(self) -> None: ...


def test_a_run_that_takes_too_long_is_ended_and_says_so() -> None:
    lab = Lab(cast("Launched", Hanging()), {"roots": []}, 60.0, "run")
    lab.watch(0.0, 0.01)

    with pytest.raises(StatecheckError, match="the run took too long and was ended") as raised:
        lab.ask({"do": "warm"})
    assert (raised.value.slug, raised.value.exit_code) == ("run-too-long", ExitCode.INCONCLUSIVE)
    assert lab.is_late()
