"""OpenAI's responses, whose server keeps the conversation: here the identifier of a response carries it."""

from __future__ import annotations

import json
import re
from typing import Any

from .. import echo
from ..echo import Messages, ToolCall
from ..markers import read_markers
from .exchange import (
    USED,
    Asked,
    Exchange,
    Reply,
    chat,
    events,
    new_id,
    pieces_of,
    schema_of,
    seconds_now,
    text_of,
    tools_of,
)

PATHS = re.compile(r"/responses/?$")
_USAGE = {
    "input_tokens": USED,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": USED,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 2 * USED,
}


def exchange(method: str, path: str, body: dict[str, Any]) -> Exchange | None:  # noqa: ARG001 - one path alone
    """As `apis.exchange`, for `/responses`."""
    if method != "POST" or "input" not in body:
        return None
    asked = Asked(
        "responses",
        str(body.get("model") or ""),
        _read(body),
        schema=schema_of((body.get("text") or {}).get("format")),
        stream=bool(body.get("stream")),
        **tools_of(body.get("tools"), body.get("tool_choice")),
    )
    return chat(asked, _response, _stream)


def _read(body: dict[str, Any]) -> Messages:
    given = body["input"]
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    found: Messages = [("system", str(body["instructions"]))] if body.get("instructions") else []
    if body.get("previous_response_id"):
        found.append(("user", str(body["previous_response_id"])))
    for item in items if isinstance(items, list) else ():
        kind = item.get("type", "message") if isinstance(item, dict) else ""
        if kind == "function_call_output":
            found.append(("tool", text_of(item.get("output"))))
        elif kind == "function_call":
            found.append(("assistant", f"{item.get('name')}({item.get('arguments')})"))
        elif kind == "message":
            found.append((str(item.get("role", "user")), text_of(item.get("content"))))
    return found


def _id(asked: Asked) -> str:
    """An identifier that tells what the conversation holds so far, as the server would know by it."""
    told = read_markers("\n".join(text for role, text in asked.messages if role not in echo.ASSISTANT_ROLES))
    return new_id("".join(["resp_", *(f"{marker}_" for marker in told)]))


def _item(said: str | ToolCall) -> dict[str, Any]:
    if isinstance(said, ToolCall):
        call = {"name": said.name, "arguments": json.dumps(said.arguments), "call_id": new_id("call_")}
        return {"type": "function_call", "id": new_id("fc_"), "status": "completed", **call}
    return {
        "type": "message",
        "id": new_id("msg_"),
        "status": "completed",
        "role": "assistant",
        "content": [{"type": "output_text", "text": said, "annotations": []}],
    }


def _response(asked: Asked, said: str | ToolCall) -> dict[str, Any]:
    return {
        "id": _id(asked),
        "object": "response",
        "created_at": seconds_now(),
        "status": "completed",
        "model": asked.model,
        "output": [_item(said)],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "temperature": 1.0,
        "top_p": 1.0,
        "usage": _USAGE,
    }


def _stream(asked: Asked, said: str | ToolCall) -> Reply:
    whole = _response(asked, said)
    item = whole["output"][0]
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    steps: list[dict[str, Any]] = [{"type": "response.created", "response": begun}]
    steps += _call_events(item) if isinstance(said, ToolCall) else _text_events(item, said)
    steps.append({"type": "response.output_item.done", "output_index": 0, "item": item})
    steps.append({"type": "response.completed", "response": whole})
    return events((step["type"], {**step, "sequence_number": number}) for number, step in enumerate(steps))


def _call_events(item: dict[str, Any]) -> list[dict[str, Any]]:
    place = {"item_id": item["id"], "output_index": 0}
    kind = "response.function_call_arguments"
    return [
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "arguments": ""}},
        {"type": f"{kind}.delta", **place, "delta": item["arguments"]},
        {"type": f"{kind}.done", **place, "name": item["name"], "arguments": item["arguments"]},
    ]


def _text_events(item: dict[str, Any], text: str) -> list[dict[str, Any]]:
    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    part = item["content"][0]
    return [
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}},
        {"type": "response.content_part.added", **place, "part": {**part, "text": ""}},
        *({"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []} for piece in pieces_of(text)),
        {"type": "response.output_text.done", **place, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **place, "part": part},
    ]
