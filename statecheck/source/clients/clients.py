"""Client code in the target's tree: what it really sends, which is not always what the server would take.

Python calls (httpx, requests, aiohttp, a TestClient) are read here, pages and scripts in `pages`.
"""

from __future__ import annotations

import ast
import os
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from statecheck.source.clients.calls import Call, Sent, fields_of, is_operation, same_path, split_url
from statecheck.source.clients.pages import read_page, read_text
from statecheck.source.clients.script_calls import read_script
from statecheck.source.clients.shell import origin_in_shell, read_shell, takes_message
from statecheck.source.clients.value_origins import PythonOrigins, with_origins
from statecheck.source.handlers.sinks import callee
from statecheck.source.roles import as_set

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from statecheck.source.code.tree import SourceTree
    from statecheck.source.fields import Encoding

__all__ = ["Call", "find_clients", "same_path"]

_PRUNED = as_set("node_modules site-packages __pycache__ dist build venv env target vendor")
_PAGES = as_set(".html .htm .vue .svelte .jinja .jinja2 .j2")
_SCRIPT_FILES = as_set(".js .mjs .cjs .ts .tsx .jsx")
_SCRIPTS, _DOCUMENTS = as_set(".sh .bash"), as_set(".md .rst")
_DEEPEST = 6
_LARGEST = 1_000_000
_MOST_FILES = 5000
_ALWAYS: dict[str, str] = {"params": "query", "headers": "header", "cookies": "cookie"}
_CLIENTS = as_set("Client AsyncClient Session ClientSession TestClient AsyncTestClient")
_RUNS = as_set("run_workflow run_workflow_nowait")
_RUN_PARAMETERS = ("workflow_name", "handler_id", "start_event")
_METHODS = as_set("post put patch get request stream open ws_connect")
_TALKS = re.compile(
    rb"httpx|requests|aiohttp|[cC]lient|urllib|urlopen|[fF]etch\b|<form|axios|XMLHttpRequest|hx-post|\$\.|EventSource"
    rb"|sendBeacon|\.post\b|curl |http "
)


def find_clients(tree: SourceTree) -> tuple[Call, ...]:
    """Every request that client code below the tree's project sends, that of tests and examples last."""
    calls: list[Call] = []
    for file in _files(tree.project):
        data = tree.sources.peek(file)
        if len(data) > _LARGEST or not _TALKS.search(data):
            continue
        shown = file.relative_to(tree.project).as_posix()
        text = data.decode("utf-8", "replace")
        found: Iterable[Call] = ()
        if file.suffix != ".py":
            found = _READERS.get(file.suffix, read_page)(text)
        elif (module := tree.get(file)) is not None:
            found = _read_python(module.ast)
        shows = file.suffix in (*_DOCUMENTS, *_SCRIPTS)
        example = _is_test(shown) or (shows and not (file.suffix in _SCRIPTS and takes_message(text)))
        calls += [
            replace(call, path=_without_nowait(call.path), file=shown, test=example or call.test) for call in found
        ]
    return tuple(sorted(calls, key=lambda call: (call.test, -len(call.fields))))


def _files(project: Path) -> Iterator[Path]:
    left = _MOST_FILES
    for folder, folders, names in os.walk(project):
        folders[:] = sorted(name for name in folders if name not in _PRUNED and not name.startswith("."))
        for name in sorted(names):
            if Path(name).suffix in (".py", *_PAGES, *_SCRIPT_FILES, *_SCRIPTS, *_DOCUMENTS):
                yield Path(folder, name)
                left -= 1
                if not left:
                    return


def _without_nowait(path: str) -> str:
    """Return a path; of a workflow that is started without waiting, the one that takes the same and waits."""
    return path.removesuffix("-nowait") if re.search(r"/workflows/[^/]+/run-nowait$", path) else path


def _is_test(shown: str) -> bool:
    *folders, name = shown.lower().split("/")
    stem = name.rsplit(".", 1)[0]
    return any(folder in ("tests", "test", "__tests__") for folder in folders) or bool(
        re.match(r"test_|conftest$", stem) or re.search(r"_test$|\.(test|spec)$", stem)
    )


def _read_python(tree: ast.Module) -> Iterator[Call]:
    names, origins = _Names(tree), PythonOrigins(tree)
    served = {mark for node in ast.walk(tree) for mark in getattr(node, "decorator_list", ())}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node not in served:
            call = _workflow_call(node, names) or _python_call(node, names)
            if call is not None:
                yield with_origins(call, partial(origins.of, node))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _may_send(node.value):
            yield from (replace(call, line=node.lineno + call.line - 1) for call in read_text(node.value))
            shown = read_shell(node.value) if "\n" in node.value else ()  # an example in a docstring
            yield from (replace(call, line=node.lineno + call.line - 1, test=True) for call in shown)


def _read_script(text: str) -> Iterator[Call]:
    for call in read_shell(text):
        yield with_origins(call, lambda said, _: origin_in_shell(text, said))


_READERS: dict[str, Callable[[str], Iterator[Call]]] = {
    **dict.fromkeys(_SCRIPT_FILES, read_script),
    **dict.fromkeys(_SCRIPTS, _read_script),
    **dict.fromkeys(_DOCUMENTS, read_shell),
}


def _may_send(text: str) -> bool:
    return len(text) > 20 and _TALKS.search(text.encode("utf-8", "replace")) is not None


class _Names:
    """What the names of a module are assigned, by line."""

    def __init__(self, tree: ast.Module) -> None:
        self._bound: dict[str, list[tuple[int, ast.expr]]] = {}
        self._items: dict[str, list[tuple[int, ast.expr, ast.expr]]] = {}
        self._always: dict[str, list[tuple[str, ast.expr]]] = {}
        for node in ast.walk(tree):
            self._sent_always(node)
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, (ast.Name, ast.Attribute)):
                        self._bound.setdefault(ast.unparse(target), []).append((node.lineno, node.value))
                    elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
                        self._items.setdefault(target.value.id, []).append((node.lineno, target.slice, node.value))
            elif isinstance(node, ast.withitem) and node.optional_vars is not None:
                spelled, line = ast.unparse(node.optional_vars), node.optional_vars.lineno
                self._bound.setdefault(spelled, []).append((line, node.context_expr))
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
                self._bound.setdefault(node.target.id, []).append((node.lineno, node.value))

    def value(self, node: ast.expr) -> ast.expr:
        """Return an expression with a name replaced by what was last assigned to it above."""
        if isinstance(node, ast.Name):
            above = [pair for pair in self._bound.get(node.id, ()) if pair[0] <= node.lineno]
            if above:
                return max(above, key=lambda pair: pair[0])[1]
        return node

    def _sent_always(self, node: ast.AST) -> None:
        """Note what is set on a client for all its requests: `session.headers["X-User"] = …`, `.headers.update(…)`."""
        kind: ast.expr | None = None
        given: ast.expr | None = None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            kind, given = node.func.value, node.args[0]
            if node.func.attr == "set" and len(node.args) > 1:
                given = ast.copy_location(ast.Dict([node.args[0]], [node.args[1]]), node)
            elif node.func.attr != "update":
                return
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            kind = node.targets[0].value
            given = ast.copy_location(ast.Dict([node.targets[0].slice], [node.value]), node)
        if isinstance(kind, ast.Attribute) and kind.attr in _ALWAYS and given is not None:
            self._always.setdefault(ast.unparse(kind.value), []).append((kind.attr, given))

    def always(self, client: ast.expr) -> list[tuple[str, ast.expr]]:
        """Tell what a client sends with each request: what it was made with, and what was set on it."""
        spelled = ast.unparse(client)
        made = [value for _, value in self._bound.get(spelled, ()) if isinstance(value, ast.Call)]
        keywords = [(k.arg, k.value) for call in made[-1:] if callee(call) in _CLIENTS for k in call.keywords]
        return [(name, value) for name, value in [*keywords, *self._always.get(spelled, ())] if name in _ALWAYS]

    def items(self, name: str, line: int) -> list[tuple[ast.expr, ast.expr]]:
        """Tell what was assigned to a dict's keys above a line."""
        return [(key, value) for at, key, value in self._items.get(name, ()) if at <= line]


def _python_call(node: ast.Call, names: _Names) -> Call | None:
    """Return the request that a call sends, if it is one."""
    name = callee(node)
    keywords = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
    arguments = list(node.args)
    if name == "Request" and arguments and ("data" in keywords or "method" in keywords or len(arguments) > 1):
        method = _literal(keywords.get("method")) or "POST"
        keywords.setdefault("data", arguments[1]) if len(arguments) > 1 else None
    elif name in _METHODS and isinstance(node.func, ast.Attribute):
        method = name
        if name in ("request", "stream"):
            method = _literal(arguments[0] if arguments else keywords.get("method")) or ""
            arguments = arguments[1:]
    else:
        return None
    where = arguments[0] if arguments else keywords.get("url")
    url = _url(where, names) if where is not None else ""
    if "/" not in url or method.upper() not in ("POST", "PUT", "PATCH", "GET"):
        return None
    path, query = split_url(url)
    sent: dict[str, Sent] = {"query": query}
    encoding: Encoding = "none"
    data = keywords.get("json") or keywords.get("data") or keywords.get("content") or keywords.get("body")
    if data is None and len(arguments) > 1 and method.upper() != "GET":
        data = arguments[1]
    if data is not None:
        plain, dumped = _undump(data, names)
        sent["body"] = _sent(plain, names)
        jsonish = "json" in keywords or dumped or "json" in (_literal(keywords.get("content_type")) or "")
        encoding = "json" if jsonish else "multipart" if "files" in keywords else "form"
    always = names.always(node.func.value) if isinstance(node.func, ast.Attribute) else []
    for keyword, place in _ALWAYS.items():
        given = [value for name, value in always if name == keyword]
        for value in [*given, *([keywords[keyword]] if keyword in keywords else [])]:
            inner, outer = _sent(value, names), sent.get(place)
            if isinstance(inner, dict):
                sent[place] = {**outer, **inner} if isinstance(outer, dict) else inner
    return Call(method.upper(), path, fields_of(sent), encoding, line=node.lineno)


def _workflow_call(node: ast.Call, names: _Names) -> Call | None:
    """Return the request that the client of LlamaIndex's server of workflows sends for a run, if a call is one."""
    given = dict(zip(_RUN_PARAMETERS, node.args, strict=False))
    given |= {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
    if callee(node) not in _RUNS or "workflow_name" not in given:
        return None
    body: dict[str, Sent] = {name: _sent(given[name], names) for name in _RUN_PARAMETERS[1:] if name in given}
    path = f"/workflows/{_url(given['workflow_name'], names)}/run"
    return Call("POST", path, fields_of({"body": body}), "json", line=node.lineno)


def _literal(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _undump(node: ast.expr, names: _Names) -> tuple[ast.expr, bool]:
    """Tell what is inside `json.dumps(…).encode()`, and whether there was such."""
    inner = names.value(node)
    while isinstance(inner, ast.Call):
        name, function = callee(inner), inner.func
        if name == "dumps" and inner.args:
            return inner.args[0], True
        if name != "encode" or not isinstance(function, ast.Attribute):
            break
        inner = names.value(function.value)
    return node, False


def _sent(node: ast.expr, names: _Names, deep: int = 0) -> Sent:
    """Return a value as client code spells it: a dict, a list, a literal, or the spelling of an expression."""
    found = names.value(node)
    if isinstance(found, ast.Dict) and deep < _DEEPEST:
        return _sent_dict(node, found, names, deep)
    made = callee(found) if isinstance(found, ast.Call) and not found.args else ""
    if isinstance(found, ast.Call) and found.keywords and (made == "dict" or made[:1].isupper()):
        return {keyword.arg: _sent(keyword.value, names, deep + 1) for keyword in found.keywords if keyword.arg}
    if isinstance(found, (ast.List, ast.Tuple)):
        return [_sent(item, names, deep + 1) for item in found.elts]
    if isinstance(node, ast.Constant) and isinstance(node.value, (str, int, float, bool)):
        return ("literal", node.value)
    if isinstance(found, ast.Constant) and isinstance(found.value, str) and is_operation(found.value):
        return ("literal", found.value)
    return ("said", ast.unparse(node))


def _sent_dict(node: ast.expr, found: ast.Dict, names: _Names, deep: int) -> Sent:
    """Return what a dict holds, with what is assigned to its keys later."""
    result: dict[str, Sent] = {}
    for key, value in zip(found.keys, found.values, strict=False):
        inner = _sent(value, names, deep + 1)
        if key is None and isinstance(inner, dict):
            result.update(inner)
        elif isinstance(key, ast.Constant):
            result[str(key.value)] = inner
    if isinstance(node, ast.Name):
        for key, value in names.items(node.id, node.lineno):
            if isinstance(key, ast.Constant):
                result[str(key.value)] = _sent(value, names, deep + 1)
    return result


def _url(node: ast.expr, names: _Names, deep: int = 0) -> str:
    """Return a URL as far as it is spelled out; what is filled in stands in braces."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_url(part, names, deep) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        node = node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Div)):
        return _url(node.left, names, deep) + _url(node.right, names, deep)
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and node.func.attr == "format":
            given: Sequence[ast.expr] = node.args
            spelled = iter(f"{{{ast.unparse(argument)}}}" for argument in given)
            return re.sub(r"\{\}", lambda _: next(spelled, "{}"), _url(node.func.value, names, deep))
        if node.args and callee(node) in ("urljoin", "join", "URL"):
            return _url(node.args[-1], names, deep)
    found = names.value(node)
    if found is not node and deep < 4 and isinstance(found, (ast.Constant, ast.JoinedStr, ast.BinOp)):
        return _url(found, names, deep + 1)
    return f"{{{ast.unparse(node)}}}"
