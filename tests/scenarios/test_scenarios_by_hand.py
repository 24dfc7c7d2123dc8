"""Every bundled app, run by hand: real uvicorn processes, no statecheck, and the faults that its scenario claims.

Each worker is one process on its own pre-bound socket (`--fd`), each turn a new connection. To be quick, workers are
forked from a process that has the libraries imported (never an app). The offline model is replaced by one that answers
with the markers it was given, so that an outcome is what the model saw, not what an app says of itself.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from statecheck.errors import ExitCode, StatecheckError
from statecheck.scenarios import bundled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _pytest.mark import ParameterSet

OVERLAP = 8
TURN_TIMEOUT = 60

# What happens to the turns of each broken app, experiment by experiment; a twin keeps and isolates all.
SAME_PROCESS, OTHER_WORKER, NEW_PROCESS, NEW_CONTAINER, OTHER_SESSION, CONCURRENT, CONCURRENT_WORKERS = EXPERIMENTS = (
    "same-process",
    "other-worker",
    "new-process",
    "new-container",
    "other-session",
    "concurrent",
    "concurrent-workers",
)
HEALTHY = dict.fromkeys(EXPERIMENTS, "kept") | {OTHER_SESSION: "isolated"}
FORGETS_ALWAYS = dict.fromkeys(EXPERIMENTS, "lost") | {OTHER_SESSION: "isolated"}
PROCESS_MEMORY = HEALTHY | dict.fromkeys([OTHER_WORKER, NEW_PROCESS, NEW_CONTAINER, CONCURRENT_WORKERS], "lost")
OUTCOMES = {
    "request-scoped/broken.py": FORGETS_ALWAYS,
    "multi-worker/broken.py": PROCESS_MEMORY,
    "container-restart/broken.py": PROCESS_MEMORY,
    "container-restart/broken_disk.py": HEALTHY | {NEW_CONTAINER: "lost"},
    "unsaved-ctx/broken.py": FORGETS_ALWAYS,
    "async-race/broken.py": HEALTHY | {CONCURRENT: "lost", CONCURRENT_WORKERS: "lost"},
    "session-key/broken.py": FORGETS_ALWAYS,
    "session-key/broken_shared.py": HEALTHY | {OTHER_SESSION: "leaked"},
}
SCENARIOS = bundled.select((), ())
BROKEN = [app.path for scenario in SCENARIOS for app in scenario.broken]
FIXED = [app.path for scenario in SCENARIOS for app in scenario.fixed]

NURSERY = """
import gc, json, os, re, signal, socket, sys, traceback

import aiosqlite, fastapi, fastapi.openapi.utils, llama_index.core, pydantic.v1, sqlalchemy.dialects.sqlite
import uvicorn, uvicorn.lifespan.on, uvicorn.loops.auto, uvicorn.protocols.http.auto, uvicorn.protocols.websockets.auto
from llama_index.core.llms import CompletionResponse, MockLLM
from llama_index.core.utils import get_tokenizer

get_tokenizer()("warm")
gc.collect()
gc.freeze()


def seen(self, prompt, formatted=False, **kwargs):
    markers = re.findall(r"^user: .*?(mark-[0-9]+)", prompt, re.MULTILINE)
    return CompletionResponse(text=f"seen {' '.join(markers)}")


def serve(folder, app, fd):
    MockLLM.complete = seen
    os.chdir(folder)
    sys.path.insert(0, folder)
    uvicorn.main([f"{app}:app", "--fd", str(fd), "--log-level", "warning"])


control = socket.socket(fileno=int(sys.argv[1]))
signal.signal(signal.SIGINT, signal.SIG_IGN)
children = set()
control.send(b"ready")
while True:
    request, fds, _, _ = socket.recv_fds(control, 65536, 1)
    if not request:
        break
    order = json.loads(request)
    if "kill" in order:
        os.kill(order["kill"], signal.SIGKILL)
        os.waitpid(order["kill"], 0)
        children.discard(order["kill"])
        control.send(b"dead")
        continue
    pid = os.fork()
    if pid == 0:
        control.close()
        try:
            serve(order["folder"], order["app"], fds[0])
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(fds[0])
    children.add(pid)
    control.send(str(pid).encode())
for pid in children:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
"""


class Nursery:
    """A process with the libraries imported that forks uvicorn workers; they die with it."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        with theirs:
            command = [sys.executable, "-c", NURSERY, str(theirs.fileno())]
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
        assert self._control.recv(16) == b"ready"

    def fork(self, folder: Path, app: str, listener: socket.socket) -> int:
        with self._lock:
            order = json.dumps({"folder": str(folder), "app": app}).encode()
            socket.send_fds(self._control, [order], [listener.fileno()])
            return int(self._control.recv(16))

    def kill(self, pid: int) -> None:
        with self._lock:
            self._control.send(json.dumps({"kill": pid}).encode())
            assert self._control.recv(16) == b"dead"

    def close(self) -> None:
        self._control.close()
        try:
            self._process.wait(TURN_TIMEOUT)
        finally:
            self._process.kill()


class RefusedError(AssertionError):
    """The app answered with an error."""


def post(port: int, path: str, session: str, text: str) -> dict[str, object]:
    body = json.dumps({"session_id": session, "message": text}).encode()
    url = f"http://127.0.0.1:{port}{path}"
    request = urllib.request.Request(url, body, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=TURN_TIMEOUT) as response:  # closes the connection
            answer = json.load(response)
    except urllib.error.HTTPError as error:
        raise RefusedError(f"{error.code} {error.read()!r}") from error
    assert isinstance(answer, dict)
    return answer


class Lab:
    """One app in its own copy of the scenario's folder: the container's disk."""

    _numbers = itertools.count(1)

    def __init__(self, nursery: Nursery, source: Path, base: Path, volumes: tuple[str, ...]) -> None:
        self._nursery = nursery
        self._source = source
        self._base = base
        self._volumes = volumes
        self._path = "/review" if "/review" in source.read_text() else "/chat"
        self._workers: dict[int, int] = {}
        self.fresh_disk()

    def fresh_disk(self) -> None:
        """A redeploy: the folder as it was shipped, and the volumes as they were left."""
        disk, kept = self._base / "disk", self._base / "kept"
        kept.mkdir(parents=True, exist_ok=True)
        for volume in self._volumes:
            if (disk / volume).exists():
                (disk / volume).rename(kept / volume)
        shutil.rmtree(disk, ignore_errors=True)
        unshipped = shutil.ignore_patterns("__pycache__", "*.db*", *self._volumes)
        shutil.copytree(self._source.parent, disk, ignore=unshipped)
        for volume in self._volumes:
            if (kept / volume).exists():
                (kept / volume).rename(disk / volume)

    def start(self) -> int:
        """A new worker that answers; its port. Requests sent before it is up wait in the socket's backlog."""
        with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
            port = int(listener.getsockname()[1])
            self._workers[port] = self._nursery.fork(self._base / "disk", self._source.stem, listener)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/openapi.json", timeout=TURN_TIMEOUT) as response:
            assert response.status == 200
        return port

    def close(self) -> None:
        """SIGKILL for every worker."""
        for port in list(self._workers):
            self._nursery.kill(self._workers.pop(port))

    @staticmethod
    def pair() -> tuple[str, ...]:
        return tuple(f"session-{next(Lab._numbers)}" for _ in range(2))

    def send(self, port: int, session: str) -> tuple[str, list[str]]:
        """Sends a marker; it, and the markers that the model was given, in order."""
        marker = f"mark-{next(self._numbers)}"
        answer = post(port, self._path, session, f"remember {marker}")
        return marker, re.findall(r"mark-\d+", str(answer["answer"]))

    def turn(self, port: int, session: str) -> tuple[str, set[str], list[str]]:
        """As `send`, when nothing else is sent: then the model is given this turn's own marker."""
        marker, given = self.send(port, session)
        assert marker in given
        return marker, set(given), given

    def overlap(self, ports: list[int], session: str) -> set[str]:
        """Eight turns at once, spread over the workers; the markers of all (every one is acknowledged).

        What these are given is not looked at: `ChatMemoryBuffer.get` counts its list and then takes that many from
        its end, so what another thread appends in between pushes a turn's own message out of its window.
        """
        gate = threading.Barrier(OVERLAP)

        def one(number: int) -> str:
            gate.wait(TURN_TIMEOUT)
            return self.send(ports[number % len(ports)], session)[0]

        with ThreadPoolExecutor(OVERLAP) as pool:
            return set(pool.map(one, range(OVERLAP)))


def kept(earlier: set[str], given: set[str]) -> str:
    return "kept" if earlier <= given else "lost"


def same_process(lab: Lab, ports: list[int]) -> str:
    session, _ = lab.pair()
    first, _, _ = lab.turn(ports[0], session)
    second, given, _ = lab.turn(ports[0], session)
    _, given_third, in_order = lab.turn(ports[0], session)
    outcome = kept({first}, given)
    if outcome == "kept":
        assert {first, second} <= given_third
        assert len(in_order) == len(given_third), "no message is given twice"
        assert in_order.index(first) < in_order.index(second)
    return outcome


def other_worker(lab: Lab, ports: list[int]) -> str:
    session, _ = lab.pair()
    first, _, _ = lab.turn(ports[0], session)
    second, there, _ = lab.turn(ports[1], session)
    _, back, _ = lab.turn(ports[0], session)
    assert kept({first}, there) == kept({first, second}, back)
    return kept({first}, there)


def other_session(lab: Lab, ports: list[int]) -> str:
    ada, bob = lab.pair()
    first, _, _ = lab.turn(ports[0], ada)
    _, given, _ = lab.turn(ports[0], bob)
    return "leaked" if first in given else "isolated"


def overlapping(lab: Lab, ports: list[int], rounds: int) -> str:
    """Lost if any of the rounds loses: a race may be won by luck."""
    for _ in range(rounds):
        session, _ = lab.pair()
        first, _, _ = lab.turn(ports[0], session)
        markers = lab.overlap(ports, session)
        _, given, in_order = lab.turn(ports[0], session)
        if kept({first, *markers}, given) == "lost":
            return "lost"
        assert len(in_order) == len(given), "no message is given twice"
    return "kept"


def after(lab: Lab, ports: list[int], *, disk_is_lost: bool) -> tuple[str, list[int]]:
    session, _ = lab.pair()
    first, _, _ = lab.turn(ports[0], session)
    lab.close()
    if disk_is_lost:
        lab.fresh_disk()
    ports = [lab.start()]
    _, given, _ = lab.turn(ports[0], session)
    return kept({first}, given), ports


def observe(nursery: Nursery, source: Path, base: Path, volumes: tuple[str, ...]) -> dict[str, str]:
    """The outcome of every experiment for one app. Tables are made by a first turn that is alone."""
    rounds = 5 if name_of(source) == "async-race/broken.py" else 1
    with closing(Lab(nursery, source, base, volumes)) as lab:
        ports = [lab.start()]
        lab.turn(ports[0], "warm-up")
        ports.append(lab.start())
        seen = {
            SAME_PROCESS: same_process(lab, ports),
            OTHER_WORKER: other_worker(lab, ports),
            OTHER_SESSION: other_session(lab, ports),
            CONCURRENT: overlapping(lab, ports[:1], rounds),
            CONCURRENT_WORKERS: overlapping(lab, ports, rounds),
        }
        seen[NEW_PROCESS], ports = after(lab, ports, disk_is_lost=False)
        seen[NEW_CONTAINER], _ = after(lab, ports, disk_is_lost=True)
    return seen


def name_of(app: Path) -> str:
    return f"{app.parent.name}/{app.name}"


def sample(apps: list[Path], *names: str) -> list[ParameterSet]:
    """All these apps, of which the suite tries those that have one of these names; the rest is for acceptance."""
    return [pytest.param(app, marks=() if name_of(app).startswith(names) else pytest.mark.acceptance) for app in apps]


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    try:
        yield nursery
    finally:
        nursery.close()


@pytest.fixture(scope="module")
def outcomes(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], dict[str, str]]:
    @functools.cache
    def outcomes(source: Path) -> dict[str, str]:
        volumes = bundled.load(source.parent.name).volumes
        return observe(nursery, source, tmp_path_factory.mktemp(source.parent.name), volumes)

    return outcomes


@pytest.mark.parametrize("app", sample(BROKEN, "multi-worker"), ids=name_of)
def test_broken_app_has_its_fault_and_no_other(app: Path, outcomes: Callable[[Path], dict[str, str]]) -> None:
    assert outcomes(app) == OUTCOMES[name_of(app)]


@pytest.mark.parametrize("app", sample(FIXED, "multi-worker"), ids=name_of)
def test_fixed_twin_keeps_everything(app: Path, outcomes: Callable[[Path], dict[str, str]]) -> None:
    assert outcomes(app) == HEALTHY


@pytest.mark.parametrize("app", sample(FIXED, "multi-worker"), ids=name_of)
def test_fixed_twin_survives_workers_that_start_at_once_on_an_empty_volume(
    app: Path, nursery: Nursery, tmp_path: Path
) -> None:
    with (
        closing(Lab(nursery, app, tmp_path, bundled.load(app.parent.name).volumes)) as lab,
        ThreadPoolExecutor(4) as pool,
    ):
        ports = list(pool.map(lambda _: lab.start(), range(4)))
        markers = lab.overlap(ports, "cold")
        _, given, _ = lab.turn(ports[0], "cold")
    assert markers <= given


def test_new_key_each_request_leaves_the_old_turn_in_the_store(nursery: Nursery, tmp_path: Path) -> None:
    app = bundled.load("session-key").folder / "broken.py"
    with closing(Lab(nursery, app, tmp_path, bundled.load(app.parent.name).volumes)) as lab:
        port = lab.start()
        first, _, _ = lab.turn(port, "ada")
        _, given, _ = lab.turn(port, "ada")
    assert first not in given
    assert first.encode() in (tmp_path / "disk" / "data" / "chat.db").read_bytes()


def test_approved_is_gone_at_the_next_request_and_the_twin_keeps_it(nursery: Nursery, tmp_path: Path) -> None:
    approved = {}
    scenario = bundled.load("unsaved-ctx")
    for app in (*scenario.broken, *scenario.fixed):
        with closing(Lab(nursery, app.path, tmp_path / app.path.stem, scenario.volumes)) as lab:
            port = lab.start()
            answers = [post(port, "/review", "ada", text) for text in scenario.conversation]
        approved[app.path.name] = [answer["approved"] for answer in answers]
    assert approved == {"broken.py": [True, False], "fixed.py": [True, True]}


@pytest.mark.acceptance
def test_starts_by_hand_without_a_key_and_ends_when_told(tmp_path: Path) -> None:
    """As the docstrings say, with the app's own offline model; a twin, whose driver has threads that must end."""
    shutil.copytree(bundled.load("multi-worker").folder, tmp_path / "app", ignore=shutil.ignore_patterns("data"))
    clean = {key: value for key, value in os.environ.items() if not key.endswith("_API_KEY")}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        server = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "fixed:app", "--fd", str(listener.fileno())],
            cwd=tmp_path / "app",
            env=clean | {"DATA_DIR": str(tmp_path / "volume")},
            pass_fds=[listener.fileno()],
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
    try:
        sizes = [post(port, "/chat", "ada", "My name is Ada")["memory_size"] for _ in range(2)]
        server.send_signal(signal.SIGTERM)
        server.wait(TURN_TIMEOUT)
    finally:
        server.kill()
        server.wait()
    assert sizes == [2, 4]
    assert (tmp_path / "volume" / "chat.db").exists()
    assert not (tmp_path / "app" / "data").exists()


@pytest.mark.parametrize("app", [*BROKEN, *FIXED], ids=name_of)
def test_app_says_how_to_start_it(app: Path) -> None:
    path = "/review" if app.parent.name == "unsaved-ctx" else "/chat"
    assert f"uvicorn {app.stem}:app" in app.read_text()
    assert f"curl localhost:8000{path} " in app.read_text()


def test_every_scenario_is_whole() -> None:
    assert {scenario.name for scenario in SCENARIOS} == {name.split("/")[0] for name in OUTCOMES}
    assert {name_of(app) for app in BROKEN} == set(OUTCOMES)
    for scenario in SCENARIOS:
        files = {app.path for app in (*scenario.broken, *scenario.fixed)}
        assert files == set(scenario.folder.glob("*.py")), "every app is listed, and every listed one exists"
        assert scenario.cause == scenario.name
        assert scenario.cause in scenario.expected
        assert len(scenario.conversation) >= 2
        assert all("\n" not in line for line in (scenario.title, scenario.look_at))


def test_expected_of_a_scenario_is_what_all_its_broken_apps_share() -> None:
    assert bundled.load("multi-worker").expected == ("multi-worker", "container-restart")
    restart = bundled.load("container-restart")
    assert [app.expected for app in restart.broken] == [("multi-worker", "container-restart"), ("container-restart",)]
    assert restart.expected == ("container-restart",)


def test_unknown_scenario_gets_did_you_mean() -> None:
    for typed in ("multi-workers", "Multi_Worker"):
        with pytest.raises(StatecheckError, match=typed) as caught:
            bundled.load(typed)
        assert (caught.value.slug, caught.value.exit_code) == ("unknown-scenario", ExitCode.USAGE)
        assert caught.value.hint == "did you mean `multi-worker`?"
    with pytest.raises(StatecheckError) as caught:
        bundled.load("")
    assert "async-race" in caught.value.hint


def test_scenarios_are_found_inside_an_installed_package(tmp_path: Path) -> None:
    root = Path(bundled.__file__).parents[1]
    shutil.copytree(root, tmp_path / "statecheck", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(SCENARIOS[0].folder.parent, tmp_path / "statecheck" / "_scenarios")
    code = "from statecheck.scenarios import bundled as s; print([str(s.load(n).folder) for n in s.names()])"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=TURN_TIMEOUT
    )
    installed = (tmp_path / "statecheck" / "_scenarios").resolve()
    assert found.stdout.strip() == repr([str(installed / name) for name in bundled.names()])
