"""Slack's Web API, as far as a bot needs it to answer: what it posts is noted, and goes nowhere."""

from __future__ import annotations

import json
import re
import time
from typing import Any

from ..chat_posts import POSTED, Post
from .exchange import Exchange, Reply

PATHS = re.compile(r"^/(api/[a-z]+(\.[a-zA-Z]+)+|commands/[^/]+/\d+)$")
TEAM, BOT, BOT_USER = "T0STATECHK", "B0STATECHK", "U0STATECHK"
_POSTS = ("chat.postMessage", "chat.postEphemeral", "chat.update")


def exchange(method: str, path: str, body: dict[str, Any]) -> Exchange | None:  # noqa: ARG001 - all go by one verb
    """As `apis.exchange`, for `/api/chat.postMessage` and the other methods."""
    name = path.rpartition("/")[2]
    if path.startswith("/commands/"):  # where a command's answers go
        return Exchange(lambda: _note_response(body))
    return Exchange(lambda: Reply(json.dumps({"ok": True, **_result(name, body)}).encode()))


def _result(name: str, body: dict[str, Any]) -> dict[str, Any]:
    if name in _POSTS:
        return _note_post(name, body)
    if name == "auth.test":
        who = {"user_id": BOT_USER, "bot_id": BOT, "user": "statecheck", "team": "statecheck"}
        return {"url": "https://statecheck.slack.com/", "team_id": TEAM, **who}
    if name in ("conversations.replies", "conversations.history"):
        said = POSTED.said()
        return {"messages": said if name.endswith("replies") else said[::-1], "has_more": False}
    user = str(body.get("user", BOT_USER))
    profile = {"real_name": user, "display_name": user, "email": f"{user}@example.com"}
    person = {"id": user, "name": user, "real_name": user, "is_bot": user == BOT_USER, "profile": profile, "tz": "UTC"}
    channel = {"id": str(body.get("channel", "C0STATECHK")), "name": "general", "is_im": False}
    return {"user": person, "profile": profile, "channel": channel}


def _note_response(body: dict[str, Any]) -> Reply:
    POSTED.note(Post("", str(body.get("text") or body.get("blocks") or ""), edited=bool(body.get("replace_original"))))
    return Reply(b"ok", "text/plain")


def _note_post(name: str, body: dict[str, Any]) -> dict[str, Any]:
    channel, thread = str(body.get("channel", "")), str(body.get("thread_ts") or "")
    text = str(body.get("text") or body.get("markdown_text") or body.get("blocks") or body.get("attachments") or "")
    POSTED.note(Post(channel, text, thread, edited=name == "chat.update"))
    ts = str(body.get("ts") or stamp())
    message = {"type": "message", "text": text, "user": BOT_USER, "bot_id": BOT, "ts": ts}
    return {"channel": channel, "ts": ts, "message": {**message, **({"thread_ts": thread} if thread else {})}}


def stamp() -> str:
    """A new message's timestamp, by which Slack names it."""
    return f"{time.time_ns() // 10**9}.{time.time_ns() // 1000 % 10**6:06}"
