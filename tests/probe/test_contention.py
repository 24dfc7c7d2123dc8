"""What statements and commands read and write: by that turns that overlap are held."""

from __future__ import annotations

import pytest

from statecheck.probe.contention import name_keys, name_tables


@pytest.mark.parametrize(
    ("statement", "read", "written"),
    [
        ('SELECT a FROM "chat".rooms JOIN [users] ON 1', ("table rooms", "table users"), ()),
        ("\nSELECT x.y\nFROM said\nWHERE user = ?", ("table said",), ()),
        ("INSERT OR REPLACE INTO notes VALUES (?)", (), ("table notes",)),
        ("REPLACE INTO Notes VALUES (?)", (), ("table notes",)),
        ("INSERT INTO notes VALUES ($1) ON CONFLICT (id) DO UPDATE SET log = $2", (), ("table notes",)),
        ("UPDATE users SET a = 1 WHERE b IN (SELECT c FROM other)", (), ("table users",)),
        ("DELETE FROM said", (), ("table said",)),
        ("WITH new AS (SELECT 1 FROM old) INSERT INTO said SELECT * FROM new", (), ("table said",)),
        ('PRAGMA main.table_info("said")', ("the tables",), ()),
        ("SELECT 1 FROM sqlite_master WHERE name = ?", ("the tables",), ()),
        ("CREATE TABLE said (text TEXT)", (), ("the tables",)),
        ("CREATE TABLE IF NOT EXISTS said (text TEXT)", (), ()),
        ("BEGIN", (), ()),
    ],
)
def test_tables(statement: str, read: tuple[str, ...], written: tuple[str, ...]) -> None:
    assert name_tables(statement) == (read, written)


@pytest.mark.parametrize(
    ("command", "read", "written"),
    [
        (("GET", "chat:1"), ("key chat:1",), ()),
        (("lrange", b"chat:1", 0, -1), ("key chat:1",), ()),
        (("SET", "chat:1", "{}"), (), ("key chat:1",)),
        (("RPUSH", "chat:1", "x"), (), ("key chat:1",)),
        (("JSON.SET", "chat:1", "$", "{}"), (), ("key chat:1",)),
        (("PUBLISH", "chat:1", "x"), (), ()),
        (("MULTI",), (), ()),
    ],
)
def test_keys(command: tuple[object, ...], read: tuple[str, ...], written: tuple[str, ...]) -> None:
    assert name_keys(command) == (read, written)
