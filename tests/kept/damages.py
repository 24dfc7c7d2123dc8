"""Damage done to kept runs: to the bytes of each of their files, and to what a record says, signed anew."""

from __future__ import annotations

import json
import os
import random
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from statecheck.kept.meta import HASH, hash_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Damage = Callable[[Path], object]
    """Does it to a copy of the run."""

_VALUES: tuple[Any, ...] = (None, True, -1, 10**30, 1.5, "", "x", "\udc80", [], {}, [[]], {"a": 1}, [None])
_DEEP = "[" * 90 + "]" * 90


def damages_of_bytes(run: Path, each: int, seed: int = 0) -> Iterator[tuple[str, Damage]]:
    """Yield ways to damage the files of a run: what is done, and what does it; none leaves its file as it was.

    Args:
        run: the folder; it stays as it is.
        each: how many places of each file are changed at random.
        seed: of these.
    """
    chance = random.Random(seed)
    for file in sorted(path for path in run.rglob("*") if path.is_file()):
        name, data = file.relative_to(run).as_posix(), file.read_bytes()
        changes: dict[str, bytes] = {
            "emptied": b"",
            "halved": data[: len(data) // 2],
            "its last byte cut": data[:-1],
            "its first line left out": data.partition(b"\n")[2],
            "doubled": data * 2,
            "zeros": bytes(len(data)),
            "no UTF-8": b"\xff\xfe" + data,
            "nested deeply": b"[" * 100_000,
            "another's": b'{"version": 1}\n',
        }
        for _ in range(each):
            at = chance.randrange(len(data))
            bit = bytes([data[at] ^ 1 << chance.randrange(8)])
            changes[f"a bit of byte {at} turned"] = data[:at] + bit + data[at + 1 :]
            end = min(at + chance.randrange(1, 200), len(data))
            changes[f"bytes {at} to {end} left out"] = data[:at] + data[end:]
            changes[f"bytes {at} to {end} doubled"] = data[:end] + data[at:]
        for what, changed in changes.items():
            if not _is_same(name, data, changed):
                yield f"{name}: {what}", partial(_write, name, changed)
        if not name.startswith("output/"):
            yield f"{name}: removed", partial(_replace, name, lambda _: None)
        yield f"{name}: a folder", partial(_replace, name, Path.mkdir)
        yield f"{name}: a link that leads nowhere", partial(_replace, name, lambda file: file.symlink_to("nowhere"))
        yield f"{name}: a link in a circle", partial(_replace, name, lambda file: file.symlink_to(file))
        yield f"{name}: a device without end", partial(_replace, name, lambda file: file.symlink_to("/dev/zero"))
        yield f"{name}: a pipe that nobody writes to", partial(_replace, name, os.mkfifo)


def _is_same(name: str, data: bytes, changed: bytes) -> bool:
    """Whether a record says the same: how it is laid out does not matter."""
    if name != "run.json":
        return data == changed
    try:
        return bool(json.loads(data) == json.loads(changed))
    except (ValueError, RecursionError):
        return False


def _write(name: str, data: bytes, copy: Path) -> None:
    (copy / name).write_bytes(data)


def _replace(name: str, make: Callable[[Path], object], copy: Path) -> None:
    (copy / name).unlink()
    make(copy / name)


def forgeries(run: Path) -> Iterator[tuple[str, Damage]]:
    """Yield ways to change what a run says so that every hash fits: each field to each value, and histories."""
    record = json.loads((run / "run.json").read_bytes())
    for path in _paths(record):
        for value in _VALUES:
            changed = json.loads(json.dumps(record))
            inner = changed
            for step in path[:-1]:
                inner = inner[step]
            inner[path[-1]] = value
            yield f"{'.'.join(map(str, path))} = {value!r}", partial(_sign, changed, {})
    deep = {**record, "plan": {**record["plan"], "body": json.loads(_DEEP)}}
    yield "plan.body nested", partial(_sign, deep, {})
    for name in record["ops"]:
        for what, lines in _histories((run / f"{name}.jsonl").read_bytes().splitlines(keepends=True)).items():
            ops = {**record["ops"], name: len(lines)}
            yield f"{name}: {what}", partial(_sign, {**record, "ops": ops}, {f"{name}.jsonl": b"".join(lines)})


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the fields of a record are, the outermost first; of lists only the first item."""
    items = value.items() if isinstance(value, dict) else [*enumerate(value)][:1] if isinstance(value, list) else ()
    for name, inner in items:
        if name not in (HASH, "schema_version"):
            yield (*path, name)
            yield from _paths(inner, (*path, name))


def _histories(lines: list[bytes]) -> dict[str, list[bytes]]:
    ops = [json.loads(line) for line in lines]

    def written(changed: list[dict[str, Any]]) -> list[bytes]:
        return [json.dumps(op).encode() + b"\n" for op in changed]

    return {
        "no op": [],
        "no turn": [line for line, op in zip(lines, ops, strict=True) if op["f"] != "turn"],
        "turns alone": [line for line, op in zip(lines, ops, strict=True) if op["f"] == "turn"],
        "no end of a turn": written([op for op in ops if (op["f"], op["type"]) != ("turn", "ok")]),
        "turned round": lines[::-1],
        "all at once": written([{**op, "time": 0} for op in ops]),
        "huge numbers": written([{**op, "turn": 10**12, "pid": -1, "status": 10**9} for op in ops]),
        "no marker": written([{**op, "markers": []} for op in ops]),
        "no frame": written([{**op, "frames": []} for op in ops]),
        "lines that are not there": written([{**op, "frames": [["../x.py", -5, ""]] * 3} for op in ops]),
        "texts of nothing": written([{**op, "text": "\x00" * 9, "where": "", "cls": ""} for op in ops]),
        "every second": lines[::2],
    }


def _sign(record: dict[str, Any], files: dict[str, bytes], copy: Path) -> None:
    for name, data in files.items():
        (copy / name).write_bytes(data)
    hashes = {name: sha256(data).hexdigest() for name, data in files.items()}
    signed = {**record, "files": {**record["files"], **hashes}} if hashes else record
    (copy / "run.json").write_text(json.dumps({**signed, HASH: hash_record(signed)}), "utf-8")
