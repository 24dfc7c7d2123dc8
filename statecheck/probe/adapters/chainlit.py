"""Chainlit apps: Chainlit's own server, with a socket.io client in place of its web page.

A tab that this process has not seen connects with its session's id and the thread that it was in, as the web page
does when it reconnects: another server starts a new chat then, or resumes the thread where it can.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
import logging
import os
import sys
import traceback
import uuid
from typing import TYPE_CHECKING, Any

from ..framework_state import KEEPERS, Keeper, line_of, note_line
from ..frameworks import by_name
from ..offline import DUMMY
from ..recorder import RECORDER, TURN, begin_turn
from .offer import NoApp, route
from .site import Site, find_mounted, name_tab, page_call

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from .offer import Loaded, Offer

_SESSION, _CONTEXT = by_name("chainlit").tab_state
_NOTES = "These are notes."
_TOLD = page_call(
    "the chat's input",
    "the id of the web page's session",
    "Chainlit's own server is sent what its web page sends, over socket.io",
)


_WITHOUT_AUTH = 2
_IN_HEADERS = {
    "sessionId": "X-Chainlit-Session-Id",
    "clientType": "X-Chainlit-Client-Type",
    "threadId": "X-Chainlit-Thread-Id",
    "userEnv": "User-Env",
    "chatProfile": "X-Chainlit-Chat-Profile",
}
"""Where the page of Chainlit 1 says what that of Chainlit 2 says when it connects."""


def introduce(connect: Callable[..., Any], said: dict[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the headers and the data in which a page says who it is: what Chainlit's `connect` takes decides."""
    if len(inspect.signature(connect).parameters) > _WITHOUT_AUTH:
        return {}, said
    return {_IN_HEADERS[key]: value for key, value in said.items() if value}, {}


def prepare() -> None:
    """Forget a Chainlit that was imported elsewhere: its folder is the one in which it is imported."""
    config = sys.modules.get("chainlit.config")
    if config is not None and os.path.realpath(config.APP_ROOT) != os.path.realpath(os.getcwd()):
        for name in [name for name in sys.modules if name.partition(".")[0] == "chainlit"]:
            del sys.modules[name]


def adapt(offer: Offer) -> Loaded | None:
    """Take a module whose functions Chainlit calls, or a web app that has Chainlit mounted."""
    if offer.framework == "chainlit":
        from chainlit import server

        app: Any = server.app
        prefix = ""
    else:
        loaded: Any = sys.modules.get("chainlit.server")
        found = find_mounted(offer.thing, "fastapi.applications") if loaded is not None else None
        if found is None or found[1] is not loaded.app:
            return None
        app, prefix = offer.thing, found[0]
    from chainlit.config import config

    if not config.code.on_message:
        raise NoApp(f"`{offer.name}` has no `@on_message` function, so no message can be sent to it")
    os.environ.setdefault("CHAINLIT_AUTH_SECRET", DUMMY * 8)
    config.run.headless = True
    handler = route("", [], "on_message", _find_users(config.code.on_message))
    facts = {"framework": "chainlit", "object": offer.name, "routes": [handler], "told": [_TOLD]}
    return Chainlit(app, prefix, facts)


class Chainlit(Site):
    """Chainlit's server, and the tabs that are connected to it."""

    def __init__(self, app: Any, prefix: str, facts: dict[str, Any]) -> None:
        from chainlit import socket

        super().__init__(app, prefix, facts)
        self.socket: Any = socket
        self.tabs: dict[str, asyncio.Future[Any]] = {}
        self.sent: dict[str, tuple[int, asyncio.Future[None]]] = {}
        self.answers: dict[int, list[str]] = {}
        self.raised: dict[int, BaseException] = {}
        self._emit = self.socket.sio.emit
        self.socket.sio.emit = self._on_emit
        self.socket.sio.on("connection_successful", self._on_connect)
        self.socket.sio.on("client_message", self._on_message)
        logging.getLogger("chainlit").addHandler(_Raised(self.raised))
        _note_sessions()
        KEEPERS.append(_keepers)

    async def turn(self, session: str, message: str, kept: dict[str, str]) -> str:
        """Send a message in a tab, connected if it is new to this process; what the app answers.

        Args:
            kept: what the browser keeps: which `tab` it is of several, and the `thread` that its address names.
        """
        turn, name = TURN.get(), name_tab(session, kept)
        self.answers[turn] = []
        if name not in self.tabs:
            self.tabs[name] = asyncio.ensure_future(self._connect(session, name, kept.get("thread", "")))
        tab = await asyncio.shield(self.tabs[name])
        said = _spell_message(message)
        await self._ends(said["id"], tab.emit("client_message", {"message": said, "fileReferences": []}))
        opened = self.socket.WebsocketSession.get_by_id(name)
        if opened is not None and opened.thread_id:
            kept["thread"] = opened.thread_id
        if turn in self.raised:
            raise self.raised[turn]
        return "\n".join(self.answers.pop(turn))

    async def _ends(self, name: str, sending: Awaitable[None]) -> None:
        """Send something and wait until the app's functions that it calls have returned."""
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sent[name] = TURN.get(), ended
        await sending
        await ended

    async def _connect(self, session: str, name: str, thread: str) -> Any:
        """Connect a tab as the web page does, and wait until the chat has started."""
        import socketio
        from chainlit.config import config

        async def asked(question: dict[str, Any]) -> Any:
            return await self._reply(session, name, question["spec"])

        tab = socketio.AsyncClient(reconnection=False)
        tab.on("ask", asked)
        tab.on("call_fn", lambda _asked: {})
        user = await _make_user(session)
        auth = {
            "sessionId": name,
            "clientType": "webapp",
            "threadId": thread,
            "userEnv": json.dumps(dict.fromkeys(config.project.user_env or (), f"sk-{DUMMY}")),
            "chatProfile": await _profile(user),
        }
        path = f"{self.prefix}/ws/socket.io"
        headers, said = introduce(self.socket.connect, auth)
        await tab.connect(
            self.address, headers={**_login_headers(user), **headers}, auth=said or None, socketio_path=path
        )
        await self._ends(name, tab.emit("connection_successful"))
        return tab

    async def _reply(self, session: str, name: str, spec: dict[str, Any]) -> Any:
        """What a visitor gives where the app asks in a tab: who they are, or a file."""
        if spec["type"] == "file":
            opened = self.socket.WebsocketSession.get_by_id(name)
            return [await opened.persist_file(name="notes.txt", mime="text/plain", content=_NOTES)]
        return _spell_message(session) if spec["type"] == "text" else None

    async def _on_connect(self, sid: str) -> None:
        await self._serve_event(
            sid, self.socket.WebsocketSession.require(sid).id, self.socket.connection_successful(sid)
        )

    async def _on_message(self, sid: str, payload: dict[str, Any]) -> None:
        await self._serve_event(sid, payload["message"]["id"], self.socket.message(sid, payload))

    async def _serve_event(self, sid: str, name: str, handled: Awaitable[None]) -> None:
        """Let Chainlit handle an event as part of its turn, and wait for the task that it leaves behind."""
        turn, ended = self.sent.pop(name)
        begin_turn(turn)
        try:
            await handled
            task = self.socket.WebsocketSession.require(sid).current_task
            if task is not None:
                await asyncio.wait({task})
        finally:
            ended.set_result(None)

    async def _on_emit(self, event: str, data: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Note what the app's answer to a turn is, on its way to the tab."""
        is_step = event in ("new_message", "update_message") and isinstance(data, dict)
        if is_step and data.get("type") == "assistant_message" and TURN.get() in self.answers:
            self.answers[TURN.get()].append(str(data.get("output", "")))
        return await self._emit(event, data, *args, **kwargs)


class _Raised(logging.Handler):
    """Keeps what the app's functions raise first in a turn: Chainlit logs it and goes on, and more fails by it."""

    def __init__(self, raised: dict[int, BaseException]) -> None:
        super().__init__(logging.ERROR)
        self.raised = raised

    def emit(self, record: logging.LogRecord) -> None:
        """Keep an exception that came by a line of the user's."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and any(RECORDER.relative(f.filename) for f in traceback.extract_tb(error.__traceback__)):
            self.raised.setdefault(TURN.get(), error)


def _spell_message(text: str) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "name": "User", "type": "user_message", "output": text, "createdAt": ""}


async def _make_user(session: str) -> Any:
    """Who is signed in, in an app that asks for it: somebody else in each session."""
    from chainlit import User, auth, data

    asks: Any = auth.require_login
    layer_of: Any = data.get_data_layer
    if not asks():
        return None
    user = User(identifier=session)
    if (layer := layer_of()) is not None:
        await layer.create_user(user)
    return user


def _login_headers(user: Any) -> dict[str, str]:
    """What a signed-in browser sends: a cookie, and before Chainlit 2 a bearer."""
    if user is None:
        return {}
    from chainlit import auth

    signed, cookie = auth.create_jwt(user), getattr(auth, "cookie", None)
    if cookie is None:
        return {"Authorization": f"Bearer {signed}"}
    return {"Cookie": f"{cookie._auth_cookie_name}={signed}"}  # noqa: SLF001 - it has no other name for it


async def _profile(user: Any) -> str | None:
    """The chat profile that the web page chooses: the default, else the first."""
    from chainlit.config import config

    if config.code.set_chat_profiles is None:
        return None
    profiles = await config.code.set_chat_profiles(user, "en-US") or []
    return next((profile.name for profile in sorted(profiles, key=lambda profile: not profile.default)), None)


def _note_sessions() -> None:
    """Note which line of the user's puts what into its session, or reads what Chainlit keeps of the chat."""
    from chainlit.chat_context import ChatContext
    from chainlit.user_session import UserSession

    put: Any = UserSession.set
    get: Any = ChatContext.get

    @functools.wraps(put)
    def put_noted(self: Any, key: str, value: Any) -> None:
        note_line(_SESSION, str(key))
        put(self, key, value)

    @functools.wraps(get)
    def get_noted(self: Any) -> Any:
        note_line(_CONTEXT, "")
        return get(self)

    UserSession.set = put_noted  # type: ignore[method-assign]
    ChatContext.get = get_noted  # type: ignore[method-assign]


def _keepers() -> Iterator[Keeper]:
    from chainlit.chat_context import chat_contexts
    from chainlit.user_session import user_sessions

    for session in user_sessions.values():
        yield Keeper(session, _SESSION)
    line = line_of(_CONTEXT, "")
    for messages in chat_contexts.values() if line is not None else ():
        yield Keeper(messages, _CONTEXT, line)


def _find_users(function: Any) -> Any:
    """The user's function in those that Chainlit wraps around it, else the outermost."""
    queue, seen = [function], {id(function)}
    for each in queue:
        code = getattr(each, "__code__", None)
        if code is not None and RECORDER.relative(code.co_filename):
            return each
        for cell in getattr(each, "__closure__", None) or ():
            if callable(cell.cell_contents) and id(cell.cell_contents) not in seen:
                seen.add(id(cell.cell_contents))
                queue.append(cell.cell_contents)
    return function
