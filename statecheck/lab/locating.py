"""Turns a probe's raw place (steps from a module to a text) into words and an anchor in the user's code."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from time import monotonic_ns
from typing import TYPE_CHECKING

from statecheck.history import Line, Op
from statecheck.lab.place_paths import PlacePath
from statecheck.so_far import Hints
from statecheck.source.code import definitions
from statecheck.source.code.dropped_lists import find_dropped_lists
from statecheck.source.code.exchanges import find_exchanges
from statecheck.source.code.guarded_saves import find_guarded_saves
from statecheck.source.code.limits import find_limits
from statecheck.source.code.request_copies import find_request_copies
from statecheck.source.code.retries import find_retries
from statecheck.source.code.row_counts import find_longest_talk
from statecheck.source.code.slips import Callers
from statecheck.source.code.text_cuts import cuts_texts
from statecheck.source.code.unfilled import find_unfilled
from statecheck.source.code.uses import uses
from statecheck.source.handlers.foldings import find_foldings
from statecheck.source.handlers.shortcuts import find_shortcuts
from statecheck.source.handlers.text_keys import find_text_keys
from statecheck.source.project.signing import find_random_secrets

if TYPE_CHECKING:
    from statecheck.lab.workers.replies import FoundPlace
    from statecheck.model import Anchor
    from statecheck.probe.ops import OpKind
    from statecheck.source.code.exchanges import Exchange
    from statecheck.source.code.limits import Bounded, Limit
    from statecheck.source.code.tree import SourceTree
    from statecheck.source.handlers.foldings import Folding
    from statecheck.source.handlers.text_keys import TextKey


@dataclass(frozen=True, slots=True)
class Place:
    """Where a marker is kept.

    Attributes:
        text: `main.session_memory_store['sc-1']`.
        key: the first key of the app's own container below the name, or None.
        holder: the name that holds it (`session_memory_store`).
        anchor: where that name is defined, if it is the user's.
        uses: where the user's code writes to it and reads from it.
    """

    text: str
    key: str | None
    holder: str
    anchor: Anchor | None
    uses: tuple[Anchor, ...] = ()

    def lines(self, most_uses: int) -> tuple[Line, ...]:
        """Where the user's code defines the name, and the first few lines that use it."""
        if self.anchor is None:
            return ()
        uses = [Line(a.path, a.line, "written" if a.text == "written" else "read") for a in self.uses[:most_uses]]
        return Line(self.anchor.path, self.anchor.line, "defined"), *uses


@dataclass(frozen=True)
class Locator:
    """Knows the user's sources and the project's root.

    Attributes:
        start_resets: where what is run before the server empties a table; the text is the statement.
    """

    tree: SourceTree
    project: Path
    start_resets: tuple[Anchor, ...] = ()

    @cached_property
    def secrets(self) -> tuple[Anchor, ...]:
        """Where the app sets a secret key that is made anew in every process."""
        return find_random_secrets(self.tree)

    @cached_property
    def exchanges(self) -> tuple[Exchange, ...]:
        """What the user's functions assign to that may be one for all requests."""
        return find_exchanges(self.tree)

    def shared(self) -> list[Op]:
        """What `exchanges` finds, as ops: each with the lines that assign and read it."""
        found = []
        for each in self.exchanges:
            read = (Line(place.path, place.line, "read") for place in each.read)
            lines = (Line(each.written.path, each.written.line, "written"), *read)
            found.append(Op(monotonic_ns(), "info", "shared", name=each.name, method=each.function, lines=lines))
        return found

    @cached_property
    def bounds(self) -> tuple[Limit, ...]:
        """What limits the user's code sets to what it keeps."""
        return find_limits(self.tree)

    @cached_property
    def longest_talk(self) -> int:
        """How many turns go beyond what the user's code may keep of a conversation; 0 where nothing says how much."""
        return find_longest_talk(self.tree)

    @cached_property
    def folds(self) -> tuple[Folding, ...]:
        """Where the user's code may make two keys one."""
        return find_foldings(self.tree)

    def foldings(self) -> list[Op]:
        """What `folds` finds, as ops."""
        return [_note("folding", each.anchor, name=each.text, method=each.function) for each in self.folds]

    @cached_property
    def text_keys(self) -> tuple[TextKey, ...]:
        """Where the user's code goes by the text of a message."""
        return find_text_keys(self.tree)

    @cached_property
    def retries(self) -> tuple[Anchor, ...]:
        """Where the user's code sees to a call that fails."""
        return find_retries(self.tree)

    @cached_property
    def hints(self) -> Hints:
        """What all this gives reason to try."""
        return Hints(
            bounds_sessions=any(limit.of == "sessions" for limit in self.bounds),
            folds_keys=bool(self.folds),
            goes_by_text=bool(self.text_keys),
            cuts_texts=cuts_texts(self.tree),
            counts_messages=self.longest_talk > 0,
            retries=bool(self.retries),
        )

    def survey(self) -> list[Op]:
        """What `bounds`, `folds`, `text_keys`, `retries` and `start_resets` find, as ops."""
        text_keys = [
            _note("text-key", each.anchor, name=each.text, method=each.function, note=each.use)
            for each in self.text_keys
        ]
        retries = [_note("retry", each, name=each.text) for each in self.retries]
        resets = [_note("start-reset", each, text=each.text) for each in self.start_resets]
        return [*self.limits(), *self.foldings(), *text_keys, *retries, *resets]

    def slips(self) -> list[Op]:
        """What the user's code means to keep and does not, as ops: each with where it is made, asked and filled."""
        modules = self.tree.modules()
        callers = Callers(modules)
        return [
            Op(
                monotonic_ns(),
                "info",
                each.kind,
                name=each.name,
                method=each.function,
                arguments=each.callers,
                lines=(Line(each.made.path, each.made.line, "defined"), *map(_as_line, each.used)),
            )
            for find in (find_unfilled, find_request_copies, find_dropped_lists, find_guarded_saves)
            for each in find(modules, callers)
        ] + [
            Op(
                monotonic_ns(),
                "info",
                "shortcut",
                method=each.function,
                lines=(Line(each.answered.path, each.answered.line, "defined"), *map(_as_line, each.looked_up)),
            )
            for each in find_shortcuts(modules)
        ]

    def limits(self) -> list[Op]:
        """What `bounds` finds, as ops; of two windows how many says more than for how long, so that comes last."""
        kinds: dict[Bounded, OpKind] = {"sessions": "capacity", "messages": "window"}
        counts = [_as_op(kinds[limit.of], limit) for limit in self.bounds if limit.of in kinds]
        times = [limit for limit in self.bounds if limit.of not in kinds]
        windows = [_as_op("window", limit) for limit in times if limit.of == "seconds"]
        return [*counts, *windows, *(_as_op("lifetime", limit) for limit in times)]

    def path(self, absolute: str) -> str:
        """A path relative to the project where it lies below it, in posix form."""
        path = Path(absolute)
        return path.relative_to(self.project).as_posix() if self.project in path.parents else path.as_posix()

    def place(self, raw: FoundPlace) -> Place:
        """The place in words, down to the first key; what a library keeps inside its own objects is cut off."""
        path = PlacePath(raw.module, list(raw.steps), self.tree)
        if raw.line is not None:
            path.begin(raw.slot)
        path.walk()
        anchor = raw.line
        if anchor is None and path.closure is not None:
            anchor = self._closure(*path.closure)
        elif anchor is None and path.local is not None:
            anchor = self._local(path, *path.local)
        elif anchor is None and raw.is_users:
            anchor = self._defined(raw, path)
        holder = path.names[-1] if path.names else ""
        return Place("".join(path.parts), path.key, holder, anchor, uses(self.tree, holder) if anchor else ())

    def _closure(self, file: str, line: int, name: str) -> Anchor | None:
        module = self.tree.get(self.project / file)
        return definitions.closure_name(module, line, name) if module else None

    def _local(self, path: PlacePath, file: str, line: int) -> Anchor | None:
        """Where a call's variable is bound, or the attribute of the user's that hangs on it."""
        module = self.tree.get(self.project / file)
        bound = definitions.lasting_name(module, line, path.names[0]) if module else None
        return (self._attribute(path) or bound) if bound is not None else None

    def _attribute(self, path: PlacePath) -> Anchor | None:
        """Where the last name of a path below its first gets its value."""
        bound = (definitions.attribute(self.tree, n) or definitions.entry(self.tree, n) for n in path.names[:0:-1])
        return next(filter(None, bound), None)

    def _defined(self, raw: FoundPlace, path: PlacePath) -> Anchor | None:
        found = self._attribute(path)
        if found is not None:
            return found
        module = self.tree.get(self.project / raw.file) if raw.file else None
        if module is None or not path.names or raw.is_app:
            return None  # that a framework's app leads to it says nothing
        return definitions.module_name(module, path.names[0], self.tree)


def _as_op(kind: OpKind, limit: Limit) -> Op:
    number = "" if limit.number is None else str(limit.number)
    return _note(kind, limit.anchor, name=limit.text, text=number, where=limit.holder, method=limit.function)


def _note(
    kind: OpKind, line: Anchor, *, name: str = "", text: str = "", where: str = "", method: str = "", note: str = ""
) -> Op:
    """An op of what stands in a line of the user's."""
    lines = (Line(line.path, line.line, "defined"),)
    return Op(monotonic_ns(), "info", kind, name=name, text=text, where=where, method=method, note=note, lines=lines)


def _as_line(place: Anchor) -> Line:
    return Line(place.path, place.line, "written" if place.text == "written" else "read")
