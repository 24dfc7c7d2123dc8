"""What functions assign to that all requests share, and where it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from statecheck.source.code.exchanges import Exchange, find_exchanges
from statecheck.source.code.tree import SourceTree

if TYPE_CHECKING:
    from pathlib import Path


def found(folder: Path, code: str) -> list[Exchange]:
    (folder / "app.py").write_text(code, "utf-8")
    return list(find_exchanges(SourceTree(folder, folder, folder / "app.py")))


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("user = None\ndef chat(x):\n    global user\n    user = x\n    save(user)\n", "user"),
        ("engine = make()\ndef chat(x):\n    engine._memory = x\n    engine.chat()\n", "engine._memory"),
        ("state = {}\ndef chat(x):\n    state['user'] = x\n    save(state['user'])\n", "state['user']"),
        ("def chat(request):\n    request.app.state.user = 1 + 1\n    save(request.app.state.user)\n", "user"),
        ("class Bot:\n    def ask(self, x):\n        self.session = x\n        save(self.session)\n", "self.session"),
        (
            "def make():\n    user = 0\n    def a(x):\n        nonlocal user\n        user = x\n        save(user)\n",
            "user",
        ),
        ("who = ContextVar('who')\ndef chat(x):\n    who.set(x)\n    save(who.get())\n", "who"),
        ("@cache\ndef make(): ...\ndef chat(x):\n    e = make()\n    e._memory = x\n    e.chat()\n", "e._memory"),
        (
            "import streamlit as st\ndef make(): ...\nengine = make()\nif asked:\n    engine._memory = memory\n"
            "    engine.chat(asked)\n",
            "engine._memory",
        ),
    ],
)
def test_what_outlives_a_call_is_found_with_its_lines(tmp_path: Path, code: str, name: str) -> None:
    (exchange,) = found(tmp_path, code)

    lines = code.splitlines()
    assert exchange.name.endswith(name)
    assert exchange.name.rpartition(".")[2] in lines[exchange.written.line - 1].replace('"', "'")
    assert exchange.read[0].line == exchange.written.line + 1


@pytest.mark.parametrize(
    "code",
    [
        "def chat(x):\n    engine = make()\n    engine._memory = x\n",
        "sessions = {}\ndef chat(x):\n    sessions[x] = 1 + 1\n",
        "user = None\ndef chat(x):\n    user = x\n    save(user)\n",
        "user = None\ndef reset():\n    global user\n    user = None\n",
        "class Bot:\n    def __init__(self, x):\n        self.session = x\n",
        "import streamlit as st\ndef make(): ...\nst.session_state.engine = make()\nengine = make()\n",
        "import chainlit as cl\ndef main(x):\n    cl.user_session.set('engine', x)\n",
    ],
)
def test_what_is_a_call_s_own_is_not(tmp_path: Path, code: str) -> None:
    assert found(tmp_path, code) == []
