"""The wheel, installed in an environment of its own, as a user gets it: read-only, from any directory, as another user.

Offline: what the package depends on is taken from the environment that runs the tests.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from statecheck import __version__
from statecheck.errors import ExitCode
from statecheck.scenarios import bundled

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
NOBODY = 1500


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that any user may pass through, which pytest's own is not."""
    with tempfile.TemporaryDirectory(prefix="statecheck-install-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def bin_folder(folder: Path) -> Path:
    """The `bin` of an environment that holds nothing but the wheel, and sees our dependencies."""
    source = folder / "source"
    skipped = shutil.ignore_patterns("__pycache__", ".*", "dist", "build")
    for name in ("statecheck", "scenarios"):
        shutil.copytree(ROOT / name, source / name, ignore=skipped)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    _run([sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder], cwd=source)
    shutil.rmtree(source)
    (wheel,) = folder.glob("*.whl")

    environment = folder / "environment"
    _run([sys.executable, "-m", "venv", "--without-pip", environment])
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", environment / "bin/python", "install"]
    _run([*pip, "--disable-pip-version-check", "--no-index", "--no-deps", "--ignore-installed", wheel])
    for path in packages.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    packages.chmod(0o555)
    return environment / "bin"


def _run(
    command: list[str | Path], cwd: Path | None = None, user: list[str] | None = None, home: Path | None = None
) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **({"HOME": str(home)} if home else {})}
    words = [*(user or []), *map(str, command)]
    done = subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done


def _other_user(python: Path) -> list[str]:
    """How to start a program as a user who owns nothing here; [] if we are no root, or Python is closed to others."""
    words = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    if os.getuid() or not shutil.which("setpriv"):
        return []
    # started by that user once more: the first start still has our own right to pass a folder that is closed to others
    again = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', 'import typer']))"
    started = subprocess.run([*words, python, "-c", again], cwd="/", capture_output=True, check=False)
    return [] if started.returncode else words


_VARIABLE = (
    (r"sc-[0-9a-f]+", "KEY"),
    (r"\d{8}T\d{6}\.\d+Z-\d+", "RUN"),
    (r"\b\d+\.\d s\b", "SECONDS"),
    (r"\bPID \d+", "PID N"),
    (r"(?<=\d) +\d+ +\d+ +(?=KEY)", " PID GENERATION "),
    (r"^((?:same|other|new|concurrent)\S* +\w+) +(?:\d+ )*(?:-(?= ))?", r"\1 "),
    (r"[-─]{2,}", ""),
    (r" +", " "),
)


def _shape(text: str) -> list[str]:
    """The lines of an output without what differs from run to run."""
    lines = []
    for line in text.splitlines():
        for pattern, replacement in _VARIABLE:
            line = re.sub(pattern, replacement, line)  # noqa: PLW2901
        lines.append(line.strip())
    return [line for line in lines if line]


def _shown_in_the_readme() -> str:
    """What the README says that `statecheck run multi-worker` prints."""
    page = (ROOT / "README.md").read_text("utf-8")
    blocks: list[str] = re.findall(r"^```text\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return next(block for block in blocks if block.startswith("$ statecheck run multi-worker\n")).partition("\n")[2]


def test_the_installed_wheel_runs_from_any_directory_as_another_user(bin_folder: Path, folder: Path) -> None:
    statecheck, python = bin_folder / "statecheck", bin_folder / "python"
    user = _other_user(python)
    home = folder / "home"
    home.mkdir()
    if user:
        os.chown(home, NOBODY, NOBODY)

    assert _run([statecheck, "--version"], home, user, home).stdout.startswith(f"statecheck {__version__} (")
    listed = _run([python, "-m", "statecheck", "list"], home, user, home).stdout
    assert re.findall(r"^(\S+) +SC", listed, re.MULTILINE) == list(bundled.names())
    assert "$schema" in json.loads(_run([statecheck, "schema"], home, user, home).stdout)
    assert "## " not in _run([statecheck, "explain", "SC102"], home, user, home).stdout

    printed = iter(_shape(_run([statecheck, "run", "multi-worker"], home, user, home).stdout))
    for line in _shape(_shown_in_the_readme()):
        assert line == "[...]" or line in printed, line  # in this order: the iterator goes on where it was
    assert sorted(path.name for path in home.iterdir()) == [".statecheck"]

    (site,) = bin_folder.parent.glob("lib/python*/site-packages")
    assert list(site.rglob("data")) == list(site.rglob(".statecheck")) == []
    assert (site / "statecheck" / "_scenarios" / "multi-worker" / "broken.py").is_file()


def test_a_wheel_without_an_app_has_nothing_to_do(bin_folder: Path, tmp_path: Path) -> None:
    command = [str(bin_folder / "statecheck"), "diagnose"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == ExitCode.NOTHING
    assert done.stderr.startswith("error: ")
