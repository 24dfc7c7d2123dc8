"""No text of the target starts a command of the workflow that runs statecheck, wherever it is shown."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from sample_diagnoses import BROKEN

from statecheck.__main__ import main
from statecheck.cli.console import Screen
from statecheck.kept.records import map_texts
from statecheck.report import FORMATS, load_format
from statecheck.report.text import View, defuse

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = ("::error file=a.py::x", "##[error]x", "##vso[task.setvariable variable=a]x", "  ::add-mask::x", "\t::x::")
OBEYED = re.compile(r"^\s*::|##\[|##vso\[", re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("style", FORMATS)
def test_no_report_holds_one(style: str, command: str, color: bool, capsys: pytest.CaptureFixture[str]) -> None:
    diagnosis = map_texts(BROKEN, lambda _: command)
    text = load_format(style).diagnosis(diagnosis, View(color=color, verbosity=1))
    Screen().report(text)
    shown = capsys.readouterr().out

    assert not OBEYED.search(re.sub(r"\x1b\[[0-9;]*m", "", shown))
    if style == "json":
        assert json.loads(shown) == json.loads(text)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_other_line_does(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen()
    screen.say(command)
    screen.show_log(command, f"printed\n{command}\r{command}\n\x1b[0m{command}")
    main(["analyze", command])
    main(["diagnose", str(tmp_path / command)])
    main(["explain", command])
    main(["run", command])
    main([command])
    said = capsys.readouterr()

    assert not OBEYED.search(said.out + said.err)
    assert "printed" in said.err


@pytest.mark.parametrize("command", COMMANDS)
def test_nor_does_a_report_in_a_file(command: str, tmp_path: Path) -> None:
    Screen(tmp_path / "report").report(f"{command}\n")

    assert not OBEYED.search((tmp_path / "report").read_text("utf-8"))


def test_all_else_is_shown_as_it_is() -> None:
    text = "a::b\n## [x]\n#[x]\n`::` is no start\n"

    assert defuse(text) == text
