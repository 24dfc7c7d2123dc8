"""Gradio apps: Gradio's own server and queue, with a client in place of its web page that keeps what the page shows.

A page's `session_hash` is what the server knows it by; what `gr.State` holds is in the memory of that server.
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from ..framework_state import KEEPERS, Keeper, note_line
from ..frameworks import by_name
from ..recorder import RECORDER, TURN, begin_turn
from .gradio_page import Page
from .offer import NoApp, route
from .site import Site, find_mounted, name_tab, page_call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from .offer import Loaded, Offer

(_STATE,) = by_name("gradio").tab_state
_HEADER = "x-statecheck-turn"
_TOLD = page_call(
    "the page's text box",
    "the page's session_hash",
    "Gradio's own server is sent what its web page sends, one page a session",
)


def adapt(offer: Offer) -> Loaded | None:
    """Take Blocks, what is made of them (an Interface, a ChatInterface), and a web app that has such mounted."""
    if offer.made_by("gradio.blocks", "Blocks"):
        import fastapi
        import gradio

        prefix, blocks = "", offer.thing
        app: Any = gradio.mount_gradio_app(fastapi.FastAPI(), blocks, path="")
    elif (found := find_mounted(offer.thing, "gradio.routes")) is not None:
        app, prefix, blocks = offer.thing, found[0], found[1].get_blocks()
    else:
        return None
    if Page(blocks.get_config_file()).entry() is None:
        raise NoApp(f"`{offer.name}` has no text box from which a function takes a message")
    handler = route("", [], offer.name, _find_users(blocks))
    facts = {"framework": "gradio", "object": offer.name, "routes": [handler], "told": [_TOLD]}
    return Gradio(app, prefix, blocks, facts)


class Gradio(Site):
    """Gradio's server, and the web pages that it serves."""

    def __init__(self, app: Any, prefix: str, blocks: Any, facts: dict[str, Any]) -> None:
        super().__init__(app, prefix, facts)
        self.blocks = blocks
        self.raised: dict[int, BaseException] = {}
        process: Any = blocks.process_api

        @functools.wraps(process)
        async def processed(*args: Any, **kwargs: Any) -> Any:
            begin_turn(_turn_of(kwargs.get("request")))
            try:
                return await process(*args, **kwargs)
            except Exception as error:
                self.raised[TURN.get()] = error
                raise

        blocks.process_api = processed
        KEEPERS.append(self._keepers)

    async def turn(self, session: str, message: str, kept: dict[str, str]) -> str:
        """Write a message into a page and send it; what the page is given for that.

        Args:
            kept: what the browser keeps: which `tab` it is of several, and of each the page with what its components
                hold.
        """
        import httpx

        turn, tab = TURN.get(), name_tab(session, kept)
        shown = f"page {tab}"
        unlimited = httpx.Timeout(None)  # the lab has limits of its own
        async with httpx.AsyncClient(base_url=self.address + self.prefix, timeout=unlimited, trust_env=False) as http:
            config = (await http.get("/config")).json()
            server = _Server(http, config, tab, turn)
            try:
                page = Page(config, json.loads(kept[shown]) if shown in kept else None)
                if shown not in kept:
                    await page.happen(None, "load", server.ask)
                box, component, event = page.entry() or (0, 0, "")
                page.write(box, message, session)
                answers = await page.happen(component, event, server.ask)
            except RuntimeError:
                raise self.raised.get(turn) or RuntimeError("the page shows an error") from None
        kept[shown] = json.dumps(page.values)
        return "\n".join(str(answer) for answer in answers if answer)

    def _keepers(self) -> Iterator[Keeper]:
        yield Keeper(self.blocks._queue, "")  # noqa: SLF001 - what it remembers of turns is no memory of the app's
        holders = (getattr(each.app, "state_holder", None) for each in self.app.routes if hasattr(each, "app"))
        for holder in filter(None, holders):
            for session in list(holder.session_data.values()):
                yield Keeper(session.state_data, _STATE, named=False)


class _Server:
    """The server, as the web page asks it: through its queue, or past it where a function says so."""

    def __init__(self, http: Any, config: dict[str, Any], session: str, turn: int) -> None:
        self.http = http
        self.prefix = config.get("api_prefix", "")
        self.session = session
        self.headers = {_HEADER: str(turn)}

    async def ask(self, function: dict[str, Any], inputs: list[Any]) -> dict[str, Any]:
        """Call a function of the page.

        Raises:
            RuntimeError: it failed.
        """
        body = {"data": inputs, "fn_index": function["id"], "session_hash": self.session, "event_data": None}
        if function.get("queue") is False:
            answer = await self.http.post(f"{self.prefix}/run/predict", json=body, headers=self.headers)
            output, ok = answer.json(), answer.is_success
        else:
            output, ok = await self._ask_queue(body)
        if not ok:
            raise RuntimeError(str(output))
        found: dict[str, Any] = output
        return found

    async def _ask_queue(self, body: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        joined = await self.http.post(f"{self.prefix}/queue/join", json=body, headers=self.headers)
        if not joined.is_success:
            return {"error": joined.text}, False
        event = joined.json()["event_id"]
        data = f"{self.prefix}/queue/data"
        async with self.http.stream("GET", data, params={"session_hash": self.session}) as stream:
            async for line in stream.aiter_lines():
                said = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
                if said.get("msg") == "process_completed" and said.get("event_id") == event:
                    return said["output"], said["success"]
        return {"error": "the queue ended"}, False


def _turn_of(request: Any) -> int:
    """The turn that a request of a page belongs to, of which a batch has several."""
    first = request[0] if isinstance(request, list) and request else request
    headers = getattr(getattr(first, "request", first), "headers", None) or {}
    return int(headers.get(_HEADER) or 0)


def _find_users(blocks: Any) -> Any:
    """The user's function that answers: a chat's own, else the first that the page calls."""
    functions = [getattr(blocks, "fn", None)]
    functions += [getattr(function, "fn", None) for function in getattr(blocks, "fns", {}).values()]
    own = (f for f in functions if RECORDER.relative(getattr(getattr(f, "__code__", None), "co_filename", "")))
    return next(own, None)


def _note_states(module: ModuleType) -> None:
    """Note which line of the user's makes which `gr.State`, or the chat that has it."""
    begin: Any = module.State.__init__

    @functools.wraps(begin)
    def begun(self: Any, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **kwargs)
        note_line(_STATE, str(self._id))

    module.State.__init__ = begun


HOOKS: dict[str, Callable[[ModuleType], None]] = {"gradio.components.state": _note_states}
