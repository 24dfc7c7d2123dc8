"""Finds the credentials in a project's files and in the user's home, and what the target is to see in their place."""

from __future__ import annotations

import contextlib
import os
import pwd
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from statecheck.credentials.config_texts import mask_text
from statecheck.credentials.places import EMPTIED, SCRUBBED, is_config, is_env
from statecheck.lab.environment.env_files import mask_env_text
from statecheck.source.code.reading import exists

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from statecheck.probe.channel import Message

_MOST_BYTES, _MOST_FILES, _MOST_IN_ALL = 256 << 10, 1000, 4 << 20
_MOST_ENTRIES = 50_000
_DEEPEST_IN_HOME = 4
_MOST_TOLD = 5  # files that a note names
_NOT_THE_USERS = (
    ".git .hg .svn .statecheck .tox .nox .mypy_cache .ruff_cache .pytest_cache .hypothesis node_modules site-packages "
    "dist-packages __pycache__ __pypackages__"
)
_SKIPPED = frozenset(_NOT_THE_USERS.split())


@dataclass
class Masking:
    """What the target sees in place of files.

    Attributes:
        files: {path: the text that it reads there}.
        secrets: all that these lack.
        left: how many files were not looked through.
    """

    files: dict[str, str] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)
    left: int = 0

    def notes(self, project: Path) -> list[str]:
        """What the report should say of it."""
        told = []
        if self.files:
            shown = [f"`{_show(path, project)}`" for path in sorted(self.files)]
            more = f" and {len(shown) - _MOST_TOLD} more files" if len(shown) > _MOST_TOLD else ""
            told.append(f"dummies stand for the credentials in {', '.join(shown[:_MOST_TOLD])}{more}")
        if self.left:
            told.append(
                f"{self.left} files of settings were not looked through for credentials: they are too many or too large"
            )
        return told


def find_masks(
    folders: Iterable[Path], given: Iterable[Path], settled: Mapping[str, str], is_public: Callable[[str], bool]
) -> Masking:
    """Look through the files of settings in these folders, and through those of the user's home.

    Args:
        folders: the target's.
        given: files that were handed over: they stay as they are.
        settled: variables that are given for this run; files of variables say the same.
        is_public: see `mask_text`.
    """
    masking = Masking()
    found: dict[str, str] = {}  # {the file itself: the path that it was found by}
    for path in (*_in_folders(folders), *_in_homes()):
        found.setdefault(os.path.realpath(path), path)
    handed_over = {str(file.resolve()) for file in given}
    looked, read = 0, 0
    for real, path in sorted(found.items(), key=lambda item: (not is_env(Path(item[1]).name), item[0])):
        if real in handed_over:
            continue
        data = _read(real)
        if data is None or looked >= _MOST_FILES or read + len(data) > _MOST_IN_ALL:
            masking.left += data is not None or _is_large(real)
            continue
        looked, read = looked + 1, read + len(data)
        text = data.decode("utf-8", "surrogateescape")
        if is_env(Path(path).name):
            masked, secrets = mask_env_text(text, settled)
        else:
            masked, secrets = mask_text(text, is_public)
        masking.secrets.update(secrets)
        if masked != text:
            masking.files[path] = masked
    return masking


def find_emptied(keep: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """Return folders of the user's home that the target finds empty, and files likewise, as in `Masking.files`.

    Args:
        keep: folders that the target needs: what they lie in is left out.
    """
    folders, files = [], {}
    for home in _homes():
        for name in EMPTIED:
            path = f"{home}/{name}"
            if any(each == path or each.startswith(f"{path}/") for each in keep):
                continue
            kind = _mode(path)
            if stat.S_ISDIR(kind):
                folders.append(path)
            elif stat.S_ISREG(kind):
                files[path] = ""
    return folders, files


def encode_files(files: Mapping[str, str]) -> Message:
    """Return what a warm parent is told of files: {path: a `statecheck.probe.masked_files.Mask`}.

    Those that are gone are left out.
    """
    told: Message = {}
    for path, text in files.items():
        with contextlib.suppress(OSError):
            real = Path(os.path.realpath(path))
            told[path] = [text, real.parent.stat().st_dev, real.stat().st_mtime_ns]
    return told


def _in_folders(folders: Iterable[Path]) -> Iterator[str]:
    left = _MOST_ENTRIES
    for top in dict.fromkeys(map(str, folders)):
        yield from (f"{top}/.git/config",)
        for folder, names, files in os.walk(top):
            left -= len(names) + len(files)
            if left < 0:
                return
            names[:] = [name for name in names if name not in _SKIPPED and not exists(Path(folder, name, "pyvenv.cfg"))]
            yield from (f"{folder}/{name}" for name in files if is_config(name))


def _in_homes() -> Iterator[str]:
    for home in _homes():
        emptied = {f"{home}/{name}" for name in EMPTIED}
        for top in (f"{home}/{name}" for name in SCRUBBED):
            if stat.S_ISREG(_mode(top)):
                yield top
            for folder, names, files in os.walk(top):
                deep = folder.count("/") - home.count("/") >= _DEEPEST_IN_HOME
                names[:] = [] if deep else [name for name in names if f"{folder}/{name}" not in emptied]
                yield from (
                    f"{folder}/{name}" for name in files if is_config(name) and f"{folder}/{name}" not in emptied
                )


def _homes() -> list[str]:
    """The home that the variables name, and that which the system knows."""
    found = [os.environ.get("HOME", "")]
    with contextlib.suppress(KeyError):
        found.append(pwd.getpwuid(os.getuid()).pw_dir)
    return list(dict.fromkeys(home.rstrip("/") for home in found if home.startswith("/") and home.rstrip("/")))


def _mode(path: str) -> int:
    try:
        return Path(path).stat().st_mode
    except OSError:
        return 0


def _is_large(path: str) -> bool:
    try:
        return Path(path).stat().st_size > _MOST_BYTES
    except OSError:
        return False


def _read(path: str) -> bytes | None:
    """A regular file's bytes, or None if it is none, too large or not text."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MOST_BYTES:
            return None
        try:
            data = file.read(_MOST_BYTES)
        except OSError:
            return None
    return None if b"\0" in data else data


def _show(path: str, project: Path) -> str:
    """A path as people write it: below the project, below their home."""
    if path.startswith(f"{project}/"):
        return path[len(str(project)) + 1 :]
    home = next((home for home in _homes() if path.startswith(f"{home}/")), None)
    return f"~{path[len(home) :]}" if home else path
