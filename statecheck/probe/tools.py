"""An agent's tools: which one the echo model called, and whose work is done meanwhile."""

from __future__ import annotations

import functools
import inspect
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .markers import find
from .recorder import RECORDER, TOOL, TURN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from .ops import Frames


def _patch(module: ModuleType) -> None:
    tool = module.FunctionTool
    call, acall = tool.call, tool.acall

    @functools.wraps(call)
    def called(self: Any, *args: Any, **kwargs: Any) -> Any:
        with _run_tool(self, (args, kwargs)):
            return call(self, *args, **kwargs)

    @functools.wraps(acall)
    async def acalled(self: Any, *args: Any, **kwargs: Any) -> Any:
        with _run_tool(self, (args, kwargs)):
            return await acall(self, *args, **kwargs)

    tool.call, tool.acall = called, acalled


@contextmanager
def _run_tool(tool: Any, given: Any) -> Iterator[None]:
    name = str(tool.metadata.name)
    if TURN.get() and TOOL.get() != name:  # `acall` of a synchronous tool may come by `call`
        RECORDER.emit("tool", action="call", tool=name, markers=find(given), frames=_find_definition(tool))
    token = TOOL.set(name)
    try:
        yield
    finally:
        TOOL.reset(token)


def _find_definition(tool: Any) -> Frames:
    """Where the user's code defines what a tool does; nothing for a library's."""
    function = getattr(tool, "_real_fn", None) or getattr(tool, "_fn", None) or getattr(tool, "_async_fn", None)
    code = getattr(inspect.unwrap(function), "__code__", None) if callable(function) else None
    path = RECORDER.relative(code.co_filename) if code is not None else ""
    return ((path, code.co_firstlineno, code.co_name),) if path and code is not None else ()


HOOKS: dict[str, Callable[[ModuleType], None]] = {"llama_index.core.tools.function_tool": _patch}
"""What to run after each of these modules has been executed."""
