from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from statecheck.source.code.definitions import attribute, class_attribute, closure_name, enclosing_function, module_name
from statecheck.source.code.tree import SourceTree

if TYPE_CHECKING:
    from pathlib import Path

    from statecheck.model import Anchor
    from statecheck.source.code.modules import Module


def planted(root: Path, **files: str) -> tuple[Module, SourceTree]:
    for name, text in files.items():
        (root / f"{name}.py").write_text(dedent(text))
    tree = SourceTree(root, root, root / "app.py")
    return tree.module(root / "app.py"), tree


def where(anchor: Anchor | None) -> str | None:
    return str(anchor) if anchor else None


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("x = {}", 1),
        ("x: dict = {}", 1),
        ("a = 1\na, (x, b) = 1, (2, 3)", 2),
        ("(a,\n x) = 1, 2", 2),
        ("if True:\n    x = {}", 2),
        ("with open('f') as x: ...", 1),
        ("for x in []: ...", 1),
        ("print(x := 1)", 1),
        ("x = y = {}", 1),
        ("def x(): ...", 1),
        ("class x: ...", 1),
        ("x: dict\nx = {}", 2),
        ("x = None\nif 1:\n    x = {}", 3),
        ("x = None\ndef f():\n    global x\n    x = {}", 1),
        ("def f():\n    global x\n    x = {}", 3),
        ("def f():\n    x = {}", None),
        ("class A:\n    x = {}", None),
        ("print(x)", None),
        ("from base import x", None),
        ("[x for x in []]", None),
    ],
)
def test_a_global(tmp_path: Path, source: str, line: int | None) -> None:
    module, _ = planted(tmp_path, app=source)

    assert where(module_name(module, "x")) == (f"app.py:{line}" if line else None)


def test_an_imported_global_is_followed_to_its_definition(tmp_path: Path) -> None:
    module, tree = planted(
        tmp_path, app="from mid import y as x\n", mid="from base import *\n", base="from mid import z\n\ny = {}\n"
    )

    assert where(module_name(module, "x", tree)) == "base.py:3"
    assert module_name(module, "z", tree) is None


CLASSES = """\
    class Base:
        shared = {}
        def __init__(self):
            self.inherited = 1
    class Bot(Base):
        memory: dict
        late = None
        def other(self):
            self.memory = 2
            self.late = 3
        def __init__(self):
            self.memory, self.x = 1, 2
    app.state.sessions = {}
    other.sessions = {}
    def f(request):
        request.app.state.current = 1
        make().deep.value = 1
        setattr(app, "set", 1)
        print(app.read)
    class Data:
        items: list = []
"""


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("memory", 12),
        ("self.memory", 12),
        ("x", 12),
        ("late", 10),
        ("inherited", 4),
        ("shared", 2),
        ("sessions", 13),
        ("state.sessions", 13),
        ("other.sessions", 14),
        ("app.state.current", 16),
        ("deep.value", 17),
        ("set", 18),
        ("items", 21),
        ("read", None),
        ("state", None),
    ],
)
def test_an_attribute(tmp_path: Path, name: str, line: int | None) -> None:
    _, tree = planted(tmp_path, app=CLASSES)

    assert where(attribute(tree, name)) == (f"app.py:{line}" if line else None)


@pytest.mark.parametrize(
    ("owner", "name", "line"),
    [
        ("Bot", "memory", 12),
        ("Bot", "inherited", 4),
        ("Bot", "shared", 2),
        ("Bot", "other", 8),
        ("Data", "items", 21),
        ("Data", "memory", None),
        ("Nobody", "memory", None),
    ],
)
def test_an_attribute_of_a_class(tmp_path: Path, owner: str, name: str, line: int | None) -> None:
    _, tree = planted(tmp_path, app=CLASSES)

    assert where(class_attribute(tree, owner, name)) == (f"app.py:{line}" if line else None)


CLOSURES = """\
    def outer(given, *, key=1):
        held = {}
        late: dict = None
        late = {}
        def middle():
            held = []
            @decorated
            def inner():
                return held, given, late
            return inner, lambda: key
        return middle
    def alone():
        return 1
"""


@pytest.mark.parametrize(
    ("function", "name", "line"),
    [
        (5, "held", 2),
        (7, "held", 6),
        (8, "held", 6),
        (7, "given", 1),
        (7, "late", 4),
        (10, "key", 1),
        (7, "nothing", None),
        (12, "held", None),
        (99, "held", None),
    ],
)
def test_a_closed_over_name(tmp_path: Path, function: int, name: str, line: int | None) -> None:
    module, _ = planted(tmp_path, app=CLOSURES)

    assert where(closure_name(module, function, name)) == (f"app.py:{line}" if line else None)


@pytest.mark.parametrize(
    ("line", "name"), [(1, "outer"), (6, "middle"), (7, "inner"), (9, "inner"), (11, "outer"), (14, None)]
)
def test_the_function_around_a_line(tmp_path: Path, line: int, name: str | None) -> None:
    module, _ = planted(tmp_path, app=CLOSURES)

    function = enclosing_function(module, line)

    assert (function.name if function else None) == name
