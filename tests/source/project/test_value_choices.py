"""The values that code knows of a variable, in whatever form it asks about them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from statecheck.source.code.tree import SourceTree
from statecheck.source.project.value_choices import find_choices

if TYPE_CHECKING:
    from pathlib import Path

READ = "import os\nMODE = os.environ['SHOP_MODE'].lower()\n"


@pytest.mark.parametrize(
    ("source", "values"),
    [
        (f"{READ}if MODE not in ('cold', 'hot'): raise ValueError(MODE)", ("cold", "hot")),
        (f"{READ}if MODE == 'cold': x = 1\nelif MODE == 'hot': x = 2\nelse: raise ValueError", ("cold", "hot")),
        (f"{READ}match MODE:\n    case 'cold' | 'mild': x = 1\n    case 'hot': x = 2", ("cold", "mild", "hot")),
        (f"{READ}x = {{'cold': Cold, 'hot': Hot}}[MODE]()", ("cold", "hot")),
        (f"KINDS = {{'cold': Cold, 'hot': Hot}}\n{READ}x = KINDS[MODE]()", ("cold", "hot")),
        (f"class Mode(str, Enum):\n    COLD = 'cold'\n    HOT = 'hot'\n{READ}x = Mode(MODE)", ("cold", "hot")),
        ("class Settings(BaseSettings):\n    shop_mode: Literal['cold', 'hot']", ("cold", "hot")),
        ("class Mode(StrEnum):\n    COLD = 'cold'\nclass S(BaseSettings):\n    shop_mode: Mode", ("cold",)),
        (f"{READ}x = Shop(MODE)", None),
    ],
    ids=["in", "equal", "case", "index", "table", "enumeration", "literal", "member", "unknown"],
)
def test_choices_are_read_in_every_form(tmp_path: Path, source: str, values: tuple[str, ...] | None) -> None:
    ast.parse(source)
    (tmp_path / "app.py").write_text(source)

    assert find_choices(SourceTree(tmp_path, tmp_path, tmp_path / "app.py").modules()).get("SHOP_MODE") == values
