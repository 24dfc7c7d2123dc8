"""Wrapping class trees: each call is one op, whoever subclasses, and the app's own behaviour stays what it was."""

from __future__ import annotations

import asyncio
import contextlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from histories import marker
from pydantic import BaseModel, Field, ValidationError

from statecheck.history import Op, decode_lines
from statecheck.lab.workers.op_file import anonymous_file
from statecheck.probe import state
from statecheck.probe.method_wrappers import Table, record_unawaited, wrap_tree
from statecheck.probe.recorder import RECORDER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

ONE, TWO = marker(1), marker(2)
MEMORY = Table(
    "memory", reads=("get", "aget"), writes=("put", "aput"), sets=("set",), others={"reset": ("reset",)}, build=True
)


@pytest.fixture
def ops() -> Iterator[Callable[[], list[Op]]]:
    fd = anonymous_file()
    RECORDER.open(fd, (str(Path(__file__).parent),))
    yield lambda: [op for op in decode_lines(os.pread(fd, 1 << 24, 0)) if op.f != "gone"]
    RECORDER.fd = -1
    os.close(fd)


def done(ops: list[Op]) -> list[tuple[str, str, str]]:
    return [(op.f, op.action, op.cls) for op in ops]


def tree() -> type[Any]:
    """A fresh tree each time: what is wrapped stays wrapped."""

    class Base:
        def __init__(self) -> None:
            self.messages: list[str] = []

        def get(self) -> list[str]:
            return list(self.messages)

        def put(self, message: str) -> None:
            self.messages.append(message)

        def reset(self) -> None:
            self.messages = []

        async def aput(self, message: str) -> None:
            await asyncio.sleep(0)
            self.put(message)

        async def aget(self) -> list[str]:
            return await asyncio.to_thread(self.get)

    return Base


class TestOnce:
    def test_a_call_is_one_op_with_what_went_in_and_came_out(self, ops: Callable[[], list[Op]]) -> None:
        base = tree()
        wrap_tree(base, MEMORY)
        memory = base()
        memory.put(f"note {ONE}")
        memory.put(message=f"note {TWO}")
        assert [f"note {ONE}", f"note {TWO}"] == memory.get()
        build, put, named, get = ops()

        assert (build.action, put.action, get.action) == ("build", "write", "read")
        assert [op.markers for op in (put, named, get)] == [(ONE,), (TWO,), (ONE, TWO)]
        assert {build.obj} == {op.obj for op in (put, named, get)} != {0}
        assert put.frames[0].function == "test_a_call_is_one_op_with_what_went_in_and_came_out"

    def test_super_chains_are_one_op_of_the_outermost(self, ops: Callable[[], list[Op]]) -> None:
        base = tree()
        wrap_tree(base, MEMORY)

        class Middle(base):  # type: ignore[misc, valid-type]
            def __init__(self) -> None:
                super().__init__()

            def put(self, message: str) -> None:
                super().put(message)

        class Bottom(Middle):
            def put(self, message: str) -> None:
                super().put(message)
                super().put(message)

        bottom = Bottom()
        bottom.put(ONE)

        assert done(ops()) == [("memory", "build", "Bottom"), ("memory", "write", "Bottom")]
        assert bottom.get() == [ONE, ONE]

    def test_a_subclass_made_before_and_one_made_later(self, ops: Callable[[], list[Op]]) -> None:
        base = tree()

        class Before(base):  # type: ignore[misc, valid-type]
            def get(self) -> list[str]:
                return ["before"]

        wrap_tree(base, MEMORY)

        class Later(Before):
            def get(self) -> list[str]:
                return ["later", *super().get()]

        assert Later().get() == ["later", "before"]
        assert done(ops()) == [("memory", "build", "Later"), ("memory", "read", "Later")]

    def test_wrapping_twice_records_once(self, ops: Callable[[], list[Op]]) -> None:
        base = tree()
        wrap_tree(base, MEMORY)
        wrap_tree(base, MEMORY)
        base().put(ONE)

        assert done(ops()) == [("memory", "build", "Base"), ("memory", "write", "Base")]

    def test_another_object_inside_is_another_op(self, ops: Callable[[], list[Op]]) -> None:
        base = tree()

        class View(base):  # type: ignore[misc, valid-type]
            def __init__(self, memory: Any) -> None:
                super().__init__()
                self.memory = memory

            def put(self, message: str) -> None:
                self.memory.put(message)

        wrap_tree(base, MEMORY)
        inner = base()
        View(inner).put(ONE)
        first, view, inside, outside = ops()

        assert (first.obj, view.obj) == (inside.obj, outside.obj)
        assert first.obj == outside.parent, "a view names what it is a view over"

    def test_sync_inside_async_and_other_tasks(self, ops: Callable[[], list[Op]]) -> None:
        base = tree()
        wrap_tree(base, MEMORY)
        memory = base()

        async def both() -> None:
            await asyncio.gather(memory.aput(ONE), memory.aput(TWO))

        asyncio.run(both())
        written = [op for op in ops() if op.action == "write"]

        assert {(ONE,), (TWO,)} == {op.markers for op in written}
        assert {ONE, TWO} == set(asyncio.run(memory.aget()))

    def test_threads_each_record_their_own(self, ops: Callable[[], list[Op]]) -> None:
        base = tree()
        wrap_tree(base, MEMORY)
        memory = base()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(memory.put, [marker(number) for number in range(200)]))

        assert 200 == len({op.markers for op in ops() if op.action == "write"}) == len(memory.get())


class TestUnchanged:
    def test_an_exception_is_recorded_and_is_the_app_s_own(self, ops: Callable[[], list[Op]]) -> None:
        class Refusing:
            def put(self, message: str) -> None:
                raise KeyError(message)

            async def aput(self, message: str) -> None:
                raise ValueError(message)

        wrap_tree(Refusing, Table("memory", writes=("put", "aput")))
        with pytest.raises(KeyError, match=ONE):
            Refusing().put(ONE)
        with pytest.raises(ValueError, match=TWO):
            asyncio.run(Refusing().aput(TWO))

        assert [(op.type, op.markers) for op in ops()] == [("fail", (ONE,)), ("fail", (TWO,))]
        assert [f"KeyError: '{ONE}'", f"ValueError: {TWO}"] == [op.error for op in ops()]

    def test_an_exception_of_a_constructor_builds_nothing(self, ops: Callable[[], list[Op]]) -> None:
        class Refusing:
            def __init__(self) -> None:
                raise RuntimeError("no")

        wrap_tree(Refusing, MEMORY)
        with pytest.raises(RuntimeError, match="no"):
            Refusing()

        assert [op for op in ops() if op.type == "ok"] == []

    def test_an_object_that_cannot_be_looked_at_does_not_break_the_app(self, ops: Callable[[], list[Op]]) -> None:
        class Lazy:
            def __getattr__(self, name: str) -> Any:
                raise RuntimeError("working outside of request context")

        base = tree()
        wrap_tree(base, MEMORY)
        memory, lazy = base(), Lazy()
        memory.put(lazy)

        assert memory.get()[0] is lazy
        assert len(ops()) == 3

    def test_methods_are_still_what_they_are_called(self) -> None:
        base = tree()
        before = {name: getattr(base, name).__doc__ for name in ("get", "aput")}
        wrap_tree(base, MEMORY)

        assert {"get": before["get"], "aput": before["aput"]} == {n: getattr(base, n).__doc__ for n in before}
        assert asyncio.iscoroutinefunction(base.aput)
        assert not asyncio.iscoroutinefunction(base.put)

    def test_static_methods_properties_and_abstract_ones_are_left_alone(self, ops: Callable[[], list[Op]]) -> None:
        class Odd:
            @staticmethod
            def get() -> str:
                return "static"

            @property
            def put(self) -> str:
                return "property"

            reset = "a value"

        wrap_tree(Odd, MEMORY)

        assert (Odd().get(), Odd().put, Odd().reset) == ("static", "property", "a value")

    def test_an_own_hook_for_subclasses_still_runs(self) -> None:
        made = []

        class Base:
            def __init_subclass__(cls, *, tag: str = "", **kwargs: Any) -> None:
                super().__init_subclass__(**kwargs)
                made.append((cls.__name__, tag))

        wrap_tree(Base, MEMORY)

        class Tagged(Base, tag="a"):
            pass

        class Below(Tagged):
            pass

        assert made == [("Tagged", "a"), ("Below", "")]

    def test_a_hook_of_a_subclass_that_is_made_later_still_runs(self, ops: Callable[[], list[Op]]) -> None:
        class Base:
            pass

        wrap_tree(Base, MEMORY)

        class Middle(Base):
            def __init_subclass__(cls, **kwargs: Any) -> None:
                super().__init_subclass__(**kwargs)

        class Below(Middle):
            def put(self, message: str) -> None:
                pass

        Below().put(ONE)

        assert done(ops()) == [("memory", "build", "Below"), ("memory", "write", "Below")]

    @pytest.mark.usefixtures("ops")
    def test_an_edit_that_fails_is_the_app_s_failure_and_no_write(self, ops: Callable[[], list[Op]]) -> None:
        class Store:
            def __init__(self) -> None:
                self.state = {"seen": [ONE]}

            @contextlib.asynccontextmanager
            async def edit_state(self) -> AsyncIterator[dict[str, list[str]]]:
                yield self.state

        wrap_tree(Store, Table("ctx-store", edits=("edit_state",)))

        async def edit(store: Store, *, fail: bool) -> None:
            async with store.edit_state() as state:
                state["seen"].append(TWO)
                if fail:
                    raise RuntimeError("mine")

        asyncio.run(edit(Store(), fail=False))
        with pytest.raises(RuntimeError, match="mine"):
            asyncio.run(edit(Store(), fail=True))

        assert [(op.action, op.markers) for op in ops()] == [("read", (ONE,)), ("write", (ONE, TWO)), ("read", (ONE,))]
        assert ops()[0].frames[0].function == "edit"


class TestPydantic:
    def model(self) -> type[Any]:
        class Memory(BaseModel):
            token_limit: int = Field(default=10, gt=0)
            messages: list[str] = []

            def put(self, message: str) -> None:
                self.messages.append(message)

            @classmethod
            def load(cls, path: str) -> Any:
                return cls(messages=[path])

        wrap_tree(Memory, Table("memory", writes=("put",), loads=("load",), build=True))
        return Memory

    def test_validation_and_construction_work_as_before(self, ops: Callable[[], list[Op]]) -> None:
        memory = self.model()

        class Own(memory):  # type: ignore[misc, valid-type]
            name: str = "own"

            def put(self, message: str) -> None:
                super().put(f"{self.name}: {message}")

        assert memory(token_limit=3) == memory.model_validate({"token_limit": 3})
        assert memory.model_validate_json('{"token_limit": "5"}').token_limit == 5
        for wrong in ({"token_limit": 0}, {"token_limit": "x"}):
            with pytest.raises(ValidationError):
                memory(**wrong)
            with pytest.raises(ValidationError):
                memory.model_validate(wrong)
        own = Own.model_validate({"name": "me"})
        own.put(ONE)

        assert [f"me: {ONE}"] == own.messages
        assert own == own.model_copy()
        assert own.model_dump() == Own(**own.model_dump()).model_dump()
        assert [one for one in done(ops()) if one[1] == "write"] == [("memory", "write", "Own")]

    def test_a_constructor_of_the_app_s_own(self, ops: Callable[[], list[Op]]) -> None:
        memory = self.model()

        class Own(memory):  # type: ignore[misc, valid-type]
            def __init__(self, limit: int) -> None:
                super().__init__(token_limit=limit)

        assert Own(4).token_limit == 4
        assert done(ops()) == [("memory", "build", "Own")]

    def test_what_is_loaded_is_the_object_that_comes_out(self, ops: Callable[[], list[Op]]) -> None:
        loaded = self.model().load(f"{ONE}.json")
        load = next(op for op in ops() if op.action == "load")

        assert RECORDER.number(loaded) == load.obj
        assert load.markers == (ONE,)


def test_a_write_that_is_never_awaited_is_recorded_as_such(ops: Callable[[], list[Op]]) -> None:
    class Memory:
        async def aput(self, text: str) -> None: ...
        async def aget(self) -> None: ...

    wrap_tree(Memory, MEMORY)
    for coroutine in (Memory().aput(ONE), Memory().aget()):
        record_unawaited(coroutine)
        coroutine.close()
    other = asyncio.sleep(0)
    record_unawaited(other)
    other.close()

    assert [(op.action, op.markers) for op in ops() if op.action != "build"] == [("unawaited", (ONE,))]


@pytest.mark.parametrize("package", ["llama_index", "llama_index.core"])  # before 0.10, and since
def test_memories_are_observed_where_each_version_has_them(package: str, ops: Callable[[], list[Op]]) -> None:
    module = ModuleType(f"{package}.memory.types")
    module.BaseMemory = tree()  # type: ignore[attr-defined]
    state.HOOKS[module.__name__](module)
    module.BaseMemory().put(ONE)
    assert done(ops()) == [("memory", "build", "Base"), ("memory", "write", "Base")]
