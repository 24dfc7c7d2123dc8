"""A value that a schema accepts: the example that it gives, else one that is made up; each is checked first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from statecheck.source.json_schema import Schema, Schemas, list_of, merge, without_choices
from statecheck.source.pattern_texts import LONGEST, make_texts
from statecheck.source.schema_checks import FORMATS, is_number, schemas_accept

if TYPE_CHECKING:
    from statecheck.source.fields import Json

_DEEPEST = 6
_MOST_TRIED = 60
_MOST_ITEMS = 100


def make_sample(schema: object, around: Schema, schemas: Schemas) -> Json:
    """Return a value that a schema accepts.

    Args:
        schema: any, broken too.
        around: the parameter or the media type that has it, which may give examples as well.
        schemas: those of its document.

    Returns:
        The first of its examples and of what can be made up that is valid; if none is, the first of them.
    """
    whole = schemas.resolve(schema)
    tried: list[Json] = []
    for value in chain(islice(_given(whole, around), _MOST_TRIED), islice(_Maker(schemas).values(whole), _MOST_TRIED)):
        tried.append(value)
        if schemas_accept(schemas, whole, value):
            return tried[-1]
    return tried[0] if tried else "sample"


def _given(schema: Schema, around: Schema) -> Iterator[Any]:
    """Yield the values that a schema gives itself, the surest first."""
    for piece in (schema, around):
        for key in ("const", "default", "example"):
            if piece.get(key) is not None:
                yield piece[key]
        for key in ("enum", "examples"):
            named = piece.get(key)
            for each in named.values() if isinstance(named, Mapping) else list_of(piece, key):
                yield each.get("value") if key == "examples" and isinstance(each, Mapping) and "value" in each else each


class _Maker:
    """Makes values up, the simplest first, of which not all need be valid."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas

    def values(self, schema: object, deep: int = 0) -> Iterator[Any]:
        """Yield values that a schema may accept."""
        found = self._schemas.resolve(schema)
        if deep > _DEEPEST:
            return
        yield from _given(found, {})
        if list_of(found, "allOf"):
            yield from self.values(self._schemas.merge_parts(found), deep + 1)
        elif list_of(found, "anyOf") or list_of(found, "oneOf"):
            yield from _in_turns([self.values(branch, deep + 1) for branch in self._schemas.branches(found)])
            yield None
            yield from self.values(without_choices(found), deep + 1)
        else:
            yield from chain.from_iterable(self._of_kind(kind, found, deep) for kind in _kinds(found))
            for branch in ("then", "else"):
                if isinstance(found.get(branch), Mapping):
                    rest = {key: value for key, value in found.items() if key not in ("if", "then", "else")}
                    yield from self.values(merge(rest, self._schemas.resolve(found[branch])), deep + 1)

    def valid(self, schema: object, deep: int) -> Iterator[Any]:
        """Yield values that a schema does accept."""
        found = self._schemas.resolve(schema)
        made = islice(self.values(found, deep), _MOST_TRIED)
        yield from (value for value in made if schemas_accept(self._schemas, found, value))

    def _of_kind(self, kind: str, schema: Schema, deep: int) -> Iterator[Any]:
        if kind == "array":
            yield from self._lists(schema, deep)
        elif kind == "object":
            yield from self._objects(schema, deep)
        elif kind in ("integer", "number"):
            yield from _numbers(schema, whole=kind == "integer")
        elif kind == "boolean":
            yield from (False, True)
        elif kind == "null":
            yield None
        else:
            yield from _texts(schema)

    def _lists(self, schema: Schema, deep: int) -> Iterator[Any]:
        least = min(_number_of(schema, "minItems", 0), _MOST_ITEMS)
        wanted = list_of(schema, "prefixItems")[:_MOST_ITEMS]
        if schema.get("contains") is not None:
            least = max(least, 1)
        found: list[Any] = []
        for piece in wanted[: max(least, len(wanted))]:
            found += [*islice(self.valid(piece, deep + 1), 1)]
        others = [*islice(self.valid(schema.get("items", {}), deep + 1), _MOST_TRIED)] if len(found) < least else []
        if schema.get("uniqueItems") is True:
            others = _distinct([*found, *others, *_more_like(others)])[len(found) :]
        elif others:
            others = [others[0]] * least
        if isinstance(schema.get("contains"), Mapping):
            others = [*islice(self.valid(schema["contains"], deep + 1), 1), *others]
        yield [*found, *others][: max(least, len(found))] if found or least else []
        yield found[:least]
        yield [*found, *others]

    def _objects(self, schema: Schema, deep: int) -> Iterator[Any]:
        properties = schema.get("properties")
        pieces: Mapping[str, Any] = properties if isinstance(properties, Mapping) else {}
        needed = [name for name in list_of(schema, "required") if isinstance(name, str)]
        more = schema.get("additionalProperties", {})
        found: dict[str, Any] = {}
        for name in needed:
            found.update((name, value) for value in islice(self.valid(pieces.get(name, more), deep + 1), 1))
        least = _number_of(schema, "minProperties", 0)
        if len(found) >= least:
            yield found
        everything = dict(found)
        for name in pieces:
            if name not in everything:
                everything.update((name, value) for value in islice(self.valid(pieces[name], deep + 1), 1))
                if len(everything) == least:
                    yield dict(everything)
        yield everything
        if more is not False:
            value = next(self.valid(more, deep + 1), None)
            names = schema.get("propertyNames")
            spelled = (
                self.valid(names, deep + 1) if isinstance(names, Mapping) else (f"sample{n}" for n in range(least))
            )
            for name in islice(spelled, min(least, _MOST_ITEMS)):
                if len(everything) < least:
                    everything.setdefault(name, value)
            yield everything


def _kinds(schema: Schema) -> tuple[str, ...]:
    """Return the types that a schema may be of, by what it says of them where it names none."""
    kind = schema.get("type")
    if isinstance(kind, list):
        return tuple(str(each) for each in kind)
    if isinstance(kind, str) and kind:
        return (kind,)
    signs = {
        "object": ("properties", "required", "additionalProperties", "minProperties"),
        "array": ("items", "prefixItems", "minItems", "contains"),
        "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    }
    told = tuple(name for name, words in signs.items() if any(word in schema for word in words))
    return (*told, "string") if "pattern" not in schema and "minLength" not in schema else ("string", *told)


def _numbers(schema: Schema, *, whole: bool) -> Iterator[float]:
    """Yield 1, what lies just inside the bounds, and what lies between them."""
    step = schema.get("multipleOf")
    lows = [schema[key] for key in ("minimum", "exclusiveMinimum") if is_number(schema.get(key))]
    highs = [schema[key] for key in ("maximum", "exclusiveMaximum") if is_number(schema.get(key))]
    low, high = max(lows, default=None), min(highs, default=None)
    if is_number(step) and step and step > 0:
        start = low // step if low is not None else high // step - 3 if high is not None else 0
        if not lows and not highs:
            yield int(step) if step == int(step) else step
        for count in range(12):
            value = (start + count) * step
            yield int(value) if value == int(value) else value
        return
    yield 1
    yield 0
    if low is not None and high is not None:
        middle = (low + high) / 2
        yield from () if whole else (middle,)
        yield int(low) + 1
        yield int(low)
    elif low is not None or high is not None:
        bound = low if low is not None else high
        assert bound is not None
        yield bound if not whole else int(bound)
        yield from (int(bound) + 1, int(bound) - 1)
    yield from (0.5, -0.5) if not whole else (-1, 2)


def _texts(schema: Schema) -> Iterator[str]:
    least, most = _number_of(schema, "minLength", 0), _number_of(schema, "maxLength", LONGEST)
    known = FORMATS.get(str(schema.get("format", "")))
    if known is not None:
        yield known
    pattern = schema.get("pattern")
    if isinstance(pattern, str):
        for text in make_texts(pattern):
            yield text
            if len(text) < least:
                yield text.ljust(least, text[-1:] or "a")
    if least <= LONGEST:
        text = "sample".ljust(least, "x")
        yield text[: max(most, 0)]
        yield from (f"sample {n}".ljust(least, "x")[-max(most, 0) :] if most else "" for n in range(2, 9))


def _in_turns(sources: list[Iterator[Any]]) -> Iterator[Any]:
    """Yield the first of each source, then the second of each, and so on."""
    while sources:
        for source in [*sources]:
            try:
                yield next(source)
            except StopIteration:
                sources.remove(source)


def _distinct(values: list[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if not any(value == other and type(value) is type(other) for other in found):
            found.append(value)
    return found


def _more_like(values: list[Any]) -> Iterator[Any]:
    """Yield more values like those that are there, which need not be valid."""
    first = values[0] if values else None
    for number in range(2, _MOST_ITEMS):
        if isinstance(first, str):
            yield f"{first}{number}"
        elif isinstance(first, (int, float)) and not isinstance(first, bool):
            yield first + number


def _number_of(schema: Schema, key: str, otherwise: int) -> int:
    found: Any = schema.get(key)
    return int(found) if is_number(found) else otherwise
