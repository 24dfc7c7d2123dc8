"""Whom an app knows by its own code: names and plain passwords in tables, comparisons and calls that add a user."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from statecheck.source.code.resolver import FUNCTIONS
from statecheck.source.code.scopes import last_name, name_scopes, walk
from statecheck.source.project.variable_reads import read_variable
from statecheck.source.roles import as_set, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from statecheck.source.code.tree import SourceTree

_PASSWORDS = as_set("password passwd pwd pass passphrase pin secret passcode")
_NAMES = as_set("username user email login name userid uid account phone mail handle")
_BY_WORD = ("username", "login", "email", "mail", "user", "name", "account", "phone")
"""What people are rather called by comes first."""
_TABLES = as_set(
    "users user accounts account passwords password credentials members logins staff people customers employees guests"
)
_ADDS = as_set("user users account accounts member register signup")
_HASHED = re.compile(r"\$2[abxy]?\$|\$argon2|pbkdf2|scrypt[:$]|\$\d\$|[0-9a-f]{32,}\Z")
_SPEAKS = re.compile(r"pass|pwd|pin|secret|insert", re.IGNORECASE)
_INSERTS = re.compile(r"\binsert\b.{0,40}\binto\b\W+(\w+)", re.IGNORECASE | re.DOTALL)
_SERVES = as_set("host port database dbname dsn driver")
"""What stands beside a name and a password that are a server's, not a user's."""
_MOST = 8
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Account:
    """A name and a password that an app knows."""

    name: str
    password: str = field(repr=False)


def is_password(name: str) -> bool:
    """Whether a field's or a variable's name is that of a password."""
    parts = words(name)
    return bool(parts) and (parts[-1] in _PASSWORDS or parts[0] in ("password", "passwd")) and "client" not in parts


def is_login_name(name: str) -> bool:
    """Whether a field's or a variable's name is that of what people sign in by."""
    parts = words(name)
    return bool(parts) and (parts[-1] in _NAMES or "".join(parts) in _NAMES or parts[0] in ("user", "email"))


def find_accounts(tree: SourceTree, environment: Mapping[str, str]) -> tuple[Account, ...]:
    """Return the accounts that the code itself holds with a password that can be read, in the order of the files.

    They are in dicts (`{"ann": "tea"}`, `{"ann": {"password": "tea"}}`, a hash of a text that stands there), in lists
    of such dicts, in calls (`User(username="ann", password="tea")`, `add_user("ann", "tea")`), in rows for a table of
    users, and in what a name and a password are both compared with.

    Args:
        tree: the user's files.
        environment: the variables that the code finds where it runs.
    """
    return _read_all(tree, environment, _Reader.accounts)


def find_passwords(tree: SourceTree, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the texts with which the code compares a password alone, as a page does that lets in whoever knows it.

    Args:
        tree: the user's files.
        environment: the variables that the code finds where it runs.
    """
    return _read_all(tree, environment, _Reader.passwords)


def _read_all(
    tree: SourceTree, environment: Mapping[str, str], read: Callable[[_Reader], Iterator[_Found]]
) -> tuple[_Found, ...]:
    """Return what is read in the modules that speak of such things, each once, and no more than are ever tried."""
    spoken = (module for module in tree.modules() if _SPEAKS.search(module.text))
    found = (each for module in spoken for each in read(_Reader(module.ast, environment)))
    return tuple(dict.fromkeys(found))[:_MOST]


class _Reader:
    """Reads the accounts of one module."""

    def __init__(self, tree: ast.Module, environment: Mapping[str, str]) -> None:
        self._tree = tree
        self._environment = environment
        self._seen: set[ast.Dict] = set()
        self._fixed: dict[str, str] = {}
        for node in tree.body:
            if isinstance(node, ast.Assign) and (text := self._plain_text(node.value)) is not None:
                self._fixed |= {target.id: text for target in node.targets if isinstance(target, ast.Name)}

    def accounts(self) -> Iterator[Account]:
        """Yield them in the order of the lines, but for tables, which come again in their parts."""
        compared = {name for node in walk(self._tree) for name in _compared_with_password(node)}
        for node in walk(self._tree):
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Dict):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = {last_name(target) for target in targets}
                if names & compared or any(_TABLES.intersection(words(name)) for name in names):
                    yield from self._in_table(node.value)
            if isinstance(node, ast.Dict):
                yield from self._in_entries(node)
            elif isinstance(node, ast.Call):
                yield from self._in_call(node)
            elif isinstance(node, ast.BoolOp):
                yield from self._in_test(node.values, {})
            elif isinstance(node, FUNCTIONS):
                yield from self._in_function(node)

    def passwords(self) -> Iterator[str]:
        """Yield the texts that a password is compared with, whatever is asked beside it."""
        for _, scope in name_scopes(self._tree):
            local, asked = _read_scope(scope)
            yield from (value for is_secret, value in self._compared(asked, local) if is_secret)

    def _in_table(self, table: ast.Dict) -> Iterator[Account]:
        for key, value in zip(table.keys, table.values, strict=True):
            if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                continue
            if isinstance(value, ast.Call) and value.keywords:
                yield from self._in_call(value, key.value)
            elif (password := self._plain_text(value)) is not None and not is_password(key.value):
                yield Account(key.value, password)

    def _in_entries(self, table: ast.Dict) -> Iterator[Account]:
        """Yield the account that a dict is, where it is no part of a table, and those of its parts by their keys."""
        if table not in self._seen:
            yield from self._in_entry(table, "")
        for key, value in zip(table.keys, table.values, strict=True):
            if isinstance(value, ast.Dict) and isinstance(key, ast.Constant) and isinstance(key.value, str):
                self._seen.add(value)
                yield from self._in_entry(value, key.value)

    def _in_entry(self, entry: ast.Dict, key: str) -> Iterator[Account]:
        """Yield the account of a dict that has a password in it: by the name in it, else by its key in a table."""
        named = {
            k.value: v
            for k, v in zip(entry.keys, entry.values, strict=True)
            if isinstance(k, ast.Constant) and isinstance(k.value, str)
        }
        yield from self._named(named, key)

    def _named(self, named: Mapping[str, ast.expr], key: str) -> Iterator[Account]:
        password = next((self._plain_text(v) for name, v in named.items() if _holds_password(name)), None)
        names = [key] if key else []
        for word in _BY_WORD:
            spelled = (v for name, v in named.items() if word in words(name) and is_login_name(name))
            names += [v.value for v in spelled if isinstance(v, ast.Constant) and isinstance(v.value, str)]
        served = any(_SERVES.intersection(words(name)) for name in named)
        if password is not None and names and not served:
            yield Account(names[0], password)

    def _in_call(self, call: ast.Call, key: str = "") -> Iterator[Account]:
        """Yield the account that a call makes: by its keywords, by two texts, or as a row of a table of users."""
        yield from self._named({k.arg: k.value for k in call.keywords if k.arg}, key)
        texts = [self._plain_text(argument) for argument in call.args]
        if _ADDS.intersection(words(last_name(call.func))) and len(texts) > 1 and None not in texts[:2]:
            yield Account(str(texts[0]), str(texts[1]))
        insert = _INSERTS.search(texts[0]) if texts and texts[0] else None
        if insert is not None and _TABLES.intersection(words(insert[1])) and len(call.args) > 1:
            rows = call.args[1].elts if isinstance(call.args[1], (ast.List, ast.Tuple)) else []
            for row in rows if rows and all(isinstance(row, ast.Tuple) for row in rows) else [call.args[1]]:
                said = [self._plain_text(each) for each in getattr(row, "elts", ())]
                known = [each for each in said if each is not None]
                if len(known) > 1:
                    yield Account(known[0], known[1])

    def _in_function(self, function: ast.AST) -> Iterator[Account]:
        """Yield the account that a function asks for by comparisons anywhere in it, also of what it names before."""
        local, asked = _read_scope(function)
        yield from self._in_test(asked, local)

    def _in_test(self, asked: list[ast.expr], local: Mapping[str, ast.expr]) -> Iterator[Account]:
        """Yield the account that is asked for by comparisons of a name and of a password side by side.

        Args:
            asked: what may be a comparison.
            local: what stands for names of the function.
        """
        name = password = None
        for is_secret, value in self._compared(asked, local):
            password = value if is_secret else password
            name = name if is_secret else value
        if name is not None and password is not None:
            yield Account(name, password)

    def _compared(self, asked: list[ast.expr], local: Mapping[str, ast.expr]) -> Iterator[tuple[bool, str]]:
        """Yield the texts that a password, or a name, is compared with, and whether it is a password."""
        for each in asked:
            sides: list[ast.expr] = []
            if (
                isinstance(each, ast.Compare)
                and len(each.comparators) == 1
                and isinstance(each.ops[0], (ast.Eq, ast.NotEq))
            ):
                sides = [each.left, each.comparators[0]]
            elif isinstance(each, ast.Call) and last_name(each.func) == "compare_digest":
                sides = each.args[:2]
            sides = [local.get(side.id, side) if isinstance(side, ast.Name) else side for side in sides]
            for side, other in zip(sides, sides[::-1], strict=True):
                value = self._fixed_text(other)
                if value is None or self._fixed_text(side) is not None:
                    continue
                said = [*filter(None, map(last_name, ast.walk(side))), *_texts(side)]
                if any(map(is_password, said)) or any(map(is_login_name, said)):
                    yield any(map(is_password, said)), value

    def _fixed_text(self, node: ast.expr) -> str | None:
        if isinstance(node, ast.Name):
            return self._fixed.get(node.id)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "encode":
            return self._fixed_text(node.func.value)
        return self._plain_text(node) if isinstance(node, ast.Constant) or read_variable(node) is not None else None

    def _plain_text(self, node: ast.expr) -> str | None:
        """Return a text that stands in the code, also one that is hashed there; None for a hash, or anything else."""
        if isinstance(node, ast.Constant):
            value = node.value.decode("utf-8", "replace") if isinstance(node.value, bytes) else node.value
            return value if isinstance(value, str) and not _HASHED.match(value) else None
        read = read_variable(node)
        if read is not None:
            return self._environment.get(read[0]) or (self._plain_text(read[1]) if read[1] is not None else None)
        if isinstance(node, ast.Name):
            return self._fixed.get(node.id)
        if isinstance(node, ast.Call):
            inside = [*(self._plain_text(argument) for argument in node.args), *self._receiver(node)]
            return next((text for text in inside if text is not None), None)
        return None

    def _receiver(self, node: ast.Call) -> Iterator[str | None]:
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, (ast.Call, ast.Constant)):
            yield self._plain_text(node.func.value)


def _read_scope(scope: ast.AST) -> tuple[dict[str, ast.expr], list[ast.expr]]:
    """Return what stands for the names of a function, or a module, and what in it may be a comparison."""
    local: dict[str, ast.expr] = {}
    asked: list[ast.expr] = []
    for node in walk(scope):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            local[node.targets[0].id] = node.value
        elif isinstance(node, (ast.Compare, ast.Call)):
            asked.append(node)
    return local, asked


def _compared_with_password(node: ast.AST) -> Iterator[str]:
    """Yield the names of the tables from which comes what a password is compared with."""
    sides: list[ast.expr] = []
    if isinstance(node, ast.Compare) and len(node.comparators) == 1:
        sides = [node.left, node.comparators[0]]
    elif isinstance(node, ast.Call) and last_name(node.func) in ("compare_digest", "verify", "checkpw"):
        sides = node.args[:2]
    for side, other in zip(sides, sides[::-1], strict=True):
        said = {last_name(each) for each in ast.walk(other)} | set(_texts(other))
        if any(map(is_password, filter(None, said))):
            yield from (last_name(each) for each in ast.walk(side) if isinstance(each, (ast.Name, ast.Attribute)))


def _texts(node: ast.AST) -> Iterator[str]:
    return (n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str))


def _holds_password(name: str) -> bool:
    """Whether an entry is a password, or a hash of one."""
    return is_password(name) or is_password(re.sub(r"_?hash(ed)?_?", "", name.lower()))
