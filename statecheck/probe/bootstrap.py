"""Source text that a target's interpreter runs with `-c` to load this folder as the package `statecheck_probe`."""

from __future__ import annotations

from pathlib import Path

_TEXT = """\
import importlib.util as u, sys
if sys.path and sys.path[0] == "": del sys.path[0]
s = u.spec_from_file_location("statecheck_probe", {init!r}, submodule_search_locations=[{folder!r}])
m = u.module_from_spec(s); sys.modules["statecheck_probe"] = m; s.loader.exec_module(m)
from statecheck_probe import {module}
{module}.main({argument})
"""


def command(module: str, argument: str) -> str:
    """The program that calls `main(argument)` of a probe module; `argument` is Python source."""
    folder = Path(__file__).resolve().parent
    return _TEXT.format(init=str(folder / "__init__.py"), folder=str(folder), module=module, argument=argument)
