"""Wheel and source distribution: the same bytes wherever they are built, and nothing that happens to lie around."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from statecheck import __version__

ROOT = Path(__file__).resolve().parent.parent
JUNK = (
    ".env",
    "statecheck/.env",
    "statecheck/notes.txt",
    "statecheck/__pycache__/model.cpython-311.pyc",
    "statecheck/report/draft.json",
    "scenarios/multi-worker/chat.db",
    "scenarios/multi-worker/.statecheck/runs/x/run.json",
    "scenarios/secrets.toml",
    ".statecheck/runs/x/run.json",
    ".venv/lib/x.py",
    "dist/old.whl",
    "id_rsa",
)
BUILD = "import sys, hatchling.build as b; print(b.build_wheel(sys.argv[1]), b.build_sdist(sys.argv[1]))"
STEM = f"statecheck-{__version__}"


def tracked() -> list[str]:
    """The project's own files, whether they are committed yet or not."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone, so nothing tells the project's files from others")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [name for name in listed if (ROOT / name).is_file()]


def build(folder: Path, *, mode: int, epoch: int) -> Path:
    """Build both from a copy of the project whose files have these modes and other dates."""
    for name in tracked():
        target = folder / "project" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
        target.chmod(mode | (ROOT / name).stat().st_mode & stat.S_IXUSR)
        os.utime(target, (epoch, epoch))
    if epoch:
        for name in JUNK:
            (folder / "project" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "project" / name).write_text("junk")
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000", "PYTHONHASHSEED": str(epoch % 1000), "TZ": "UTC"}
    command = [sys.executable, "-c", BUILD, str(folder / "dist")]
    (folder / "dist").mkdir()
    subprocess.run(command, cwd=folder / "project", env=environment, check=True, capture_output=True, timeout=100)
    return folder / "dist"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    first = build(tmp_path_factory.mktemp("first"), mode=0o644, epoch=0)
    return first, build(tmp_path_factory.mktemp("second"), mode=0o600, epoch=1_234_567_890)


@pytest.mark.parametrize("name", [f"{STEM}-py3-none-any.whl", f"{STEM}.tar.gz"])
def test_the_same_source_makes_the_same_bytes_whatever_lies_around_it(built: tuple[Path, Path], name: str) -> None:
    first, second = (hashlib.sha256((folder / name).read_bytes()).hexdigest() for folder in built)

    assert first == second


def test_the_wheel_holds_the_package_and_the_scenarios(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[1] / f"{STEM}-py3-none-any.whl") as wheel:
        names = {name for name in wheel.namelist() if not name.startswith(f"{STEM}.dist-info/")}
        about = {name.partition("/")[2] for name in wheel.namelist()} & {
            "METADATA",
            "WHEEL",
            "RECORD",
            "licenses/LICENSE",
        }
    wanted = {name for name in tracked() if name.startswith("statecheck/") and name.endswith((".py", "/schema.json"))}
    wanted |= {
        f"statecheck/_{name}" for name in tracked() if name.startswith("scenarios/") and name.endswith((".py", ".toml"))
    }

    assert names == wanted
    assert len(about) == 4


def test_the_source_distribution_holds_the_project_and_no_other_file(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[1] / f"{STEM}.tar.gz") as archive:
        names = {str(PurePosixPath(name).relative_to(STEM)) for name in archive.getnames()} - {"PKG-INFO"}

    assert names <= set(tracked())
    assert {"pyproject.toml", "README.md", "LICENSE", "SECURITY.md", "requirements.lock", ".ci/run"} <= names
    assert {name for name in tracked() if name.startswith(("statecheck/", "tests/", "docs/"))} <= names
