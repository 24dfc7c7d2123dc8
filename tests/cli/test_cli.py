"""The command line: exit code, stdout and stderr of every command, as a user or a program sees them.

The engine is replaced by hand-made diagnoses. Expected outputs lie in `golden/`; `STATECHECK_GOLDEN=1 pytest` writes
them anew.
"""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
import types
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sample_diagnoses import (
    BROKEN,
    DIAGNOSES,
    FAILED,
    HEALTHY,
    INCONCLUSIVE,
    PASSED,
    PROPOSAL,
    STATELESS,
    UNJUDGED,
    UNKNOWN,
    WARNED,
)

from statecheck.__main__ import main
from statecheck.cli.console import Screen, wants_color
from statecheck.cli.exit_codes import exit_code, run_code
from statecheck.errors import ExitCode, StatecheckError
from statecheck.kept import store
from statecheck.model import Diagnosis, Problem, ScenarioResult
from statecheck.options.config import Options
from statecheck.report import FORMATS
from statecheck.scenarios import bundled, runs

if TYPE_CHECKING:
    from statecheck.talk.plan import Proposal

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)


class Engine:
    """Answers with what it is told to, and remembers what it was asked."""

    diagnosis: Diagnosis | Exception = BROKEN
    results: tuple[ScenarioResult, ...] = (PASSED,)
    asked: tuple[Any, ...] = ()
    proposal: Proposal = PROPOSAL

    def diagnose(self, spec: str | None, options: Options, progress: Callable[[str], None], _: None) -> Diagnosis:
        self.asked = (spec, options)
        progress("working")
        return self.analyze(Path())

    def propose(self, spec: str | None, options: Options, progress: Callable[[str], None]) -> Proposal:
        self.asked = (spec, options)
        progress("working")
        return self.proposal

    def analyze(self, run: Path) -> Diagnosis:
        self.asked = self.asked or (run,)
        if isinstance(self.diagnosis, BaseException):
            raise self.diagnosis
        return self.diagnosis

    def run(self, chosen: Any, options: Options, progress: Callable[[str], None]) -> tuple[ScenarioResult, ...]:
        self.asked = (chosen, options)
        return self.results


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine = Engine()
    module = types.ModuleType("statecheck.diagnose")
    module.__dict__.update(diagnose=engine.diagnose, analyze=engine.analyze, propose=engine.propose)
    monkeypatch.setitem(sys.modules, "statecheck.diagnose", module)
    monkeypatch.setattr(runs, "run", engine.run)
    monkeypatch.setattr(bundled, "names", lambda: ("multi-worker", "session-key"))
    return engine


Golden = Callable[[str, str], int]


@pytest.fixture
def golden(capfd: pytest.CaptureFixture[str]) -> Golden:
    """Run a command line and compare everything it says with `golden/<name>.txt`."""

    def check(name: str, words: str) -> int:
        code = main(words.split())
        out, err = capfd.readouterr()
        got = f"$ statecheck {words}\nexit: {code}\n----- stdout\n{out}----- stderr\n{err}"
        file = GOLDEN / f"{name}.txt"
        if os.environ.get("STATECHECK_GOLDEN"):
            file.parent.mkdir(exist_ok=True)
            file.write_text(got, "utf-8")

        assert got == file.read_text("utf-8")
        return code

    return check


CODES = {"state-loss": 1, "healthy": 0, "warned": 0, "stateless": 0, "inconclusive": 4, "hostile": 1}


@pytest.mark.parametrize("name", DIAGNOSES)
@pytest.mark.parametrize("style", FORMATS)
def test_diagnose(engine: Engine, golden: Golden, name: str, style: str) -> None:
    engine.diagnosis = DIAGNOSES[name]

    assert golden(f"diagnose-{name}-{style}", f"diagnose app.py --format {style}") == CODES[name]


@pytest.mark.parametrize("style", FORMATS)
@pytest.mark.parametrize(("name", "proposal", "code"), [("plan", PROPOSAL, 0), ("plan-unknown", UNKNOWN, 4)])
def test_plan(engine: Engine, golden: Golden, style: str, name: str, proposal: Proposal, code: int) -> None:
    engine.proposal = proposal

    assert golden(f"{name}-{style}", f"diagnose app.py --plan --format {style}") == code


@pytest.mark.parametrize("style", FORMATS)
@pytest.mark.parametrize(("results", "code"), [((PASSED,), 0), ((PASSED, FAILED), 1), ((PASSED, UNJUDGED), 4)])
def test_run(engine: Engine, golden: Golden, style: str, results: tuple[ScenarioResult, ...], code: int) -> None:
    engine.results = results

    assert golden(f"run-{code}-{style}", f"run --all --format {style}") == code
    assert [(scenario.name, scenario.kind) for scenario in engine.asked[0]] == [
        ("multi-worker", None),
        ("session-key", None),
    ]


def test_kinds_are_run_instead_of_the_scenarios(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "session-key", "--kind", "shared-key"]) == 0
    assert [(scenario.name, scenario.kind) for scenario in engine.asked[0]] == [("session-key", "shared-key")]
    assert main(["run", "--all", "--kind", "all"]) == 0
    assert {scenario.kind for scenario in engine.asked[0]} >= {"new-key", "shared-key", "stale-cache"}
    capsys.readouterr()
    assert main(["run", "session-key", "--kind", "sharedkey"]) == 2
    assert "hint: did you mean `shared-key`?" in capsys.readouterr().err
    assert main(["run", "multi-worker", "--kind", "shared-key"]) == 2
    assert "error: unknown kind `shared-key`" in capsys.readouterr().err


def test_a_file_for_a_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["app.py"]) == 2
    assert "hint: see `statecheck --help`" in capsys.readouterr().err
    (tmp_path / "app.py").touch()
    assert main(["app.py"]) == 2
    assert "hint: did you mean `statecheck diagnose app.py`?" in capsys.readouterr().err


def test_run_side_by_side(engine: Engine, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "220")

    assert golden("run-wide", "run multi-worker") == 0


@pytest.mark.parametrize(
    ("name", "words", "code"),
    [
        ("help", "--help", 0),
        ("help-diagnose", "diagnose --help", 0),
        ("no-command", "", 2),
        ("unknown-command", "diagnos app.py", 2),
        ("unknown-option", "diagnose --formt json", 2),
        ("unknown-format", "diagnose --format jsn", 2),
        ("unknown-experiment", "diagnose --only same-proces", 2),
        ("unknown-scenario", "run multi-wroker", 2),
        ("cause-for-scenario", "run SC102", 2),
        ("missing-value", "diagnose --timeout", 2),
        ("wrong-value", "diagnose --timeout soon", 2),
        ("bad-timeout", "diagnose --timeout -1", 2),
        ("bad-env", "diagnose --env NAME", 2),
        ("bad-header", "diagnose --header NAME=x", 2),
        ("nothing-selected", "run", 5),
        ("nothing-left", "diagnose --only concurrent --skip concurrent", 5),
        ("names-and-all", "run --all multi-worker", 2),
        ("no-run", "analyze", 5),
        ("missing-run", "analyze nope", 2),
        ("explain", "explain", 0),
        ("explain-unknown", "explain multi-wroker", 2),
        ("explain-message", "explain Skipping_serialization", 2),
        ("clean", "clean", 0),
    ],
)
@pytest.mark.usefixtures("engine")
def test_other_commands(golden: Golden, monkeypatch: pytest.MonkeyPatch, name: str, words: str, code: int) -> None:
    monkeypatch.setattr(Path, "cwd", lambda: Path("/project"))

    assert golden(name, words) == code


def test_options_reach_the_engine(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.statecheck]\nendpoint = '/a'\nsession-field = 'user'\n")
    words = ["diagnose", "app.py", "--endpoint", "/b", "--message-field", "text", "--env", "A=1=2", "--env", "B="]
    words += ["--header", "X-Key: v:w", "--volume", "data", "--only", "concurrent", "--only", "same-process"]
    words += ["--python", ".venv", "--env-file", "a.env", "--app-dir", "src"]
    words += ["--timeout", "60", "--seed", "7", "--show-logs"]
    main(words)

    assert engine.asked == (
        "app.py",
        Options(
            endpoint="/b",
            message_field="text",
            session_field="user",
            env=(("A", "1=2"), ("B", "")),
            headers=(("X-Key", "v:w"),),
            volumes=(tmp_path / "data",),
            only=("concurrent", "same-process"),
            timeout_scale=2.0,
            seed=7,
            show_logs=True,
            python=".venv",
            app_dir=tmp_path / "src",
            env_files=(tmp_path / "a.env",),
        ),
    )


def test_analyze_gets_the_run_that_was_meant(engine: Engine, tmp_path: Path) -> None:
    run = store.begin(tmp_path)
    run.finish({})

    assert main(["analyze", run.path.name[:12]]) == 1
    assert engine.asked == (run.path,)


def test_list_and_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^multi-worker +SC102  ", out, re.MULTILINE)
    assert re.search(r"^  stale-cache  +\S", out, re.MULTILINE)
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_explain_is_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "sc102"]) == 0
    out = capsys.readouterr().out

    assert out.startswith("SC102 multi-worker: ")
    assert "\nWHAT IT MEANS\n\n" in out
    assert "\n    from fastapi import FastAPI\n" in out
    assert "```" not in out


def test_explain_as_json_and_of_a_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "multi-worker", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["code"] == "SC102"
    assert main(["explain", "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["causes"]) == 7
    assert main(["explain", "Skipping serialization of known unserializable key"]) == 0
    assert capsys.readouterr().out.startswith("SC107 broken-store: ")
    assert main(["explain", "the printer is on fire"]) == 2


@pytest.mark.parametrize(
    ("diagnosis", "fail_on", "code"),
    [
        (BROKEN, "error", 1),
        (HEALTHY, "note", 0),
        (WARNED, "error", 0),
        (WARNED, "warning", 1),
        (replace(WARNED, causes=(replace(WARNED.causes[0], severity="note"),)), "warning", 0),
        (replace(WARNED, causes=(replace(WARNED.causes[0], severity="note"),)), "note", 1),
        (INCONCLUSIVE, "error", 4),
        (replace(INCONCLUSIVE, causes=WARNED.causes), "error", 4),
        (replace(INCONCLUSIVE, causes=WARNED.causes), "warning", 1),
        (replace(BROKEN, errors=INCONCLUSIVE.errors), "error", 1),
        (replace(BROKEN, errors=(Problem("disk-full", "", ""),)), "error", 3),
        (STATELESS, "note", 0),
    ],
)
def test_exit_codes_have_one_order(diagnosis: Diagnosis, fail_on: str, code: int) -> None:
    assert exit_code(diagnosis, fail_on) == code


def test_a_run_that_failed_outranks_one_that_could_not_be_judged() -> None:
    assert run_code([PASSED]) == 0
    assert run_code([UNJUDGED, FAILED]) == 1
    assert run_code([UNJUDGED]) == run_code([replace(PASSED, passed=False, broken=(), fixed=())]) == 4


def test_fail_on_is_read_from_the_command_line_or_the_project(engine: Engine, tmp_path: Path) -> None:
    engine.diagnosis = WARNED
    (tmp_path / "pyproject.toml").write_text("[tool.statecheck]\nfail-on = 'warning'\n")

    assert main(["diagnose"]) == 1
    assert main(["diagnose", "--fail-on", "error"]) == 0


def test_an_error_shows_the_targets_last_lines(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    engine.diagnosis = StatecheckError(
        "app-import", "`app.py` fails at import", "mend it", ExitCode.INCONCLUSIVE, "Traceback\n\x1b[31mKeyError: 'x'"
    )

    assert main(["diagnose", "app.py"]) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "error: `app.py` fails at import\n  | Traceback\n  | \\x1b[31mKeyError: 'x'\n\nhint: mend it\n"


@pytest.mark.parametrize("debug", [True, False])
def test_a_fault_of_ours_is_never_exit_1(engine: Engine, capsys: pytest.CaptureFixture[str], debug: bool) -> None:
    engine.diagnosis = ZeroDivisionError("division by zero")

    assert main(["diagnose", *(["--debug"] if debug else [])]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert ("Traceback" in err) == debug
    assert "internal error: ZeroDivisionError: division by zero\n\nhint: " in err


def test_interrupted_is_130(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    engine.diagnosis = KeyboardInterrupt()  # type: ignore[assignment]

    assert main(["diagnose"]) == 130
    assert capsys.readouterr().out == ""


def test_output_is_written_whole(engine: Engine, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["diagnose", "--format", "json", "--output", "report.json", "-q"]) == 1
    assert main(["diagnose", "--format", "json", "--output", "report.json"]) == 1
    out, err = capsys.readouterr()

    assert (out, err) == ("", "Wrote report.json\n")
    assert json.loads((tmp_path / "report.json").read_bytes())["verdict"] == "state-loss"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".git", "report.json"]


@pytest.mark.parametrize(("output", "error"), [(".git", "is a folder"), ("nowhere/x", "is no folder")])
def test_output_into_nowhere_is_a_usage_error(
    engine: Engine, capsys: pytest.CaptureFixture[str], output: str, error: str
) -> None:
    assert main(["diagnose", "--output", output]) == 2
    assert error in capsys.readouterr().err


def test_a_full_disk_is_3(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "report").write_text("old")
    monkeypatch.setattr(os, "replace", full)
    monkeypatch.setattr(Path, "replace", full)

    assert main(["diagnose", "--output", "report"]) == 3
    assert capsys.readouterr().err.startswith("error: no space is left to write the report\n\nhint: ")
    assert (tmp_path / "report").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".git", "report"]


def test_show_logs_goes_to_stderr(engine: Engine, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    run = store.begin(tmp_path)
    run.write("app.log", b"started\n\x1b[2Jgone\n")
    run.finish({})
    engine.diagnosis = replace(BROKEN, run=run.name)
    main(["diagnose", "--show-logs", "--format", "json"])
    out, err = capsys.readouterr()

    assert err == "--- app.log\nstarted\n\\x1b[2Jgone\n"
    json.loads(out)


class Tty:
    def __init__(self, terminal: bool) -> None:
        self.isatty = lambda: terminal


@pytest.mark.parametrize(
    ("choice", "terminal", "environ", "colored"),
    [
        ("auto", True, {}, True),
        ("auto", False, {}, False),
        ("auto", True, {"TERM": "dumb"}, False),
        ("auto", True, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ("auto", False, {"FORCE_COLOR": "1"}, True),
        ("auto", False, {"FORCE_COLOR": "0"}, False),
        ("auto", False, {"GITHUB_ACTIONS": "true"}, False),
        ("always", False, {"NO_COLOR": "1"}, True),
        ("never", True, {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colour_order(choice: str, terminal: bool, environ: dict[str, str], colored: bool) -> None:
    assert wants_color(choice, Tty(terminal), environ) is colored  # type: ignore[arg-type]
    assert not wants_color("auto", None, {"FORCE_COLOR": "1"})


def test_colour_adds_escapes_and_nothing_else(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    main(["diagnose", "--color", "always"])
    colored = capsys.readouterr().out
    main(["diagnose", "--color", "never"])

    assert "\x1b[1;31merror[SC102]\x1b[0m" in colored
    assert re.sub(r" *\n", "\n", re.sub(r"\x1b\[[\d;]*m", "", colored)) == capsys.readouterr().out


def test_progress_is_for_terminals(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TERM", "xterm")
    with Screen().progress() as progress:
        progress("unseen")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with Screen().progress() as progress:
        progress("a \x1b[31m" + "long " * 100)

    err = capsys.readouterr().err
    assert err.startswith("\r\x1b[2Ka \\x1b[31mlong")
    assert err.endswith("\r\x1b[2K")
    assert max(map(len, err.split("\r"))) <= 80 + len("\x1b[2K")
    assert "unseen" not in err


def test_every_value_named_in_the_help_exists() -> None:
    import statecheck.cli.arguments as arg

    hints = {name: getattr(arg, name).__metadata__[0].help for name in ("FormatName", "FailOn", "Color")}

    assert all(name in hints["FormatName"] for name in FORMATS)
    assert all(name in hints["FailOn"] for name in ("error", "warning", "note"))
    assert all(name in hints["Color"] for name in ("auto", "always", "never"))


# What only a process of its own can show.


def statecheck(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": str(GOLDEN.parent.parent), **options.pop("env", {})}
    command = [sys.executable, "-m", "statecheck", *words]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8", **options}
    return subprocess.run(command, env=environ, check=False, timeout=60, **options)


def test_the_version_names_what_a_bug_report_needs() -> None:
    done = statecheck("--version")

    assert done.returncode == 0
    assert done.stdout.startswith("statecheck 0.")
    assert f"(Python {sys.version.split()[0]}, llama-index-core 0." in done.stdout


def test_the_version_is_answered_before_typer_is_read() -> None:
    code = "import sys; from statecheck.__main__ import main; main(['--version']); print('typer' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=GOLDEN.parent.parent
    )

    assert done.stdout.endswith("False\n")


@pytest.mark.parametrize("words", [["list"], ["explain", "SC102"]])
def test_quick_commands_read_neither_rich_nor_llama_index(words: list[str]) -> None:
    code = f"import sys; from statecheck.__main__ import main; main({words!r})"
    code += "; print({'rich', 'llama_index'} & {*sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=GOLDEN.parent.parent
    )

    assert done.stdout.endswith("set()\n")


def test_github_actions_colours_no_pipe() -> None:
    commands = ["--help", "diagnose --help", "explain"]
    code = f"from statecheck.__main__ import main; print([main(words.split()) for words in {commands}])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "GITHUB_ACTIONS": "true", "TERM": "xterm-256color"},
        capture_output=True,
        text=True,
        check=True,
        cwd=GOLDEN.parents[2],
    )

    assert done.stdout.endswith("[0, 0, 0]\n")
    assert "\x1b" not in done.stdout + done.stderr


def test_a_full_device_is_3_and_quiet_about_it() -> None:
    with Path("/dev/full").open("w") as full:
        done = statecheck("explain", "SC102", stdout=full)

    assert done.returncode == 3
    assert done.stderr.startswith("error: no space is left to write the report\n\nhint: ")
    assert "Exception ignored" not in done.stderr


def test_a_closed_pipe_is_quiet() -> None:
    read, write = os.pipe()
    os.close(read)
    done = statecheck("explain", "SC102", stdout=write)
    os.close(write)

    assert (done.returncode, done.stderr) == (141, "")


def test_json_is_utf8_whatever_the_terminal_is() -> None:
    done = statecheck("explain", "--format", "json", env={"PYTHONIOENCODING": "ascii", "LC_ALL": "C"})

    assert len(json.loads(done.stdout)["causes"]) == 7


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_offers_causes(
    shell: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = {
        "COMP_WORDS": "statecheck explain SC10",
        "COMP_CWORD": "2",
        "_TYPER_COMPLETE_ARGS": "statecheck explain SC10",
    }
    environ = {"_STATECHECK_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_FISH_ACTION": "get-args", **words}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    main([])

    assert "SC102" in capsys.readouterr().out


def test_a_template_is_written_once_and_the_difference_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("statecheck.diagnose.propose", lambda *_: PROPOSAL)
    assert main(["diagnose", "app.py", "--write-template"]) == ExitCode.CLEAN
    out, err = capsys.readouterr()
    assert out.startswith("--- /dev/null\n+++ pyproject.toml\n@@ -0,0 ")
    assert "Written to pyproject.toml" in err
    written = (tmp_path / "pyproject.toml").read_text()
    assert [line[1:] for line in out.splitlines()[3:]] == written.splitlines()

    assert main(["diagnose", "app.py", "--write-template"]) == ExitCode.USAGE
    assert "pyproject.toml has a [tool.statecheck.template]" in capsys.readouterr().err
    assert (tmp_path / "pyproject.toml").read_text() == written
