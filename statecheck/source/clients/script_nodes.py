"""The nodes of a script's syntax tree: what they are called, what they have, how they are spelled."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

OPENS, CLOSES = "\ue000", "\ue001"
"""Around what a server fills in before a script is a script; both may stand in a name."""
NAMES = frozenset(("identifier", "shorthand_property_identifier", "shorthand_property_identifier_pattern"))
"""Nodes that are a name, as it is used or bound."""
_WRAPPERS = frozenset(("parenthesized_expression", "as_expression", "satisfies_expression", "non_null_expression"))
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}


def spell(node: Node) -> str:
    """Return the text of an expression."""
    return (node.text or b"").decode("utf-8", "replace").replace(OPENS, "").replace(CLOSES, "")


def strip(node: Node) -> Node:
    """Return an expression without brackets around it and without what only its type says."""
    while node.type in _WRAPPERS and node.named_children:
        node = node.named_children[0]
    return node


def callee(node: Node) -> tuple[str, str]:
    """Return what is called, as `("axios", "post")` of `this.axios.post(…)`; the first is "" of a plain name."""
    found = field_of(node, "function") or field_of(node, "constructor")
    while found is not None and found.type in ("await_expression", *_WRAPPERS) and found.named_children:
        found = found.named_children[0]
    if found is None:
        return "", ""
    owner, name = field_of(found, "object"), field_of(found, "property")
    if owner is None or name is None:
        return "", spell(found) if found.type == "identifier" else ""
    inner = field_of(owner, "property")
    return spell(inner if inner is not None else owner), spell(name)


def arguments(node: Node) -> list[Node]:
    """Return the arguments of a call."""
    given = field_of(node, "arguments")
    return children_of(given) if given is not None and given.type == "arguments" else []


def children_of(node: Node) -> list[Node]:
    """Return the expressions in a list, an object or a call, without comments."""
    return [child for child in node.named_children if child.type != "comment"]


def field_of(node: Node | None, name: str) -> Node | None:
    """Return the part of a node that has this name in the grammar, if it has one."""
    return node.child_by_field_name(name) if node is not None else None


def nodes_above(node: Node) -> Iterator[Node]:
    """Yield the nodes around one, the innermost first."""
    above = node.parent
    while above is not None:
        yield above
        above = above.parent


def operator_of(node: Node) -> str:
    """Return the operator of an expression, "" if it has none."""
    operator = field_of(node, "operator")
    return spell(operator) if operator is not None else ""


def key_of(node: Node | None) -> str | None:
    """Return the name of the part that `a.name` or `a["name"]` means."""
    name, index = field_of(node, "property"), field_of(node, "index")
    if name is not None:
        return spell(name)
    return spell(index)[1:-1] if index is not None and index.type == "string" else None


def bound_names(pattern: Node | None) -> Iterator[Node]:
    """Yield the names that a pattern or a list of parameters binds."""
    if pattern is None or pattern.type == "type_annotation":
        return
    if pattern.type in NAMES:
        yield pattern
        return
    default = field_of(pattern, "value") if pattern.type != "pair_pattern" else None
    default = default or (field_of(pattern, "right") if pattern.type.endswith("assignment_pattern") else None)
    for child in pattern.named_children:
        if child != default:
            yield from bound_names(child)


def alternatives_of(node: Node) -> Iterator[Node]:
    """Yield what an expression may be: the sides of `a && {…}` and of `a ? {…} : {}`."""
    node = strip(node)
    sides = [field_of(node, name) for name in ("right", "consequence", "alternative")]
    if node.type in ("binary_expression", "ternary_expression"):
        for side in sides:
            yield from alternatives_of(side) if side is not None else ()
    else:
        yield node


def pieces_of(node: Node) -> list[Node]:
    """Return what stands between the quotes of a text."""
    return node.children[1:-1]


def characters_of(piece: Node) -> str:
    """Return the characters that a piece of a text stands for; what a server fills in is in braces."""
    text = (piece.text or b"").decode("utf-8", "replace").replace(OPENS, "{").replace(CLOSES, "}")
    if piece.type != "escape_sequence":
        return text
    code = re.fullmatch(r"\\(?:x|u\{?)([0-9A-Fa-f]+)\}?", text)
    if code is not None:
        return chr(int(code[1], 16)) if int(code[1], 16) < 0x110000 else ""
    return _ESCAPES.get(text[1:2], text[1:2])


def spell_without_braces(node: Node) -> str:
    """Return the text of an expression as it may stand in braces."""
    return re.sub(r"[{}]", "", spell(strip(node)))
