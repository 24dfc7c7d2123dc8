"""What the model APIs have in common: what a request gives to a model, what the echo model says, how that is sent."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from .. import echo
from ..model_input import read_tools
from ..schema_values import fake

if TYPE_CHECKING:
    from ..echo import Messages, Tool, ToolCall

_TEXTS = ("text", "content", "input", "output", "arguments", "thinking", "refusal")
_ANY_OBJECT = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
USED = 8  # tokens, in and out: every answer names some


@dataclass(frozen=True)
class Reply:
    """A successful answer: its bytes and their type."""

    body: bytes
    kind: str = "application/json"


@dataclass(frozen=True)
class Asked:
    """What a request gives to a model.

    Attributes:
        api: the path's last part, as its own documentation calls the call (`chat/completions`).
        model: its name.
        messages: (role, text) of every message.
        tools: those that it may call; required: that it must call one; named: the one that it must call, or "".
        schema: of the JSON that it must answer with, or None.
        stream: whether the answer comes in pieces.
    """

    api: str
    model: str
    messages: Messages
    tools: tuple[Tool, ...] = ()
    required: bool = False
    named: str = ""
    schema: Mapping[str, Any] | None = None
    stream: bool = False

    def said(self) -> str | ToolCall:
        """What the echo model says to it."""
        call = echo.choose(self.messages, self.tools, required=self.required, named=self.named)
        if call is not None:
            return call
        if self.schema is not None:
            return json.dumps(fake(dict(self.schema), echo.note_markers(self.messages)))
        return echo.answer(self.messages)


@dataclass(frozen=True)
class Exchange:
    """A request to a model API.

    Attributes:
        answer: makes the reply.
        asked: what it gives to a model; None where it asks for embeddings, a list of models and the like.
    """

    answer: Callable[[], Reply]
    asked: Asked | None = None


def chat(asked: Asked, whole: Callable[[Asked, str | ToolCall], Any], pieces: Callable[..., Reply]) -> Exchange:
    """Make the exchange of a chat: an object, or a stream if that was asked for.

    Args:
        asked: what the model is given.
        whole: makes the answer's JSON.
        pieces: makes the stream.
    """

    def answer() -> Reply:
        said = asked.said()
        return pieces(asked, said) if asked.stream else as_json(whole(asked, said))

    return Exchange(answer, asked)


def plain(value: Any) -> Exchange:
    """Make the exchange of what gives a model no text: it is answered with this JSON."""
    return Exchange(lambda: as_json(value))


def as_json(value: Any) -> Reply:
    """A JSON answer."""
    return Reply(json.dumps(value).encode())


def events(items: Iterable[tuple[str, Any]], last: str = "") -> Reply:
    """Make server-sent events of (name or "", data)."""
    lines = [f"event: {name}\n" * bool(name) + f"data: {json.dumps(data)}\n\n" for name, data in items]
    return Reply("".join([*lines, last]).encode(), "text/event-stream; charset=utf-8")


def lines(items: Iterable[Any]) -> Reply:
    """One JSON object a line."""
    return Reply("".join(f"{json.dumps(item)}\n" for item in items).encode(), "application/x-ndjson")


def pieces_of(text: str) -> list[str]:
    """The pieces in which a text is streamed."""
    return [piece for _, piece in echo.chunks(text)]


def new_id(prefix: str) -> str:
    """An identifier in the form that the API gives."""
    return f"{prefix}{uuid4().hex[:24]}"


def seconds_now() -> int:
    """Seconds since the epoch: when an answer was made."""
    return int(time.time())


def text_of(content: Any) -> str:
    """All text in a message's content, whichever of the APIs' forms it has: parts, blocks, tool results."""
    if isinstance(content, str):
        return content
    if isinstance(content, (list, tuple)):
        return "\n".join(filter(None, map(text_of, content)))
    if isinstance(content, Mapping):
        named = [content[name] for name in _TEXTS if content.get(name)]
        return "\n".join(filter(None, map(text_of, named))) if named else _flat(content)
    return ""


def _flat(content: Mapping[str, Any]) -> str:
    return "" if {"data", "source", "image_url", "url", "inlineData"} & set(content) else json.dumps(dict(content))


def choice_of(choice: Any) -> tuple[bool, str, bool]:
    """Read a `tool_choice`: whether a tool must be called, the one that must be, and whether any may be."""
    kind = choice
    if isinstance(choice, Mapping):
        named = choice.get("function", choice).get("name")
        if named:
            return True, str(named), True
        kind = choice.get("type")
    word = str(kind or "").lower()
    return word in ("any", "required"), "", word != "none"


def tools_of(offered: Any, choice: Any) -> dict[str, Any]:
    """The fields of `Asked` that say which tools may be called."""
    required, named, may = choice_of(choice)
    tools = read_tools([one for one in offered or () if isinstance(one, Mapping)] if may else ())
    return {"tools": tuple(tools), "required": required, "named": named}


def schema_of(wanted: Any) -> Mapping[str, Any] | None:
    """The schema that a `response_format`, `text.format` or `format` demands; one with an answer for any JSON."""
    if wanted == "json":
        return _ANY_OBJECT
    if not isinstance(wanted, Mapping):
        return None
    if wanted.get("type") == "json_object":
        return wanted.get("schema") or _ANY_OBJECT
    if wanted.get("type") == "json_schema":
        inner = wanted.get("json_schema", wanted)
        return inner.get("schema", _ANY_OBJECT) if isinstance(inner, Mapping) else None
    return wanted if "properties" in wanted or "$ref" in wanted or "anyOf" in wanted else None


def vectors(texts: Any, model: str, size: Any = None) -> list[list[float]]:
    """Embeddings for a text or a list of them; lists of tokens count as texts."""
    many = texts if isinstance(texts, list) and not all(isinstance(one, int) for one in texts) else [texts]
    length = size if isinstance(size, int) and size > 0 else echo.dimension(model)
    return [echo.vector(text_of(text) or str(text), length) for text in many]
