"""Answers that say that the work goes on."""

from __future__ import annotations

import pytest

from statecheck.lab.promises import promises_more


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (202, "", True),
        (200, '{"job": {"id": "7", "state": "QUEUED"}}', True),
        (200, '{"id": 7, "status": "in-progress"}', True),
        (200, '{"status": "ok", "reply": "pending"}', False),
        (200, '{"answer": "it is queued"}', False),
        (200, "queued", False),
        (200, '{"status": "done"}', False),
        (200, '{"status": ', False),
        (200, "[" * 100_000, False),
    ],
)
def test_what_is_still_to_be_done_is_told_by_the_status_or_a_state(status: int, text: str, expected: bool) -> None:
    assert promises_more(status, text) is expected
