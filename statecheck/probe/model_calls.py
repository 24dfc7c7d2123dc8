"""Model calls: each outermost one is observed and held once, before the model answers.

A call that reaches the model by way of others (achat -> chat -> complete, a router's inner model, a retry) is one call.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import stand_ins
from .model_input import read_messages, read_shapes, read_tools

if TYPE_CHECKING:
    from .echo import Messages

MARK = "_statecheck_model_call"

Method = Callable[..., Any]


@dataclass(frozen=True)
class Call:
    """What a model was given, and by which method of which class; `shapes` says who speaks in its messages."""

    method: str
    cls: str
    messages: Messages
    tools: list[str]
    shapes: tuple[str, ...] = ()


def _ignore(call: Call) -> None:
    """Observe nothing, until `configure` is called."""


def _allow(model: Any) -> None:
    """Let a model answer, until `configure` is called."""


def _pass() -> None:
    """Hold nothing, until `configure` is called."""


async def _apass() -> None:
    """Hold nothing, until `configure` is called."""


@dataclass
class Callbacks:
    """What happens at a model call: it is observed, then held, and may then fail."""

    observe: Callable[[Call], None] = _ignore
    hold: Callable[[], None] = _pass
    ahold: Callable[[], Awaitable[None]] = _apass
    fail: Callable[[Any], None] = _allow


CALLBACKS = Callbacks()

INSIDE: ContextVar[bool] = ContextVar("statecheck_inside_model_call", default=False)
"""Whether this code runs within a model call, so that what it calls is part of that."""


def describe(model: Any, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
    """Say what a call of this method gives to the model."""
    tools = [tool.name for tool in read_tools(kwargs.get("tools"))]
    shapes: tuple[str, ...] = ()
    if method in stand_ins.COMPLETIONS:
        messages = [("prompt", str(args[0] if args else kwargs.get("prompt", "")))]
    elif method in stand_ins.STRUCTURED:
        named = {"output_cls", "prompt", "llm_kwargs"}
        prompt = args[1] if len(args) > 1 else kwargs["prompt"]
        values = {name: value for name, value in kwargs.items() if name not in named}
        messages = read_messages(stand_ins.prompt_messages(model, prompt, values))
    else:
        given = args[0] if args else kwargs.get("messages", ())
        messages = read_messages([given] if isinstance(given, str) else given)
        shapes = () if isinstance(given, str) else read_shapes(given)
    return Call(method, type(model).__name__, messages, tools, shapes)


def observe_method(method: str, original: Any, answers: Callable[[Any, BaseException], bool] | None) -> Method:
    """Make a method that is observed and held, and does what it did.

    Args:
        method: its name, one of LlamaIndex's.
        original: the function that the class has.
        answers: says whether the echo model answers in place of a call that failed; None where none can fail.
    """
    make = _observe_coroutine if method.startswith("a") else _observe_function
    if inspect.isasyncgenfunction(inspect.unwrap(original, stop=lambda f: not hasattr(f, "__code__"))):
        make = _observe_generator
    wrapper = make(method, original, answers)
    setattr(wrapper, MARK, True)
    return wrapper


def _observe_function(method: str, original: Any, answers: Any) -> Method:
    @functools.wraps(original)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        args = _keep(args)
        if not INSIDE.get():
            CALLBACKS.observe(describe(self, method, args, kwargs))
            CALLBACKS.hold()
            CALLBACKS.fail(self)
        token = INSIDE.set(True)
        try:
            result = original.__get__(self, type(self))(*args, **kwargs)
        except Exception as error:
            if answers is None or not answers(self, error):
                raise
            result = _stand_in(method)(self, *args, **kwargs)
        finally:
            INSIDE.reset(token)
        if isinstance(result, Iterator) and "stream" in method:
            return _relay(result, lambda error: _retry(self, method, answers, error, args, kwargs))
        return result

    return wrapper


def _observe_coroutine(method: str, original: Any, answers: Any) -> Method:
    @functools.wraps(original)
    async def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        args = _keep(args)
        if not INSIDE.get():
            CALLBACKS.observe(describe(self, method, args, kwargs))
            await CALLBACKS.ahold()
            CALLBACKS.fail(self)
        result = await _await(self, method, original, answers, args, kwargs)
        if isinstance(result, AsyncIterator) and "stream" in method:
            return _arelay(result, lambda error: _retry(self, method, answers, error, args, kwargs))
        return result

    return wrapper


def _observe_generator(method: str, original: Any, answers: Any) -> Method:
    """Wrap an `astream_…` that is an asynchronous generator: it is called when it is first iterated."""

    @functools.wraps(original)
    async def wrapper(self: Any, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        args = _keep(args)
        if not INSIDE.get():
            CALLBACKS.observe(describe(self, method, args, kwargs))
            await CALLBACKS.ahold()
            CALLBACKS.fail(self)
        items = original.__get__(self, type(self))(*args, **kwargs)
        async for item in _arelay(items, lambda error: _retry(self, method, answers, error, args, kwargs)):
            yield item

    return wrapper


@contextmanager
def begin_call(call: Call | None) -> Iterator[None]:
    """Observe and hold a call that no method of LlamaIndex makes; None for one that gives a model no text."""
    if call is not None and not INSIDE.get():
        CALLBACKS.observe(call)
        CALLBACKS.hold()
    token = INSIDE.set(True)
    try:
        yield
    finally:
        INSIDE.reset(token)


@asynccontextmanager
async def abegin_call(call: Call | None) -> AsyncIterator[None]:
    """As `outermost`, with the event loop running while the call is held."""
    if call is not None and not INSIDE.get():
        CALLBACKS.observe(call)
        await CALLBACKS.ahold()
    token = INSIDE.set(True)
    try:
        yield
    finally:
        INSIDE.reset(token)


def _keep(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Make messages that come as an iterator a list, since they are read twice."""
    return (list(args[0]), *args[1:]) if args and isinstance(args[0], Iterator) else args


async def _await(
    self: Any, method: str, original: Any, answers: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    token = INSIDE.set(True)
    try:
        result = original.__get__(self, type(self))(*args, **kwargs)
        return await result if inspect.isawaitable(result) else result
    except Exception as error:
        if answers is None or not answers(self, error):
            raise
        return await _stand_in(method)(self, *args, **kwargs)
    finally:
        INSIDE.reset(token)


def _stand_in(method: str) -> Method:
    return {**stand_ins.CHATS, **stand_ins.COMPLETIONS, **stand_ins.STRUCTURED}[method]


def _retry(
    self: Any, method: str, answers: Any, error: Exception, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Iterator[Any] | None:
    """Return the echo model's stream in place of one that failed before its first item, or None."""
    if answers is None or not answers(self, error):
        return None
    items: Iterator[Any] = _stand_in(method.removeprefix("a"))(self, *args, **kwargs)
    return items


def _relay(items: Iterator[Any], retry: Callable[[Exception], Iterator[Any] | None]) -> Iterator[Any]:
    """Pass a stream on; what it calls while it makes an item is part of the same model call."""
    first = True
    try:
        while True:
            token = INSIDE.set(True)
            try:
                item = next(items)
            except StopIteration:
                return
            except Exception as error:
                instead = retry(error) if first else None
                if instead is None:
                    raise
                items, first = instead, False
                continue
            finally:
                INSIDE.reset(token)
            first = False
            yield item
    finally:
        if hasattr(items, "close"):
            items.close()


async def _arelay(items: AsyncIterator[Any], retry: Callable[[Exception], Iterator[Any] | None]) -> AsyncIterator[Any]:
    """Pass an asynchronous stream on, as `_relay` does."""
    first = True
    try:
        while True:
            token = INSIDE.set(True)
            try:
                item = await items.__anext__()
            except StopAsyncIteration:
                return
            except Exception as error:
                instead = retry(error) if first else None
                if instead is None:
                    raise
                items, first = stand_ins.iterate_async(instead), False
                continue
            finally:
                INSIDE.reset(token)
            first = False
            yield item
    finally:
        if hasattr(items, "aclose"):
            await items.aclose()
