"""Of several apps of a project, the one that its own files start: a Dockerfile, a Procfile, a script of its package."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from statecheck.probe.server_starts import SCRIPT
from statecheck.source.code import reading
from statecheck.target.apps import FoundApp, apps_in
from statecheck.target.starters import Starters

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from statecheck.source.code.modules import Module
    from statecheck.source.project.started import Started
    from statecheck.target.evaluator import Evaluator
    from statecheck.target.values import Origin, ServerCall

_FURTHEST = 4


def keep_started(
    found: Sequence[FoundApp], started: Sequence[Sequence[Started]], project: Path
) -> tuple[list[FoundApp], Started | None]:
    """Return those of the apps that the project's files start, and what says so; all of them where none does.

    What starts an app is given the command line that is written there.

    Args:
        found: the apps.
        started: what the files start, those first that say most.
        project: from where it is started.
    """
    for tier in started:
        kept = [(one, each) for one in found for each in tier if _starts(each, one, project)]
        if kept:
            return [_with_arguments(one, each) for one, each in kept], kept[0][1]
    return list(found), None


def _with_arguments(one: FoundApp, started: Started) -> FoundApp:
    takes = one.app.arguments is not None and started.arguments
    return replace(one, app=replace(one.app, arguments=started.arguments)) if takes else one


def _starts(started: Started, one: FoundApp, project: Path) -> bool:
    """Whether this is what starts an app."""
    module = _module(started, one.values, project)
    return module is not None and one.app.origin in _origins(module, started.attribute, one.values, _FURTHEST)


def _module(started: Started, values: Evaluator, project: Path) -> Module | None:
    tree = values.tree
    if started.module:
        run = f"{started.module}.{SCRIPT}" if not started.attribute else started.module
        path = tree.find(run) or tree.find(started.module)
        return tree.get(path) if path is not None else None
    parts = PurePosixPath(os.path.normpath(started.file)).parts
    places = (Path(project, *parts[skipped:]) for skipped in range(len(parts)))  # it may lie elsewhere in a container
    path = next((place for place in places if place.is_relative_to(project) and reading.is_file(place)), None)
    return tree.get(path) if path is not None else None


def _origins(module: Module, attribute: str, values: Evaluator, further: int) -> Iterator[Origin]:
    """Yield where the apps are built that a name of a module is or starts, or that the module itself starts."""
    starters = Starters(values)
    if not attribute:
        calls = [each.call for each in starters.of(module)]
        yield from (app.origin for app in apps_in(module, values))
    else:
        starter = starters.named(module, attribute.removesuffix("()"))
        calls = [starter.call] if starter is not None else []
        value = values.evaluate_text(attribute, module)
        if value is not None:
            yield value.origin
    for call in calls:
        yield call.origin
        yield from _named(call, values, further)


def _named(call: ServerCall, values: Evaluator, further: int) -> Iterator[Origin]:
    """Yield where an app is built that the call of a server names in a text."""
    name, _, attribute = call.named.partition(":")
    path = values.tree.find(name) if call.named and further else None
    module = values.tree.get(path) if path is not None else None
    if module is not None:
        yield from _origins(module, attribute or "app", values, further - 1)
