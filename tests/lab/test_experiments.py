"""The experiments on real processes, in namespaces and in copies: the same app, the same outcomes."""

from __future__ import annotations

from pathlib import Path

import pytest
from labs import NAMESPACE_FIRST, Ran, User, diagnosed, diagnosed_in_turn

from statecheck.experiments import REPORTED
from statecheck.model import Anchor
from statecheck.options.config import Options

FILES = """\
    import pathlib
    from fastapi import FastAPI

    app = FastAPI()


    @app.post("/chat")
    def chat(payload: dict):
        folder = pathlib.Path("data")
        folder.mkdir(exist_ok=True)
        file = folder / payload["session_id"]
        earlier = file.read_text() if file.exists() else ""
        with file.open("a") as said:
            said.write(payload["message"] + "\\n")
        return {"earlier": earlier}
"""
MEMORY = """\
    import os

    said = {}


    def reply(session_id, text):
        earlier = said.setdefault(session_id, [])
        earlier.append(text)
        return f"{os.getpid()} {os.getppid()} {earlier[:-1]}"
"""
WINDOW = """\
    said = {}


    def reply(session_id, text):
        said[session_id] = [*said.get(session_id, []), text][-5:]
        return str(said[session_id][:-1])
"""
SEQUENTIAL = REPORTED[:4]


@pytest.fixture(scope="module", params=NAMESPACE_FIRST)
def isolation(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory, isolation: str) -> User:
    user = User(tmp_path_factory.mktemp(isolation))
    user.write(files=FILES, memory=MEMORY)
    return user


@pytest.fixture(scope="module")
def on_disk(user: User, isolation: str) -> Ran:
    return diagnosed(user, "files.py", isolation)


@pytest.fixture(scope="module")
def in_memory(user: User, isolation: str) -> Ran:
    return diagnosed(user, "memory.py:reply", isolation)


@pytest.fixture(scope="module")
def on_a_volume(user: User, isolation: str) -> Ran:
    return diagnosed(user, "files.py", isolation, Options(seed=1, volumes=(user.project / "data",)))


def test_a_file_outlives_its_process_and_dies_with_its_container(on_disk: Ran) -> None:
    expected = ["kept", "kept", "kept", "lost", "isolated", "kept", "isolated", "kept"]

    assert expected == list(on_disk.outcomes().values())
    assert [finding.code for finding in on_disk.diagnosis.causes] == ["SC103"]
    assert Anchor("files.py", 13) == on_disk.diagnosis.causes[0].anchor
    assert "data/sc-" in on_disk.diagnosis.causes[0].summary


def test_a_volume_outlives_its_container(on_a_volume: Ran) -> None:
    assert [on_a_volume.outcomes()[name] for name in SEQUENTIAL] == ["kept"] * 4
    assert on_a_volume.diagnosis.verdict == "healthy"


def test_memory_dies_with_its_process(in_memory: Ran) -> None:
    assert [in_memory.outcomes()[name] for name in SEQUENTIAL] == ["kept", "lost", "lost", "lost"]
    assert in_memory.outcomes()["other-session"] == "isolated"
    assert in_memory.outcomes()["concurrent-workers"] == "skipped"
    assert [finding.code for finding in in_memory.diagnosis.causes] == ["SC102", "SC103"]
    assert {Anchor("memory.py", 3)} == {finding.anchor for finding in in_memory.diagnosis.causes}
    assert "`memory.said['sc-" in in_memory.diagnosis.causes[0].summary


def test_a_worker_is_never_pid_1_and_no_two_are_the_same(in_memory: Ran, on_disk: Ran) -> None:
    for ran in (in_memory, on_disk):
        pids = [pid for outcome in ran.diagnosis.experiments for pid in outcome.pids]
        assert 1 not in pids
        assert len(pids) == len(set(pids))


def test_the_pid_that_is_told_is_the_one_that_the_app_sees(in_memory: Ran) -> None:
    for name, history in in_memory.histories().items():
        told = [str(op.pid) for op in history.select("turn") if op.type == "ok"]
        assert told == [answer.split()[0] for answer in in_memory.answers(name)]


def test_each_turn_of_an_experiment_has_a_marker_of_its_own(on_disk: Ran) -> None:
    sent = [
        op.markers for history in on_disk.histories().values() for op in history.select("turn") if op.type == "invoke"
    ]

    assert len(sent) == len(set(sent)) > 25


def test_nothing_of_the_run_is_left(user: User, on_disk: Ran, in_memory: Ran, on_a_volume: Ran) -> None:
    assert user.left() == []
    assert list((user.root / "tmp").iterdir()) == []
    assert not (user.project / "data").exists()
    assert {"files.py", "memory.py", ".statecheck"} == {path.name for path in user.project.iterdir()}


def test_how_it_was_isolated_is_told(isolation: str, on_disk: Ran) -> None:
    assert (isolation == "copy") == any("copies" in note for note in on_disk.diagnosis.notes)


def test_a_diagnosis_does_not_depend_on_what_was_there_before(user: User, isolation: str, on_a_volume: Ran) -> None:
    (user.project / "data").mkdir()
    (user.project / "data" / "other").write_text("a conversation of the user's own", "utf-8")
    ran = diagnosed(user, "files.py", isolation, Options(seed=1, volumes=(user.project / "data",)))

    assert on_a_volume.outcomes() == ran.outcomes()
    assert [path.name for path in Path(user.project / "data").iterdir()] == ["other"]


def test_as_many_turns_in_sequence_are_asked_for_also_where_workers_share_nothing(tmp_path: Path) -> None:
    user = User(tmp_path)
    user.write(window=WINDOW)

    ran = diagnosed_in_turn(
        user, "window.py:reply", Options(seed=1, only=("other-worker", "concurrent", "concurrent-workers"))
    )

    assert ran.outcomes()["concurrent-workers"] == "skipped"
    assert ran.outcomes()["concurrent"] == "kept"
    assert [cause.code for cause in ran.diagnosis.causes] == ["SC102"]
