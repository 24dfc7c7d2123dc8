"""The HTTP of model providers, as their own servers would speak it: one file an API, asked in order.

Pure: from a request to what a model is given by it and to the answer's bytes.
"""

from __future__ import annotations

import json
from typing import Any

from . import anthropic, bedrock, cohere, gemini, ollama, openai, responses
from .exchange import Asked, Exchange, Reply

__all__ = ["APIS", "Asked", "Exchange", "Reply", "exchange", "may_be"]

APIS: tuple[Any, ...] = (openai, responses, anthropic, ollama, gemini, bedrock, cohere)


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
    try:
        asked: Any = json.loads(body) if body else {}
    except ValueError:
        return None
    if not isinstance(asked, dict):
        return None
    path = path.partition("?")[0]
    for api in APIS:
        if api.PATHS.search(path) is not None:
            found: Exchange | None = api.exchange(method, path, asked)
            if found is not None:
                return found
    return None
