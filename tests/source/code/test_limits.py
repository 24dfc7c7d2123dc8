"""Limits that code sets to what it keeps: to the number of sessions, and to the messages of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from statecheck.source.code.limits import find_limits
from statecheck.source.code.tree import SourceTree

if TYPE_CHECKING:
    from pathlib import Path


def found(folder: Path, code: str) -> list[tuple[str, str, int | None, str, int]]:
    (folder / "app.py").write_text(code, "utf-8")
    limits = find_limits(SourceTree(folder, folder, folder / "app.py"))
    return [(each.of, each.text, each.number, each.holder, each.anchor.line) for each in limits]


@pytest.mark.parametrize(
    ("code", "limit"),
    [
        ("@lru_cache(maxsize=1)\ndef bot_of(room): ...\n", ("maxsize=1", 1, "bot_of", 1)),
        ("@functools.lru_cache\ndef bot_of(room): ...\n", ("maxsize=128", 128, "bot_of", 1)),
        ("MOST = 50\n@cached(TTLCache(MOST, ttl=3600))\ndef bot_of(room): ...\n", ("maxsize=50", 50, "bot_of", 2)),
        ("rooms = TTLCache(maxsize=3, ttl=3600)\n", ("maxsize=3", 3, "rooms", 1)),
        ("class Desk:\n    def __init__(self):\n        self.rooms = LRUCache(7)\n", ("maxsize=7", 7, "rooms", 3)),
        ("rooms = LRUCache(settings.most)\n", ("maxsize=settings.most", None, "rooms", 1)),
        (
            "def put(room):\n    rooms[room] = 1\n    while len(rooms) > 20:\n        rooms.popitem(last=False)\n",
            ("len(rooms) > 20", 20, "rooms", 3),
        ),
        (
            "MOST = int(os.environ.get('MOST', '9'))\ndef put(room):\n    if len(rooms) >= MOST:\n"
            "        del rooms[next(iter(rooms))]\n",
            ("len(rooms) >= MOST", 9, "rooms", 3),
        ),
    ],
)
def test_a_cache_of_sessions_has_its_limit(tmp_path: Path, code: str, limit: tuple[str, int | None, str, int]) -> None:
    assert found(tmp_path, code) == [("sessions", *limit)]


@pytest.mark.parametrize(
    ("code", "limit"),
    [
        ("memory = Memory.from_defaults(token_limit=400)\n", ("token_limit=400", 400, "", 1)),
        ("LAST = 6\ndef load(rows):\n    return rows[-LAST:]\n", ("rows[-LAST:]", 6, "rows", 3)),
        ("said = deque(maxlen=10)\n", ("maxlen=10", 10, "", 1)),
        ("cursor.execute('SELECT * FROM said ORDER BY id DESC LIMIT 6')\n", ("LIMIT 6", None, "", 1)),
        ("rows = query.limit(12).all()\n", ("limit(12)", 12, "", 1)),
        ("said = client.lrange(key, -10, -1)\n", ("lrange(key, -10, -1)", None, "", 1)),
        ("while len(said) > 8:\n    said.pop(0)\n", ("len(said) > 8", 8, "said", 1)),
    ],
)
def test_a_window_has_its_limit(tmp_path: Path, code: str, limit: tuple[str, int | None, str, int]) -> None:
    assert found(tmp_path, code) == [("messages", *limit)]


@pytest.mark.parametrize(
    ("code", "limits"),
    [
        ("store = RedisChatStore(redis_url=URL, ttl=30)\n", [("seconds", "ttl=30", 30, "store", 1)]),
        ("KEEP = 5\nclient.set(key, said, ex=KEEP)\n", [("seconds", "ex=5", 5, "client", 2)]),
        ("client.expire(key, 20)\n", [("seconds", "expire 20", 20, "client", 1)]),
        ("client.set(key, said, px=1800)\n", [("seconds", "px=1800", 1, "client", 1)]),
        ("client.psetex(key, 2000, said)\n", [("seconds", "psetex 2000", 2, "client", 1)]),
        ("client.pexpire(key, 60 * 1000)\n", [("seconds", "pexpire 60000", 60, "client", 1)]),
        (
            "rooms = TTLCache(100, 20)\n",
            [("sessions", "maxsize=100", 100, "rooms", 1), ("seconds", "ttl=20", 20, "rooms", 1)],
        ),
        ("cache.set(key, said, timeout=45)\n", [("seconds", "timeout=45", 45, "cache", 1)]),
        (
            "memo = RedisCache(HOST, default_timeout=9)\n",
            [("seconds", "default_timeout=9", 9, "memo", 1)],
        ),
        (
            "lines.create_index('at', expireAfterSeconds=90)\nrow = {'at': datetime.now()}\n",
            [("seconds", "expireAfterSeconds=90", 90, "lines", 1), ("local time", "datetime.now()", None, "", 2)],
        ),
        ("lines.create_index('at', expireAfterSeconds=900)\nrow = {'at': datetime.now(timezone.utc)}\n", []),
        ("row = {'at': datetime.now()}\nrequests.get(url, timeout=5)\n", []),
        ("client.expire(key, 86400)\n", []),
        ("client.set(key, said, px=86400 * 1000)\n", []),
        ("said = Queue(maxsize=4)\n", [("messages", "maxsize=4", 4, "", 1)]),
    ],
)
def test_what_expires_while_a_run_lasts_is_a_limit(
    tmp_path: Path, code: str, limits: list[tuple[str, str, int | None, str, int]]
) -> None:
    assert found(tmp_path, code) == limits


@pytest.mark.parametrize(
    "code",
    [
        "@lru_cache\ndef settings(): ...\n",
        "@lru_cache(maxsize=None)\ndef bot_of(room): ...\n",
        "class Desk:\n    @lru_cache(maxsize=1)\n    def model(self): ...\n",
        "if len(rooms) > 20:\n    raise ValueError\n",
        "everything = client.lrange(key, 0, 9)\nname = path[:-3]\n",
    ],
)
def test_what_bounds_no_conversation_is_none(tmp_path: Path, code: str) -> None:
    assert not found(tmp_path, code)


@pytest.mark.parametrize(
    "code", ["title = CharField(max_length=64)\n", "text: str = Field(max_length=9)\n", "text = Body(max_length=9)\n"]
)
def test_what_declares_a_text_limits_no_conversation(tmp_path: Path, code: str) -> None:
    assert found(tmp_path, code) == []
