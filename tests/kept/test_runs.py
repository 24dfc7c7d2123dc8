"""A kept run is read as it was written, or its damage is named; it never reads as healthy."""

from __future__ import annotations

import itertools
import json
import shutil
from typing import TYPE_CHECKING

import pytest
from histories import history
from kept.damages import damages_of_bytes, forgeries

from statecheck.diagnose import analyze
from statecheck.errors import StatecheckError
from statecheck.kept.meta import HASH, RunMeta, hash_record
from statecheck.kept.runs import KeptRun, keep_run, read_run
from statecheck.model import Anchor, TargetName
from statecheck.talk.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOLD = {
    "same-process": "1a > k\n1a memory write 1\n1a memory read 1\n1a <\n2a > k\n2a memory read 1\n2a model 1\n2a <",
    "other-worker": "1a > k\n1a memory write 1\n1a <\n2b > k\n2b model\n2b <",
}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    histories = {name: history(name, text) for name, text in TOLD.items()}
    ops = {name: len(one.ops) for name, one in histories.items()}
    meta = RunMeta(TargetName("app.py", "app", "fastapi"), Anchor("app.py", 9), Plan(path="/chat", body={}), ops=ops)
    return keep_run(KeptRun(meta, histories, {1: "printed\n", 2: ""}), tmp_path).path


def said_of(run: Path) -> str:
    """The verdict of a run, or the error where there is none."""
    try:
        return analyze(run).verdict
    except StatecheckError as error:
        return f"{error.slug}: {error.text}"


def copies(run: Path, copy: Path, damages: Iterator[tuple[str, object]]) -> Iterator[str]:
    """Do each damage to a copy of the run; its name."""
    for name, damage in damages:
        shutil.copytree(run, copy)
        damage(copy)  # type: ignore[operator]
        yield name
        shutil.rmtree(copy)


def test_a_run_is_read_as_it_was_kept(run: Path) -> None:
    read = read_run(run)

    assert {name: list(one.ops) for name, one in read.histories.items()} == {
        name: list(history(name, text).ops) for name, text in TOLD.items()
    }
    assert sorted(read.meta.files) == ["other-worker.jsonl", "output/1.log", "same-process.jsonl"]


def test_whatever_is_damaged_is_named(run: Path, tmp_path: Path) -> None:
    for damage in copies(run, tmp_path / "copy", damages_of_bytes(run, each=4)):
        said = said_of(tmp_path / "copy")

        assert said.startswith("unreadable-run: "), damage
        assert "\n" not in said, damage
        assert damage.partition(":")[0] in said or "record" in said or "run.json" in damage, (damage, said)


def test_what_is_forged_is_judged_or_refused(run: Path, tmp_path: Path) -> None:
    """Some of what `benchmarks/damaged_records.py` tries."""
    for _ in copies(run, tmp_path / "copy", itertools.islice(forgeries(run), 0, None, 4)):
        assert said_of(tmp_path / "copy")


def test_what_the_target_printed_may_be_left_out(run: Path) -> None:
    before = analyze(run).verdict
    shutil.rmtree(run / "output")

    assert analyze(run).verdict == before


def test_a_record_that_names_files_elsewhere_is_refused(run: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("", "utf-8")
    for name in (str(outside), "../../../outside"):
        record = json.loads((run / "run.json").read_bytes())
        record["files"][name] = "0" * 64
        (run / "run.json").write_text(json.dumps({**record, HASH: hash_record(record)}), "utf-8")

        assert "is not in it" in said_of(run)
