"""What an expression is whatever is sent: a literal, a constant, a variable of the environment, the keys of a table."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from statecheck.source.handlers.models import constant, enum_values
from statecheck.source.project.settings import read_variable

if TYPE_CHECKING:
    from statecheck.source.code.lookup import Found
    from statecheck.source.fields import Json
    from statecheck.source.handlers.flow import Block

_SETS = ("MappingProxyType", "dict", "frozenset", "set", "tuple", "list")


def fixed_of(block: Block, node: ast.expr) -> Json:
    """Return what an expression is whatever is sent: a literal, a module's constant, a variable of the environment."""
    if isinstance(node, ast.JoinedStr):
        parts = [fixed_of(block, p.value if isinstance(p, ast.FormattedValue) else p) for p in node.values]
        return None if None in parts else "".join(map(str, parts))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("encode", "strip"):
        return fixed_of(block, node.func.value)
    if isinstance(node, ast.BoolOp):
        return next((fixed for value in node.values if (fixed := fixed_of(block, value)) not in (None, "")), None)
    modules = block.flow.modules
    if isinstance(node, (ast.Name, ast.Attribute)):
        found = modules.resolve(block.file, node)
        if found is not None and isinstance(found.node, ast.expr) and found.node is not node:
            return fixed_of(block, found.node)
        if isinstance(node, ast.Attribute) and node.attr.upper() in modules.environment:
            return modules.environment[node.attr.upper()]
    read = read_variable(node)
    if read is not None:
        default = constant(read[1]) if read[1] is not None else None
        return modules.environment.get(read[0], default)
    if isinstance(node, ast.Attribute) and node.attr == "value":
        return _member(block, node.value)
    looked_up = isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "get" and node.args
    if looked_up or isinstance(node, ast.Subscript):
        return _first_of(block, node.func.value if isinstance(node, ast.Call) else node.value)  # type: ignore[attr-defined]
    return constant(node)


def _first_of(block: Block, container: ast.expr) -> Json:
    """Return what a table of constants has under its first key, which is what is sent where it is asked."""
    found = block.flow.modules.resolve(block.file, container)
    values = found.node.values if found is not None and isinstance(found.node, ast.Dict) else []
    return constant(values[0]) if values else None


def _member(block: Block, node: ast.expr) -> Json:
    """Return the value of an enumeration's member: `Mode.CHAT.value`."""
    found = block.flow.modules.resolve(block.file, node.value) if isinstance(node, ast.Attribute) else None
    for inner in getattr(found.node if found is not None else None, "body", ()):
        if isinstance(inner, ast.Assign) and ast.unparse(inner.targets[0]) == node.attr:  # type: ignore[attr-defined]
            return constant(inner.value)
    return None


def keys_of(block: Block, container: ast.expr) -> list[Json]:
    """Return the keys of a module's table of constants, or the members of its set of constants."""
    found = block.flow.modules.resolve(block.file, container)
    if found is not None and isinstance(container, ast.Name) and _written(block, found, container.id):
        return []
    if found is not None and (values := enum_values(found)):
        return values
    node = found.node if found is not None else container
    while isinstance(node, ast.Call) and node.args and ast.unparse(node.func).split(".")[-1] in _SETS:
        node = node.args[0]
    if isinstance(node, ast.Dict):
        return [constant(key) for key in node.keys if isinstance(key, ast.Constant)]
    if isinstance(node, (ast.Set, ast.Tuple, ast.List)):
        return [constant(item) for item in node.elts if isinstance(item, ast.Constant)]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("split", "values"):
        listed = fixed_of(block, node.func.value)
        separator = constant(node.args[0]) if node.args else None
        return [*listed.split(separator if isinstance(separator, str) else None)] if isinstance(listed, str) else []
    if isinstance(node, (ast.ListComp, ast.SetComp)) and isinstance(node.elt, ast.Attribute):  # [m.value for m in Mode]
        return keys_of(block, node.generators[0].iter)
    return []


def _written(block: Block, found: Found, name: str) -> bool:
    """Whether a module's table gets new keys while the app runs."""
    tree = block.flow.modules.tree(found.file)
    return tree is not None and any(
        (isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store) and ast.unparse(n.value) == name)
        or (isinstance(n, ast.Attribute) and n.attr in ("setdefault", "update", "add") and ast.unparse(n.value) == name)
        for n in ast.walk(tree)
    )
