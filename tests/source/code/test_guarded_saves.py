"""Saves that a condition may keep from happening."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from statecheck.source.code.guarded_saves import find_guarded_saves
from statecheck.source.code.slips import Callers
from statecheck.source.code.tree import SourceTree

if TYPE_CHECKING:
    from pathlib import Path
APPEND = "def append(text):\n    with open('log') as file:\n        file.write(text)\n"


def found(folder: Path, code: str) -> list[tuple[str, int, int]]:
    (folder / "app.py").write_text(code, "utf-8")
    modules = SourceTree(folder, folder, folder / "app.py").modules()
    return [(slip.name, slip.made.line, slip.used[0].line) for slip in find_guarded_saves(modules, Callers(modules))]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("def save(log):\n    if len(log) > 2:\n        path.write_text(log)\n", ("if len(log) > 2", 2, 3)),
        ("def save(log):\n    if not log:\n        return\n    dump(log, file)\n", ("if not log", 2, 4)),
        ("def save(s):\n    if s.dirty:\n        db.execute('INSERT INTO x')\n", ("if s.dirty", 2, 3)),
        (f"{APPEND}def answer(log):\n    if log:\n        append(log)\n", ("if log", 5, 6)),
        (f"{APPEND}def keep(x):\n    append(x)\ndef answer(log):\n    if log:\n        keep(log)\n", ("if log", 7, 8)),
        ("def answer(log):\n    if log:\n        r.rpush('k', log)\n", ("if log", 2, 3)),
    ],
)
def test_a_save_under_a_condition_is_found(tmp_path: Path, code: str, expected: tuple[str, int, int]) -> None:
    assert found(tmp_path, code) == [expected]


@pytest.mark.parametrize(
    "code",
    [
        "def save(log):\n    path.write_text(log)\n",
        "def save(log):\n    if log:\n        db.execute('SELECT 1')\n",
        "def save(log):\n    if not log:\n        return 404\n    path.write_text(log)\n",
        f"{APPEND}def answer(log):\n    if log:\n        log.append(1)\n    append(log)\n",
        "def show(text):\n    print(text)\ndef answer(log):\n    if log:\n        show(log)\n",
    ],
)
def test_what_is_always_saved_is_not(tmp_path: Path, code: str) -> None:
    assert found(tmp_path, code) == []
