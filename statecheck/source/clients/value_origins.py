"""How client code comes by a value that it sends: made for each message, made once and kept, learned or shown."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from statecheck.probe.frameworks import FRAMEWORKS
from statecheck.source.clients.script import FUNCTION_VALUES
from statecheck.source.clients.script_nodes import callee, spell
from statecheck.source.code.reading import parse_expression
from statecheck.source.code.resolver import FUNCTIONS
from statecheck.source.fields import plain
from statecheck.source.handlers.models import makes_key_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tree_sitter import Node

    from statecheck.source.clients.calls import Call
    from statecheck.source.clients.script import Script
    from statecheck.source.fields import Origin

_RERUN = frozenset(package for framework in FRAMEWORKS if framework.reruns for package in framework.packages)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_DEEPEST = 3
_KEPT = re.compile(r"[sS]torage|\bcookie|\buse[A-Z]\w*\(|\|\||\?\?")
_PART = re.compile(r"[\w$)\]][?!]?(?:\.|\?\.|\[['\"]|\.get\(['\"])([\w$-]+)")
_ANSWER = re.compile(r"\.json\(|\bawait\b|\.data\b")
_MOST_READ = 120


def with_origins(call: Call, judge: Callable[[str, str], Origin]) -> Call:
    """Return a call with what a judge says of each of its values, by how that is spelled and what it is sent as."""
    fields = (
        replace(f, origin=judge(f.said, f.name) or f.origin) if f.said and f.place.path else f for f in call.fields
    )
    return replace(call, fields=tuple(fields))


class PythonOrigins:
    """How long the names of one module keep their values."""

    def __init__(self, tree: ast.Module) -> None:
        self._above: dict[ast.AST, tuple[ast.AST, ...]] = {}
        self._assigned: dict[str, list[ast.Assign]] = {}
        self._calls: dict[str, list[ast.Call]] = {}
        self._functions: set[str] = set()
        self._reruns = any(
            isinstance(node, ast.Import) and any(alias.name in _RERUN for alias in node.names)
            for node in ast.walk(tree)
        )
        for node, above in _walk_with_scopes(tree, ()):
            self._above[node] = above
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    self._assigned.setdefault(ast.unparse(target), []).append(node)
            elif isinstance(node, ast.Call):
                self._calls.setdefault(ast.unparse(node.func).rpartition(".")[2], []).append(node)
            elif isinstance(node, FUNCTIONS):
                self._functions.add(node.name)

    def of(self, call: ast.AST, spelled: str, name: str, deep: int = 0) -> Origin:
        """Tell how long a value is kept that a call sends under a name."""
        value = parse_expression(spelled)
        if value is None:
            return ""
        if self._makes(value):
            return "made"
        around = self._above[call]
        assigned = [node for node in self._assigned.get(spelled, ()) if self._function(node) in (None, *around)]
        if any(_is_part_of_answer(ast.unparse(node.value), name) for node in assigned):
            return "learned"
        made = [node for node in assigned if self._makes(node.value) and not _mentions(node.value, spelled)]
        if made:
            return "made" if any(self._is_renewed(node, call) for node in made) else "kept"
        return self._origin_of_argument(call, value, name, deep) if isinstance(value, ast.Name) and not assigned else ""

    def _makes(self, value: ast.expr) -> bool:
        """Whether an expression makes a new key each time, and takes nothing else if there is something."""
        if any(isinstance(inner, (ast.BoolOp, ast.IfExp)) for inner in ast.walk(value)):
            return False
        calls = [ast.unparse(inner.func) for inner in ast.walk(value) if isinstance(inner, ast.Call)]
        return any(makes_key_text(call) and call not in self._functions for call in calls)

    def _function(self, node: ast.AST) -> ast.AST | None:
        return next((above for above in reversed(self._above[node]) if isinstance(above, FUNCTIONS)), None)

    def _is_renewed(self, assigned: ast.AST, call: ast.AST) -> bool:
        """Whether every time that a call is made, what was assigned is made anew."""
        mine, theirs = self._above[call], self._above[assigned]
        if [node for node in mine if isinstance(node, _LOOPS) and node not in theirs]:
            return False
        function = self._function(call)
        if not isinstance(function, FUNCTIONS):
            return any(isinstance(node, _LOOPS) for node in theirs) or self._reruns
        arguments = {a.arg for a in [*function.args.args, *function.args.kwonlyargs]} - {"self"}
        uses = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        return function in theirs and bool(arguments & uses)

    def _origin_of_argument(self, call: ast.AST, value: ast.Name, name: str, deep: int) -> Origin:
        """Tell the same of a parameter, by what is given where its function is called."""
        function = self._function(call)
        if not isinstance(function, FUNCTIONS) or deep >= _DEEPEST:
            return ""
        names = [a.arg for a in [*function.args.posonlyargs, *function.args.args] if a.arg != "self"]
        if value.id not in names:
            return ""
        found: set[Origin] = set()
        for other in self._calls.get(function.name, ()):
            by_name = next((k.value for k in other.keywords if k.arg == value.id), None)
            place = names.index(value.id)
            given = by_name or (other.args[place] if place < len(other.args) else None)
            found.add(self.of(other, ast.unparse(given), name, deep + 1) if given is not None else "")
        return found.pop() if len(found) == 1 else ""


def _walk_with_scopes(node: ast.AST, above: tuple[ast.AST, ...]) -> Iterator[tuple[ast.AST, tuple[ast.AST, ...]]]:
    """Every node below one, with the functions and loops around it."""
    inside = (*above, node) if isinstance(node, (*FUNCTIONS, *_LOOPS)) else above
    for child in ast.iter_child_nodes(node):
        yield child, inside
        yield from _walk_with_scopes(child, inside)


def _mentions(value: ast.expr, name: str) -> bool:
    return any(isinstance(inner, ast.Name) and inner.id == name for inner in ast.walk(value))


def _is_part_of_answer(spelled: str, name: str) -> bool:
    """Whether an expression is a part of an answer that is called as what is sent."""
    told = re.search(r"(?:\[['\"]|\.get\(['\"]|\.)([\w-]+)(?:['\"][^'\"]*)?\W*$", spelled)
    return told is not None and plain(told[1]) == plain(name)


class ScriptOrigins:
    """How a script comes by the values of one request that it sends."""

    def __init__(self, script: Script, call: Node) -> None:
        self._script, self._call = script, call

    def of(self, spelled: str, name: str) -> Origin:
        """Return how long a value is kept that is sent under a name."""
        if self._is_learned(name):
            return "learned"
        value, found = spelled, self._script.binding(spelled, self._call)
        if found is not None and found.value is not None and found.at < self._call.start_byte:
            value = spell(found.value)
        if _KEPT.search(value):
            return "kept"
        if "(" not in value or not makes_key_text(value):
            return ""
        if found is None or found.value is None:
            return "made"
        around = self._script.function(found.value)
        rendered = around is not None and self._is_rendered(around)
        return "made" if rendered or (around is not None and around == self._script.function(self._call)) else "kept"

    def _is_learned(self, name: str) -> bool:
        """Whether the script keeps a part of an answer that is called as what is sent: `sid = data.session_id`."""
        for target, value in self._script.given:
            if value.type in FUNCTION_VALUES:
                continue
            spelled = spell(value)[:_MOST_READ]
            told = _PART.findall(spelled)
            told += re.findall(r"\w+", target) if target.startswith("{") and _ANSWER.search(spelled) else ()
            if any(plain(one) == plain(name) for one in told):
                return True
        return False

    def _is_rendered(self, function: Node) -> bool:
        """Whether a function is a component of React, which is run anew whenever its state changes."""
        calls = (call for call in self._script.calls if function.start_byte < call.start_byte < self._call.start_byte)
        return any(callee(call)[1] == "useState" for call in calls)
