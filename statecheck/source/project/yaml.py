"""Read the part of YAML that deployment files use: block mappings and lists, short flow lists, plain scalars.

No YAML library is a dependency. What is not understood is left out; nothing is ever an error.
"""

from __future__ import annotations

import re

_KEY = re.compile(r"""("[^"]*"|'[^']*'|[^\s"'\[{#][^#"']*?)\s*:(?:\s+(.*))?\Z""")
_BLOCK = re.compile(r"[|>][+-]?\d?\Z")
_ANCHOR = re.compile(r"[&!][^\s]+\s*")


class Text(str):
    """A scalar, with the line where it stands.

    Attributes:
        line: 1-based.
    """

    __slots__ = ("line",)
    line: int

    @classmethod
    def at(cls, value: str, line: int) -> Text:
        """Return a scalar of this line."""
        text = cls(value)
        text.line = line
        return text


Node = Text | list["Node"] | dict[str, "Node"] | None
_Line = tuple[int, int, str]


def documents(text: str) -> list[Node]:
    """Return the documents of a YAML file, each as nested dicts, lists and scalars."""
    parts: list[list[_Line]] = [[]]
    for number, raw in enumerate(text.splitlines(), 1):
        if raw.startswith("---"):
            parts.append([])
        elif raw.strip() and not raw.lstrip().startswith("#"):
            stripped = raw.expandtabs(2).strip()
            parts[-1].append((len(raw.expandtabs(2)) - len(raw.expandtabs(2).lstrip()), number, stripped))
    return [_block(lines[::-1], 0) for lines in parts if lines]


def items(node: Node) -> list[Node]:
    """Return the elements of a list; nothing for anything else."""
    return node if isinstance(node, list) else []


def pairs(node: Node) -> list[tuple[str, Node]]:
    """Return the entries of a mapping; nothing for anything else."""
    return list(node.items()) if isinstance(node, dict) else []


def get(node: Node, *path: str) -> Node:
    """Return what a path of keys leads to, or None."""
    for key in path:
        node = node.get(key) if isinstance(node, dict) else None
    return node


def text(node: Node) -> str:
    """Return a scalar's text, `""` for anything else."""
    return node if isinstance(node, Text) else ""


def _block(lines: list[_Line], depth: int) -> Node:
    """Take the block at the end of `lines` (they are in reverse) that starts with its last line."""
    if not lines or depth > 50:
        lines.clear()
        return None
    indent, _, first = lines[-1]
    if first == "-" or first.startswith("- "):
        return _list(lines, indent, depth)
    return _mapping(lines, indent, depth)


def _list(lines: list[_Line], indent: int, depth: int) -> Node:
    found: list[Node] = []
    while lines and lines[-1][0] == indent and (lines[-1][2] == "-" or lines[-1][2].startswith("- ")):
        _, number, line = lines.pop()
        rest = line[1:].lstrip()
        if not rest or rest.startswith("#"):
            found.append(_deeper(lines, indent, depth))
        elif _KEY.match(_without_comment(rest)) or rest.startswith("- "):
            lines.append((indent + len(line) - len(rest), number, rest))
            found.append(_block(lines, depth + 1))
        else:
            found.append(_scalar(rest, lines, indent, number))
    return found


def _mapping(lines: list[_Line], indent: int, depth: int) -> Node:
    found: dict[str, Node] = {}
    while lines and lines[-1][0] >= indent:
        at, number, line = lines.pop()
        match = _KEY.match(_without_comment(line))
        if match is None or at > indent:
            continue
        key, rest = match[1].strip("\"'"), _ANCHOR.sub("", match[2] or "", count=1).strip()
        if rest:
            found[key] = _scalar(rest, lines, indent, number)
        elif lines and lines[-1][0] == indent and lines[-1][2].startswith("-"):
            found[key] = _list(lines, indent, depth + 1)
        else:
            found[key] = _deeper(lines, indent, depth)
    return found


def _deeper(lines: list[_Line], indent: int, depth: int) -> Node:
    return _block(lines, depth + 1) if lines and lines[-1][0] > indent else None


def _scalar(value: str, lines: list[_Line], indent: int, number: int) -> Node:
    """One scalar, a flow list or a block text; lines that continue it are taken too."""
    value = _without_comment(value)
    if _BLOCK.match(value):
        value = ""
    elif value[:1] in "[{":
        while lines and value.count(value[0]) > value.count("]" if value[0] == "[" else "}"):
            value = f"{value} {_without_comment(lines.pop()[2])}"
        return _flow(value, number)
    while lines and lines[-1][0] > indent:
        value = f"{value} {lines.pop()[2]}".strip()
    return Text.at(_unquoted(value), number)


def _flow(value: str, number: int) -> Node:
    """Return a flow list or mapping of scalars; deeper ones are not read."""
    parts = [part.strip() for part in re.findall(r"""(?:"[^"]*"|'[^']*'|[^,])+""", value[1:].rstrip("]} "))]
    if value[0] == "[":
        return [Text.at(_unquoted(part), number) for part in parts if part]
    found: dict[str, Node] = {}
    for part in parts:
        key, _, rest = part.partition(":")
        found[_unquoted(key)] = Text.at(_unquoted(rest), number)
    return found


def _without_comment(value: str) -> str:
    """Return the value without a trailing comment; a `#` inside quotes stays."""
    if "#" not in value:
        return value.strip()
    match = re.match(r"""(?:"[^"]*"|'[^']*'|(?<!\s)#|[^#"']|["'])*""", value)
    return (match[0] if match else value).strip()


def _unquoted(value: str) -> str:
    value = value.strip()
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value
