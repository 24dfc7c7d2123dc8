"""How Chainlit's pages are signed in, by its version."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from statecheck.probe.adapters import chainlit as adapter

if TYPE_CHECKING:
    import pytest


def test_before_chainlit_2_nobody_signs_in_by_a_cookie(monkeypatch: pytest.MonkeyPatch) -> None:
    package: Any = ModuleType("chainlit")
    package.auth = SimpleNamespace(create_jwt=lambda user: f"jwt-of-{user}")
    monkeypatch.setitem(sys.modules, "chainlit", package)

    assert adapter._login_headers(None) == {}
    assert adapter._login_headers("ada") == {"Authorization": "Bearer jwt-of-ada"}
    package.auth.cookie = SimpleNamespace(_auth_cookie_name="token")
    assert adapter._login_headers("ada") == {"Cookie": "token=jwt-of-ada"}


def test_a_page_says_who_it_is_where_that_chainlit_looks_for_it() -> None:
    said = {"sessionId": "tab", "clientType": "webapp", "threadId": "", "userEnv": "{}", "chatProfile": None}

    def connect_in_1(sid: str, environ: object) -> None: ...

    def connect_in_2(sid: str, environ: object, auth: object) -> None: ...

    headers, data = adapter.introduce(connect_in_1, said)

    assert adapter.introduce(connect_in_2, said) == ({}, said)
    assert data == {}
    assert headers == {"X-Chainlit-Session-Id": "tab", "X-Chainlit-Client-Type": "webapp", "User-Env": "{}"}
