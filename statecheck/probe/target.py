"""Loads the target: imports its module, takes the object that is driven and hands it to the adapter that fits."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from typing import TYPE_CHECKING, Any

from .adapters import ADAPTERS, prepare
from .adapters.offer import Loaded, NoApp, Offer, is_app
from .caught_servers import STARTED, Noting, catch_servers
from .frameworks import by_name
from .graphql_operations import add_operations
from .notebook_imports import import_notebook
from .notebooks import is_notebook

if TYPE_CHECKING:
    from types import ModuleType

    from .channel import Message


def load(message: Message) -> Loaded:
    """Import the target's module and take the object that was named, or the one that looks like an app.

    Raises:
        NoApp: nothing can be driven.
        BaseException: whatever the app's import raises.
    """
    return adapt(_make_offer(message))


def adapt(offer: Offer) -> Loaded:
    """Ask every adapter in turn to take what is offered.

    Raises:
        NoApp: none does.
    """
    for adapter in ADAPTERS:
        loaded = adapter.adapt(offer)
        if loaded is not None:
            add_operations(loaded.facts)
            return loaded
    raise NoApp(f"`{offer.name}` is a {type(offer.thing).__name__}, which cannot be driven")


def _make_offer(message: Message) -> Offer:
    framework = by_name(message["framework"])
    if framework.undriven:
        raise NoApp(f"`{message['object'] or message['module']}` {framework.undriven}")
    offered = "object" if message["object"] else framework.offered
    if offered == "path":
        return Offer(message["path_file"], message["module"], framework.name)
    if offered == "module":
        prepare(framework)
    with catch_servers(Noting()):
        module = import_module(message["module"], message["path_file"])
    if offered == "module":
        return Offer(module, message["module"], framework.name)
    name = message["object"] or _find_app(module)
    with catch_servers(Noting()):
        thing = resolve(module, name)
    if thing is None and name.endswith("()") and STARTED:  # a function that builds an app and serves it
        thing = STARTED[-1]
    return Offer(thing, name, message["framework"], message["threads"])


def import_module(name: str, path: str) -> ModuleType:
    """Import the user's file under its name."""
    if is_notebook(path):
        return import_notebook(name, path)
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        module = _from_path(name, path)
    if str(getattr(module, "__file__", "")) not in ("", path) and "." not in name:
        # a module of that name was imported already by a library: take the user's file all the same
        import os

        if os.path.realpath(str(module.__file__)) != os.path.realpath(path):
            return _from_path(name, path)
    return module


def _from_path(name: str, path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _find_app(module: ModuleType) -> str:
    apps = [name for name, value in vars(module).items() if not isinstance(value, type) and _looks_like_app(value)]
    preferred = [name for name in ("app", "application", "server", "api") if name in apps]
    if preferred or len(apps) == 1:
        return (preferred or apps)[0]
    raise NoApp("several apps: " + ", ".join(apps) if apps else "no app object")


def _looks_like_app(value: Any) -> bool:
    return is_app(value) and callable(value)


def resolve(module: ModuleType, name: str) -> Any:
    """Follow an attribute path; `()` calls what stands before it, and a method is taken of a new object.

    The module keeps what is made here under its spelling (`Bot()`), as it would keep an object of its own.
    """
    thing: Any = module
    spelled = ""
    for part in name.split("."):
        owner, attribute = thing, part.removesuffix("()")
        if isinstance(owner, type) and inspect.isfunction(inspect.getattr_static(owner, attribute, None)):
            owner = vars(module)[f"{spelled}()"] = _build(owner)
        thing = getattr(owner, attribute)
        spelled = f"{spelled}.{part}".strip(".")
        if part.endswith("()"):
            thing = vars(module)[spelled] = _build(thing) if isinstance(thing, type) else thing()
    return thing


def _build(kind: type) -> Any:
    """Build an object of a class that asks for nothing."""
    try:
        inspect.signature(kind).bind()
    except TypeError as error:
        raise NoApp(f"`{kind.__name__}` cannot be built without arguments ({error}): name an object of it") from None
    except ValueError:
        pass
    return kind()
