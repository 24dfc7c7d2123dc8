"""Hugging Face's text generation and feature extraction: hosted, or by its own servers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .exchange import Asked, Exchange, Reply, chat, events, pieces_of, plain, text_of, vectors

if TYPE_CHECKING:
    from ..echo import ToolCall

PATHS = re.compile(r"/(generate|generate_stream|embed)/?$|/models/([^/]+/)*[^/]+$|^/$")


def exchange(method: str, path: str, body: dict[str, Any]) -> Exchange | None:
    """As `apis.exchange`, for what is asked by `inputs`."""
    if method != "POST" or "inputs" not in body:
        return None
    model = path.rpartition("/models/")[2]
    if path.endswith("/embed") or "feature-extraction" in path:
        return plain(vectors(body["inputs"], model))
    streams = path.endswith("_stream") or bool(body.get("stream"))
    asked = Asked("generate", model, [("prompt", text_of(body["inputs"]))], stream=streams)
    return chat(asked, _list if "/models/" in path else _one, _stream)


def _one(asked: Asked, said: str | ToolCall) -> dict[str, Any]:  # noqa: ARG001 - the form of all APIs
    return {"generated_text": str(said)}


def _list(asked: Asked, said: str | ToolCall) -> list[dict[str, Any]]:
    return [_one(asked, said)]


def _stream(asked: Asked, said: str | ToolCall) -> Reply:  # noqa: ARG001 - as above
    pieces = pieces_of(str(said))
    return events(
        (
            "",
            {"index": number, "token": {"text": piece}, "generated_text": str(said) if number == len(pieces) else None},
        )
        for number, piece in enumerate(pieces, 1)
    )
