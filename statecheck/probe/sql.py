"""Observes statements that the app sends to a database, for the user's line and the markers in them."""

from __future__ import annotations

import functools
import re
import sqlite3
from typing import TYPE_CHECKING, Any

from .barrier import BARRIER
from .client_holds import hold_around, name_statement
from .contention import name_tables
from .markers import find, words_around
from .recorder import RECORDER, TURN

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from .contention import States
    from .ops import Fields

_EMPTIES = re.compile(r"\s*(DROP TABLE|DELETE FROM|TRUNCATE)\b", re.IGNORECASE)
_READS = re.compile(r"\s*(SELECT|WITH)\b", re.IGNORECASE)
_MOST_TEXT = 500  # characters: a SELECT names its columns before its tables
_MOST_VALUES = 12  # parameters of a statement that are recorded
_LONGEST_VALUE = 80  # characters: a key is no longer


def _record(database: str, statement: Any, parameters: Any) -> None:
    if RECORDER.fd < 0:
        return
    if not TURN.get():
        _record_aside(database, statement)
        return
    frames = RECORDER.frames(3) or RECORDER.awaiting()
    markers = find((statement, parameters))
    if frames or markers:
        text = " ".join(str(statement).split())[:_MOST_TEXT]
        said: Fields = {
            "action": "send",
            "database": database,
            "markers": markers,
            "text": text,
            "frames": frames,
            "arguments": _short_values(parameters),
        }
        if markers:
            said |= {"action": "write", "around": words_around(f"{statement} {parameters}")}
        RECORDER.emit("sql", **said)


def _record_aside(database: str, statement: Any) -> None:
    """Record what the app sends outside of a turn, as when it starts: what takes away what is stored, or reads it."""
    empties = _EMPTIES.match(str(statement))
    frames = RECORDER.frames(4) if empties or _READS.match(str(statement)) else ()
    if frames:
        text = " ".join(str(statement).split())[:_MOST_TEXT]
        RECORDER.emit("sql", action="delete" if empties else "send", database=database, text=text, frames=frames)


def _short_values(parameters: Any) -> tuple[str, ...]:
    """Return the parameters that may be keys: texts and numbers that are short and hold no marker."""
    found: list[str] = []
    waiting = [parameters]
    while waiting and len(found) < _MOST_VALUES:
        value = waiting.pop(0)
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, (tuple, list)):
            waiting += value
        elif isinstance(value, (str, int)) and len(text := str(value)) <= _LONGEST_VALUE and not find(text):
            found.append(text)
    return tuple(found)


def _record_rows(*rows: Any) -> None:
    """Record the markers that a statement brought back, if any."""
    if not TURN.get() or RECORDER.fd < 0:
        return
    markers = find([tuple(row) if isinstance(row, sqlite3.Row) else row for row in rows])
    if markers:
        RECORDER.emit("sql", action="read", database="sqlite", markers=markers, frames=RECORDER.frames(3))


def _tables_to_hold(statement: Any, *, inside: bool) -> tuple[States, States]:
    """What a statement reads and writes, if turns are held there: in a transaction of SQLite's nobody else writes."""
    return ((), ()) if BARRIER.is_open or inside else name_tables(statement)


class _Cursor(sqlite3.Cursor):
    """A cursor that shows what it executes, and what that brings back."""

    _reads: States = ()

    def _hold_before(self, statement: Any) -> None:
        self._reads, written = _tables_to_hold(statement, inside=self.connection.in_transaction)
        if written:
            BARRIER.hold_before(written)
        elif self._reads:
            BARRIER.note_read(self._reads)

    def execute(self, sql: str, *args: Any) -> Any:
        """Record, then execute."""
        _record("sqlite", sql, args)
        self._hold_before(sql)
        return super().execute(sql, *args)

    def executemany(self, sql: str, parameters: Any, /) -> Any:
        """Record, then execute."""
        rows = list(parameters)
        _record("sqlite", sql, rows)
        self._hold_before(sql)
        return super().executemany(sql, rows)

    def fetchone(self) -> Any:
        """Fetch, then record."""
        row = super().fetchone()
        _record_rows(row)
        BARRIER.hold_after(self._reads)
        return row

    def fetchmany(self, *args: Any, **kwargs: Any) -> list[Any]:
        """Fetch, then record."""
        rows = super().fetchmany(*args, **kwargs)
        _record_rows(*rows)
        BARRIER.hold_after(self._reads)
        return rows

    def fetchall(self) -> list[Any]:
        """Fetch, then record."""
        rows = super().fetchall()
        _record_rows(*rows)
        BARRIER.hold_after(self._reads)
        return rows

    def __next__(self) -> Any:
        """Fetch, then record."""
        row = super().__next__()
        _record_rows(row)
        BARRIER.hold_after(self._reads)
        return row


class _Connection(sqlite3.Connection):
    """A connection whose cursors show what they execute."""

    def cursor(self, factory: Any = _Cursor) -> Any:
        """Make a cursor."""
        return super().cursor(factory)

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        """Execute with a cursor that shows it: one that is made in C would not."""
        cursor: sqlite3.Cursor = self.cursor()
        return cursor.execute(sql, *args)

    def executemany(self, sql: str, parameters: Any, /) -> sqlite3.Cursor:
        """Execute with a cursor that shows it."""
        cursor: sqlite3.Cursor = self.cursor()
        return cursor.executemany(sql, parameters)


def install() -> None:
    """Watch SQLite, in the worker: connections that are opened with a class of their own are left alone."""
    connect = sqlite3.connect

    @functools.wraps(connect)
    def watched(*args: Any, **kwargs: Any) -> Any:
        if len(args) < 6:  # the sixth is the class
            kwargs.setdefault("factory", _Connection)
        return connect(*args, **kwargs)

    sqlite3.connect = watched
    sqlite3.dbapi2.connect = watched


def _watch_execute(*classes: str) -> Callable[[ModuleType], None]:
    """A patch that shows what these classes' `execute` sends (libpq's own bytes pass no Python)."""

    def patch(module: ModuleType) -> None:
        for name in classes:
            cls = getattr(module, name, None)
            if cls is not None:
                for method in ("execute", "executemany"):
                    setattr(cls, method, _record_before(hold_around(getattr(cls, method), name_statement)))

    return patch


def _record_before(execute: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(execute)
    def shown(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        _record("postgres", query, args)
        return execute(self, query, *args, **kwargs)

    return shown


def _watch_psycopg2(module: ModuleType) -> None:
    """Its cursors are classes in C, which cannot be patched: connections get one of their own."""
    connect, plain = module.connect, module.extensions.cursor

    @functools.wraps(connect)
    def watched(dsn: Any = None, connection_factory: Any = None, cursor_factory: Any = None, **kwargs: Any) -> Any:
        base = cursor_factory or plain
        methods = {
            name: _record_before(hold_around(getattr(base, name), name_statement))
            for name in ("execute", "executemany")
        }
        return connect(dsn, connection_factory, type(base.__name__, (base,), methods), **kwargs)

    vars(module)["connect"] = watched


def _watch_aiosqlite(module: ModuleType) -> None:
    """Statements go to a thread of its own there: take the frames before they do."""
    connection = getattr(module, "Connection", None)
    forward = getattr(connection, "_execute", None)
    if connection is None or forward is None:
        return

    @functools.wraps(forward)
    async def shown(self: Any, function: Any, *args: Any, **kwargs: Any) -> Any:
        reads: States = getattr(getattr(function, "__self__", None), "_reads", ()) if not args else ()
        if args and isinstance(args[0], str) and " " in args[0]:  # a statement, not the name of a function
            _record("sqlite", args[0], args[1:])
            found, written = _tables_to_hold(args[0], inside=self.in_transaction)
            if written:
                await BARRIER.ahold_before(written)
            elif found:
                BARRIER.note_read(found)
        given = await forward(self, function, *args, **kwargs)
        if reads:
            await BARRIER.ahold_after(reads)
        if isinstance(given, (tuple, list, sqlite3.Row)):
            _record_rows(*(given if isinstance(given, list) else [given]))
        return given

    connection._execute = shown  # noqa: SLF001 - the one door through which all goes


HOOKS: dict[str, Callable[[ModuleType], None]] = {
    "aiosqlite.core": _watch_aiosqlite,
    "psycopg2": _watch_psycopg2,
    "psycopg2.extras": _watch_execute("DictCursor", "RealDictCursor", "NamedTupleCursor"),
    "psycopg.cursor": _watch_execute("Cursor"),
    "psycopg.cursor_async": _watch_execute("AsyncCursor"),
}
