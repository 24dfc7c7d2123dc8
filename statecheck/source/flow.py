"""Where the parts of a request go in the code: into a model call (the message) or into a key (the session).

A small abstract interpreter: it follows each part through assignments, f-strings and calls into the project's own
functions, and notes evidence at the places that speak. It never runs anything.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from statecheck.source import sinks
from statecheck.source.fields import Field, Place
from statecheck.source.lookup import FUNCTIONS, Found, Function, Modules
from statecheck.source.models import class_fields, makes_key
from statecheck.source.accessors import attribute_of, read_call
from statecheck.source.roles import leaning
from statecheck.source.traces import Evidence, Value, element, merge

if TYPE_CHECKING:
    from pathlib import Path

_DEEPEST = 5


class Flow:
    """One walk through a handler and what it calls."""

    def __init__(self, modules: Modules) -> None:
        self.modules = modules
        self.evidence: dict[Place, Evidence] = {}
        self.declared: dict[Place, Field] = {}
        self.alias: dict[Place, Place] = {}
        self.encoding = ""
        self.model = 0.0
        self.streams = False
        self.answers: set[str] = set()
        self.set_cookies: set[str] = set()
        self.methods: set[str] = set()
        self._stack: list[ast.AST] = []

    def enter(self, found: Found, env: Mapping[str, Value]) -> Value:
        """Walk a function with what its parameters are bound to; what it returns."""
        if not isinstance(found.node, FUNCTIONS) or len(self._stack) >= _DEEPEST or found.node in self._stack:
            return Value()
        self._stack.append(found.node)
        returned = Block(self, found.file, dict(env)).walk(found.node.body)
        self._stack.pop()
        returned = [value for value in returned if value != Value()]
        return returned[0] if len(returned) == 1 else merge(returned)

    def declare(self, kind: Found, place: Place) -> None:
        """Take over the fields that a class declares for what travels at a place."""
        for declared, read_as in class_fields(self.modules, kind, place):
            self.declared.setdefault(declared.place, declared)
            if read_as != declared.place:
                self.alias[read_as] = declared.place

    def note(self, value: Value, weight: float, part: float = 0.6) -> None:
        """Evidence for what a value is exactly, and weaker for what it is made of."""
        for place in value.all:
            self.weigh(place, weight if place == value.at else weight * part)

    def weigh(self, place: Place, weight: float) -> None:
        """Evidence for one place: positive for a message, negative for a session."""
        entry = self.evidence.setdefault(place, Evidence())
        entry.message, entry.session = max(entry.message, weight), min(entry.session, weight)


class Block:
    """The statements of one function, with what its names are bound to."""

    def __init__(self, flow: Flow, file: Path, env: dict[str, Value]) -> None:
        self.flow, self.file, self.env = flow, file, env
        self.returned: list[Value] = []

    def walk(self, body: Iterable[ast.stmt]) -> list[Value]:
        """Walk statements in order; the values that were returned."""
        for node in body:
            self._statement(node)
        return self.returned

    def _statement(self, node: ast.stmt) -> None:
        if isinstance(node, FUNCTIONS):
            self.env[node.name] = Value(function=(Found(self.file, node), self.env))
            if any(isinstance(inner, (ast.Yield, ast.YieldFrom)) for inner in ast.walk(node)):
                self.flow.streams = True
            hidden = {a.arg: Value() for a in [*node.args.args, *node.args.kwonlyargs]}
            self.flow.enter(Found(self.file, node), {**self.env, **hidden})
        elif isinstance(node, ast.Assign):
            value = self.value(node.value)
            for target in node.targets:
                self._assign(target, value)
        elif isinstance(node, (ast.AnnAssign, ast.AugAssign)):
            value = self.value(node.value) if node.value else Value()
            self._assign(
                node.target, value if isinstance(node, ast.AnnAssign) else merge([self.value(node.target), value])
            )
        elif isinstance(node, ast.Return):
            value = self.value(node.value) if node.value else Value()
            self._answer(node.value, value)
            self.returned.append(value)
        elif isinstance(node, (ast.For, ast.AsyncFor)):
            self._assign(node.target, element(self.value(node.iter)))
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                value = self.value(item.context_expr)
                if item.optional_vars:
                    self._assign(item.optional_vars, value)
        else:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    self.value(child)
        for name in ("body", "orelse", "finalbody"):
            if not isinstance(node, (*FUNCTIONS, ast.ClassDef)):
                self.walk(getattr(node, name, ()))
        for handler in getattr(node, "handlers", ()):
            self.walk(handler.body)
        for case in getattr(node, "cases", ()):
            self.walk(case.body)

    def _assign(self, target: ast.expr, value: Value) -> None:
        if isinstance(target, ast.Name):
            self.env[target.id] = value
            if value.at is not None and value.at.path:
                self.flow.weigh(value.at, 0.3 * leaning(target.id))
        elif isinstance(target, (ast.Tuple, ast.List)):
            for inner in target.elts:
                self._assign(inner, Value(parts=value.all))
        elif isinstance(target, ast.Subscript):
            if attribute_path(target).endswith(".cookies"):
                return
            self.value(target)

    def grow(self, container: ast.expr, value: Value) -> None:
        """A list of the code's own gets one more part."""
        if isinstance(container, ast.Name) and (mine := self.env.get(container.id, Value())).at is None:
            self.env[container.id] = merge([mine, value])

    def _answer(self, node: ast.expr | None, value: Value) -> None:
        """Note what the answer repeats: a client gets its session back more often than its words."""
        if len(self.flow._stack) > 1:
            return
        self.flow.note(value, -0.5)
        for inner in ast.walk(node) if node else ():
            if isinstance(inner, ast.Dict):
                self.flow.answers.update(
                    k.value for k in inner.keys if isinstance(k, ast.Constant) and isinstance(k.value, str)
                )
            elif isinstance(inner, ast.Call):
                self.flow.answers.update(keyword.arg for keyword in inner.keywords if keyword.arg)

    def value(self, node: ast.expr) -> Value:
        """What is known of an expression; evidence in it is noted on the way."""
        if isinstance(node, ast.Name):
            return self.env.get(node.id, Value(root="request") if self._is_request(node.id) else Value())
        if isinstance(node, (ast.Await, ast.Starred, ast.FormattedValue, ast.YieldFrom)):
            return self.value(node.value)
        if isinstance(node, ast.Attribute):
            return self._step(attribute_of(self, self.value(node.value), node.attr), node.attr)
        if isinstance(node, ast.Subscript):
            return self._subscript(node)
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.NamedExpr):
            value = self.value(node.value)
            self._assign(node.target, value)
            return value
        if isinstance(node, (ast.BoolOp, ast.IfExp)):
            return self._choice(node)
        if isinstance(node, ast.Compare):
            return sinks.compared(self, node)
        if isinstance(node, ast.JoinedStr):
            return sinks.formatted(self, node)
        if isinstance(node, ast.BinOp):
            return sinks.joined(self, node)
        if isinstance(node, ast.Dict):
            return sinks.displayed(self, node)
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)):
            for generator in node.generators:
                self._assign(generator.target, element(self.value(generator.iter)))
            return merge(self.value(child) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))
        if isinstance(node, ast.Yield):
            self.flow.streams = True
        if isinstance(node, ast.Lambda):
            hidden = {a.arg: Value() for a in node.args.args}
            return Block(self.flow, self.file, {**self.env, **hidden}).value(node.body)
        return merge([self.value(child) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)])

    def _is_request(self, name: str) -> bool:
        """Whether a free name is the request that a framework keeps for the thread: `from flask import request`."""
        node = self.flow.modules.names(self.file).get(name)
        return isinstance(node, ast.ImportFrom) and any(
            a.name == "request" and name in (a.name, a.asname) for a in node.names
        )

    def _step(self, value: Value, name: str) -> Value:
        if value.at is not None and value.at.path:
            place = self.flow.alias.get(value.at, value.at)
            self.flow.evidence.setdefault(place, Evidence())
            return Value(at=place)
        return value

    def _subscript(self, node: ast.Subscript) -> Value:
        owner, key = self.value(node.value), node.slice
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            return self._step(attribute_of(self, owner, key.value, item=True), key.value)
        if owner.at is not None and not isinstance(key, ast.Slice):
            return element(owner) if isinstance(key, (ast.Constant, ast.UnaryOp)) else owner
        inner = self.value(key)
        sinks.keyed(self, node.value, inner)
        return Value(parts=owner.all)

    def _choice(self, node: ast.BoolOp | ast.IfExp) -> Value:
        """`sent or made_up`: what is sent, remembering that it may be left out."""
        options = node.values if isinstance(node, ast.BoolOp) else [node.body, node.orelse]
        values = [self.value(option) for option in options]
        if isinstance(node, ast.IfExp):
            self.value(node.test)
        sent = next((value for value in values if value.at is not None), None)
        if sent is None or sent.at is None or (isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And)):
            return merge(values)
        if sent.at.path:
            entry = self.flow.evidence.setdefault(sent.at, Evidence())
            entry.optional = True
            entry.generated |= any(makes_key(option) for option in options)
        return sent

    def _call(self, node: ast.Call) -> Value:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        owner = self.value(node.func.value) if isinstance(node.func, ast.Attribute) else Value()
        arguments = [self.value(argument) for argument in node.args]
        keywords = {keyword.arg or "**": self.value(keyword.value) for keyword in node.keywords}
        read = read_call(self, owner, name, node, arguments)
        if read is not None:
            return self._step(read, name)
        made = self._made(node, name, arguments, keywords)
        if made is not None:
            return made
        called = self._called(node)
        if called is not None:
            found, seen = called
            assert isinstance(found.node, FUNCTIONS)
            return self.flow.enter(found, {**seen, **self.bind(found.node, node, arguments, keywords)})
        return sinks.called(self, node, owner, arguments, keywords)

    def _made(self, node: ast.Call, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Value | None:
        """An object of one of the project's own classes, made from the request."""
        modules = self.flow.modules
        of = node.func.value if isinstance(node.func, ast.Attribute) and name in sinks.PARSERS else node.func
        kind = modules.resolve(self.file, of)
        if isinstance(of, ast.Call) and kind is None:  # Schema().load(data)
            kind = modules.resolve(self.file, of.func)
        if kind is None or not isinstance(kind.node, ast.ClassDef):
            return None
        for value in [*arguments[:1], *[keywords[k] for k in keywords if k == "**"]]:
            if value.root == "raw" or (value.at is not None and value.at.where == "body"):
                place = value.at or Place("body", ())
                self.flow.declare(kind, place)
                return Value(at=place)
        for keyword, value in keywords.items():
            self.flow.note(value, 0.4 * leaning(keyword))
        names = [f.name for f, _ in class_fields(modules, kind, Place("body", ()))]
        return Value(attrs=dict(zip(names, arguments)) | keywords)

    def _called(self, node: ast.Call) -> tuple[Found, Mapping[str, Value]] | None:
        """The project's own function that a call enters, and what it sees."""
        if isinstance(node.func, ast.Name) and (here := self.env.get(node.func.id)) and here.function:
            return here.function
        found = self.flow.modules.resolve(self.file, node.func)
        if found is None and isinstance(node.func, ast.Attribute):
            found = self.flow.modules.only_method(self.file, node.func.attr)
            if found is not None and not fits(found.node, node):
                found = None
        return (found, {}) if found is not None and isinstance(found.node, FUNCTIONS) else None

    def bind(
        self, function: Function, node: ast.Call, arguments: list[Value], keywords: dict[str, Value]
    ) -> dict[str, Value]:
        """What a call binds the parameters of a function to; the parameters' names are evidence too."""
        names = [a.arg for a in [*function.args.posonlyargs, *function.args.args]]
        if isinstance(node.func, ast.Attribute) and names[:1] in (["self"], ["cls"]):
            names = names[1:]
        bound = dict(zip(names, arguments)) | keywords
        for name, value in bound.items():
            if value.at is not None and value.at.path:
                self.flow.weigh(value.at, 0.4 * leaning(name))
        return bound


def fits(function: ast.AST, call: ast.Call) -> bool:
    """Whether a call could be one of this method."""
    if not isinstance(function, FUNCTIONS):
        return False
    names = [a.arg for a in [*function.args.args, *function.args.kwonlyargs]]
    given = len(call.args) + len(call.keywords)
    least = len(function.args.args) - len(function.args.defaults) - 1
    known = function.args.kwarg is not None or all(k.arg is None or k.arg in names for k in call.keywords)
    return known and least <= given <= max(len(names) - 1, 0)


def attribute_path(node: ast.AST) -> str:
    """A dotted spelling of what a subscript is applied to."""
    return ast.unparse(node.value) if isinstance(node, ast.Subscript) else ast.unparse(node)
