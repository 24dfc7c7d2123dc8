"""The pipeline end to end, on the article's own two snippets: what it finds, where, and that it can be judged again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

import statecheck.report
from statecheck.diagnose import analyze, diagnose, diagnose_in
from statecheck.errors import StatecheckError
from statecheck.experiments import REPORTED, WHERE_DUE
from statecheck.history import History, decode_lines
from statecheck.lab.environment.surroundings import surroundings_of
from statecheck.lab.workers.launch import Launched, launch
from statecheck.model import Anchor, Diagnosis
from statecheck.options.config import Options
from statecheck.report import load_format
from statecheck.report.text import View
from statecheck.target.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

# As they stand in "How to Fix 'state not updating in production' in LlamaIndex (Python)".
ALWAYS = [name for name in REPORTED if name not in WHERE_DUE]
BROKEN = """\
# BROKEN: state resets every request
from fastapi import FastAPI
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.memory import ChatMemoryBuffer

app = FastAPI()

@app.post("/chat")
def chat(payload: dict):
    memory = ChatMemoryBuffer.from_defaults(token_limit=4000)
    chat_engine = SimpleChatEngine.from_defaults(memory=memory)

    response = chat_engine.chat(payload["message"])
    return {"answer": str(response), "memory_size": len(memory.get_all())}
"""
FIXED = """\
# FIXED: persist memory by session_id
from fastapi import FastAPI
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.memory import ChatMemoryBuffer

app = FastAPI()
session_memory_store = {}

def get_memory(session_id: str):
    if session_id not in session_memory_store:
        session_memory_store[session_id] = ChatMemoryBuffer.from_defaults(token_limit=4000)
    return session_memory_store[session_id]

@app.post("/chat")
def chat(payload: dict):
    session_id = payload["session_id"]
    memory = get_memory(session_id)
    chat_engine = SimpleChatEngine.from_defaults(memory=memory)

    response = chat_engine.chat(payload["message"])
    return {"answer": str(response), "memory_size": len(memory.get_all())}
"""
ECHO = """\
def reply(text):
    return f"you said {text}"
"""
BOT = """\
said = {}


def reply(session_id, text):
    earlier = said.setdefault(session_id, [])
    earlier.append(text)
    return str(earlier[:-1])
"""
SCHEMA = json.loads((Path(statecheck.report.__file__).parent / "schema.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    project = tmp_path_factory.mktemp("project")
    for name, source in (("broken", BROKEN), ("fixed", FIXED), ("echo", ECHO), ("bot", BOT)):
        (project / f"{name}.py").write_text(source, "utf-8")
    before = Path.cwd()
    os.chdir(project)
    yield project
    os.chdir(before)


Diagnosed = Callable[..., Diagnosis]


@pytest.fixture(scope="module")
def diagnosed(project: Path) -> Iterator[Diagnosed]:
    """Diagnose apps of the project in one warm parent, as the scenarios are."""
    launched: list[Launched] = []

    def diagnosed(spec: str, **given: Any) -> Diagnosis:
        target = resolve(spec, project)
        surroundings, options = surroundings_of(target, Options(**given))
        launched.extend([] if launched else [launch(surroundings)])
        return diagnose_in(launched[0], target, options, lambda _: None, project, keep=True)

    yield diagnosed
    for one in launched:
        one.stop()


@pytest.fixture(scope="module")
def broken(diagnosed: Diagnosed) -> Diagnosis:
    return diagnosed("broken.py")


@pytest.fixture(scope="module")
def fixed(diagnosed: Diagnosed) -> Diagnosis:
    return diagnosed("fixed.py")


@pytest.fixture(scope="module")
def stateless(diagnosed: Diagnosed) -> Diagnosis:
    return diagnosed("echo.py:reply")


@pytest.fixture(scope="module")
def partial(project: Path) -> Diagnosis:
    return diagnose("bot.py:reply", Options(only=("same-process",)), lambda _: None)


@pytest.fixture(params=["broken", "fixed", "stateless", "partial"])
def any_diagnosis(request: pytest.FixtureRequest) -> Diagnosis:
    made: Diagnosis = request.getfixturevalue(request.param)
    return made


def outcomes(diagnosis: Diagnosis) -> list[tuple[str, str]]:
    return [(outcome.name, outcome.outcome) for outcome in diagnosis.experiments]


def histories(diagnosis: Diagnosis) -> dict[str, History]:
    files = Path(diagnosis.run).glob("*.jsonl")
    return {file.stem: History(file.stem, tuple(decode_lines(file.read_bytes()))) for file in files}


def said_of(run: Path) -> str:
    """The verdict on a stored run, or why there is none."""
    try:
        return analyze(run).verdict
    except StatecheckError as error:
        return error.slug


class TestBroken:
    def test_the_memory_is_request_scoped(self, broken: Diagnosis) -> None:
        (found,) = broken.causes

        assert broken.verdict == "state-loss"
        assert (found.code, found.name, found.primary) == ("SC101", "request-scoped", True)
        assert (found.severity, found.confidence) == ("error", "certain")
        assert found.anchor in (Anchor("broken.py", 10), Anchor("broken.py", 11))
        assert [evidence.experiment for evidence in found.evidence] == ["same-process"]

    def test_what_it_masks_is_not_run(self, broken: Diagnosis) -> None:
        assert [("same-process", "lost"), *((name, "skipped") for name in ALWAYS[1:])] == outcomes(broken)
        assert all("same-process" in outcome.reason for outcome in broken.experiments[1:])


class TestFixed:
    def test_the_dict_is_in_one_process_s_memory(self, fixed: Diagnosis) -> None:
        errors = [found for found in fixed.causes if found.severity == "error"]

        assert fixed.verdict == "state-loss"
        assert [found.name for found in errors] == ["multi-worker", "container-restart"]
        assert [found.primary for found in errors] == [True, False]
        assert {(Anchor("fixed.py", 7), "certain")} == {(found.anchor, found.confidence) for found in errors}

    def test_the_dict_and_the_key_are_named(self, fixed: Diagnosis) -> None:
        for found, experiment in zip(fixed.causes, ("other-worker", "new-process"), strict=False):
            outcome = next(one for one in fixed.experiments if one.name == experiment)
            assert "session_memory_store['sc-" in found.summary
            assert f"PID {outcome.pids[0]}" in found.summary
        keys = next(one.session_keys for one in fixed.experiments if one.name == "other-worker")
        assert f"session_memory_store['{keys[0]}']" in fixed.causes[0].summary

    def test_every_experiment_is_accounted_for(self, fixed: Diagnosis) -> None:
        names = dict(outcomes(fixed))

        assert list(names) == ALWAYS
        assert list(names.values())[:5] == ["kept", "lost", "lost", "lost", "isolated"]
        assert names["concurrent"] in ("kept", "reordered")
        assert names["concurrent-workers"] == "skipped"

    def test_the_race_is_forced(self, fixed: Diagnosis) -> None:
        (mark,) = histories(fixed)["concurrent"].select("overlap")

        assert mark.held == 8

    def test_the_table_shows_where_each_turn_went(self, fixed: Diagnosis) -> None:
        first, second, third = next(one.turns for one in fixed.experiments if one.name == "other-worker")

        assert first.pid == third.pid != second.pid
        assert first.session_key == first.looked_up == second.session_key == second.looked_up
        assert (first.remembered, second.remembered) == (None, False)
        assert (second.given, third.given) == ((0, 1), (1, 2))
        assert "session_memory_store[" in first.wrote


class TestStateless:
    def test_an_app_that_keeps_nothing_loses_nothing(self, stateless: Diagnosis) -> None:
        assert stateless.verdict == "stateless"
        assert stateless.causes == ()
        assert {"skipped"} == {outcome.outcome for outcome in stateless.experiments}

    def test_what_was_not_run_is_not_healthy(self, partial: Diagnosis) -> None:
        assert partial.verdict == "inconclusive"
        assert partial.experiments[0].outcome == "kept"
        assert [problem.slug for problem in partial.errors] == ["not-all-run"]


class TestAnyDiagnosis:
    def test_its_json_is_of_the_schema(self, any_diagnosis: Diagnosis) -> None:
        document = json.loads(load_format("json").diagnosis(any_diagnosis, View()))

        assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(document)] == []
        assert any_diagnosis.verdict == document["verdict"]

    def test_the_stored_run_is_judged_the_same(self, any_diagnosis: Diagnosis) -> None:
        again = analyze(Path(any_diagnosis.run))

        assert any_diagnosis.verdict == again.verdict
        assert any_diagnosis.causes == again.causes
        assert any_diagnosis.experiments == again.experiments
        assert any_diagnosis.errors == again.errors
        assert any_diagnosis.target == again.target
        assert again == analyze(Path(any_diagnosis.run))

    def test_every_anchor_is_a_line_of_the_project(self, any_diagnosis: Diagnosis) -> None:
        anchors = [a for found in any_diagnosis.causes for a in (found.anchor, *found.related)]
        for anchor in anchors:
            assert 0 < anchor.line <= len(Path(anchor.path).read_text("utf-8").splitlines())


class TestStoredRun:
    def test_the_same_seed_is_the_same_markers_and_keys(self, diagnosed: Diagnosed) -> None:
        def sent(seed: int) -> dict[str, list[tuple[int, tuple[str, ...], str | None]]]:
            told = histories(diagnosed("bot.py:reply", seed=seed, only=("same-process", "other-session")))
            return {
                name: sorted((op.turn, op.markers, op.key) for op in one.select("turn")) for name, one in told.items()
            }

        assert sent(7) == sent(7)
        assert sent(7) != sent(8)

    def test_a_run_without_a_seed_says_which_it_took(self, partial: Diagnosis) -> None:
        meta = json.loads((Path(partial.run) / "run.json").read_text("utf-8"))

        assert isinstance(meta["seed"], int)

    @pytest.mark.parametrize(
        "damage",
        [
            lambda run: (run / "run.json").unlink(),
            lambda run: (run / "run.json").write_text("{", "utf-8"),
            lambda run: (run / "run.json").write_text("[]", "utf-8"),
            lambda run: (run / "run.json").write_text("{}", "utf-8"),
            lambda run: (run / "same-process.jsonl").unlink(),
            lambda run: (run / "same-process.jsonl").write_text("not an op\n", "utf-8"),
            lambda run: (run / "same-process.jsonl").write_bytes(b"\xff\xfe\n"),
            lambda run: (run / "same-process.jsonl").write_text('{"time": "x", "type": "ok", "f": "turn"}\n', "utf-8"),
            lambda run: (run / "same-process.jsonl").write_text(
                '{"time": 1, "type": "ok", "f": "turn", "turn": "a"}\n'
            ),
        ],
        ids=["no-meta", "cut-meta", "list", "empty", "no-history", "no-op", "no-text", "no-time", "no-turn"],
    )
    def test_a_damaged_run_is_told_as_such(self, damage: Any, partial: Diagnosis, tmp_path: Path) -> None:
        copy = tmp_path / "run"
        copy.mkdir()
        for file in Path(partial.run).iterdir():
            if file.is_file():
                (copy / file.name).write_bytes(file.read_bytes())
        damage(copy)

        assert said_of(copy) in ("unreadable-run", "inconclusive")

    def test_the_user_s_project_holds_nothing_new_but_the_runs(self, project: Path, any_diagnosis: Diagnosis) -> None:
        names = {path.name for path in project.iterdir()} - {".statecheck"}

        assert {"broken.py", "fixed.py", "echo.py", "bot.py"} == names
