"""Running a notebook as a module: its cells in order, `await` outside of functions included."""

from __future__ import annotations

import ast
import asyncio
import importlib.util
import inspect
import linecache
import sys
from importlib.machinery import SourceFileLoader
from typing import TYPE_CHECKING, Any

from .notebooks import read_script

if TYPE_CHECKING:
    from types import CodeType, ModuleType


class _Loader(SourceFileLoader):
    """Runs a notebook's script, `await` outside of functions included."""

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - the loader's own signature
        text = read_script(self.get_data(self.path))
        linecache.cache[self.path] = (len(text), None, text.splitlines(keepends=True), self.path)
        code: Any = compile(text, self.path, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        return code  # type: ignore[no-any-return]

    def exec_module(self, module: ModuleType) -> None:
        code = self.get_code(module.__name__)
        vars(module).update(display=lambda *_shown, **_how: None, get_ipython=lambda: None)
        if not code.co_flags & inspect.CO_COROUTINE:
            exec(code, vars(module))  # noqa: S102 - the user's own file
            return
        loop = asyncio.new_event_loop()  # left open: what the cells have begun belongs to it
        asyncio.set_event_loop(loop)
        loop.run_until_complete(eval(code, vars(module)))  # noqa: S307 - likewise


def import_notebook(name: str, path: str) -> ModuleType:
    """Run a notebook as a module of this name.

    Raises:
        BaseException: whatever its cells raise.
    """
    spec = importlib.util.spec_from_file_location(name, path, loader=_Loader(name, path))
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    assert spec.loader is not None
    spec.loader.exec_module(module)
    return module
