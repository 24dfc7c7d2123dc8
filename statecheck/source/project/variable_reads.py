"""An expression that reads one environment variable, by whatever helper."""

from __future__ import annotations

import ast
import re

from statecheck.source.code.scopes import dotted, last_name

CONSTANT = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*\Z")
"""How variables are named, and constants that hold them."""
_ANY_NAME = re.compile(r"[A-Za-z_]\w*\Z")
_READERS = ("getenv", "environ.get", "environ.pop")
# what Django's helpers read where no name is given
_IMPLIED = {"env.db": "DATABASE_URL", "env.cache": "CACHE_URL", "dj_database_url.config": "DATABASE_URL"}


def read_variable(node: ast.AST) -> tuple[str, ast.expr | None] | None:
    """(name, default) of an expression that reads a variable by its name, by whatever helper."""
    if isinstance(node, ast.Subscript) and last_name(node.value) == "environ":
        return (node.slice.value, None) if is_constant_name(node.slice, _ANY_NAME) else None  # type: ignore[attr-defined]
    if not isinstance(node, ast.Call):
        return None
    callee = dotted(node.func)
    words = {word.arg: word.value for word in node.keywords}
    default = words.get("default") or words.get("fallback")
    if (
        node.args
        and is_constant_name(node.args[0], _ANY_NAME if callee.endswith(_READERS) else CONSTANT)
        and not _is_class(node.func)
    ):
        return node.args[0].value, default or (node.args[1] if len(node.args) > 1 else None)  # type: ignore[attr-defined]
    if not node.args and callee in _IMPLIED:
        return _IMPLIED[callee], default
    return None


def is_constant_name(node: ast.AST, form: re.Pattern[str] = CONSTANT) -> bool:
    """Whether an expression is a text that names a variable."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(form.match(node.value))


def _is_class(callee: ast.expr) -> bool:
    """Whether a callee is a class, whose first argument is no variable's name."""
    return last_name(callee)[:1].isupper() and last_name(callee) not in ("Env", "Config")
