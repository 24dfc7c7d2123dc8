"""OpenAI's chat completions, completions and embeddings, which most providers and local servers speak too."""

from __future__ import annotations

import base64
import json
import re
import struct
from typing import Any

from ..echo import Messages, ToolCall
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
    seconds_now,
    text_of,
    tools_of,
    vectors,
)

PATHS = re.compile(r"/(chat/completions|completions|embeddings|moderations|models)/?$")
_USAGE = {"prompt_tokens": USED, "completion_tokens": USED, "total_tokens": 2 * USED}
_DONE = "data: [DONE]\n\n"


def exchange(method: str, path: str, body: dict[str, Any]) -> Exchange | None:
    """As `apis.exchange`, for OpenAI's paths."""
    model = str(body.get("model") or _deployment(path))
    if method == "GET":
        return plain({"object": "list", "data": [], "models": []}) if path.endswith("/models") else None
    if path.endswith("/chat/completions") and isinstance(body.get("messages"), list):
        asked = Asked(
            "chat/completions",
            model,
            read(body["messages"]),
            schema=schema_of(body.get("response_format")),
            stream=bool(body.get("stream")),
            **tools_of(body.get("tools"), body.get("tool_choice")),
        )
        counted = bool((body.get("stream_options") or {}).get("include_usage"))
        return chat(asked, _completion, lambda asked, said: _chunks(asked, said, counted=counted))
    if path.endswith("/completions") and "prompt" in body:
        asked = Asked("completions", model, [("prompt", text_of(body["prompt"]))], stream=bool(body.get("stream")))
        return chat(asked, _text_completion, _text_chunks)
    if path.endswith("/embeddings") and "input" in body:
        return plain(_embeddings(body, model))
    if path.endswith("/moderations"):
        harmless = {"flagged": False, "categories": {}, "category_scores": {}}
        return plain({"id": new_id("modr-"), "model": model, "results": [harmless]})
    return None


def _deployment(path: str) -> str:
    """The model in an Azure URL."""
    found = re.search(r"/deployments/([^/]+)/", path)
    return found[1] if found else ""


def read(messages: list[Any]) -> Messages:
    """(role, text) of messages as OpenAI has them; tool calls are part of what an assistant said."""
    found = []
    for message in messages:
        if isinstance(message, dict):
            calls = [str(call) for call in message.get("tool_calls") or ()]
            text = "\n".join(filter(None, [text_of(message.get("content")), *calls]))
            found.append((str(message.get("role", "user")), text))
    return found


def _head(asked: Asked, kind: str) -> dict[str, Any]:
    return {
        "id": new_id("chatcmpl-"),
        "object": kind,
        "created": seconds_now(),
        "model": asked.model,
        "service_tier": "default",
    }


def _call(said: ToolCall) -> dict[str, Any]:
    function = {"name": said.name, "arguments": json.dumps(said.arguments)}
    return {"id": new_id("call_"), "type": "function", "function": function}


def _completion(asked: Asked, said: str | ToolCall) -> Any:
    message: dict[str, Any] = {"role": "assistant", "content": said}
    if isinstance(said, ToolCall):
        message |= {"content": None, "tool_calls": [_call(said)]}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _reason(said)}
    return {**_head(asked, "chat.completion"), "choices": [choice], "usage": _USAGE}


def _reason(said: str | ToolCall) -> str:
    return "tool_calls" if isinstance(said, ToolCall) else "stop"


def _chunks(asked: Asked, said: str | ToolCall, *, counted: bool) -> Reply:
    head = _head(asked, "chat.completion.chunk")
    if isinstance(said, ToolCall):
        deltas: list[dict[str, Any]] = [{"role": "assistant", "tool_calls": [{"index": 0, **_call(said)}]}]
    else:
        deltas = [{"role": "assistant", "content": ""}, *({"content": piece} for piece in pieces_of(said))]
    choices: list[dict[str, Any]] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": _reason(said)})
    chunks = [{**head, "choices": [choice]} for choice in choices]
    if counted:
        chunks.append({**head, "choices": [], "usage": _USAGE})
    return events([("", chunk) for chunk in chunks], _DONE)


def _text_completion(asked: Asked, said: str | ToolCall) -> Any:
    choice = {"index": 0, "text": str(said), "logprobs": None, "finish_reason": "stop"}
    return {**_head(asked, "text_completion"), "choices": [choice], "usage": _USAGE}


def _text_chunks(asked: Asked, said: str | ToolCall) -> Reply:
    head = _head(asked, "text_completion")
    texts = [(piece, None) for piece in pieces_of(str(said))]
    choices = [{"index": 0, "text": text, "finish_reason": reason} for text, reason in [*texts, ("", "stop")]]
    return events([("", {**head, "choices": [choice]}) for choice in choices], _DONE)


def _embeddings(body: dict[str, Any], model: str) -> Any:
    packed = body.get("encoding_format") == "base64"
    found: list[Any] = vectors(body["input"], model, body.get("dimensions"))
    if packed:
        found = [base64.b64encode(struct.pack(f"<{len(one)}f", *one)).decode() for one in found]
    data = [{"object": "embedding", "index": index, "embedding": one} for index, one in enumerate(found)]
    usage = {"prompt_tokens": USED, "total_tokens": USED}
    return {"object": "list", "model": model, "data": data, "usage": usage}
