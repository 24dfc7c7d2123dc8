"""Cohere's chat (version 2) and embed."""

from __future__ import annotations

import json
import re
from typing import Any

from ..echo import ToolCall
from .exchange import (
    USED,
    Asked,
    Exchange,
    Reply,
    chat,
    events,
    new_id,
    pieces_of,
    plain,
    schema_of,
    tools_of,
    vectors,
)
from .openai import read

PATHS = re.compile(r"/v[12]/(chat|embed|rerank)$")


def exchange(method: str, path: str, body: dict[str, Any]) -> Exchange | None:
    """As `apis.exchange`, for Cohere's paths."""
    model = str(body.get("model") or "")
    if method != "POST":
        return None
    if path.endswith("/chat") and isinstance(body.get("messages"), list):
        asked = Asked(
            "chat",
            model,
            read(body["messages"]),
            schema=schema_of(body.get("response_format")),
            stream=bool(body.get("stream")),
            **tools_of(body.get("tools"), body.get("tool_choice")),
        )
        return chat(asked, _whole, _stream)
    if path.endswith("/embed") and "texts" in body:
        found = vectors(list(body["texts"]), model, body.get("output_dimension"))
        return plain({"id": new_id(""), "texts": body["texts"], "embeddings": {"float": found}})
    if path.endswith("/rerank") and "documents" in body:
        ranked = [{"index": index, "relevance_score": 1.0 / (index + 1)} for index in range(len(body["documents"]))]
        return plain({"id": new_id(""), "results": ranked[: int(body.get("top_n") or len(ranked))]})
    return None


def _calls(said: ToolCall) -> list[dict[str, Any]]:
    function = {"name": said.name, "arguments": json.dumps(said.arguments)}
    return [{"id": new_id("call_"), "type": "function", "function": function}]


def _finish_reason(said: str | ToolCall) -> dict[str, Any]:
    tokens = {"tokens": {"input_tokens": USED, "output_tokens": USED}}
    return {"finish_reason": "TOOL_CALL" if isinstance(said, ToolCall) else "COMPLETE", "usage": tokens}


def _whole(asked: Asked, said: str | ToolCall) -> dict[str, Any]:  # noqa: ARG001 - the form of all APIs
    message: dict[str, Any] = {"role": "assistant", "content": [{"type": "text", "text": said}]}
    if isinstance(said, ToolCall):
        message = {"role": "assistant", "tool_plan": "", "tool_calls": _calls(said)}
    return {"id": new_id(""), "message": message, **_finish_reason(said)}


def _stream(asked: Asked, said: str | ToolCall) -> Reply:  # noqa: ARG001 - as above
    steps: list[dict[str, Any]] = [
        {"type": "message-start", "id": new_id(""), "delta": {"message": {"role": "assistant"}}}
    ]
    if isinstance(said, ToolCall):
        steps += [
            {"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": _calls(said)[0]}}},
            {"type": "tool-call-end", "index": 0},
        ]
    else:
        steps.append(
            {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}}
        )
        steps += [
            {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": piece}}}}
            for piece in pieces_of(said)
        ]
        steps.append({"type": "content-end", "index": 0})
    steps.append({"type": "message-end", "delta": _finish_reason(said)})
    return events((step["type"], step) for step in steps)
