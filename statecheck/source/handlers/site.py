"""What an expression is whatever is sent: a literal, a constant, a variable of the environment, the keys of a table."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from statecheck.source.handlers.models import constant, enum_values
from statecheck.source.project.variable_reads import read_variable

if TYPE_CHECKING:
    from pathlib import Path

    from statecheck.source.code.resolver import Definition
    from statecheck.source.fields import Json
    from statecheck.source.handlers.project_code import ProjectCode

_SETS = ("MappingProxyType", "dict", "frozenset", "set", "tuple", "list")
_UNCHANGED = ("encode", "strip")
_WRITES = ("setdefault", "update", "add")


@dataclass(frozen=True, slots=True)
class Site:
    """The file in which an expression stands, by which its names are resolved."""

    code: ProjectCode
    file: Path

    def resolve(self, node: ast.expr) -> Definition | None:
        """Return what a name or an attribute means: a function, a class or a value."""
        return self.code.resolve(self.file, node)

    def fixed(self, node: ast.expr) -> Json:
        """Return what an expression is whatever is sent, or None where that depends on the request, or is unknown."""
        if isinstance(node, ast.JoinedStr):
            parts = [self.fixed(p.value if isinstance(p, ast.FormattedValue) else p) for p in node.values]
            return None if None in parts else "".join(map(str, parts))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _UNCHANGED:
            return self.fixed(node.func.value)
        if isinstance(node, ast.BoolOp):
            return next((fixed for value in node.values if (fixed := self.fixed(value)) not in (None, "")), None)
        if isinstance(node, (ast.Name, ast.Attribute)) and (assigned := self._assigned(node)) is not None:
            return assigned
        read = read_variable(node)
        if read is not None:
            default = constant(read[1]) if read[1] is not None else None
            return self.code.environment.get(read[0], default)
        if isinstance(node, ast.Attribute) and node.attr == "value":
            return self._member(node.value)
        if isinstance(node, ast.Subscript):
            return self._first_of(node.value)
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "get"
            and node.args
        ):
            return self._first_of(node.func.value)
        return constant(node)

    def _assigned(self, node: ast.Name | ast.Attribute) -> Json:
        """Return what a name was assigned in its module, or what the environment has for a settings' attribute."""
        found = self.resolve(node)
        if found is not None and isinstance(found.node, ast.expr) and found.node is not node:
            return self.fixed(found.node)
        return self.code.environment.get(node.attr.upper()) if isinstance(node, ast.Attribute) else None

    def keys(self, container: ast.expr) -> list[Json]:
        """Return the keys of a module's table of constants, or the members of its set of constants."""
        found = self.resolve(container)
        if found is not None and isinstance(container, ast.Name) and self._is_written(found, container.id):
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
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("split", "values")
        ):
            listed = self.fixed(node.func.value)
            separator = constant(node.args[0]) if node.args else None
            return [*listed.split(separator if isinstance(separator, str) else None)] if isinstance(listed, str) else []
        if isinstance(node, (ast.ListComp, ast.SetComp)) and isinstance(node.elt, ast.Attribute):
            return self.keys(node.generators[0].iter)  # [m.value for m in Mode]
        return []

    def _first_of(self, container: ast.expr) -> Json:
        """Return what a table of constants has under its first key, which is what is sent where it is asked."""
        found = self.resolve(container)
        values = found.node.values if found is not None and isinstance(found.node, ast.Dict) else []
        return constant(values[0]) if values else None

    def _member(self, node: ast.expr) -> Json:
        """Return the value of an enumeration's member: `Mode.CHAT.value`."""
        if not isinstance(node, ast.Attribute):
            return None
        found = self.resolve(node.value)
        for inner in getattr(found.node if found is not None else None, "body", ()):
            if isinstance(inner, ast.Assign) and ast.unparse(inner.targets[0]) == node.attr:
                return constant(inner.value)
        return None

    def _is_written(self, found: Definition, name: str) -> bool:
        """Whether a module's table gets new keys while the app runs."""
        tree = self.code.tree(found.file)
        return tree is not None and any(
            (isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store) and ast.unparse(n.value) == name)
            or (isinstance(n, ast.Attribute) and n.attr in _WRITES and ast.unparse(n.value) == name)
            for n in ast.walk(tree)
        )
