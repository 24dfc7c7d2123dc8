"""Where code answers with what it finds, in place of asking a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from statecheck.source.code.tree import SourceTree
from statecheck.source.handlers.shortcuts import Shortcut, find_shortcuts

if TYPE_CHECKING:
    from pathlib import Path


def found(folder: Path, code: str) -> list[Shortcut]:
    (folder / "app.py").write_text(f"def chat(q, key):\n{code}", "utf-8")
    return list(find_shortcuts(SourceTree(folder, folder, folder / "app.py").modules()))


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        (
            "    row = con.execute(Q, (key,))\n    if row:\n        return row[0]\n    a = ask(q)\n    put(key, a)\n",
            [2, 3, 4],
        ),
        ("    if key in cache:\n        return cache[key]\n    cache[key] = llm.complete(q)\n", [2, 3]),
        (
            "    path = at(key)\n    if path.exists():\n        return path.read_text()\n    path.write_text(ask(q))\n",
            [2, 3, 4],
        ),
        ("    if (hit := r.get(key)) is not None:\n        return hit\n    r.set(key, ask(q))\n", [2, 3]),
    ],
)
def test_an_answer_that_is_looked_up_and_returned_is_found(tmp_path: Path, code: str, lines: list[int]) -> None:
    (shortcut,) = found(tmp_path, code)

    assert [each.line for each in shortcut.looked_up] == lines
    assert shortcut.function == "chat"


@pytest.mark.parametrize(
    "code",
    [
        "    row = load(key)\n    if not row:\n        return row\n    return ask(q)\n",
        "    row = load(key)\n    if row is None:\n        return row\n    return ask(q)\n",
        "    row = load(key)\n    if row.closed:\n        return row.text\n    return ask([*row.messages, q])\n",
        "    row = load(key)\n    if row:\n        return 'busy'\n    return ask(q)\n",
        "    row = load(key)\n    a = ask(q)\n    if row:\n        return row\n",
    ],
)
def test_what_goes_on_to_a_model_is_not(tmp_path: Path, code: str) -> None:
    assert found(tmp_path, code) == []
