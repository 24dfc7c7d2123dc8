"""Notebooks read as scripts: what IPython alone understands left out, and every line told by its cell."""

from __future__ import annotations

import ast
import asyncio
import json
import sys
from typing import TYPE_CHECKING

import pytest

from statecheck.errors import StatecheckError
from statecheck.model import Anchor
from statecheck.probe.notebook_imports import import_notebook
from statecheck.probe.notebooks import CELL, read_script, spell_lines
from statecheck.target.resolve import resolve

if TYPE_CHECKING:
    from pathlib import Path


def notebook(*cells: str) -> bytes:
    """Write a notebook: each cell a text of code, or of Markdown where that begins with `# `."""
    written = [
        {"cell_type": "markdown" if cell.startswith("# ") else "code", "source": cell.splitlines(keepends=True)}
        for cell in cells
    ]
    return json.dumps({"cells": written, "nbformat": 4}).encode()


def lines(data: bytes) -> dict[str, str]:
    """Return what is left of each line, by its cell and its number there."""
    script = read_script(data).split("\n")
    return {f"{at // CELL}:{at % CELL}": line for at, line in enumerate(script, 1) if line}


def test_cells_are_read_in_order_and_a_line_tells_its_cell() -> None:
    assert lines(notebook("# Notes", "a = 1\n\nb = 2", "c = 3")) == {"2:1": "a = 1", "2:3": "b = 2", "3:1": "c = 3"}
    assert str(Anchor("talk/chat.ipynb", 2 * CELL + 3)) == "talk/chat.ipynb:cell 2:3"
    assert (
        spell_lines(f'File "/a/chat.ipynb", line {2 * CELL + 3}, in f')
        == 'File "/a/chat.ipynb", line 3 of cell 2, in f'
    )


@pytest.mark.parametrize(
    ("cell", "left"),
    [
        ("%pip install this\n!ls\na = 1", ["pass", "pass", "a = 1"]),
        ("if a:\n    !ls\n    %time f()", ["if a:", "    pass", "    pass"]),
        ("found = !ls\nf?\nf.g??", ["found = None", "pass", "pass"]),
        ("%%time\na = 1", ["pass", "a = 1"]),
        ("%%bash\nls -l", []),
        ("a = (7\n% 2)", ["a = (7", "% 2)"]),
        ("await f()", ["await f()"]),
    ],
)
def test_what_only_ipython_understands_is_left_out(cell: str, left: list[str]) -> None:
    assert [*lines(notebook(cell)).values()] == left
    ast.parse(read_script(notebook(cell)))


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"null", b'{"cells": 3}', b"\xff"])
def test_what_is_no_notebook_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "chat.ipynb").write_bytes(data)
    with pytest.raises(StatecheckError, match="is no notebook") as refused:
        resolve("chat.ipynb", tmp_path)
    assert refused.value.slug == "not-python"


def test_an_error_of_syntax_names_the_cell(tmp_path: Path) -> None:
    (tmp_path / "chat.ipynb").write_bytes(notebook("a = 1", "b = 2\nc = ="))
    with pytest.raises(StatecheckError, match=r"chat\.ipynb:cell 2:2: invalid syntax"):
        resolve("chat.ipynb", tmp_path)


def test_a_notebook_is_the_app_where_no_file_is(tmp_path: Path) -> None:
    cells = "from llama_index.core import Settings", "def chat(session_id, message):\n    return message"
    (tmp_path / "chat.ipynb").write_bytes(notebook(*cells))
    found = resolve(None, tmp_path)
    assert (found.path.name, found.module, found.object, found.framework) == ("chat.ipynb", "chat", "chat", "callable")
    (tmp_path / "app.py").write_text("from fastapi import FastAPI\n\napp = FastAPI()\n")
    assert resolve(None, tmp_path).path.name == "app.py"


def test_a_notebook_runs_as_a_module(tmp_path: Path) -> None:
    path = tmp_path / "chat.ipynb"
    path.write_bytes(notebook("import asyncio", "await asyncio.sleep(0)\ndisplay(1)", "def f():\n    return 1"))
    module = import_notebook("chat_of_a_notebook", str(path))
    asyncio.get_event_loop_policy().get_event_loop().close()  # a target's process keeps it
    asyncio.set_event_loop(None)
    del sys.modules["chat_of_a_notebook"]
    assert module.f.__code__.co_filename == str(path)
    assert module.f.__code__.co_firstlineno == 3 * CELL + 1
