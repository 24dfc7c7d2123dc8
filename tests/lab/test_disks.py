"""What an app sees of the machine in namespaces, and what it can do to it: as root, and as an ordinary user."""

from __future__ import annotations

import contextlib
import json
import socket
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from labs import User, diagnosed
from machines import EVERYBODY, WHO, Machine, is_in_copies, ordinary_python

from statecheck.options.config import Options
from statecheck.probe.privileges import CONTAINERS

if TYPE_CHECKING:
    from collections.abc import Iterator

ONLY = ("--only", "same-process", "--only", "new-process", "--only", "new-container")
LOOKING = """\
    import ctypes, json, os, pathlib, socket, threading

    said = []


    def attempt(what, *arguments):
        try:
            return what(*arguments) or "done"
        except OSError as error:
            return type(error).__name__ if not error.errno else os.strerror(error.errno)


    def write(path):
        with open(path, "a") as file:
            file.write("changed")


    def connect(path):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(path)


    def look(around):
        there = pathlib.Path(around)
        status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines())
        libc = ctypes.CDLL(None, use_errno=True)
        return {
            "project": [attempt(write, "kept.txt"), attempt(write, "data/new")],
            "new": attempt(os.makedirs, "/statecheck-data/chats"),
            "writes": {
                name: attempt(write, there / name)
                for name in ("shared/theirs", "shared/deep/new", "foreign/own", "foreign/mine/deep/old", "grouped/new")
            },
            "outside": [attempt(write, f"/proc/1/root{there}/shared/theirs"), attempt(os.listdir, "/proc/1/cwd")],
            "machine": {path: attempt(write, path) for path in ("/proc/sys/vm/swappiness", "/sys/power/state")},
            "capabilities": status["CapEff"].strip(),
            "bounding": status["CapBnd"].strip(),
            "no_new_privs": status["NoNewPrivs"].strip(),
            "devices": sorted(os.listdir("/dev")),
            "run": [name for name in os.listdir("/run") if not os.path.islink(f"/run/{name}")],
            "sockets": {str(path): attempt(connect, str(path)) for path in sorted(there.rglob("*.sock"))},
            "abstract": attempt(connect, "\\0" + there.name),
            "namespaces": [os.readlink(f"/proc/self/ns/{kind}") for kind in ("mnt", "uts", "ipc", "cgroup", "net")],
            "descriptors": [attempt(os.readlink, f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")],
            "mknod": attempt(os.mknod, "disk", 0o60600, os.makedev(254, 0)),
            "hostname": attempt(socket.sethostname, "changed"),
            "mount": libc.mount(b"none", b"/", None, 32 | 4096, None),
        }


    def reply(session_id, text):
        earlier = list(said)
        said.append(text)
        print("SEEN", json.dumps(look(os.environ["AROUND"])))
        return str(earlier)
"""
STORED = """\
    import sqlite3

    FILES = {files!r}


    def read(file, session):
        with sqlite3.connect(file, timeout=20) as db:
            db.execute("create table if not exists said (id integer primary key, session, text)")
            return db.execute("select text from said where session = ? order by id", (session,)).fetchall()


    def reply(session_id: str, text: str) -> str:
        rows = min([read(file, session_id) for file in FILES], key=len)  # the one that has kept least
        for file in FILES:
            with sqlite3.connect(file, timeout=20) as db:
                db.execute("insert into said (session, text) values (?, ?)", (session_id, text))
        return str(rows)
"""
DOCKERFILE = "FROM python:3.12\nRUN apt-get update && mkdir -p /statecheck-data\nWORKDIR /statecheck-app\nCOPY . .\n"
COMPOSE = "services:\n  web:\n    build: .\n    volumes: {volumes}\nvolumes:\n  chat:\n"
STARTING = """\
import os, threading

found = []

def start():
    found.extend(line.strip() for line in open("/proc/self/status") if line.startswith(("CapEff", "NoNewPrivs")))
    threading.Thread(target=threading.Event().wait, daemon=True).start()

os.register_at_fork(after_in_child=start)
"""


BOUNDED = [one for one in EVERYBODY if one not in WHO]


@pytest.fixture(scope="module", params=[*WHO, *(pytest.param(one, marks=pytest.mark.acceptance) for one in BOUNDED)])
def who(request: pytest.FixtureRequest) -> str:
    if request.param == "ordinary" and ordinary_python() is None:
        pytest.skip("no interpreter that an ordinary user may run has this suite's packages")
    return str(request.param)


@pytest.fixture(scope="module")
def machine(who: str) -> Iterator[Machine]:
    machine = Machine(who)
    files = {
        "shared/theirs": "foreign",
        "foreign/own": "user",
        "foreign/mine/deep/old": "user",
        "foreign/project/kept.txt": "user",
    }
    for name, owner in files.items():
        (machine.root / name).write_text("before")
        machine.give(name, owner, 0o666)
    yield machine
    machine.remove()


def write(machine: Machine, **files: str) -> None:
    for name, text in files.items():
        (machine.project / name.replace("__", ".")).write_text(textwrap.dedent(text))


@pytest.fixture(scope="module")
def seen(machine: Machine) -> Iterator[dict[str, Any]]:
    """What an app finds; nothing of the machine is another afterwards."""
    write(machine, app__py=LOOKING)
    with contextlib.ExitStack() as listening:
        for folder in ("shared", "foreign/mine", "foreign/project", "grouped"):
            path = machine.root / folder / "door.sock"
            listen(listening, str(path))
            path.chmod(0o777)
            listening.callback(path.unlink)
        listen(listening, f"\0{machine.root.name}")
        before = machine.snapshot()
        report = machine.diagnose("--only", "same-process")
        assert report["experiments"][0]["outcome"] == "kept", report["errors"]
        assert machine.snapshot() == before
        assert not Path("/statecheck-data").exists()
        (line, *_) = [line for line in machine.output().splitlines() if line.startswith("SEEN ")]
        yield json.loads(line.removeprefix("SEEN "))


def listen(stack: contextlib.ExitStack, path: str) -> None:
    sock = stack.enter_context(socket.socket(socket.AF_UNIX))
    sock.bind(path)
    sock.listen()


def test_an_app_writes_to_its_own_project_wherever_that_lies(seen: dict[str, Any]) -> None:
    assert seen["project"] == ["done", "done"], "in a folder there too that another user has made"


def test_a_folder_that_is_not_on_this_machine_can_be_made(seen: dict[str, Any]) -> None:
    assert seen["new"] == "done"


def test_what_is_written_elsewhere_is_on_a_layer_or_refused(seen: dict[str, Any], who: str) -> None:
    refused = {"Value too large for defined data type", "Read-only file system", "Permission denied"}
    assert [said for said in seen["writes"].values() if said not in {"done", *refused}] == []
    assert seen["writes"]["foreign/mine/deep/old"] == "done", "a folder of the user's own"
    if who == "root":
        assert set(seen["writes"].values()) == {"done"}


def test_no_way_leads_out_of_the_namespace(seen: dict[str, Any]) -> None:
    assert seen["outside"] == ["Permission denied"] * 2
    assert [
        path
        for path in seen["descriptors"]
        if ":[" in path and not path.startswith(("socket:", "pipe:", "anon_inode:"))
    ] == []
    outside = [str(Path(f"/proc/self/ns/{kind}").readlink()) for kind in ("mnt", "uts", "ipc", "cgroup", "net")]
    assert [name for name in seen["namespaces"] if name in outside] == []


def test_it_has_the_rights_of_a_container(seen: dict[str, Any], who: str) -> None:
    kept = sum(1 << number for number in CONTAINERS) if who != "ordinary" else 0
    assert int(seen["capabilities"], 16) | kept == kept
    assert int(seen["bounding"], 16) | kept == kept
    assert seen["no_new_privs"] == "1"
    assert seen["mount"] == -1
    assert {seen["mknod"], seen["hostname"]} == {"Operation not permitted"}


def test_it_sees_the_devices_of_a_container_and_no_settings_to_change(seen: dict[str, Any]) -> None:
    nodes = ["full", "null", "random", "tty", "urandom", "zero"]
    others = ["fd", "mqueue", "ptmx", "pts", "shm", "stderr", "stdin", "stdout"]
    assert seen["devices"] == sorted([*nodes, *others])
    assert seen["run"] in ([], ["shm"])
    assert set(seen["machine"].values()) <= {"Read-only file system", "No such file or directory", "Permission denied"}


def test_the_users_sockets_are_out_of_reach(seen: dict[str, Any]) -> None:
    assert len(seen["sockets"]) == 4
    assert set(seen["sockets"].values()) == {"Connection refused"}
    assert seen["abstract"] == "Connection refused"


@pytest.mark.parametrize(
    "who",
    [WHO[0], *(pytest.param(one, marks=pytest.mark.acceptance) for one in EVERYBODY[1:])],
    indirect=True,
    scope="module",
)
def test_volumes_that_are_not_on_this_machine_keep_what_is_there_folders_or_files(machine: Machine) -> None:
    volumes = ["/statecheck-data", "/statecheck-app/state", "/var/lib/statecheck-desk/x"]
    single = ["there.db", "not-there.db"]
    mounts = [f"chat{n}:{path}" for n, path in enumerate(volumes)]
    mounts += [f"./{name}:/statecheck-app/{name}" for name in single]
    write(
        machine,
        app__py=STORED.format(files=[*(f"{volume}/chat.db" for volume in volumes), *single]),
        there__db="",
        Dockerfile=DOCKERFILE,
        compose__yaml=COMPOSE.format(volumes=json.dumps(mounts)),
    )

    report = machine.diagnose()

    assert (report["verdict"], report["causes"], report["errors"]) == ("healthy", [], [])
    assert not any(Path(path).exists() for path in ("/statecheck-data", "/statecheck-app", "/var/lib/statecheck-desk"))


@pytest.mark.acceptance
def test_without_a_volume_it_is_lost_with_the_container(machine: Machine) -> None:
    write(
        machine,
        app__py=STORED.format(files=["/statecheck-data/chat.db", "/statecheck-app/chat.db"]),
        Dockerfile=DOCKERFILE,
        compose__yaml=COMPOSE.format(volumes="[]"),
    )

    report = machine.diagnose(*ONLY)

    assert [(cause["code"], cause["severity"]) for cause in report["causes"]] == [("SC103", "error")]


@pytest.mark.acceptance
@pytest.mark.skipif(Path("/data").exists(), reason="this machine has a /data")
@pytest.mark.parametrize(("volumes", "causes"), [(["chat:/data"], []), ([], [("SC103", "error")])])
def test_a_compose_file_names_data_and_the_machine_has_none(
    machine: Machine, volumes: list[str], causes: list[tuple[str, str]]
) -> None:
    write(
        machine,
        app__py=STORED.format(files=["/data/chat.db"]),
        Dockerfile="FROM python:3.12\nRUN mkdir -p /data\nWORKDIR /srv/desk\nCOPY . .\n",
        compose__yaml=COMPOSE.format(volumes=json.dumps(volumes)),
    )

    report = machine.diagnose()

    assert report["errors"] == []
    assert [(cause["code"], cause["severity"]) for cause in report["causes"]] == causes
    assert report["verdict"] == ("state-loss" if causes else "healthy")
    assert not Path("/data").exists()


@pytest.mark.acceptance
def test_a_folder_that_the_code_takes_to_be_there_is_one_of_the_container(machine: Machine) -> None:
    write(machine, app__py=STORED.format(files=["/statecheck-data/chat.db"]))
    for name in ("Dockerfile", "compose.yaml"):
        (machine.project / name).unlink(missing_ok=True)

    report = machine.diagnose(*ONLY)

    assert [(cause["code"], cause["severity"]) for cause in report["causes"]] == [("SC103", "error")]
    assert any("/statecheck-data" in note and "--volume" in note for note in report["notes"])


@pytest.mark.parametrize("who", BOUNDED)
def test_root_without_the_right_to_namespaces_has_those_of_a_user(who: str) -> None:
    machine = Machine(who)
    try:
        write(machine, app__py=STORED.format(files=["chat.db"]))
        report = machine.diagnose("--only", "same-process")
    finally:
        machine.remove()

    assert not is_in_copies(report)
    assert report["experiments"][0]["outcome"] == "kept"


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path)


def test_libraries_that_start_threads_in_a_child_get_their_disk(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = user.root / "site-packages"
    installed.mkdir()
    (installed / "busy.py").write_text(STARTING, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(installed))
    user.write(bot="import busy\nprint('FOUND', *busy.found)\n" + textwrap.dedent(STORED.format(files=["chat.db"])))

    ran = diagnosed(user, "bot.py:reply", "namespace", Options(seed=1, only=("same-process", "new-container")))

    assert not any("afresh" in note for note in ran.diagnosis.notes)
    (found, *_) = [line.split() for line in ran.output().splitlines() if line.startswith("FOUND")]
    rights, gains = int(found[found.index("CapEff:") + 1], 16), found[found.index("NoNewPrivs:") + 1]
    assert (rights | sum(1 << number for number in CONTAINERS), gains) == (sum(1 << n for n in CONTAINERS), "1")
    assert [(one.code, one.severity) for one in ran.diagnosis.causes] == [("SC103", "error")], ran.diagnosis.errors


@pytest.mark.acceptance
def test_a_disk_that_cannot_be_made_is_named_with_the_reason(user: User) -> None:
    user.write(bot=STORED.format(files=["chat.db"]))
    (user.project / "chat.db").write_bytes(b"")

    ran = diagnosed(user, "bot.py:reply", "namespace", Options(seed=1, volumes=(user.project / "chat.db" / "in",)))

    (problem, *_) = ran.diagnosis.errors
    assert problem.slug == "no-place"
    assert problem.text.startswith("no place could be prepared: NotADirectoryError: [Errno 20]")
    assert f"{user.project}/chat.db/in" in problem.text
