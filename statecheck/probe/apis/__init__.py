"""The HTTP of model providers and chat platforms, as their servers would speak it: one file an API, asked in order.

From a request to what a model is given by it, or what is posted to a chat, and to the answer's bytes.
"""

from __future__ import annotations

import json
from email import message_from_bytes
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import parse_qsl

from .exchange import Asked, Exchange, Reply

if TYPE_CHECKING:
    import re

__all__ = ["APIS", "Asked", "Exchange", "Reply", "exchange", "may_be"]

_NAMES = (
    "openai",
    "responses",
    "anthropic",
    "ollama",
    "gemini",
    "bedrock",
    "cohere",
    "huggingface",
    "slack",
    "telegram",
    "identity",
)
"""The modules of this package that speak an API, in the order in which they are asked."""


class Api(Protocol):
    """A module that speaks an API.

    Attributes:
        PATHS: the paths, without a query, that may be requests of it.
    """

    PATHS: re.Pattern[str]

    def exchange(self, method: str, path: str, body: dict[str, Any]) -> Exchange | None:
        """What a request asks and how that is answered, or None if it is not of this API."""


APIS = tuple(cast("Api", import_module(f".{name}", __name__)) for name in _NAMES)


def may_be(method: str, path: str) -> bool:
    """Whether a request could be one of a model API's, before its body is read."""
    return any(api.PATHS.search(path.partition("?")[0]) is not None for api in APIS) and method in ("GET", "POST")


def exchange(method: str, path: str, body: bytes) -> Exchange | None:
    """What a request asks of a model API and how that answers, or None if it is no such request.

    Args:
        method: HTTP's.
        path: with its query.
        body: as it was sent.
    """
    path, _, query = path.partition("?")
    asked = _fields(body)
    if asked is None:
        return None
    asked = {**dict(parse_qsl(query)), **asked}
    for api in APIS:
        if api.PATHS.search(path) is not None:
            found = api.exchange(method, path, asked)
            if found is not None:
                return found
    return None


def _fields(body: bytes) -> dict[str, Any] | None:
    """The fields of a body: of JSON or of a form in either encoding. None for any other."""
    if body.startswith(b"--"):
        head = b'Content-Type: multipart/form-data; boundary="' + body[2 : body.find(b"\r\n")] + b'"\r\n\r\n'
        parts: Any = message_from_bytes(head + body).get_payload()
        texts = (
            (part.get_param("name", header="content-disposition"), part.get_payload(decode=True)) for part in parts
        )
        return {str(name): value.decode("utf-8", "replace") for name, value in texts if isinstance(value, bytes)}
    try:
        asked: Any = json.loads(body) if body else {}
    except ValueError:
        asked = dict(parse_qsl(body.decode("utf-8", "replace"))) or None
    return asked if isinstance(asked, dict) else None
