"""How one object refers to another, as a step of the path from the app's own names to a text."""

from __future__ import annotations

import sys
import types
from typing import Any

from .adapters.offer import is_app
from .markers import attributes_of
from .recorder import RECORDER

Step = tuple[str, str]
"""("key", "'sc-1'") of a dict; ("item", "0") of a list; ("attribute", "store") of an object of the user's,
("inner", "store") of a library's, ("app", "state") of a framework's app, with "" where it is the whole `__dict__`;
("closure", "names@line@file") of a function of the user's; ("local", "name@line@file") of a call of it."""
CALLS = (types.CoroutineType, types.AsyncGeneratorType, types.GeneratorType)
"""What a call is that waits: it holds its variables."""


def is_a(thing: Any, kinds: Any) -> bool:
    """Whether a thing is of these types: `isinstance` would ask a proxy for what it stands for."""
    return issubclass(type(thing), kinds)


def frame_of(call: Any) -> types.FrameType | None:
    """Return the frame of a coroutine or generator; None if it has ended."""
    frame = getattr(call, "cr_frame", None) or getattr(call, "ag_frame", None) or getattr(call, "gi_frame", None)
    return frame if isinstance(frame, types.FrameType) else None


def name_step(container: Any, part: Any) -> Step:
    """How `container` refers to `part`."""
    if is_a(container, dict):
        return _key(container, part)
    if is_a(container, (list, tuple)):
        return ("item", str(next((index for index, item in enumerate(container) if item is part), "?")))
    if is_a(container, types.CellType):
        return ("cell", "")
    if is_a(container, types.FunctionType):
        return _closure(container, part)
    if is_a(container, (types.FrameType, *CALLS)):
        frame = container if is_a(container, types.FrameType) else frame_of(container)
        variables = frame.f_locals if frame is not None else {}
        return ("local", next((name for name, value in variables.items() if value is part), ""))
    # what a library keeps inside its own objects is its business: its steps are told apart
    kind = "app" if is_app(container) else "attribute" if _is_users(container) else "inner"
    if is_a(container, type):
        return (kind, "")
    attributes = attributes_of(container)
    if attributes is part:
        return (kind, "")
    for name, value in list(attributes.items()):
        if value is part:
            return (kind, name)
    slot = _slot_of(container, part)
    return (kind, slot) if slot else ("in", type(container).__name__)


def _is_users(thing: Any) -> bool:
    cls = thing if is_a(thing, type) else type(thing)
    module = sys.modules.get(cls.__module__)
    return bool(RECORDER.relative(str(getattr(module, "__file__", "") or "")))


def _key(container: dict[Any, Any], part: Any) -> Step:
    for key, value in list(container.items()):
        if value is part or key is part:
            return ("key", repr(key) if isinstance(key, (str, int, tuple)) else f"<{type(key).__name__}>")
    return ("in", "keys")


def _slot_of(container: Any, part: Any) -> str:
    for cls in type(container).__mro__:
        for name, member in vars(cls).items():
            if isinstance(member, types.MemberDescriptorType) and _slot(member, container) is part:
                return name
    return ""


def _closure(function: types.FunctionType, part: Any) -> Step:
    """A function holds its closure's cells in a tuple: the names tell which item of it comes next."""
    file = RECORDER.relative(function.__code__.co_filename)
    if part is function.__closure__ and file:
        names = ",".join(function.__code__.co_freevars)
        return ("closure", f"{names}@{function.__code__.co_firstlineno}@{file}")
    return ("in", function.__name__)


def _slot(member: types.MemberDescriptorType, container: Any) -> Any:
    try:
        return member.__get__(container)
    except AttributeError:
        return None
