"""Resolve what the user typed to a target: which file is imported, under which name, and which object is driven.

Reads source only and never imports the target. Whatever a file holds, the only error raised is StatecheckError.
"""

from __future__ import annotations

import ast
import difflib
import keyword
import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from statecheck.errors import ExitCode, StatecheckError
from statecheck.probe.frameworks import FRAMEWORKS
from statecheck.probe.notebooks import SUFFIX
from statecheck.probe.server_starts import SCRIPT
from statecheck.source.code import reading
from statecheck.source.code.files import notebooks
from statecheck.source.code.imports import uses_llama_index
from statecheck.source.code.packages import import_root, is_run_in
from statecheck.source.code.scopes import walk
from statecheck.source.code.sources import Sources
from statecheck.source.code.tree import SourceTree, find_below
from statecheck.target.apps import App, apps_in, named
from statecheck.target.discover import discover
from statecheck.target.evaluator import Evaluator
from statecheck.target.missing_names import global_names, missing_name
from statecheck.target.turn_hints import advise_turn
from statecheck.target.turns import turn_functions

if TYPE_CHECKING:
    from statecheck.source.code.modules import Module

_NAME_ONE = "name a Python file, a directory or `package.module:attribute`"
_NAME_APP = "name the file that builds the app, or what answers a turn: `bot.py:reply`"
_SETTINGS = tuple(framework.settings_variable for framework in FRAMEWORKS if framework.settings_variable)
_URL = re.compile(r"(?:https?|wss?)://")
_APP_STRING = re.compile(r"([A-Za-z_][\w.]*):([A-Za-z_][\w.]*(?:\(\))?)\Z")


@dataclass(frozen=True, slots=True)
class Target:
    """What is diagnosed.

    Attributes:
        path: absolute file.
        module: the dotted name under which it is imported (`loans.main`).
        root: the import root that goes on `sys.path`.
        project: the working directory when the target is below it, else the import root, or what is above its `src`.
        object: attribute path in the module (`app`, `bot.reply`), with `()` if it has to be called
            (`create_app()`); None if source cannot tell and the running probe has to look.
        framework: the name of its row in `statecheck.probe.frameworks`, or `""` if source cannot tell.
        arguments: the command line with which the object is run that starts the app (`main()`, or `__main__` for the
            file as a script); None where the object is the app.
        why: what says that it is this app, of several; or "".
    """

    path: Path
    module: str
    root: Path
    project: Path
    object: str | None
    framework: str
    arguments: tuple[str, ...] | None = None
    why: str = ""
    sources: Sources = field(default_factory=Sources, compare=False, repr=False)


def resolve(spec: str | None, cwd: Path, app_dir: Path | None = None) -> Target:
    """Find the target.

    Args:
        spec: `app.py`, `path/app.py:attribute`, `package.module:attribute`, `package.module`, a directory, or
            None to look below the working directory.
        cwd: the working directory.
        app_dir: the import root, where it is not to be found out.

    Raises:
        StatecheckError: `missing-file`, `unreadable`, `too-large`, `not-python`, `syntax-error`, `too-deep`,
            `several-apps`, `no-app`, `unknown-attribute`, `app-dir`.
    """
    root = Path(os.path.normpath(cwd.absolute() / app_dir)) if app_dir else None
    if root is not None and not reading.is_dir(root):
        raise StatecheckError("app-dir", f"there is no folder `{_line(str(app_dir))}`", "name one with --app-dir")
    finder = _Finder(Path(os.path.normpath(cwd.absolute())), root)
    if spec is None:
        return finder.below(root or finder.cwd, None)
    where, attribute = _split(spec, finder.cwd)
    path = Path(os.path.normpath(finder.cwd / _expand(where)))
    if root is not None and where and not reading.exists(path):
        path = Path(os.path.normpath(root / where))
    if where and reading.is_dir(path):
        return finder.below(path, attribute)
    if where and reading.exists(path):
        return finder.file(path, attribute)
    for base in (root,) if root else (finder.cwd, finder.cwd / "src"):
        found = find_below(base, where) if _is_dotted(where) else None
        if found is not None:
            return finder.file(found, attribute, base)
    raise _missing(path, where, finder.cwd)


class _Finder:
    """Resolves against one working directory and, if it is given, one import root; every file is read once."""

    def __init__(self, cwd: Path, root: Path | None = None) -> None:
        self.cwd = cwd
        self.root = root
        self.sources = Sources()
        self._evaluators: dict[tuple[Path, Path], Evaluator] = {}

    def evaluator(self, path: Path, root: Path | None = None) -> Evaluator:
        """Return what evaluates the tree of a file, whose root is found if it is not given."""
        below = is_run_in(self.cwd, path)
        SourceTree(path.parent, self.cwd if below else path.parent, sources=self.sources).module(path)
        if self.root is not None and not path.is_relative_to(self.root):
            text = f"`{_shown(path, self.cwd)}` is not below `{_shown(self.root, self.cwd)}`, from where it is imported"
            raise StatecheckError("app-dir", text, "name a folder above it with --app-dir")
        root = self.root or root or import_root(path, self.cwd, self.sources)[0]
        key = (root, self.cwd if below else root.parent if root.name == "src" else root)
        if key not in self._evaluators:
            self._evaluators[key] = Evaluator(SourceTree(*key, sources=self.sources))
        return self._evaluators[key]

    def file(self, path: Path, attribute: str | None, root: Path | None = None) -> Target:
        """Return the target that a file holds."""
        values = self.evaluator(path, root)
        module = values.tree.module(path)
        if attribute is not None:
            return self._attribute(module, values, attribute)
        found = apps_in(module, values)
        if len(found) > 1:
            raise _several([_spec(app, self.cwd) for app in found])
        if found:
            return _target_of(values.tree, found[0])
        elsewhere = _elsewhere(module, values.tree)
        if elsewhere is not None:
            base, file = values.tree.locate(elsewhere[0])
            if file != path:
                return self.file(file, elsewhere[1], base)
        llama = uses_llama_index(values.tree, path)
        if llama and global_names(module, values.resolver) is None:
            return _target(values.tree, module, None, "")
        raise _no_app(module.shown, llama, self._hint(module, values.tree) if llama else "")

    def below(self, top: Path, attribute: str | None) -> Target:
        """Return the target that a directory holds."""
        shown = _shown(top, self.cwd)
        if not os.access(top, os.R_OK | os.X_OK):
            raise StatecheckError("unreadable", f"`{shown}` cannot be read: permission denied", "check its permissions")
        if attribute is not None and reading.is_file(top / "__init__.py"):
            return self.file(top / "__init__.py", attribute)
        place = self.cwd if top.is_relative_to(self.cwd) else top
        discovery = discover(top, self.evaluator, self.sources, place)
        if not discovery.found and discovery.error is None and (books := tuple(notebooks(top))):
            read = discover(top, self.evaluator, self.sources, place, books)
            discovery = read if read.found or read.uses_llama_index else discovery
        found = discovery.found
        if attribute is not None:
            found = tuple(one for one in found if one.app.object in (attribute, f"{attribute}()"))
        if len(found) > 1:
            raise _several(sorted(_spec(one.app, self.cwd) for one in found))
        if found:
            app = found[0].app
            return _target_of(found[0].values.tree, app, discovery.why)
        if discovery.error is not None:
            raise discovery.error
        raise _no_app(shown, discovery.uses_llama_index)

    def _hint(self, module: Module, tree: SourceTree) -> str:
        """Return what to name instead of a module that has nothing to drive: the app that loads it, or a function."""
        found = discover(self.cwd, self.evaluator, self.sources).found if module.path.is_relative_to(self.cwd) else ()
        loading = [one for one in found if module.path in {m.path for m in one.values.tree.reach(one.app.module.path)}]
        if len(loading) == 1:
            return f"name the app that loads it: `statecheck diagnose {_spec(loading[0].app, self.cwd)}`"
        return advise_turn(tree, module.path)

    def _attribute(self, module: Module, values: Evaluator, attribute: str) -> Target:
        missing = missing_name(module, values, attribute) if attribute != SCRIPT else None
        if missing is not None:
            name, known = missing
            close = difflib.get_close_matches(name, sorted(known), 1)
            apps = [f"`{_spec(app, self.cwd)}`" for app in apps_in(module, values)]
            hint = (
                f"did you mean `{close[0]}`?" if close else f"there is {', '.join(apps)}" if apps else "check its name"
            )
            raise StatecheckError("unknown-attribute", f"`{module.shown}` has no attribute `{name}`", hint)
        app = named(module, values, attribute)
        if app is None:
            inside = [
                path for path in turn_functions(module, values) if path.startswith((f"{attribute}.", f"{attribute}()."))
            ]
            if len(inside) == 1:  # an object, or a class, of which one method takes the turns
                return _target(values.tree, module, inside[0], "callable")
            return _target(values.tree, module, attribute, "")
        return _target_of(values.tree, app)


def _target(tree: SourceTree, module: Module, name: str | None, framework: str) -> Target:
    return Target(module.path, module.name, tree.root, tree.project, name, framework, sources=tree.sources)


def _target_of(tree: SourceTree, app: App, why: str = "") -> Target:
    return replace(_target(tree, app.module, app.object, app.framework), arguments=app.arguments, why=why)


def _split(spec: str, cwd: Path) -> tuple[str, str | None]:
    """Return the place and the attribute path of what the user typed.

    Raises:
        StatecheckError: what follows the colon is no attribute path.
    """
    where, colon, attribute = spec.rpartition(":")
    if not colon or reading.exists(cwd / _expand(spec)):
        return spec, None
    parts = [part.removesuffix("()") for part in attribute.split(".")]
    if all(part.isidentifier() and not keyword.iskeyword(part) for part in parts):
        return where, attribute
    if reading.exists(cwd / _expand(where)) or _is_dotted(where):
        hint = f"write `{where}:app`, `{where}:bot.reply` or `{where}:create_app()`"
        raise StatecheckError("unknown-attribute", f"`{_line(attribute)}` is not an attribute path", hint)
    return spec, None


def _expand(where: str) -> Path:
    try:
        return Path(where).expanduser()
    except RuntimeError:
        return Path(where)


def _is_dotted(where: str) -> bool:
    return all(part.isidentifier() for part in where.split(".")) and not where.endswith((".py", SUFFIX))


def _elsewhere(module: Module, tree: SourceTree) -> tuple[str, str | None] | None:
    """Where a launcher's app is: the string in `uvicorn.run("shop.main:app")`, or beside a `manage.py`'s settings."""
    for node in walk(module.ast):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            match = _APP_STRING.match(node.value)
            if match and tree.find(match[1]):
                return match[1], match[2]
            if ".settings" in node.value and any(variable in module.text for variable in _SETTINGS):
                package = node.value.partition(".settings")[0]
                for name in (f"{package}.wsgi", f"{package}.asgi"):
                    if tree.find(name):
                        return name, None
    return None


def _spec(app: App, cwd: Path) -> str:
    shown = _shown(app.module.path, cwd)
    return f"{shown}:{app.object}" if app.object else shown


def _shown(path: Path, cwd: Path) -> str:
    """Return the path as the user would type it, without control characters."""
    return _line((path.relative_to(cwd) if path.is_relative_to(cwd) else path).as_posix())


def _line(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)[:200]


def _missing(path: Path, where: str, cwd: Path) -> StatecheckError:
    """Why there is nothing at this place, and what is near it."""
    if not where:
        return StatecheckError("missing-file", "an empty name names no file", _NAME_ONE)
    shown = _line(where)
    try:
        reading.check_name(path, shown)
        reading.read_bytes(path, shown)
    except StatecheckError as error:
        if error.slug != "missing-file":
            return error
    head, _, last = where.rpartition(".")
    if _is_dotted(where) and head and SourceTree(cwd, cwd).find(head):
        return StatecheckError("missing-file", f"there is no module `{shown}`", f"did you mean `{head}:{last}`?")
    if _URL.match(where):
        text = f"`{shown}` is a URL: an app is started here, and not asked where it runs"
        return StatecheckError("missing-file", text, _NAME_APP)
    words = where.split()
    if apps := [word for word in words[1:] if ":" in word or word.endswith((".py", SUFFIX))]:
        return StatecheckError("missing-file", f"`{shown}` does not exist", f"did you mean `{_line(apps[0])}`?")
    folder = path.parent
    near = sorted(folder.iterdir()) if reading.is_dir(folder) and os.access(folder, os.R_OK) else []
    names = [item.name for item in near if item.suffix in (".py", SUFFIX) or reading.is_dir(item)]
    close = difflib.get_close_matches(path.name, names, 1) or difflib.get_close_matches(f"{path.name}.py", names, 1)
    hint = f"did you mean `{_shown(folder / close[0], cwd)}`?" if close else _NAME_ONE
    return StatecheckError("missing-file", f"`{shown}` does not exist", hint)


def _several(specs: list[str]) -> StatecheckError:
    shown = ", ".join(f"`{spec}`" for spec in specs[:8]) + (f" and {len(specs) - 8} more" if len(specs) > 8 else "")
    return StatecheckError(
        "several-apps", f"several apps and none named: {shown}", f"name one: `statecheck diagnose {specs[0]}`"
    )


def _no_app(shown: str, llama: bool, hint: str = "") -> StatecheckError:
    if llama:
        return StatecheckError("no-app", f"`{shown}` uses LlamaIndex but has nothing to drive", hint or _NAME_APP)
    return StatecheckError("no-app", f"`{shown}` has no LlamaIndex and no app", hint or _NAME_APP, ExitCode.NOTHING)
