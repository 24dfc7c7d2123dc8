"""Values that a turn changed in place and never set: in memory the change is there, in a database it is not.

A value that the app's own code read, of a Context or of a framework's session, is looked at again when its turn ends;
until then, and no longer, it is held.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from .frameworks import FRAMEWORKS
from .markers import find
from .recorder import RECORDER, TURN
from .value_text import content

if TYPE_CHECKING:
    from .ops import Fields, OpKind

_UNCHANGING = (str, bytes, int, float, bool, type(None))
_MOST = 200  # values of one turn that are held
_SAME: tuple[Literal["cls", "obj", "run", "frames"], ...] = ("cls", "obj", "run", "frames")
"""What the op of a change has in common with that of the read."""


@dataclass(frozen=True)
class _Read:
    """A value as it was when it was read, and by which op."""

    value: Any
    content: str
    op: Fields
    name: str
    session: Any = None


_reads: dict[int, list[_Read]] = {}  # by turn


def observe(op: Fields, value: Any, session: Any = None) -> None:
    """Note that a turn has read this value, or set one: what it changed of that before is saved.

    Args:
        op: its fields, `name` being the value's, or missing for all values of the run.
        value: what was read.
        session: a framework's, in which it is; None for a Context's value.
    """
    turn, name = TURN.get(), op.get("name", "")
    reads = _reads.setdefault(turn, []) if turn else []
    if op["action"] == "write":
        reads[:] = [one for one in reads if not _is_same(one, op)]
    elif op["action"] == "read" and len(reads) < _MOST and not isinstance(value, _UNCHANGING):
        reads.append(_Read(value, content(value), op, name, session))


def _is_same(read: _Read, written: Fields) -> bool:
    name = written.get("name", "")
    return read.op.get("run") == written.get("run") and (read.name == name or not name or not read.name)


def finish(turn: int) -> None:
    """Record what this turn changed and never set."""
    for one in _reads.pop(turn, []):
        now = content(one.value)
        if now != one.content and not _is_saved(one.session):
            f: OpKind = "ctx-store" if one.session is None else "session"
            fields: Fields = {"action": "mutate", "name": one.name, "markers": find(one.value), "text": now}
            for key in _SAME:
                if key in one.op:
                    fields[key] = one.op[key]
            RECORDER.emit(f, **fields)


def _is_saved(session: Any) -> bool:
    """Whether a framework saves a session as a whole: it was told of a change, or does so after every request."""
    if session is None:
        return False
    kept = isinstance(session, dict) and dict.get(session, "_permanent", False)  # as Flask sends it with every answer
    if kept or getattr(session, "modified", True):
        return True
    return any(framework.resaves and _is_set(framework.resaves) for framework in FRAMEWORKS)


def _is_set(place: str) -> bool:
    """Whether a setting is true: `module:object.NAME`, of a module that is imported and settings that are made."""
    module, _, path = place.partition(":")
    owner, _, name = path.partition(".")
    settings = getattr(sys.modules.get(module), owner, None)
    return bool(getattr(settings, "configured", False)) and bool(getattr(settings, name, False))
