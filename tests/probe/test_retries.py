"""Retries of what cannot be reached do not wait; others do as they were told."""

from __future__ import annotations

import asyncio
import time

import pytest
import tenacity

from statecheck.probe import retries


@pytest.mark.parametrize(("error", "slept"), [(ConnectionRefusedError(), [0.0, 0.0]), (ValueError(), [9, 9])])
def test_only_what_is_offline_is_tried_again_at_once(
    monkeypatch: pytest.MonkeyPatch, error: Exception, slept: list[float]
) -> None:
    for cls in (tenacity.BaseRetrying, tenacity.AsyncRetrying):
        monkeypatch.setattr(cls, "_run_wait", cls.__dict__["_run_wait"])  # put back by the end
    retries.HOOKS["tenacity"](tenacity)
    waited: list[float] = []
    now = {"wait": tenacity.wait_fixed(9), "stop": tenacity.stop_after_attempt(3)}

    def fail() -> None:
        raise error

    async def later() -> None:
        async def sleep(seconds: float) -> None:
            waited.append(seconds)

        async for attempt in tenacity.AsyncRetrying(**now, sleep=sleep):  # type: ignore[arg-type]
            with attempt:
                fail()

    with pytest.raises(tenacity.RetryError):
        tenacity.Retrying(**now, sleep=waited.append)(fail)  # type: ignore[arg-type]
    assert waited == slept
    with pytest.raises(tenacity.RetryError):
        asyncio.run(later())
    assert waited == [*slept, *slept]


@pytest.mark.parametrize("lasting", [True, False])
def test_googles_clients_give_up_on_what_is_offline(monkeypatch: pytest.MonkeyPatch, lasting: bool) -> None:
    google = pytest.importorskip("google.api_core.retry", reason="google-api-core is not installed")
    errors = pytest.importorskip("google.api_core.exceptions")
    for cls in (google.Retry, google.AsyncRetry, google.StreamingRetry, google.AsyncStreamingRetry):
        monkeypatch.setattr(cls, "__init__", cls.__init__)  # put back by the end
    retries.HOOKS["google.api_core.retry"](google)
    tries: list[str] = []

    def fail() -> None:
        tries.append("")
        if len(tries) < 3:
            raise errors.ServiceUnavailable("") if lasting else errors.TooManyRequests("")

    async def fail_later() -> None:
        fail()

    again = {"initial": 0.0, "maximum": 0.0}
    for call in (google.Retry(**again)(fail), lambda: asyncio.run(google.AsyncRetry(**again)(fail_later)())):
        tries.clear()
        if lasting:
            with pytest.raises(errors.ServiceUnavailable):
                call()
        else:
            call()
        assert len(tries) == (1 if lasting else 3)


def test_a_mongodb_that_is_not_there_is_told_soon() -> None:
    pymongo = pytest.importorskip("pymongo", reason="pymongo is not installed")
    errors = pytest.importorskip("pymongo.errors")
    retries.HOOKS["pymongo.common"](pymongo.common)
    began = time.monotonic()
    with pymongo.MongoClient("mongodb://127.0.0.1:9/") as client, pytest.raises(errors.ServerSelectionTimeoutError):
        client.admin.command("ping")
    assert time.monotonic() - began < 10
