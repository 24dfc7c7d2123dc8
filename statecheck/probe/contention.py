"""What statements and commands read and write, by name: where turns that overlap may get in each other's way. Pure.

A name stands for what one turn may load, change and save: a table, a key, the tables that there are. It need not be
exact: a turn is held before it writes what it has read, and goes on.
"""

from __future__ import annotations

import re
from typing import Any

_READ = re.compile(r"\b(?:FROM|JOIN)\s+([\w.\"`\[\]]+)", re.IGNORECASE)
_WRITTEN = re.compile(
    r"\s*(?:WITH\b.*?)?\b(?:(?:INSERT|REPLACE)\b[\w\s]*?\bINTO|UPDATE(?:\s+OR\s+\w+)?|DELETE\s+FROM)\s+([\w.\"`\[\]]+)",
    re.IGNORECASE | re.DOTALL,
)
_CATALOGUE = re.compile(
    r"\bsqlite_(?:master|schema)\b|\btable_(?:x?info|list)\b|\bpg_class\b|information_schema", re.IGNORECASE
)
_MAKES = re.compile(r"\s*CREATE\s+(?:TABLE|UNIQUE|INDEX)\b(?!\s+IF\s+NOT\s+EXISTS)", re.IGNORECASE)
_TABLES = "the tables"

_GETS = re.compile(
    r"M?GET|GETEX|STRLEN|EXISTS|H(GET|MGET|GETALL|EXISTS|KEYS|VALS)|L(RANGE|LEN|INDEX)|SMEMBERS|ZRANGE|JSON\.GET"
)
_SETS = re.compile(r"M?SET|P?SETEX|SETNX|GETSET|APPEND|DEL|UNLINK|HM?SET|[RL]PUSH|L(TRIM|SET|REM)|[SZ]ADD|JSON\.SET")

States = tuple[str, ...]


def name_tables(statement: Any) -> tuple[States, States]:
    """Return what a statement of SQL reads, and what it writes."""
    text = str(statement)
    if _MAKES.match(text):
        return (), (_TABLES,)
    if _CATALOGUE.search(text):
        return (_TABLES,), ()
    written = _WRITTEN.match(text)
    if written is not None:
        return (), (_bare(written[1]),)
    return tuple(dict.fromkeys(map(_bare, _READ.findall(text)))), ()


def name_keys(command: Any) -> tuple[States, States]:
    """Return what a command of Redis' reads, and what it writes: its name and its arguments."""
    if not command:
        return (), ()
    words = str(command[0]).upper().split()
    if not words or len(command) < 2:
        return (), ()
    keys = (_text(command[1]),)
    return (keys if _GETS.fullmatch(words[0]) else ()), (keys if _SETS.fullmatch(words[0]) else ())


def _bare(table: str) -> str:
    return "table " + table.rpartition(".")[2].strip('"`[]').lower()


def _text(key: Any) -> str:
    return "key " + (key.decode("utf-8", "replace") if isinstance(key, bytes) else str(key))
