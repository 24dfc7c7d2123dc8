"""Anthropic's messages."""

from __future__ import annotations

import json
import re
from typing import Any

from ..echo import Messages, ToolCall
from .exchange import USED, Asked, Exchange, Reply, chat, events, new_id, pieces_of, plain, schema_of, text_of, tools_of

PATHS = re.compile(r"/messages(/count_tokens)?/?$")


def exchange(method: str, path: str, body: dict[str, Any]) -> Exchange | None:
    """As `apis.exchange`, for `/messages`."""
    if method != "POST" or not isinstance(body.get("messages"), list):
        return None
    if path.endswith("count_tokens"):
        return plain({"input_tokens": USED})
    asked = Asked(
        "messages",
        str(body.get("model") or ""),
        read(body),
        schema=schema_of(body.get("output_format") or (body.get("output_config") or {}).get("format")),
        stream=bool(body.get("stream")),
        **tools_of(body.get("tools"), body.get("tool_choice")),
    )
    return chat(asked, _message, _stream)


def read(body: dict[str, Any]) -> Messages:
    """(role, text) of the system prompt and of every message; the results of tools have a role of their own."""
    found: Messages = [("system", text_of(body["system"]))] if body.get("system") else []
    for message in body["messages"]:
        content = message.get("content")
        results = isinstance(content, list) and any(_type(block) == "tool_result" for block in content)
        role = "tool" if results else str(message.get("role", "user"))
        found.append((role, "\n".join(map(_block, content)) if isinstance(content, list) else text_of(content)))
    return found


def _type(block: Any) -> str:
    return str(block.get("type", "")) if isinstance(block, dict) else ""


def _block(block: Any) -> str:
    if _type(block) == "tool_use":
        return f"{block.get('name')}({block.get('input')})"
    return text_of(block)


def _content(said: str | ToolCall) -> dict[str, Any]:
    if isinstance(said, ToolCall):
        return {"type": "tool_use", "id": new_id("toolu_"), "name": said.name, "input": said.arguments}
    return {"type": "text", "text": said}


def _message(asked: Asked, said: str | ToolCall) -> dict[str, Any]:
    return {
        "id": new_id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": [_content(said)],
        "stop_reason": "tool_use" if isinstance(said, ToolCall) else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": USED, "output_tokens": USED},
    }


def _stream(asked: Asked, said: str | ToolCall) -> Reply:
    whole = _message(asked, said)
    block = whole["content"][0]
    if isinstance(said, ToolCall):
        begun = {**block, "input": {}}
        deltas = [{"type": "input_json_delta", "partial_json": json.dumps(said.arguments)}]
    else:
        begun = {**block, "text": ""}
        deltas = [{"type": "text_delta", "text": piece} for piece in pieces_of(said)]
    ended = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    steps: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**whole, "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": begun},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": ended, "usage": {"output_tokens": USED}},
        {"type": "message_stop"},
    ]
    return events((step["type"], step) for step in steps)
