"""Read one Python file as text and syntax tree, whatever it turns out to be. Never imports or runs it."""

from __future__ import annotations

import ast
import errno
import io
import os
import stat
import sys
import tokenize
import warnings
from typing import TYPE_CHECKING

from statecheck.errors import StatecheckError
from statecheck.probe import notebooks
from statecheck.source.code.newer_syntax import NEWEST, restate, splice

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 5 * 1024 * 1024
SUFFIXES = (".py", ".pyw", notebooks.SUFFIX)

_NAME_A_FILE = "name a Python file, a directory or `package.module:attribute`"
_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def is_file(path: Path) -> bool:
    """Whether there is a regular file; a path that cannot be looked at is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_dir(path: Path) -> bool:
    """Whether there is a directory; a path that cannot be looked at is none."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def exists(path: Path) -> bool:
    """Whether there is anything; a path that cannot be looked at is nothing."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def peek(path: Path) -> bytes:
    """Return the bytes of a regular file of at most `MAX_BYTES`, or nothing if it is not one or cannot be read."""
    try:
        return read_bytes(path, "")
    except StatecheckError:
        return b""


def check_name(path: Path, shown: str) -> None:
    """Refuse a file that is not called like Python.

    Args:
        path: the file.
        shown: how messages call it.

    Raises:
        StatecheckError: `not-python`, or `missing-file` and `unreadable` for what is not there.
    """
    if path.suffix not in SUFFIXES:
        _check_regular(_mode(path, shown), shown)
        raise StatecheckError("not-python", f"`{shown}` is not a Python file", _NAME_A_FILE)


def read_bytes(path: Path, shown: str) -> bytes:
    """Return a file's bytes.

    Raises:
        StatecheckError: `missing-file`, `unreadable`, `not-python` or `too-large`; never hangs on a pipe.
    """
    _check_regular(_mode(path, shown), shown)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with io.FileIO(descriptor) as file:
            _check_regular(os.fstat(descriptor).st_mode, shown)
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _unreadable(error, shown) from error
    if data is None or len(data) > MAX_BYTES:
        raise StatecheckError("too-large", f"`{shown}` is larger than 5 MB", "name the module that builds the app")
    return data


def read_code(path: Path, shown: str) -> bytes:
    """Return a file's bytes, of a notebook those of the script that it is.

    Raises:
        StatecheckError: as `read_bytes`; `not-python` too where a notebook is none.
    """
    data = read_bytes(path, shown)
    if path.suffix != notebooks.SUFFIX:
        return data
    try:
        return notebooks.read_script(data).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError) as error:
        text = f"`{shown}` is no notebook that can be read: {error}"
        raise StatecheckError("not-python", " ".join(text.split())[:200], _NAME_A_FILE) from error


def decode(data: bytes, shown: str) -> str:
    """Return a Python file's text, in the encoding that a BOM or a coding cookie names; line ends become newlines.

    Raises:
        StatecheckError: `not-python`.
    """
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except (SyntaxError, LookupError, ValueError) as error:
        raise StatecheckError("not-python", f"`{shown}` is not text in its encoding", "save it as UTF-8") from error
    if "\0" in text:
        raise StatecheckError("not-python", f"`{shown}` is binary, not Python source", _NAME_A_FILE)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def parse(text: str, shown: str) -> ast.Module:
    """Return the syntax tree of a Python file's text.

    Raises:
        StatecheckError: `syntax-error` (with the line), `too-deep` (nested deeper than Python can read) or
            `not-python`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _syntax(text)
    except SyntaxError as error:
        message = " ".join((error.msg or "invalid syntax").split())
        newest = max(NEWEST, sys.version_info[:2])
        hint = f"fix the file; it is not valid in any Python up to {newest[0]}.{newest[1]}"
        raise StatecheckError(
            "syntax-error", f"{notebooks.spell_line(shown, error.lineno or 1)}: {message}", hint
        ) from error
    except (RecursionError, MemoryError) as error:
        text = f"`{shown}` is nested too deeply to be read"
        raise StatecheckError("too-deep", text, "split its longest expression") from error
    except (ValueError, OverflowError, SystemError) as error:
        raise StatecheckError("not-python", f"`{shown}` is not Python source", _NAME_A_FILE) from error


def parse_expression(text: str) -> ast.expr | None:
    """Return the syntax tree of one expression, or None if the text is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _syntax(text: str) -> ast.Module:
    """Return a syntax tree, also of Python that is newer than the interpreter.

    Raises:
        SyntaxError: at the line of the text.
    """
    try:
        return ast.parse(text)
    except SyntaxError:
        older = restate(text)
        if older is None:
            raise
    tree = ast.parse(older.text)
    splice(tree, {name: (said, _field(said, line)) for name, (said, line) in older.fields.items()})
    return tree


def _field(text: str, line: int) -> ast.expr:
    """Return the expression of an f-string's field that begins on a line."""
    try:
        (statement,) = _syntax(f"({text}\n)").body
    except SyntaxError as error:
        error.lineno = (error.lineno or 1) + line - 1
        raise
    assert isinstance(statement, ast.Expr)
    ast.increment_lineno(statement, line - 1)
    return statement.value


def _mode(path: Path, shown: str) -> int:
    try:
        return path.stat().st_mode
    except (OSError, ValueError, RuntimeError) as error:
        raise _unreadable(error, shown) from error


def _check_regular(mode: int, shown: str) -> None:
    if not stat.S_ISREG(mode):
        kind = next((name for test, name in _KINDS if test(mode)), "not a regular file")
        raise StatecheckError("not-python", f"`{shown}` is {kind}, not a Python file", _NAME_A_FILE)


def _unreadable(error: Exception, shown: str) -> StatecheckError:
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG) or isinstance(error, ValueError):
        return StatecheckError("missing-file", f"`{shown}` does not exist", _NAME_A_FILE)
    reason = os.strerror(number).lower() if number else "it cannot be opened"
    return StatecheckError("unreadable", f"`{shown}` cannot be read: {reason}", "check its permissions and links")
