"""A check is added by one file, and one line that binds it to an experiment."""

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
CHECK = '''\
"""Talkative: every turn is answered with something."""


def check(conversation, channel, control=None):
    """Judge whether each turn got an answer with a text in it."""
    silent = [turn.number for turn in conversation.turns if not turn.answer]
    return ("lost", f"turn {silent[0]} was answered with nothing") if silent else ("kept", "made up: all were answered")
'''


def test_a_check_is_one_file_and_one_line(tmp_path: Path) -> None:
    package = PackageCopy(tmp_path)
    package.write("judge/checks/talkative.py", CHECK)
    line = '    experiments.OTHER_WORKER: "read_your_writes",\n'
    package.replace("judge/checks/__init__.py", line, '    experiments.OTHER_WORKER: "talkative",\n')

    assert package.changed() == ["judge/checks/__init__.py", "judge/checks/talkative.py"]

    project = tmp_path / "project"
    project.mkdir()
    (project / "bot.py").write_text(BOT, "utf-8")
    done, again = package.answer(
        ["diagnose", "bot.py:reply", "--format", "json", "--only", "other-worker", "--only", "new-process"],
        ["analyze", "--format", "json"],
        cwd=project,
    )
    found = {one["name"]: (one["outcome"], one["reason"]) for one in json.loads(done.out)["experiments"]}

    assert found["other-worker"] == ("kept", "made up: all were answered"), done.err
    assert found["new-process"] == ("lost", "turn 2 was not given turn 1")
    judged = {one["name"]: one["outcome"] for one in json.loads(again.out)["experiments"]}
    assert judged["other-worker"] == "kept"
