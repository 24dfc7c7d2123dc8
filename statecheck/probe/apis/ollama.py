"""Ollama's chat, generate and embed."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any

from ..echo import ToolCall
from .exchange import USED, Asked, Exchange, Reply, chat, lines, pieces_of, plain, schema_of, tools_of, vectors
from .openai import read

PATHS = re.compile(r"/api/(chat|generate|embed|embeddings|tags|show|pull|ps|version)/?$")
_COUNTS = {"total_duration": 1, "load_duration": 1, "prompt_eval_count": USED, "eval_count": USED, "eval_duration": 1}


def exchange(method: str, path: str, body: dict[str, Any]) -> Exchange | None:
    """As `apis.exchange`, for Ollama's paths."""
    task = path.rstrip("/").rpartition("/")[2]
    if method == "GET":
        return {"tags": plain({"models": []}), "ps": plain({"models": []})}.get(task)
    model = str(body.get("model") or body.get("name") or "")
    if not model:  # its own servers always name one; somebody else's `/api/chat` need not
        return None
    form: dict[str, Any] = {"schema": schema_of(body.get("format")), "stream": body.get("stream", True) is not False}
    if task == "chat" and isinstance(body.get("messages"), list):
        asked = Asked("chat", model, read(body["messages"]), **form, **tools_of(body.get("tools"), None))
        return chat(asked, _chat, _stream(_chat))
    if task == "generate":
        system = [("system", str(body["system"]))] if body.get("system") else []
        asked = Asked("generate", model, [*system, ("prompt", str(body.get("prompt", "")))], **form)
        return chat(asked, _generation, _stream(_generation))
    if task == "embed":
        return plain({"model": model, "embeddings": vectors(body.get("input", ""), model, body.get("dimensions"))})
    if task == "embeddings":
        return plain({"embedding": vectors(str(body.get("prompt", "")), model)[0]})
    if task == "show":
        return plain({"details": {"family": "sc"}, "model_info": {}, "capabilities": ["completion", "tools"]})
    return plain({"status": "success"}) if task == "pull" else None


def _head(asked: Asked) -> dict[str, Any]:
    return {"model": asked.model, "created_at": datetime.now(timezone.utc).isoformat()}


def _chat(asked: Asked, said: str | ToolCall) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": said}
    if isinstance(said, ToolCall):
        function = {"name": said.name, "arguments": said.arguments}
        message |= {"content": "", "tool_calls": [{"function": function}]}
    return {**_head(asked), "message": message, "done": True, "done_reason": "stop", **_COUNTS}


def _generation(asked: Asked, said: str | ToolCall) -> dict[str, Any]:
    return {**_head(asked), "response": said, "done": True, "done_reason": "stop", "context": [1], **_COUNTS}


def _stream(whole: Any) -> Any:
    def stream(asked: Asked, said: str | ToolCall) -> Reply:
        parts = [said] if isinstance(said, ToolCall) else pieces_of(said)
        begun = [{**_without_counts(whole(asked, part)), "done": False} for part in parts]
        return lines([*begun, whole(asked, "")])

    return stream


def _without_counts(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in {*_COUNTS, "done_reason", "context"}}
