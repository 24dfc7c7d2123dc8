"""Read YAML as nested values that know their lines: anchors, merge keys and flow are resolved, tags mean nothing.

Only nodes are composed, so no Python object is ever constructed. What an alias stands for is decoded once and shared
by all that name it: a file in which lists of lists name each other millions of times costs what its text does. What
merge keys copy is counted, and a document that copies too much is left out, as is one that is not YAML.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import yaml


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


Node = Text | tuple["Node", ...] | Mapping[str, "Node"] | None
"""A scalar, a list, a mapping with texts for keys, or nothing (`null`, and what contains itself)."""

_MOST_BYTES = 500_000
_MOST_ENTRIES = 200_000
_TEMPLATED = re.compile(r"\{\{.*?\}\}|\{%.*?%\}")
_NULL, _MERGE = "tag:yaml.org,2002:null", "tag:yaml.org,2002:merge"


def read_documents(data: bytes) -> tuple[Node, ...]:
    """Return the documents of a YAML file, those before the first that is none.

    Placeholders of templates (Helm, Jinja) count as a word, and as nothing where they stand in a line of their own.
    """
    if len(data) > _MOST_BYTES:
        return ()
    import yaml  # late: it takes longer to import than most projects to read

    text = data.decode("utf-8-sig", "replace")
    if "{{" in text or "{%" in text:
        text = "\n".join(map(_replace_placeholders, text.splitlines()))
    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    found: list[Node] = []
    with contextlib.suppress(yaml.YAMLError, ValueError, RecursionError):
        found.extend(_Decoder().decode(root) for root in yaml.compose_all(text, loader))
    return tuple(found)


def _replace_placeholders(line: str) -> str:
    replaced = _TEMPLATED.sub("x", line)
    return "" if replaced != line and not replaced.strip(" x-") else replaced


def items(node: Node) -> tuple[Node, ...]:
    """Return the elements of a list; nothing for anything else."""
    return node if isinstance(node, tuple) else ()


def pairs(node: Node) -> Iterator[tuple[str, Node]]:
    """Yield the entries of a mapping; nothing for anything else."""
    yield from node.items() if isinstance(node, Mapping) else ()


def get(node: Node, *path: str) -> Node:
    """Return what a path of keys leads to, or None."""
    for key in path:
        node = node.get(key) if isinstance(node, Mapping) else None
    return node


def text(node: Node) -> str:
    """Return a scalar's text, `""` for anything else."""
    return node if isinstance(node, Text) else ""


class _Decoder:
    """Decodes the nodes of one document, each once."""

    def __init__(self) -> None:
        self._done: dict[yaml.Node, Node] = {}
        self._left = _MOST_ENTRIES

    def decode(self, node: yaml.Node) -> Node:
        """Return a node's value.

        Raises:
            ValueError: its mappings have more entries than a file for people has.
        """
        import yaml

        if node not in self._done:
            self._done[node] = None  # so that one that contains itself ends
            value: Node = None
            if isinstance(node, yaml.ScalarNode):
                value = None if node.tag == _NULL else Text.at(node.value, node.start_mark.line + 1)
            elif isinstance(node, yaml.SequenceNode):
                value = tuple(map(self.decode, node.value))
            elif isinstance(node, yaml.MappingNode):
                value = self._mapping(node)
            self._done[node] = value
        return self._done[node]

    def _mapping(self, node: yaml.MappingNode) -> Mapping[str, Node]:
        own: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        for key, value in node.value:
            if key.tag == _MERGE:
                decoded = self.decode(value)
                for one in decoded if isinstance(decoded, tuple) else (decoded,):  # the first that has a key wins
                    merged = {**one, **merged} if isinstance(one, Mapping) else merged
                    self._count(len(merged))
            elif isinstance(key.value, str):
                own[key.value] = self.decode(value)
                self._count(1)
        return {**merged, **own}

    def _count(self, entries: int) -> None:
        self._left -= entries
        if self._left < 0:
            raise ValueError("its mappings have more entries than a file for people has")
