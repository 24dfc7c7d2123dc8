"""A tree that is too large is told, with the number at which nobody looks further; where nothing must be missed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from statecheck.errors import StatecheckError
from statecheck.source.code import files
from statecheck.target.resolve import resolve

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(files, "MAX_FILES", 5)
    monkeypatch.setattr(files, "MAX_DIRECTORIES", 4)
    for number in range(5):
        (tmp_path / f"app{number}.py").write_text("x = 1\n", "utf-8")
    return tmp_path


def test_as_many_as_are_looked_at_are_no_fault(tree: Path) -> None:
    assert len(list(files.python_files(tree, strict=True))) == 5


@pytest.mark.parametrize("what", ["5 Python files", "4 folders"])
def test_more_are_told_with_their_number(tree: Path, what: str) -> None:
    if "files" in what:
        (tree / "more.py").write_text("x = 1\n", "utf-8")
    else:
        for number in range(4):
            (tree / f"folder{number}").mkdir()

    with pytest.raises(StatecheckError, match=f"holds more than {what}") as raised:
        list(files.python_files(tree, strict=True))
    assert raised.value.slug == "tree-too-large"
    assert len(list(files.python_files(tree))) == 5
    with pytest.raises(StatecheckError, match=f"holds more than {what}"):
        resolve(str(tree), tree)
