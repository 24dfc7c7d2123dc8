"""Finding in an answer the session that the app has given."""

from __future__ import annotations

import json
from typing import Any

import pytest

from statecheck.talk.session_from_answer import find_session

CHAT = {"id": "chatcmpl-1", "model": "gpt", "usage": {"total": 7}}


@pytest.mark.parametrize(
    ("body", "name", "expected"),
    [
        ({"session_id": "s1", "reply": "hi"}, "session_id", "s1"),
        ({"sessionId": "s1", "id": "m1"}, "session_id", "s1"),
        ({"message": {"id": "m1"}, "conversation": {"id": "c1"}}, "conversation_id", "c1"),
        ({"data": {"thread": {"thread_id": 7}}}, "thread_id", 7),
        ({"id": "s1", "created": "today"}, "session_id", "s1"),
        ({**CHAT, "conversation": "c9"}, "conversation_id", "c9"),
        ({"access_token": "t1", "token_type": "bearer"}, "access_token", "t1"),
        ({"a": {"key": "k"}, "b": {"key": "l"}}, "b.key", "l"),
        ({"answer": "two words", "ok": True}, "session_id", None),
        ({"reply": "word"}, "session_id", None),
        ("s1", "session_id", "s1"),
        ([{"session_id": "of another"}], "session_id", None),
    ],
)
def test_the_session_is_found_by_its_name(body: Any, name: str, expected: Any) -> None:
    assert find_session(json.dumps(body), {}, name) == expected


@pytest.mark.parametrize(
    ("location", "path", "expected"),
    [
        ("/chats/c1", "/chats/{session}", "c1"),
        ("http://127.0.0.1:1/api/chats/c1?x=1", "/chats/{session}/messages", "c1"),
        ("/users/u1/chats/c1", "/users/{user}/chats/{session}", "c1"),
        ("/elsewhere", "/chats/{session}", None),
    ],
)
def test_the_session_is_found_where_the_answer_leads(location: str, path: str, expected: str | None) -> None:
    assert find_session("", {"location": location}, "chat_id", path) == expected


def test_the_session_is_found_in_a_header_a_stream_and_a_page() -> None:
    assert find_session("{}", {"x-session-id": "s1"}, "X-Session-Id") == "s1"
    assert find_session("hi", {"content-type": "text/plain", "x-conversation": "s1"}, "session") == "s1"
    assert find_session("hi", {"x-request-id": "r1"}, "session_id") is None
    assert find_session('data: {"delta": "a"}\n\ndata: {"session_id": "s1"}\n\n', {}, "session_id") == "s1"
    assert find_session("<form><input type='hidden' name='seat' value='s1'></form>", {}, "seat") == "s1"
    assert find_session("<p>no form</p>", {}, "seat") is None
