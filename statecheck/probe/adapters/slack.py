"""Slack apps of bolt: each turn is an event as Slack sends it, dispatched by bolt itself; what it posts is the answer.

A conversation goes on where the app answered: in the thread that it opened, else in the channel. That is read off the
client's own log, so that any worker can take the next turn.
"""

from __future__ import annotations

import importlib
import itertools
import re
from typing import TYPE_CHECKING, Any

from ..apis.slack import BOT, BOT_USER, TEAM, stamp
from ..chat_posts import POSTED
from ..recorder import TURN
from .callables import CallableTarget, Refused
from .offer import route

if TYPE_CHECKING:
    from .offer import Loaded, Offer

History = list[dict[str, str]]
_IN_THREAD = re.compile(r"^in thread ([\d.]+): ", re.MULTILINE)
_FAILED = 400
_numbers = itertools.count(1)


def adapt(offer: Offer) -> Loaded | None:
    """Take an app of bolt, sync or async."""
    if offer.made_by("slack_bolt.app.async_app", "AsyncApp"):
        return AsyncSlackTarget(offer, offer.thing._async_listeners, offer.thing._async_listener_runner)  # noqa: SLF001 - no public name
    if offer.made_by("slack_bolt.app.app", "App"):
        return SlackTarget(offer, offer.thing._listeners, offer.thing._listener_runner)  # noqa: SLF001 - as above
    return None


class SlackTarget(CallableTarget):
    """An app, whose listeners answer before bolt does: a turn ends when they have."""

    def __init__(self, offer: Offer, listeners: list[Any], runner: Any) -> None:
        self.app = offer.thing
        kinds = ["app_mention", "im", "channel", *_commands(listeners)]
        functions = [function for one in listeners for function in (one.ack_function, *one.lazy_functions)]
        facts = {
            "framework": "slack",
            "object": offer.name,
            "routes": [route("", [], function.__name__, function) for function in functions],
            "told": [_event_call(kind) for kind in kinds],
        }
        super().__init__(self.take, facts)
        self.failures: dict[int, Exception] = {}
        runner.process_before_response = True
        runner.lazy_listener_runner.start = runner.lazy_listener_runner.run
        handler, handle = runner.listener_error_handler, runner.listener_error_handler.handle

        def handled(error: Exception, **about: Any) -> Any:
            self.failures[TURN.get()] = error
            return handle(error=error, **about)

        handler.handle = handled

    def take(self, kind: str, session: str, text: str, history: History) -> str:
        """Take one turn; what was posted in it."""
        body = _body(kind, session, text, history)
        request = importlib.import_module("slack_bolt.request").BoltRequest(body=body, mode="socket_mode")
        POSTED.begin(_read_log(body, history))
        return self.end_turn(self.app.dispatch(request))

    def end_turn(self, response: Any) -> str:
        """Return what a turn's client gets to see.

        Raises:
            Exception: what a listener raised, or `Refused` where no listener took it.
        """
        said = [f"in thread {post.thread}: {post.text}" if post.thread else post.text for post in POSTED.end()]
        failure = self.failures.pop(TURN.get(), None)
        if failure is not None:
            raise failure
        if response.status >= _FAILED:
            raise Refused(f"bolt answered {response.status} {response.body}".strip())
        return "\n".join([*said, *([response.body] if response.body else [])])


class AsyncSlackTarget(SlackTarget):
    """The same for an app that is async."""

    def __init__(self, offer: Offer, listeners: list[Any], runner: Any) -> None:
        super().__init__(offer, listeners, runner)
        self.lazy: dict[int, list[Any]] = {}
        runner.lazy_listener_runner.start = self._later
        self._run_lazy = runner.lazy_listener_runner.run

    def _later(self, function: Any, request: Any) -> None:
        self.lazy.setdefault(TURN.get(), []).append((function, request))

    async def take(self, kind: str, session: str, text: str, history: History) -> str:  # type: ignore[override] # awaited
        """Take one turn; what was posted in it."""
        body = _body(kind, session, text, history)
        made = importlib.import_module("slack_bolt.request.async_request").AsyncBoltRequest
        POSTED.begin(_read_log(body, history))
        response = await self.app.async_dispatch(made(body=body, mode="socket_mode"))
        for function, request in self.lazy.pop(TURN.get(), []):
            await self._run_lazy(function=function, request=request)
        return self.end_turn(response)


def _commands(listeners: list[Any]) -> list[str]:
    """The slash commands that an app takes; only the matcher that was made for one knows it."""
    texts = (text for one in listeners for matcher in one.matchers for text in _find_closed_over(matcher.func))
    return list(dict.fromkeys(text for text in texts if text.startswith("/")))


def _find_closed_over(function: Any) -> list[str]:
    """The texts in a function's closure, and in those of the functions there."""
    cells = [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()]
    return [t for cell in cells for t in ([cell] if isinstance(cell, str) else _find_closed_over(cell))]


def _event_call(kind: str) -> dict[str, Any]:
    said = {"app_mention": "mentions it in a channel", "im": "writes to it", "channel": "writes in its channel"}
    return {
        "args": (kind, "{session}", "{message}", "{history}"),
        "message_field": "event text",
        "session_field": "event user and channel",
        "why": (f"somebody {said.get(kind, f'calls `{kind}`')}",),
    }


def _body(kind: str, session: str, text: str, history: History) -> dict[str, Any]:
    """An event or a command, as Slack sends it."""
    who = re.sub(r"[^0-9A-Z]", "", session.upper())
    number, now = next(_numbers), stamp()
    if kind.startswith("/"):
        return {
            "command": kind,
            "text": text,
            "user_id": f"U{who}",
            "user_name": who.lower(),
            "channel_id": f"C{who}",
            "channel_name": "general",
            "team_id": TEAM,
            "team_domain": "statecheck",
            "api_app_id": "A0STATECHK",
            "response_url": f"https://hooks.slack.com/commands/{TEAM}/{number}",
            "trigger_id": f"{number}.{TEAM}",
        }
    event = {
        "type": kind if kind == "app_mention" else "message",
        "client_msg_id": f"{who}-{number}",
        "user": f"U{who}",
        "text": f"<@{BOT_USER}> {text}" if kind == "app_mention" else text,
        "ts": now,
        "event_ts": now,
        "team": TEAM,
        "channel": f"{'D' if kind == 'im' else 'C'}{who}",
        "channel_type": kind if kind == "im" else "channel",
    }
    answered = [turn["content"] for turn in history if turn["role"] == "assistant"]
    threads = _IN_THREAD.findall(answered[-1]) if answered else []
    return {
        "type": "event_callback",
        "team_id": TEAM,
        "api_app_id": "A0STATECHK",
        "event": {**event, **({"thread_ts": threads[-1]} if threads else {})},
        "event_id": f"Ev{number}",
        "event_time": int(now.partition(".")[0]),
        "authorizations": [{"team_id": TEAM, "user_id": BOT_USER, "is_bot": True, "is_enterprise_install": False}],
    }


def _read_log(body: dict[str, Any], history: History) -> list[dict[str, Any]]:
    """What Slack has of the conversation, this turn's message at its end."""
    event = body.get("event")
    if event is None:
        return []
    root = event.get("thread_ts") or event["ts"]
    log = []
    for number, turn in enumerate(history):
        mine = {"user": BOT_USER, "bot_id": BOT} if turn["role"] == "assistant" else {"user": event["user"]}
        ts = f"{int(root.partition('.')[0]) + number}.{root.partition('.')[2]}"
        text = _IN_THREAD.sub("", turn["content"])
        log.append({"type": "message", "ts": ts, "thread_ts": root, "text": text, **mine})
    return [*log, event]
