"""The environment variables that the code reads: their defaults, whether it does without, and what gets their values.

Identifiers are followed by name alone, across files and scopes: who reads `settings.redis_url` gets what the field
`redis_url` holds. A value that is given to a constructor is used up there; one that is only reshaped goes on.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from statecheck.model import Anchor
from statecheck.source.code.scopes import dotted, last_name, own_nodes, walk
from statecheck.source.project.settings_classes import settings_classes, settings_fields
from statecheck.source.project.variable_helpers import find_demanding
from statecheck.source.project.variable_reads import CONSTANT, is_constant_name, read_variable
from statecheck.source.project.variable_uses import find_item_uses, find_needed, find_replaced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statecheck.source.code.modules import Module
    from statecheck.source.code.tree import SourceTree

_TO_TEXT = ("str", "int", "cast", "unicode_string", "render_as_string", "get_secret_value", "SecretStr", "unquote")
_TO_OTHER = (
    "replace",
    "strip",
    "rstrip",
    "lower",
    "format",
    "removeprefix",
    "make_url",
    "urlparse",
    "urlsplit",
    "encode",
)
_RESHAPING = frozenset((*_TO_TEXT, *_TO_OTHER, "field", "Field", "parse_obj"))
_FURTHEST = 5


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable.

    Attributes:
        default: what the code takes where it is unset, as far as that is a text; None if there is none.
        optional: the code asks whether it is set, and goes another way where it is not.
        anchor: where it is first read.
        handed: what its value is given to: callees by their last name and in full, keyword parameters, methods.
        required: the code fails where it is unset.
        types: of a field of a settings class, the names in its annotation.
        replaced: where it is unset, the code makes a value of its own.
        uses: as `handed`, of the variable itself and of constants that hold it, and of nothing further.
    """

    name: str
    default: str | None
    optional: bool
    anchor: Anchor
    handed: frozenset[str]
    required: bool = False
    types: frozenset[str] = frozenset()
    replaced: bool = False
    uses: frozenset[str] = frozenset()


@dataclass
class _Flow:
    """What is known of identifiers; a variable's own is its name behind a dollar sign."""

    helpers: frozenset[str] = frozenset()
    reads: dict[str, tuple[str | None, Anchor]] = field(default_factory=dict)
    onward: dict[str, set[str]] = field(default_factory=dict)
    handed: dict[str, set[str]] = field(default_factory=dict)
    tested: set[str] = field(default_factory=set)
    demanded: set[str] = field(default_factory=set)
    given: set[str] = field(default_factory=set)
    replaced: set[str] = field(default_factory=set)
    types: dict[str, frozenset[str]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    def reach(self, start: str) -> Iterator[str]:
        """The identifiers that may hold what this one holds, nearest first."""
        found, edge = {start}, [start]
        for _ in range(_FURTHEST):
            yield from edge
            edge = [name for each in edge for name in self.onward.get(each, ()) if name not in found]
            found.update(edge)


def read_settings(tree: SourceTree) -> tuple[Setting, ...]:
    """The variables that the target's files read, in the order in which they do."""
    modules = tree.modules()
    flow = _Flow(helpers=find_demanding(modules))
    for module in modules:
        _note_texts(module, flow)
    prefixes = settings_classes(modules)
    for module in modules:
        for node in walk(module.ast):
            _note_node(node, module, flow)
            flow.replaced.update(find_replaced(node))
            for name, callee in find_item_uses(node):
                flow.handed.setdefault(f"${name}", set()).add(callee)
            if isinstance(node, ast.ClassDef) and node in prefixes:
                _note_fields(node, prefixes[node], module, flow)
    return tuple(_setting(name, default, anchor, flow) for name, (default, anchor) in flow.reads.items())


def _setting(name: str, default: str | None, anchor: Anchor, flow: _Flow) -> Setting:
    holders = list(flow.reach(f"${name}"))
    handed = frozenset(call for holder in holders for call in flow.handed.get(holder, ()))
    asked = any(holder in flow.tested for holder in holders)
    optional = asked and not default and name not in flow.types
    own = (f"${name}", *filter(CONSTANT.match, flow.onward.get(f"${name}", ())))
    demanded = not flow.demanded.isdisjoint(own) and f"${name}" not in flow.given
    uses = frozenset(call for holder in own for call in flow.handed.get(holder, ()))
    required = demanded and not default and not optional
    types = flow.types.get(name, frozenset())
    return Setting(name, default, optional, anchor, handed, required, types, name in flow.replaced, uses)


def _note_texts(module: Module, flow: _Flow) -> None:
    """Constants by name: `DEFAULT_URL = "redis://localhost"`."""
    for node in module.ast.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            for target in node.targets:
                flow.texts[last_name(target)] = node.value.value


def _note_node(node: ast.AST, module: Module, flow: _Flow) -> None:
    read = read_variable(node)
    if read is not None:
        _note_read(flow, read[0], _text(read[1], flow), Anchor(module.shown, node.lineno))  # type: ignore[attr-defined]
        if isinstance(node, ast.Subscript):
            (flow.demanded if isinstance(node.ctx, ast.Load) else flow.given).add(f"${read[0]}")
    match node:
        case ast.Assign() | ast.AnnAssign(value=ast.expr()) | ast.NamedExpr():
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            _note_flow(flow, node.value, [name for target in targets for name in _names(target)])
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            _note_function(node, flow)
        case ast.Dict():
            for key, value in zip(node.keys, node.values, strict=True):
                _note_flow(
                    flow, value, [key.value] if isinstance(key, ast.Constant) and isinstance(key.value, str) else []
                )
        case ast.Call():
            _note_call(node, flow)
            _note_helper(node, flow, Anchor(module.shown, node.lineno))
        case ast.Try() | ast.If() | ast.While() | ast.IfExp() | ast.Assert():
            _note_tests(node, flow)
        case ast.BoolOp():
            _note_alternatives(node, flow)


def _note_tests(node: ast.Try | ast.If | ast.While | ast.IfExp | ast.Assert, flow: _Flow) -> None:
    """Note for what a program goes another way, and what it demands."""
    if isinstance(node, ast.Assert) or (isinstance(node, ast.If) and _only_refuses(node.body)):
        flow.demanded.update(_tested_names(node.test))
    elif not isinstance(node, ast.Try):
        flow.tested.update(_tested_names(node.test))
    elif any(_does_without(handler) for handler in node.handlers):
        reads = (read_variable(inner) for part in node.body for inner in walk(part))
        flow.tested.update(f"${found[0]}" for found in reads if found is not None)


def _note_function(node: ast.FunctionDef | ast.AsyncFunctionDef, flow: _Flow) -> None:
    """A parameter may hold its default, and a call what the function returns."""
    given = node.args
    plain = [*given.posonlyargs, *given.args]
    pairs = zip(plain[len(plain) - len(given.defaults) :], given.defaults, strict=True)
    for arg, default in [*pairs, *zip(given.kwonlyargs, given.kw_defaults, strict=True)]:
        _note_flow(flow, default, [arg.arg])
    for inner in own_nodes(node):
        if isinstance(inner, ast.Return):
            _note_flow(flow, inner.value, [node.name])


def _note_alternatives(node: ast.BoolOp, flow: _Flow) -> None:
    """`os.getenv("X") or "default"`; in `x and f(x)` the variable is asked for."""
    for position, value in enumerate(node.values[:-1]):
        read = read_variable(value)
        if isinstance(node.op, ast.And):
            flow.tested.update(_tested_names(value))
        elif read is not None:
            default = _text(node.values[position + 1], flow)
            known, anchor = flow.reads.get(read[0], (None, None))
            if default and not known and anchor is not None:
                flow.reads[read[0]] = (default, anchor)
            elif default:
                flow.texts[f"${read[0]}"] = default


def _note_read(flow: _Flow, name: str, default: str | None, anchor: Anchor) -> None:
    default = default or flow.texts.get(f"${name}")
    known = flow.reads.get(name)
    if known is None:
        flow.reads[name] = (default, anchor)
    elif not known[0] and default:
        flow.reads[name] = (default, known[1])


def _note_flow(flow: _Flow, value: ast.AST | None, names: list[str]) -> None:
    for source in _names(value) if value is not None else ():
        flow.onward.setdefault(source, set()).update(name for name in names if name != source)


def _note_call(node: ast.Call, flow: _Flow) -> None:
    callee = {last_name(node.func), dotted(node.func)} - {""}
    flow.demanded.update(find_needed(node))
    if isinstance(node.func, ast.Attribute):
        for name in _names(node.func.value):
            flow.handed.setdefault(name, set()).add(node.func.attr)
    for argument in node.args:
        for name in _names(argument):
            flow.handed.setdefault(name, set()).update(callee)
    for keyword in node.keywords:
        for name in _names(keyword.value):
            flow.handed.setdefault(name, set()).update(callee | ({keyword.arg} if keyword.arg else set()))
            if keyword.arg and keyword.arg != name:
                flow.onward.setdefault(name, set()).add(keyword.arg)


def _note_helper(node: ast.Call, flow: _Flow, anchor: Anchor) -> None:
    """Note the variable that a function of the project's reads for its caller."""
    if last_name(node.func) in flow.helpers and node.args and is_constant_name(node.args[0]):
        name = node.args[0].value  # type: ignore[attr-defined]
        _note_read(flow, name, _text(node.args[1], flow) if len(node.args) > 1 else None, anchor)
        flow.demanded.add(f"${name}")


def _names(node: ast.AST) -> Iterator[str]:
    """The identifiers whose value an expression has or is made of."""
    stack = [node]
    while stack:
        current = stack.pop()
        read = read_variable(current)
        if read is not None:
            yield f"${read[0]}"
        elif isinstance(current, ast.Name):
            yield current.id
        elif isinstance(current, ast.Attribute):
            yield current.attr
        elif isinstance(current, ast.Subscript) and isinstance(current.slice, ast.Constant):
            yield str(current.slice.value)
        elif isinstance(current, ast.Call):
            if last_name(current.func) in _RESHAPING:
                stack += [*current.args, *(word.value for word in current.keywords)]
                stack += [current.func.value] if isinstance(current.func, ast.Attribute) else []
            else:
                yield last_name(current.func)
        else:
            stack += list(ast.iter_child_nodes(current))


def _tested_names(test: ast.AST) -> Iterator[str]:
    """The identifiers of which a test asks whether they are there."""
    if isinstance(test, ast.UnaryOp):
        yield from _tested_names(test.operand)
    elif isinstance(test, ast.BoolOp):
        for value in test.values:
            yield from _tested_names(value)
    elif isinstance(test, ast.Compare):
        for side in (test.left, *test.comparators):
            yield from (f"${side.value}",) if is_constant_name(side) else _tested_names(side)  # type: ignore[attr-defined]
    elif isinstance(test, ast.NamedExpr):
        yield from (*_tested_names(test.target), *_tested_names(test.value))
    elif isinstance(test, (ast.Name, ast.Attribute, ast.Call)) and (
        read_variable(test) or not isinstance(test, ast.Call)
    ):
        yield from _names(test)


def _only_refuses(body: list[ast.stmt]) -> bool:
    """Whether a branch ends the program: what it asks for is needed."""
    last = body[-1]
    exits = isinstance(last, ast.Expr) and isinstance(last.value, ast.Call) and last_name(last.value.func) == "exit"
    return isinstance(last, ast.Raise) or exits


def _does_without(handler: ast.ExceptHandler) -> bool:
    """Whether it is for a variable that is not set, and the program goes on."""
    caught = map(last_name, ast.walk(handler.type)) if handler.type is not None else ()
    return "KeyError" in caught and not _only_refuses(handler.body)


def _text(node: ast.AST | None, flow: _Flow) -> str | None:
    """A text that stands there, under a name too; of an f-string what is fixed in it."""
    if isinstance(node, ast.Constant):
        return str(node.value) if isinstance(node.value, (str, int)) and not isinstance(node.value, bool) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
    return flow.texts.get(last_name(node)) if isinstance(node, (ast.Name, ast.Attribute)) else None


def _note_fields(node: ast.ClassDef, prefix: str, module: Module, flow: _Flow) -> None:
    for one in settings_fields(node, prefix):
        for name in one.variables:
            _note_read(flow, name, _text(one.default, flow), Anchor(module.shown, one.line))
            if one.computed:
                flow.reads[name] = (flow.reads[name][0] or "", flow.reads[name][1])
            flow.onward.setdefault(f"${name}", set()).add(one.name)
            flow.handed.setdefault(f"${name}", set()).update(one.types)
            if one.required:
                flow.demanded.add(f"${name}")
                flow.types[name] = one.types
