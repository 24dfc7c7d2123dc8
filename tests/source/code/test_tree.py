from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from statecheck.errors import StatecheckError
from statecheck.source.code.imports import third_party, uses_llama_index
from statecheck.source.code.tree import SourceTree
from statecheck.target.resolve import Target

if TYPE_CHECKING:
    from pathlib import Path


def planted(root: Path, files: dict[str, str], entry: str = "app.py") -> tuple[Target, SourceTree]:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    target = Target(root / entry, entry.removesuffix(".py").replace("/", "."), root, root, "app", "fastapi")
    return target, SourceTree.of(target)


def shown(tree: SourceTree) -> list[str]:
    return [module.shown for module in tree.modules()]


def test_a_module_is_read_once(tmp_path: Path) -> None:
    target, tree = planted(tmp_path, {"app.py": "x = 1\n"})

    module = tree.module(target.path)
    target.path.write_text("y = 2\n")

    assert tree.module(target.path) is module
    assert (module.name, module.shown, module.text) == ("app", "app.py", "x = 1\n")


def test_the_import_graph_is_followed(tmp_path: Path) -> None:
    files = {
        "shop/__init__.py": "",
        "shop/main.py": "from . import a\nfrom .b import x\nimport shop.c as c\ndef f():\n    from shop import d\n",
        "shop/a.py": "try:\n    import plain\nexcept ImportError:\n    pass\n",
        "shop/b.py": "from ..up import nothing\n",
        "shop/c.py": "import importlib\nimportlib.import_module('shop.e')\n",
        "shop/d.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from shop import unseen\n",
        "shop/e.py": "URLS = 'shop.sub.urls'\nfrom shop import broken\n",
        "shop/sub/__init__.py": "",
        "shop/sub/urls.py": "from ..main import app\n",
        "shop/unseen.py": "",
        "shop/broken.py": "def (",
        "plain.py": "",
        "other.py": "",
    }
    _, tree = planted(tmp_path, files, "shop/main.py")

    assert shown(tree) == [
        "shop/main.py", "shop/__init__.py", "shop/a.py", "shop/b.py", "shop/c.py", "shop/d.py",
        "plain.py", "shop/e.py", "shop/sub/__init__.py", "shop/sub/urls.py",
    ]  # fmt: skip


def test_without_entry_the_modules_are_all_files_below_the_root(tmp_path: Path) -> None:
    planted(tmp_path, {"app.py": "", "x/y.py": "", "tests/z.py": "", "bad.py": "def ("})

    assert shown(SourceTree(tmp_path, tmp_path)) == ["app.py", "x/y.py"]


def test_a_file_that_cannot_be_parsed_raises_when_asked_for(tmp_path: Path) -> None:
    target, tree = planted(tmp_path, {"app.py": "def ("})

    assert tree.get(target.path) is None
    with pytest.raises(StatecheckError, match=r"app\.py:1"):
        tree.module(target.path)


def test_third_party_modules_in_order_of_appearance(tmp_path: Path) -> None:
    files = {
        "app.py": "import os, zeta.sub\nfrom own.deep import x\nfrom llama_index.core import Memory\nimport redis\n",
        "own/deep.py": "from alpha import *\nimport zeta.sub\nfrom . import other\ndef f():\n    import late.one\n",
        "own/other.py": "from __future__ import annotations\nimport json\n",
        "redis/dump.py": "",
        "queue.py": "import beta\n",
    }
    target, tree = planted(tmp_path, files)

    assert third_party(target, tree) == ("zeta.sub", "llama_index.core", "redis", "alpha", "late.one")


def test_an_own_module_beats_the_standard_library_and_src_is_searched(tmp_path: Path) -> None:
    files = {
        "app.py": "import queue\nimport shop.chat\n",
        "queue.py": "import beta\n",
        "src/shop/chat.py": "import gamma\n",
    }
    target, tree = planted(tmp_path, files)

    assert third_party(target, tree) == ("beta", "gamma")


@pytest.mark.parametrize(
    ("line", "used"),
    [
        ("from llama_index.core import Settings", True),
        ("import workflows.events", True),
        ("def f():\n    from llama_agents.server import WorkflowServer", True),
        ("import llama_index_like", False),
        ("TEXT = 'import llama_index'", False),
    ],
)
def test_llama_index_is_seen_through_the_own_tree(tmp_path: Path, line: str, used: bool) -> None:
    target, tree = planted(tmp_path, {"app.py": "import bot\n", "bot.py": line})

    assert uses_llama_index(tree) is used
    assert uses_llama_index(tree, target.path) is used


def test_anchors_of_a_project_below_the_root_lead_upwards(tmp_path: Path) -> None:
    planted(tmp_path, {"shop/main.py": "", "other.py": ""})

    assert SourceTree(tmp_path, tmp_path / "shop").shown(tmp_path / "other.py") == "../other.py"
