"""The recorder: whatever kills the process, no op is lost; whose line it was; which object it was."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
import weakref
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from statecheck.history import Op, decode_lines
from statecheck.lab.workers.op_file import anonymous_file
from statecheck.probe.recorder import TASKS, TURN, Recorder, begin_turn

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


class Recording(Recorder):
    """A recorder that can be read."""

    def ops(self) -> list[Op]:
        return decode_lines(os.pread(self.fd, 1 << 24, 0))


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Recording]:
    made = Recording()
    made.open(anonymous_file(), (str(tmp_path),))
    yield made
    os.close(made.fd)


def code(recording: Recording, path: Path, source: str, **names: Any) -> dict[str, Any]:
    """Code that stands in this file, with `look()` to take its frames."""
    scope = {"look": lambda: recording.frames(2), **names}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, "utf-8")
    exec(compile(source, str(path), "exec"), scope)
    return scope


class TestDurability:
    def test_a_killed_process_keeps_all_ops(self) -> None:
        fd = anonymous_file()
        program = (
            "import os, sys\n"
            "from statecheck.probe.recorder import Recorder\n"
            f"r = Recorder(); r.open({fd}, ())\n"
            "for n in range(500): r.emit('model', obj=n, text='x' * n)\n"
            "os.kill(os.getpid(), 9)\n"
        )
        ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, pass_fds=[fd], check=False)
        ops = decode_lines(os.pread(fd, 1 << 24, 0))
        os.close(fd)

        assert ended.returncode == -signal.SIGKILL
        assert list(range(500)) == [op.obj for op in ops]

    def test_processes_and_threads_that_write_at_once_cut_no_line(self, recording: Recording) -> None:
        def write(who: int) -> None:
            for number in range(100):
                recording.emit("model", obj=number, parent=who, text="x" * 5000)

        children = []
        for who in range(2):
            child = os.fork()
            if child == 0:
                write(who)
                os._exit(0)
            children.append(child)
        threads = [threading.Thread(target=write, args=(who,)) for who in (2, 3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for child in children:
            os.waitpid(child, 0)
        ops = recording.ops()

        for who in range(4):
            assert list(range(100)) == [op.obj for op in ops if op.parent == who]

    def test_what_cannot_be_encoded_is_an_op_all_the_same(self, recording: Recording) -> None:
        recording.emit("memory", action="write", text=object(), key=object())  # type: ignore[arg-type]  # an app's own
        recording.emit("memory", action="read", text="\udc80 lone")
        first, second = recording.ops()

        assert (first.f, first.action, first.note) == ("memory", "write", "not encodable")
        assert second.text == "\udc80 lone"

    def test_it_is_silent_until_it_is_opened(self) -> None:
        silent = Recorder()

        silent.emit("model")
        assert silent.number(object()) == 0


class TestFrames:
    def test_the_innermost_line_of_the_user_comes_first(self, recording: Recording, tmp_path: Path) -> None:
        inner = code(recording, tmp_path / "store.py", "def save():\n    return look()\n")
        outer = code(recording, tmp_path / "app.py", "def chat():\n    x = 1\n    return save()\n", save=inner["save"])

        assert outer["chat"]() == (("store.py", 2, "save"), ("app.py", 3, "chat"))

    @pytest.mark.parametrize(
        "library",
        [
            ".venv/lib/python3.11/site-packages/lib.py",
            "venv/lib.py",
            "x/site-packages/lib.py",
            "usr/dist-packages/lib.py",
        ],
    )
    def test_installed_code_below_the_project_is_not_the_user_s(
        self, recording: Recording, tmp_path: Path, library: str
    ) -> None:
        inner = code(recording, tmp_path / library, "def save():\n    return look()\n")
        outer = code(recording, tmp_path / "app.py", "def chat():\n    return save()\n", save=inner["save"])

        assert outer["chat"]() == (("app.py", 2, "chat"),)

    def test_a_project_whose_own_path_looks_installed(self, recording: Recording, tmp_path: Path) -> None:
        root = tmp_path / "venv" / "site-packages" / "project"
        recording.open(recording.fd, (str(root),))
        app = code(recording, root / "app.py", "def chat():\n    return look()\n")

        assert app["chat"]() == (("app.py", 2, "chat"),)

    def test_a_folder_that_only_begins_like_the_root_is_not_below_it(
        self, recording: Recording, tmp_path: Path
    ) -> None:
        other = code(
            recording, tmp_path.with_name(tmp_path.name + "-old") / "app.py", "def chat():\n    return look()\n"
        )

        assert other["chat"]() == ()

    def test_a_long_stack_is_cut_at_its_outer_end(self, recording: Recording, tmp_path: Path) -> None:
        app = code(
            recording, tmp_path / "app.py", "def chat(n):\n    if n:\n        return chat(n - 1)\n    return look()\n"
        )
        frames = app["chat"](50)

        assert 1 < len(frames) < 20
        assert frames[0] == ("app.py", 4, "chat")

    def test_the_user_s_line_that_awaits_what_a_library_does_in_a_task(
        self, recording: Recording, tmp_path: Path
    ) -> None:
        async def library() -> Any:
            return await asyncio.get_running_loop().create_task(deep())

        async def deep() -> Any:
            await asyncio.sleep(0)
            return recording.awaiting()

        app = code(
            recording,
            tmp_path / "app.py",
            "async def chat():\n    x = 1\n    return await library()\n",
            library=library,
        )

        async def serve() -> Any:
            TURN.set(5)
            task = asyncio.current_task()
            assert task is not None
            TASKS[5] = task
            return await app["chat"]()

        assert asyncio.run(serve()) == (("app.py", 3, "chat"),)
        assert recording.awaiting() == ()


@dataclass
class Equal:
    """Unhashable, and equal to any other one."""

    name: str = "same"


class Hostile:
    def __eq__(self, other: object) -> bool:
        raise RuntimeError("compared")

    def __hash__(self) -> int:
        raise RuntimeError("hashed")

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("asked")


class TestNumbers:
    @pytest.mark.parametrize("cls", [Equal, Hostile])
    def test_equal_and_unhashable_objects_have_numbers_of_their_own(
        self, recording: Recording, cls: type[object]
    ) -> None:
        one, other = cls(), cls()

        assert [recording.number(thing) for thing in (one, other, one, other)] == [1, 2, 1, 2]
        assert recording.known(one)
        assert not recording.known(cls())

    def test_objects_are_held_weakly_and_their_end_is_recorded(self, recording: Recording) -> None:
        thing = Equal()
        reference = weakref.ref(thing)
        number = recording.number(thing)
        recording.took(number, ["sc-m00000001"])
        assert [thing] == recording.holders("sc-m00000001")
        del thing
        gc.collect()
        (gone,) = recording.ops()

        assert reference() is None
        assert ("gone", number, "Equal") == (gone.f, gone.obj, gone.cls)
        assert recording.holders("sc-m00000001") == []

    def test_an_object_in_the_place_of_one_that_is_gone_is_a_new_one(self, recording: Recording) -> None:
        seen = set()
        for _ in range(100):  # CPython gives the next one the same address
            seen.add(recording.number(Equal()))

        assert len(seen) == 100

    def test_what_cannot_be_referenced_weakly_has_no_number(self, recording: Recording) -> None:
        assert recording.number({}) == 0
        assert recording.number({}) == 0
        assert not recording.known({})

    def test_nothing_is_said_to_be_gone_when_the_process_ends(self) -> None:
        fd = anonymous_file()
        program = (
            "from statecheck.probe.recorder import Recorder\n"
            "class Memory: pass\n"
            f"r = Recorder(); r.open({fd}, ()); kept = Memory(); r.emit('memory', obj=r.number(kept))\n"
        )
        subprocess.run([sys.executable, "-c", program], cwd=ROOT, pass_fds=[fd], check=True)
        ops = decode_lines(os.pread(fd, 1 << 16, 0))
        os.close(fd)

        assert [op.f for op in ops] == ["memory"]

    def test_objects_that_end_in_any_thread_while_others_are_numbered(self, recording: Recording) -> None:
        def work() -> None:
            for _ in range(300):
                recording.number(Equal())

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        gc.collect()
        gone = [op.obj for op in recording.ops() if op.f == "gone"]

        assert 1200 == len(set(gone)) == len(gone)


class TestTurns:
    def test_an_op_belongs_to_the_turn_of_its_context(self, recording: Recording) -> None:
        def serve() -> None:
            TURN.set(7)
            recording.emit("model")
            thread = threading.Thread(target=copy_context().run, args=(recording.emit, "memory"))
            thread.start()
            thread.join()

        copy_context().run(serve)
        recording.emit("place")

        assert [(op.f, op.turn) for op in recording.ops()] == [("model", 7), ("memory", 7), ("place", 0)]
        assert {os.getpid()} == {op.pid for op in recording.ops()}

    def test_the_task_of_a_turn_is_not_kept_alive(self) -> None:
        async def serve() -> None:
            begin_turn(9)

        asyncio.run(serve())
        gc.collect()

        assert 9 not in TASKS


def test_a_turn_waits_only_in_tasks_that_serve_no_other(tmp_path: Path) -> None:
    source = tmp_path / "app.py"
    source.write_text("async def waits(event):\n    await event.wait()\n")
    scope: dict[str, Any] = {}
    exec(compile(source.read_text(), str(source), "exec"), scope)
    recorder = Recorder()
    recorder.roots = (str(tmp_path),)

    async def waiting(turn: int | None) -> object:
        event = asyncio.Event()

        async def other() -> None:
            if turn is not None:
                begin_turn(turn)
            await scope["waits"](event)

        begin_turn(1)
        task = asyncio.create_task(other())
        await asyncio.sleep(0)  # until it waits
        found = recorder.awaiting()
        event.set()
        await task
        return found

    assert asyncio.run(waiting(None)) == (("app.py", 2, "waits"),)  # a task that the app left behind
    assert asyncio.run(waiting(2)) == ()


def test_who_starts_a_loop_does_not_make_the_calls_of_its_tasks(tmp_path: Path) -> None:
    source = tmp_path / "app.py"
    source.write_text(
        "import asyncio\n"
        "def handler(look):\n"
        "    async def own():\n"
        "        return look()\n"
        "    return asyncio.run(own())\n"
    )
    scope: dict[str, Any] = {}
    exec(compile(source.read_text(), str(source), "exec"), scope)
    recorder = Recorder()
    recorder.open(-1, (str(tmp_path),))

    within = scope["handler"](lambda: recorder.frames(1, within_loop=True))
    whole = scope["handler"](lambda: recorder.frames(1))

    assert within == (("app.py", 4, "own"),)
    assert whole == (("app.py", 4, "own"), ("app.py", 5, "handler"))
