"""A run as it is kept: its record, its histories and the target's own output; and read again, to be judged."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import PurePath
from typing import TYPE_CHECKING

from statecheck.errors import StatecheckError
from statecheck.history import History, decode_lines, encode
from statecheck.kept import store
from statecheck.kept.meta import RunMeta, decode_meta, encode_meta

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_OUTPUT = "output/"
_MOST_BYTES = 256 << 20  # of one file


@dataclass(frozen=True, slots=True)
class KeptRun:
    """What a run is judged from.

    Attributes:
        histories: by experiment.
        outputs: what the target printed, by worker generation; not judged, and not read again.
    """

    meta: RunMeta
    histories: Mapping[str, History]
    outputs: Mapping[int, str] = field(default_factory=dict)


def keep_run(run: KeptRun, project: Path) -> store.RunFolder:
    """Write a run to a new folder below a project.

    Args:
        run: what is judged, and what the target printed.
        project: whose `.statecheck` folder it goes to.

    Raises:
        StatecheckError: the disk is full, or `.statecheck` is something else.
    """
    folder = store.begin(project)
    files = {}
    for name, text in _list_files(run):
        data = text.encode("utf-8", "backslashreplace")
        files[name] = sha256(data).hexdigest()
        folder.write(name, data)
    folder.finish(encode_meta(replace(run.meta, files=files)))
    return folder


def _list_files(run: KeptRun) -> Iterator[tuple[str, str]]:
    """Each file that is kept of a run beside its record: its name and what it holds."""
    for name, history in run.histories.items():
        yield f"{name}.jsonl", "".join(encode(op) + "\n" for op in history.ops)
    for generation, text in run.outputs.items():
        if text:
            yield f"{_OUTPUT}{generation}.log", text


def read_run(folder: Path) -> KeptRun:
    """Read a kept run.

    Raises:
        StatecheckError: the folder holds no run of this version, or is damaged.
    """
    try:
        meta = decode_meta(json.loads(_read(folder, store.META)))
        data = {name: _read(folder, name, expected) for name, expected in _find_files(folder, meta)}
        return KeptRun(meta, {name: _decode_history(data, name, count) for name, count in meta.ops.items()})
    except (OSError, ValueError, RecursionError) as error:
        raise StatecheckError(
            "unreadable-run", f"`{folder}` holds no run that can be judged: {error}", "run `statecheck diagnose` again"
        ) from error


def _find_files(folder: Path, meta: RunMeta) -> Iterator[tuple[str, str]]:
    """The files that a record names, each with its hash; what the target printed may have been left out since."""
    for name, expected in meta.files.items():
        if not name.startswith(_OUTPUT) or os.path.lexists(folder / name):
            yield name, expected


def _read(folder: Path, name: str, expected: str = "") -> bytes:
    """Read a file of a run.

    Raises:
        ValueError: it is no file of this folder's own, is of a size that no run has, or is not as it was written.
        OSError: it cannot be read.
    """
    path = folder / name
    if PurePath(name).is_absolute() or ".." in PurePath(name).parts:
        raise ValueError(f"`{name}` is not in it")
    if not path.is_file():  # what waits, or never ends, is not opened
        raise ValueError(f"`{name}` is {'no file' if path.exists() else 'missing'}")
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError(f"`{name}` is larger than anything that is kept")
    data = path.read_bytes()
    if expected and sha256(data).hexdigest() != expected:
        raise ValueError(f"`{name}` is damaged: it is not as it was written")
    return data


def _decode_history(data: Mapping[str, bytes], name: str, count: int) -> History:
    file = f"{name}.jsonl"
    if file not in data:
        raise ValueError(f"`{file}` is missing in its record")
    ops = tuple(decode_lines(data[file]))
    if len(ops) != count:
        raise ValueError(f"`{file}` holds {len(ops)} of {count} ops")
    return History(name, ops)
