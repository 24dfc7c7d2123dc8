"""Retries of what cannot be reached do not wait; others do as they were told."""

from __future__ import annotations

import asyncio

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
