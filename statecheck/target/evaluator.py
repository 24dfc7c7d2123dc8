"""Evaluate expressions of the user's code by reading them, to find out which of them are apps.

Only what finding an app needs: names, imports, attributes, calls of constructors, of factories and of wrappers.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from statecheck.probe.frameworks import FRAMEWORKS, Framework, by_constructor, by_name, by_signature
from statecheck.source.code.reading import parse_expression
from statecheck.source.code.resolver import Resolver, bindings
from statecheck.source.code.scopes import dotted, last_name, own_nodes, parameters
from statecheck.target.values import (
    AnyFunction,
    Env,
    Origin,
    ServerCall,
    Value,
    Wiring,
    adds_routes,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from statecheck.source.code.modules import Module
    from statecheck.source.code.tree import SourceTree

_WRAPPERS = frozenset(name for framework in FRAMEWORKS for name in framework.wrappers)
_ALTERNATIVES = frozenset(("from_defaults", "from_tools", "from_tools_or_functions", "from_agents"))
_BUILD = "build"
_DEEPEST = 40


class Evaluator:
    """Evaluates expressions of one source tree, each once."""

    def __init__(self, tree: SourceTree) -> None:
        self.tree = tree
        self.wirings: dict[Path, Wiring] = {}
        self.server_calls: dict[Path, tuple[ServerCall, ...]] = {}
        self.resolver = Resolver(tree)
        self._known: dict[tuple[Path, ast.AST, int], Value | None] = {}  # keeps its nodes, so no two are taken for one
        self._classes: dict[ast.ClassDef, str] = {}

    def env(self, module: Module) -> Env:
        """Return the module's own scope."""
        return Env(module, self.resolver.bindings(module))

    def name(self, module: Module, name: str) -> Value | None:
        """Return what a module's global is when the module has been imported."""
        return self._name(name, self.env(module), None, 0)

    def evaluate_text(self, text: str, module: Module) -> Value | None:
        """Return what an expression is, such as `bot.reply` or `create_app()`, that stands outside of any file."""
        expression = parse_expression(text)
        return self.evaluate(expression, self.env(module)) if expression is not None else None

    def evaluate(self, node: ast.AST, env: Env, line: int | None = None, depth: int = 0) -> Value | None:
        """Return what an expression, definition or import is, or None.

        Args:
            node: the expression.
            env: the scope in which it stands.
            line: if given, its names have the values that were assigned above this line.
            depth: how many steps led here; a chain that is too long is given up.
        """
        if depth > _DEEPEST:
            return None
        key = (env.module.path, node, line or 0)
        if key not in self._known:
            self._known[key] = None
            self._known[key] = self._evaluate(node, env, line, depth + 1)
        return self._known[key]

    def _evaluate(self, node: ast.AST, env: Env, line: int | None, depth: int) -> Value | None:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            return self._function(node, env)
        if isinstance(node, ast.ClassDef):
            return Value("class", (env.module.path, node.lineno), env.module, node)
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            return None
        if isinstance(node, ast.Name):
            return self._name(node.id, env, line, depth)
        if isinstance(node, ast.Attribute):
            return self._attribute(node, env, line, depth)
        if isinstance(node, ast.Call):
            return self._call(node, env, line, depth)
        if isinstance(node, (ast.NamedExpr, ast.Await)):
            return self.evaluate(node.value, env, line, depth)
        if isinstance(node, ast.IfExp):
            return self.evaluate(node.body, env, line, depth) or self.evaluate(node.orelse, env, line, depth)
        return None

    def _function(self, node: AnyFunction, env: Env) -> Value:
        framework = by_signature([arg.arg for arg in parameters(node)])
        kind = framework.name if framework is not None else "function"
        return Value(kind, (env.module.path, node.lineno), env.module, node, routed=framework is not None)

    def _name(self, name: str, env: Env, line: int | None, depth: int) -> Value | None:
        found = [node for at, node in env.names.get(name, ()) if line is None or at < line]
        if found:
            return self.evaluate(found[-1], env, getattr(found[-1], "lineno", line), depth)
        if env.outer is not None:
            return self._name(name, env.outer, None, depth)
        return self._imported(name, env.module, depth)

    def _imported(self, name: str, module: Module, depth: int) -> Value | None:
        if depth > _DEEPEST:
            return None
        for source, original in self.resolver.imported(module, name):
            if not original:
                return Value("module", (source.path, 0), source)
            value = self._name(original, self.env(source), None, depth + 1)
            if value is not None:
                return value
        return None

    def _attribute(self, node: ast.Attribute, env: Env, line: int | None, depth: int) -> Value | None:
        base = self.evaluate(node.value, env, line, depth)
        if base is None:
            return None
        if base.kind == "module":
            path = self.tree.find(dotted(node)) if dotted(node) else None
            inner = self.tree.get(path) if path else None
            found = self._name(node.attr, self.env(base.module), None, depth)
            return found or (Value("module", (inner.path, 0), inner) if inner else None)
        if base.attribute and node.attr == base.attribute:
            return replace(base, attribute="")
        if node.attr in by_name(base.kind).same:
            return base
        if base.kind in ("instance", "class") and isinstance(base.node, ast.ClassDef):
            return self._member(base, base.node, node.attr, depth)
        return None

    def _member(self, owner: Value, definition: ast.ClassDef, name: str, depth: int) -> Value | None:
        """Return an attribute of an instance: a method, a property's result, or what a method assigns to `self`."""
        env = Env(owner.module, bindings(definition), self.env(owner.module))
        for _, node in env.names.get(name, ()):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                if any(last_name(decorator) in ("property", "cached_property") for decorator in node.decorator_list):
                    return self._returned(node, env, depth)
                return self._function(node, env)
            return self.evaluate(node, env, None, depth)
        for method in definition.body:
            if isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)):
                inner = Env(owner.module, bindings(method), self.env(owner.module))
                for node in own_nodes(method):
                    given = _given_to(node, f"self.{name}")
                    if given is not None:
                        return self.evaluate(given, inner, None, depth)
        return self._inherited(owner, definition, name, depth)

    def _inherited(self, owner: Value, definition: ast.ClassDef, name: str, depth: int) -> Value | None:
        """Return an attribute that an instance has of a base of its class."""
        for base in definition.bases if depth <= _DEEPEST else ():
            parent = self.evaluate(base, self.env(owner.module), None, depth)
            if parent is not None and isinstance(parent.node, ast.ClassDef):
                found = self._member(parent, parent.node, name, depth + 1)
                if found is not None:
                    return found
        return None

    def _call(self, node: ast.Call, env: Env, line: int | None, depth: int) -> Value | None:
        origin = (env.module.path, node.lineno)
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        inside = self._given(given, env, line, depth)
        made = by_name(self.constructor(node.func, env, depth))
        callee = last_name(node.func)
        wrapped = next((value for value in inside if value.is_web), None)
        origins = frozenset(origin for value in inside for origin in (value.origin, *value.inside))
        if wrapped is not None and (callee in _WRAPPERS or callee.endswith("Middleware")):
            return replace(wrapped, origin=origin, inside=origins | wrapped.inside, routed=True)
        if made.name:
            routed = made.routed or any(key.arg == "routes" for key in node.keywords)
            if made.single:
                origin = (self.tree.root, 0)
            return Value(made.name, origin, env.module, None, origins, routed, made.served)
        function = self.evaluate(node.func, env, line, depth)
        if function is not None and isinstance(function.node, ast.ClassDef):
            return self._instance(function, function.node, origin, origins)
        if function is not None and isinstance(function.node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            returned = self._returned(function.node, self.env(function.module), depth)
            if returned is not None:
                return returned
        return (
            replace(wrapped, inside=origins | wrapped.inside) if wrapped is not None and _rebinds(node, env) else None
        )

    def _given(self, given: list[ast.expr], env: Env, line: int | None, depth: int) -> list[Value]:
        """Return the apps and workflows among a call's arguments, also inside lists, dicts and nested calls."""
        names = [part for whole in given for part in ast.walk(whole) if isinstance(part, (ast.Name, ast.Call))][:50]
        found = [self.evaluate(part, env, line, depth) for part in names]
        return [value for value in found if value is not None and value.is_app]

    def called(self, function: Value) -> Value | None:
        """Return what calling a function value gives."""
        if isinstance(function.node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            return self._returned(function.node, self.env(function.module), 0)
        return None

    def member(self, owner: Value, name: str) -> Value | None:
        """Return an attribute of an instance value."""
        return self._member(owner, owner.node, name, 0) if isinstance(owner.node, ast.ClassDef) else None

    def constructor(self, func: ast.expr, env: Env, depth: int = 0) -> str:
        """Return the framework of which calling `func` builds an app, or `""`: by its name or its class's bases."""
        name = last_name(func)
        if name in _ALTERNATIVES and isinstance(func, ast.Attribute):
            return self.constructor(func.value, env, depth)
        definition = self.evaluate(func, env, None, depth) if depth <= _DEEPEST else None
        if definition is not None and isinstance(definition.node, ast.ClassDef):
            if definition.node not in self._classes:
                self._classes[definition.node] = ""
                around = self.env(definition.module)
                found = (self.constructor(base, around, depth + 1) for base in definition.node.bases)
                self._classes[definition.node] = next(filter(None, found), "")
            return self._classes[definition.node]
        if definition is not None and definition.node is not None:
            return ""
        called = (isinstance(func, ast.Name) and self.resolver.original_name(env.module, func.id)) or name
        built = {last_name(part) for part in ast.walk(func)} if name == _BUILD else ()
        frameworks = [one for one in FRAMEWORKS if not one.builders.isdisjoint(built)] or by_constructor(called)
        return self._meant(frameworks, env.module)

    def _meant(self, frameworks: Iterable[Framework], module: Module) -> str:
        """Return the first of these that a file can mean, by what it imports."""
        for framework in frameworks:
            if not framework.vague or any(imports_top(module, one) for one in framework.packages):
                return framework.name
        return ""

    def _instance(self, function: Value, definition: ast.ClassDef, origin: Origin, inside: frozenset[Origin]) -> Value:
        for method in definition.body:
            called = parameters(method)[1:] if isinstance(method, ast.AsyncFunctionDef) else []
            framework = by_signature([arg.arg for arg in called])
            if framework is not None and framework.protocol == "asgi":
                return Value(framework.name, origin, function.module, None, inside, routed=True)
        return Value("instance", origin, function.module, definition, inside)

    def _returned(self, function: AnyFunction, outer: Env, depth: int) -> Value | None:
        """Return what calling a function of the tree gives."""
        if isinstance(function, ast.Lambda):
            return self.evaluate(function.body, outer, None, depth)
        env = Env(outer.module, bindings(function), outer)
        nodes = list(own_nodes(function))
        for node in nodes:
            if isinstance(node, ast.Return) and node.value is not None:
                value = self.evaluate(node.value, env, None, depth)
                if value is not None:
                    return replace(value, routed=value.routed or any(map(adds_routes, nodes)))
        stated = by_constructor(last_name(function.returns)) if function.returns is not None else ()
        kind = self._meant(stated, outer.module)
        return Value(kind, (outer.module.path, function.lineno), outer.module, routed=True) if kind else None


def _given_to(node: ast.AST, spelled: str) -> ast.expr | None:
    """Return what an assignment gives to a target that is spelled so, or None."""
    if not isinstance(node, (ast.Assign, ast.AnnAssign)):
        return None
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        if dotted(target) == spelled:
            return node.value
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = zip(target.elts, node.value.elts, strict=False)
            return next((value for part, value in pairs if dotted(part) == spelled), None)
    return None


def imports_top(module: Module, package: str) -> bool:
    """Whether a file imports this top-level package."""
    return any(item.name.partition(".")[0] == package for item in module.imports)


def _rebinds(call: ast.Call, env: Env) -> bool:
    """Whether the call's result gets the name of one of its arguments: `app = wrap(app)`."""
    given = {argument.id for argument in call.args if isinstance(argument, ast.Name)}
    return any(node is call for name in given for _, node in env.names.get(name, ()))
