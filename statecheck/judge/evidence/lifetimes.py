"""For how long a key of a service is kept, read off the commands that were sent. Pure."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from statecheck.judge.conversation.conversation import service_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from statecheck.history import Op

_BETWEEN = re.compile(r"\r\n\$\d+\r\n")
_THOUSANDTHS = 1000.0
_AS_AN_OPTION = {"EX": 1.0, "PX": _THOUSANDTHS}
_AS_AN_ARGUMENT = {"SETEX": 1.0, "PSETEX": _THOUSANDTHS, "EXPIRE": 1.0, "PEXPIRE": _THOUSANDTHS}
"""{command: how many of its unit are a second}: the argument after the key."""
_UNTIL_A_TIME = {"EXPIREAT": 1.0, "PEXPIREAT": _THOUSANDTHS, "EXAT": 1.0, "PXAT": _THOUSANDTHS}
"""Commands, and options, that say until which second, or thousandth, since 1970."""
_FOR_GOOD = ("PERSIST", "SET", "GETSET")
_SCRIPTS = ("EVAL", "EVALSHA", "EVAL_RO", "FCALL")
_REMOVALS = ("DEL", "UNLINK", "RENAME")
_MAKES = ("SET", "RPUSH", "LPUSH", "HSET", "HMSET", "SADD", "ZADD", "XADD", "APPEND", "JSON.SET")
"""What makes a key, also where what is put there is nothing that was said."""
_ONLY_THERE = ("EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT")
"""What does nothing where there is no such key."""


def find_lifetime(
    commands: Iterable[Op], address: str, key: str, now: Callable[[Op], float]
) -> tuple[float, Op] | None:
    """Return for how many seconds a key is kept after commands in their order, and the one that says so.

    None where it is kept for good. A command that was recorded twice, by the client's hook and by the relay, is asked
    for once: the one that has a line.

    Args:
        commands: that were sent to services.
        address: of the service.
        key: of which it is asked.
        now: what time it was at an op, in seconds since 1970.
    """
    found: tuple[float, Op] | None = None
    there = False
    for op in commands:
        if op.where != address or service_key(op.text) != key:
            continue
        name, *words = split_command(op.text)
        seconds = _seconds_of(name, words, now(op))
        if seconds is not None and (there or name not in _ONLY_THERE):
            again = found is not None and abs(found[0] - seconds) < 1 and not op.frames
            found = found if again else (seconds, op)
        elif _lasts(name, words):
            found = None
        there = there or op.action == "write" or name in _MAKES
    return found


def is_renewed(commands: Iterable[Op], address: str, key: str) -> bool:
    """Whether one of the commands gives a key another time to live, or none; a script may do so unseen."""
    for op in commands:
        name, *words = split_command(op.text) or ("",)
        if op.where != address or (key not in words if name in _SCRIPTS else service_key(op.text) != key):
            continue
        again = _seconds_of(name, words, 0.0) is not None and not any(word.upper() == "NX" for word in words[2:])
        if name in (*_SCRIPTS, *_REMOVALS) or _lasts(name, words) or again:
            return True
    return False


def _lasts(name: str, words: Sequence[str]) -> bool:
    """Whether a command lets a key live for good from then on."""
    return name in _FOR_GOOD and "KEEPTTL" not in words


def split_command(text: str) -> tuple[str, ...]:
    """Return a command of Redis, in capitals, and its arguments; nothing where the text is none."""
    head, *words = _BETWEEN.split(text.removesuffix("\r\n"))
    return (words[0].upper(), *words[1:]) if head.startswith("*") and words else ()


def _seconds_of(name: str, words: Sequence[str], now: float) -> float | None:
    """The time to live that a command gives its key."""
    if name in _AS_AN_ARGUMENT:
        return _divide(words[1:2], _AS_AN_ARGUMENT[name])
    if name in _UNTIL_A_TIME:
        return _subtract(_divide(words[1:2], _UNTIL_A_TIME[name]), now)
    options = words[2:] if name == "SET" else words[1:] if name == "GETEX" else ()
    for option, value in pairwise(options):
        if option.upper() in _AS_AN_OPTION:
            return _divide([value], _AS_AN_OPTION[option.upper()])
        if option.upper() in _UNTIL_A_TIME:
            return _subtract(_divide([value], _UNTIL_A_TIME[option.upper()]), now)
    return None


def _subtract(until: float | None, now: float) -> float | None:
    """What is left until a time; None where it has passed, as one does that was made up."""
    return None if until is None or until <= now else round(until - now)


def _divide(words: Sequence[str], by: float) -> float | None:
    return int(words[0]) / by if words and words[0].isdecimal() else None
