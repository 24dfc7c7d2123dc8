"""AWS Lambda: a handler is given one event at a time, with a context; an ASGI app behind Mangum one request at a time.

One environment (a process here) never takes two events at once: the service starts another one instead.
"""

from __future__ import annotations

import asyncio
import inspect
import time
import uuid
from typing import TYPE_CHECKING, Any

from .callables import CallableTarget, Refused
from .fastapi import adapt as adapt_asgi
from .offer import Offer, route
from .threads import Threads

if TYPE_CHECKING:
    from ..channel import Message
    from .offer import Loaded

_REFUSED = 400
_SOURCE = "192.0.2.10"


def adapt(offer: Offer) -> Loaded | None:
    """Take a function of an event and a context, and what wraps an ASGI app to be one."""
    if offer.made_by("mangum", "Mangum"):
        inner = adapt_asgi(Offer(offer.thing.app, offer.name, ""))
        if inner is not None:
            inner.app = _serve_one_at_a_time(inner.app)
        return inner
    if offer.framework != "lambda" or not inspect.isroutine(offer.thing):
        return None
    facts = {"framework": "lambda", "object": offer.name, "routes": [route("", [], offer.name, offer.thing)]}
    return LambdaTarget(offer.thing, facts)


def _serve_one_at_a_time(app: Any) -> Any:
    free = asyncio.Lock()

    async def alone(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        async with free:
            await app(scope, receive, send)

    return alone


class LambdaTarget(CallableTarget):
    """A handler, called in the main thread as the service's own loop calls it."""

    def __init__(self, function: Any, facts: dict[str, Any]) -> None:
        super().__init__(function, facts)
        self.threads = Threads(1)

    def make_call(self, message: Message) -> Any:
        """Hand over the event; what comes back is what a client of the gateway gets."""
        (event,) = message["args"]
        answer = self.function(_complete(event), Context(self.function.__name__))
        if not isinstance(answer, dict) or "statusCode" not in answer:
            return answer
        body = answer.get("body", "")
        if int(answer["statusCode"]) >= _REFUSED:
            raise Refused(f"it answered {answer['statusCode']}: {body}")
        return body


class Context:
    """What the service tells a handler of the invocation: a new one each time."""

    def __init__(self, name: str) -> None:
        self.aws_request_id = str(uuid.uuid4())
        self.function_name = name
        self.function_version = "$LATEST"
        self.invoked_function_arn = f"arn:aws:lambda:us-east-1:123456789012:function:{name}"
        self.memory_limit_in_mb = "512"
        self.log_group_name = f"/aws/lambda/{name}"
        self.log_stream_name = "statecheck"
        self.identity = None
        self.client_context = None

    def get_remaining_time_in_millis(self) -> int:
        """How long the invocation may take yet."""
        return 30_000


def _complete(event: dict[str, Any]) -> dict[str, Any]:
    """An event as a gateway of its version makes it: with a new request id, and with what the plan leaves out."""
    if event.get("version") == "2.0":
        return _merge(_version_2(event), event)
    if event.get("version") == "1.0":
        return _merge(_version_1(event), event)
    return event


def _version_2(event: dict[str, Any]) -> dict[str, Any]:
    path = event.get("rawPath") or "/chat"
    http = {"method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": _SOURCE, "userAgent": "statecheck"}
    event["headers"] = {name.lower(): value for name, value in event.get("headers", {}).items()}
    return {
        "routeKey": f"POST {path}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": http, "stage": "$default", "timeEpoch": time.time_ns() // 10**6, **_context()},
        "isBase64Encoded": False,
    }


def _version_1(event: dict[str, Any]) -> dict[str, Any]:
    method, path = event.get("httpMethod") or "POST", event.get("path") or "/chat"
    sent = event.get("headers", {})
    # as the client spelled them, which is either way
    event["headers"] = sent | {name.lower(): value for name, value in sent.items()}
    about = {"httpMethod": method, "path": path, "identity": {"sourceIp": _SOURCE, "userAgent": "statecheck"}}
    return {
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": {"Content-Type": "application/json", "content-type": "application/json"},
        "stageVariables": None,
        "requestContext": {**about, "stage": "prod", "requestTimeEpoch": time.time_ns() // 10**6, **_context()},
        "isBase64Encoded": False,
    }


def _context() -> dict[str, Any]:
    return {"accountId": "123456789012", "apiId": "statecheck", "requestId": str(uuid.uuid4())}


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in over.items():
        known = merged.get(name)
        merged[name] = _merge(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged
