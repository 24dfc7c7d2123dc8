"""An experiment is added by an entry of `experiments.py` and a row where the judge binds its check."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from package_copy import PackageCopy

if TYPE_CHECKING:
    from pathlib import Path

BOT = """\
said = {}


def reply(session_id, text):
    earlier = said.setdefault(session_id, [])
    earlier.append(text)
    return str(earlier[:-1])
"""


def test_an_experiment_is_an_entry_and_a_row(tmp_path: Path) -> None:
    package = PackageCopy(tmp_path)
    package.replace(
        "experiments.py",
        'BASELINE = "same-process"\n',
        'BASELINE = "same-process"\nMADE_UP = "made-up"\n',
    )
    package.replace(
        "experiments.py",
        "    Experiment(NEW_PROCESS,",
        '    Experiment(MADE_UP, (Start("a"), Start("b"), Take("a"), Take("b"))),\n    Experiment(NEW_PROCESS,',
    )
    package.replace(
        "judge/checks/__init__.py",
        "    experiments.NEW_PROCESS: ",
        '    experiments.MADE_UP: "read_your_writes",\n    experiments.NEW_PROCESS: ',
    )

    assert package.changed() == ["experiments.py", "judge/checks/__init__.py"]

    project = tmp_path / "project"
    project.mkdir()
    (project / "bot.py").write_text(BOT, "utf-8")
    command = ("diagnose", "bot.py:reply", "--format", "json", "--only")
    done, again, mistaken = package.answer(
        [*command, "made-up"], ["analyze", "--format", "json"], [*command, "made-upp"], cwd=project
    )
    report = json.loads(done.out)
    outcomes = {one["name"]: (one["outcome"], one["reason"]) for one in report["experiments"]}

    assert [*outcomes][:3] == ["same-process", "other-worker", "made-up"], done.err
    assert outcomes["made-up"] == ("lost", "turn 2 was not given turn 1")
    assert outcomes["other-worker"] == ("skipped", "not selected")

    assert json.loads(again.out)["experiments"] == report["experiments"]
    assert mistaken.code == 2
    assert "made-up" in mistaken.err
