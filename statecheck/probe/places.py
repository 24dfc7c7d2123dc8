"""Where in this process a turn's marker is kept, as a path from the app's own names: `main.sessions['sc-1']`.

Searches what the collector tracks for the marker's text, then walks referrers up to a module, the way a heap
profiler explains a leak. Only what outlives the turn is found: its frames are gone by then.
"""

from __future__ import annotations

import gc
import sys
import time
import types
from typing import TYPE_CHECKING, Any

from .adapters.offer import is_app
from .framework_state import Keeper, list_keepers
from .place_steps import CALLS, Step, frame_of, is_a, name_step
from .recorder import RECORDER
from .server_starts import SCRIPT

if TYPE_CHECKING:
    from collections.abc import Iterator

Source = tuple[Any, list[Step]]  # an object, and the steps from it to the text
Root = types.ModuleType | Keeper | types.CodeType
"""What a search ends at. The code of a call that is under way stands for its variables."""
_OURS = __name__.partition(".")[0]
_DEEPEST = 16
_SECONDS = 1.0  # of work for one marker; a path that takes longer is one through a library's caches
_MOST_HOLDERS = 30
_WIDEST = 3000
_PASSED_OVER = (types.FrameType, types.TracebackType, types.CodeType)
_NOT_HOLDERS = (*_PASSED_OVER, *CALLS, types.BuiltinFunctionType)


def locate(markers: list[str], keys: list[str], *, deep: bool, under_way: bool = False) -> list[dict[str, Any]]:
    """The places of each marker: {marker, module, file, user, steps}.

    `steps` leads from the module's globals to the text, or to the state object that took it; `user` tells whether
    the module is the user's. `module` is "" where no module reaches the holder. What a framework keeps for the app
    stands for a module, with the user's `line` that it is due to.

    Args:
        markers: what to look for.
        keys: session keys, looked for too: what has no marker may have a key.
        deep: search what the warm parent froze too, if neither the first marker nor a key of the user's is found
            outside it: slow, for a marker that must be somewhere.
        under_way: look into the variables of calls that wait too: their connection has not ended.
    """
    gc.collect()
    wanted = [*markers, *keys]
    found = _search(wanted, under_way=under_way)
    seen = any(p["module"] if p["marker"] == markers[0] else p["user"] and p["marker"] in keys for p in found)
    if deep and not seen:
        gc.unfreeze()
        found = _search(wanted, under_way=under_way)
    return found


def _search(markers: list[str], *, under_way: bool) -> list[dict[str, Any]]:
    modules = [module for module in list(sys.modules.values()) if isinstance(module, types.ModuleType)]
    # cffi's make a dict for each who asks, whose identity is another's as soon as it is gone
    roots: dict[int, Root] = {id(vars(module)): module for module in modules if vars(module) is vars(module)}
    roots |= {id(keeper.thing): keeper for keeper in list_keepers()}
    sources: dict[str, list[Source]] = {marker: [] for marker in markers}
    tracked = gc.get_objects()
    roots |= _list_calls(tracked) if under_way else {}
    sign = _common_start(markers)
    for thing in tracked:
        found = [
            (marker, chain) for part in _texts_in(thing, sign, sign.encode()) for marker, chain in _texts(part, markers)
        ]
        if not found or any(thing is mine for mine in (markers, sources, tracked, RECORDER.taken)):
            continue
        if (is_a(thing, _PASSED_OVER) and id(thing) not in roots) or _is_gone(thing, roots):
            continue
        for marker, chain in found:
            if len(sources[marker]) < _MOST_HOLDERS:
                links = zip([thing, *chain], chain, strict=False)
                sources[marker].append((thing, [name_step(container, inside) for container, inside in links]))
    known = set(
        map(id, tracked)
    )  # what came into being since is the search's own, and would lead round and round in it
    results = []
    for marker in markers:
        # a store may keep text where Python does not see it (a database in memory): its object stands for it
        objects: list[Source] = [(thing, []) for thing in RECORDER.holders(marker)]
        for seen, text in ((_rooted(sources[marker], roots, known), True), (_rooted(objects, roots, known), False)):
            results += [{"marker": marker, "text": text, **place} for place in seen]
    return results


def _common_start(texts: list[str]) -> str:
    first, last = min(texts), max(texts)
    return first[: next((at for at, sign in enumerate(first) if not last.startswith(sign, at)), len(first))]


def _rooted(sources: list[Source], roots: dict[int, Root], known: set[int]) -> list[dict[str, Any]]:
    """Breadth first over referrers to the modules and keepers that reach a source; the user's if there are any."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    level = {id(thing): (thing, steps) for thing, steps in sources}
    seen = set(level)
    deadline = time.thread_time() + _SECONDS
    for _ in range(_DEEPEST):
        for ident in [ident for ident in level if ident in roots]:
            root, (_, steps) = roots[ident], level.pop(ident)
            place = _name(root, steps)
            if place is not None:
                found.setdefault((place["module"], steps[0][1]), place)
        if not level or time.thread_time() > deadline:
            break
        level = _above(level, seen, roots, known)
    own = [place for place in found.values() if place["user"]]
    own = [place for place in own if _lasts(place)] or [place for place in own if _is_local(place)] or own
    return own or list(found.values())[:3]


def _is_local(place: dict[str, Any]) -> bool:
    """Whether a variable of a call that is under way leads there."""
    return bool(place["steps"][0][0] == "local")


def _lasts(place: dict[str, Any]) -> bool:
    """Whether a name of the user's leads there that stays: no call's, nor ours for what a script has started."""
    return not _is_local(place) and place["steps"][0] != ("key", repr(SCRIPT))


def _above(level: dict[int, Source], seen: set[int], roots: dict[int, Root], known: set[int]) -> dict[int, Source]:
    """What refers to this level, each once; a module may be reached by many names of it.

    What is not known came into being with the search and is its own, which would lead round and round in it; but for
    the `__dict__` that an object gets when it is first asked for it.
    """
    above: dict[int, Source] = {}
    for referrer in gc.get_referrers(*[thing for thing, _ in level.values()]):
        if id(referrer) in seen or (is_a(referrer, _NOT_HOLDERS) and id(referrer) not in roots):
            continue
        if id(referrer) not in known and type(referrer) is not dict:
            continue
        part = next((part for part in gc.get_referents(referrer) if id(part) in level), None)
        if part is None or part is type(referrer) or _is_annotation(referrer, part):
            continue  # an object does not hold its class, nor a function what its parameters are marked with
        if _is_gone(referrer, roots):
            continue
        if id(referrer) not in roots:
            seen.add(id(referrer))
        if len(above) < _WIDEST:
            above[id(referrer)] = (referrer, [name_step(referrer, part), *level[id(part)][1]])
    return above


def _is_annotation(referrer: Any, part: Any) -> bool:
    return is_a(referrer, types.FunctionType) and part is referrer.__annotations__


def _is_gone(thing: Any, roots: dict[int, Root]) -> bool:
    """Whether this was a module's globals, as a page's that ran: what is left of it are its functions."""
    return type(thing) is dict and "__builtins__" in thing and id(thing) not in roots


def _texts_in(thing: Any, sign: str, sign_in_bytes: bytes) -> list[Any]:
    """The parts of a thing that may hold a marker's text. It is asked of all objects there are, so it must be quick.

    All markers begin with the sign: most texts can be passed over at once.
    """
    parts = gc.get_referents(thing)
    if issubclass(type(thing), dict):  # the collector does not tell a dict's keys where all are texts
        parts += dict.keys(thing)
    found = []
    for part in parts:
        kind = type(part)
        if kind is str:
            if sign in part:
                found.append(part)
        elif kind is bytes:
            if sign_in_bytes in part:
                found.append(part)
        elif (kind is dict or kind is tuple) and not gc.is_tracked(part):
            found.append(part)
    return found


def _texts(part: Any, markers: list[str]) -> Iterator[tuple[str, list[Any]]]:
    """(marker, what leads to its text): of a text, or of those in a dict or tuple that the collector does not track."""
    if type(part) is str or type(part) is bytes:
        for marker in _present(part, markers):
            yield marker, [part]
        return
    for value in (*part.keys(), *part.values()) if type(part) is dict else part:
        if type(value) is str or type(value) is bytes:
            for marker in _present(value, markers):
                yield marker, [part, value]


def _present(text: str | bytes, markers: list[str]) -> list[str]:
    if isinstance(text, bytes):
        return [m for m in markers if m.encode() in text]
    return [m for m in markers if m in text]


def _global(module: types.ModuleType, steps: list[Step]) -> dict[str, Any] | None:
    if module.__name__.startswith(_OURS):
        return None
    file = str(getattr(module, "__file__", "") or "")
    relative = RECORDER.relative(file)
    return {
        "module": module.__name__,
        "file": relative or file,
        "user": bool(relative),
        "app": is_app(vars(module).get(steps[0][1].strip("'"))),
        "steps": _joined(steps),
    }


def _kept(keeper: Keeper, steps: list[Step]) -> dict[str, Any] | None:
    slot = steps[0][1].strip("'")
    line = keeper.line_of(slot)
    if line is None:
        return None
    name = {"slot": slot} if keeper.named and not keeper.line else {}
    return {
        "module": keeper.text,
        "file": "",
        "user": True,
        "app": False,
        "steps": _joined(steps),
        "line": line,
        **name,
    }


def _list_calls(tracked: list[Any]) -> dict[int, Root]:
    """{a call that waits: its code}: of coroutines and generators. Their frames hold their variables before 3.11."""
    found: dict[int, Root] = {}
    for thing in tracked:
        if is_a(thing, CALLS):
            frame = frame_of(thing)
            if frame is not None:
                found[id(thing)] = found[id(frame)] = frame.f_code
    return found


def _local(code: types.CodeType, steps: list[Step]) -> dict[str, Any] | None:
    """A variable of a call of the user's; of a library's method, what an object of theirs keeps whose method it is."""
    file = RECORDER.relative(code.co_filename)
    (kind, name), *inner = steps
    theirs = name == "self" and bool(inner) and inner[0][0] == "attribute"
    if kind != "local" or not (file or theirs):
        return None
    return {
        "module": code.co_name if file else "",
        "file": file,
        "user": True,
        "app": False,
        "steps": _joined([(kind, f"{name}@{code.co_firstlineno}@{file}"), *inner]),
    }


def _name(root: Root, steps: list[Step]) -> dict[str, Any] | None:
    """The place that these steps lead to from a root; None where it is none of the app's."""
    if isinstance(root, types.CodeType):
        return _local(root, steps)
    return _kept(root, steps) if isinstance(root, Keeper) else _global(root, steps)


def _joined(steps: list[Step]) -> list[Step]:
    """Steps with those through an object's `__dict__` and then a key of it made one."""
    joined: list[Step] = []
    for kind, name in steps:
        if kind == "key" and joined and joined[-1][0] in ("attribute", "inner", "app") and not joined[-1][1]:
            joined[-1] = (joined[-1][0], name.strip("'"))
        else:
            joined.append((kind, name))
    return joined
