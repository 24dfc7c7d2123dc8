"""What code does to keys that could make two of them one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from statecheck.source.code.tree import SourceTree
from statecheck.source.handlers.foldings import find_foldings

if TYPE_CHECKING:
    from pathlib import Path


def found(folder: Path, code: str) -> list[tuple[str, str, int]]:
    (folder / "app.py").write_text(code, "utf-8")
    foldings = find_foldings(SourceTree(folder, folder, folder / "app.py"))
    return [(each.text, each.function, each.anchor.line) for each in foldings]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("def chat(room, said):\n    return bots[room.lower()].chat(said)\n", "room.lower()"),
        ("def safe(text):\n    return re.sub('[^a-z]', '', text)\n", "re.sub('[^a-z]', '', text)"),
        ("def chat(body):\n    return bots[body['user_id'][:8]]\n", "body['user_id'][:8]"),
        ("def chat(body):\n    return bots[body['user_id'][-4:]]\n", "body['user_id'][-4:]"),
        ("def slot(user_id):\n    return bots[user_id % 64]\n", "user_id % 64"),
        ("def load(session):\n    return client.scan_iter(match=session)\n", "client.scan_iter(match=session)"),
        ("def load(sid):\n    return [k for k in bots if k.startswith(sid)]\n", "k.startswith(sid)"),
        ("def load(sid):\n    db.execute('select said from chats where sid like ?')\n", "'select said from chats"),
    ],
)
def test_what_is_done_to_a_key_is_found_with_its_line(tmp_path: Path, code: str, text: str) -> None:
    ((shown, function, line),) = found(tmp_path, code)

    assert shown.strip("'").startswith(text.strip("'"))
    assert function == code[4:].partition("(")[0]
    assert line == 2


@pytest.mark.parametrize(
    "code",
    [
        "def chat(room, said):\n    return bots[room].chat(said.lower())\n",
        "def chat(said):\n    return re.sub('[^a-z]', '', said)\n",
        "def show(room):\n    return 'room %s' % room\n",
        "def rest(session):\n    return session[1:]\n",
        "def digest(room):\n    return hashlib.sha256(room.encode()).hexdigest()\n",
    ],
)
def test_what_is_done_to_other_texts_is_none(tmp_path: Path, code: str) -> None:
    assert not found(tmp_path, code)
