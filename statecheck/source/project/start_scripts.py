"""What a deployment runs before its server at each start, and which tables that empties.

Only what is run whatever a flag says counts: a statement at the top of a script, or in a function called there.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from statecheck.model import Anchor
from statecheck.source.code import reading
from statecheck.source.code.scopes import last_name
from statecheck.source.project.dockerfiles import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from statecheck.source.project.project_files import ProjectFiles

_EMPTIES = re.compile(
    r"\b(?:DROP\s+TABLE\s+(?:IF\s+EXISTS\s+)?|TRUNCATE\s+(?:TABLE\s+)?|DELETE\s+FROM\s+)[\"`\[]?\w+[\"`\]]?(?=\s*(?:;|$|CASCADE))",
    re.IGNORECASE,
)
_RUNS = ("execute", "executescript", "exec_driver_sql")
_LEAVES = re.compile(r"^[^#]*\b(?:exec|exit)\b")
_REBUILDS = re.compile(r"\bRENAME\s+TO\b", re.IGNORECASE)
"""What a script says that drops a table whose rows it has put into another one."""
_END = re.compile(r"&&|;")


def find_start_resets(files: ProjectFiles, target: Path) -> tuple[Anchor, ...]:
    """Return where what runs before the server empties a table at each start; the text is the statement."""
    found = [each for path in _list_scripts(files) if path != target for each in _read_script(files, path)]
    return tuple(dict.fromkeys(found))


def _list_scripts(files: ProjectFiles) -> Iterator[Path]:
    """Yield the Python and SQL files that the commands of the project's deployment files name, and their scripts'."""
    for folder, command in _list_commands(files):
        for name in _list_names(command):
            path = folder / name
            if path.suffix != ".sh":
                yield path
                continue
            for line in files.text(path).splitlines():
                if _LEAVES.search(line):
                    break
                if line[:1].strip() and not line.startswith(("#", "[", "if ", "test ")):
                    yield from (path.parent / each for each in _list_names(words(line)) if not each.endswith(".sh"))


def _list_commands(files: ProjectFiles) -> Iterator[tuple[Path, Sequence[str]]]:
    for path in files.by_kind["dockerfile"]:
        yield from ((path.parent, words(text)) for _, text in files.image(path, path.parent).commands)
    for path in files.by_kind["compose"]:
        for deployment in files.deployments(path):
            yield from ((path.parent, service.command) for service in deployment.own_services)
    for path in files.by_kind["plain"]:
        if path.name.startswith("Procfile"):
            yield from ((path.parent, words(line.partition(":")[2])) for line in files.text(path).splitlines())


def _list_names(command: Sequence[str]) -> list[str]:
    """Return the scripts that a command runs, or has read; none of one that goes by a flag of the shell's."""
    parts = _END.split(" ".join(command))
    plain = [part.split() for part in parts if not part.lstrip().startswith(("[", "test ")) and "||" not in part]
    return [word for part in plain for word in part if word.endswith((".py", ".sql", ".sh")) and "$" not in word]


def _read_script(files: ProjectFiles, path: Path) -> Iterator[Anchor]:
    if not reading.is_file(path) or _REBUILDS.search(files.text(path)):
        return
    if path.suffix == ".sql":
        text = re.sub(r"--.*", "", files.text(path))
        for found in _EMPTIES.finditer(text):
            yield Anchor(files.show(path), text.count("\n", 0, found.start()) + 1, found[0])
        return
    syntax = files.syntax(path)
    for call in _list_calls(syntax) if syntax is not None else ():
        if last_name(call.func) not in _RUNS:
            continue
        for node in ast.walk(call):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if node.value.endswith(".sql"):
                    yield from _read_script(files, path.parent / node.value)
                else:
                    said = _EMPTIES.findall(node.value)
                    yield from (Anchor(files.show(path), node.lineno, each) for each in said)


def _list_calls(module: ast.Module) -> Iterator[ast.Call]:
    """Yield the calls that are made whenever a script is run."""
    functions = {each.name: each for each in module.body if isinstance(each, ast.FunctionDef)}
    waiting, seen = _take_until_left(module.body), set[str]()
    while waiting:
        statement = waiting.pop(0)
        is_main = isinstance(statement, ast.If) and "__name__" in ast.dump(statement.test)
        if isinstance(statement, (ast.With, ast.Try)) or (isinstance(statement, ast.If) and is_main):
            waiting += statement.body
        if isinstance(statement, (ast.Expr, ast.Assign)):
            for node in ast.walk(statement):
                if isinstance(node, ast.Call):
                    yield node
                    name = last_name(node.func)
                    if name in functions and name not in seen:
                        seen.add(name)
                        waiting += _take_until_left(functions[name].body)


def _take_until_left(body: list[ast.stmt]) -> list[ast.stmt]:
    """Return the statements up to where a condition may end them: `if path.exists(): return`."""
    leaving = (n for n, each in enumerate(body) if isinstance(each, ast.If) and any(map(_leaves, ast.walk(each))))
    return body[: next(leaving, len(body))]


def _leaves(node: ast.AST) -> bool:
    return isinstance(node, (ast.Return, ast.Raise)) or (
        isinstance(node, ast.Call) and last_name(node.func) in ("exit", "_exit")
    )
