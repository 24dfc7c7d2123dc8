"""Bytes on their way to a service, cut into what each command asks for, however they are cut into packets."""

from __future__ import annotations

import struct

import pytest

from statecheck.probe.protocols import Commands, PostgresCommands, RedisCommands


def resp(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


START = message(b"", struct.pack("!I", 3 << 16) + b"user\0me\0\0")


def said(commands: Commands, data: bytes, size: int) -> list[tuple[str, bytes]]:
    return [each for at in range(0, len(data), size) for each in commands.feed(data[at : at + size])]


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_redis_commands_one_by_one_but_no_logins(size: int) -> None:
    sets = resp(b"SET", b"a", b"x" * 900 + b"sc-m00000001")
    data = resp(b"HELLO", b"3", b"AUTH", b"me", b"secret") + resp(b"MULTI") + sets + resp(b"GET", b"a")

    found = said(RedisCommands(), data, size)

    assert [payload for _, payload in found] == [resp(b"MULTI"), sets, resp(b"GET", b"a")]
    assert found[1][0].startswith("*3\r\n$3\r\nSET\r\n$1\r\na\r\n")
    assert len(found[1][0]) == 500


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_postgres_statements_with_their_parameters(size: int) -> None:
    parse = message(b"P", b"s1\0INSERT INTO t\n VALUES ($1)\0\0\0")
    bind = message(b"B", b"\0s1\0" + struct.pack("!HHHi", 0, 1, 1, 5) + b"hello" + b"\0\0")
    simple = message(b"Q", b"SELECT * FROM t\0")
    again = message(b"E", b"\0\0\0\0\0") + message(b"S", b"") + bind

    found = said(PostgresCommands(), START + message(b"Q", b"BEGIN\0") + parse + bind + simple + again, size)

    assert [text for text, _ in found] == ["INSERT INTO t VALUES ($1)", "SELECT * FROM t", "INSERT INTO t VALUES ($1)"]
    assert b"hello" in found[0][1]
    assert b"hello" in found[2][1]
