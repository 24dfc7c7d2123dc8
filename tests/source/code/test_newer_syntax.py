"""Python from 3.8 to 3.14 is read on whatever interpreter runs statecheck, each line where it is."""

from __future__ import annotations

import ast
import sys
import sysconfig
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statecheck.errors import ExitCode, StatecheckError
from statecheck.source.code import reading
from statecheck.source.code.newer_syntax import restate

STANDARD = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
MARK = "\n\ndef after():\n    last = 1\n"  # whatever stands above, its lines are known

# (the Python that it came with, what, the text, the lines of its functions and classes, the lines of its assignments)
SNIPPETS = [
    ("3.8", "walrus", "def f(a, /):\n    if (b := a):\n        c = 1\n", [1], [3]),
    ("3.9", "decorators", "@a.b[0].c\ndef f(): ...\n", [2], []),
    ("3.10", "match", "def f(x):\n    match x:\n        case [1, *y]:\n            z = 1\n", [1], [4]),
    ("3.11", "except*", "try:\n    a = 1\nexcept* E as e:\n    b = 2\nexcept* (F, G):\n    c = 3\n", [], [2, 4, 6]),
    ("3.11", "star in index", "a: A[\n    *Ts\n] = 1\nb = B[int, *Ts]\nc = C[1:2, *d]\n", [], [1, 4, 5]),
    ("3.11", "star in annotation", "def f(*args: *Ts):\n    a = 1\n", [1], [2]),
    (
        "3.12",
        "type parameters",
        "def f[T: int, *Ts, **P](\n    x: T,\n):\n    a = 1\nclass A[T](B): ...\n",
        [1, 5],
        [4],
    ),
    (
        "3.12",
        "type parameters on lines",
        "class A[\n    T,  # ]\n    U,\n]:\n    def g(self):\n        a = 1\n",
        [1, 5],
        [6],
    ),
    ("3.12", "type statement", "type X[\n    T\n] = list[T]\ntype = 1\ntype(type)\n", [], [1, 4]),
    ("3.12", "same quotes", 'a = f"{b["c"]} {f"{d["e"]}"}"\n', [], [1]),
    ("3.12", "backslash", "a = f\"{'\\n'.join(b)!r:>{c['d']}}\"\n", [], [1]),
    ("3.12", "field on lines", 'a = f"{\n    b["c"],  # why\n}" "d"  # and\nb = 1\n', [], [1, 4]),
    ("3.12", "long string", 'a = f"""\n{\n    b["""c"""]\n}\n"""\nb = 1\n', [], [1, 6]),
    ("3.12", "function in a field", 'a = f"{(\n    lambda: b["c"]\n)()}"\nb = 1\n', [], [1, 4]),
    (
        "3.13",
        "defaults",
        "class A[T = dict[str, int], *U = *tuple[int]]: ...\ntype X[T: (int, str) = int] = 1\n",
        [1],
        [2],
    ),
    (
        "3.13",
        "defaults on lines",
        "def f[\n    T = int,  # , ]\n    **P = [\n        int],\n](): ...\na = 1\n",
        [1],
        [6],
    ),
    ("3.14", "bare except", "try:\n    a = 1\nexcept A, B.c:\n    b = 1\nexcept d(1, 2):\n    c = 1\n", [], [2, 4, 6]),
    ("3.14", "bare except*", "try:\n    a = 1\nexcept* A, (B, C):\n    b = 1\n", [], [2, 4]),
    ("3.14", "template", "a = t'hi {name}'\nb = rT'''\n{c!r:>{d}}'''\nc = 1\n", [], [1, 2, 4]),
    ("3.14", "template inside", "a = f\"{t'{b}'}\"\n", [], [1]),
    ("3.14", "return in finally", "def f():\n    try:\n        a = 1\n    finally:\n        return 2\n", [1], [3]),
    ("3.14", "all at once", 'type A[T = int] = f"{t"{b}"}"\ntry: a = B[*C]\nexcept* D, E: b = t""\n', [], [1, 2, 3]),
]


def lines(tree: ast.AST) -> tuple[list[int], list[int]]:
    """The lines of functions and classes, and those of what assigns."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]
    made = [n.lineno for n in nodes if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
    assigned = [n.lineno for n in nodes if type(n).__name__ in ("Assign", "AnnAssign", "TypeAlias")]
    return sorted(made), sorted(assigned)


@pytest.mark.parametrize(
    ("text", "made", "assigned"), [row[2:] for row in SNIPPETS], ids=[f"{row[0]} {row[1]}" for row in SNIPPETS]
)
def test_each_python_is_read_with_its_lines(text: str, made: list[int], assigned: list[int]) -> None:
    below = text.count("\n") + 3

    tree = reading.parse(text + MARK, "app.py")

    assert lines(tree) == ([*made, below], [*assigned, below + 1])


@pytest.mark.parametrize("text", [row[2] for row in SNIPPETS], ids=[f"{row[0]} {row[1]}" for row in SNIPPETS])
def test_no_line_is_lost_whatever_python_it_is_restated_for(text: str) -> None:
    for version in ((3, 10), (3, 11), (3, 12), (3, 13)):
        restated = restate(text, version)
        if restated is not None:
            assert restated.text.count("\n") == text.count("\n")
            if version <= sys.version_info[:2]:
                assert lines(ast.parse(restated.text)) == lines(reading.parse(text, "app.py"))


def test_an_expression_that_was_read_apart_is_put_back_where_it_was() -> None:
    tree = reading.parse('a = 1\nb = f"{\n    c["d"]\n=} {e}"\n', "app.py")

    assert ast.unparse(tree.body[1]) in (
        """b = f'\\n    c["d"]\\n={c['d']!r} {e}'""",
        """b = f'\\n    c["d"]\\n={c["d"]!r} {e}'""",
        '''b = f"""\\n    c["d"]\\n={c['d']!r} {e}"""''',
    )
    assert [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Subscript)] == [3]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = 1\nb = = 2\n", 2),
        ("class A[T = int]: ...\ntype X = 1\n\ndef f(:\n", 4),
        ('a = 1\nb = f"{\n    c["d"] e\n}"\n', 3),
        ('a = t"{1}"\nb = "\n', 2),
        ("try: ...\nexcept A, B: ...\n!\n", 3),
    ],
)
def test_what_no_python_reads_is_refused_at_its_line(text: str, line: int) -> None:
    with pytest.raises(StatecheckError) as caught:
        reading.parse(text, "app.py")

    assert caught.value.slug == "syntax-error"
    assert caught.value.text.startswith(f"app.py:{line}: ")
    assert caught.value.exit_code == ExitCode.USAGE


@pytest.mark.parametrize(
    "text",
    [
        "a = b.type\nc = 1\n",
        "a = type\nb = 1\n",
        "a = [*b]\nc = d[-1]\nreturn_[0] = (*a,)\n",
        "for x in y: *a, b = x\nlambda *a, b=1: c[d]\n",
        "except_ = {'a': 1, **b}\nmatch [*a]:\n    case [*b]: ...\n",
        "a = 'x'[0] if t else 'f{t}'\n",
    ],
)
def test_older_text_that_looks_newer_is_left_alone(text: str) -> None:
    assert restate(text, (3, 10)) is None


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(STANDARD))
def test_what_ast_accepts_is_what_ast_says(path: Path) -> None:
    text = reading.decode(path.read_bytes(), path.name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        known = ast.parse(text)
        restated = restate(text, (3, 10))

    assert ast.dump(reading.parse(text, path.name), include_attributes=True) == ast.dump(known, include_attributes=True)
    if restated is not None and not restated.fields:
        assert lines(reading.parse(restated.text, path.name)) == lines(known)
