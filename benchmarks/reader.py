"""How fast the user's Python is read: lines a second of our reader, beside bare `ast.parse` of the same files.

    python benchmarks/reader.py [--folder FOLDER] [--rounds 3]

Ours opens and decodes each file, parses it, finds its imports and calls, and what its module binds each name to.
FOLDER is by default the installed sources of llama-index-core. Both take turns, in processor time. Exits 1 where ours
is less than half as fast.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from statecheck.source.code.resolver import bindings
from statecheck.source.code.sources import Sources

if TYPE_CHECKING:
    from collections.abc import Callable

_LEAST = 0.5


def read(file: Path) -> int:
    """Read one file as a run does; return its number of lines."""
    module = Sources().module(file, file.stem, file.name)
    assert module.imports is not None
    bindings(module.ast)
    return module.text.count("\n")


def parse(file: Path) -> int:
    """Parse one file and no more; return its number of lines."""
    data = file.read_bytes()
    ast.parse(data)
    return data.count(b"\n")


def measure(reader: Callable[[Path], int], files: list[Path]) -> float:
    """Lines a second."""
    started = time.process_time()
    lines = sum(map(reader, files))
    return lines / (time.process_time() - started)


def main() -> int:
    """Measure and print; 1 if ours is too slow."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--folder", type=Path, help="what is read (default: llama-index-core)")
    parser.add_argument("--rounds", type=int, default=3, help="pairs of measurements")
    options = parser.parse_args()
    spec = importlib.util.find_spec("llama_index.core")
    folder = options.folder or Path(str(spec.origin if spec else "")).parent
    files = sorted(folder.rglob("*.py"))
    if not files:
        print(f"no Python file below {folder}", file=sys.stderr)
        return 2
    ours, bare = [], []
    for _ in range(options.rounds):
        bare.append(measure(parse, files))
        ours.append(measure(read, files))
    ratio = statistics.median(ours) / statistics.median(bare)
    print(f"{len(files)} files below {folder.name}: {statistics.median(ours):,.0f} lines a second read, ", end="")
    print(f"{statistics.median(bare):,.0f} by ast.parse alone; ratio {ratio:.2f} (at least {_LEAST})")
    return int(ratio < _LEAST)


if __name__ == "__main__":
    sys.exit(main())
