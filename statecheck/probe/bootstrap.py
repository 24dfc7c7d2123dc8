"""Source text that a target's interpreter runs with `-c` to load this folder as the package `statecheck_probe`."""

from __future__ import annotations

from pathlib import Path

OLDEST = (3, 10)
"""The oldest Python that a target may have."""

_TEXT = """\
import sys
if sys.version_info < {oldest} or sys.implementation.name != "cpython":
    sys.exit("it is Python " + sys.version.replace("\\n", " ").split(" (")[0] + ", not CPython 3.10 or newer")
import importlib.util as u
if sys.path and sys.path[0] == "": del sys.path[0]
s = u.spec_from_file_location("statecheck_probe", {init!r}, submodule_search_locations=[{folder!r}])
m = u.module_from_spec(s); sys.modules["statecheck_probe"] = m; s.loader.exec_module(m)
from statecheck_probe import {module}
{module}.main({argument})
"""


def command(module: str, argument: str) -> str:
    """The program that calls `main(argument)` of a probe module; `argument` is Python source."""
    folder = Path(__file__).resolve().parent
    init = str(folder / "__init__.py")
    return _TEXT.format(oldest=OLDEST, init=init, folder=str(folder), module=module, argument=argument)
