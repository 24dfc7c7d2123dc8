"""Find what starts an app that no module has: a script, a function or a command that builds it and serves it.

Each is known by the call of a server that it reaches; what that call is given is the app.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from statecheck.probe.server_starts import SCRIPT, STARTS
from statecheck.source.code.resolver import FUNCTIONS, Definition, bindings
from statecheck.source.code.scopes import dotted, is_guarded, last_name, required_parameters, walk
from statecheck.target.commands import choose_arguments, is_command
from statecheck.target.evaluator import imports_top
from statecheck.target.values import Env, ServerCall

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from statecheck.probe.server_starts import Start
    from statecheck.source.code.modules import Module
    from statecheck.target.evaluator import Evaluator

_BY_NAME: dict[str, tuple[Start, ...]] = {}
for _start in STARTS:
    _BY_NAME[_start.name] = (*_BY_NAME.get(_start.name, ()), _start)
_PLAIN_WORDS = frozenset(("run", "serve", "start", "connect"))  # methods of many things
_CONFIG = "Config"
_MOST_READ = 300


@dataclass(frozen=True, slots=True)
class Starter:
    """What starts an app.

    Attributes:
        object: `main()`, or `__main__` for what the file runs where it is run itself.
        call: the server's.
        arguments: what it has to be given on its command line.
    """

    object: str
    call: ServerCall
    arguments: tuple[str, ...] = ()


class Starters:
    """What starts apps in the files of one tree; each file is looked through once.

    Args:
        values: evaluates expressions of the tree.
    """

    def __init__(self, values: Evaluator) -> None:
        self._values = values
        self._calls = values.server_calls

    def of(self, module: Module) -> list[Starter]:
        """Return what starts an app in a file: what it runs itself, else its functions that ask for nothing."""
        if not any(self.calls(each) for each in self._values.tree.reach(module.path)):
            return []
        unguarded = self.at_import(module)
        if unguarded is not None:
            return [unguarded]
        guards = [part for part in module.ast.body if isinstance(part, ast.If) and is_guarded(part)]
        call = self._reached(module, [statement for guard in guards for statement in guard.body])
        if call is not None:
            return [Starter(SCRIPT, call, choose_arguments(module, call.scopes))]
        if not self.calls(module) and module.path.stem != SCRIPT:
            return []
        found = {name: call for name, node in self._functions(module) if (call := self._reached(module, [node]))}
        called = {last_name(node.func) for name in found for node in self._calls_in(module, name)}
        outer = [name for name in found if name not in called] or list(found)
        return [Starter(f"{name}()", found[name]) for name in outer]

    def at_import(self, module: Module) -> Starter | None:
        """Return what starts an app where a file is imported, as it is not guarded; or None."""
        if not any(self.calls(each) for each in self._values.tree.reach(module.path)):
            return None
        call = self._reached(module, [part for part in module.ast.body if isinstance(part, ast.Expr)])
        return Starter(SCRIPT, call) if call is not None else None

    def named(self, module: Module, name: str) -> Starter | None:
        """Return what a name of a file starts, or None: a function, or `__main__`."""
        if name == SCRIPT:
            return next((each for each in self.of(module) if each.object == SCRIPT), None)
        node = dict(self._functions(module)).get(name)
        call = self._reached(module, [node]) if node is not None else None
        return Starter(f"{name}()", call) if call is not None else None

    def calls(self, module: Module) -> tuple[ServerCall, ...]:
        """Return the calls of a file that serve an app."""
        if module.path not in self._calls:
            self._calls[module.path] = ()
            nodes = {node for node in module.calls if last_name(node.func) in _BY_NAME}
            self._calls[module.path] = tuple(self._read(module, nodes)) if nodes else ()
        return self._calls[module.path]

    def _functions(self, module: Module) -> Iterator[tuple[str, ast.AST]]:
        for name, nodes in self._values.env(module).names.items():
            node = nodes[-1][1]
            if isinstance(node, FUNCTIONS) and (not required_parameters(node) or is_command(module, node)):
                yield name, node

    def _calls_in(self, module: Module, name: str) -> Iterator[ast.Call]:
        node = self._values.env(module).names[name][-1][1]
        return (inner for inner in walk(node) if isinstance(inner, ast.Call))

    def _read(self, module: Module, nodes: set[ast.Call]) -> Iterator[ServerCall]:
        stack: list[tuple[ast.AST, tuple[ast.AST, ...]]] = [(module.ast, ())]
        while stack:
            node, scopes = stack.pop()
            if isinstance(node, ast.Call) and node in nodes:
                found = self._server_call(module, node, scopes)
                if found is not None:
                    yield found
            inner = (*scopes, node) if isinstance(node, (*FUNCTIONS, ast.ClassDef)) or is_guarded(node) else scopes
            stack += [(child, inner) for child in ast.iter_child_nodes(node)]

    def _server_call(self, module: Module, node: ast.Call, scopes: tuple[ast.AST, ...]) -> ServerCall | None:
        env = self._env(module, scopes)
        starts = _BY_NAME[last_name(node.func)]
        package = _package(module, node.func)
        function = next((each for each in starts if not each.owner and each.package == package), None)
        if function is not None:
            return self._serving(function, node, node, env, scopes)
        if not isinstance(node.func, ast.Attribute):
            return None
        value = self._values.evaluate(node.func.value, env, node.lineno)
        method = next((each for each in starts if value is not None and each.framework == value.kind), None)
        if method is not None and value is not None:
            return ServerCall(node, scopes, method.framework, value, value.origin, returns=method.returns)
        made = _made(node.func.value, env, scopes)
        package = _package(module, made.func) if made is not None else ""
        method = next((each for each in starts if each.owner and each.package == package), None)
        if method is not None and made is not None:
            return self._serving(method, node, made, env, scopes)
        if node.func.attr in _PLAIN_WORDS:
            return None
        method = next((each for each in starts if imports_top(module, each.package)), None)
        origin = (module.path, node.lineno)
        return ServerCall(node, scopes, method.framework, None, origin, "", method.returns) if method else None

    def _serving(
        self, start: Start, node: ast.Call, given: ast.Call, env: Env, scopes: tuple[ast.AST, ...]
    ) -> ServerCall:
        """Return the call of a server that serves whatever it is given."""
        arguments = [_unwrap(each, env) for each in (*given.args, *(keyword.value for keyword in given.keywords))]
        found = (self._values.evaluate(each, env, node.lineno) for each in arguments)
        value = next((each for each in found if each is not None and each.is_app), None)
        texts = (each.value for each in arguments if isinstance(each, ast.Constant) and isinstance(each.value, str))
        named = next((text for text in texts if ":" in text), "")
        origin = value.origin if value is not None else (env.module.path, node.lineno)
        kind = value.kind if value is not None else start.framework
        return ServerCall(node, scopes, kind, value, origin, named, start.returns)

    def _env(self, module: Module, scopes: Sequence[ast.AST]) -> Env:
        """Return the scope in which a node stands; `self` is what its class makes."""
        env = self._values.env(module)
        owner: ast.AST | None = None
        for scope in scopes:
            if isinstance(scope, ast.If):
                env = Env(module, bindings(ast.Module(scope.body, [])), env)
            elif isinstance(scope, FUNCTIONS):
                names = bindings(scope)
                if owner is not None and scope.args.args:
                    names = {**names, scope.args.args[0].arg: [(0, owner)]}
                env = Env(module, names, env)
            owner = scope if isinstance(scope, ast.ClassDef) else None
        return env

    def _reached(self, module: Module, nodes: Iterable[ast.AST]) -> ServerCall | None:
        """Return the first call of a server that running these nodes may come to, or None."""
        waiting = [(module, node) for node in nodes]
        seen = {node for _, node in waiting}
        for place, node in waiting:  # grows
            calls = {call.node: call for call in self.calls(place)}
            for inner in walk(node):
                if isinstance(inner, ast.Call) and inner in calls:
                    return calls[inner]
                for found in self._meant(place, inner) if len(waiting) < _MOST_READ else ():
                    owner = self._values.tree.get(found.file)
                    if owner is not None and found.node not in seen:
                        seen.add(found.node)
                        waiting.append((owner, found.node))
        return None

    def _meant(self, module: Module, node: ast.AST) -> Iterator[Definition]:
        """Yield the functions and classes that a name or an attribute may lead to, and the commands of a group."""
        resolver = self._values.resolver
        if isinstance(node, ast.Name):
            found = resolver.find(module.path, node.id)
        elif isinstance(node, ast.Attribute):
            found = resolver.resolve(module.path, node)
        else:
            return
        if found is None:
            return
        if isinstance(found.node, (*FUNCTIONS, ast.ClassDef)):
            yield found
        kind = resolver.class_of(found)
        if kind is not None:
            yield kind
        owner = self._values.tree.get(found.file)
        if owner is not None and isinstance(node, ast.Name):
            yield from (Definition(found.file, each) for each in owner.ast.body if _is_marked(each, node.id))


def _is_marked(node: ast.AST, name: str) -> bool:
    """Whether something of this name decorates a function, such as a group of commands."""
    marks = node.decorator_list if isinstance(node, FUNCTIONS) else ()
    return any(dotted(mark.func if isinstance(mark, ast.Call) else mark).startswith(f"{name}.") for mark in marks)


def _package(module: Module, function: ast.expr) -> str:
    """Return the top-level package from which a function comes, or ""."""
    root = function
    while isinstance(root, ast.Attribute):
        root = root.value
    name = root.id if isinstance(root, ast.Name) else ""
    return next((each.name.partition(".")[0] for each in module.imports if each.bound == name), "")


def _made(thing: ast.expr, env: Env, scopes: Sequence[ast.AST]) -> ast.Call | None:
    """Return the call that makes what a method is taken of: it itself, or what its name or attribute was given."""
    if isinstance(thing, ast.Call):
        return thing
    if isinstance(thing, ast.Name):
        found = _bound(thing.id, env)
        return found if isinstance(found, ast.Call) else None
    spelled = dotted(thing)
    owners = [scope for scope in scopes if spelled and isinstance(scope, ast.ClassDef)]
    given = [node for owner in owners for node in walk(owner) if isinstance(node, ast.Assign)]
    made = (node.value for node in given if any(dotted(target) == spelled for target in node.targets))
    return next((value for value in made if isinstance(value, ast.Call)), None)


def _bound(name: str, env: Env | None) -> ast.AST | None:
    while env is not None:
        if env.names.get(name):
            return env.names[name][-1][1]
        env = env.outer
    return None


def _unwrap(given: ast.expr, env: Env) -> ast.expr:
    """Return what a server's configuration is made of, where it is given one: `Config(app)`."""
    made = _bound(given.id, env) if isinstance(given, ast.Name) else given
    if isinstance(made, ast.Call) and last_name(made.func) == _CONFIG:
        named = (keyword.value for keyword in made.keywords if keyword.arg == "app")
        return next(iter(made.args), None) or next(named, given)
    return given
