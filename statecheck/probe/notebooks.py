"""Notebooks as scripts: their cells one after the other, each begun at a line that tells which cell it is.

Line `n * CELL + m` of the script is line m of the notebook's nth cell, so a line says by itself where it stands. What
only IPython understands is left out; line for line, so that no other is moved.
"""

from __future__ import annotations

import ast
import json
import re

SUFFIX = ".ipynb"
CELL = 10_000
"""More lines than a cell has."""
_STILL_PYTHON = ("%%time", "%%timeit", "%%capture", "%%prun")
"""Magics of a cell that run what stands below them as Python."""
_MAGIC = re.compile(r"^(\s*)(?:[%!?].*|.*[\w\])]\?{1,2}\s*)$")
_GIVEN = re.compile(r"^(\s*[A-Za-z_][\w., ]*=\s*)[!%].*$")
_IN_TRACEBACK = re.compile(rf'({re.escape(SUFFIX)}", line )(\d+)')


def is_notebook(path: str) -> bool:
    """Whether a file is called like a notebook."""
    return path.endswith(SUFFIX)


def spell_line(path: str, line: int) -> str:
    """Return a line as people are told of it: `app.py:7`, or `chat.ipynb:cell 3:2`; cells of text are counted too."""
    return f"{path}:cell {line // CELL}:{line % CELL}" if is_notebook(path) else f"{path}:{line}"


def spell_lines(text: str) -> str:
    """Return tracebacks with the lines of notebooks as people are told of them."""
    if SUFFIX not in text:
        return text
    return _IN_TRACEBACK.sub(lambda found: f"{found[1]}{int(found[2]) % CELL} of cell {int(found[2]) // CELL}", text)


def read_script(data: bytes) -> str:
    """Return the script that a notebook is.

    Raises:
        ValueError: it is no notebook, or a cell has too many lines.
    """
    notebook = json.loads(data)
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise ValueError("it has no cells")  # noqa: TRY004 - what is wrong is its text
    lines: list[str] = []
    for number, cell in enumerate(cells, 1):
        source = cell.get("source", "") if isinstance(cell, dict) and cell.get("cell_type") == "code" else ""
        own = _leave_out(("".join(source) if isinstance(source, list) else str(source)).split("\n"))
        if len(own) >= CELL:
            raise ValueError(f"cell {number} has more lines than are read")
        lines += [""] * (number * CELL - len(lines)) + own
    return "\n".join(lines) + "\n"


def _leave_out(lines: list[str]) -> list[str]:
    """Return a cell's lines, empty or `pass` where they are for IPython alone."""
    first = next((line for line in lines if line.strip()), "")
    if first.startswith("%%") and not first.startswith(_STILL_PYTHON):
        return []
    if _parses(lines):
        return lines
    return [_GIVEN.sub(r"\1None", _MAGIC.sub(r"\1pass", line)) for line in lines]


def _parses(lines: list[str]) -> bool:
    try:
        ast.parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
