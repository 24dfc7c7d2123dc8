"""Where in this process a turn's marker is kept, as a path from the app's own names: `main.sessions['sc-1']`.

Searches what the collector tracks for the marker's text, then walks referrers up to a module, the way a heap
profiler explains a leak. Only what outlives the turn is found: its frames are gone by then.
"""

from __future__ import annotations

import gc
import sys
import types
from collections.abc import Iterable, Iterator
from typing import Any

from .recorder import RECORDER

Step = tuple[str, str]  # ("key", "'sc-1'"), ("attribute", "store"), ("item", "0"), ("closure", "transcripts")
_DEEPEST = 14
_MOST_HOLDERS = 12
_WIDEST = 400
_PASSED_OVER = (types.FrameType, types.TracebackType, types.CodeType)


def locate(markers: list[str]) -> list[dict[str, Any]]:
    """The places of each marker: {marker, module, file, line, steps}.

    `steps` leads from the module's globals to the text. `module` is "" where the holder is reached from no
    module; `file` and `line` are those of the function that closes over it, if one does.
    """
    gc.collect()
    found = _search(markers)
    if any(not place["module"] for place in found) or not found:
        gc.unfreeze()  # what the warm parent froze is passed over by the collector's referrers
        found = _search(markers)
    return found


def _search(markers: list[str]) -> list[dict[str, Any]]:
    modules = {id(vars(module)): module for module in list(sys.modules.values()) if isinstance(module, types.ModuleType)}
    results: list[dict[str, Any]] = []
    tracked = gc.get_objects()
    own = {id(tracked), id(results)}
    holders: dict[str, list[tuple[Any, list[Step]]]] = {marker: [] for marker in markers}
    for thing in tracked:
        if isinstance(thing, _PASSED_OVER) or id(thing) in own:
            continue
        for part in gc.get_referents(thing):
            for text, steps in _texts(thing, part):
                for marker in _present(text, markers):
                    if thing is not markers and len(holders[marker]) < _MOST_HOLDERS:
                        holders[marker].append((thing, steps))
    del tracked
    ignored = {id(holders), id(markers), *map(id, holders.values())}
    for pairs in holders.values():
        ignored.update(id(pair) for pair in pairs)
    for marker, pairs in holders.items():
        for holder, steps in pairs:
            path = _path(holder, steps, modules, ignored)
            if path is not None:
                results.append({"marker": marker, **path})
    return results


def _texts(thing: Any, part: Any) -> Iterator[tuple[str | bytes, list[Step]]]:
    """Texts that `thing` holds through `part`: itself, or one in a dict or tuple that the collector does not track."""
    kind = type(part)
    if kind is str or kind is bytes:
        yield part, [_step(thing, part)]
    elif (kind is dict or kind is tuple) and not gc.is_tracked(part):
        for value in part.values() if kind is dict else part:
            if type(value) is str or type(value) is bytes:
                yield value, [_step(thing, part), _step(part, value)]


def _present(text: str | bytes, markers: list[str]) -> list[str]:
    if isinstance(text, bytes):
        return [m for m in markers if m.encode() in text] if b"sc-m" in text else []
    return [m for m in markers if m in text] if "sc-m" in text else []


def _path(
    holder: Any, inner: list[Step], modules: dict[int, types.ModuleType], ignored: set[int]
) -> dict[str, Any] | None:
    """Breadth first over referrers to the nearest module; the user's modules before a library's."""
    seen = {id(holder)} | ignored
    level: list[tuple[Any, list[Step]]] = [(holder, inner)]
    seen.add(id(level))
    library: dict[str, Any] | None = None
    rootless: list[Step] | None = None
    for _ in range(_DEEPEST):
        above: list[tuple[Any, list[Step]]] = []
        seen.add(id(above))
        for thing, steps in level:
            module = modules.get(id(thing))
            if module is not None:
                place = _rooted(module, steps)
                if place["user"]:
                    return place
                library = library or place
                continue
            rootless = steps
            referrers = gc.get_referrers(thing)
            seen.add(id(referrers))
            for referrer in referrers:
                if id(referrer) in seen or isinstance(referrer, (*_PASSED_OVER, types.BuiltinFunctionType)):
                    continue
                if isinstance(referrer, types.GeneratorType | types.CoroutineType | types.AsyncGeneratorType):
                    continue
                seen.add(id(referrer))
                if len(above) < _WIDEST:
                    above.append((referrer, [_step(referrer, thing), *steps]))
        seen.add(id(above))
        level = above
    if library is not None:
        return library
    return {"module": "", "file": "", "line": 0, "user": False, "steps": rootless or []}


def _rooted(module: types.ModuleType, steps: list[Step]) -> dict[str, Any]:
    file = str(getattr(module, "__file__", "") or "")
    relative = RECORDER._users(file)  # noqa: SLF001 - one notion of what is the user's
    line = 0
    for kind, name in steps:
        if kind == "closure":
            _, _, position = name.rpartition("@")
            line = int(position or 0)
    return {"module": module.__name__, "file": relative or file, "line": line, "user": bool(relative), "steps": steps}


def _step(container: Any, part: Any) -> Step:
    """How `container` refers to `part`."""
    if isinstance(container, dict):
        for key, value in container.items():
            if value is part:
                return ("key", repr(key) if isinstance(key, (str, int, tuple)) else f"<{type(key).__name__}>")
            if key is part:
                return ("in", "keys")
        return ("in", type(container).__name__)
    if isinstance(container, (list, tuple)):
        return ("item", str(next((index for index, item in enumerate(container) if item is part), "?")))
    if isinstance(container, types.CellType):
        return ("cell", "")
    if isinstance(container, types.FunctionType):
        return _closure(container, part)
    attributes: Iterable[tuple[str, Any]] = ()
    if getattr(container, "__dict__", None) is part:
        return ("dict", type(container).__name__)
    try:
        attributes = list(vars(container).items())
    except TypeError:
        attributes = ()
    for name, value in attributes:
        if value is part:
            return ("attribute", name)
    for name in getattr(type(container), "__slots__", ()) or ():
        if isinstance(name, str) and getattr(container, name, None) is part:
            return ("attribute", name)
    return ("in", type(container).__name__)


def _closure(function: types.FunctionType, part: Any) -> Step:
    """A function holds its closure's cells in a tuple: the names tell which item of it comes next."""
    if part is function.__closure__:
        names = ",".join(function.__code__.co_freevars)
        return ("closure", f"{names}@{function.__code__.co_firstlineno}")
    return ("in", function.__name__)
