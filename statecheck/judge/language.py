r"""A tiny language for histories: one op a line, as it reads best. The idea is that of Elle's and coverage's tests.

    1a > alice                       turn 1, `The word is {1}.`, is sent to worker a with the session key `alice`
                                       (`-`: none); words after that say how it is sent otherwise, that it
                                       answers what was asked in another turn (`answers=1`), that it says what
                                       another does (`says=1`), or that its text has a line before, with
                                       another's marker (`after=8`)
    1a memory build #2 ^1 @app.py:9  what it does there: the kind, then in any order the action, `#obj`, `^parent`,
    1a memory write #2 1 key=alice     markers by the number of their turn, `field=value`, what is true of it
                                       (`by_library`) and frames, innermost first
    1a model read 1 2
    1a <                             acknowledged; `x why`: refused; `?`: indeterminate. What follows is the error,
                                       or `HTTP 500`,
    2b < "Noted: {1}"                  or for `<` the answer, with `{n}` for turn n's marker, and
                                       ` ignored=` a cookie that browsers do not keep
    -a gone #2                       no turn's

A word `fail` or `info` makes the op one of that type. Worker a is PID 7 and generation 1, b is PID 8 and generation 2,
and so on; without a letter it is the driver. A frame's function is `chat`, or what follows a slash: `@app.py:2/main`.
Of a place, a signature and what is shared they are lines of code: the first defines it, or assigns it, others use it
(`/written`, `/read`).
Each line is 10 ns later than the one before; `#` begins a comment, and `\r\n` in a value is a line's end, as Redis
has it.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import fields
from typing import Any

from statecheck.history import Frame, History, Line, LineRole, Op
from statecheck.probe.ops import ACTIONS

_FIELDS = {field.name: str(field.type) for field in fields(Op)}
_TEXTS = {name for name, type_ in _FIELDS.items() if type_ in ("str", "str | None")}
_COUNTS = ("status", "held")
_READ_OFF = (
    "place",
    "signature",
    "shared",
    "capacity",
    "window",
    "lifetime",
    "folding",
    "text-key",
    "unfilled",
    "copied",
    "dropped",
    "shortcut",
    "guarded",
    "retry",
    "start-reset",
)  # ops whose lines were found by reading the code
_TURNS = {">": "invoke", "<": "ok", "x": "fail", "?": "info"}


def marker_of(turn: int) -> str:
    """Return turn n's marker."""
    return f"sc-m{turn:08x}"


def read_history(experiment: str, text: str) -> History:
    """Return the history that a text describes.

    Raises:
        ValueError: a line is no op.
    """
    lines = (re.sub(r"(^|\s)# .*", "", line).strip() for line in text.splitlines())
    return History(experiment, tuple(read_op(line, 10 * number) for number, line in enumerate(filter(None, lines), 1)))


def read_op(line: str, time: int = 0) -> Op:
    """Return the op that one line describes.

    Raises:
        ValueError: a word of it has no meaning.
    """
    who, f, *words = shlex.split(line)
    matched = re.fullmatch(r"(\d+|-)([a-z]?)", who)
    if matched is None:
        raise ValueError(f"`{who}` names no turn and worker")
    turn = 0 if matched[1] == "-" else int(matched[1])
    generation = ord(matched[2]) - ord("a") + 1 if matched[2] else 0
    values: dict[str, Any] = {"turn": turn, "generation": generation, "pid": generation and 6 + generation}
    if f in _TURNS:
        values |= {"markers": (marker_of(turn),), **_read_turn(f, " ".join(words))}
        if f == ">":
            said, before = int(values.pop("said", turn)), values.get("text", "")
            values |= {"markers": (marker_of(said),), "text": f"{before}The word is {marker_of(said)}."}
        return Op(time, _TURNS[f], "turn", **values)  # type: ignore[arg-type]
    for word in words:
        _add_word(word, values)
    if f in _READ_OFF:
        lines = [(frame.path, frame.line, frame.function) for frame in values.pop("frames", ())]
        first: LineRole = "written" if f == "shared" else "defined"
        values["lines"] = tuple(Line(*line[:2], line[2] if number else first) for number, line in enumerate(lines))
    return Op(time, values.pop("type", "ok"), f, **values)  # type: ignore[arg-type]  # not all words are an op's


def _read_turn(sign: str, rest: str) -> dict[str, Any]:
    if sign == ">":
        key, _, way = rest.partition(" ")
        of_another = re.fullmatch(r"(answers|says)=(\d+)", way)
        names = {"answers": "answers", "says": "said"}
        how = {names[of_another[1]]: int(of_another[2])} if of_another else {"name": way}
        after = re.fullmatch(r"after=(\d+)", way)
        how = {"text": f"It is about {marker_of(int(after[1]))}.\n"} if after else how
        return {"key": None if key in ("", "-") else key, **how}
    if sign == "<":
        rest, _, ignored = rest.partition(" ignored=")
        text = re.sub(r"\{(\d+)\}", lambda found: marker_of(int(found[1])), rest)
        return {"text": text, "status": 200, "ignored": tuple(filter(None, [ignored]))}
    status = re.fullmatch(r"HTTP (\d+)", rest)
    return {"status": int(status[1])} if status else {"error": rest}


def _add_word(word: str, values: dict[str, Any]) -> None:
    name, equals, value = word.partition("=")
    if word.isdigit():
        values["markers"] = (*values.get("markers", ()), marker_of(int(word)))
    elif word[0] in "#^" and word[1:].isdigit():
        values["obj" if word[0] == "#" else "parent"] = int(word[1:])
    elif word[0] == "@":
        path, _, line = word[1:].rpartition(":")
        line, _, function = line.partition("/")
        values["frames"] = (*values.get("frames", ()), Frame(path, int(line), function or "chat"))
    elif equals and name in _TEXTS:
        values[name] = value.replace(r"\r\n", "\r\n")
    elif equals and name in _COUNTS:
        values[name] = int(value)
    elif equals and name in ("arguments", "messages"):
        values[name] = tuple(value.split(","))
    elif _FIELDS.get(word) == "bool":
        values[word] = True
    elif word in ("fail", "info"):
        values["type"] = word
    elif word in ACTIONS and "action" not in values:
        values["action"] = word
    else:
        raise ValueError(f"`{word}` says nothing that an op has")
