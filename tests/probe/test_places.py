"""Where in a process a marker is kept: in words and at the line that defines the place, for every way to keep one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from histories import marker

from statecheck.lab.locating import Locator, Place
from statecheck.lab.workers.replies import decode_place
from statecheck.source.code.tree import SourceTree

ROOT = Path(__file__).parents[2]

APP = """\
import functools, types, collections, dataclasses, weakref
import library

sessions = {}
nested = {"users": {}}
turns = []
recent = collections.deque(maxlen=5)


class Engine:
    history = []

    def __init__(self):
        self.store = {}


@dataclasses.dataclass(slots=True)
class Slotted:
    transcript: list


engine = Engine()
slotted = Slotted([])
app = library.App()


def closing():
    transcripts = {}

    def chat(key, text):
        transcripts[key] = text

    return chat


chat = closing()


@functools.lru_cache(maxsize=None)
def memory(key):
    return []


def defaulted(text, seen=[]):
    seen.append(text)


class Held:
    pass


held = {}
dropped = Held()
pairs = []


def keep(m):
    sessions["sc-1"] = f"note {m['dict']}"
    nested["users"]["sc-1"] = [{"role": "user", "content": f"note {m['nested']}"}]
    turns.append(f"note {m['list']}")
    Engine.history.append(f"note {m['class']}")
    engine.store["sc-1"] = f"note {m['attribute']}"
    app.state.memories = {"sc-1": [f"note {m['state']}"]}
    app.extensions["bots"] = {"sc-1": [f"note {m['extension']}"]}
    app.transcripts = {"sc-1": [f"note {m['on app']}"]}
    app.served.append(f"note {m['served']}")
    chat("sc-1", f"note {m['closure']}")
    memory("sc-1").append(f"note {m['cache']}")
    defaulted(f"note {m['default']}")
    slotted.transcript.append(f"note {m['slots']}")
    recent.append(f"note {m['deque']}")
    sessions["sc-bytes"] = f"note {m['bytes']}".encode()
    pairs.append(("user", f"note {m['tuple']}"))
    held["sc-1"] = Held()
    library.keep(f"note {m['library']}")
    gone = [f"note {m['gone']}"]
    local = Held()
    local.text = f"note {m['dropped']}"
    ring = [local]
    ring.append(ring)
    app.kept.moods = {"sc-1": [f"note {m['kept']}"]}
    app.endpoints[0](f"note {m['endpoint']}")


def depending(key: "marked, not kept there"):
    return memory(key)


depending.__annotations__["key"] = memory


class Desk:
    def __init__(self):
        self.dialogs = {}

    def answer(self, text):
        self.dialogs["sc-1"] = [text]


app.serve(Desk().answer)


async def talk(wait, m):
    said = []
    while True:
        word = f"note {m['looped']}"
        said.append(f"note {m['local']}")
        await wait


class Visit(library.Endpoint):
    async def begin(self, m):
        self.heard = [f"note {m['visit']}"]
"""
LIBRARY = """\
import sys, types

kept = {}


class Fresh(types.ModuleType):
    __dict__ = property(lambda self: {})  # as cffi's: another dict for each who asks


sys.modules.update({f"library.c{n}": Fresh(f"library.c{n}") for n in range(20)})


def keep(text):
    kept["default"] = [text]


class State:
    def __init__(self):
        super().__setattr__("_state", {})

    def __setattr__(self, name, value):
        self._state[name] = value


class App:
    routes = ()

    def __init__(self):
        self.state = types.SimpleNamespace()
        self.kept = State()
        self.extensions = {}
        self.served = []
        self.endpoints = []

    def serve(self, endpoint):
        self.endpoints.append(endpoint)


class Endpoint:
    async def attend(self, wait, m):
        await self.begin(m)
        await wait
"""
# Markers are made where they are needed: the program must not keep what it looks for.
PROGRAM = """
import gc, json, os, sys
sys.path[:0] = sys.argv[1:4]
from statecheck.probe.places import locate
from statecheck.probe.recorder import RECORDER
RECORDER.open(os.open(os.devnull, os.O_WRONLY), (sys.argv[1],))
names = sys.argv[4:]

class Markers:
    def __getitem__(self, name):
        return f"sc-m{names.index(name) + 1:08x}"

def tell(name, places):
    os.write(1, json.dumps([name, places]).encode() + b"\\n")

m = Markers()
import main
main.keep(m)
RECORDER.took(RECORDER.number(main.held["sc-1"]), [m["object"]])
RECORDER.took(RECORDER.number(main.Held()), [m["object gone"]])
for name in names:
    tell(name, locate([m[name]], [], deep=False))
tell("all at once", locate([m[name] for name in names], [], deep=False))
main.memory.cache_clear()
tell("cleared", locate([m["cache"]], [], deep=False))
class Waiting:
    def __await__(self):
        yield

waiting = [main.talk(Waiting(), m), main.Visit().attend(Waiting(), m)]
for call in waiting:
    call.send(None)
for name in ("local", "looped", "visit"):
    tell(name, locate([m[name]], [], deep=False, under_way=True))
tell("not looked into", locate([m["local"]], [], deep=False))
for call in waiting:
    call.close()
gc.collect()
gc.freeze()
tell("frozen", locate([m["slots"]], [], deep=False))
tell("deep", locate([m["slots"]], [], deep=True))
main.sessions["-".join(("4f1c", "a9"))] = 7
tell("any key", locate([m["gone"]], ["-".join(("4f1c", "a9"))], deep=False))
"""
KEPT = {
    "dict": ("main.sessions['sc-1']", "sc-1", 4),
    "nested": ("main.nested['users']", "users", 5),
    "list": ("main.turns", None, 6),
    "deque": ("main.recent", None, 7),
    "class": ("main.Engine.history", None, 11),
    "attribute": ("main.engine.store['sc-1']", "sc-1", 14),
    "slots": ("main.slotted.transcript", None, 19),
    "state": ("main.app.state.memories['sc-1']", "sc-1", 63),
    "kept": ("main.app.kept.moods['sc-1']", "sc-1", 81),
    "extension": ("main.app.extensions['bots']['sc-1']", "sc-1", 64),
    "on app": ("main.app.transcripts['sc-1']", "sc-1", 65),
    "served": ("main.app", None, None),
    "endpoint": ("main.app.dialogs['sc-1']", "sc-1", 94),
    "closure": ("main.transcripts['sc-1']", "sc-1", 28),
    "cache": ("main.memory", "sc-1", 40),
    "default": ("main.defaulted", None, 44),
    "bytes": ("main.sessions['sc-bytes']", "sc-bytes", 4),
    "tuple": ("main.pairs", None, 54),
    "object": ("main.held['sc-1']", "sc-1", 52),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("places")
    (folder / "project").mkdir()
    (folder / "installed").mkdir()
    (folder / "project" / "main.py").write_text(APP, "utf-8")
    (folder / "installed" / "library.py").write_text(LIBRARY, "utf-8")
    return folder


@pytest.fixture(scope="module")
def names() -> dict[str, str]:
    others = ("library", "gone", "dropped", "object gone", "local", "looped", "visit")
    return {name: marker(n) for n, name in enumerate([*KEPT, *others], 1)}


@pytest.fixture(scope="module")
def found(folder: Path, names: dict[str, str]) -> dict[str, Any]:
    """What a process that keeps markers in all these ways says of each."""
    program = [sys.executable, "-c", PROGRAM, str(folder / "project"), str(folder / "installed"), str(ROOT), *names]
    ended = subprocess.run(program, stdout=subprocess.PIPE, check=True)
    return dict(map(json.loads, ended.stdout.splitlines()))


@pytest.fixture(scope="module")
def locator(folder: Path) -> Locator:
    project = folder / "project"
    return Locator(SourceTree(project, project), project)


def places(raw: list[dict[str, Any]], locator: Locator) -> list[Place]:
    return [locator.place(decode_place(one)) for one in raw]


@pytest.mark.parametrize("name", KEPT)
def test_the_app_s_own_place_is_named(name: str, found: dict[str, Any], locator: Locator) -> None:
    text, key, _ = KEPT[name]
    (place,) = places(found[name], locator)

    assert place.text.startswith(text)
    assert key == place.key


@pytest.mark.parametrize("name", [name for name, (_, _, line) in KEPT.items() if line])
def test_it_is_anchored_where_it_is_defined(name: str, found: dict[str, Any], locator: Locator) -> None:
    (place,) = places(found[name], locator)

    assert place.anchor is not None
    assert ("main.py", KEPT[name][2]) == (place.anchor.path, place.anchor.line)


def test_a_key_is_found_that_does_not_begin_as_markers_do(found: dict[str, Any], locator: Locator) -> None:
    (place,) = places(found["any key"], locator)

    assert (place.text, place.key) == ("main.sessions['4f1c-a9']", "4f1c-a9")


def test_what_only_a_library_holds_is_told_as_the_library_s(found: dict[str, Any], locator: Locator) -> None:
    (raw,) = found["library"]
    place = locator.place(decode_place(raw))

    assert not raw["user"]
    assert place.text.startswith("library.kept")
    assert place.anchor is None


@pytest.mark.parametrize("name", ["gone", "dropped", "object gone", "cleared"])
def test_nothing_is_found_where_nothing_is_kept(name: str, found: dict[str, Any]) -> None:
    assert found[name] == []


def test_several_markers_are_found_as_each_alone(
    found: dict[str, Any], names: dict[str, str], locator: Locator
) -> None:
    for name in KEPT:
        together = [one for one in found["all at once"] if one["marker"] == names[name]]
        assert places(found[name], locator) == places(together, locator)


@pytest.mark.parametrize(("name", "text", "line"), [("local", "talk.said", 104), ("visit", "self.heard", 113)])
def test_a_call_that_waits_holds_what_its_variables_hold(
    name: str, text: str, line: int, found: dict[str, Any], locator: Locator
) -> None:
    (place,) = places(found[name], locator)

    assert place.text == text
    assert place.anchor is not None
    assert line == place.anchor.line


def test_what_is_bound_anew_in_a_loop_is_no_place(found: dict[str, Any], locator: Locator) -> None:
    (place,) = places(found["looped"], locator)

    assert (place.text, place.anchor) == ("talk.word", None)
    assert not any(one["user"] for one in found["not looked into"])


def test_what_was_frozen_is_found_when_asked_to_look_deep(found: dict[str, Any], locator: Locator) -> None:
    assert not any(one["module"] for one in found["frozen"])
    (place,) = places(found["deep"], locator)

    assert place.text.startswith("main.slotted")
