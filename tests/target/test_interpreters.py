"""Which interpreter runs the target: what is found where, what is taken, and what variables it gets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import commands
import pytest

from statecheck.errors import ExitCode, StatecheckError
from statecheck.lab.environment.variables import target_environment
from statecheck.target.interpreters import OWN, Interpreter, choose, named
from statecheck.target.virtualenvs import find_environments, folders_of, pipenv_name, poetry_name

APP = """\
import importlib.util
import sys

assert "only_here" in sys.modules, "a library is imported ahead"
assert "shop_lib" not in sys.modules, "and what is the user's own is not, installed to be edited or not"

from fastapi import FastAPI
from only_here import said
from shop_lib import NAME

app = FastAPI()
assert importlib.util.find_spec("statecheck") is None, sys.path


@app.post("/chat")
def chat(body: dict):
    before = said.setdefault(body["session_id"], [])
    before.append(body["message"])
    return {"answer": str(before[:-1]), "prefix": sys.prefix, "python": sys.executable}
"""


def environment(folder: Path, *modules: str, version: str = "3.12.1", home: str = "/usr/bin") -> Path:
    """A folder that looks like an environment which has these modules."""
    packages = folder / "lib" / f"python{version.rpartition('.')[0]}" / "site-packages"
    packages.mkdir(parents=True)
    for module in modules:
        place = packages.joinpath(*module.split("."))
        place.mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to(sys.executable)
    (folder / "pyvenv.cfg").write_text(f"home = {home}\nversion = {version}\n")
    return folder


def chosen(project: Path, *wanted: str, file: str = "app.py", **environ: str) -> Interpreter:
    return choose(project / file, project, environ, lambda: wanted)


@pytest.mark.parametrize("place", [".venv", "venv", "../.venv", "../../.venv"])
def test_an_environment_of_the_project_or_above_it_is_found(tmp_path: Path, place: str) -> None:
    project = tmp_path / "repository" / "shop" / "backend"
    project.mkdir(parents=True)
    (tmp_path / "repository" / ".git").mkdir()
    folder = environment(Path(os.path.normpath(project / place)), "shop_only")

    assert chosen(project, "shop_only").folder == folder


def test_nothing_beyond_the_repository_is_taken(tmp_path: Path) -> None:
    environment(tmp_path / ".venv")
    (tmp_path / "repository" / ".git").mkdir(parents=True)

    assert chosen(tmp_path / "repository") == OWN
    assert folders_of(tmp_path / "repository/app/main.py", tmp_path / "repository") == (
        tmp_path / "repository" / "app",
        tmp_path / "repository",
    )


def test_the_one_that_lacks_the_fewest_imports_is_taken(tmp_path: Path) -> None:
    environment(tmp_path / ".venv", "shop_a")
    environment(tmp_path / "venv", "shop_a", "shop_b.core")

    assert chosen(tmp_path, "shop_a", "shop_b.core", "shop_c").folder == tmp_path / "venv"
    assert chosen(tmp_path, "shop_a").folder == tmp_path / ".venv"
    assert chosen(tmp_path, "shop_c").folder == tmp_path / ".venv"


def test_one_that_lacks_what_statecheck_has_is_passed_over_and_named(tmp_path: Path) -> None:
    environment(tmp_path / ".venv", "fastapi")
    chose = chosen(tmp_path, "fastapi", "llama_index.core")

    assert chose.own
    assert [line.replace(str(tmp_path), "") for line in chose.passed_over] == [
        "the project's `/.venv` was passed over: it lacks `llama_index.core`"
    ]


def test_one_that_is_too_old_is_passed_over(tmp_path: Path) -> None:
    environment(tmp_path / ".venv", version="3.9.2")
    chose = chosen(tmp_path)

    assert chose.own
    assert chose.passed_over[0].endswith("was passed over: its Python 3.9 is too old")


def test_an_activated_environment_comes_first_and_conda_last(tmp_path: Path) -> None:
    activated, project, conda = (environment(tmp_path / name) for name in ("activated", ".venv", "conda"))
    (conda / "pyvenv.cfg").unlink()
    (conda / "conda-meta").mkdir()
    variables = {"VIRTUAL_ENV": str(activated), "CONDA_PREFIX": str(conda)}

    assert [one.folder for one in find_environments((tmp_path,), variables)] == [activated, project, conda]
    assert chosen(tmp_path, **variables).folder == activated
    assert chosen(tmp_path, CONDA_PREFIX=str(conda)).folder == project
    assert chosen(tmp_path, VIRTUAL_ENV=sys.prefix).folder == project  # statecheck's own was activated
    assert chosen(tmp_path, VIRTUAL_ENV="not/absolute", CONDA_PREFIX="/nowhere").folder == project


def test_poetry_and_pipenv_are_known_by_the_names_that_they_give() -> None:
    # What Poetry 2.2 and Pipenv 2026 called the environments of these very folders.
    assert poetry_name("my-shop", Path("/tmp/pv/my app/po")) == "my-shop-6xddha-U"
    assert pipenv_name(Path("/tmp/pv/my app/pi")) == "pi-Dlljadhy"


def test_what_poetry_pipenv_uv_and_pdm_keep_is_found(tmp_path: Path) -> None:
    project = tmp_path / "shop"
    project.mkdir()
    for name in ("poetry.lock", "Pipfile"):
        (project / name).touch()
    (project / "pyproject.toml").write_text('[build-system]\nname = "no"\n\n[project]\nversion = "1"\nname = "Shop"\n')
    poetry = [
        environment(tmp_path / ".cache/pypoetry/virtualenvs" / f"{poetry_name('Shop', project)}-py3.{minor}")
        for minor in (13, 9)
    ]
    pipenv = environment(tmp_path / ".local/share/virtualenvs" / pipenv_name(project))
    uv, pdm = environment(project / "elsewhere"), environment(tmp_path / "pdm")
    (project / ".pdm-python").write_text(f"{pdm}/bin/python")
    variables = {"HOME": str(tmp_path), "UV_PROJECT_ENVIRONMENT": "elsewhere"}

    assert [one.folder for one in find_environments((project,), variables)] == [uv, pdm, *poetry, pipenv]


def test_pdm_s_packages_without_an_environment_are_put_on_the_path(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python3"
    python.symlink_to(sys.executable)
    (tmp_path / ".pdm-python").write_text(str(python))
    library = tmp_path / "__pypackages__" / "3.12" / "lib"
    (library / "shop_only").mkdir(parents=True)
    chose = chosen(tmp_path, "shop_only")

    assert (chose.python, chose.libraries) == (str(python), (library,))
    assert target_environment({}, (), chose)["PYTHONPATH"] == str(library)


def test_pth_files_add_packages(tmp_path: Path) -> None:
    folder = environment(tmp_path / ".venv")
    (tmp_path / "src" / "shop_only").mkdir(parents=True)
    (site,) = folder.glob("lib/*/*")
    (site / "shop.pth").write_text(f"import sys\n# comment\n{tmp_path / 'src'}\n")
    environment(tmp_path / "venv", "other")

    assert chosen(tmp_path, "shop_only").folder == folder


def test_an_interpreter_is_named_by_file_folder_or_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = environment(tmp_path / "env")
    monkeypatch.setenv("PATH", str(folder / "bin"))

    assert named("env", tmp_path).python == str(folder / "bin/python")
    assert named("env/bin/python", tmp_path).folder == folder
    assert named(str(folder), Path("/")).folder == folder
    assert named("python", tmp_path).python == str(folder / "bin/python")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("nowhere", "there is no interpreter `nowhere`"),
        ("3.12", "there is no interpreter `3.12`"),
        ("empty", "`empty` holds no `bin/python`"),
        ("text", "`text` cannot be executed"),
    ],
)
def test_what_is_no_interpreter_is_a_usage_error(tmp_path: Path, given: str, text: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("")
    with pytest.raises(StatecheckError) as caught:
        named(given, tmp_path)

    assert (caught.value.text, caught.value.exit_code) == (text, ExitCode.USAGE)
    assert "--python" in caught.value.hint


def test_another_interpreter_gets_no_variables_of_ours(tmp_path: Path) -> None:
    folder = environment(tmp_path / "env")
    ours, purelib = str(Path(sys.prefix) / "bin"), sysconfig.get_path("purelib")
    root = str(Path(__file__).resolve().parents[2])
    ambient = {
        "PATH": os.pathsep.join((ours, "/old/bin", "/usr/bin")),
        "VIRTUAL_ENV": "/old",
        "PYTHONHOME": "/usr",
        "PYTHONPATH": os.pathsep.join((root, purelib, "lib", "/srv/lib")),
    }
    environ = target_environment(ambient, (), Interpreter(str(folder / "bin/python"), "named", folder))

    assert environ["PATH"] == os.pathsep.join((str(folder / "bin"), "/usr/bin"))
    assert environ["VIRTUAL_ENV"] == str(folder)
    assert environ["PYTHONPATH"] == os.pathsep.join(("lib", "/srv/lib"))
    assert "PYTHONHOME" not in environ
    assert target_environment(ambient, (), OWN).items() >= ambient.items()


# What only a target that is run can show.


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """An environment of its own: another prefix, the suite's packages by a `.pth`, and one module more."""
    folder = tmp_path / "project" / ".venv"
    venv.create(folder, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    packages = sysconfig.get_path("purelib")
    # as an editable install of another project would: a path, and not what our own environment adds (statecheck)
    (site / "dependencies.pth").write_text(f"{packages}\n{tmp_path / 'project' / 'libs'}\n")
    (tmp_path / "project" / "libs").mkdir()
    (tmp_path / "project" / "libs" / "shop_lib.py").write_text("NAME = 'shop'\n")
    (site / "only_here.py").write_text("said = {}\n")
    return folder


Diagnose = Callable[..., commands.Answered]


@pytest.fixture
def diagnose(capfd: pytest.CaptureFixture[str]) -> Diagnose:
    """Run `statecheck diagnose` in a folder."""

    def diagnose(project: Path, *words: str) -> commands.Answered:
        return commands.answer(project, "diagnose", *words, capture=capfd)

    return diagnose


def statecheck(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """As `diagnose`, in a process of its own, whose path and variables are not those of this suite."""
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    command = [sys.executable, "-m", "statecheck", "diagnose", *words]
    return subprocess.run(command, cwd=project, env=environ, capture_output=True, text=True, check=False, timeout=100)


def test_a_project_s_own_environment_runs_it(other: Path) -> None:
    project = other.parent
    (project / "app.py").write_text(APP)
    done = statecheck(project, "app.py", "--only", "same-process", "--format", "json")
    report = json.loads(done.stdout)
    run = json.loads((project / report["run"] / "run.json").read_text())

    assert [one["outcome"] for one in report["experiments"]][:1] == ["kept"], done.stdout
    assert any("(the project's `.venv`)" in note for note in run["notes"])
    history = (project / report["run"] / "same-process.jsonl").read_text()
    assert json.dumps(str(other / "bin/python"))[1:-1] in history


ASGI = """\
import importlib.util
import json

said = {}
assert importlib.util.find_spec("uvicorn") is None


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return
    body = json.loads((await receive())["body"])
    before = said.setdefault(body["user"], [])
    before.append(body["text"])
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(before[:-1]).encode()})
"""
WSGI = """\
import json

said = {}


def app(environ, start_response):
    body = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
    before = said.setdefault(body["user"], [])
    before.append(body["text"])
    start_response("200 OK", [])
    return [str(before[:-1]).encode()]
"""


@pytest.mark.parametrize("app", [ASGI, WSGI], ids=["asgi", "wsgi"])
def test_one_without_a_server_is_lent_one(diagnose: Diagnose, tmp_path: Path, app: str) -> None:
    venv.create(tmp_path / "bare", symlinks=True)
    (tmp_path / "app.py").write_text(app)
    words = ["--endpoint", "POST /chat", "--message-field", "text", "--session-field", "user"]
    done = diagnose(tmp_path, "app.py:app", "--python", "bare", "--only", "same-process", "--format", "json", *words)
    report = json.loads(done.out)

    assert report["experiments"][0]["outcome"] == "kept", done.out
    assert [problem["slug"] for problem in report["errors"]] == ["not-all-run"]


@pytest.mark.acceptance
def test_a_module_that_it_lacks_is_told_with_the_interpreter(other: Path) -> None:
    (other.parent / "app.py").write_text("import llama_index.core\nimport no_such_library\ndef reply(text): ...\n")
    done = statecheck(other.parent, "app.py:reply", "--format", "json")
    (problem,) = json.loads(done.stdout)["errors"]

    assert done.returncode == ExitCode.INCONCLUSIVE
    assert problem["slug"] == "missing-dependency"
    assert problem["text"] == f"the target needs the module `no_such_library`, which `{other}/bin/python` does not have"
    assert "--python" in problem["hint"]


@pytest.mark.parametrize("isolation", ["namespace", "copy"])
def test_what_is_no_python_is_told_in_a_line(
    diagnose: Diagnose, tmp_path: Path, isolation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATECHECK_ISOLATION", isolation)
    (tmp_path / "app.py").write_text("def reply(session_id, text): ...\n")
    done = diagnose(tmp_path, "app.py:reply", "--python", "/bin/ls", "--format", "json")
    (problem,) = json.loads(done.out)["errors"]

    assert done.code == ExitCode.INCONCLUSIVE
    assert problem["slug"] == "no-interpreter"
    assert problem["text"] == "`/bin/ls` is no Python"


def test_a_python_that_cannot_start_is_told_with_its_own_words(diagnose: Diagnose, tmp_path: Path) -> None:
    old = tmp_path / "python"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && exec echo Python 3.13.0\necho no encodings >&2; exit 1\n')
    old.chmod(0o755)
    (tmp_path / "app.py").write_text("def reply(session_id, text): ...\n")
    done = diagnose(tmp_path, "app.py:reply", "--python", str(old), "--format", "json")
    (problem,) = json.loads(done.out)["errors"]

    assert problem["text"] == f"`{old}` cannot run the target: no encodings"


def test_an_environment_whose_interpreter_is_gone_is_told_with_where_it_was(tmp_path: Path) -> None:
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to("/nowhere/python3.12")

    with pytest.raises(StatecheckError, match=r"`.venv` leads to `/nowhere/python3.12`, which is not there"):
        named(".venv", tmp_path)


@pytest.mark.acceptance
def test_relative_paths_start_where_statecheck_is_run(tmp_path: Path) -> None:
    (tmp_path / "shop" / "data").mkdir(parents=True)
    (tmp_path / "shop" / "data" / "rules.txt").write_text("be kind")
    (tmp_path / "shop" / "bot.py").write_text(
        "rules = open('data/rules.txt').read()\ndef reply(session_id, text): return rules + text\n"
    )
    words = ["--only", "same-process", "--format", "json"]
    elsewhere = json.loads(statecheck(tmp_path, "shop/bot.py:reply", *words).stdout)
    there = json.loads(statecheck(tmp_path / "shop", "bot.py:reply", *words).stdout)

    assert [problem["slug"] for problem in elsewhere["errors"]] == ["import-failed"]
    assert elsewhere["errors"][0]["hint"].endswith("and lies in `shop`: run it there")
    assert [problem["slug"] for problem in there["errors"]] == ["not-all-run"]
