"""Where the parts of a request go in the code: into a model call (the message) or into a key (the session).

A small abstract interpreter: it follows each part through assignments, f-strings and calls into the project's own
functions, and notes evidence at the places that speak. It never runs anything.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, ClassVar

from statecheck.source.code.lookup import FUNCTIONS, Found, Function, Modules
from statecheck.source.fields import Place
from statecheck.source.handlers import entering, field_constraints, request_globals, sinks
from statecheck.source.handlers.constants import keys_of
from statecheck.source.handlers.models import class_fields, makes_key
from statecheck.source.handlers.request_accessors import attribute_of, each_of
from statecheck.source.handlers.traces import Evidence, Value, element, merge
from statecheck.source.roles import leaning

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from statecheck.source.fields import Field

WHOLE = Place("body", ())
"""A body that is read as it is, without being taken apart."""
_DEEPEST = 5
_MOST = 300  # functions entered in one walk: far more than a handler needs, and an end to what fans out


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
        self.begins = False
        self.kept: dict[str, Value] = {}  # by `.name` on the request's state, by name in a context variable
        self.earlier: dict[Place, Evidence] = {}
        self.methods: set[str] = set()
        self._stack: list[ast.AST] = []
        self._entered = 0

    @property
    def depth(self) -> int:
        """How many functions deep the walk is."""
        return len(self._stack)

    def enter(self, found: Found, env: Mapping[str, Value]) -> Value:
        """Walk a function with what its parameters are bound to; what it returns."""
        if (
            not isinstance(found.node, FUNCTIONS)
            or len(self._stack) >= _DEEPEST
            or self._entered >= _MOST
            or found.node in self._stack
        ):
            return Value()
        self._stack.append(found.node)
        self._entered += 1
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
        if value.root == "raw" and weight > 0:
            self.weigh(WHOLE, weight)
        for place in value.all:
            self.weigh(place, weight if place == value.at else weight * part)

    def weigh(self, place: Place, weight: float) -> None:
        """Evidence for one place: positive for a message, negative for a session."""
        entry = self.evidence.setdefault(place, self.earlier.get(place) or Evidence())
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
        self._STATEMENTS.get(type(node), Block.expressions)(self, node)
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            return
        for name in ("body", "orelse", "finalbody"):
            self.walk(getattr(node, name, ()))
        for inner in [*getattr(node, "handlers", ()), *getattr(node, "cases", ())]:
            self.walk(inner.body)

    def expressions(self, node: ast.AST) -> Value:
        """Look at every expression directly below a node; what they make together."""
        return merge([self.value(child) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)])

    def _function(self, node: Function) -> None:
        self.env[node.name] = Value(function=(Found(self.file, node), self.env))
        if any(isinstance(inner, (ast.Yield, ast.YieldFrom)) for inner in ast.walk(node)):
            self.flow.streams = True
        hidden = {a.arg: Value() for a in [*node.args.args, *node.args.kwonlyargs]}
        self.flow.enter(Found(self.file, node), {**self.env, **hidden})

    def _assignment(self, node: ast.Assign | ast.AnnAssign | ast.AugAssign) -> None:
        if isinstance(node, ast.Assign) and (pairs := _pairwise(node)):
            values = [self.value(value) for _, value in pairs]
            for (target, _), value in zip(pairs, values, strict=True):
                self.assign(target, value)
            return
        value = self.value(node.value) if node.value else Value()
        if isinstance(node, ast.AugAssign):
            value = merge([self.value(node.target), value])
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            self.assign(target, value)

    def _answered(self, node: ast.Return) -> None:
        value = self.value(node.value) if node.value else Value()
        self._answer(node.value, value)
        self.returned.append(value)

    def _branch(self, node: ast.If) -> None:
        self.value(node.test)
        field_constraints.guarded(self, node)

    def _loop(self, node: ast.For | ast.AsyncFor | ast.comprehension) -> None:
        words = tuple(word for word in keys_of(self, node.iter) if isinstance(word, str))
        value = self.value(node.iter)
        if words:
            value = Value(words=words)
        elif value.root:  # the messages of a connection
            value = Value(root="raw")
        elif value.at != WHOLE or not isinstance(node, ast.AsyncFor):
            value = element(value)
        self.assign(node.target, value)

    def _opened(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            value = self.value(item.context_expr)
            if item.optional_vars:
                self.assign(item.optional_vars, value)

    def assign(self, target: ast.expr, value: Value) -> None:
        """Bind a name, or a target's parts; what the name says is evidence too."""
        if isinstance(target, ast.Name):
            self.env[target.id] = value
            if value.at is not None and value.at.path:
                self.flow.weigh(value.at, 0.3 * leaning(target.id))
        elif isinstance(target, ast.Attribute) and request_globals.keeps_for_request(self, target.value):
            self.flow.kept[f".{target.attr}"] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            listed = any(isinstance(inner, ast.Starred) for inner in target.elts)  # `*earlier, last = messages`
            for inner in target.elts:
                if isinstance(inner, ast.Starred):
                    self.assign(inner.value, value)
                else:
                    self.assign(inner, element(value) if listed else Value(parts=value.all))
        elif isinstance(target, ast.Subscript):
            self.flow.begins |= request_globals.is_session(self, target.value)
            if not ast.unparse(target.value).endswith("cookies"):
                self.value(target)
            elif isinstance(target.slice, ast.Constant):
                self.flow.set_cookies.add(str(target.slice.value))

    def grow(self, container: ast.expr, value: Value) -> None:
        """Add a part to a list of the code's own."""
        if isinstance(container, ast.Name) and (mine := self.env.get(container.id, Value())).at is None:
            self.env[container.id] = merge([mine, value])

    def _answer(self, node: ast.expr | None, value: Value) -> None:
        """Note what the answer repeats: a client gets its session back more often than its words."""
        if self.flow.depth > 1:
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
        """Tell what is known of an expression; evidence in it is noted on the way."""
        value: Value = self._EXPRESSIONS.get(type(node), Block.expressions)(self, node)
        return value

    def _name(self, node: ast.Name) -> Value:
        return self.env[node.id] if node.id in self.env else request_globals.named(self, node.id)

    def _inner(self, node: ast.Await | ast.Starred | ast.FormattedValue | ast.YieldFrom) -> Value:
        return self.value(node.value)

    def _attribute(self, node: ast.Attribute) -> Value:
        return self.step(attribute_of(self, self.value(node.value), node.attr))

    def _named(self, node: ast.NamedExpr) -> Value:
        value = self.value(node.value)
        self.assign(node.target, value)
        return value

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> Value:
        for generator in node.generators:
            self._loop(generator)
            for condition in generator.ifs:
                self.value(condition)
        return self.expressions(node)

    def _deferred(self, node: ast.Lambda) -> Value:
        hidden = {a.arg: Value() for a in node.args.args}
        return Block(self.flow, self.file, {**self.env, **hidden}).value(node.body)

    def step(self, value: Value) -> Value:
        """Note that a part of the request is read; its place by the name that a client uses."""
        if value.at is not None and value.at.path:
            place = self.flow.alias.get(value.at, value.at)
            self.flow.evidence.setdefault(place, self.flow.earlier.get(place) or Evidence())
            return Value(at=place)
        return value

    def _subscript(self, node: ast.Subscript) -> Value:
        owner, key = self.value(node.value), node.slice
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            return self.step(attribute_of(self, owner, key.value, item=True))
        if owner.at is not None and not isinstance(key, ast.Slice):
            return element(owner) if isinstance(key, (ast.Constant, ast.UnaryOp)) else owner
        inner = self.value(key)
        if inner.words and owner.at is not None:
            return each_of(self, owner, inner.words)
        sinks.keyed(self, node.value, inner)
        return Value(parts=owner.all)

    def _choice(self, node: ast.BoolOp | ast.IfExp) -> Value:
        """`sent or made_up`: what is sent, remembering that it may be left out."""
        options = node.values if isinstance(node, ast.BoolOp) else [node.body, node.orelse]
        values = [self.value(option) for option in options]
        if isinstance(node, ast.IfExp):
            self.value(node.test)
        sent = next((value for value in values if value.at is not None), None)
        raw = next((value for value in values if value.root), None)
        if raw is not None and (sent is None or sent.at is None or not sent.at.path):
            return raw
        if sent is None or sent.at is None or (isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And)):
            return merge(values)
        if sent.at.path:
            entry = self.flow.evidence.setdefault(sent.at, Evidence())
            entry.optional = True
            entry.generated |= any(makes_key(option) for option in options)
        return sent

    _STATEMENTS: ClassVar[dict[type[ast.AST], Any]] = {
        ast.FunctionDef: _function,
        ast.AsyncFunctionDef: _function,
        ast.Assign: _assignment,
        ast.AnnAssign: _assignment,
        ast.AugAssign: _assignment,
        ast.Return: _answered,
        ast.If: _branch,
        ast.Match: field_constraints.matched,
        ast.For: _loop,
        ast.AsyncFor: _loop,
        ast.With: _opened,
        ast.AsyncWith: _opened,
    }
    _EXPRESSIONS: ClassVar[dict[type[ast.AST], Any]] = {
        ast.Name: _name,
        ast.Await: _inner,
        ast.Starred: _inner,
        ast.FormattedValue: _inner,
        ast.Attribute: _attribute,
        ast.Subscript: _subscript,
        ast.NamedExpr: _named,
        ast.BoolOp: _choice,
        ast.IfExp: _choice,
        ast.Lambda: _deferred,
        ast.Call: entering.call,
        ast.Compare: field_constraints.compared,
        ast.JoinedStr: sinks.formatted,
        ast.BinOp: sinks.joined,
        ast.Dict: sinks.displayed,
        **dict.fromkeys((ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp), _comprehension),
    }


def _pairwise(node: ast.Assign) -> list[tuple[ast.expr, ast.expr]]:
    """Return what `a, b = x, y` binds to what, or nothing for any other assignment."""
    target, value = node.targets[0], node.value
    if len(node.targets) > 1 or not isinstance(target, (ast.Tuple, ast.List)) or not isinstance(value, ast.Tuple):
        return []
    starred = any(isinstance(inner, ast.Starred) for inner in [*target.elts, *value.elts])
    return [] if starred or len(target.elts) != len(value.elts) else list(zip(target.elts, value.elts, strict=True))
