"""Google's Gemini, directly or by Vertex."""

from __future__ import annotations

import json
import re
from typing import Any

from ..echo import Messages, ToolCall
from .exchange import USED, Asked, Exchange, Reply, chat, events, pieces_of, plain, tools_of, vectors

PATHS = re.compile(
    r"/([^/]+):(generateContent|streamGenerateContent|countTokens|embedContent|batchEmbedContents|predict)$"
)
_PREDICTED = "predict"  # how Vertex names embeddings


def exchange(method: str, path: str, body: dict[str, Any]) -> Exchange | None:
    """As `apis.exchange`, for the tasks of a model."""
    found = PATHS.search(path)
    if method != "POST" or found is None:
        return None
    model, task = found[1], found[2]
    if task == "countTokens":
        return plain({"totalTokens": USED})
    if task == "embedContent":
        return plain({"embedding": _embedding(body, model)})
    if task == "batchEmbedContents":
        return plain({"embeddings": [_embedding(one, model) for one in body.get("requests", ())]})
    if task == _PREDICTED:
        given = [str(one.get("content", one)) for one in body.get("instances", ()) if isinstance(one, dict)]
        return plain({"predictions": [{"embeddings": {"values": one}} for one in vectors(given, model)]})
    if not isinstance(body.get("contents"), (list, dict)):
        return None
    config = _camel(body.get("generationConfig") or {})
    asked = Asked(
        "generateContent",
        model,
        _read(body),
        schema=_lower_types(config.get("responseJsonSchema") or config.get("responseSchema")),
        stream=task == "streamGenerateContent",
        **_tools(body),
    )
    return chat(asked, _whole, _stream)


def _embedding(body: dict[str, Any], model: str) -> dict[str, Any]:
    return {"values": vectors(_parts(body.get("content")), model, body.get("outputDimensionality"))[0]}


def _tools(body: dict[str, Any]) -> dict[str, Any]:
    declared = [
        {"name": one.get("name"), "parameters": one.get("parametersJsonSchema") or _lower_types(one.get("parameters"))}
        for tool in body.get("tools") or ()
        for one in map(_camel, _camel(tool).get("functionDeclarations") or ())
    ]
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    only = calling.get("allowedFunctionNames") or [""]
    choice = {"name": only[0]} if only[0] and calling.get("mode") == "ANY" else str(calling.get("mode", "")).lower()
    return tools_of(declared, choice)


def _camel(given: dict[str, Any]) -> dict[str, Any]:
    """Names as the API documents them: it takes those of Python too."""
    return {re.sub(r"_([a-z])", lambda found: found[1].upper(), name): value for name, value in given.items()}


def _lower_types(schema: Any) -> Any:
    """A schema with the types of JSON schema: Google's own are in capitals."""
    if isinstance(schema, dict):
        return {
            name: value.lower() if name == "type" and isinstance(value, str) else _lower_types(value)
            for name, value in schema.items()
        }
    return [_lower_types(one) for one in schema] if isinstance(schema, list) else schema


def _read(body: dict[str, Any]) -> Messages:
    system = _parts(_camel(body).get("systemInstruction"))
    found: Messages = [("system", system)] if system else []
    contents = body["contents"] if isinstance(body["contents"], list) else [body["contents"]]
    for content in contents:
        role = str(content.get("role") or "user")
        if any("functionResponse" in part for part in content.get("parts") or ()):
            role = "tool"
        found.append(("assistant" if role == "model" else role, _parts(content)))
    return found


def _parts(content: Any) -> str:
    parts = content.get("parts") or () if isinstance(content, dict) else ()
    return "\n".join(str(part["text"]) if "text" in part else json.dumps(part) for part in parts)


def _part(said: str | ToolCall) -> dict[str, Any]:
    return (
        {"functionCall": {"name": said.name, "args": said.arguments}} if isinstance(said, ToolCall) else {"text": said}
    )


def _whole(asked: Asked, said: str | ToolCall, *, last: bool = True) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": [_part(said)]}, "index": 0}
    if last:
        candidate["finishReason"] = "STOP"
    usage = {"promptTokenCount": USED, "candidatesTokenCount": USED, "totalTokenCount": 2 * USED}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": asked.model}


def _stream(asked: Asked, said: str | ToolCall) -> Reply:
    parts: list[str | ToolCall] = [said] if isinstance(said, ToolCall) else [*pieces_of(said)]
    return events(("", _whole(asked, part, last=index == len(parts) - 1)) for index, part in enumerate(parts))
