"""A run as it is kept: its record, its histories and the target's own output; and read again, to be judged."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from statecheck.errors import StatecheckError
from statecheck.history import History, decode_lines, encode
from statecheck.kept import store
from statecheck.kept.meta import RunMeta, decode_meta, encode_meta

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


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
    for name, history in run.histories.items():
        lines = "".join(encode(op) + "\n" for op in history.ops)
        folder.write(f"{name}.jsonl", lines.encode("utf-8", "backslashreplace"))
    for generation, text in run.outputs.items():
        if text:
            folder.write(f"output/{generation}.log", text.encode("utf-8", "backslashreplace"))
    folder.finish(encode_meta(run.meta))
    return folder


def read_run(folder: Path) -> KeptRun:
    """Read a kept run.

    Raises:
        StatecheckError: the folder holds no run of this version, or is damaged.
    """
    try:
        meta = decode_meta(json.loads((folder / store.META).read_bytes()))
        return KeptRun(meta, {name: _read_history(folder, name, count) for name, count in meta.ops.items()})
    except (OSError, ValueError) as error:
        raise StatecheckError(
            "unreadable-run", f"`{folder}` holds no run that can be judged: {error}", "run `statecheck diagnose` again"
        ) from error


def _read_history(folder: Path, name: str, count: int) -> History:
    ops = tuple(decode_lines((folder / f"{name}.jsonl").read_bytes()))
    if len(ops) != count:
        raise ValueError(f"`{name}.jsonl` holds {len(ops)} of {count} ops")
    return History(name, ops)
