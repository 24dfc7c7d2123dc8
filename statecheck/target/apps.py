"""Find what can be driven in a module: web apps, workflows, pages and plain callables, and choose among them."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from statecheck.probe.frameworks import CALLABLE, FRAMEWORKS, RANKS, UNKNOWN, by_name
from statecheck.source.code.imports import uses_llama_index
from statecheck.source.code.scopes import last_name, required_parameters, statements
from statecheck.target.evaluator import Evaluator, imports_top
from statecheck.target.starters import Starter, Starters
from statecheck.target.turns import is_task, turn_functions
from statecheck.target.undriven import find_undriven
from statecheck.target.values import Origin, Value, Wiring, adds_routes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from statecheck.source.code.modules import Module

T = TypeVar("T")
CONVENTIONAL = ("app", "application", "server", "api")
_FACTORIES = ("create_app", "make_app", "build_app", "get_app", "app_factory", "create_application")
_PAGES = tuple(framework for framework in FRAMEWORKS if framework.offered != "object")
_TASKS = tuple(framework for framework in FRAMEWORKS if framework.kind == "task")
_MOUNTS = frozenset(("mount", "include_router", "register_blueprint"))
_SERVED = RANKS["web"]
_NO_APPS = frozenset(("Typer", "App", "ArgumentParser", "Console", "QApplication", "Tk"))


@dataclass(frozen=True, slots=True)
class App:
    """Something in a module that can be driven.

    Attributes:
        module: where it is imported from.
        object: the attribute path, `create_app()` for a call, None for a page that is a script.
        framework: as `Target.framework`.
        origin: where it is built; the same app under two names has one origin.
        inside: the origins of the apps that it wraps.
        routed: it has routes of its own.
        own: it is built in this module, not imported.
        arguments: the command line of what starts the app, where `object` does; else None.
    """

    module: Module
    object: str | None
    framework: str
    origin: Origin
    inside: frozenset[Origin] = frozenset()
    routed: bool = False
    own: bool = True
    arguments: tuple[str, ...] | None = None

    @property
    def rank(self) -> int:
        """Web apps before pages before callables before workflows."""
        return by_name(self.framework).rank

    @property
    def is_web(self) -> bool:
        """Whether it is sent requests over HTTP."""
        return by_name(self.framework).is_web

    @property
    def is_call(self) -> bool:
        """Whether it is a factory that has to be called, or what starts it."""
        return self.arguments is not None or (self.object is not None and self.object.endswith("()"))


@dataclass(frozen=True, slots=True)
class FoundApp:
    """An app, with what evaluates its tree."""

    app: App
    values: Evaluator
    uses_llama_index: bool


def apps_in(module: Module, values: Evaluator) -> list[App]:
    """Return the best of what a module offers: one app, several that cannot be told apart, or none."""
    found = list(_objects(module, values))
    waiting = Starters(values).at_import(module)
    if waiting is not None and waiting.call.returns:  # its import would not end
        return [_started(waiting, module)]
    if not any(app.rank >= _SERVED for app in found):
        known = {app.origin for app in found}
        started = [_started(each, module) for each in Starters(values).of(module) if not each.call.named]
        found += [app for app in started if app.origin not in known]
    if not any(app.is_web for app in found):
        found += _pages(module)
        if uses_llama_index(values.tree, module.path):
            found += _interfaces(module)
            found += _callables(module, values)
            found += _tasks(module, values)
    if not found:
        found = list(_unknown(module, values))
    if not found and uses_llama_index(values.tree, module.path):
        undriven = find_undriven(module)
        found = [App(module, None, undriven[0], (module.path, undriven[1]))] if undriven is not None else []
    if len(found) < 2:
        return found
    wires = wiring(values.tree.reach(module.path), values)
    found = outermost(found, wires.mounted)
    found = best(found, lambda app: app.rank)
    found = best(found, lambda app: app.own)
    found = best(found, lambda app: not app.is_call)
    found = best(found, lambda app: app.routed or app.origin in wires.routed)
    found = _one_name_each(found)
    return best(found, _conventional) if len(found) > 1 else found


def spell(app: App) -> str:
    """Return an app as a user would name it: `app.py:create_app()`."""
    return f"{app.module.shown}:{app.object}" if app.object else app.module.shown


def named(module: Module, values: Evaluator, path: str) -> App | None:
    """Return what the attribute path that a user gave leads to, or None if source cannot tell."""
    starter = Starters(values).named(module, path.removesuffix("()"))
    if starter is not None:
        return _started(starter, module)
    value = values.evaluate_text(path, module)
    return _app(module, path, value, values) if value is not None else None


def outermost(apps: Iterable[App], mounted: frozenset[Origin] = frozenset()) -> list[App]:
    """Without the apps that another one mounts or wraps; all of them if nothing else were left."""
    apps = list(apps)
    wrapped = {origin for app in apps for origin in app.inside if origin != app.origin}
    return [app for app in apps if app.origin not in mounted | wrapped] or apps


def wiring(modules: Iterable[Module], values: Evaluator) -> Wiring:
    """How apps are put together anywhere in these files."""
    for module in (modules := list(modules)):
        if module.path not in values.wirings:
            values.wirings[module.path] = _wiring_of(module, values)
    wires = [values.wirings[module.path] for module in modules]
    return Wiring(
        frozenset(origin for wire in wires for origin in wire.mounted),
        frozenset(origin for wire in wires for origin in wire.routed),
    )


def best(choices: list[T], key: Callable[[T], int]) -> list[T]:
    """Return those for which the key is greatest."""
    most = max(map(key, choices), default=0)
    return [choice for choice in choices if key(choice) == most]


def _conventional(app: App) -> int:
    """Return how conventional an object's name is: `app` most, unusual ones 0."""
    for names in (CONVENTIONAL, _FACTORIES):
        name = (app.object or "").removesuffix("()").partition(".")[0]
        if name in names:
            return len(names) - names.index(name)
    return 0


def _one_name_each(apps: list[App]) -> list[App]:
    """One app for each origin, under its most usual name."""
    chosen: dict[Origin, App] = {}
    for app in apps:
        known = chosen.get(app.origin)
        if known is None or _preference(app) > _preference(known):
            chosen[app.origin] = app
    return list(chosen.values())


def _preference(app: App) -> tuple[int, bool]:
    return _conventional(app), "." not in (app.object or "")


def _objects(module: Module, values: Evaluator) -> Iterator[App]:
    """Yield the apps that a module binds or imports, and the factories that take nothing."""
    own = values.env(module).names
    imported = [name for name in _imported_names(module) if name not in own]
    for name in [*own, *imported]:
        value = values.name(module, name)
        if value is None or name.startswith("__"):
            continue
        if value.is_app:
            path = f"{name}.{value.attribute}" if value.attribute else name
            yield App(module, path, value.kind, value.origin, value.inside, value.routed, name in own)
        elif value.kind == "class" and isinstance(value.node, ast.ClassDef) and name in own:
            kind = values.constructor(ast.Name(name, ast.Load()), values.env(module))
            if by_name(kind).kind == "workflow" and not _asked_to_make(value.node):
                yield App(module, f"{name}()", kind, value.origin)
        elif isinstance(value.node, ast.FunctionDef) and name in own and not required_parameters(value.node):
            made = values.called(value)
            if made is not None and by_name(made.kind).kind in ("web", "bot"):
                path = f"{name}().{made.attribute}" if made.attribute else f"{name}()"
                yield App(module, path, made.kind, made.origin, made.inside, made.routed)


def _asked_to_make(node: ast.ClassDef) -> bool:
    """Whether a class's own constructor needs arguments."""
    made = next((inner for inner in node.body if isinstance(inner, ast.FunctionDef) and inner.name == "__init__"), None)
    return made is not None and bool(required_parameters(made)[1:])


def _app(module: Module, path: str, value: Value, values: Evaluator) -> App | None:
    """Return the app that a named value is; a function that takes nothing and gives an app is to be called."""
    own = path.partition(".")[0].removesuffix("()") in values.env(module).names
    if value.is_app:
        whole = f"{path}.{value.attribute}" if value.attribute else path
        return App(module, whole, value.kind, value.origin, value.inside, value.routed, own)
    if value.kind == "class" and isinstance(value.node, ast.ClassDef):
        made = values.constructor(ast.Name(value.node.name, ast.Load()), values.env(value.module))
        return App(module, f"{path}()", made, value.origin) if made else None
    if value.kind == "function" and isinstance(value.node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        made_value = values.called(value)
        if made_value is not None and made_value.is_app and not required_parameters(value.node):
            return App(module, f"{path}()", made_value.kind, made_value.origin, routed=made_value.routed, own=own)
        return App(module, path, _task_kind(value, values) or CALLABLE.name, value.origin, own=own)
    return None


def _imported_names(module: Module) -> list[str]:
    names: list[str] = []
    for statement in statements(module.ast.body):
        if isinstance(statement, ast.ImportFrom):
            for alias in statement.names:
                names += CONVENTIONAL if alias.name == "*" else [alias.asname or alias.name]
    return names


def _pages(module: Module) -> Iterator[App]:
    """Yield a module that a framework runs by itself."""
    for page in _PAGES:
        if not page.undriven and any(imports_top(module, package) for package in page.packages):
            yield App(module, None, page.name, (module.path, 0))


def _interfaces(module: Module) -> Iterator[App]:
    """Yield a user interface of a package that cannot be driven: what its functions do alone says nothing of it."""
    for page in _PAGES:
        if page.undriven and any(imports_top(module, package) for package in page.packages):
            yield App(module, None, page.name, (module.path, 0))
            return


def _callables(module: Module, values: Evaluator) -> Iterator[App]:
    serving = {scope for call in Starters(values).calls(module) for scope in call.scopes}
    for path, value in turn_functions(module, values).items():
        if value.node not in serving:
            yield App(module, path, CALLABLE.name, value.origin)


def _started(starter: Starter, module: Module) -> App:
    """Return the app that a starter serves, which is where it is built."""
    call = starter.call
    inside = call.value.inside if call.value is not None else frozenset()
    return App(module, starter.object, call.framework, call.origin, inside, routed=True, arguments=starter.arguments)


def _tasks(module: Module, values: Evaluator) -> Iterator[App]:
    for path, value in turn_functions(module, values, tasks=True).items():
        kind = _task_kind(value, values)
        if kind:
            yield App(module, path, kind, value.origin, routed=True)  # rather than the app that it belongs to


def _task_kind(value: Value, values: Evaluator) -> str:
    """Return the package of which a function is a task, or an empty text."""
    around = values.tree.reach(value.module.path) if is_task(value.node) else ()
    packages = ((framework.name, package) for framework in _TASKS for package in framework.packages)
    return next((name for name, package in packages if any(imports_top(m, package) for m in around)), "")


def _unknown(module: Module, values: Evaluator) -> Iterator[App]:
    """Yield an `app` made by code that is not the user's: the running probe has to look."""
    for name in CONVENTIONAL[:2]:
        for line, node in values.env(module).names.get(name, ())[-1:]:
            known = values.name(module, name)
            if known is None and isinstance(node, ast.Call) and last_name(node.func) not in _NO_APPS:
                yield App(module, name, UNKNOWN.name, (module.path, line))


def _wiring_of(module: Module, values: Evaluator) -> Wiring:
    env = values.env(module)
    mounted, routed = set(), set()
    for node in module.calls:
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        if adds_routes(node) and isinstance(node.func, ast.Attribute):
            outer = values.evaluate(node.func.value, env)
            own = {outer.origin} if outer is not None and outer.is_app else set()
            routed |= own
            if node.func.attr in _MOUNTS:
                mounted |= {value.origin for value in _apps_given(given, module, values)} - own
        elif last_name(node.func).islower():
            names = [part for part in given if isinstance(part, ast.Name)]
            routed |= {value.origin for value in _apps_given(names, module, values)}
    return Wiring(frozenset(mounted), frozenset(routed))


def _apps_given(given: Iterable[ast.expr], module: Module, values: Evaluator) -> Iterator[Value]:
    for whole in given:
        for part in ast.walk(whole):
            if isinstance(part, (ast.Name, ast.Call)):
                value = values.evaluate(part, values.env(module))
                if value is not None and value.is_web:
                    yield value
