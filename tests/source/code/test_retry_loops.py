"""Where code sees to a model's call that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from statecheck.source.code.retries import find_retries
from statecheck.source.code.tree import SourceTree

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("@retry(stop=stop_after_attempt(3))\nasync def turn(text): ...", [(1, "again")]),
        ("@backoff.on_exception(backoff.expo, Exception)\ndef turn(text): ...", [(1, "again")]),
        ("async for attempt in AsyncRetrying():\n    pass", [(1, "again")]),
        ("while True:\n    try:\n        llm.chat(said)\n    except Busy:\n        pass", [(2, "again")]),
        ("try:\n    answer = await agent.run(text)\nexcept Exception:\n    answer = SORRY", [(1, "caught")]),
        ("try:\n    answer = llm.chat(said)\nfinally:\n    lock.release()", []),
        ("try:\n    number = int(text)\nexcept ValueError:\n    number = 0", []),
        ("answer = llm.chat(said)", []),
    ],
)
def test_code_that_sees_to_a_call_that_fails(tmp_path: Path, code: str, found: list[tuple[int, str]]) -> None:
    (tmp_path / "app.py").write_text(code)

    assert [
        (each.line, each.text) for each in find_retries(SourceTree(tmp_path, tmp_path, tmp_path / "app.py"))
    ] == found
