"""A script in JavaScript or TypeScript: what its names hold where they are used, and what its expressions send.

The grammar of TSX reads them all; a script with an error in it is read around that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from statecheck.source.clients.calls import is_operation
from statecheck.source.clients.script_nodes import (
    NAMES,
    OPENS,
    alternatives_of,
    arguments,
    bound_names,
    callee,
    characters_of,
    children_of,
    field_of,
    key_of,
    nodes_above,
    operator_of,
    pieces_of,
    spell,
    spell_without_braces,
    strip,
)

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Query

    from statecheck.source.clients.calls import Sent

_QUERY = """
(variable_declarator) @declared
(assignment_expression) @assigned
(formal_parameters) @parameters
(arrow_function parameter: (identifier) @parameter)
(call_expression) @called
(new_expression) @called
"""
_FUNCTIONS = frozenset(
    (
        *("function_declaration", "function_expression", "arrow_function", "method_definition"),
        *("generator_function", "generator_function_declaration"),
    )
)
FUNCTION_VALUES = frozenset(("function_expression", "arrow_function", "class"))
"""What a name may be set to that is not read when it is."""
_SCOPES = _FUNCTIONS | {"statement_block", "for_statement", "for_in_statement", "class_body"}
_DEEPEST = 6


@dataclass(frozen=True, slots=True)
class Binding:
    """What a name is set to at one place.

    Attributes:
        value: None where it is not known: a parameter, a part of something.
        scope: the function or block that has the name.
    """

    name: str
    value: Node | None
    scope: Node
    at: int


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of an object that is set: `body.session = sid`."""

    owner: Node
    key: str
    value: Node


class Script:
    """One script.

    Attributes:
        calls: its calls and what it makes with `new`, in their order.
    """

    def __init__(self, text: str) -> None:
        from tree_sitter import QueryCursor

        parser, query = _reader()
        self._root = parser.parse(text.encode("utf-8", "replace")).root_node
        captured = QueryCursor(query).captures(self._root)
        self.calls: list[Node] = sorted(captured.get("called", []), key=lambda node: node.start_byte)
        self._declared = captured.get("declared", [])
        self._assigned = captured.get("assigned", [])
        self._parameters = [*captured.get("parameters", []), *captured.get("parameter", [])]

    @cached_property
    def _bindings(self) -> dict[tuple[int, str], list[Binding]]:
        """What each scope sets its names to, in order."""
        found: dict[tuple[int, str], list[Binding]] = {}
        for node in self._parameters:
            for name in bound_names(node):
                _bind(found, spell(name), None, self._scopes(node)[0], node.start_byte)
        for node in self._declared:
            target = field_of(node, "name")
            for name in bound_names(target):
                value = field_of(node, "value") if target is name else None
                _bind(found, spell(name), value, self._scopes(node)[0], node.start_byte)
        for node in self._assigned:
            target = field_of(node, "left")
            if target is not None and target.type == "identifier":
                scopes = self._scopes(node)
                owner = next((scope for scope in scopes if (scope.id, spell(target)) in found), scopes[-1])
                _bind(found, spell(target), field_of(node, "right"), owner, node.start_byte)
        for bindings in found.values():
            bindings.sort(key=lambda binding: binding.at)
        return found

    @cached_property
    def _parts(self) -> tuple[_Part, ...]:
        found = []
        for node in self._assigned:
            target, value = field_of(node, "left"), field_of(node, "right")
            owner, key = (field_of(target, "object"), key_of(target)) if target is not None else (None, None)
            if owner is not None and owner.type == "identifier" and key and value is not None:
                found.append(_Part(owner, key, value))
        return tuple(found)

    @cached_property
    def given(self) -> tuple[tuple[str, Node], ...]:
        """What the script keeps: each value that a name or a part is set to, and each that a setter of React gets.

        The first of a pair is `=`, or the pattern that takes the value apart, or the setter.
        """
        found = []
        for node in (*self._declared, *self._assigned):
            target, value = (
                field_of(node, "name") or field_of(node, "left"),
                field_of(node, "value") or field_of(node, "right"),
            )
            if target is not None and value is not None:
                found.append((spell(target) if target.type == "object_pattern" else "=", value))
        for call in self.calls:
            if re.fullmatch(r"set\w*", callee(call)[1]):
                found += [(callee(call)[1], argument) for argument in arguments(call)[:1]]
        return tuple(found)

    def _scopes(self, node: Node) -> list[Node]:
        """Return the functions and blocks around a place, the innermost first, the script itself last."""
        return [above for above in nodes_above(node) if above.type in _SCOPES] + [self._root]

    def function(self, node: Node) -> Node | None:
        """Return the innermost function with a body of its own around a place, or None outside of any."""
        around = (above for above in nodes_above(node) if above.type in _FUNCTIONS)
        return next((f for f in around if (body := field_of(f, "body")) and body.type == "statement_block"), None)

    def binding(self, name: str, near: Node) -> Binding | None:
        """Return what a name was last set to before a place, or else is set to by the scope that has it."""
        for scope in self._scopes(near):
            bindings = self._bindings.get((scope.id, name))
            if bindings:
                above = [binding for binding in bindings if binding.at <= near.start_byte]
                return above[-1] if above else bindings[0]
        return None

    def resolve(self, node: Node) -> Node:
        """Return an expression, with a name replaced by what it stands for as far as that is known."""
        node = strip(node)
        for _ in range(3):
            found = self.binding(spell(node), node) if node.type in NAMES else None
            if found is None or found.value is None:
                break
            node = strip(found.value)
        return node

    def members(self, node: Node, deep: int = 0) -> dict[str, Node]:
        """Return the keys of an object, each with its value; {} for anything else."""
        value = self.resolve(node)
        found: dict[str, Node] = {}
        for child in value.named_children if value.type == "object" and deep < _DEEPEST else ():
            if child.type == "pair":
                key, inner = self._spelled_key(field_of(child, "key")), field_of(child, "value")
                found.update({key: inner} if key and inner is not None else {})
            elif child.type == "shorthand_property_identifier":
                found[spell(child)] = child
            elif child.type == "spread_element":
                for part in alternatives_of(child.named_children[0]) if child.named_children else ():
                    found = {**self.members(part, deep + 1), **found} if part is not child else found
        return {**found, **self._later_members(node)}

    def _spelled_key(self, key: Node | None) -> str:
        if key is not None and key.type == "computed_property_name" and key.named_children:
            value = self.literal(self.resolve(key.named_children[0]))
            return value if isinstance(value, str) else ""
        return str(self.literal(key) or spell(key)) if key is not None else ""

    def _later_members(self, node: Node) -> dict[str, Node]:
        """Return what is assigned to an object's keys before it is sent."""
        name = strip(node)
        if name.type not in NAMES:
            return {}
        mine = self.binding(spell(name), name)
        found: dict[str, Node] = {}
        for part in self._parts:
            if mine is not None and spell(part.owner) == mine.name and part.owner.start_byte < node.start_byte:
                theirs = self.binding(mine.name, part.owner)
                found.update({part.key: part.value} if theirs is not None and theirs.scope == mine.scope else {})
        return found

    def is_same(self, one: Node, other: Node) -> bool:
        """Whether two expressions are the same name."""
        if spell(one) != spell(other):
            return False
        mine, theirs = self.binding(spell(one), one), self.binding(spell(other), other)
        return mine is None or theirs is None or mine.scope == theirs.scope

    def sent(self, node: Node, deep: int = 0) -> Sent:
        """Return what an expression sends: an object with what is in it, a list, a literal, or its spelling."""
        value = self.resolve(node)
        if value.type == "object" and deep < _DEEPEST:
            return {key: self.sent(inner, deep + 1) for key, inner in self.members(node).items()}
        if value.type == "array" and deep < _DEEPEST:
            pieces = [
                child.named_children[0] if child.type == "spread_element" else child for child in children_of(value)
            ]
            return [self.sent(piece, deep + 1) for piece in pieces]
        literal = self.literal(strip(node))
        named = self.literal(value)
        if isinstance(named, str) and is_operation(named):
            return ("literal", named)
        if literal is not None:
            return ("literal", literal)
        spelled = spell(strip(node))
        return ("said", spelled.strip("\"'") if strip(node).type == "string" else spelled)

    def literal(self, node: Node) -> str | int | float | bool | None:
        """Return the value of a text without parts to be filled in, of a number or of a boolean; else None."""
        if node.type in ("string", "template_string"):
            filled = any(child.type == "template_substitution" for child in node.children)
            filled = filled or OPENS.encode() in (node.text or b"")
            return None if filled else "".join(map(characters_of, pieces_of(node)))
        if node.type in ("true", "false"):
            return node.type == "true"
        number = re.fullmatch(r"-?\d+(\.\d+)?", spell(node))
        return None if number is None else float(number[0]) if number[1] else int(number[0])

    def url(self, node: Node, deep: int = 0) -> str:
        """Return a URL as far as it is spelled out; what is filled in stands in braces."""
        node = strip(node)
        if node.type in ("string", "template_string"):
            return "".join(
                self.url(child.named_children[0], deep + 1)
                if child.type == "template_substitution" and child.named_children
                else characters_of(child)
                for child in pieces_of(node)
            )
        name, made = callee(node)[1], arguments(node)
        if name in ("URL", "Request") and made:
            return self.url(made[0], deep)
        if name == "encodeURIComponent" and made:
            return "{" + spell_without_braces(made[0]) + "}"
        left, right = field_of(node, "left"), field_of(node, "right")
        if node.type == "binary_expression" and operator_of(node) == "+" and left is not None and right is not None:
            return self.url(left, deep) + self.url(right, deep)
        meant = self._part(node) or self.resolve(node)
        if meant != node and deep < _DEEPEST and meant.type in ("string", "template_string", "binary_expression"):
            spelled = self.url(meant, deep + 1)
            return spelled if operator_of(meant) in ("", "+") else "{" + spell_without_braces(node) + "}"
        return "{" + spell_without_braces(node) + "}"

    def _part(self, node: Node) -> Node | None:
        """Return the member of an object that is spelled out in the script: `ROUTES.chat`."""
        owner, key = field_of(node, "object"), key_of(node)
        return self.members(owner).get(key) if owner is not None and owner.type == "identifier" and key else None


@lru_cache(maxsize=1)
def _reader() -> tuple[Parser, Query]:
    import tree_sitter  # late: most projects have no script
    import tree_sitter_typescript

    language = tree_sitter.Language(tree_sitter_typescript.language_tsx())
    return tree_sitter.Parser(language), tree_sitter.Query(language, _QUERY)


def _bind(found: dict[tuple[int, str], list[Binding]], name: str, value: Node | None, scope: Node, at: int) -> None:
    found.setdefault((scope.id, name), []).append(Binding(name, value, scope, at))
