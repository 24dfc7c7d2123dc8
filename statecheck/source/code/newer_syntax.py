"""Restate Python that is newer than the interpreter in what the interpreter reads, each line where it was.

`ast` reads the grammar of the interpreter that runs it and no newer one. tree-sitter cuts a file into tokens whatever
Python it was written for; the few constructs that came after 3.10 are found among these and rewritten in place.
"""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tree_sitter import Node, Tree

Version = tuple[int, int]

NEWEST: Version = (3, 14)
"""The last Python of which all syntax is known here."""

_OPENING = {"(": ")", "[": "]", "{": "}"}
_SUBSCRIBED = frozenset(("identifier", ")", "]", "}", "string_end"))
_AFTER_EXPRESSION = frozenset(("=", "type_conversion", "format_specifier", "}"))
_HARD_IN_A_FIELD = re.compile(rb"""["'\\#\n]""")


@dataclass(frozen=True, slots=True)
class Restated:
    """A text of the same lines in older syntax.

    Attributes:
        text: what the interpreter can read, if the only obstacle was newer syntax.
        fields: expressions of f-strings that have to be read on their own, each as (text, line), by the name that
            stands for it in `text`.
    """

    text: str
    fields: Mapping[str, tuple[str, int]]


@dataclass(frozen=True, slots=True)
class _Edit:
    start: int
    end: int
    new: bytes


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: bytes
    start: int
    end: int


@dataclass(slots=True)
class _Source:
    """A file as tree-sitter sees it.

    Attributes:
        tokens: in their order, without comments.
        partner: by the number of an opening bracket's token, that of the closing one.
        around: by a token's number, that of the innermost bracket around it, or -1.
        fields: the replacement fields of f-strings and t-strings, each with the string that it is in.
    """

    data: bytes
    tokens: list[_Token] = field(default_factory=list)
    partner: dict[int, int] = field(default_factory=dict)
    around: list[int] = field(default_factory=list)
    fields: list[tuple[Node, Node]] = field(default_factory=list)

    def kind(self, number: int) -> str:
        """Return the kind of a token, or an empty text where there is none."""
        return self.tokens[number].kind if 0 <= number < len(self.tokens) else ""

    def inside(self, opening: int) -> Iterator[int]:
        """Yield the numbers of the tokens that stand directly in a bracket."""
        yield from (n for n in range(opening + 1, self.partner.get(opening, opening)) if self.around[n] == opening)


def restate(text: str, version: Version = sys.version_info[:2]) -> Restated | None:
    """Return the text in syntax that a version of Python reads, or None if nothing in it is known to be newer."""
    source = _read(text.encode())
    edits = [edit for since, find in _CONSTRUCTS if version < since for edit in find(source)]
    if version == (3, 12):
        edits += _type_defaults(source)
    prefix = _unused_prefix(text)
    spelled: dict[str, tuple[str, int]] = {}
    if version < (3, 12):
        for number, (start, end, string, line) in enumerate(_hard_fields(source)):
            name = f"{prefix}{number}_"
            spelled[name] = source.data[start:end].decode(), line
            edits += _named_field(source, string, start, end, name.encode())
    if not edits:
        return None
    return Restated(_apply(source.data, edits).decode(), spelled)


def splice(tree: ast.Module, fields: Mapping[str, tuple[str, ast.expr]]) -> None:
    """Put expressions of f-strings, each with its text, back where their names stand for them in a syntax tree."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FormattedValue) and isinstance(node.value, ast.Name) and node.value.id in fields:
            node.value = fields[node.value.id][1]
        elif isinstance(node, ast.JoinedStr):
            for part in node.values:  # `f"{x["a"]=}"` also shows the expression's text
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    part.value = _spelled(part.value, fields)


def _spelled(text: str, fields: Mapping[str, tuple[str, ast.expr]]) -> str:
    """Return a text with the expressions in place of their names and of the line ends that follow these."""
    for name in [name for name in fields if name in text]:
        head, _, tail = text.partition(name)
        text = head + fields[name][0] + tail.lstrip("\n")
    return text


def _read(data: bytes) -> _Source:
    import tree_sitter  # late: few files are newer than the interpreter that reads them
    import tree_sitter_python

    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_python.language()))
    source = _Source(data)
    open_brackets: list[int] = []
    for node in _leaves(parser.parse(data), source.fields):
        if node.start_byte == node.end_byte or node.type == "comment":
            continue
        number = len(source.tokens)
        kind = node.type
        if open_brackets and kind == _OPENING[source.tokens[open_brackets[-1]].kind]:
            source.partner[open_brackets.pop()] = number
        source.around.append(open_brackets[-1] if open_brackets else -1)
        source.tokens.append(_Token(kind, data[node.start_byte : node.end_byte], node.start_byte, node.end_byte))
        if kind in _OPENING:
            open_brackets.append(number)
    return source


def _leaves(tree: Tree, fields: list[tuple[Node, Node]]) -> Iterator[Node]:
    """Yield the leaves of a tree in their order, and note the replacement fields of its strings."""
    cursor = tree.walk()
    strings: list[Node] = []
    while True:
        node = cursor.node
        if node is not None and node.type == "string":
            strings.append(node)
        elif node is not None and node.type in ("interpolation", "format_expression") and strings:
            fields.append((node, next(s for s in reversed(strings) if s.end_byte >= node.end_byte)))
        if cursor.goto_first_child():
            continue
        if node is not None:
            yield node
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return


def _exception_groups(source: _Source) -> Iterator[_Edit]:
    """`except* E:` becomes `except  E:` (3.11)."""
    for number, token in enumerate(source.tokens):
        if token.kind == "except*":
            yield _Edit(token.end - 1, token.end, b" ")
        elif token.kind == "*" and source.kind(number - 1) == "except":
            yield _Edit(token.start, token.end, b" ")


def _stars(source: _Source) -> Iterator[_Edit]:
    """`A[*B]` becomes `A[(*B,)]`, and `*args: *Ts` becomes `*args:  Ts` (3.11)."""
    for number, token in enumerate(source.tokens):
        if token.kind == "[" and number in source.partner and _is_subscribed(source, number - 1):
            inside = [*source.inside(number)]
            stars = [n for n in inside if source.kind(n) == "*" and source.kind(n - 1) in ("[", ",")]
            kinds = {source.kind(n) for n in inside}
            if stars and ":" in kinds:  # a slice cannot stand in parentheses
                yield from (_Edit(source.tokens[n].start, source.tokens[n].end, b" ") for n in stars)
            elif stars:
                end = source.tokens[source.partner[number]].start
                yield _Edit(token.end, token.end, b"(")
                yield _Edit(end, end, b")" if "," in kinds else b",)")
        elif token.kind == "*" and source.kind(number - 1) == ":" and source.kind(source.around[number]) == "(":
            yield _Edit(token.start, token.end, b" ")


def _type_parameters(source: _Source) -> Iterator[_Edit]:
    """`def f[T](…)` and `class A[T]` lose their brackets (3.12)."""
    for opening in _parameter_brackets(source):
        if source.kind(opening - 2) in ("def", "class"):
            start, end = source.tokens[opening].start, source.tokens[source.partner[opening]].end
            yield _Edit(start, end, _blank(source.data[start:end]))


def _type_aliases(source: _Source) -> Iterator[_Edit]:
    """`type X[T] = …` becomes `X = …` (3.12)."""
    for number, token in enumerate(source.tokens):
        if _is_alias(source, number):
            name = source.tokens[number + 1]
            last = source.partner.get(number + 2, number + 1)
            rest = source.data[name.end : source.tokens[last].end]
            yield _Edit(token.start, source.tokens[last].end, name.text + _blank(rest))


def _type_defaults(source: _Source) -> Iterator[_Edit]:
    """`[T = int]` becomes `[T]` (3.13), where 3.12 reads the rest of it."""
    for opening in _parameter_brackets(source):
        inside = [*source.inside(opening)]
        for place, number in enumerate(inside):
            if source.kind(number) == "=":
                after = next((n for n in inside[place:] if source.kind(n) == ","), source.partner[opening])
                start, end = source.tokens[number].start, source.tokens[after].start
                yield _Edit(start, end, _blank(source.data[start:end]))


def _bare_excepts(source: _Source) -> Iterator[_Edit]:
    """`except A, B:` becomes `except (A, B):` (3.14)."""
    for number, token in enumerate(source.tokens):
        if token.kind in ("except", "except*"):
            first = number + 1 + (source.kind(number + 1) == "*")
            kinds: set[str] = set()
            for colon in range(first, len(source.tokens)):
                if source.around[colon] == source.around[number]:
                    if source.kind(colon) == ":":
                        break
                    kinds.add(source.kind(colon))
            else:
                continue
            if "," in kinds and "as" not in kinds:
                start, end = source.tokens[first].start, source.tokens[colon].start
                yield from (_Edit(start, start, b"("), _Edit(end, end, b")"))


def _templates(source: _Source) -> Iterator[_Edit]:
    """`t"…"` becomes `f"…"` (3.14)."""
    for token in source.tokens:
        if token.kind == "string_start" and b"t" in token.text.lower():
            yield _Edit(token.start, token.end, token.text.replace(b"t", b"f").replace(b"T", b"F"))


_CONSTRUCTS: tuple[tuple[Version, Callable[[_Source], Iterator[_Edit]]], ...] = (
    ((3, 11), _exception_groups),
    ((3, 11), _stars),
    ((3, 12), _type_parameters),
    ((3, 12), _type_aliases),
    ((3, 14), _bare_excepts),
    ((3, 14), _templates),
)


def _parameter_brackets(source: _Source) -> Iterator[int]:
    """Yield the numbers of the brackets that hold type parameters."""
    for number in source.partner:
        named = source.kind(number) == "[" and source.kind(number - 1) == "identifier"
        if named and (source.kind(number - 2) in ("def", "class") or _is_alias(source, number - 2)):
            yield number


def _is_alias(source: _Source, number: int) -> bool:
    """Whether a token begins a `type` statement: two names in a row on one line are nothing else."""
    if number < 0 or source.tokens[number].text != b"type" or source.kind(number + 1) != "identifier":
        return False
    if b"\n" in source.data[source.tokens[number].end : source.tokens[number + 1].start]:
        return False
    return source.kind(source.partner.get(number + 2, number + 1) + 1) == "="


def _is_subscribed(source: _Source, number: int) -> bool:
    """Whether a bracket behind a token is an index: not in `match [*a]:` or `case [*a]:`."""
    return source.kind(number) in _SUBSCRIBED and source.tokens[number].text not in (b"match", b"case")


def _hard_fields(source: _Source) -> Iterator[tuple[int, int, Node, int]]:
    """Yield (start, end, string, line) of each field's expression that f-strings could not hold before 3.12."""
    reached = 0
    for node, string in source.fields:
        end = next((c.start_byte for c in node.children[1:] if c.type in _AFTER_EXPRESSION), node.end_byte)
        start = node.start_byte + 1
        if start >= reached and _HARD_IN_A_FIELD.search(source.data, start, end):
            yield start, end, string, node.start_point[0] + 1
            reached = end


def _named_field(source: _Source, string: Node, start: int, end: int, name: bytes) -> Iterator[_Edit]:
    """Let a name stand for a field's expression; the lines that it took are kept in the string or right behind it."""
    lines = source.data.count(b"\n", start, end)
    opening = source.data[string.start_byte : string.children[0].end_byte]
    if opening.endswith((b'"""', b"'''")):
        yield _Edit(start, end, name + b"\n" * lines)
        return
    yield _Edit(start, end, name)
    if lines:
        yield _Edit(string.end_byte, string.end_byte, b" \\\n" * lines)


def _unused_prefix(text: str) -> str:
    prefix = "_field_"
    while prefix in text:
        prefix = f"_{prefix}"
    return prefix


def _blank(data: bytes) -> bytes:
    """Return blanks in place of a text; its line ends are kept where a statement may not end."""
    return b"\\\n".join(b" " * len(line) for line in data.split(b"\n"))


def _apply(data: bytes, edits: list[_Edit]) -> bytes:
    """Return the data with the edits made; one inside of another is left out, as the outer one has dealt with it."""
    parts: list[bytes] = []
    reached = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end > edit.start, -edit.end)):
        if edit.start >= reached:
            parts += [data[reached : edit.start], edit.new]
            reached = edit.end
    return b"".join([*parts, data[reached:]])
