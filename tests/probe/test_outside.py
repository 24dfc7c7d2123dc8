"""What Python code may change where copies stand for disks and no rule of the kernel's keeps it to them."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).parents[2]
PREPARED = """\
    import os, pathlib, shutil, socket, sqlite3, sys
    from statecheck.probe import outside

    there, here = sys.argv[1:]
    os.chdir(here)
    outside.install([here], alone=True)
    folder = os.open(there, os.O_RDONLY)
    """
INSIDE = """\
    pathlib.Path("new").mkdir()
    pathlib.Path("new/file").write_text("x")
    os.rename("new/file", "new/other")
    os.symlink(there, "new/link")
    os.remove("new/link")
    shutil.rmtree("new")
    os.mkfifo("pipe")
    sqlite3.connect("chat.db").execute("create table said (text)")
    open(os.devnull, "w").write("x")
    """
READING = """\
    open(f"{there}/letter").read()
    os.listdir(folder)
    pathlib.Path(there).mkdir(exist_ok=True)
    sqlite3.connect(f"file:{there}/kept.db?mode=ro", uri=True).execute("select * from said")
    os.close(os.open("letter", os.O_RDONLY, dir_fd=folder))
    """
REFUSED = (
    'open(f"{there}/letter", "a")',
    'open(f"{there}/new", "x")',
    'os.open("letter", os.O_WRONLY, dir_fd=folder)',
    'os.truncate(f"{there}/letter", 0)',
    'os.remove(f"{there}/letter")',
    'os.unlink("letter", dir_fd=folder)',
    'os.rename("own", f"{there}/letter")',
    'os.rename(f"{there}/letter", "mine")',
    'os.link(f"{there}/letter", "mine")',
    'os.symlink("own", f"{there}/link")',
    'os.mkdir("new", dir_fd=folder)',
    'os.mkfifo(f"{there}/pipe")',
    'os.chmod(f"{there}/letter", 0o600)',
    'sqlite3.connect(f"{there}/chat.db")',
    'sqlite3.connect(f"file:{there}/chat.db", uri=True)',
    'socket.socket(socket.AF_UNIX).bind("way-out/sock")',
    'pathlib.Path("way-out/new").write_text("x")',
)


def run(tmp_path: Path, code: str) -> str:
    """Run code in a process that is kept to `copy`; return what it says of its end, "" if nothing."""
    there, here = tmp_path / "there", tmp_path / "copy"
    for folder in (there, here):
        folder.mkdir()
    (there / "letter").write_text("dear")
    (here / "own").touch()
    (here / "way-out").symlink_to(there)
    with closing(sqlite3.connect(there / "kept.db")) as db:  # Python 3.13 warns, later and anywhere, of one left open
        db.execute("create table said (text)")
    program = textwrap.dedent(PREPARED) + code
    before = {path: path.lstat() for path in [there, *there.iterdir()]}
    done = subprocess.run(
        [sys.executable, "-c", program, there, here], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert {path: path.lstat() for path in [there, *there.iterdir()]}.keys() == before.keys()
    assert (there / "letter").read_text() == "dear"
    return done.stderr


def test_a_copy_is_its_own_and_what_is_outside_may_be_read(tmp_path: Path) -> None:
    assert run(tmp_path, textwrap.dedent(INSIDE) + textwrap.dedent(READING)) == ""


def test_nothing_outside_is_changed_by_links_or_descriptors_either(tmp_path: Path) -> None:
    attempt = "try:\n    {0}\n    print({0!r}, file=sys.stderr)\nexcept PermissionError:\n    pass\n"
    tries = [attempt.replace("{0!r}", repr(code)).replace("{0}", code) for code in REFUSED]

    assert run(tmp_path, "".join(tries)) == ""
