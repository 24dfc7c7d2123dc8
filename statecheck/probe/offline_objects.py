"""Objects that fail offline: a constructor fills them with what it was given, a method falls back to a stand-in."""

from __future__ import annotations

import functools
import inspect
import sys
import weakref
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .guard import refusals
from .markers import find
from .offline import is_offline, is_secret, lacks_credentials
from .recorder import CALLER, RECORDER

if TYPE_CHECKING:
    from collections.abc import Callable

MARK = "_statecheck_constructor"

_hollow: dict[int, weakref.ref[Any]] = {}


def report_stand_in(thing: Any, method: str, given: Any = ()) -> None:
    """Record that a stand-in answers: in whose place, to which method, and what it was given."""
    frames = RECORDER.frames(3) or CALLER.get()
    RECORDER.emit("substituted", method=method, cls=type(thing).__name__, markers=find(given), frames=frames)


def is_hollow(model: Any) -> bool:
    """Whether an object could not be built, so that nothing of its own can work."""
    reference = _hollow.get(id(model))
    return reference is not None and reference() is model


def hollow_out(thing: Any) -> None:
    """From now on an object could not be built."""
    key = id(thing)
    _hollow[key] = weakref.ref(thing, lambda _: _hollow.pop(key, None))


def guard_constructor(cls: type, fills: Callable[[BaseException], bool]) -> None:
    """Fill an instance of `cls` whose constructor fails with an error that `fills` accepts, and tell of it.

    An app's mistakes still fail: wrong arguments, a missing package.
    """
    original = cls.__init__  # type: ignore[misc]
    if getattr(original, MARK, False) or not inspect.isfunction(original):  # `object`'s own cannot fail offline
        return

    @functools.wraps(original)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - it is set as one
        before = refusals()
        try:
            original(self, *args, **kwargs)
        except Exception as error:
            if not (fills(error) or refusals() > before) or _is_mistake(error):
                raise
            _fill(self, _arguments(original, self, args, kwargs))
            sys.stderr.write(
                f"statecheck: `{type(self).__name__}` cannot be built offline ({type(error).__name__}), "
                "a stand-in answers\n"
            )
            report_stand_in(self, "build")

    setattr(__init__, MARK, True)
    cls.__init__ = __init__  # type: ignore[misc]


def fall_back(original: Any, instead: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a method: where it fails offline, or its object is hollow, `instead` answers."""
    if getattr(original, MARK, False):
        return original  # type: ignore[no-any-return]  # one that this function made

    @functools.wraps(original)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = refusals()
        try:
            return original.__get__(self, type(self))(*args, **kwargs)
        except Exception as error:
            if not (is_hollow(self) or is_offline(error) or refusals() > before):
                raise
            report_stand_in(self, original.__name__, (args, kwargs))
            return instead(self, *args, **kwargs)

    @functools.wraps(original)
    async def awrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = refusals()
        try:
            return await original.__get__(self, type(self))(*args, **kwargs)
        except Exception as error:
            if not (is_hollow(self) or is_offline(error) or refusals() > before):
                raise
            report_stand_in(self, original.__name__, (args, kwargs))
            return await instead(self, *args, **kwargs)

    chosen = awrapper if inspect.iscoroutinefunction(original) else wrapper
    setattr(chosen, MARK, True)
    return chosen


def _is_mistake(error: BaseException) -> bool:
    if isinstance(error, ImportError):
        return True
    if isinstance(error, TypeError):  # the call itself failed if the constructor never ran
        return error.__traceback__ is None or error.__traceback__.tb_next is None
    return type(error).__name__ == "ValidationError" and not (_lacks_secret(error) or lacks_credentials(error))


def _lacks_secret(error: Any) -> bool:
    """Whether pydantic found nothing wrong but secrets that are missing (`api_key: None`)."""
    errors = error.errors() if hasattr(error, "errors") else []
    return bool(errors) and all(
        one.get("input") is None and any(map(is_secret, map(str, one["loc"]))) for one in errors
    )


def _arguments(function: Any, self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Name what the constructor was given, with its own defaults."""
    try:
        bound = inspect.signature(function).bind_partial(self, *args, **kwargs)
    except (TypeError, ValueError):
        return kwargs
    bound.apply_defaults()
    named = dict(bound.arguments)
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            named.update(named.pop(parameter.name, {}))
    return named


def _fill(model: Any, given: dict[str, Any]) -> None:
    hollow_out(model)
    cls = type(model)
    if not hasattr(cls, "model_construct"):
        return
    aliases = {field.alias: name for name, field in cls.model_fields.items() if field.alias}
    values = {aliases.get(name, name): value for name, value in given.items() if value is not None}
    values.setdefault("model_name", values.get("model"))
    values = {name: value for name, value in values.items() if name in cls.model_fields}
    required = {name: None for name, field in cls.model_fields.items() if field.is_required() and name not in values}
    built = cls.model_construct(**required, **values)
    for slot in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__"):
        object.__setattr__(model, slot, getattr(built, slot))
    defaults = {
        "messages_to_prompt": ("llama_index.core.base.llms.generic_utils", "messages_to_prompt"),
        "completion_to_prompt": ("llama_index.core.llms.llm", "default_completion_to_prompt"),
    }
    for name, (module, function) in defaults.items():
        if name in cls.model_fields and getattr(model, name, None) is None:
            model.__dict__[name] = getattr(import_module(module), function)
