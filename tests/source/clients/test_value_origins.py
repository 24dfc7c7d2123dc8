"""How client code comes by the session that it sends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from statecheck.source.clients.clients import find_clients
from statecheck.source.code.tree import SourceTree

if TYPE_CHECKING:
    from pathlib import Path

PYTHON = {
    "made for each call": (
        "def ask(text):\n    sid = str(uuid4())\n    return httpx.post(SENT)\n",
        "made",
    ),
    "made in the call": ("def ask(text):\n    httpx.post('/chat', json={'sid': uuid4().hex, 'text': text})\n", "made"),
    "made in a loop": (
        "while True:\n    sid = secrets.token_hex(4)\n    httpx.post(SENT)\n",
        "made",
    ),
    "given by who makes it for each": (
        "def send(sid, text):\n    httpx.post(SENT)\ndef ask(text):\n    send(uuid4().hex, text)\n",
        "made",
    ),
    "made once in main": (
        "def main():\n    sid = str(uuid4())\n    for text in texts:\n        httpx.post(SENT)\n",
        "kept",
    ),
    "made at import": (
        "sid = str(uuid4())\ndef ask(text):\n    httpx.post(SENT)\n",
        "kept",
    ),
    "taken, or made where it is not given": (
        "def ask(text, sid=None):\n    sid = sid or str(uuid4())\n    httpx.post(SENT)\n",
        "",
    ),
    "a page that is run anew": (
        "import streamlit as st\nsid = str(uuid4())\nhttpx.post('/chat', json={'sid': sid, 'text': st.chat_input()})\n",
        "made",
    ),
    "learned": (
        "sid = None\nwhile True:\n    r = httpx.post(SENT)\n    sid = r.json()['sid']\n",
        "learned",
    ),
    "learned by an object": (
        "class Bot:\n    def ask(self, text):\n        r = httpx.post('/chat', json={'sid': self.sid, 'text': text})\n"
        "        self.sid = r.json().get('sid')\n",
        "learned",
    ),
}
SCRIPT = {
    "made in the handler": (
        "go.onclick = async () => { const sid = crypto.randomUUID(); if (x) { y(); } await fetch('/chat', SENT); };",
        "made",
    ),
    "made in a function": (
        "function send(text) {\n  const sid = `${Date.now()}`;\n fetch('/chat', SENT);\n}",
        "made",
    ),
    "made in a method": ("class Bot { async send(text) { let sid = uuidv4(); await fetch('/chat', SENT) } }", "made"),
    "made at each rendering": (
        "function Chat() { const sid = nanoid(); const [all, setAll] = useState([]);\n"
        "  const send = (text) => { fetch('/chat', SENT); }; }",
        "made",
    ),
    "kept by React": (
        "function Chat() { const sid = useMemo(() => nanoid(), []); const [all, setAll] = useState([]);\n"
        "  const send = (text) => { fetch('/chat', SENT); }; }",
        "kept",
    ),
    "made at load": ("const sid = crypto.randomUUID();\nfunction send(text) { fetch('/chat', SENT); }", "kept"),
    "made at load, in a function": (
        "window.onload = () => { const sid = crypto.randomUUID(); go.onclick = () => { fetch('/chat', SENT); }; };",
        "kept",
    ),
    "kept by the browser": (
        "function send(text) { let sid = localStorage.getItem('sid') || crypto.randomUUID(); fetch('/chat', SENT); }",
        "kept",
    ),
    "learned": (
        "let sid; async function send(text) { const r = await fetch('/chat', SENT); sid = (await r.json()).sid; }",
        "learned",
    ),
    "learned by React": (
        "const [sid, setSid] = useState(null); const send = async (text) => "
        "{ const r = await fetch('/chat', SENT); const data = await r.json(); setSid(data.sid); };",
        "learned",
    ),
    "not known": ("function send(sid, text) { if (sid === data.sid) fetch('/chat', SENT); }", ""),
}


def origin(folder: Path, name: str, source: str) -> str:
    (folder / name).write_text(source)
    (call,) = find_clients(SourceTree(folder, folder))
    return next(field.origin for field in call.fields if field.name == "sid")


@pytest.mark.parametrize(("source", "expected"), PYTHON.values(), ids=PYTHON)
def test_where_a_session_of_python_comes_from(tmp_path: Path, source: str, expected: str) -> None:
    sent = "'/chat', json={'sid': sid, 'text': text}"

    assert origin(tmp_path, "client.py", "import httpx\n" + source.replace("SENT", sent)) == expected


@pytest.mark.parametrize(("source", "expected"), SCRIPT.values(), ids=SCRIPT)
def test_where_a_session_of_a_script_comes_from(tmp_path: Path, source: str, expected: str) -> None:
    sent = "{method: 'POST', body: JSON.stringify({sid, text})}"

    assert origin(tmp_path, "client.js", source.replace("SENT", sent)) == expected
