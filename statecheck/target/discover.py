"""Find the app of a directory: look at every file that may hold one, and choose among what they offer."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from statecheck.errors import StatecheckError
from statecheck.probe.frameworks import FRAMEWORKS, by_name
from statecheck.probe.server_starts import SCRIPT, SERVER_PACKAGES
from statecheck.source.code.files import python_files
from statecheck.source.code.imports import converses, uses_llama_index
from statecheck.source.project.project_files import ProjectFiles
from statecheck.source.project.started import read_started
from statecheck.target.apps import FoundApp, apps_in, best, outermost, spell, wiring
from statecheck.target.deployed import keep_started

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from statecheck.source.code.sources import Sources
    from statecheck.source.project.started import Started
    from statecheck.target.evaluator import Evaluator
    from statecheck.target.values import Origin

_LLAMA = re.compile(rb"^\s*(?:from|import)\s+(?:llama_index|workflows|llama_agents)\b", re.MULTILINE)
_DRIVEN = tuple(framework for framework in FRAMEWORKS if framework.adapter)
_WORDS = "|".join(
    re.escape(word) for one in _DRIVEN for word in (one.constructors if one.is_web and not one.vague else one.packages)
)
"""By which a file speaks of a framework."""
_APP = re.compile(
    _WORDS.encode() + b"|" + "|".join(SERVER_PACKAGES).encode() + rb"|\.task\b|\(_?(?:event|evt)\b"
    rb"|create_app|^\s*(?:app|application|server)\s*=|\bscope\b|\benviron\b"
    rb"|^\s*from\s.*\bimport\s.*\b(?:app|application|server)\b"
    rb"|^\s*@[\w.]+\.(?:get|post|put|patch|delete|route|websocket)\b|\.(?:include_router|register_blueprint|mount)\(",
    re.MULTILINE,
)
_ASIDE = frozenset(
    [
        "example",
        "examples",
        "doc",
        "docs",
        "script",
        "scripts",
        "benchmark",
        "benchmarks",
        "sample",
        "samples",
        "demo",
        "demos",
        "tutorials",
    ]
)


@dataclass(frozen=True, slots=True)
class Discovery:
    """What a directory offers: the best apps (more than one if they cannot be told apart).

    Attributes:
        found: the best apps.
        uses_llama_index: whether any file imports it.
        error: why a file that may hold the app could not be read, or None.
        why: what says which of several apps it is, or "".
    """

    found: tuple[FoundApp, ...]
    uses_llama_index: bool
    error: StatecheckError | None
    why: str = ""


def discover(
    top: Path,
    evaluator: Callable[[Path], Evaluator],
    sources: Sources,
    project: Path | None = None,
    paths: Sequence[Path] = (),
) -> Discovery:
    """Look at every Python file below a directory.

    Args:
        top: the directory.
        evaluator: gives what evaluates a file's own tree (files of one directory may have several roots).
            Raises StatecheckError for a file that cannot be read or parsed.
        sources: read the files.
        project: the folder whose files say what is started, where it is another.
        paths: the files to look at, where it is not every Python file.

    Raises:
        StatecheckError: there are more files than are looked at.
    """
    found: list[FoundApp] = []
    mounted: set[Origin] = set()
    routed: set[Origin] = set()
    error: StatecheckError | None = None
    any_llama = False
    for path in paths or list(python_files(top, strict=True)):  # a tree that is too large is told at once
        data = sources.peek(path)
        any_llama = any_llama or bool(_LLAMA.search(data))
        if data and path.stem != SCRIPT and not (_LLAMA.search(data) or _APP.search(data)):
            continue
        try:
            values = evaluator(path)
            module = values.tree.module(path)
        except StatecheckError as problem:
            error = error or problem
            continue
        llama = uses_llama_index(values.tree, path)
        wires = wiring([module], values)
        mounted |= wires.mounted
        routed |= wires.routed
        found += [FoundApp(app, values, llama) for app in apps_in(module, values)]
    found = [replace(one, app=replace(one.app, routed=one.app.routed or one.app.origin in routed)) for one in found]
    apps = outermost([one.app for one in found], frozenset(mounted))
    found = best([one for one in found if any(one.app is app for app in apps)], lambda one: one.uses_llama_index)
    found, started = _keep_started(found, top, ProjectFiles(project or top, sources))
    chosen = _choose(found, top)
    talking = best(chosen, lambda one: converses(one.values.tree, one.app.module.path)) if len(chosen) > 1 else chosen
    why = f"{started.anchor} starts `{spell(chosen[0].app)}`" if started is not None and len(chosen) == 1 else ""
    if len(talking) < len(chosen):
        why = (
            f"of {len(chosen)} apps `{spell(talking[0].app)}` alone talks with LlamaIndex" if len(talking) == 1 else ""
        )
    return Discovery(tuple(talking), any_llama, error, why)


def _keep_started(found: list[FoundApp], top: Path, files: ProjectFiles) -> tuple[list[FoundApp], Started | None]:
    """Return the apps that the project's files start, and what says so, where there is something to choose."""
    if len({one.app.origin for one in found}) < 2 and all(one.app.arguments is None for one in found):
        return found, None
    main = [one for one in found if not _is_aside(one, top)]
    kept, started = keep_started(main, read_started(files), files.project)
    several = len({one.app.origin for one in found}) > 1
    return (found, None) if started is None else (kept, started if several else None)


def _is_aside(one: FoundApp, top: Path) -> bool:
    return bool(_ASIDE & set(one.app.module.path.relative_to(top).parts[:-1]))


def _choose(found: list[FoundApp], top: Path) -> list[FoundApp]:
    """Return the best: by rank, not aside in `examples`, with routes; each app once."""
    found = best(found, lambda one: one.app.rank)
    found = best(found, lambda one: not _is_aside(one, top))
    found = _keep_scripts(found)
    found = best(found, lambda one: one.app.routed)
    chosen: dict[Origin, FoundApp] = {}
    for one in found:
        known = chosen.get(one.app.origin)
        if known is None or _completeness(one) > _completeness(known):
            chosen[one.app.origin] = one
    return list(chosen.values())


def _keep_scripts(found: list[FoundApp]) -> list[FoundApp]:
    """Return the apps without scripts that are a part of another one: its `pages`, and what it imports."""
    scripts = [one for one in found if one.app.object is None and by_name(one.app.framework).offered == "path"]
    if len(scripts) < 2:
        return found
    folders = {one.app.module.path.parent for one in scripts}
    pages = [one for one in scripts if (here := one.app.module.path.parent).name == "pages" and here.parent in folders]
    imported = {
        module.path
        for one in scripts
        for module in one.values.tree.reach(one.app.module.path)
        if module.path != one.app.module.path
    }
    parts = [one for one in scripts if one in pages or one.app.module.path in imported]
    return [one for one in found if one not in parts] or found


def _completeness(one: FoundApp) -> tuple[bool, int, bool, str]:
    """Of modules that offer one app: not a factory, then what loads most, what defines it, `wsgi` over `asgi`."""
    app = one.app
    return not app.is_call, len(one.values.tree.reach(app.module.path)), app.own, app.module.path.name
