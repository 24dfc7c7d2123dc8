"""Amazon Bedrock's converse, and Anthropic's and Amazon's models by its invoke."""

from __future__ import annotations

import base64
import json
import re
import struct
import zlib
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ..echo import Messages, ToolCall
from . import anthropic
from .exchange import USED, Asked, Exchange, Reply, chat, new_id, pieces_of, plain, text_of, tools_of, vectors

if TYPE_CHECKING:
    from collections.abc import Iterable

PATHS = re.compile(r"/model/([^/]+)/(converse|converse-stream|invoke|invoke-with-response-stream)$")
_STRING = 7  # the type of a header's value in an event stream


def exchange(method: str, path: str, body: dict[str, Any]) -> Exchange | None:
    """As `apis.exchange`, for the tasks of a model."""
    found = PATHS.search(path)
    if method != "POST" or found is None:
        return None
    model, task = unquote(found[1]), found[2]
    if task.startswith("converse"):
        asked = Asked("converse", model, _read(body), stream=task.endswith("stream"), **_tools(body))
        return chat(asked, _whole, _stream)
    if "inputText" in body:
        return plain({"embedding": vectors(str(body["inputText"]), model)[0], "inputTextTokenCount": USED})
    inner = anthropic.exchange(method, "/messages", {**body, "model": model, "stream": task != "invoke"})
    if inner is None or task == "invoke":
        return inner
    return Exchange(lambda: _wrap(inner.answer()), inner.asked)


def _tools(body: dict[str, Any]) -> dict[str, Any]:
    config = body.get("toolConfig") or {}
    specs = [tool["toolSpec"] for tool in config.get("tools") or () if "toolSpec" in tool]
    offered = [{"name": one.get("name"), "parameters": (one.get("inputSchema") or {}).get("json")} for one in specs]
    choice = config.get("toolChoice") or {}
    return tools_of(offered, choice.get("tool") or next(iter(choice), None))


def _read(body: dict[str, Any]) -> Messages:
    found: Messages = [("system", text_of(body["system"]))] if body.get("system") else []
    for message in body.get("messages") or ():
        blocks = message.get("content") or ()
        role = "tool" if any("toolResult" in block for block in blocks) else str(message.get("role", "user"))
        found.append((role, "\n".join(block.get("text") or json.dumps(block, default=str) for block in blocks)))
    return found


def _block(said: str | ToolCall) -> dict[str, Any]:
    if isinstance(said, ToolCall):
        return {"toolUse": {"toolUseId": new_id("tooluse_"), "name": said.name, "input": said.arguments}}
    return {"text": said}


_COUNTED = {
    "usage": {"inputTokens": USED, "outputTokens": USED, "totalTokens": 2 * USED},
    "metrics": {"latencyMs": 1},
}


def _reason(said: str | ToolCall) -> str:
    return "tool_use" if isinstance(said, ToolCall) else "end_turn"


def _whole(asked: Asked, said: str | ToolCall) -> dict[str, Any]:  # noqa: ARG001 - the form of all APIs
    message = {"role": "assistant", "content": [_block(said)]}
    return {"output": {"message": message}, "stopReason": _reason(said), **_COUNTED}


def _stream(asked: Asked, said: str | ToolCall) -> Reply:  # noqa: ARG001 - as above
    steps: list[tuple[str, dict[str, Any]]] = [("messageStart", {"role": "assistant"})]
    if isinstance(said, ToolCall):
        use = _block(said)["toolUse"]
        given = {"toolUse": {"input": json.dumps(use.pop("input"))}}
        steps.append(("contentBlockStart", {"contentBlockIndex": 0, "start": {"toolUse": use}}))
        steps.append(("contentBlockDelta", {"contentBlockIndex": 0, "delta": given}))
    else:
        steps += [
            ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": piece}}) for piece in pieces_of(said)
        ]
    steps += [("contentBlockStop", {"contentBlockIndex": 0}), ("messageStop", {"stopReason": _reason(said)})]
    return _event_stream([*steps, ("metadata", _COUNTED)])


def _wrap(reply: Reply) -> Reply:
    """Anthropic's events, each in one of Amazon's."""
    told = re.findall(rb"^data: (.*)$", reply.body, re.MULTILINE)
    return _event_stream([("chunk", {"bytes": base64.b64encode(data).decode()}) for data in told])


def _event_stream(steps: Iterable[tuple[str, dict[str, Any]]]) -> Reply:
    return Reply(b"".join(_frame(name, data) for name, data in steps), "application/vnd.amazon.eventstream")


def _frame(name: str, data: dict[str, Any]) -> bytes:
    """One message of Amazon's event stream: lengths and their checksum, headers, payload, checksum of all."""
    headers = {":message-type": "event", ":event-type": name, ":content-type": "application/json"}
    head = b"".join(_header(key, value) for key, value in headers.items())
    payload = json.dumps(data).encode()
    start = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    start += struct.pack(">I", zlib.crc32(start))
    message = start + head + payload
    return message + struct.pack(">I", zlib.crc32(message))


def _header(name: str, value: str) -> bytes:
    return struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", _STRING, len(value)) + value.encode()
