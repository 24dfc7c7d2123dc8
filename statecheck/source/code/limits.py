"""Limits that the user's code sets to what it keeps: so many sessions in a cache, so many messages of a conversation.

What goes beyond one is dropped on purpose, so a loss that it explains is named by it, in the words of the code.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from statecheck.model import Anchor
from statecheck.source.code.scopes import Function, dotted, last_name, own_nodes, parameters, walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from statecheck.source.code.modules import Module
    from statecheck.source.code.tree import SourceTree

Bounded = Literal["sessions", "messages", "seconds", "local time"]

_OF_CACHES: Mapping[str, tuple[str, int | None, int | None]] = {
    **dict.fromkeys(
        ("lru_cache", "alru_cache", "ttl_cache", "lfu_cache", "fifo_cache", "rr_cache"), ("maxsize", 0, 128)
    ),
    **dict.fromkeys(("LRUCache", "TTLCache", "LFUCache", "FIFOCache", "RRCache", "TLRUCache"), ("maxsize", 0, None)),
    **dict.fromkeys(("cache_resource", "cache_data"), ("max_entries", None, None)),
    "LRU": ("size", 0, None),
    "ExpiringDict": ("max_len", 0, None),
    "SimpleCache": ("threshold", 0, 500),
    "FileSystemCache": ("threshold", 1, 500),
}
"""{a cache's name: (the parameter that limits it, its position, what it is where it is not given)}."""
_OF_MESSAGES = frozenset(
    (
        "token_limit",
        "maxlen",
        "max_messages",
        "max_turns",
        "max_history",
        "max_length",
        "last_n",
        "window",
        "window_size",
        "maxsize",
    )
)
"""Keywords that limit how much of a conversation is kept, or given."""
_TEXTS = frozenset(("Query", "Body", "Form", "Header", "Path", "constr", "StringConstraints", "Length"))
"""What declares a text that may be so long, as does whatever is called a field."""
_OF_TIME = frozenset(
    ("ttl", "ex", "ttl_seconds", "expire", "expires_in", "expire_seconds", "expireAfterSeconds", "default_timeout")
)
"""Keywords that limit for how many seconds."""
_OF_MILLISECONDS = frozenset(("px", "pexpire", "psetex"))
"""Keywords, and methods, that do so in thousandths."""
_EXPIRING = ("expire", "setex", "pexpire", "psetex")
"""Methods whose second argument does."""
_SETTING = ("set", "add", "touch", "get_or_set", "set_many")
"""Methods of caches, whose `timeout` is for how many seconds they keep what they are given."""
_EXPIRES_LOCALLY = "expireAfterSeconds"
"""What has a database expire rows by a time in them, in UTC: one without a time zone is taken for that."""
_LOCAL_TIMES = ("datetime.now", "datetime.today")
_LONGEST = 300
"""Seconds; what is kept for longer does not expire while it is looked at."""
_SQL = re.compile(r"\bLIMIT\s+(\S+)", re.IGNORECASE)
_CALLS = ("limit", "lrange", "ltrim")
_HINTS = (
    "cache",
    "Cache",
    "LRU",
    "Dict",
    "pop",
    "del ",
    "len(",
    *_OF_MESSAGES,
    "imit",
    "IMIT",
    "range",
    "trim",
    "[-",
    "ttl",
    "ex=",
    "px=",
    "expir",
    "setex",
    "timeout",
    "datetime.",
)


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit.

    Attributes:
        of: what it lets only so many be kept of; `seconds`: how long messages are; `local time`: no limit, but a time
            without a time zone, where a database expires rows by such.
        text: in the words of the code: `maxsize=1`, `LIMIT 6`, `history[-6:]`.
        number: how many, or None where that is not written down.
        holder: the name of what it bounds: a function whose results are kept, a container; or "".
        function: the function in which it stands, or "".
    """

    of: Bounded
    text: str
    number: int | None
    holder: str
    function: str
    anchor: Anchor


def find_limits(tree: SourceTree) -> tuple[Limit, ...]:
    """Return the limits that the modules of a tree set, in the order of their lines."""
    modules = tree.modules()
    expires = any(_EXPIRES_LOCALLY in module.text for module in modules)
    return tuple(
        limit
        for module in modules
        if any(hint in module.text for hint in _HINTS)
        for limit in _Reader(module).limits()
        if expires or limit.of != "local time"
    )


class _Reader:
    """Reads one module."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._assigned: dict[ast.expr, ast.expr] = {}
        self._constants = {
            target.id: node.value
            for node in walk(module.ast)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }

    def limits(self) -> list[Limit]:
        found = [*self._in_scope(self._module.ast, "")]
        found += [
            limit for node in walk(self._module.ast) if isinstance(node, Function) for limit in self._in_function(node)
        ]
        return sorted(dict.fromkeys(found), key=lambda limit: limit.anchor.line)

    def _in_function(self, function: Function) -> Iterator[Limit]:
        if [each for each in parameters(function) if each.arg not in ("self", "cls")]:  # else it keeps one result
            for decorator in function.decorator_list:
                yield from self._of_decorator(decorator, function.name)
        yield from self._in_scope(function, function.name)

    def _in_scope(self, scope: ast.Module | Function, function: str) -> Iterator[Limit]:
        nodes = [*own_nodes(scope)]
        nodes += [inner for node in nodes if isinstance(node, ast.ClassDef) for inner in own_nodes(node)]
        self._assigned = {node.value: node.targets[0] for node in nodes if isinstance(node, ast.Assign)}
        for node in nodes:
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                yield from self._of_cache(node.value, last_name(target), function)
            elif isinstance(node, (ast.If, ast.While)):
                yield from self._of_removal(node, function)
            elif isinstance(node, ast.Call):
                yield from self._of_call(node, function)
            elif isinstance(node, ast.Subscript):
                yield from self._of_slice(node, function)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                for found in _SQL.finditer(node.value):
                    yield self._limit("messages", found[0], None, "", function, node)

    def _of_decorator(self, decorator: ast.expr, function: str) -> Iterator[Limit]:
        called = decorator if isinstance(decorator, ast.Call) else ast.Call(decorator, [], [], lineno=decorator.lineno)
        yield from self._of_cache(called, function, "")
        for keyword in called.keywords:  # `@cached(cache=TTLCache(…))`
            yield from self._of_cache(keyword.value, function, "")
        for argument in called.args:
            yield from self._of_cache(argument, function, "")

    def _of_cache(self, value: ast.expr, holder: str, function: str) -> Iterator[Limit]:
        if not isinstance(value, ast.Call) or last_name(value.func) not in _OF_CACHES:
            return
        name, position, default = _OF_CACHES[last_name(value.func)]
        given = next((each.value for each in value.keywords if each.arg == name), None)
        if given is None and position is not None and len(value.args) > position:
            given = value.args[position]
        if given is None:
            if default is not None:
                yield self._limit("sessions", f"{name}={default}", default, holder, function, value)
        elif not (isinstance(given, ast.Constant) and given.value is None):
            number = self._number(given)
            shown = ast.unparse(given) if number is None else number
            yield self._limit("sessions", f"{name}={shown}", number, holder, function, value)

    def _of_removal(self, node: ast.If | ast.While, function: str) -> Iterator[Limit]:
        """`if len(sessions) > MOST: sessions.popitem(last=False)`, and `while len(history) > MOST: history.pop(0)`."""
        for test in (each for each in ast.walk(node.test) if isinstance(each, ast.Compare)):
            left = test.left
            if not (isinstance(left, ast.Call) and dotted(left.func) == "len" and len(left.args) == 1):
                continue
            if not isinstance(test.ops[0], (ast.Gt, ast.GtE)):
                continue
            holder = dotted(left.args[0])
            removed = [of for inner in node.body for each in ast.walk(inner) if (of := _removed(each, holder))]
            if holder and removed:
                number = self._number(test.comparators[0])
                yield self._limit(removed[0], ast.unparse(test), number, last_name(left.args[0]), function, test)

    def _of_call(self, node: ast.Call, function: str) -> Iterator[Limit]:
        limit = partial(self._limit, "messages", holder="", function=function, node=node)
        yield from self._of_time(node, function)
        for keyword in node.keywords:
            if keyword.arg == "maxsize" and last_name(node.func) in _OF_CACHES:
                continue  # of which it limits the sessions
            if keyword.arg == "max_length" and _declares_text(last_name(node.func)):
                continue
            if keyword.arg in _OF_MESSAGES and not isinstance(keyword.value, (ast.Lambda, ast.Dict)):
                number = self._number(keyword.value)
                yield limit(f"{keyword.arg}={ast.unparse(keyword.value) if number is None else number}", number)
        name = last_name(node.func)
        if isinstance(node.func, ast.Attribute) and name in _CALLS and node.args:
            ends = name == "limit" or any(isinstance(each, ast.UnaryOp) for each in node.args[1:])
            if ends:
                yield limit(f"{name}({', '.join(map(ast.unparse, node.args))})", self._number(node.args[0]))

    def _of_time(self, node: ast.Call, function: str) -> Iterator[Limit]:
        """`RedisChatStore(ttl=60)`, `client.set(key, value, ex=60)`, `px=60000`, `client.expire(key, 60)`."""
        given = [(f"{each.arg}=", each.value) for each in node.keywords if each.arg in _OF_TIME | _OF_MILLISECONDS]
        if last_name(node.func) == "TTLCache" and len(node.args) > 1:
            given.append(("ttl=", node.args[1]))
        if isinstance(node.func, ast.Attribute) and node.func.attr in _EXPIRING and len(node.args) > 1:
            given.append((f"{node.func.attr} ", node.args[1]))
        if isinstance(node.func, ast.Attribute) and node.func.attr in _SETTING:
            given += [("timeout=", each.value) for each in node.keywords if each.arg == "timeout"]
        kept_in = self._assigned.get(node) or (node.func.value if isinstance(node.func, ast.Attribute) else None)
        holder = last_name(kept_in) if kept_in is not None else ""
        for name, value in given:
            number = self._number(value)
            unit = 1000 if name.rstrip("= ") in _OF_MILLISECONDS else 1
            if number is not None and 0 < number <= _LONGEST * unit:
                yield self._limit("seconds", f"{name}{number}", number // unit, holder, function, node)
        if dotted(node.func).endswith(_LOCAL_TIMES) and not (node.args or node.keywords):
            yield self._limit("local time", f"{dotted(node.func)}()", None, "", function, node)

    def _of_slice(self, node: ast.Subscript, function: str) -> Iterator[Limit]:
        """`history[-6:]`."""
        cut = node.slice
        if not (isinstance(cut, ast.Slice) and cut.upper is None and cut.step is None):
            return
        if isinstance(cut.lower, ast.UnaryOp) and isinstance(cut.lower.op, ast.USub):
            number = self._number(cut.lower.operand)
            yield self._limit("messages", ast.unparse(node), number, last_name(node.value), function, node)

    def _limit(self, of: Bounded, text: str, number: int | None, holder: str, function: str, node: ast.expr) -> Limit:
        return Limit(of, text, number, holder, function, Anchor(self._module.shown, node.lineno))

    def _number(self, node: ast.expr, further: int = 3) -> int | None:
        """What a number is: a literal, a name's value, or what it is where no variable says otherwise."""
        if isinstance(node, ast.Constant):
            text = str(node.value)
            return int(text) if text.isdecimal() and not isinstance(node.value, bool) else None
        if isinstance(node, ast.Name) and further and node.id in self._constants:
            return self._number(self._constants[node.id], further - 1)
        if isinstance(node, ast.Call) and node.args and last_name(node.func) in ("int", "getenv", "get"):
            return self._number(node.args[-1], further)
        if isinstance(node, ast.BoolOp):
            return self._number(node.values[-1], further)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            left, right = self._number(node.left, further), self._number(node.right, further)
            return None if left is None or right is None else left * right
        return None


def _declares_text(name: str) -> bool:
    """Whether what is called so declares a field or a column: `CharField(max_length=64)` says nothing of messages."""
    return name in _TEXTS or name.endswith("Field")


def _removed(node: ast.AST, holder: str) -> Bounded | None:
    """What a node removes from a container: the oldest of its elements, or of what stands under its keys."""
    if isinstance(node, ast.Delete):
        for target in node.targets:
            if isinstance(target, ast.Subscript) and dotted(target.value) == holder:
                return "messages" if isinstance(target.slice, (ast.Slice, ast.Constant)) else "sessions"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and dotted(node.func.value) == holder:
        if node.func.attr in ("popitem", "clear"):
            return "sessions"
        if node.func.attr == "popleft" or (node.func.attr == "pop" and node.args):
            by_place = node.func.attr == "popleft" or isinstance(node.args[0], (ast.Constant, ast.UnaryOp))
            return "messages" if by_place else "sessions"
    return None
