"""What changes on the host while a run goes on is noticed; what is only added, logged or left out is no change."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from histories import history

from statecheck.errors import ExitCode, StatecheckError
from statecheck.judge.verdict import judge
from statecheck.kept.meta import RunMeta
from statecheck.lab.snapshot import take_snapshot
from statecheck.model import Anchor, Problem, TargetName

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    for name in ("app.py", "data/chat.db", ".git/index", "app.log", "report.txt"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("as it was" if name != "report.txt" else "", "utf-8")
    (tmp_path / "volume").mkdir()
    (tmp_path / "volume" / ".state").write_text("as it was", "utf-8")
    return project


def _put(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda project: _put(project / "app.py", "longer than it was"), "app.py"),
        (lambda project: (project / "app.py").unlink(), "app.py"),
        (lambda project: os.utime(project / "app.py", (1, 1)), "app.py"),
        (lambda project: _put(project / "data" / "chat.db", ""), "data/chat.db"),
        (lambda project: _put(project.parent / "volume" / ".state", ""), "volume/.state"),
    ],
    ids=["written", "removed", "touched", "data", "volume"],
)
def test_a_change_is_named(project: Path, change: Callable[[Path], object], name: str) -> None:
    before = take_snapshot(project, [str(project.parent / "volume")])
    change(project)

    with pytest.raises(StatecheckError, match=f"{name}` changed while the target was run") as raised:
        before.check(project)
    assert (raised.value.slug, raised.value.exit_code) == ("tree-changed", ExitCode.INCONCLUSIVE)


def test_what_is_no_change_is_none(project: Path) -> None:
    before = take_snapshot(project, ["/no/such/volume"])
    _put(project / "new.py", "x = 1")
    _put(project / "app.log", "more of it than before")
    _put(project / "report.txt", "that is written in the end")
    _put(project / ".git" / "index", "of another program")
    (project / ".statecheck").mkdir()

    before.check(project)


def test_a_run_in_which_something_changed_shows_nothing() -> None:
    told = "1a > k\n1a memory write 1\n1a model 1\n1a <\n2a > k\n2a model\n2a <"
    histories = {"same-process": history("same-process", told)}
    meta = RunMeta(TargetName("app.py", "app", "fastapi"), Anchor("app.py", 9))
    changed = RunMeta(meta.target, meta.handler, problems={"": Problem("tree-changed", "`app.py` changed", "again")})

    assert judge(meta, histories).verdict == "state-loss"
    assert (judge(changed, histories).verdict, judge(changed, histories).causes) == ("inconclusive", ())
