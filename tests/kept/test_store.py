"""Kept runs: complete or absent, found by many names, pruned, and never written outside the project."""

from __future__ import annotations

import errno
import json
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from statecheck.errors import ExitCode, StatecheckError
from statecheck.kept import store

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
DEAD = 2**22 + 1  # above the kernel's limit for PIDs


def kept(project: Path, second: int = 0) -> store.RunFolder:
    folder = store.begin(project, NOON + timedelta(seconds=second))
    folder.write("histories/same-process.jsonl", b"{}\n")
    folder.finish({"version": 1})
    return folder


def runs(project: Path) -> list[str]:
    return sorted(path.name for path in (project / ".statecheck/runs").iterdir() if not path.is_symlink())


def test_a_run_is_named_after_its_moment_and_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = kept(tmp_path)

    assert folder.name == f".statecheck/runs/20260101T120000.000000Z-{os.getpid()}"
    assert (tmp_path / folder.name / "histories/same-process.jsonl").read_bytes() == b"{}\n"
    assert json.loads((folder.path / "run.json").read_text()) == {"version": 1}
    assert folder.note == ""


def test_the_run_of_a_project_elsewhere_is_named_so_that_it_is_found(tmp_path: Path) -> None:
    folder = kept(tmp_path)

    assert folder.name == str(folder.path)
    assert not store.is_elsewhere(folder.name)


def test_git_and_backups_leave_it_out(tmp_path: Path) -> None:
    kept(tmp_path)

    assert (tmp_path / ".statecheck/.gitignore").read_text() == "*\n"
    assert (tmp_path / ".statecheck/CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")


def test_latest_is_a_relative_link(tmp_path: Path) -> None:
    kept(tmp_path)
    newest = kept(tmp_path, 1)

    assert (tmp_path / ".statecheck/runs/latest").readlink() == Path(newest.path.name)


def test_a_run_is_found_by_path_name_beginning_latest_and_nothing(tmp_path: Path) -> None:
    first, second = kept(tmp_path), kept(tmp_path, 1)

    for spec in (str(first.path), str(first.path / "run.json"), first.path.name, "20260101T120000"):
        assert store.find(spec, tmp_path) == first.path
    for newest in (None, "latest"):
        assert store.find(newest, tmp_path) == second.path


def test_without_links_latest_is_found_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "symlink_to", refuse)
    folder = kept(tmp_path)

    assert store.find("latest", tmp_path) == folder.path


def test_an_unknown_or_ambiguous_run_is_refused(tmp_path: Path) -> None:
    kept(tmp_path)
    kept(tmp_path, 1)

    for spec, slug in (
        ("2026", "ambiguous-run"),
        ("1999", "missing-run"),
        ("", "missing-run"),
        ("../..", "missing-run"),
    ):
        with pytest.raises(StatecheckError) as caught:
            store.find(spec, tmp_path)
        assert (caught.value.slug, caught.value.exit_code) == (slug, ExitCode.USAGE)


def test_no_run_is_nothing_to_do(tmp_path: Path) -> None:
    with pytest.raises(StatecheckError) as caught:
        store.find(None, tmp_path)

    assert caught.value.exit_code == ExitCode.NOTHING
    assert not (tmp_path / ".statecheck").exists()


def test_the_newest_twenty_stay(tmp_path: Path) -> None:
    folders = [kept(tmp_path, second) for second in range(23)]

    assert runs(tmp_path) == [folder.path.name for folder in folders[-20:]]


def test_what_a_killed_run_left_is_never_found_and_removed_by_the_next(tmp_path: Path) -> None:
    left = tmp_path / f".statecheck/runs/20250101T000000.000000Z-{DEAD}"
    left.mkdir(parents=True)
    being_written = store.begin(tmp_path, NOON)

    with pytest.raises(StatecheckError):
        store.find(None, tmp_path)
    kept(tmp_path, 1)
    assert not left.exists()
    assert being_written.path.exists()


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES])
def test_a_read_only_project_gets_a_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    make: Any = Path.mkdir

    def mkdir(path: Path, *args: Any, **kwargs: Any) -> None:
        if path.is_relative_to(project):
            raise OSError(code, "no")
        make(path, *args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = kept(project)

    assert folder.path.parent.parent == tmp_path
    assert folder.name == str(folder.path)
    assert folder.note == f"`{project}` cannot be written to, so the run is kept in `{folder.path}`"
    assert store.find(folder.name, project) == folder.path
    assert store.is_elsewhere(folder.name)
    assert [*project.iterdir()] == []


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = store.begin(tmp_path, NOON)
    folder.write("app.log", b"hello")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StatecheckError, match="no space is left") as caught:
        folder.write("plan.json", b"{}")

    assert (caught.value.slug, caught.value.exit_code) == ("disk-full", ExitCode.INTERNAL)
    assert not folder.path.exists()


@pytest.mark.parametrize("made", ["file", "link", "runs-link"])
def test_something_else_in_its_place_is_left_alone(tmp_path: Path, made: str) -> None:
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    project.mkdir()
    elsewhere.mkdir()
    place = project / ".statecheck"
    if made == "file":
        place.write_text("mine")
    elif made == "link":
        place.symlink_to(elsewhere)
    else:
        place.mkdir()
        (place / "runs").symlink_to(elsewhere)

    for use in (store.begin, store.clean, lambda project: store.find(None, project)):
        with pytest.raises(StatecheckError, match=r"is a symbolic link|is not a folder") as caught:
            use(project)
        assert caught.value.slug == "store-blocked"
    assert [*elsewhere.iterdir()] == []


def test_clean_removes_all_but_what_is_being_written(tmp_path: Path) -> None:
    kept(tmp_path)
    kept(tmp_path, 1)
    being_written = store.begin(tmp_path, NOON + timedelta(seconds=2))

    assert store.clean(tmp_path) == 2
    assert runs(tmp_path) == [being_written.path.name]
    being_written.finish({})
    assert store.clean(tmp_path) == 1
    assert not (tmp_path / ".statecheck").exists()
    assert store.clean(tmp_path) == 0


def test_logs_are_read_by_name_whatever_they_hold(tmp_path: Path) -> None:
    folder = store.begin(tmp_path, NOON)
    folder.write("output/1.log", b"\xff out")
    folder.write("10.log", b"in")
    folder.write("2.log", b"in")

    assert [*store.logs(folder.path)] == [("2.log", "in"), ("10.log", "in"), ("output/1.log", "\ufffd out")]


def test_a_file_is_replaced_whole_and_keeps_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text("old")
    file.chmod(0o640)
    store.replace_file(file, b"new")

    assert (file.read_text(), file.stat().st_mode & 0o777) == ("new", 0o640)
    assert [*tmp_path.iterdir()] == [file]
