"""What code demands of the values that it is sent: literals it compares with, keys it looks up, formats, presence."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from statecheck.source.handlers.constants import fixed_of, keys_of
from statecheck.source.handlers.models import constant, enum_values
from statecheck.source.handlers.request_accessors import attribute_of
from statecheck.source.handlers.traces import Evidence, Value, merge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from statecheck.source.code.lookup import Found
    from statecheck.source.fields import Json, Place
    from statecheck.source.handlers.flow import Block

_FORMATS: Mapping[str, Mapping[str, Json]] = {
    "UUID": {"format": "uuid"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "Decimal": {"type": "number"},
    "datetime.fromisoformat": {"format": "date-time"},
    "date.fromisoformat": {"format": "date"},
    "time.fromisoformat": {"format": "time"},
    "b64decode": {"pattern": "^c2FtcGxl$"},
}
_KINDS = {"dict": "object", "list": "array", "str": "string", "int": "integer", "float": "number", "bool": "boolean"}
_UUID_LENGTH = 36


def compared(block: Block, node: ast.Compare) -> Value:
    """Weigh a comparison: with literals it limits the values, with a container's keys it is a look-up."""
    left, before = block.value(node.left), node.left
    result = merge([left])
    for operator, right in zip(node.ops, node.comparators, strict=False):
        value = block.value(right)
        _compared(block, left, operator, right, value)
        if isinstance(operator, (ast.Eq, ast.NotEq)):
            _equal(block, value, operator, before)
        _measured(block, before, operator, constant(right))
        left, before = value, right
    return result


def _compared(block: Block, left: Value, operator: ast.cmpop, right: ast.expr, value: Value) -> None:
    if left.words and isinstance(operator, (ast.In, ast.NotIn)) and value.at is not None:
        for word in left.words:  # `for name in REQUIRED: if name not in data: …`
            demand(block, block.step(attribute_of(block, value, word, item=True)))
        return
    if left.at is None or not left.at.path:
        return
    if isinstance(operator, (ast.In, ast.NotIn)):
        literal = constant(right)
        options = literal if isinstance(literal, list) else keys_of(block, right)
        if options:
            limit(block, left.at, options)
            if isinstance(operator, ast.NotIn):
                demand(block, left)
        elif not value.all:
            block.flow.weigh(left.at, -4)
    elif isinstance(operator, (ast.Eq, ast.NotEq)):
        _equal(block, left, operator, right)


def _equal(block: Block, value: Value, operator: ast.cmpop, other: ast.expr) -> None:
    """What differs from a literal is most often refused, what equals one is most often a case among others."""
    fixed = fixed_of(block, other)
    if value.at is None or not value.at.path or fixed in (None, ""):
        return
    entry = block.flow.evidence.setdefault(value.at, Evidence())
    if isinstance(operator, ast.NotEq):
        entry.options.insert(0, fixed)
        entry.demanded = True
    else:
        entry.options.append(fixed)


def _measured(block: Block, left: ast.expr, operator: ast.cmpop, length: Json) -> None:
    """`len(x) != 36` speaks of a UUID."""
    if isinstance(left, ast.Call) and getattr(left.func, "id", "") == "len" and left.args and length == _UUID_LENGTH:
        place = block.value(left.args[0]).at
        if place is not None and isinstance(operator, (ast.Eq, ast.NotEq)):
            _fits(block, place, {"format": "uuid"})


def checked(block: Block, name: str, node: ast.Call, arguments: list[Value]) -> None:
    """Weigh a call that checks or converts a value: `int(x)`, `re.fullmatch(…, x)`, `compare_digest(x, KEY)`."""
    spelled = ast.unparse(node.func).removeprefix("datetime.datetime").removeprefix("datetime.date")
    known = next((_FORMATS[end] for end in _FORMATS if name == end or ast.unparse(node.func).endswith(end)), None)
    if known is not None and arguments and arguments[0].at is not None and arguments[0].at in block.flow.evidence:
        _fits(block, arguments[0].at, known)
        block.flow.weigh(arguments[0].at, -4 if name == "UUID" else -1)
    if name in ("fullmatch", "match"):
        _matched(block, name, node, arguments)
    if name == "compare_digest" and len(arguments) > 1:
        for value, other in zip(arguments, node.args[1::-1], strict=False):
            _equal(block, value, ast.NotEq(), other)
    if name == "isinstance" and len(arguments) > 1 and arguments[0].at is not None:
        kind = _KINDS.get(ast.unparse(node.args[1]).strip("()").split(",")[0])
        if kind is not None and kind != "string" and spelled:
            _fits(block, arguments[0].at, {"type": kind})


def _matched(block: Block, name: str, node: ast.Call, arguments: list[Value]) -> None:
    """A regular expression: `re.fullmatch(pattern, x)`, or `PATTERN.fullmatch(x)`."""
    if len(arguments) > 1:
        value, pattern = arguments[1], fixed_of(block, node.args[0])
    elif arguments and isinstance(node.func, ast.Attribute):
        made = block.flow.modules.resolve(block.file, node.func.value)
        compiled = made.node if made is not None else None
        pattern = constant(compiled.args[0]) if isinstance(compiled, ast.Call) and compiled.args else None
        value = arguments[0]
    else:
        return
    block.flow.note(value, -1)
    if value.at is not None and value.at.path and isinstance(pattern, str):
        _fits(block, value.at, {"pattern": f"^(?:{pattern})$" if name == "fullmatch" else f"^{pattern.lstrip('^')}"})


def converted(block: Block, kind: Found, arguments: list[Value]) -> Value | None:
    """Tell what an enumeration makes of a value: it is one of its own."""
    values = enum_values(kind)
    if not values or not arguments or arguments[0].at is None:
        return None
    limit(block, arguments[0].at, values)
    return Value(parts=arguments[0].all)


def guarded(block: Block, node: ast.If) -> None:
    """Weigh a branch that refuses: what it asks for must be there, and begin as it says."""
    if not _refuses(node.body[-1]):
        return
    for missing in _missing(node.test, denied=False):
        if isinstance(missing, ast.Call) and isinstance(missing.func, ast.Attribute):
            place, text = block.value(missing.func.value).at, constant(missing.args[0]) if missing.args else None
            if missing.func.attr == "startswith" and place is not None and isinstance(text, str):
                _fits(block, place, {"pattern": f"^{re.escape(text)}"})
            elif missing.func.attr in ("isdigit", "isdecimal", "isnumeric") and place is not None:
                _fits(block, place, {"pattern": "^[0-9]+$"})
        if not isinstance(missing, ast.Call) or getattr(missing.func, "attr", "") == "get":
            demand(block, block.value(missing))


def _missing(test: ast.expr, *, denied: bool) -> Iterator[ast.expr]:
    """The expressions of a test without whose truth it holds: `x` of `not x`, of `x is None`, of `not all([x, y])`."""
    if isinstance(test, ast.BoolOp):
        for value in test.values:
            yield from _missing(value, denied=denied)
    elif isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        yield from _missing(test.operand, denied=not denied)
    elif isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Is) and constant(test.comparators[0]) is None:
        yield test.left
    elif isinstance(test, ast.NamedExpr):
        yield from _missing(test.value, denied=denied)
    elif denied and isinstance(test, ast.Call) and getattr(test.func, "id", "") == "all" and test.args:
        yield from getattr(test.args[0], "elts", ())
    elif denied and isinstance(test, (ast.Name, ast.Attribute, ast.Subscript, ast.Call)):
        yield test


def _refuses(last: ast.stmt) -> bool:
    """Whether a branch ends in an exception, or in an answer that says that the request is wrong."""
    if isinstance(last, ast.Raise):
        return True
    if isinstance(last, ast.Expr) and isinstance(last.value, ast.Call):
        return "abort" in ast.unparse(last.value.func)
    said = [n.value for n in ast.walk(last) if isinstance(n, ast.Constant)] if isinstance(last, ast.Return) else []
    named = [n.arg for n in ast.walk(last) if isinstance(n, ast.keyword)] if isinstance(last, ast.Return) else []
    refused = any(isinstance(each, int) and 400 <= each < 500 for each in said)
    return refused or "error" in (*said, *named) or "BadRequest" in ast.unparse(last)


def demand(block: Block, value: Value) -> None:
    """Note that a request without this is refused."""
    if value.at is not None and value.at.path:
        block.flow.evidence.setdefault(value.at, Evidence()).demanded = True


def matched(block: Block, node: ast.Match) -> None:
    """Weigh a `match`: its literals limit the values, its names hold them."""
    subject = block.value(node.subject)
    subjects = [block.value(each) for each in node.subject.elts] if isinstance(node.subject, ast.Tuple) else []
    for case in node.cases:
        if subjects and isinstance(case.pattern, ast.MatchSequence):
            for value, pattern in zip(subjects, case.pattern.patterns, strict=False):
                _pattern(block, value, pattern)
        else:
            _pattern(block, subject, case.pattern)


def _pattern(block: Block, value: Value, pattern: ast.pattern) -> None:
    match pattern:
        case ast.MatchValue():
            _equal(block, value, ast.Eq(), pattern.value)
        case ast.MatchOr():
            for each in pattern.patterns:
                _pattern(block, value, each)
        case ast.MatchAs():
            if pattern.pattern is not None:
                _pattern(block, value, pattern.pattern)
            if pattern.name is not None:
                block.assign(ast.Name(pattern.name), value)
        case ast.MatchMapping() | ast.MatchClass():
            for part, each in _parts(block, value, pattern):
                _pattern(block, part, each)


def _parts(
    block: Block, value: Value, pattern: ast.MatchMapping | ast.MatchClass
) -> Iterator[tuple[Value, ast.pattern]]:
    """The parts that a pattern takes a value apart into."""
    if isinstance(pattern, ast.MatchMapping):
        for key, each in zip(pattern.keys, pattern.patterns, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield block.step(attribute_of(block, value, key.value, item=True)), each
        return
    if getattr(pattern.cls, "id", "") in _KINDS and pattern.patterns:  # str(text)
        yield value, pattern.patterns[0]
    for name, each in zip(pattern.kwd_attrs, pattern.kwd_patterns, strict=True):
        yield block.step(attribute_of(block, value, name)), each


def limit(block: Block, place: Place, options: list[Json]) -> None:
    """Note that only these values are taken."""
    entry = block.flow.evidence.setdefault(place, Evidence())
    entry.options[:0] = options
    entry.limited = True


def _fits(block: Block, place: Place, schema: Mapping[str, Json]) -> None:
    if place.path:
        block.flow.evidence.setdefault(place, Evidence()).schema.update(schema)
