"""Without namespaces: what the kernel forbids all the same, what the report says of the rest, what is left behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import system_calls
from labs import Ran, User, diagnosed
from machines import Machine

from statecheck.errors import StatecheckError
from statecheck.lab.workers.copies import CopiesFolder, check_copies, remove_leftovers
from statecheck.options.config import Options
from statecheck.probe import landlock
from statecheck.probe.project_copies import copy_folder, measure
from statecheck.report import load_format
from statecheck.report.text import View

VERSION = landlock.find_version()
ONE = Options(seed=1, only=("same-process",))
SECRET = "correct-Horse-9-battery"
REMEMBERING = """\
    import fcntl, json, pathlib

    FILE = pathlib.Path(__file__).parent / "chat.txt"


    def reply(session_id: str, text: str) -> str:
        with FILE.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            said = [earlier for session, earlier in map(json.loads, file) if session == session_id]
            file.write(json.dumps([session_id, text]) + "\\n")
        return " ".join([*said, text])
"""
BURGLAR = """\
    import ctypes, json, os, pathlib, socket, sqlite3, subprocess, sys

    said = []
    OUTSIDE = {outside!r}
    PORT, SOCKET, STATECHECK = {port!r}, {socket!r}, {statecheck!r}


    def attempt(what, *args):
        try:
            return repr(what(*args))
        except BaseException as error:
            return type(error).__name__


    def shell(line):
        return subprocess.run(["sh", "-c", line], capture_output=True).returncode


    def write():
        pathlib.Path(OUTSIDE, "written").write_text("x")


    def write_in_c():
        libc = ctypes.CDLL(None)
        return libc.open(os.fsencode(OUTSIDE + "/in c"), os.O_WRONLY | os.O_CREAT, 0o600) < 0


    def connect(kind, address):
        with socket.socket(kind) as sock:
            sock.settimeout(3)
            sock.connect(address)


    def connect_in_child():
        program = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])), 3)"
        return subprocess.run([sys.executable, "-I", "-S", "-c", program, str(PORT)], capture_output=True).returncode


    def reply(session_id, text):
        told = dict(earlier=list(said))
        said.append(text)
        told["write"] = attempt(write)
        told["write in c"] = attempt(write_in_c)
        told["write in a child"] = attempt(shell, f"echo x > '{{OUTSIDE}}/in a child'")
        told["remove in a child"] = attempt(shell, f"rm '{{OUTSIDE}}/letter'")
        told["rename in a child"] = attempt(shell, f"mv '{{OUTSIDE}}/letter' '{{OUTSIDE}}/other'")
        told["link in a child"] = attempt(shell, f"ln '{{OUTSIDE}}/letter' '{{OUTSIDE}}/other'")
        told["make in a child"] = attempt(shell, f"mkdir '{{OUTSIDE}}/folder'")
        told["truncate"] = attempt(os.truncate, OUTSIDE + "/letter", 0)
        told["mode"] = attempt(os.chmod, OUTSIDE + "/letter", 0)
        told["date"] = attempt(os.utime, OUTSIDE + "/letter", (1, 1))
        for kind, flags in dict(file=os.O_RDONLY, folder=os.O_RDONLY | os.O_DIRECTORY).items():
            descriptor = os.open(OUTSIDE + ("/letter" if kind == "file" else ""), flags)
            told[f"mode of a {{kind}}'s descriptor"] = attempt(os.fchmod, descriptor, 0o711)
            told[f"date of a {{kind}}'s descriptor"] = attempt(os.utime, descriptor, (1, 1))
        told["mode below a descriptor"] = attempt(lambda: os.chmod("letter", 0, dir_fd=descriptor))
        here = pathlib.Path(__file__).parent
        told["mode by a link"] = attempt(os.chmod, here / "link", 0)
        told["attribute"] = attempt(lambda: os.removexattr(OUTSIDE + "/letter", "user.kept"))
        told["own modes"] = [attempt(os.chmod, here / name, 0o700) for name in ("burglar.py", "volume/kept", ".")]
        told["netrc in a child"] = attempt(shell, f"cat '{{OUTSIDE}}/home/.netrc'")
        told["env file in a child"] = attempt(shell, f"cat '{{OUTSIDE}}/project/.env'")
        told["connect"] = attempt(connect, socket.AF_INET, ("127.0.0.1", PORT))
        told["connect in a child"] = attempt(connect_in_child)
        told["socket"] = attempt(connect, socket.AF_UNIX, SOCKET)
        told["signal"] = attempt(os.kill, STATECHECK, 0)
        told["variables"] = attempt(lambda: open(f"/proc/{{STATECHECK}}/environ", "rb").read())
        (pathlib.Path(__file__).parent / "own").write_text(text)
        told["own"] = (pathlib.Path.home() / "own").write_text(text) and "written"
        return json.dumps(told)
"""
TRESPASSING = """\
import os, pathlib

said = []


def reply(session_id, text):
    said.append(text)
    try:
        pathlib.Path(os.environ["AROUND"], "shared", "new").write_text(text)
    except OSError:
        pass
    return " ".join(said)
"""


def low_port() -> socket.socket:
    """Listen at a port that no app is given when it asks for any."""
    for port in range(landlock.list_own_ports()[0] - 1, 1024, -1):
        try:
            return socket.create_server(("127.0.0.1", port))
        except OSError:
            continue
    raise AssertionError("no port is free")


@pytest.fixture(scope="module")
def burgled(tmp_path_factory: pytest.TempPathFactory) -> tuple[User, Ran]:
    user = User(tmp_path_factory.mktemp("copies"))
    (user.root / "letter").write_text("dear")
    (user.root / "home" / ".netrc").write_text(f"machine example.com password {SECRET}\n")
    (user.project / ".env").write_text(f"SHOP_PASSWORD={SECRET}\n")
    (user.project / "link").symlink_to(user.root / "letter")
    (user.project / "volume").mkdir()
    (user.project / "volume" / "kept").touch()
    path = f"/tmp/statecheck-test-{os.getpid()}"  # short, as the address of a socket has to be
    with low_port() as listening, socket.socket(socket.AF_UNIX) as own, pytest.MonkeyPatch.context() as patch:
        own.bind(path)
        own.listen()
        patch.setenv("ANY_PASSWORD", SECRET)
        names = {
            "outside": str(user.root),
            "port": listening.getsockname()[1],
            "socket": path,
            "statecheck": os.getpid(),
        }
        user.write(burglar=BURGLAR.format(**names))
        before = user.snapshot()
        ran = diagnosed(user, "burglar.py:reply", "copy", replace(ONE, volumes=(user.project / "volume",)))
        assert user.snapshot() == before
    Path(path).unlink()
    return user, ran


@pytest.fixture(scope="module")
def told(burgled: tuple[User, Ran]) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(burgled[1].answers("same-process")[0])
    return answer


@pytest.mark.skipif(VERSION < 3, reason="this kernel has no Landlock that forbids to truncate")
class TestLandlock:
    @pytest.mark.parametrize(
        "what",
        [
            "write",
            "truncate",
            "mode",
            "date",
            "mode of a file's descriptor",
            "date of a file's descriptor",
            "mode of a folder's descriptor",
            "date of a folder's descriptor",
            "mode below a descriptor",
            "mode by a link",
            "attribute",
        ],
    )
    def test_nothing_is_written_outside(self, told: dict[str, Any], what: str) -> None:
        assert told[what] == "PermissionError"

    @pytest.mark.parametrize("what", ["write", "remove", "rename", "link", "make", "netrc", "env file"])
    def test_nor_by_other_programs_which_read_no_credentials(self, told: dict[str, Any], what: str) -> None:
        assert told[f"{what} in a child"] not in ("0", "OSError")

    def test_nor_by_c_code(self, told: dict[str, Any]) -> None:
        assert told["write in c"] == "True"

    def test_its_own_copy_home_and_temporary_folder_are_its_own(self, told: dict[str, Any]) -> None:
        assert told["own"] == "written"
        assert told["own modes"] == ["None"] * 3

    def test_the_services_of_this_machine_are_out_of_reach(self, told: dict[str, Any]) -> None:
        assert told["connect"] == "BeyondLoopback"
        assert told["socket"] == "BeyondLoopback"

    @pytest.mark.skipif(landlock.NETWORK > VERSION, reason="this Landlock forbids no connections")
    def test_for_other_programs_too(self, told: dict[str, Any]) -> None:
        assert told["connect in a child"] == "1"

    @pytest.mark.skipif(landlock.SCOPES > VERSION, reason="this Landlock forbids no signals")
    def test_no_process_of_the_user_s_can_be_ended(self, told: dict[str, Any]) -> None:
        assert told["signal"] == "PermissionError"

    def test_nothing_real_is_in_the_variables_of_a_process_that_it_can_see(self, told: dict[str, Any]) -> None:
        assert told["variables"] == "PermissionError"

    def test_a_write_that_was_tried_leaves_nothing_to_judge(self, burgled: tuple[User, Ran]) -> None:
        _, ran = burgled

        assert ran.diagnosis.verdict == "inconclusive"
        assert "outside the copy" in next(one.reason for one in ran.diagnosis.experiments if one.name == "same-process")


def test_the_report_begins_with_what_this_isolation_cannot_prevent(burgled: tuple[User, Ran]) -> None:
    _, ran = burgled
    view = View(width=10_000)
    first, second, *_ = load_format("full").diagnosis(ran.diagnosis, view).splitlines()

    assert first.startswith("note: isolated by copies of the project, not by namespaces (")
    assert second.startswith("note: what this isolation cannot prevent: connections by TCP to ports from ")


@pytest.mark.skipif(not system_calls.KNOWN, reason="no filter of system calls is known here")
@pytest.mark.parametrize(
    ("refused", "limit"),
    [
        pytest.param(("unshare",), "connections by TCP to ports from", marks=pytest.mark.acceptance),
        (("unshare", "landlock_create_ruleset"), "what these write outside the copies"),
    ],
)
def test_a_kernel_that_refuses_namespaces_or_landlock_too_is_told_and_nothing_is_written_outside(
    refused: tuple[str, ...], limit: str
) -> None:
    machine = Machine("root" if os.getuid() == 0 else "ordinary", refused=refused)
    (machine.project / "app.py").write_text(TRESPASSING)
    try:
        before = machine.snapshot()
        report = machine.diagnose("--only", "same-process")
        assert machine.snapshot() == before
    finally:
        machine.remove()

    notes = "\n".join(report["notes"])
    assert "isolated by copies of the project, not by namespaces (unshare: " in notes
    assert limit in notes
    assert "outside the copy" in report["experiments"][0]["reason"]


def test_a_copy_goes_with_its_experiment(tmp_path: Path) -> None:
    user = User(tmp_path)
    user.write(
        siblings="""\
        import json, pathlib
        said = []
        def reply(session_id, text):
            said.append(text)
            return json.dumps([*said, sorted(path.name for path in pathlib.Path(__file__).parents[3].iterdir())])
        """
    )
    ran = diagnosed(user, "siblings.py:reply", "copy", Options(seed=1, only=("same-process", "new-process")))

    assert "same-process" in json.loads(ran.answers("same-process")[0])[-1]
    siblings = json.loads(ran.answers("new-process")[0])[-1]
    assert "new-process" in siblings
    assert "same-process" not in siblings


def test_what_cannot_be_copied_is_left_out_and_told(tmp_path: Path) -> None:
    user = User(tmp_path)
    user.write(quiet="said = []\ndef reply(session_id, text):\n    said.append(text)\n    return str(said)\n")
    os.mkfifo(user.project / "pipe")
    (user.project / "large").write_bytes(b"")
    os.truncate(user.project / "large", 70 << 20)
    with socket.socket(socket.AF_UNIX) as own:
        here = Path.cwd()
        os.chdir(user.project)  # the address of a socket has to be short
        own.bind("sock")
        os.chdir(here)
        ran = diagnosed(user, "quiet.py:reply", "copy", ONE)

    assert ran.outcomes()["same-process"] == "kept"
    assert "left out of the copies: `pipe` (is a named pipe), `sock` (is a socket)" in ran.diagnosis.notes
    assert "each disk is a copy of the project: 2 files, 73.4 MB" in ran.diagnosis.notes


def test_a_project_that_is_too_large_is_refused_before_anything_is_copied(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"")
    os.truncate(tmp_path / "model.bin", 3 << 30)
    with pytest.raises(StatecheckError) as caught:
        check_copies(tmp_path)

    assert caught.value.slug == "project-too-large"
    assert caught.value.text.endswith("which is too large: 1 files, 3.2 GB")
    assert caught.value.exit_code == 4


def test_a_copy_is_the_same_but_for_what_can_be_made_again(tmp_path: Path) -> None:
    project = tmp_path / "project"
    for name in ("a/b/c.txt", ".venv/x", "env/pyvenv.cfg", "node_modules/x", ".git/config", "a/.env"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(name)
    (project / "a/b/c.txt").chmod(0o640)
    (project / "a/link").symlink_to("b")
    (project / "closed").mkdir(mode=0o555)
    copy_folder(str(project), str(tmp_path / "copy"))

    found = {str(path.relative_to(tmp_path / "copy")) for path in (tmp_path / "copy").rglob("*")}
    assert found == {"a", "a/b", "a/b/c.txt", "a/link", "a/.env", "closed"}
    assert (tmp_path / "copy/a/b/c.txt").stat().st_mode == (project / "a/b/c.txt").stat().st_mode
    assert (tmp_path / "copy/a/link").readlink() == Path("b")
    assert measure(str(project)).files == 2


LINKING = """\
import fcntl, os, sys  # all that is imported must be before it is another user, who may not read the interpreter
from statecheck.probe.project_copies import copy_folder

project, copy, user = sys.argv[1], sys.argv[2], int(sys.argv[3])
os.setgroups([])
os.setgid(user)
os.setuid(user)
copy_folder(project, copy)
shared = [name for name in sorted(os.listdir(copy)) if os.path.samefile(f"{project}/{name}", f"{copy}/{name}")]
os.chmod(f"{copy}/own.txt", 0o644)
with open(f"{copy}/own.txt", "a") as file:
    file.write(" written")
print(*shared)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="needs files of two users")
def test_a_file_is_shared_only_where_its_user_can_neither_write_to_it_nor_make_it_writable() -> None:
    machine = Machine("ordinary")
    files = {"fixed.bin": ("foreign", 0o644), "open.txt": ("foreign", 0o666), "own.txt": ("user", 0o444)}
    for name, (owner, mode) in files.items():
        (machine.project / name).write_text(name)
        machine.give(f"foreign/project/{name}", owner, mode)
    copy = machine.root / "open" / "copy"
    words = [sys.executable, "-c", LINKING, str(machine.project), str(copy), str(machine.user)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    try:
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        copied, before = (
            {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}
            for folder in (copy, machine.project)
        )
    finally:
        machine.remove()

    may_link = Path("/proc/sys/fs/protected_hardlinks").read_text() == "0\n"
    assert (done.stderr, done.stdout.strip()) == ("", "fixed.bin" if may_link else "")
    assert before == {name: name for name in files}
    assert copied == {**before, "own.txt": "own.txt written"}


MOUNTING = """\
import json, pathlib, sys
from statecheck.probe.copied_disks import CopiedDisks

project, folder = map(pathlib.Path, sys.argv[1:])
(folder / "warm").mkdir(parents=True)
disks = CopiedDisks(folder, project)
mounted = [str(project / name) for name in ("chat.db", "state/new.db")]
request = {"provided": [], "handed_over": [], "volumes": mounted, "files": mounted}
for disk in ("lab/kept/0", "lab/kept/1", "lab/other/0"):
    disks.prepare_entry(disk, request)
seen = {}
for name in ("chat.db", "state/new.db"):
    first, second, other = (folder / disk / "project" / name for disk in ("lab/kept/0", "lab/kept/1", "lab/other/0"))
    with first.open("a") as file:
        file.write("written")
    seen[name] = [second.read_text(), other.read_text()]
print(json.dumps(seen))
"""


def test_a_mounted_file_is_shared_by_the_disks_of_an_experiment(tmp_path: Path) -> None:
    project, folder = tmp_path / "project", tmp_path / "copies"
    project.mkdir()
    (project / "chat.db").write_text("before ")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    words = [sys.executable, "-c", MOUNTING, str(project), str(folder)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)

    assert done.stderr == ""
    assert json.loads(done.stdout) == {"chat.db": ["before written", "before "], "state/new.db": ["written", ""]}
    assert {str(path.relative_to(project)): path.read_text() for path in project.rglob("*")} == {"chat.db": "before "}


@pytest.mark.acceptance
@pytest.mark.parametrize(("volumes", "codes"), [(["./chat.txt:/app/chat.txt"], []), ([], ["SC103"])])
def test_a_mounted_file_outlives_its_container(tmp_path: Path, volumes: list[str], codes: list[str]) -> None:
    user = User(tmp_path)
    user.write(app=REMEMBERING)
    (user.project / "chat.txt").touch()
    (user.project / "Dockerfile").write_text("FROM python:3.12\nWORKDIR /app\nCOPY . .\n")
    (user.project / "compose.yaml").write_text(f"services:\n  web:\n    build: .\n    volumes: {json.dumps(volumes)}\n")
    ran = diagnosed(user, "app.py:reply", "copy", Options(seed=1))

    assert ran.diagnosis.errors == ()
    assert [cause.code for cause in ran.diagnosis.causes if cause.severity == "error"] == codes
    assert (user.project / "chat.txt").read_text() == ""


def test_nothing_is_made_in_the_home_where_packages_of_the_user_s_may_lie(tmp_path: Path) -> None:
    program = """if True:
        import pathlib, site, sys
        from statecheck.probe.copied_disks import CopiedDisks
        site.ENABLE_USER_SITE, site.USER_BASE = True, sys.argv[1] + "/home/.local"
        CopiedDisks(pathlib.Path(sys.argv[1], "run"), pathlib.Path(sys.argv[1]))
    """
    command = [sys.executable, "-c", program, str(tmp_path)]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}, check=True)

    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_what_two_kills_leave_is_removed_at_the_next_start(tmp_path: Path) -> None:
    user = User(tmp_path)
    user.write(
        hanging="""\
        import os, signal
        if os.fork() == 0:
            os.setsid()
            while True:
                signal.pause()
        while True:
            signal.pause()
        def reply(session_id, text): return text
        """
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "statecheck", "diagnose", "hanging.py:reply"],
        cwd=user.project,
        env={**os.environ, **user.environment("copy"), "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while (
        len(user.processes()) < 5 and time.monotonic() < deadline
    ):  # it, the warden, the warm parent, the app and its child
        psutil.wait_procs(user.processes(), timeout=0.02)
    warden = next(one for one in psutil.Process(process.pid).children() if "warden.py" in " ".join(one.cmdline()))
    warden.send_signal(signal.SIGSTOP)
    process.kill()
    warden.kill()
    process.wait(20)
    left = [path.name for path in (user.root / "tmp").iterdir()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(user.root / "tmp"))
        patch.setattr("statecheck.lab.workers.copies._OLD_SECONDS", 0.0)
        own = CopiesFolder.make()
        removed = remove_leftovers()
        kept = Path(own.path).is_dir()
        own.remove()

    assert len(left) == 1
    assert (removed, kept) == (1, True)
    assert user.left() == []
    assert list((user.root / "tmp").iterdir()) == []
