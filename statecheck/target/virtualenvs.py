"""Where a project's virtual environments lie, by the conventions of venv, uv, PDM, Poetry, Pipenv and conda.

A few files are looked at; no tool is asked and no interpreter is started.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_POETRY_ODD = re.compile(r'[ $`!*@"\\\r\n\t]')
_PIPENV_ODD = re.compile(r'[ &$`!*@"()\[\]\\\r\n\t]')
_POETRY_NAME = re.compile(r"^\[(?:project|tool\.poetry)\]\s*\n(?:(?!\[).*\n)*?name\s*=\s*[\"']([^\"']+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class VirtualEnvironment:
    """An interpreter that a convention leads to.

    Attributes:
        python: its executable, which is there.
        whose: what led there, as in "the project's".
        libraries: folders beside its own that hold packages (PEP 582).
    """

    python: Path
    whose: str
    libraries: tuple[Path, ...] = ()

    @property
    def folder(self) -> Path | None:
        """The environment that the executable belongs to; None for an interpreter that is none's."""
        folder = self.python.parent.parent
        return folder if (folder / "pyvenv.cfg").is_file() or (folder / "conda-meta").is_dir() else None


def find_environments(folders: tuple[Path, ...], environ: Mapping[str, str]) -> Iterator[VirtualEnvironment]:
    """Yield the environments that could be the project's, the likeliest first.

    Args:
        folders: the project's, from that of the target up to the root of its repository.
        environ: of the shell: an environment may be activated.
    """
    yield from _at(Path(environ.get("VIRTUAL_ENV", "")), "the activated")
    for folder in folders:
        for name in filter(None, (environ.get("UV_PROJECT_ENVIRONMENT"), ".venv", "venv")):
            yield from _at(folder / name, "the project's")
        yield from _of_pdm(folder)
        yield from _of_poetry(folder, environ)
        yield from _of_pipenv(folder, environ)
    yield from _at(Path(environ.get("CONDA_PREFIX", "")), "the activated")


def folders_of(file: Path, project: Path) -> tuple[Path, ...]:
    """Return the folders above a file, nearest first, up to the root of its repository or, without one, the project."""
    tops = [folder for folder in file.parents if (folder / ".git").exists()][:1]
    top = tops[0] if tops else project if file.is_relative_to(project) else file.parent
    return tuple(folder for folder in file.parents if folder.is_relative_to(top))


def _at(folder: Path, whose: str) -> Iterator[VirtualEnvironment]:
    one = VirtualEnvironment(folder / "bin" / "python", whose)
    if folder.is_absolute() and os.access(one.python, os.X_OK) and one.folder is not None:
        yield one


def _of_pdm(folder: Path) -> Iterator[VirtualEnvironment]:
    python = Path(_text(folder / ".pdm-python").strip())
    if python.is_absolute() and os.access(python, os.X_OK):
        libraries = (
            () if VirtualEnvironment(python, "").folder else tuple(sorted(folder.glob("__pypackages__/3.*/lib")))
        )
        yield VirtualEnvironment(python, "PDM's", libraries)


def _of_poetry(folder: Path, environ: Mapping[str, str]) -> Iterator[VirtualEnvironment]:
    name = _POETRY_NAME.search(_text(folder / "pyproject.toml")) if (folder / "poetry.lock").is_file() else None
    if name is None:
        return
    cache = _cache(environ) / "pypoetry"
    base = Path(environ.get("POETRY_CACHE_DIR") or cache) / "virtualenvs"
    wanted = f"{poetry_name(name[1], folder)}-py3.*"
    places = sorted(Path(environ.get("POETRY_VIRTUALENVS_PATH") or base).glob(wanted), key=_minor, reverse=True)
    for place in places:
        yield from _at(place, "Poetry's")


def _of_pipenv(folder: Path, environ: Mapping[str, str]) -> Iterator[VirtualEnvironment]:
    if (folder / "Pipfile").is_file():
        data = Path(environ.get("XDG_DATA_HOME") or _home(environ) / ".local/share")
        home = Path(environ.get("WORKON_HOME") or data / "virtualenvs")
        yield from _at(home.expanduser() / pipenv_name(folder), "Pipenv's")


def poetry_name(project: str, folder: Path) -> str:
    """Return what Poetry calls the environment of a folder, before its Python's version."""
    return f"{_POETRY_ODD.sub('_', project.lower())[:42]}-{_digest(os.path.normcase(folder.resolve()))}"


def pipenv_name(folder: Path) -> str:
    """Return what Pipenv calls the environment of a folder."""
    return f"{_PIPENV_ODD.sub('_', folder.name)[:42]}-{_digest(str(folder.resolve() / 'Pipfile'))}"


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(os.fsencode(text)).digest()).decode()[:8]


def _minor(place: Path) -> int:
    digits = place.name.rpartition("-py3.")[2]
    return int(digits) if digits.isdigit() else 0


def _cache(environ: Mapping[str, str]) -> Path:
    if sys.platform == "darwin":
        return _home(environ) / "Library/Caches"
    return Path(environ.get("XDG_CACHE_HOME") or _home(environ) / ".cache")


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HOME") or "~").expanduser()


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace")[:100_000]
    except OSError:
        return ""
