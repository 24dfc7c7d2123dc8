"""What a lab says of a warm parent that does not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from statecheck.errors import ExitCode, StatecheckError
from statecheck.lab.workers.pool import Lab, make_warm_request
from statecheck.probe.channel import Closed

if TYPE_CHECKING:
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
