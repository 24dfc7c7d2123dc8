"""Reads the steps from a module down to a text, as a probe found them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.source.code import definitions

if TYPE_CHECKING:
    from statecheck.source.code.tree import SourceTree


class PlacePath:
    """Reads a probe's steps from the module down.

    Attributes:
        parts: the words so far; names: the global, then attributes of the user's objects; key: the first key.
        closure: (file and line of the function, name) if a function of the user's closes over it.
        local: file and line of the function, if a call of it has the first of the names in a variable.
    """

    def __init__(self, module: str, steps: list[tuple[str, str]], tree: SourceTree) -> None:
        self.steps = steps
        self.tree = tree
        self.parts = [module or "memory"]
        self.names: list[str] = []
        self.key: str | None = None
        self.closure: tuple[str, int, str] | None = None
        self.local: tuple[str, int] | None = None

    def begin(self, slot: str | None) -> None:
        """Begin at what a framework keeps for the app: a session under a name, or a cached function's value."""
        self.steps = [("slot", slot or ""), *self.steps[1:]]

    def walk(self) -> None:
        """Follow the steps to the first key, or to where a library's insides begin.

        A closure of the user's is where it starts, whichever objects of a framework lead to the function.
        """
        closures = [index for index, (kind, _) in enumerate(self.steps) if kind == "closure"]
        rest = self.steps[closures[-1] :] if closures else self.steps
        if rest and not closures:
            self._root(*rest[0])
            rest = rest[1:]
        while rest:
            (kind, name), rest = rest[0], rest[1:]
            if kind == "attribute":
                self._name(name)
            elif kind == "app":
                rest = self._on_app(name, rest)
            elif kind == "closure" and rest[:1] and rest[0][0] == "item":
                self._closes_over(name, rest[0][1])
                rest = rest[1:]
            elif kind == "key":
                self.parts.append(f"[{name}]")
                self.key = name.strip("'\"")
                return
            elif kind in ("inner", "item"):  # an item of a list is one of many, and its keys are no session's
                return

    def _root(self, kind: str, name: str) -> None:
        """Begin at a module's global, at what a framework keeps, or at a call's variable."""
        if kind == "local":
            self._of_call(*name.split("@"))
        elif kind != "slot":
            self._name(name)
        elif name:
            self.names.append(name)
            self.parts.append(f"['{name}']")

    def _on_app(self, name: str, rest: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """What the user's code keeps on a framework's app: an attribute of it, or one or a key of what is for that.

        `app.memories`; `app.state.memories`, `app.extensions['memories']`. Else nothing more is the user's.
        """
        if definitions.attribute(self.tree, name):
            self._name(name)
            return rest
        while len(rest) > 1 and rest[0] in (("inner", "_state"), ("inner", "")):  # Starlette's state is over a dict
            rest = rest[1:]
        if not rest:
            return []
        (kind, inner), rest = rest[0], rest[1:]
        given = inner.strip("'\"")
        if kind == "key" and definitions.entry(self.tree, given):
            self.names.append(given)
            self.parts.append(f"[{inner}]" if name == "_state" else f".{name}[{inner}]")
            return rest
        if kind in ("inner", "key") and definitions.attribute(self.tree, given):
            self.parts.append(f".{name}")
            self._name(given)
            return rest
        # an object of the user's whose method is an endpoint: what it keeps is under its own attribute
        return next((rest[at:] for at, (kind, own) in enumerate(rest) if kind == "attribute" and own), [])

    def _name(self, quoted: str) -> None:
        name = quoted.strip("'\"")
        self.names.append(name)
        self.parts.append(f".{name}")

    def _of_call(self, name: str, line: str, file: str) -> None:
        """Begin at a variable of a call of the user's, or at an object of theirs that a library's call works for."""
        if file:
            self._name(name)
            self.local = (file, int(line))
        else:
            self.parts = ["self"]
            self.names.append("self")

    def _closes_over(self, listed: str, index: str) -> None:
        names, line, file = listed.split("@")
        free = names.split(",")
        if index.isdigit() and int(index) < len(free):
            self._name(free[int(index)])
            self.closure = (file, int(line), free[int(index)])
