"""The claims that an app reads of the tokens it checks (JWT), and what it compares each with."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from statecheck.source.code.scopes import last_name, name_scopes, walk
from statecheck.source.roles import as_set, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from statecheck.source.code.tree import SourceTree

Claim = str | list[str] | dict[str, str] | None
"""What a claim is compared with; `{"form": …}` where it is only read in that form, by the name of what reads it."""

_LIBRARIES = ("jwt", "jose", "joserfc")
_DECODES = as_set("decode decode_complete get_unverified_claims verify_jwt decode_token get_jwt")
_HOLDERS = as_set("claim claims payload decoded jwt token identity")
_FORMS = ("int", "UUID")
"""What reads a claim in a form of its own."""
_SEPARATED = as_set("scope")
"""Claims that hold several words in one text."""


def find_claims(tree: SourceTree) -> dict[str, Claim]:
    """Return the claims that the code reads, each with the value that it asks for; None where it takes any.

    A claim is read off what decodes a token, or off what is called `claims`, `payload` and the like, where a library
    for such tokens is imported anywhere: `claims["tenant"]`, `claims.get("role") != "admin"`, `int(claims["sub"])`.
    """
    modules = tree.modules()
    if not any(_imports(node) for module in modules for node in module.ast.body):
        return {}
    found: dict[str, Claim] = {}
    for module in modules:
        fixed = _fixed_texts(module.ast)
        for _, scope in name_scopes(module.ast):
            for name, value in _read_scope(scope, fixed):
                if value is not None or name not in found:
                    found[name] = value
    return found


def _imports(node: ast.AST) -> bool:
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
    return any(part in _LIBRARIES or "jwt" in part for name in names for part in name.split("."))


def _fixed_texts(tree: ast.Module) -> dict[str, str]:
    """The module's names for texts that stand in it."""
    return {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _read_scope(scope: ast.AST, fixed: Mapping[str, str]) -> Iterator[tuple[str, Claim]]:
    """Yield the claims that one function reads."""
    held: dict[str, str] = {}  # a name of the function's -> the claim that it holds
    nodes = list(walk(scope))
    decoded = {name for node in nodes for name in _decoded_names(node)}
    for node in nodes:
        claim = _claim_of(node, decoded)
        if claim:
            yield claim, None
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            claim = _claim_of(node.value, decoded)
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            held |= {target.id: claim for target in targets if claim and isinstance(target, ast.Name)}
    for node in nodes:
        if isinstance(node, ast.Call) and len(node.args) == 1 and last_name(node.func) in _FORMS:
            claim = _held_claim(node.args[0], decoded, held)
            if claim:
                yield claim, {"form": last_name(node.func)}
    for node in nodes:
        if isinstance(node, ast.Compare) and len(node.comparators) == 1:
            yield from _read_comparison(node, decoded, held, fixed)


def _decoded_names(node: ast.AST) -> Iterator[str]:
    """Yield the names that are given what a token holds."""
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and last_name(node.value.func) in _DECODES:
        yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _claim_of(node: ast.AST, decoded: set[str]) -> str:
    """The claim that an expression reads, also split into words, or ""."""
    key: ast.expr | None = None
    holder: ast.expr | None = None
    if isinstance(node, ast.Subscript):
        key, holder = node.slice, node.value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in ("split", "lower", "strip"):
            return _claim_of(node.func.value, decoded)
        if node.func.attr == "get" and node.args:
            key, holder = node.args[0], node.func.value
    if holder is None or not isinstance(key, ast.Constant) or not isinstance(key.value, str):
        return ""
    called = last_name(holder.func) if isinstance(holder, ast.Call) else last_name(holder)
    known = called in decoded or (isinstance(holder, ast.Call) and called in _DECODES)
    return key.value if known or (not isinstance(holder, ast.Call) and _HOLDERS.intersection(words(called))) else ""


def _held_claim(node: ast.expr, decoded: set[str], held: Mapping[str, str]) -> str:
    """The claim that an expression reads, also by a name of the function's and as text, or ""."""
    if isinstance(node, ast.Call) and last_name(node.func) == "str" and node.args:
        return _held_claim(node.args[0], decoded, held)
    return _claim_of(node, decoded) or (held.get(node.id, "") if isinstance(node, ast.Name) else "")


def _read_comparison(
    node: ast.Compare, decoded: set[str], held: Mapping[str, str], fixed: Mapping[str, str]
) -> Iterator[tuple[str, Claim]]:
    left, right = node.left, node.comparators[0]
    for one, other, contains in ((left, right, False), (right, left, True)):
        claim = _held_claim(one, decoded, held)
        texts = _texts(other, fixed)
        if claim and texts:
            within = contains and isinstance(node.ops[0], (ast.In, ast.NotIn))
            yield claim, [texts[0]] if within and claim not in _SEPARATED else texts[0]


def _texts(node: ast.expr, fixed: Mapping[str, str]) -> list[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.Name) and node.id in fixed:
        return [fixed[node.id]]
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return [text for item in node.elts for text in _texts(item, fixed)]
    return []
