"""Bad input, end to end: each gets one `error:` line, one `hint:`, its exit code, and leaves nothing behind.

Real runs, in this process where one of its own would show nothing else. What each app does wrong stands in `APPS`; what
must be said of it in `CASES`, and in `MORE`, which come to the same parts by another way and are for `make acceptance`.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import commands
import jsonschema
import psutil
import pytest

from statecheck.report.json import schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Say = Callable[..., "Said"]

ROOT = Path(__file__).parents[2]
LINUX = sys.platform.startswith("linux")

REPLY = """
STORE = {}

def reply(session_id: str, text: str) -> str:
    said = STORE.setdefault(session_id, [])
    %s
    said.append(text)
    return " ".join(said)
"""
WEB = """
from fastapi import FastAPI, HTTPException

app = FastAPI()
store = {}

@app.post("/chat")
def chat(payload: dict):
    said = store.setdefault(payload["session_id"], [])
    %s
    said.append(payload["message"])
    return {"answer": " ".join(said)}
"""
LIFESPAN = WEB.replace(
    "app = FastAPI()",
    """
from contextlib import asynccontextmanager

@asynccontextmanager
async def lifespan(app):
    import asyncio, os
    %s
    yield

app = FastAPI(lifespan=lifespan)""",
)
CUSTOMER = """
from fastapi import FastAPI
from pydantic import BaseModel, field_validator

app = FastAPI()

class Turn(BaseModel):
    session_id: str
    message: str
    customer: str

    @field_validator("customer")
    @classmethod
    def known(cls, value):
        if value != "C-1774":
            raise ValueError("no such customer")
        return value

@app.post("/chat")
def chat(turn: Turn):
    return {"answer": turn.message}
"""

APPS: dict[str, str | bytes] = {
    "notes.txt": "hello",
    "syntax.py": "def reply(:\n",
    "binary.py": b"a = 1\x00" * 100,
    "nothing.py": "print('hello')\n",
    "library.py": "from llama_index.core.memory import Memory\n\nmemory = None\n",
    "two.py": (WEB.replace("app", "first") % "pass") + (WEB.replace("app", "other") % "pass"),
    "raises.py": "print('connecting')\nraise RuntimeError('no database')\n" + REPLY % "pass",
    "missing.py": "import a_module_that_nobody_has\n" + REPLY % "pass",
    "exits.py": "import sys\nsys.exit('usage: exits.py MODEL')\n" + REPLY % "pass",
    "dies.py": "import os\nos._exit(7)\n" + REPLY % "pass",
    "sleeps.py": "import time\ntime.sleep(600)\n" + REPLY % "pass",
    "noarguments.py": "def reply():\n    return ''\n",
    "hangs.py": REPLY % "import time; time.sleep(600)",
    "hangs_later.py": REPLY % "import time; said and time.sleep(600)",
    "dies_in_turn.py": REPLY % "import os; os._exit(3)",
    "killed_in_turn.py": REPLY % "import os; os.kill(os.getpid(), 9)",
    "dies_later.py": REPLY % "import os; said and os._exit(3)",
    "raises_in_turn.py": REPLY % "raise ValueError('[bold] \\x1b[31mred')",
    "floods.py": REPLY % "import os; print('x' * 3_000_000); os.write(2, b'\\xff\\x1b[2J' * 100_000); 1 / 0",
    "web500.py": WEB % "raise RuntimeError('boom')",
    "web401.py": WEB % "raise HTTPException(401, 'who are you')",
    "web422.py": WEB % "raise HTTPException(422, 'what is that')",
    "web404.py": WEB % "raise HTTPException(404, 'no such conversation')",
    "start_hangs.py": LIFESPAN.replace("%s", "await asyncio.sleep(600)", 1) % "pass",
    "start_raises.py": LIFESPAN.replace("%s", "raise RuntimeError('no broker')", 1) % "pass",
    "start_dies.py": LIFESPAN.replace("%s", "os._exit(3)", 1) % "pass",
    "customer.py": CUSTOMER,
}


@dataclass(frozen=True)
class Case:
    """What is typed, and what must be said of it."""

    words: str
    code: int
    error: str
    hint: str
    shown: str = ""
    """Of the app's own last lines."""


CASES = [
    Case("nowhere.py", 2, r"no file .nowhere.py|.nowhere.py. .*", ""),
    Case("notes.txt", 2, "`notes.txt` is not a Python file", "name a Python file"),
    Case("binary.py", 2, "binary", "name a Python file"),
    Case("syntax.py", 2, "syntax.py:1: invalid syntax", "fix the file; it is not valid in any Python"),
    Case("nothing.py", 5, "no LlamaIndex and no app", "name the file"),
    Case("library.py", 2, "nothing to drive", "library.py:reply"),
    Case("two.py", 2, "several apps", "two.py:first"),
    Case("raises.py:replay", 2, "replay", "reply"),
    Case("raises.py:reply", 4, "failed at import in `raises.py:2`: RuntimeError: no database", "", "connecting"),
    Case("missing.py:reply", 4, "needs the module `a_module_that_nobody_has`", "install it"),
    Case("sleeps.py:reply", 4, "not ready within .* s: it hangs", "--timeout"),
    Case("hangs.py:reply", 4, r"no answer within 1 s .*: it waits in `hangs\.py:\d+`", "--timeout"),
    Case("dies_in_turn.py:reply", 4, "died while it answered", ""),
    Case("raises_in_turn.py:reply", 4, r"raised an exception .*ValueError: \[bold\] \\x1b\[31mred", ""),
    Case("web401.py", 4, "answered 401 to POST /chat.*who are you", "--header"),
    Case("raises.py:reply --endpoint /nope --timeout 0", 2, "--timeout cannot be 0", "above 0"),
]
MORE = [
    Case("start_hangs.py", 4, "not ready within .* s: it hangs", "--timeout"),
    Case("exits.py:reply", 4, "SystemExit", "", "usage: exits.py MODEL"),
    Case("dies.py:reply", 4, "ended its own process", "kill its process"),
    Case("noarguments.py:reply", 4, "takes no argument", "name a function"),
    Case("hangs_later.py:reply", 4, "no answer within 1 s", ""),
    Case("killed_in_turn.py:reply", 4, "died while it answered", ""),
    Case("dies_later.py:reply", 4, "died while it answered", ""),
    Case("floods.py:reply", 4, "ZeroDivisionError", ""),
    Case("web500.py", 4, "answered 500 to POST /chat.*RuntimeError: boom", "", "RuntimeError: boom"),
    Case("web422.py", 4, "answered 422 to POST /chat.*what is that", "--message-field"),
    Case("web404.py", 4, "answered 404 to POST /chat.*no such conversation", "--endpoint"),
    Case("start_raises.py", 4, "failed at start-up.*no broker", "", "no broker"),
    Case("start_dies.py", 4, "ended its own process", ""),
    Case("customer.py", 4, "answered 422 to POST /chat.*no such customer", "tool.statecheck"),
]


@dataclass(frozen=True)
class Said:
    """A finished command and what it left."""

    code: int
    out: str
    err: str
    left: tuple[str, ...]


def environment(folder: Path) -> dict[str, str]:
    """What the command is given; its temporary folder and a variable tell what is its own."""
    temporary = folder.with_name(f"{folder.name}-tmp")
    temporary.mkdir(exist_ok=True)
    plain = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "GITHUB_ACTIONS")}
    return {**plain, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary), "TERM": "dumb", "BAD_INPUT": str(folder)}


def left_behind(folder: Path, before: set[str]) -> tuple[str, ...]:
    """Files that appeared beyond .statecheck, and processes that were started from this command and live."""
    alive = living(folder)  # first: where the command was killed, one of its own cleans up after it
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    files = {file for file in files - before if not file.startswith(".statecheck/")}
    temporary = [str(path) for path in folder.with_name(f"{folder.name}-tmp").iterdir()]
    return (*sorted(files), *temporary, *alive)


def living(folder: Path, seconds: float = 5.0) -> list[str]:
    """Processes of a command that are still there after a moment (a killed one takes some milliseconds to go)."""
    until = time.monotonic() + seconds
    while found := [*_marked(folder)]:
        if time.monotonic() > until:
            return [process.info["name"] for process in found]
        psutil.wait_procs(found, timeout=0.1)
    return []


def _marked(folder: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter(["name", "status"]):
        try:
            if process.environ().get("BAD_INPUT") == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                yield process
        except psutil.Error:
            continue


def start(folder: Path, *words: str, **options: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "statecheck", *words]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL}
    return subprocess.Popen(command, **{"cwd": folder, "env": environment(folder), **streams, **options})  # type: ignore[call-overload, no-any-return]


def finish(process: subprocess.Popen[bytes], folder: Path, before: set[str]) -> Said:
    out, err = process.communicate(timeout=100)
    return Said(process.returncode, out.decode(), err.decode(), left_behind(folder, before))


def say(folder: Path, *words: str) -> Said:
    """Run the command in a process of its own."""
    before = {path.name for path in folder.iterdir()}
    return finish(start(folder, *words), folder, before)


@pytest.fixture
def answer(capfd: pytest.CaptureFixture[str]) -> Say:
    """As `say`, in this process, which has imported everything."""

    def answer(folder: Path, *words: str) -> Said:
        before = {path.name for path in folder.iterdir()}
        said = commands.answer(folder, *words, capture=capfd, environment=environment(folder))
        return Said(said.code, said.out, said.err, left_behind(folder, before))

    return answer


@pytest.mark.parametrize(
    "case", [*CASES, *(pytest.param(case, marks=pytest.mark.acceptance) for case in MORE)], ids=lambda case: case.words
)
def test_bad_input(case: Case, answer: Say, tmp_path: Path) -> None:
    name = case.words.partition(":")[0].split()[0]
    (tmp_path / ".git").mkdir()
    source = APPS.get(name)
    if source is not None:
        (tmp_path / name).write_bytes(source if isinstance(source, bytes) else source.encode())
    said = answer(tmp_path, "diagnose", "--timeout", "1", *case.words.split())
    lines = (said.out + said.err).splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    hints = [line for line in lines if re.match(r" *hint: ", line)]

    assert said.code == case.code, said
    assert len(errors) == len(hints) == 1, said
    assert re.search(case.error, errors[0]), said
    assert case.hint in hints[0], said
    assert case.shown in "\n".join(line for line in lines if line.lstrip().startswith("| ")), said
    assert not re.search(r"statecheck/(probe|lab|source|cli|diagnose|__main__)", said.out + said.err), said
    assert not any(line.startswith("Traceback") for line in lines), said
    assert "\x1b" not in said.out + said.err
    assert len(said.out + said.err) < 10_000
    assert said.left == ()
    assert (said.out == "") == (case.code in (2, 5)), said


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a callable that keeps its state in a dict."""
    folder = tmp_path / "project [a] é 😀"
    folder.mkdir()
    (folder / "bot.py").write_text(REPLY % "pass")
    (folder / "floods.py").write_text(APPS["floods.py"])  # type: ignore[arg-type]
    return folder


def test_json_names_what_could_not_be_judged(answer: Say, project: Path) -> None:
    said = answer(project, "diagnose", "floods.py:reply", "--timeout", "1", "--format", "json")
    document = json.loads(said.out)

    jsonschema.Draft202012Validator(json.loads(schema())).validate(document)
    assert (said.code, said.err) == (4, "")
    assert document["verdict"] == "inconclusive"
    assert [error["slug"] for error in document["errors"]] == ["turn-refused"]
    assert all(error["hint"] for error in document["errors"])


def test_user_text_is_shown_literally_and_the_run_can_be_judged_again(answer: Say, project: Path) -> None:
    said = answer(project, "diagnose", "bot.py:reply", "--timeout", "5")
    again = answer(project, "analyze", "--format", "json")

    assert said.code == again.code == 1
    assert "bot.STORE[" in said.out
    assert json.loads(again.out)["run"] in said.out
    assert (project / json.loads(again.out)["run"] / "run.json").is_file()
    assert said.left == again.left == ()


def test_a_run_elsewhere_is_named_so_that_it_is_found(answer: Say, project: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    said = answer(elsewhere, "diagnose", f"{project / 'floods.py'}:reply", "--timeout", "1", "--show-logs", "-v")
    (run,) = re.findall("^run: (.*)$", said.out, re.MULTILINE)

    assert (project / ".statecheck") in Path(run).parents
    assert Path(run, "run.json").is_file()
    assert "\\x1b[2J" in said.err
    assert [*elsewhere.iterdir()] == []


def _open_to_all(*paths: Path) -> bool:
    return all(folder.stat().st_mode & 0o005 == 0o005 for path in paths for folder in (path, *path.parents)[1:])


@pytest.mark.skipif(not LINUX or os.geteuid() != 0, reason="becomes another user")
@pytest.mark.skipif(
    not _open_to_all(Path(sys.executable).absolute(), Path(sys.executable).resolve(), ROOT / "statecheck"),
    reason="another user cannot read the interpreter or statecheck",
)
def test_a_read_only_project_is_left_alone() -> None:
    with tempfile.TemporaryDirectory(prefix="bad-input-") as base:  # pytest's own folders are closed to others
        Path(base).chmod(0o755)
        project = Path(base, "project")
        project.mkdir()
        (project / "bot.py").write_text(REPLY % "pass")
        environ = {**environment(project), "HOME": "/nonexistent"}
        Path(environ["TMPDIR"]).chmod(0o777)
        user = {"env": environ, "user": 1500, "group": 1500, "extra_groups": []}
        process = start(project, "diagnose", "bot.py:reply", "--format", "concise", **user)
        out, err = process.communicate(timeout=60)
        kept = re.fullmatch(r"The project cannot be written to, so the run is kept in (.*)\n", err.decode())

        assert process.returncode == 1, (out, err)
        assert kept
        assert Path(kept[1], "run.json").is_file()
        assert not (project / ".statecheck").exists()
        assert living(project) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_report_that_does_not_fit_is_3(answer: Say, project: Path) -> None:
    said = answer(project, "diagnose", "bot.py:reply", "--output", "/dev/full", "--only", "same-process")

    assert said.code == 3
    assert said.err.startswith("error: no space is left to write the report\n\nhint: ")
    assert said.left == ()


@pytest.mark.parametrize(
    "closed",
    [pytest.param((1,), marks=pytest.mark.acceptance), pytest.param((2,), marks=pytest.mark.acceptance), (0, 1, 2)],
    ids=str,
)
def test_closed_streams_lose_words_only(project: Path, closed: tuple[int, ...]) -> None:
    words = " ".join(f"{number}>&-" for number in closed)
    command = f'exec "$0" -m statecheck diagnose bot.py:reply --timeout 5 {words}'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable],
        cwd=project,
        env=environment(project),
        capture_output=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 1, done
    assert done.stderr == b""
    assert (done.stdout == b"") == (1 in closed)


def test_a_folder_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    command = 'rmdir "$1" && exec "$0" -m statecheck diagnose'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable, str(gone)],
        cwd=gone,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: the working directory does not exist any more\n\nhint: ")


def heed_signals() -> None:
    """As a terminal starts a program: a `nohup` above this suite would pass on that signals are ignored."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
@pytest.mark.parametrize("moment", [0.4, pytest.param(1.2, marks=pytest.mark.acceptance)])
def test_whatever_ends_it_nothing_is_left(project: Path, name: signal.Signals, moment: float) -> None:
    (project / "hangs.py").write_text(APPS["hangs.py"])  # type: ignore[arg-type]
    before = {path.name for path in project.iterdir()}
    process = start(project, "diagnose", "hangs.py:reply", start_new_session=True, preexec_fn=heed_signals)
    with pytest.raises(subprocess.TimeoutExpired):  # it hangs; this is the moment
        process.wait(moment)
    os.killpg(process.pid, name) if name == signal.SIGINT else process.send_signal(name)
    asked = time.monotonic()
    said = finish(process, project, before)

    assert said.code in (130 if name == signal.SIGINT else -name, -name), said  # CPython itself may end by the signal
    assert time.monotonic() - asked < 5  # an impatient user's second Ctrl-C; the turn's own limit is 30 s
    assert said.out == ""
    assert said.err.startswith("error: interrupted\n\nhint: ") or name != signal.SIGINT
    assert said.left == ()
    assert not [*project.glob(".statecheck/runs/*")]
