"""What the probe replies, decoded: no other module of the lab reads its messages field by field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from statecheck.errors import ExitCode, StatecheckError
from statecheck.model import Anchor
from statecheck.probe.notebooks import spell_line
from statecheck.talk.plan import AppFacts, Route

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from statecheck.probe.channel import Message


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a worker does not serve.

    Attributes:
        at_import: the target could not be imported; else it failed when it was started.
        error: its exception, in words.
        at: the user's line that raised it, `path:line`, or "".
        missing: a module that its interpreter lacks, or "".
        python: that interpreter.
        refused: (address, the user's line that asked for it) of what was blocked, or None.
        missed: what it looked for in vain, and may be a folder.
    """

    at_import: bool
    error: str
    at: str = ""
    missing: str = ""
    python: str = ""
    refused: tuple[str, Anchor] | None = None
    missed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundPlace:
    """Where a marker was found in a worker's memory.

    Attributes:
        is_text: the marker itself stands there; else an object that was given it.
        module: the name of the module that leads there; file: its path.
        steps: how, each a kind of step and a name.
        is_users: the module is the user's, or the place is what a framework keeps for the user's code.
        is_app: a framework's app leads there.
        line: the line for which a framework keeps it, if it is such a place.
        slot: and under which name.
    """

    marker: str
    is_text: bool
    module: str
    file: str
    steps: tuple[tuple[str, str], ...]
    is_users: bool
    is_app: bool
    line: Anchor | None = None
    slot: str | None = None


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file on a worker's disk in which markers were found; `path` is absolute there."""

    path: str
    markers: tuple[str, ...]


def decode_failure(message: Message) -> Failure:
    """Return why a worker does not serve, as it reports it instead of the app's facts."""
    address, *line = message.get("refused") or ("",)
    return Failure(
        message["failed"] == "import",
        message.get("error", ""),
        spell_line(*message["at"]) if message.get("at") else "",
        message.get("missing") or "",
        message.get("python", ""),
        (address, Anchor(*line)) if line else None,
        tuple(map(str, message.get("missed", ()))),
    )


def decode_place(place: Message) -> FoundPlace:
    """Return one of the places that a search of a worker's memory has found."""
    return FoundPlace(
        place["marker"],
        bool(place["text"]),
        place["module"],
        place["file"],
        tuple((kind, name) for kind, name in place["steps"]),
        place["user"],
        place["app"],
        Anchor(*place["line"]) if "line" in place else None,
        place.get("slot"),
    )


def decode_file(found: Message) -> FoundFile:
    """Return one of the files that a search of a disk has found."""
    return FoundFile(found["path"], tuple(found["markers"]))


def decode_app_facts(facts: Message, project: Path) -> AppFacts:
    """Return what a worker reports of the app when it is ready; the project's own files are relative in it.

    Raises:
        StatecheckError: it reports what no probe does.
    """
    try:
        return _decode_app_facts(facts, project)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
        raise StatecheckError(
            "facts-unreadable",
            f"what was told of the app cannot be read: {type(error).__name__}: {error}",
            "its OpenAPI document may be damaged, or the app writes on descriptors that are not its own",
            ExitCode.INCONCLUSIVE,
        ) from error


def _decode_app_facts(facts: Message, project: Path) -> AppFacts:
    from statecheck.source.openapi import read_operations  # late: not every app has such a document

    return AppFacts(
        facts["framework"],
        facts["object"],
        tuple(_route(route, project) for route in facts["routes"]),
        read_operations(facts.get("openapi")),
        tuple(facts.get("parameters", ())),
        tuple(facts.get("told", ())),
        _pairs(facts.get("headers", ())),
        _pairs(facts.get("cookies", ())),
        undriven=facts.get("undriven", ""),
    )


def _route(route: Message, project: Path) -> Route:
    file = str(project / route["file"]) if route["file"] else ""
    return Route(
        route["path"],
        tuple(route["methods"]),
        route["name"],
        file,
        route["line"],
        *(route.get(each, "") for each in ("event", "document")),
    )


def _pairs(listed: Iterable[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in listed)
