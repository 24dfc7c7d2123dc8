"""What the target's processes are started in: an interpreter, variables, and files that stand in for the user's."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from statecheck.kept.bytecode import archive_path
from statecheck.lab.environment.variables import target_environment
from statecheck.target.interpreters import OWN, Interpreter, choose, named
from statecheck.target.virtualenvs import folders_of

if TYPE_CHECKING:
    from statecheck.options.config import Options
    from statecheck.target.resolve import Target


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a warm parent is started in.

    Attributes:
        folders: in which the target, or several, may write; the first is the project.
        interpreter: the target's.
        environment: all variables of the warm parent and of its workers.
        env_files: files of variables in the project, whose secrets the target does not get to see.
        lent: {module: (its file, the oldest Python 3 that it is for)} of the servers that the target may be lent.
        notes: what the report should say of all this.
        archive: where compiled code of the interpreter's packages is kept, if they lack it.
    """

    folders: tuple[Path, ...]
    interpreter: Interpreter
    environment: dict[str, str]
    env_files: tuple[Path, ...] = ()
    lent: dict[str, tuple[str, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    archive: Path | None = None


def surroundings_of(target: Target, options: Options) -> tuple[Surroundings, Options]:
    """Return what a target is run in, and the options with the variables of the files that they name.

    Raises:
        StatecheckError: an interpreter or a file is named that is none.
    """
    options = replace(options, env=(*_handed_over(options), *options.env))
    interpreter = _interpreter(target, options)
    folders = tuple(dict.fromkeys((*folders_of(target.path, target.project), target.project)))
    files = _env_files(folders, options)
    found: dict[str, str] = {}
    notes: tuple[str, ...] = ()
    if read := next((file for file in files if file.name == ".env"), None):
        from statecheck.lab.environment.env_files import find_secrets, read_variables

        found = read_variables(read, os.environ)
        notes = (_told(read, tuple(found), find_secrets(read)),) if found else ()
    return Surroundings(
        (target.project, target.root),
        interpreter,
        target_environment({**found, **os.environ}, options.env, interpreter),
        files,
        _lent(interpreter),
        notes,
        archive_path(target.project, interpreter.python),
    ), options


def scenario_surroundings(folder: Path, options: Options) -> Surroundings:
    """Return what the bundled scenarios are run in: the interpreter of statecheck itself, unless another is named."""
    interpreter = named(options.python, Path.cwd()) if options.python else OWN
    environment = target_environment(os.environ, options.env, interpreter)
    archive = archive_path(Path.cwd(), interpreter.python)
    return Surroundings((folder,), interpreter, environment, lent=_lent(interpreter), archive=archive)


def _interpreter(target: Target, options: Options) -> Interpreter:
    from statecheck.source.code.imports import third_party
    from statecheck.source.code.tree import SourceTree

    if options.python:
        return named(options.python, Path.cwd())
    return choose(target.path, target.project, os.environ, lambda: third_party(target, SourceTree.of(target)))


def _lent(interpreter: Interpreter) -> dict[str, tuple[str, int]]:
    if interpreter.own:
        return {}
    from statecheck.lab.environment.lent_packages import find_lendable

    return find_lendable()


def _handed_over(options: Options) -> tuple[tuple[str, str], ...]:
    if not options.env_files:
        return ()
    from statecheck.lab.environment.env_files import read_handed_over

    return tuple(pair for file in options.env_files for pair in read_handed_over(file, os.environ))


def _env_files(folders: tuple[Path, ...], options: Options) -> tuple[Path, ...]:
    """The project's files of variables that were not handed over, nearest first."""
    given = {file.resolve() for file in options.env_files}
    found = []
    for folder in folders:
        try:
            names = sorted(os.listdir(folder))  # noqa: PTH208 - names are all it takes
        except OSError:
            continue
        found += [folder / name for name in names if name.startswith(".env") or name.endswith(".env")]
    return tuple(file for file in found if file.is_file() and file.resolve() not in given)


def _told(file: Path, names: tuple[str, ...], secrets: tuple[str, ...]) -> str:
    """What was read from a file, without any value."""
    dummies = f"; dummies stand for {', '.join(secrets)}" if secrets else ""
    return f"read from `{os.path.relpath(file)}`: {', '.join(names)}{dummies}"
