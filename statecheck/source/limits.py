"""What code demands of the values that it is sent: literals it compares with, keys it looks up, formats, presence."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from statecheck.source.accessors import attribute_of
from statecheck.source.models import constant, enum_values
from statecheck.source.settings import read_variable
from statecheck.source.traces import Evidence, Value, merge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from statecheck.source.fields import Json, Place
    from statecheck.source.flow import Block
    from statecheck.source.lookup import Found

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
_SETS = ("MappingProxyType", "dict", "frozenset", "set", "tuple", "list")
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


def fixed_of(block: Block, node: ast.expr) -> Json:
    """Return what an expression is whatever is sent: a literal, a module's constant, a variable of the environment."""
    if isinstance(node, ast.JoinedStr):
        parts = [fixed_of(block, p.value if isinstance(p, ast.FormattedValue) else p) for p in node.values]
        return None if None in parts else "".join(map(str, parts))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("encode", "strip"):
        return fixed_of(block, node.func.value)
    if isinstance(node, ast.BoolOp):
        return next((fixed for value in node.values if (fixed := fixed_of(block, value)) not in (None, "")), None)
    modules = block.flow.modules
    if isinstance(node, (ast.Name, ast.Attribute)):
        found = modules.resolve(block.file, node)
        if found is not None and isinstance(found.node, ast.expr) and found.node is not node:
            return fixed_of(block, found.node)
        if isinstance(node, ast.Attribute) and node.attr.upper() in modules.environment:
            return modules.environment[node.attr.upper()]
    read = read_variable(node)
    if read is not None:
        default = constant(read[1]) if read[1] is not None else None
        return modules.environment.get(read[0], default)
    if isinstance(node, ast.Attribute) and node.attr == "value":
        return _member(block, node.value)
    looked_up = isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "get" and node.args
    if looked_up or isinstance(node, ast.Subscript):
        return _first_of(block, node.func.value if isinstance(node, ast.Call) else node.value)  # type: ignore[attr-defined]
    return constant(node)


def _first_of(block: Block, container: ast.expr) -> Json:
    """Return what a table of constants has under its first key, which is what is sent where it is asked."""
    found = block.flow.modules.resolve(block.file, container)
    values = found.node.values if found is not None and isinstance(found.node, ast.Dict) else []
    return constant(values[0]) if values else None


def _member(block: Block, node: ast.expr) -> Json:
    """Return the value of an enumeration's member: `Mode.CHAT.value`."""
    found = block.flow.modules.resolve(block.file, node.value) if isinstance(node, ast.Attribute) else None
    for inner in getattr(found.node if found is not None else None, "body", ()):
        if isinstance(inner, ast.Assign) and ast.unparse(inner.targets[0]) == node.attr:  # type: ignore[attr-defined]
            return constant(inner.value)
    return None


def limit(block: Block, place: Place, options: list[Json]) -> None:
    """Note that only these values are taken."""
    entry = block.flow.evidence.setdefault(place, Evidence())
    entry.options[:0] = options
    entry.limited = True


def _fits(block: Block, place: Place, schema: Mapping[str, Json]) -> None:
    if place.path:
        block.flow.evidence.setdefault(place, Evidence()).schema.update(schema)


def keys_of(block: Block, container: ast.expr) -> list[Json]:
    """Return the keys of a module's table of constants, or the members of its set of constants."""
    found = block.flow.modules.resolve(block.file, container)
    if found is not None and isinstance(container, ast.Name) and _written(block, found, container.id):
        return []
    if found is not None and (values := enum_values(found)):
        return values
    node = found.node if found is not None else container
    while isinstance(node, ast.Call) and node.args and ast.unparse(node.func).split(".")[-1] in _SETS:
        node = node.args[0]
    if isinstance(node, ast.Dict):
        return [constant(key) for key in node.keys if isinstance(key, ast.Constant)]
    if isinstance(node, (ast.Set, ast.Tuple, ast.List)):
        return [constant(item) for item in node.elts if isinstance(item, ast.Constant)]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("split", "values"):
        listed = fixed_of(block, node.func.value)
        separator = constant(node.args[0]) if node.args else None
        return [*listed.split(separator if isinstance(separator, str) else None)] if isinstance(listed, str) else []
    if isinstance(node, (ast.ListComp, ast.SetComp)) and isinstance(node.elt, ast.Attribute):  # [m.value for m in Mode]
        return keys_of(block, node.generators[0].iter)
    return []


def _written(block: Block, found: Found, name: str) -> bool:
    """Whether a module's table gets new keys while the app runs."""
    tree = block.flow.modules.tree(found.file)
    return tree is not None and any(
        (isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store) and ast.unparse(n.value) == name)
        or (isinstance(n, ast.Attribute) and n.attr in ("setdefault", "update", "add") and ast.unparse(n.value) == name)
        for n in ast.walk(tree)
    )
