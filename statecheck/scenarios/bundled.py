"""The bundled scenarios: targets whose diagnosis is known, each with a fixed twin.

A scenario is a folder with a `scenario.toml`; a new one needs nothing but its folder. Its variants, one for each kind
of its cause, are scenarios too. `diagnose` never reads this module: what is expected is compared at the end, by
`statecheck run`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from statecheck.errors import ExitCode, StatecheckError, unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_MANIFEST = "scenario.toml"
ALL_KINDS = "all"
"""Stands for every kind that a scenario has a variant of."""


@dataclass(frozen=True, slots=True)
class App:
    """One app of a scenario.

    Attributes:
        path: the app's file, absolute.
        expected: names of the causes that its diagnosis must have as errors, the primary one first; none for a twin,
            nor for a kind that is only ever a warning.
        verdict: what it must get where it has no error.
    """

    path: Path
    expected: tuple[str, ...] = ()
    verdict: str = "healthy"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A cause that can be watched: broken apps that have it, fixed twins that have not.

    Attributes:
        folder: where its broken apps lie, absolute; start them by hand from here.
        title, look_at: one line each: what it is, and what to look at in the table of turns.
        cause: name of the cause that it is about.
        conversation: what a person would say to it, turn by turn.
        volumes: paths beside each app that outlive a redeploy; they need not exist yet.
        broken, fixed: its own apps; both are empty where a cause is only shown by its kinds.
        kind: the kind of the cause that a variant shows; None in a scenario.
        variants: one for each kind of the cause; none in a variant.
        needs: of a variant: modules that it takes besides those that the suite does.
    """

    name: str
    folder: Path
    title: str
    cause: str
    look_at: str
    conversation: tuple[str, ...]
    volumes: tuple[str, ...]
    broken: tuple[App, ...]
    fixed: tuple[App, ...]
    kind: str | None = None
    variants: tuple[Scenario, ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def expected(self) -> tuple[str, ...]:
        """Names of the causes that every broken app must get, in the first app's order."""
        first, *others = (app.expected for app in self.broken)
        return tuple(cause for cause in first if all(cause in other for other in others))


def names() -> tuple[str, ...]:
    """Return the names of all bundled scenarios, sorted."""
    return tuple(sorted(manifest.parent.name for manifest in root().glob(f"*/{_MANIFEST}")))


def load(name: str) -> Scenario:
    """Read the scenario called `name`.

    Raises:
        StatecheckError: `unknown-scenario`, with the nearest name in the hint.
    """
    known = names()
    if name not in known:
        from statecheck.judge.causes import CAUSES

        coded = next((cause.name for cause in CAUSES if cause.code == name.upper()), "")
        if coded in known:
            raise StatecheckError("unknown-scenario", f"`{name}` is a cause, no scenario", f"did you mean `{coded}`?")
        raise unknown("unknown-scenario", "scenario", name, known, f"known: {', '.join(known)}")
    folder = root() / name
    data = tomllib.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    scenario = Scenario(
        name=name,
        folder=folder,
        title=data["title"],
        cause=data["cause"],
        look_at=data["look_at"],
        conversation=tuple(data["conversation"]),
        volumes=tuple(data["volumes"]),
        broken=tuple(App(folder / app["file"], tuple(app["expected"])) for app in data.get("broken", ())),
        fixed=tuple(App(folder / app["file"]) for app in data.get("fixed", ())),
    )
    return replace(scenario, variants=tuple(_variant(scenario, entry) for entry in data.get("variant", ())))


def _variant(scenario: Scenario, entry: dict[str, Any]) -> Scenario:
    """One kind of a scenario's cause: a scenario of one pair, whose apps may serve others too."""
    broken, fixed = ((scenario.folder / entry[side]).resolve() for side in ("broken", "fixed"))
    return replace(
        scenario,
        folder=broken.parent,
        title=entry["title"],
        look_at=entry["look_at"],
        broken=(App(broken, tuple(entry["expected"])),),
        fixed=(App(fixed, verdict=entry.get("fixed_verdict", "healthy")),),
        kind=entry["kind"],
        needs=tuple(entry.get("needs", ())),
    )


def select(chosen: Sequence[str], kinds: Sequence[str]) -> tuple[Scenario, ...]:
    """Return what is to be run: scenarios, or where kinds are named their variants of these kinds.

    Args:
        chosen: names of scenarios; none for all.
        kinds: names of kinds, or `all`.

    Raises:
        StatecheckError: there is no such scenario, none of those chosen shows such a kind, or nothing is left.
    """
    loaded = [load(name) for name in chosen or names()]
    if not kinds:
        bare = [scenario.name for scenario in loaded if not scenario.broken]
        if chosen and bare:
            raise StatecheckError(
                "nothing-selected", f"`{bare[0]}` is shown by its kinds alone", "add --kind all", ExitCode.NOTHING
            )
        return tuple(scenario for scenario in loaded if scenario.broken)
    variants = [variant for scenario in loaded for variant in scenario.variants]
    known = list(dict.fromkeys(variant.kind for variant in variants if variant.kind))
    for kind in kinds:
        if kind not in (*known, ALL_KINDS):
            raise unknown("unknown-kind", "kind", kind, known, f"one of: {', '.join(known)}, {ALL_KINDS}")
    return tuple(variant for variant in variants if ALL_KINDS in kinds or variant.kind in kinds)


def split_by_needs(scenarios: Sequence[Scenario]) -> tuple[tuple[Scenario, ...], dict[str, str]]:
    """Return those that can be run here, and of the others {kind: the first module that it lacks}."""
    lacking = {each.kind: next((name for name in each.needs if not _is_there(name)), "") for each in scenarios}
    return (
        tuple(each for each in scenarios if not lacking[each.kind]),
        {kind: name for kind, name in lacking.items() if kind and name},
    )


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even its parent is
        return False


def root() -> Path:
    """Return where the scenarios lie: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_scenarios"
    return installed if installed.is_dir() else package.parent / "scenarios"
