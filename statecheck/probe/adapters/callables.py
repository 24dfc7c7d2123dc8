"""A plain callable `reply(session_id, text)`: overlapping calls are threads, or tasks where it is async."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
from typing import TYPE_CHECKING, Any

from ..recorder import TURN, begin_turn
from ..turns import finish_turn
from .offer import route
from .shapes import shape_arguments, spell_answer
from .threads import Threads

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from ..channel import Channel, Message
    from .offer import Loaded, Offer


_MOST_ANSWER = 20_000


class Refused(Exception):
    """The app answered, but with an error."""


def adapt(offer: Offer) -> Loaded | None:
    """Take a callable that is no class and of no framework."""
    if offer.framework not in ("", "callable") or not callable(offer.thing) or isinstance(offer.thing, type):
        return None
    parameters = parameters_of(offer.thing)
    routes = [route("", [], offer.name, offer.thing)]
    facts = {"framework": "callable", "object": offer.name, "parameters": parameters, "routes": routes}
    return CallableTarget(offer.thing, facts)


class CallableTarget:
    """A function or bound method, with what its adapter knows of it."""

    def __init__(self, function: Any, facts: dict[str, Any]) -> None:
        self.function = function
        self.facts = facts
        call = function if inspect.isroutine(function) else type(function).__call__
        self.asynchronous = inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call)
        self.loop = asyncio.new_event_loop()
        self.threads = Threads()
        self._tasks: set[asyncio.Task[None]] = set()

    def serve(self, sock: socket.socket | None, channel: Channel) -> None:  # noqa: ARG002 - it has no address
        """Run the loop that async callables need, or be the first of the threads that sync ones run in."""
        if not self.asynchronous:
            self.threads.work(lambda: channel.send({"ready": self.facts}))
        asyncio.set_event_loop(self.loop)
        self.loop.call_soon(channel.send, {"ready": self.facts})
        self.loop.run_forever()

    def call(self, message: Message, channel: Channel) -> None:
        """Take one turn: `call` is its token, `args` its arguments."""
        if self.asynchronous:
            self.loop.call_soon_threadsafe(self._start, message, channel)
        else:
            self.threads.give(functools.partial(self._job, message, channel))

    def _job(self, message: Message, channel: Channel) -> Callable[[], None]:
        context = contextvars.Context()
        answer, failure = context.run(self._run, message)
        return lambda: context.run(_finish, message, channel, answer, failure)

    def make_call(self, message: Message) -> Any:
        """Make the call of a turn; what it returns, which may still have to be awaited or gone through."""
        args, kwargs = shape_arguments(self.function, message["args"], message["kwargs"])
        return self.function(*args, **kwargs)

    def _start(self, message: Message, channel: Channel) -> None:
        task = self.loop.create_task(self._arun(message, channel))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _run(self, message: Message) -> tuple[Any, BaseException | None]:
        TURN.set(message["call"])
        try:
            answer = self.make_call(message)
            return ("".join(map(str, answer)) if inspect.isgenerator(answer) else answer), None
        except BaseException as error:  # noqa: BLE001 - user code; told to the lab
            return None, error

    async def _arun(self, message: Message, channel: Channel) -> None:
        begin_turn(message["call"])
        answer, failure = None, None
        try:
            result = self.make_call(message)
            answer = "".join([str(part) async for part in result]) if inspect.isasyncgen(result) else await result
        except BaseException as error:  # noqa: BLE001 - user code; told to the lab
            failure = error
        _finish(message, channel, answer, failure)


def _finish(message: Message, channel: Channel, answer: Any, failure: BaseException | None) -> None:
    try:
        text = spell_answer(answer)[:_MOST_ANSWER]
    except Exception as error:  # noqa: BLE001 - user code, as the call itself
        text, failure = "", failure or error
    channel.send({"answer": message["call"], "text": text, "kept": message["kept"]})
    finish_turn(channel, message["call"], failure)


def parameters_of(function: Any) -> list[str]:
    """Return the names of the parameters that can be given by position."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
