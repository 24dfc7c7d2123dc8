"""Every Python that runs statecheck against every Python that runs the target: `make test-pairs`, no part of the suite.

Takes the environments that `make test-all` makes, `.venv-3.10` and so on. The target's is one beside it, of the same
Python and with the same packages, but without statecheck.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = {folder.name.rpartition("-")[2]: folder for folder in sorted(ROOT.glob(".venv-3.*"))}
SCENARIO = ROOT / "scenarios" / "multi-worker"


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """{version: environment that has what an app needs}."""
    made = {}
    for version, folder in ENVIRONMENTS.items():
        made[version] = tmp_path_factory.mktemp("environments") / version
        python = folder / "bin" / "python"
        subprocess.run([python, "-m", "venv", "--without-pip", made[version]], check=True)
        (site,) = made[version].glob("lib/python*/site-packages")
        (packages,) = folder.glob("lib/python*/site-packages")
        (site / "packages.pth").write_text(f"{packages}\n")  # a path alone: the .pth files there are not followed
    return made


@pytest.mark.parametrize("app", ["broken", "fixed"])
@pytest.mark.parametrize("target", ENVIRONMENTS)
@pytest.mark.parametrize("runner", ENVIRONMENTS)
def test_a_pair(runner: str, target: str, app: str, bare: dict[str, Path], tmp_path: Path) -> None:
    shutil.copy(SCENARIO / f"{app}.py", tmp_path / "app.py")
    command = [str(ENVIRONMENTS[runner] / "bin" / "statecheck"), "diagnose", "app.py", "--python", str(bare[target])]
    options = ["--volume", "data", "--format", "json", "--show-logs"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run([*command, *options], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    run = json.loads((tmp_path / report["run"] / "run.json").read_text("utf-8"))

    assert f"run by Python {target}." in " ".join(run["notes"])
    assert report["verdict"] == {"broken": "state-loss", "fixed": "healthy"}[app], done.stdout + done.stderr
    assert [cause["name"] for cause in report["causes"] if cause["severity"] == "error"] == {
        "broken": ["multi-worker", "container-restart"],
        "fixed": [],
    }[app]
    assert "Warning" not in done.stderr, "the probe warns of something in this Python"
