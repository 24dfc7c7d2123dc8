"""Entering a call of the project's own code: an object it makes, a function it calls, the names they are bound to."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from statecheck.source.code.lookup import FUNCTIONS, Found, Function
from statecheck.source.fields import Place
from statecheck.source.handlers import field_constraints, sinks
from statecheck.source.handlers.models import class_fields
from statecheck.source.handlers.request_accessors import attribute_of, read_call
from statecheck.source.handlers.traces import Value
from statecheck.source.roles import leaning

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statecheck.source.handlers.flow import Block


def call(block: Block, node: ast.Call) -> Value:
    """Tell what a call gives, by what is called: the request, a class, a function, or what is not the project's."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    owner = block.value(node.func.value) if isinstance(node.func, ast.Attribute) else Value()
    arguments = [block.value(argument) for argument in node.args]
    keywords = {keyword.arg or "**": block.value(keyword.value) for keyword in node.keywords}
    read = read_call(block, owner, name, node, arguments)
    if read is not None:
        return block.step(read)
    made = _made(block, node, name, arguments, keywords)
    if made is not None:
        return made
    called = _called(block, node)
    if called is not None:
        found, seen = called
        assert isinstance(found.node, FUNCTIONS)
        return block.flow.enter(found, {**seen, **_bind(block, found.node, node, arguments, keywords)})
    return sinks.called(block, node, owner, arguments, keywords)


def _made(block: Block, node: ast.Call, name: str, arguments: list[Value], keywords: dict[str, Value]) -> Value | None:
    """Return an object of one of the project's own classes, made from the request."""
    modules = block.flow.modules
    of = node.func.value if isinstance(node.func, ast.Attribute) and name in sinks.PARSERS else node.func
    kind = modules.resolve(block.file, of)
    if isinstance(of, ast.Call) and kind is None:  # Schema().load(data)
        kind = modules.resolve(block.file, of.func)
    if kind is None or not isinstance(kind.node, ast.ClassDef):
        return None
    member = field_constraints.converted(block, kind, arguments)
    if member is not None:
        return member
    for value in [*arguments[:1], *[keywords[k] for k in keywords if k in ("**", "data")]]:
        if value.root == "raw" or (value.at is not None and value.at.where in ("body", "event")):
            place = value.at or Place("body", ())
            block.flow.declare(kind, place)
            return Value(at=place)
    for keyword, value in keywords.items():
        block.flow.note(value, 0.4 * leaning(keyword))
    names = [f.name for f, _ in class_fields(modules, kind, Place("body", ()))]
    return Value(attrs=dict(zip(names, arguments, strict=False)) | keywords)


def _called(block: Block, node: ast.Call) -> tuple[Found, Mapping[str, Value]] | None:
    """Return the project's own function that a call enters, and what it sees."""
    if isinstance(node.func, ast.Name) and (here := block.env.get(node.func.id)) and here.function:
        return here.function
    found = block.flow.modules.resolve(block.file, node.func)
    if found is None and isinstance(node.func, ast.Attribute):
        found = block.flow.modules.only_method(block.file, node.func.attr)
        if found is not None and not _fits(found.node, node):
            found = None
    return (found, {}) if found is not None and isinstance(found.node, FUNCTIONS) else None


def _bind(
    block: Block, function: Function, node: ast.Call, arguments: list[Value], keywords: dict[str, Value]
) -> dict[str, Value]:
    """Tell what a call binds the parameters of a function to; the parameters' names are evidence too."""
    names = [a.arg for a in [*function.args.posonlyargs, *function.args.args]]
    if isinstance(node.func, ast.Attribute) and names[:1] in (["self"], ["cls"]):
        names = names[1:]
    spread = keywords.get("**", Value())
    parts = {name: block.step(attribute_of(block, spread, name, item=True)) for name in names if spread.at is not None}
    bound = parts | dict(zip(names, arguments, strict=False)) | keywords
    for name, value in bound.items():
        if value.at is not None and value.at.path:
            block.flow.weigh(value.at, 0.4 * leaning(name))
    return bound


def _fits(function: ast.AST, call: ast.Call) -> bool:
    """Whether a call could be one of this method."""
    if not isinstance(function, FUNCTIONS):
        return False
    names = [a.arg for a in [*function.args.args, *function.args.kwonlyargs]]
    given = len(call.args) + len(call.keywords)
    least = len(function.args.args) - len(function.args.defaults) - 1
    known = function.args.kwarg is not None or all(k.arg is None or k.arg in names for k in call.keywords)
    return known and least <= given <= max(len(names) - 1, 0)


def attribute_path(node: ast.AST) -> str:
    """Return a dotted spelling of what a subscript is applied to."""
    return ast.unparse(node.value) if isinstance(node, ast.Subscript) else ast.unparse(node)
