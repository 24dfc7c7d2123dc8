"""A cause is added by its file and a line of the registry: it is asked, reported and explained."""

from __future__ import annotations

import json
from textwrap import dedent
from typing import TYPE_CHECKING

from histories import history
from package_copy import PackageCopy

from statecheck.kept.meta import RunMeta
from statecheck.kept.runs import KeptRun, keep_run
from statecheck.model import Anchor, TargetName

if TYPE_CHECKING:
    from pathlib import Path

FULL_MOON = '''\
    """SC199 full-moon: the turn was taken while the moon was full.

    ## What it means

    Nothing that is said by moonlight is kept.

    ## Kinds

    - `howling`: a werewolf answered.
    """

    from __future__ import annotations

    from typing import TYPE_CHECKING

    from statecheck.experiments import BASELINE
    from statecheck.judge.cause import Cause, Observation, Question, Symptom

    if TYPE_CHECKING:
        from statecheck.judge.evidence.case import Case


    def find_moonlight(case: Case) -> Observation | None:
        """Was a turn answered by moonlight?"""
        if BASELINE not in case.conversations:
            return None
        return Observation("the moon was full", None, (case.reason(BASELINE),), kind="howling")


    CAUSE = Cause(
        code="SC199",
        name="full-moon",
        question="Was the moon full?",
        questions=(Question(find_moonlight, baseline="any"),),
        rank=1,
        fix="wait a day",
        kinds=("howling",),
        symptoms=(Symptom("a werewolf is awake", ("Awooooo at *",), "howling"),),
        doc=__doc__ or "",
    )
'''
SPLIT = {
    "same-process": "1a > s\n1a model read 1\n1a <\n2a > s\n2a model read 1 2\n2a <",
    "other-worker": "1a > s\n1a model read 1\n1a <\n2b > s\n2b model read 2\n2b <",
}
BOT = """\
said = {}


def reply(session_id, text):
    earlier = said.setdefault(session_id, [])
    earlier.append(text)
    return str(earlier[:-1])
"""


def add_cause(folder: Path) -> PackageCopy:
    package = PackageCopy(folder)
    package.write("judge/causes/full_moon.py", dedent(FULL_MOON))
    package.replace("judge/causes/__init__.py", '    "broken_store",\n', '    "broken_store",\n    "full_moon",\n')
    assert package.changed() == ["judge/causes/__init__.py", "judge/causes/full_moon.py"]
    return package


def test_a_cause_is_one_file_and_one_line(tmp_path: Path) -> None:
    package = add_cause(tmp_path)
    histories = {name: history(name, text) for name, text in SPLIT.items()}
    target = TargetName("app.py", "app", "fastapi")
    ops = {name: len(one.ops) for name, one in histories.items()}
    keep_run(KeptRun(RunMeta(target, Anchor("app.py", 4), ops=ops), histories), tmp_path)

    judged, full, known, by_code, by_name, message = package.answer(
        ["analyze", "--format", "json"],
        ["analyze"],
        ["explain"],
        ["explain", "SC199"],
        ["explain", "full-moon"],
        ["explain", "Awooooo at midnight"],
        cwd=tmp_path,
    )
    causes = json.loads(judged.out)["causes"]
    assert judged.code == 1, judged.err
    assert [(one["code"], one["name"], one["kind"], one["primary"]) for one in causes] == [
        ("SC199", "full-moon", "howling", True),
        ("SC102", "multi-worker", None, False),
    ]
    assert causes[0]["anchor"] == {"path": "app.py", "line": 4}
    assert causes[0]["fix"] == "wait a day"
    assert "error[SC199] full-moon (howling)" in full.out
    assert "SC199  full-moon          Was the moon full?\n" in known.out
    for explained in (by_code, by_name):
        assert explained.out.startswith("SC199 full-moon: Was the moon full?\n"), explained.err
    assert message.out.startswith("SC199 full-moon: a werewolf is awake\n"), message.err


def test_a_new_cause_is_found_in_an_app(tmp_path: Path) -> None:
    package = add_cause(tmp_path)
    project = tmp_path / "project"
    project.mkdir()
    (project / "bot.py").write_text(BOT, "utf-8")

    only = ("--only", "other-worker", "--only", "new-process")
    done = package.run("-m", "statecheck", "diagnose", "bot.py:reply", "--format", "json", *only, cwd=project)

    found = {one["code"]: one["primary"] for one in json.loads(done.stdout)["causes"]}
    assert found == {"SC199": True, "SC102": False, "SC103": False}, done.stderr
