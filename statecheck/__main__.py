"""The entry point, and the only place that catches: every error becomes one line, a hint and an exit code.

Imports next to nothing, so that `--version` answers before Typer is read.
"""

from __future__ import annotations

import gc
import sys

from statecheck.version import version

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from statecheck.errors import StatecheckError
    from statecheck.lab.head_start import HeadStart

_YOUNGEST = 200_000
"""Objects between two collections, as mypy has it: what we make is mostly kept to the end, and so looked at in vain."""
_INTERRUPTED, _BROKEN_PIPE = 130, 141
"""128 and the number of the signal, as a shell reports what a signal ended."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; where it is the process's own, end the process with it.

    Python's own way out takes every module apart: a third of a second after Ctrl-C, or in which Ctrl-C goes unheeded.
    """
    code = _run(list(sys.argv[1:] if arguments is None else arguments))
    if arguments is None:
        _leave(code)
    return code


def _leave(code: int) -> None:
    import contextlib
    import os

    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # nobody listens; the exit code still tells
            stream.flush()
    os._exit(code)


def _run(words: list[str]) -> int:
    """Run one command line; return its exit code when all that it says is written."""
    if words == ["--version"]:
        words, answer = [], version()
    else:
        answer = ""
    gc.set_threshold(_YOUNGEST, 30, 30)
    debug = "--debug" in words
    _open_streams()
    try:
        code = _answer(answer) if answer else _command([word for word in words if word != "--debug"])
        sys.stdout.flush()
    except KeyboardInterrupt:
        _say("error: interrupted", "nothing of this run is left; the same command starts anew")
        code = _INTERRUPTED
    except BrokenPipeError:
        _close_stdout()
        code = _BROKEN_PIPE
    except Exception as error:  # noqa: BLE001 - the one place where anything may arrive
        code = _failed(error, debug)
    return code


def _open_streams() -> None:
    """Give each standard stream that the caller closed a place to go, before a file of ours gets its descriptor."""
    if sys.stdin is not None and sys.stdout is not None and sys.stderr is not None:
        return
    import os

    while (descriptor := os.open(os.devnull, os.O_RDWR)) < 3:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115 - open as long as we live
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115


def _answer(text: str) -> int:
    sys.stdout.write(f"{text}\n")
    return 0


def _command(words: list[str]) -> int:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that cannot show a character shows its escape
            stream.reconfigure(errors="backslashreplace")
    if words[:1] == ["explain"] and len(words) == 2 and not words[1].startswith("-"):
        from statecheck.report import explanation  # to import Typer and pydantic takes longer than to answer

        return _answer(explanation.render(words[1], "full").rstrip("\n"))
    if words[:1] == ["diagnose"]:
        from statecheck.lab.head_start import begin

        early = begin(words)
        try:
            return _dispatch(words, early)
        finally:
            if early is not None:
                early.stop()
    return _dispatch(words, None)


def _dispatch(words: list[str], early: HeadStart | None) -> int:
    """Let Typer find the command and its options; what was begun for it is the context's object."""
    from typing import cast

    import typer

    from statecheck.cli.commands import app

    # Typer exports no name for the base of its usage errors.
    usage_error = cast("type[Exception]", typer.BadParameter.__mro__[1])
    try:
        code = typer.main.get_command(app).main(words, prog_name="statecheck", standalone_mode=False, obj=early)
    except usage_error as error:
        raise _usage(error) from error
    except SystemExit as error:  # how Typer ends after completion, and when nobody reads the output any more
        if isinstance(error.__context__, BrokenPipeError):
            raise BrokenPipeError from error
        return int(error.code or 0)
    if code == _INTERRUPTED:  # what Typer makes of Ctrl-C
        raise KeyboardInterrupt
    return int(code or 0)


def _usage(error: Any) -> StatecheckError:
    """One of Typer's usage errors in the form of ours; Typer suggests options and commands in two ways."""
    import os

    from statecheck.errors import StatecheckError

    options = getattr(error, "possibilities", None) or ()
    message = error.message if options else error.format_message()
    text, _, commands = message.partition(" Did you mean ")
    meant = ", ".join(f"`{option}`" for option in options) or commands.rstrip("?").replace("'", "`")
    command = error.ctx.command_path if error.ctx else "statecheck"
    typed = text.removeprefix("No such command '").partition("'")[0]
    if not meant and typed != text and os.path.isfile(typed):  # noqa: PTH113 - `pathlib` is not loaded for this
        meant = f"`{command} diagnose {typed}`"
    hint = f"did you mean {meant}?" if meant else f"see `{command} --help`"
    return StatecheckError("usage", text[:1].lower() + text[1:].rstrip("."), hint)


def _failed(error: Exception, debug: bool) -> int:
    """Say what went wrong on stderr; the exit code for it."""
    import errno

    from statecheck.errors import ExitCode, StatecheckError, explain_system_error

    if debug:
        import traceback

        traceback.print_exception(error)
    if isinstance(error, StatecheckError):
        _say(f"error: {error.text}", error.hint, error.detail)
        return error.exit_code
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        _close_stdout()
        _say("error: no space is left to write the report", "free some space, or write it elsewhere with --output")
        return ExitCode.INTERNAL
    _close_stdout()
    refused = explain_system_error(error) if isinstance(error, OSError | MemoryError) else None
    if refused is not None:
        _say(f"error: {refused.text}", refused.hint)
        return refused.exit_code
    if isinstance(error, FileNotFoundError) and not _has_folder():
        _say("error: the working directory does not exist any more", "change to a folder that exists and try again")
        return ExitCode.USAGE
    _say(
        f"internal error: {type(error).__name__}: {error}",
        "this is a fault of statecheck; report it with the output of the same command and --debug",
    )
    return ExitCode.INTERNAL


def _has_folder() -> bool:
    import os

    try:
        os.getcwd()  # noqa: PTH109 - pathlib would be one more import
    except FileNotFoundError:
        return False
    return True


def _say(text: str, hint: str, detail: str = "") -> None:
    from statecheck.report.text import defuse, safe

    lines = [safe(text), *(f"  | {safe(line)}" for line in detail.splitlines()), "", f"hint: {safe(hint)}"]
    try:
        sys.stderr.write(defuse("".join(f"{line}\n" for line in lines)))
        sys.stderr.flush()
    except OSError:
        pass  # nobody listens; the exit code still tells


def _close_stdout() -> None:
    """Leave what could not be written, so that the interpreter does not try again on its way out."""
    import os

    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
