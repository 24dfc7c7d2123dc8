"""Holds turns before what they send to a database or a key-value store, and after what they read there.

The barrier says which: a turn that overlaps others, before a write to what it has read. What goes over SQLite and
psycopg is held by `sql`, where it is recorded; files are held by `file_holds`.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

from .barrier import BARRIER
from .contention import name_keys, name_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from .contention import States

    Name = Callable[[Any, tuple[Any, ...]], tuple[States, States]]
    """What a call of a method with these arguments reads, and what it writes."""

_ASYNCPG = ("execute", "executemany", "fetch", "fetchval", "fetchrow")
_FINDS = ("find", "find_one", "count_documents")
_CHANGES = (
    *("insert_one", "insert_many", "replace_one", "update_one", "update_many", "delete_one", "delete_many"),
    *("find_one_and_update", "find_one_and_replace", "find_one_and_delete"),
)


def hold_around(method: Callable[..., Any], name: Name) -> Callable[..., Any]:
    """Make a method whose calls are held, before they write or after they have read."""
    if inspect.iscoroutinefunction(method):

        @functools.wraps(method)
        async def aheld(self: Any, *args: Any, **kwargs: Any) -> Any:
            if BARRIER.is_open:
                return await method(self, *args, **kwargs)
            read, written = name(self, args)
            if written:
                await BARRIER.ahold_before(written)
            result = await method(self, *args, **kwargs)
            if read:
                await BARRIER.ahold_after(read)
            return result

        return aheld

    @functools.wraps(method)
    def held(self: Any, *args: Any, **kwargs: Any) -> Any:
        if BARRIER.is_open:
            return method(self, *args, **kwargs)
        read, written = name(self, args)
        if written:
            BARRIER.hold_before(written)
        result = method(self, *args, **kwargs)
        if read:
            BARRIER.hold_after(read)
        return result

    return held


def _watch(name: Name, **classes: tuple[str, ...]) -> Callable[[ModuleType], None]:
    """Make a patch that holds these methods of these classes."""

    def patch(module: ModuleType) -> None:
        for class_name, methods in classes.items():
            cls = getattr(module, class_name, None)
            for method in methods:
                if cls is not None and method in vars(cls):
                    setattr(cls, method, hold_around(vars(cls)[method], name))

    return patch


def name_statement(_client: Any, args: tuple[Any, ...]) -> tuple[States, States]:
    """Name what a call with a statement of SQL as its first argument reads, and what it writes."""
    return name_tables(args[0] if args else "")


def _prepared(statement: Any, _args: tuple[Any, ...]) -> tuple[States, States]:
    return name_tables(statement.get_query())


def _command(_client: Any, args: tuple[Any, ...]) -> tuple[States, States]:
    return name_keys(args)


def _pipeline(pipeline: Any, _args: tuple[Any, ...]) -> tuple[States, States]:
    """All that a pipeline sends: what it reads it has only when all is written."""
    return (), tuple(state for command in _commands(pipeline) for state in name_keys(command)[1])


def _commands(pipeline: Any) -> Iterator[Any]:
    for command in getattr(pipeline, "command_stack", ()):
        yield getattr(command, "args", None) or command[0]


def _found(collection: Any, _args: tuple[Any, ...]) -> tuple[States, States]:
    return (f"collection {collection.name}",), ()


def _changed(collection: Any, _args: tuple[Any, ...]) -> tuple[States, States]:
    return (), (f"collection {collection.name}",)


def _watch_collections(cls: str) -> Callable[[ModuleType], None]:
    finds, changes = _watch(_found, **{cls: _FINDS}), _watch(_changed, **{cls: _CHANGES})

    def patch(module: ModuleType) -> None:
        finds(module)
        changes(module)

    return patch


def _watch_redis(module: ModuleType) -> None:
    _watch(_command, Redis=("execute_command",), Pipeline=("immediate_execute_command",))(module)
    _watch(_pipeline, Pipeline=("execute",))(module)


HOOKS: dict[str, Callable[[ModuleType], None]] = {
    "asyncpg.connection": _watch(name_statement, Connection=_ASYNCPG),
    "asyncpg.prepared_stmt": _watch(_prepared, PreparedStatement=_ASYNCPG),
    "pymongo.asynchronous.collection": _watch_collections("AsyncCollection"),
    "pymongo.synchronous.collection": _watch_collections("Collection"),
    "redis.asyncio.client": _watch_redis,
    "redis.client": _watch_redis,
}
