"""Apps that write, delete, connect, fork and print wherever they can: the user notices nothing of it."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from labs import NAMESPACE_FIRST, Ran, User, diagnosed

from statecheck.options.config import Options

ONE = Options(seed=1, only=("same-process",))
VANDAL = """\
    import json, os, pathlib, shutil, socket, sqlite3, subprocess, sys, tempfile

    said = []
    here = pathlib.Path(__file__).parent


    def attempt(what, *args, **kwargs):
        try:
            return str(what(*args, **kwargs))
        except OSError as error:
            return type(error).__name__


    def destroy(folder):
        for path in sorted(pathlib.Path(folder).rglob("*"), reverse=True):
            if path.name == "project":
                continue
            attempt(os.chmod, path, 0o777)
            attempt(shutil.rmtree, path) if path.is_dir() and not path.is_symlink() else attempt(path.unlink)
        (pathlib.Path(folder) / "was here").write_text("vandal")


    def connect(address):
        with socket.socket() as sock:
            sock.settimeout(3)
            sock.connect(address)


    def datagram(address):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"x", address)


    def reply(session_id, text):
        told = {"earlier": list(said)}
        said.append(text)
        (here / "kept.txt").write_text("overwritten")
        (here / "new.txt").write_text("new")
        attempt((here / "kept.txt").chmod, 0o600)
        attempt(os.rename, here / "data" / "a.json", here / "data" / "b.json")
        attempt(os.symlink, "/etc/passwd", here / "link")
        sqlite3.connect(here / "new.db").execute("CREATE TABLE IF NOT EXISTS t (a)")
        destroy(os.path.expanduser("~"))
        destroy(tempfile.gettempdir())
        told["connect"] = attempt(connect, ("198.51.100.1", 80))
        told["resolve"] = attempt(socket.getaddrinfo, "example.com", 443)
        told["datagram"] = attempt(datagram, ("198.51.100.1", 9))
        said_by_child = [sys.executable, "-c", "import socket; socket.create_connection(('198.51.100.1', 80), 3)"]
        told["child"] = subprocess.run(said_by_child, capture_output=True).returncode
        print("x" * 1023, file=sys.stderr)
        return json.dumps(told)
"""
# in copies absolute paths are the real ones: only namespaces may be trusted with these
ABROAD = """\
    import os, pathlib

    said = []


    def reply(session_id, text):
        earlier = list(said)
        said.append(text)
        for folder in {folders!r}:
            for path in sorted(pathlib.Path(folder).rglob("*"), reverse=True):
                try:
                    os.chmod(path, 0o777)
                    path.rmdir() if path.is_dir() else path.unlink()
                except OSError:
                    pass
            pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
            pathlib.Path(folder, "was here").write_text("vandal")
        return str(earlier)
"""


@pytest.fixture(scope="module", params=NAMESPACE_FIRST)
def isolation(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory, isolation: str) -> User:
    user = User(tmp_path_factory.mktemp(isolation))
    user.write(vandal=VANDAL)
    (user.project / "kept.txt").write_text("the user's own", "utf-8")
    (user.project / "data").mkdir()
    (user.project / "data" / "a.json").write_text("{}", "utf-8")
    (user.root / "home" / ".profile").write_text("export A=1", "utf-8")
    (user.root / "home" / "documents").mkdir(mode=0o700)
    (user.root / "home" / "documents" / "letter").write_bytes(os.urandom(5000))
    return user


@pytest.fixture(scope="module")
def before(user: User) -> dict[str, tuple[object, ...]]:
    return user.snapshot()


@pytest.fixture(scope="module")
def vandal(user: User, isolation: str, before: dict[str, tuple[object, ...]]) -> Ran:
    return diagnosed(user, "vandal.py:reply", isolation, ONE)


@pytest.fixture(scope="module")
def told(vandal: Ran) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(vandal.answers("same-process")[0])
    return answer


class TestVandal:
    def test_it_ran_and_was_judged(self, vandal: Ran) -> None:
        assert vandal.outcomes()["same-process"] == "kept"
        assert "x" * 1023 in vandal.output()

    def test_the_user_s_files_are_as_they_were(
        self, user: User, vandal: Ran, before: dict[str, tuple[object, ...]]
    ) -> None:
        assert before == user.snapshot()

    def test_nothing_beyond_loopback_is_reached(self, told: dict[str, Any]) -> None:
        assert told["connect"] != "None"
        assert told["resolve"] in ("gaierror", "BeyondLoopback")

    def test_what_was_refused_is_recorded(self, vandal: Ran) -> None:
        blocked = [op for op in vandal.histories()["same-process"].select("blocked") if op.turn == 1]

        assert {"198.51.100.1:80", "example.com:443"} <= {op.where for op in blocked}
        assert {"vandal.py"} == {frame.path for op in blocked for frame in op.frames}

    def test_nor_by_what_needs_no_connection(self, told: dict[str, Any]) -> None:
        assert told["datagram"] not in ("None", "1")

    def test_nor_by_a_program_that_it_starts(self, told: dict[str, Any], isolation: str) -> None:
        if isolation == "copy":
            pytest.skip("without namespaces nothing stops another program")

        assert told["child"] != 0


def test_absolute_paths_lead_to_the_container_s_disk(tmp_path: Path) -> None:
    user = User(tmp_path)
    folders = [str(user.project), str(user.root / "home"), str(user.root / "tmp"), str(tmp_path)]
    user.write(abroad=ABROAD.format(folders=folders))
    (user.root / "home" / "letter").write_text("dear", "utf-8")
    (user.root / "outside").write_text("of the project", "utf-8")
    before = user.snapshot()
    ran = diagnosed(user, "abroad.py:reply", "namespace", ONE)

    assert ran.outcomes()["same-process"] == "kept"
    assert before == user.snapshot()


CHILDREN = """\
    import os, signal, subprocess, sys

    said = []


    def daemon():
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                    signal.signal(number, signal.SIG_IGN)
                os.write(ready, b"1")
                while True:
                    signal.pause()
            os._exit(0)
        os.wait()


    def reply(session_id, text):
        global ready
        earlier = list(said)
        said.append(text)
        here, ready = os.pipe()
        daemon()
        os.read(here, 1)
        os.system("sleep 7777 &")
        program = [sys.executable, "-c", "import time; time.sleep(7777)"]
        subprocess.Popen(program, start_new_session=True, close_fds=False)
        return str(earlier)
"""


@pytest.mark.parametrize("isolation", NAMESPACE_FIRST)
def test_what_it_started_is_gone_and_nothing_waits_for_it(isolation: str, tmp_path: Path) -> None:
    user = User(tmp_path)
    user.write(children=CHILDREN)
    ran = diagnosed(user, "children.py:reply", isolation, Options(seed=1, only=("same-process", "new-process")))

    assert (ran.outcomes()["same-process"], ran.outcomes()["new-process"]) == ("kept", "lost")
    assert user.left() == []
    assert list((user.root / "tmp").iterdir()) == []
    assert ran.diagnosis.seconds < 15, "no limit was waited for"


@pytest.mark.parametrize("isolation", NAMESPACE_FIRST)
def test_statecheck_itself_keeps_no_descriptor_and_no_thread(isolation: str, tmp_path: Path) -> None:
    user = User(tmp_path)
    user.write(quiet="said = []\ndef reply(session_id, text):\n    said.append(text)\n    return str(said)\n")
    diagnosed(user, "quiet.py:reply", isolation, ONE)
    before = own()
    diagnosed(user, "quiet.py:reply", isolation, ONE)

    assert own() == before


def own() -> tuple[int, int, str]:
    """How many descriptors and threads this process has, and its mounts."""
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    return descriptors, threading.active_count(), Path("/proc/self/mountinfo").read_text("utf-8")


MATRICIDE = """\
    import os, signal

    said = []


    def reply(session_id, text):
        if said:
            os.kill(os.getppid(), signal.SIGKILL)
        said.append(text)
        return text
"""


def test_a_process_of_ours_that_dies_is_named_with_its_status_and_kept(tmp_path: Path) -> None:
    user = User(tmp_path)
    user.write(matricide=MATRICIDE)
    ran = diagnosed(user, "matricide.py:reply", "copy", Options(seed=1))

    assert ran.diagnosis.verdict == "inconclusive"
    assert [error.slug for error in ran.diagnosis.errors if "status 137" in error.text] == ["lab-lost"]
    assert (
        (ran.folder / "output" / "0.log").read_text("utf-8").startswith("the run's own process ended with status 137")
    )
    assert user.left() == []


CHATTER = """\
    import os

    said = []


    def reply(session_id, text):
        for descriptor in range(3, 64) if said else ():
            try:
                os.write(descriptor, b"junk\\n")
            except OSError:
                pass
        said.append(text)
        return " ".join(said)
"""


@pytest.mark.parametrize("isolation", NAMESPACE_FIRST)
def test_an_app_that_writes_on_our_descriptors_is_believed_no_more(isolation: str, tmp_path: Path) -> None:
    user = User(tmp_path)
    user.write(chatter=CHATTER)
    ran = diagnosed(user, "chatter.py:reply", isolation, ONE)

    assert (ran.diagnosis.verdict, ran.outcomes()["same-process"]) == ("inconclusive", "error")
    assert "the app wrote on a descriptor of statecheck's" in str(ran.diagnosis)
    assert user.left() == []
