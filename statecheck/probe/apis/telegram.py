"""Telegram's Bot API, as far as a bot needs it to answer: what it sends is noted, and goes nowhere."""

from __future__ import annotations

import itertools
import json
import re
import time
from typing import Any

from ..chat_posts import POSTED, Post
from .exchange import Exchange, Reply

PATHS = re.compile(r"^/bot[^/]+/([A-Za-z]+)$")
BOT = {"id": 1_000_000_001, "is_bot": True, "first_name": "statecheck", "username": "statecheck_bot"}
_messages = itertools.count(1)


def exchange(method: str, path: str, body: dict[str, Any]) -> Exchange | None:  # noqa: ARG001 - either verb does
    """As `apis.exchange`, for `/bot<token>/sendMessage` and the other methods."""
    name = path.rpartition("/")[2]
    return Exchange(lambda: Reply(json.dumps({"ok": True, "result": _result(name.lower(), body)}).encode()))


def _result(name: str, body: dict[str, Any]) -> Any:
    if name == "getme":
        return {**BOT, "can_join_groups": True, "can_read_all_group_messages": False, "supports_inline_queries": False}
    if name == "getupdates":
        return []
    if name == "getwebhookinfo":
        return {"url": "", "has_custom_certificate": False, "pending_update_count": 0}
    if name in ("sendmessage", "editmessagetext", "sendphoto", "sendvoice", "senddocument"):
        chat, text = str(body.get("chat_id", "")), str(body.get("text") or body.get("caption") or "")
        POSTED.note(Post(chat, text, edited=name.startswith("edit")))
        return message(chat, text, BOT, int(body.get("message_id") or next(_messages)))
    return True


def message(chat: str, text: str, sender: dict[str, Any], number: int) -> dict[str, Any]:
    """A message of a private chat, as Telegram tells of it; a chat that has a name has it for an id."""
    ident = int(chat) if chat.lstrip("-").isdigit() else chat
    place = {"id": ident, "type": "private", "first_name": "Sam"}
    return {"message_id": number, "date": int(time.time()), "from": sender, "chat": place, "text": text}
