"""What is recorded of the files that an app opens."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from statecheck.history import decode_lines
from statecheck.lab.workers.op_file import anonymous_file

ROOT = Path(__file__).parents[2]
_PROGRAM = """
import runpy, sys
from statecheck.probe import system
from statecheck.probe.recorder import RECORDER, TURN
system.install((), ())
RECORDER.open({fd}, ({folder!r},))
TURN.set(1)
runpy.run_path({app!r})
"""
_APP = """
import os
open("notes.txt", "w").close()
for folder in (".", "lib/site-packages/cloud"):
    open(f"{folder}/data.json").close()
    os.path.exists(f"{folder}/gone.json")
open("lib/site-packages/cloud/cache.json", "w").close()
"""


def test_what_a_package_reads_of_its_own_is_not_recorded_and_what_is_written_there_is(tmp_path: Path) -> None:
    (package := tmp_path / "lib" / "site-packages" / "cloud").mkdir(parents=True)
    for folder in (tmp_path, package):
        (folder / "data.json").touch()
    (app := tmp_path / "app.py").write_text(_APP)
    fd = anonymous_file()
    program = _PROGRAM.format(fd=fd, folder=str(tmp_path), app=str(app))
    subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        pass_fds=[fd],
        check=True,
    )
    ops = decode_lines(os.pread(fd, 1 << 20, 0))
    os.close(fd)
    told = [(op.action, Path(op.where).relative_to(tmp_path).as_posix()) for op in ops if op.f == "file"]

    assert told == [
        ("write", "notes.txt"),
        ("read", "data.json"),
        ("miss", "gone.json"),
        ("write", "lib/site-packages/cloud/cache.json"),
    ]
