"""Which interpreter runs the target: the one that is named, an environment of the project's, or statecheck's own.

What an environment has installed is read off its folders. Nothing of it is started or imported, before it was chosen.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from statecheck.errors import ExitCode, StatecheckError
from statecheck.probe.bootstrap import OLDEST
from statecheck.target.virtualenvs import VirtualEnvironment, find_environments, folders_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_NAME_ONE = "name an interpreter or the folder of an environment, as in `--python .venv` or `--python python3.12`"
_SECONDS = 5.0  # a Python needs a hundredth


@dataclass(frozen=True, slots=True)
class Interpreter:
    """What runs the target.

    Attributes:
        python: the executable.
        why: why it was chosen, for the report.
        folder: its environment, which `activate` would put on PATH; None for statecheck's own and for one without.
        libraries: folders of packages that it is given besides its own.
        passed_over: what was found and not taken, and why, for the report.
    """

    python: str
    why: str
    folder: Path | None = None
    libraries: tuple[Path, ...] = ()
    passed_over: tuple[str, ...] = ()

    @property
    def own(self) -> bool:
        """Whether it is the one that runs statecheck."""
        return self.python == sys.executable


OWN = Interpreter(sys.executable, "statecheck's own")


def named(given: str, base: Path) -> Interpreter:
    """Return the interpreter that the user names: a file, the folder of an environment or a command on PATH.

    Args:
        given: what was named.
        base: where it is relative to.

    Raises:
        StatecheckError: there is none.
    """
    place = base / Path(given).expanduser()
    python = place / "bin" / "python" if place.is_dir() else place
    if os.sep not in given and not place.exists():
        python = Path(shutil.which(given) or place)
    if not python.is_file():
        text = f"`{given}` holds no `bin/python`" if place.is_dir() else f"there is no interpreter `{given}`"
        if python.is_symlink():
            text = f"`{given}` leads to `{python.readlink()}`, which is not there (any more)"
        raise StatecheckError("no-interpreter", text, _NAME_ONE)
    if not os.access(python, os.X_OK):
        raise StatecheckError("no-interpreter", f"`{given}` cannot be executed", _NAME_ONE)
    python = Path(os.path.abspath(python))  # noqa: PTH100 - a link's target would be another interpreter
    return Interpreter(str(python), f"`{given}`, as was asked for", VirtualEnvironment(python, "").folder)


def refusal(python: str, why: str) -> StatecheckError:
    """Return what to tell of an interpreter that did not do what it was started for.

    Args:
        why: the last that it said. Only a Python's words are told: others may repeat the program that they were given.
    """
    asked = [python, "--version"]
    try:
        done = subprocess.run(
            asked, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False, errors="replace"
        )
        is_python = (done.stdout or done.stderr).startswith("Python ")  # Python 2 says it on stderr
    except (OSError, subprocess.TimeoutExpired):
        is_python = False
    text = f"`{python}` cannot run the target: {why}" if is_python else f"`{python}` is no Python"
    hint = "name an interpreter that the app runs in, CPython 3.10 or newer, with `--python PATH`"
    return StatecheckError("no-interpreter", text, hint, ExitCode.INCONCLUSIVE)


def choose(file: Path, project: Path, environ: Mapping[str, str], wanted: Callable[[], Iterable[str]]) -> Interpreter:
    """Return the interpreter that lacks the fewest of a target's imports; of equals the one that is likelier its own.

    Args:
        file, project: of the target; environments are looked for in the folders between them and above.
        environ: of the shell: an environment may be activated.
        wanted: asked for the dotted modules that the target imports, if there is a choice.
    """
    others: dict[str, VirtualEnvironment] = {}
    passed_over = []
    for one in find_environments(folders_of(file, project), environ):
        version = _version(one)
        if version is not None and version < OLDEST:
            passed_over.append(f"{_shown(one)} was passed over: its Python {version[0]}.{version[1]} is too old")
        elif one.folder is None or not one.folder.samefile(sys.prefix):
            others.setdefault(os.path.realpath(one.folder or one.python), one)
    if not others:
        return Interpreter(OWN.python, OWN.why, passed_over=tuple(passed_over))
    modules = tuple(wanted())
    lacked = [(one, _lacks(_packages(one), modules)) for one in others.values()]
    own = _lacks(tuple(Path(entry) for entry in sys.path if entry), modules)
    best, lacks = min(lacked, key=lambda pair: len(pair[1]))
    if len(own) < len(lacks):
        passed_over += [f"{_shown(one)} was passed over: it lacks {_some(less)}" for one, less in lacked]
        return Interpreter(OWN.python, OWN.why, passed_over=tuple(passed_over))
    return Interpreter(str(best.python), _shown(best), best.folder, best.libraries, tuple(passed_over))


def _shown(one: VirtualEnvironment) -> str:
    place = os.path.relpath(one.folder or one.python)
    return f"{one.whose} `{one.folder or one.python if place.startswith('..') else place}`"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(f"`{name}`" for name in names[:3]) + more


def _version(one: VirtualEnvironment) -> tuple[int, int] | None:
    """Its Python's version as far as its folder tells: `pyvenv.cfg` says so, or the name of its library's folder."""
    if one.folder is None:
        return None
    said = _setting(one.folder, "version") or _setting(one.folder, "version_info")
    said = said or next((place.parent.name for place in one.folder.glob("lib/python3.*/site-packages")), "")
    numbers = re.search(r"(\d+)\.(\d+)", said)
    return (int(numbers[1]), int(numbers[2])) if numbers else None


def _packages(one: VirtualEnvironment) -> tuple[Path, ...]:
    """Return the folders that it imports packages from, with those that `.pth` files add."""
    folders = [*one.libraries]
    if one.folder is not None:
        folders += one.folder.glob("lib*/python3.*/site-packages")
        if _setting(one.folder, "include-system-site-packages").lower() == "true":
            base = Path(_setting(one.folder, "home")).parent
            folders += [*base.glob("lib/python3*/*-packages"), *base.glob("local/lib/python3*/dist-packages")]
    else:
        folders += one.python.parent.parent.glob("lib/python3*/*-packages")
    return tuple(dict.fromkeys(place for folder in folders for place in (folder, *_added(folder))))


def _added(folder: Path) -> Iterable[Path]:
    """Yield what the `.pth` files of a folder put on the path; lines of code in them are not run."""
    for file in sorted(folder.glob("*.pth")):
        try:
            lines = file.read_text("utf-8", "replace").splitlines()
        except OSError:
            continue
        yield from (folder / line.strip() for line in lines if line.strip() and not line.startswith(("#", "import ")))


def _setting(folder: Path, name: str) -> str:
    """A value of an environment's `pyvenv.cfg`, or ""."""
    try:
        text = (folder / "pyvenv.cfg").read_text("utf-8", "replace")
    except OSError:
        return ""
    line = re.search(rf"^{name}\s*=\s*(.*)$", text, re.MULTILINE)
    return line[1].strip() if line else ""


def _lacks(folders: tuple[Path, ...], modules: tuple[str, ...]) -> list[str]:
    """Those of the dotted modules that none of the folders holds."""
    names = cache(_names)  # of this question alone: an environment may change between two
    return [
        module
        for module in modules
        if not any(module.rpartition(".")[2] in names(folder.joinpath(*module.split(".")[:-1])) for folder in folders)
    ]


def _names(folder: Path) -> frozenset[str]:
    """The modules right below a folder, whatever they are made of."""
    try:
        return frozenset(name.partition(".")[0] for name in os.listdir(folder))  # noqa: PTH208 - names are all it takes
    except OSError:
        return frozenset()
