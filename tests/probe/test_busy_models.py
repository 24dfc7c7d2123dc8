"""What a model's call fails with, in place of a provider that is busy."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from statecheck.probe.outages import Outage, is_outage, make_error
from statecheck.probe.recorder import TURN


class Busy(Exception):
    def __init__(self, message: str, *, response: object, body: object) -> None:
        super().__init__(message)


def _model(module: str) -> type:
    return type("Model", (), {"__module__": module})


@pytest.mark.parametrize(
    ("module", "raised"),
    [
        ("llama_index.llms.openai.base", Busy),
        ("llama_index.llms.openai_like.base", Busy),
        ("llama_index.llms.anthropic.base", TimeoutError),  # its client is not there
        ("app", TimeoutError),
    ],
)
def test_it_is_what_the_client_of_the_provider_raises(
    module: str, raised: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: Any = lambda *_args, **_kwargs: object()  # noqa: E731 - stands for a class
    monkeypatch.setitem(sys.modules, "openai", SimpleNamespace(RateLimitError=Busy))
    monkeypatch.setitem(sys.modules, "anthropic", None)
    monkeypatch.setitem(sys.modules, "httpx", SimpleNamespace(Request=made, Response=made))
    error = make_error(_model(module))

    assert type(error) is raised
    assert is_outage(error)
    assert not is_outage(TimeoutError())


def test_one_call_of_a_turn_fails_once_it_was_asked_for() -> None:
    outage = Outage()
    token = TURN.set(3)
    try:
        outage.strike(object())
        outage.begin()
        with pytest.raises(TimeoutError):
            outage.strike(object())
        outage.strike(object())
    finally:
        TURN.reset(token)


def test_what_belongs_to_no_turn_goes_on() -> None:
    outage = Outage()
    outage.begin()

    outage.strike(object())
