"""What code demands of the values that it is sent: literals it compares with, keys it looks up, formats, presence."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from statecheck.source import weights
from statecheck.source.handlers.models import constant, enum_values
from statecheck.source.handlers.notes import Traced

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from statecheck.source.code.resolver import Definition
    from statecheck.source.fields import Json, Place
    from statecheck.source.handlers.notes import Notes
    from statecheck.source.handlers.site import Site

TYPES = {"dict": "object", "list": "array", "str": "string", "int": "integer", "float": "number", "bool": "boolean"}
"""JSON Schema's words for Python's types."""
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
_UUID_LENGTH = 36


def demand(notes: Notes, traced: Traced) -> None:
    """Note that a request without this is refused."""
    if traced.at is not None and traced.at.path:
        notes.usage(traced.at).demanded = True


def limit_values(notes: Notes, place: Place, options: list[Json]) -> None:
    """Note that only these values are taken."""
    usage = notes.usage(place)
    usage.options[:0] = options
    usage.limited = True


def note_membership(notes: Notes, site: Site, traced: Traced, operator: ast.cmpop, container: ast.expr) -> bool:
    """Note the constants among which a value is looked for; return whether there are any."""
    literal = constant(container)
    options = literal if isinstance(literal, list) else site.keys(container)
    if not options or traced.at is None:
        return False
    limit_values(notes, traced.at, options)
    if isinstance(operator, ast.NotIn):
        demand(notes, traced)
    return True


def note_equality(notes: Notes, traced: Traced, operator: ast.cmpop, fixed: Json) -> None:
    """Note a literal that a value is compared with.

    What differs from a literal is most often refused, what equals one is most often a case among others.
    """
    if traced.at is None or not traced.at.path or fixed in (None, ""):
        return
    usage = notes.usage(traced.at)
    if isinstance(operator, ast.NotEq):
        usage.options.insert(0, fixed)
        usage.demanded = True
    else:
        usage.options.append(fixed)


def note_length(notes: Notes, traced: Traced, operator: ast.cmpop, length: Json) -> None:
    """Note the length that a value is compared with: `len(x) != 36` speaks of a UUID."""
    if length == _UUID_LENGTH and traced.at is not None and isinstance(operator, (ast.Eq, ast.NotEq)):
        note_schema(notes, traced.at, {"format": "uuid"})


def note_schema(notes: Notes, place: Place, schema: Mapping[str, Json]) -> None:
    """Note a format that a value must have, in the words of JSON Schema."""
    if place.path:
        notes.usage(place).schema.update(schema)


def note_check(notes: Notes, site: Site, name: str, node: ast.Call, arguments: Sequence[Traced]) -> None:
    """Note what a call checks or converts: `int(x)`, `re.fullmatch(…, x)`, `compare_digest(x, KEY)`."""
    known = next((_FORMATS[end] for end in _FORMATS if name == end or ast.unparse(node.func).endswith(end)), None)
    if known is not None and arguments and arguments[0].at is not None and arguments[0].at in notes.usages:
        note_schema(notes, arguments[0].at, known)
        notes.weigh(arguments[0].at, weights.READ_AS_UUID if name == "UUID" else weights.FORMATTED)
    if name in ("fullmatch", "match"):
        _note_pattern(notes, site, name, node, arguments)
    if name == "compare_digest" and len(arguments) > 1:
        for traced, other in zip(arguments, node.args[1::-1], strict=False):
            note_equality(notes, traced, ast.NotEq(), site.fixed(other))
    if name == "isinstance" and len(arguments) > 1 and arguments[0].at is not None:
        kind = TYPES.get(ast.unparse(node.args[1]).strip("()").split(",")[0])
        if kind is not None and kind != "string":
            note_schema(notes, arguments[0].at, {"type": kind})


def _note_pattern(notes: Notes, site: Site, name: str, node: ast.Call, arguments: Sequence[Traced]) -> None:
    """Note a regular expression: `re.fullmatch(pattern, x)`, or `PATTERN.fullmatch(x)`."""
    if len(arguments) > 1:
        traced, pattern = arguments[1], site.fixed(node.args[0])
    elif arguments and isinstance(node.func, ast.Attribute):
        made = site.resolve(node.func.value)
        compiled = made.node if made is not None else None
        pattern = constant(compiled.args[0]) if isinstance(compiled, ast.Call) and compiled.args else None
        traced = arguments[0]
    else:
        return
    notes.note(traced, weights.FORMATTED)
    if traced.at is not None and traced.at.path and isinstance(pattern, str):
        whole = f"^(?:{pattern})$" if name == "fullmatch" else f"^{pattern.lstrip('^')}"
        note_schema(notes, traced.at, {"pattern": whole})


def convert_to_member(notes: Notes, kind: Definition, arguments: Sequence[Traced]) -> Traced | None:
    """Return what an enumeration makes of a value, noting its members; None where the class is no enumeration."""
    values = enum_values(kind)
    if not values or not arguments or arguments[0].at is None:
        return None
    limit_values(notes, arguments[0].at, values)
    return Traced(parts=arguments[0].all)


def note_text_check(notes: Notes, traced: Traced, call: ast.Call) -> None:
    """Note the form of a text that is refused unless a method of it holds: `x.startswith("user-")`, `x.isdigit()`."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    text = constant(call.args[0]) if call.args else None
    if traced.at is not None and name == "startswith" and isinstance(text, str):
        note_schema(notes, traced.at, {"pattern": f"^{re.escape(text)}"})
    elif traced.at is not None and name in ("isdigit", "isdecimal", "isnumeric"):
        note_schema(notes, traced.at, {"pattern": "^[0-9]+$"})
    elif traced.at is not None and name == "isupper":
        note_schema(notes, traced.at, {"pattern": "^[^a-z]+$"})


def demanded_by(node: ast.If) -> Iterator[ast.expr]:
    """Yield the expressions without whose truth a branch refuses the request; none where it does not refuse."""
    if _refuses(node.body[-1]):
        yield from _missing(node.test, denied=False)


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
