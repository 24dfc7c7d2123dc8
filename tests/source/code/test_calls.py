"""Whether the user's code calls a method of some name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from statecheck.source.code.tree import SourceTree
from statecheck.source.code.uses import calls_method

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("source", "called"),
    [
        ("bot.infinity_polling(timeout=3)", True),
        ("app = build()\napp.run_polling()", True),
        ("polling = True  # infinity_polling", False),
        ("bot.run_webhooks()", False),
        ("infinity_polling", False),
    ],
)
def test_a_method_is_called_by_its_name(tmp_path: Path, source: str, called: bool) -> None:
    (tmp_path / "bot.py").write_text(source)

    tree = SourceTree(tmp_path, tmp_path, tmp_path / "bot.py")

    assert calls_method(tree, ("infinity_polling", "run_polling")) is called
