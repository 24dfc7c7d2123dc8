"""The bundled scenarios: targets whose diagnosis is known, each with a fixed twin.

A scenario is a folder with a `scenario.toml`; a new one needs nothing but its folder. `diagnose` never reads this
module: what is expected is compared at the end, by `statecheck run`.
"""

from __future__ import annotations

import difflib
import sys
from dataclasses import dataclass
from pathlib import Path

from statecheck.errors import StatecheckError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_MANIFEST = "scenario.toml"


@dataclass(frozen=True, slots=True)
class App:
    """One app of a scenario.

    Attributes:
        path: the app's file, absolute.
        expected: names of the causes that its diagnosis must have as errors, the primary one first; none for a twin.
    """

    path: Path
    expected: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """A cause that can be watched: broken apps that have it, fixed twins that have not.

    Attributes:
        folder: where its apps lie, absolute; start them by hand from here.
        title, look_at: one line each: what it is, and what to look at in the table of turns.
        cause: name of the cause that it is about.
        conversation: what a person would say to it, turn by turn.
        volumes: paths relative to `folder` that outlive a redeploy; they need not exist yet.
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

    @property
    def expected(self) -> tuple[str, ...]:
        """Names of the causes that every broken app must get, in the first app's order."""
        first, *others = (app.expected for app in self.broken)
        return tuple(cause for cause in first if all(cause in other for other in others))


def names() -> tuple[str, ...]:
    """Return the names of all bundled scenarios, sorted."""
    return tuple(sorted(manifest.parent.name for manifest in _folder().glob(f"*/{_MANIFEST}")))


def load(name: str) -> Scenario:
    """Read the scenario called `name`.

    Raises:
        StatecheckError: `unknown-scenario`, with the nearest name in the hint.
    """
    known = names()
    if name not in known:
        near = difflib.get_close_matches(name.lower().replace("_", "-"), known, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"one of: {', '.join(known)}"
        raise StatecheckError("unknown-scenario", f"no scenario is called `{name}`", hint)
    folder = _folder() / name
    data = tomllib.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    return Scenario(
        name=name,
        folder=folder,
        title=data["title"],
        cause=data["cause"],
        look_at=data["look_at"],
        conversation=tuple(data["conversation"]),
        volumes=tuple(data["volumes"]),
        broken=tuple(App(folder / app["file"], tuple(app["expected"])) for app in data["broken"]),
        fixed=tuple(App(folder / app["file"]) for app in data["fixed"]),
    )


def _folder() -> Path:
    """Where the scenarios lie: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "_scenarios"
    return installed if installed.is_dir() else package.parent / "scenarios"
