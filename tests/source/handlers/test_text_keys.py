"""Where code goes by the text of a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from statecheck.source.code.tree import SourceTree
from statecheck.source.handlers.text_keys import find_text_keys

if TYPE_CHECKING:
    from pathlib import Path


def found(folder: Path, code: str) -> list[tuple[str, int]]:
    (folder / "app.py").write_text(code, "utf-8")
    return [(each.use, each.anchor.line) for each in find_text_keys(SourceTree(folder, folder, folder / "app.py"))]


@pytest.mark.parametrize(
    ("code", "use"),
    [
        ("def chat(room, text):\n    return answers[hashlib.sha256(text.encode()).hexdigest()]\n", "key"),
        ("@app.post('/')\n@lru_cache(maxsize=9)\ndef ask(question):\n    return model.chat(question)\n", "key"),
        ("def ask(question):\n    return client.get(f'answer:{question}')\n", "key"),
        ("def ask(question):\n    return answers[question]\n", "key"),
        ("def save(history, entry):\n    if entry not in history: history.append(entry)\n", "once"),
        ("def save(room, text):\n    if any(m.content == text for m in load(room)): return\n", "once"),
        (
            "def save(db, room):\n    db.execute('CREATE TABLE m (room TEXT, content TEXT, UNIQUE (room, content))')\n",
            "once",
        ),
        (
            "def save(db, r):\n    db.execute('insert into m (room, body) values (?) on conflict do nothing', r)\n",
            "once",
        ),
        ("class Said(Base):\n    __table_args__ = (UniqueConstraint('room', 'content'),)\n", "once"),
        ("def save(client, room, value):\n    client.zadd(room, {value: time()})\n", "once"),
    ],
)
def test_a_place_that_goes_by_the_text_is_found_with_its_line(tmp_path: Path, code: str, use: str) -> None:
    assert found(tmp_path, code) == [(use, 2)]


@pytest.mark.parametrize(
    "code",
    [
        "def chat(room, text):\n    return bots[hashlib.sha256(room.encode()).hexdigest()].chat(text)\n",
        "def chat(room, text):\n    return bots[room].chat(text) if room in history else ''\n",
        "def chat(text):\n    return 'Bye' if text in ('quit', 'exit') or text == 'stop' else text\n",
        "def save(db, row):\n    db.execute('INSERT OR IGNORE INTO m (message_id, body_of) VALUES (?, ?)', row)\n",
        "def chat(messages: list[Message]):\n    return messages[-1]\n",
        "@cache\ndef load(room):\n    return open(room).read()\n",
    ],
)
def test_what_goes_by_something_else_is_none(tmp_path: Path, code: str) -> None:
    assert not found(tmp_path, code)
