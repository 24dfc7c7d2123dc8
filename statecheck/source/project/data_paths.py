"""Absolute paths for data that the code names: `/data/chat.db`, as a host's own disk is mounted in a container."""

from __future__ import annotations

import ast
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from statecheck.source.code.scopes import last_name, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from statecheck.source.code.modules import Module

_KINDS = r"db3?|duckdb|sqlite3?|jsonl?|pickle|pkl|csv|txt|ya?ml"
_FILE = re.compile(rf"(?:sqlite(?:\+\w+)?:///)?(/[\w.-]+(?:/[\w.-]+)*)/[\w.-]+\.(?:{_KINDS})\Z", re.ASCII)
_FOLDER = re.compile(r"(/[\w-]+(?:/[\w-]+)*)/?\Z", re.ASCII)
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*(?:DATA|DIR|DIRECTORY|FOLDER|PATH|ROOT|STORAGE|STORE)\Z")
_OPENERS = frozenset(("Path", "PurePath", "join"))
_OPTIONS = frozenset(("data_dir", "persist_dir", "persist_directory", "storage_dir", "working_dir"))
_QUESTIONS = frozenset(("access", "exists", "is_dir", "isdir", "is_file", "isfile", "is_mount", "ismount"))
_ROUTES = frozenset(
    ("add_api_route", "delete", "fetch", "get", "mount", "patch", "post", "put", "request", "route", "url")
)


def find_data_folders(modules: Iterable[Module]) -> tuple[str, ...]:
    """Return the folders that the code takes to be there, outermost first; not those about which it asks."""
    named: set[str] = set()
    asked: set[str] = set()
    for module in modules:
        routes: set[ast.AST] = set()
        for node in walk(module.ast):
            if isinstance(node, ast.Call):
                named.update(_list_folders(node))
                if last_name(node.func) in _QUESTIONS:
                    asked.update(_list_texts(node))
                elif last_name(node.func) in _ROUTES:
                    routes.update(node.args[:1])
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in routes:
                named.update(file[1] for file in (_FILE.match(node.value),) if file)
    return tuple(sorted(path for path in named if not any(_is_about(path, question) for question in asked)))


def _is_about(path: str, question: str) -> bool:
    return question.startswith("/") and PurePosixPath(path).is_relative_to(question.rstrip("/") or "/")


def _list_folders(call: ast.Call) -> Iterator[str]:
    """Yield the folders that a call is given: `Path("/data")`, `getenv("DATA_DIR", "/data")`, `persist_dir="/data"`."""
    texts = [argument.value if isinstance(argument, ast.Constant) else None for argument in call.args]
    options = [option.value for option in call.keywords if option.arg in _OPTIONS]
    given = [option.value for option in options if isinstance(option, ast.Constant)]
    if last_name(call.func) in _OPENERS:
        given += texts[:1]
    elif len(texts) == 2 and isinstance(texts[0], str) and _VARIABLE.match(texts[0]):
        given += texts[1:]
    for text in given:
        if isinstance(text, str) and (folder := _FOLDER.match(text)):
            yield folder[1]


def _list_texts(call: ast.Call) -> Iterator[str]:
    for node in ast.walk(call):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
