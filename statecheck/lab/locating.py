"""Turns a probe's raw place (steps from a module to a text) into words and an anchor in the user's code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from statecheck.source import definitions

if TYPE_CHECKING:
    from statecheck.model import Anchor
    from statecheck.source.tree import SourceTree

_PLUMBING = frozenset({"__dict__", "__pydantic_private__"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a marker is kept.

    Attributes:
        text: `main.session_memory_store['sc-1']`.
        key: the first key of the app's own container below the name, or None.
        holder: the name that holds it (`session_memory_store`).
        anchor: where that name is defined, if it is the user's.
    """

    text: str
    key: str | None
    holder: str
    anchor: Anchor | None


@dataclass(frozen=True)
class Locator:
    """Knows the user's sources and the project's root."""

    tree: SourceTree
    project: Path

    def path(self, absolute: str) -> str:
        """A path relative to the project where it lies below it, in posix form."""
        path = Path(absolute)
        return path.relative_to(self.project).as_posix() if self.project in path.parents else path.as_posix()

    def place(self, raw: dict[str, Any]) -> Place:
        """The place in words; what a library keeps inside its own objects is cut off."""
        steps = [(kind, name) for kind, name in raw["steps"]]
        parts: list[str] = [raw["module"] or "memory"]
        holder, key, anchor = "", None, None
        names: list[str] = []
        position = 0
        for index, (kind, name) in enumerate(steps):
            if index == 0 and kind == "key" and raw["module"]:
                holder = name.strip("'\"")
                parts.append(f".{holder}")
            elif kind == "closure":
                listed, _, line = name.rpartition("@")
                names, position = listed.split(","), int(line)
            elif kind == "item" and names:
                holder = names[int(name)] if name.isdigit() and int(name) < len(names) else holder
                parts.append(f".{holder}")
                anchor = self._closure(raw, position, holder)
                names = []
            elif kind == "attribute" and name not in _PLUMBING:
                parts.append(f".{name}")
            elif kind == "key" and index and steps[index - 1][0] == "dict":
                parts.append(f".{name.strip(chr(39))}")
            elif kind == "key":
                parts.append(f"[{name}]")
                key = key if key is not None else name.strip("'\"")
                break  # below its first key, a container's insides are of no interest
            elif kind == "item" and index + 1 < len(steps):
                parts.append(f"[{name}]")
        if anchor is None and raw["user"]:
            anchor = self._defined(raw, parts)
        return Place("".join(parts), key, holder, anchor)

    def _closure(self, raw: dict[str, Any], line: int, name: str) -> Anchor | None:
        module = self.tree.module(self.project / raw["file"])
        return definitions.closure_name(module, line, name) if module else None

    def _defined(self, raw: dict[str, Any], parts: list[str]) -> Anchor | None:
        module = self.tree.module(self.project / raw["file"])
        if module is None or len(parts) < 2:
            return None
        attributes = [part[1:] for part in parts[2:] if part.startswith(".")]
        for name in reversed(attributes):
            found = definitions.attribute(self.tree, name)
            if found is not None:
                return found
        return definitions.module_name(module, parts[1][1:])
