"""The options of the commands, each declared once, and how their values are read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from statecheck.errors import ExitCode, StatecheckError, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Texts = list[str] | None


def scenario_names() -> tuple[str, ...]:
    """Return the bundled scenarios."""
    from statecheck.scenarios import bundled

    return bundled.names()


def kind_names() -> list[str]:
    """Return the kinds that the bundled scenarios have variants of, and the word for all of them."""
    from statecheck.scenarios import bundled

    loaded = (bundled.load(name) for name in bundled.names())
    kinds = dict.fromkeys(variant.kind for scenario in loaded for variant in scenario.variants if variant.kind)
    return [*kinds, bundled.ALL_KINDS]


def cause_words() -> list[str]:
    """Codes and names of the causes."""
    from statecheck.judge.causes import CAUSES

    return [word for cause in CAUSES for word in (cause.code, cause.name)]


def _formats() -> Iterable[str]:
    from statecheck.report import FORMATS

    return FORMATS


def _list_formats() -> str:
    first, *others, last = _formats()
    return f"{', '.join([f'{first} (default)', *others])} or {last}."


def _experiments() -> Iterable[str]:
    from statecheck.experiments import REPORTED

    return REPORTED


def _words(*words: str) -> Callable[[], Iterable[str]]:
    return lambda: words


def one_of(option: str, known: Callable[[], Iterable[str]]) -> Callable[[str | None], str | None]:
    """Return a callback that lets only known words through, and suggests the nearest one."""

    def check(word: str | None) -> str | None:
        words = tuple(known())
        if word is not None and word not in words:
            raise unknown("unknown-value", f"value of {option}:", word, words, f"one of: {', '.join(words)}")
        return word

    return check


def each_of(option: str, known: Callable[[], Iterable[str]]) -> Callable[[Texts], Texts]:
    """Return the same for an option that may be repeated."""
    check = one_of(option, known)

    def check_all(words: Texts) -> Texts:
        for word in words or []:
            check(word)
        return words

    return check_all


def parse_pairs(option: str, values: Texts, between: str) -> tuple[tuple[str, str], ...]:
    """`NAME=VALUE` or `Name: value` as pairs.

    Raises:
        StatecheckError: a value has no such form.
    """
    split = [value.partition(between) for value in values or []]
    for name, found, _ in split:
        if not name.strip() or not found:
            form = f"NAME{between}VALUE" if between == "=" else f"'Name{between} value'"
            raise StatecheckError("bad-pair", f"`{name}` is no value for {option}", f"write it as {option} {form}")
    return tuple((name.strip(), value.strip() if between == ":" else value) for name, _, value in split)


def parse_timeout(timeout: float | None) -> float | None:
    """By how much `--timeout` lengthens every limit, or None where it is not given.

    Raises:
        StatecheckError: it is no length of time.
    """
    from statecheck.options.config import TURN_SECONDS

    if timeout is not None and not 0 < timeout < float("inf"):
        raise StatecheckError("bad-timeout", f"--timeout cannot be {timeout:g}", "give it a number of seconds above 0")
    return timeout / TURN_SECONDS if timeout else None


def choose_scenarios(names: list[str], every: bool) -> tuple[str, ...]:
    """The scenarios that are named, each once; none where all are meant.

    Raises:
        StatecheckError: none is named and all are not meant, or both.
    """
    if every and names:
        raise StatecheckError("names-and-all", "--all and names exclude each other", "give one or the other")
    if not every and not names:
        raise StatecheckError(
            "nothing-selected",
            "no scenario is named",
            f"name some of {', '.join(scenario_names())}, or use --all",
            ExitCode.NOTHING,
        )
    return tuple(dict.fromkeys(names))


def _complete(known: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    return lambda incomplete: [word for word in known() if word.startswith(incomplete)]


def _choice(name: str, known: Callable[[], Iterable[str]], text: str) -> typer.models.OptionInfo:
    return typer.Option(  # type: ignore[no-any-return]  # Typer types it as Any, so that it may be a default
        name,
        metavar="WORD",
        help=text,
        show_default=False,
        callback=one_of(name, known),
        autocompletion=_complete(known),
    )


_SEVERITIES = _words("error", "warning", "note")
_COLORS = _words("auto", "always", "never")

Names = Annotated[Texts, typer.Argument(metavar="NAME...", help="Scenarios.", autocompletion=_complete(scenario_names))]
All = Annotated[bool, typer.Option("--all", help="Run every scenario.")]
Kind = Annotated[
    Texts,
    typer.Option(
        "--kind",
        metavar="KIND",
        help="Run their variants of this kind, or of all kinds: `all`; may be repeated.",
        autocompletion=_complete(kind_names),
    ),
]
Target = Annotated[
    str | None,
    typer.Argument(
        metavar="TARGET", help="app.py, app.py:attr, pkg.module:attr or a folder; nothing: found below here."
    ),
]
Run = Annotated[str | None, typer.Argument(metavar="RUN", help="Folder, name or beginning of it; nothing: the latest.")]
Topic = Annotated[
    str | None,
    typer.Argument(
        metavar="CODE|NAME|MESSAGE", help="A cause, or an error message.", autocompletion=_complete(cause_words)
    ),
]

Endpoint = Annotated[str | None, typer.Option(metavar="PATH", help="Where a message is sent: '/chat' or 'POST /chat'.")]
MessageField = Annotated[str | None, typer.Option(metavar="NAME", help="The field that takes the message.")]
SessionField = Annotated[str | None, typer.Option(metavar="NAME", help="The field that names the conversation.")]
Env = Annotated[
    Texts, typer.Option("--env", metavar="NAME=VALUE", help="Set for the app; a service so named is used as it is.")
]
Python = Annotated[
    str | None,
    typer.Option(metavar="PATH", help="Interpreter, or environment's folder, that runs the app.", show_default=False),
]
AppDir = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where imports start, as uvicorn's; else found out.", show_default=False),
]
EnvFile = Annotated[
    list[Path] | None,
    typer.Option("--env-file", metavar="FILE", help="NAME=VALUE lines, set as if by --env.", show_default=False),
]
Header = Annotated[Texts, typer.Option("--header", metavar="'NAME: VALUE'", help="Sent with every turn.")]
Plan = Annotated[bool, typer.Option("--plan", help="Only say what would be sent, and why; no turn is sent.")]
WriteTemplate = Annotated[
    bool, typer.Option("--write-template", help="Write what would be sent to pyproject.toml; no turn is sent.")
]
Volume = Annotated[list[Path] | None, typer.Option("--volume", metavar="PATH", help="Outlives a redeploy.")]
Only = Annotated[
    Texts,
    typer.Option(
        "--only",
        metavar="EXPERIMENT",
        help="Do only these.",
        callback=each_of("--only", _experiments),
        autocompletion=_complete(_experiments),
    ),
]
Skip = Annotated[
    Texts,
    typer.Option(
        "--skip",
        metavar="EXPERIMENT",
        help="Do all but these.",
        callback=each_of("--skip", _experiments),
        autocompletion=_complete(_experiments),
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", help="Longest turn (default 30); import and run limits scale with it."),
]
Seed = Annotated[int | None, typer.Option(metavar="N", help="Same number, same markers and session keys.")]
ShowLogs = Annotated[bool, typer.Option("--show-logs", help="Show the app's own output, on stderr.")]

FormatName = Annotated[str, _choice("--format", _formats, _list_formats())]
Plain = Annotated[str, _choice("--format", _words("full", "json"), "full (default) or json.")]
Output = Annotated[
    Path | None, typer.Option("--output", metavar="FILE", help="Write the report there, whole or not at all.")
]
FailOn = Annotated[
    str | None,
    _choice("--fail-on", _SEVERITIES, "Least severity that makes the exit code 1: error (default), warning, note."),
]
Color = Annotated[str, _choice("--color", _COLORS, "auto (default), always or never.")]
Quiet = Annotated[
    int, typer.Option("-q", "--quiet", count=True, show_default=False, help="Findings only; twice: the exit code only.")
]
Verbose = Annotated[
    int, typer.Option("-v", "--verbose", count=True, show_default=False, help="Every turn of every experiment.")
]
