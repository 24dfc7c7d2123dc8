"""Give bad input to every command, and print what was tried and what failed.

    python benchmarks/bad_inputs.py [--who root|ordinary] [--jobs 2] [--only PART]

Paths, options, configuration, files of variables and kept runs. Whatever it is, the command must end with one `error:`
line and one `hint:`, with a documented exit code, without a traceback, and leave nothing behind. The apps that fail by
themselves are those of `tests/cli/test_bad_input.py`.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests")]

from cli.test_bad_input import APPS, CASES, REPLY  # noqa: E402 - the suite's

from benchmarks.attempts import Attempt, report  # noqa: E402 - of this repository
from benchmarks.commands import Machine, User, become, offer_users, tell_wrong  # noqa: E402 - likewise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

USAGE, INTERNAL, INCONCLUSIVE, NOTHING = 2, 3, 4, 5
APP = ("diagnose", "bot.py:reply", "--timeout", "1")
TOML = "[tool.statecheck]\n"
LONG = "x" * 5000
RUN = ".statecheck/runs/20260101T000000.000000Z-1"


@dataclass(frozen=True)
class Input:
    """Something bad.

    Attributes:
        files: {name: what is in it} of the project, beside a `bot.py` that is well.
        make: what else is done to the project before.
        codes: with which the command may end.
    """

    kind: str
    words: tuple[str, ...]
    files: Mapping[str, bytes] = field(default_factory=dict)
    make: Callable[[Path], object] | None = None
    codes: tuple[int, ...] = (USAGE,)


def inputs() -> Iterator[Input]:
    """All of them."""
    yield from _paths()
    yield from _sources()
    yield from _options()
    yield from _configurations()
    yield from _variables()
    yield from _records()
    for case in CASES:
        name = case.words.partition(":")[0].split()[0]
        source = APPS.get(name, "")
        data = {name: source if isinstance(source, bytes) else source.encode()} if source else {}
        yield Input("apps", ("diagnose", "--timeout", "1", *case.words.split()), data, codes=(case.code,))


def _paths() -> Iterator[Input]:
    texts = (
        "",
        "nowhere",
        "nowhere.py",
        LONG,
        f"{LONG}.py",
        "a/" * 3000,
        "\n",
        "\udcff.py",
        "::error::x",
        "*",
        "~",
        "%s",
    )
    for command in ("diagnose", "analyze"):
        for text in texts:
            yield Input("paths", (command, text), codes=(USAGE, NOTHING))
    for spec in ("bot.py:", ":reply", "bot.py:1x", "bot.py:nothing", "bot.py:reply.x", "bot.py:reply:x", "no.such:app"):
        yield Input("paths", ("diagnose", spec), codes=(USAGE, INCONCLUSIVE))
    for place in ("/dev/null", "/dev/zero", "/proc/self/mem", "/dev/stdin", "/dev/null/x.py"):
        yield Input("paths", ("diagnose", place))
    for name, make in (
        ("pipe.py", os.mkfifo),
        ("folder.py", Path.mkdir),
        ("circle.py", lambda path: path.symlink_to(path)),
        ("broken.py", lambda path: path.symlink_to("nowhere")),
        ("device.py", lambda path: path.symlink_to("/dev/zero")),
    ):
        yield Input("paths", ("diagnose", name), make=_at(name, make), codes=(USAGE, NOTHING))
        yield Input("paths", ("analyze", name), make=_at(name, make))


def _at(name: str, make: Callable[[Path], object]) -> Callable[[Path], object]:
    return lambda project: make(project / name)


def _sources() -> Iterator[Input]:
    for name, data in {
        "empty.py": b"",
        "mark.py": b"\xef\xbb\xbf",
        "latin.py": b"x = '\xe4'\n",
        "wide.py": "def reply(a, b): ...".encode("utf-16"),
        "deep.py": b"(" * 10_000,
        "nested.py": b"x = " + b"[" * 5000 + b"]" * 5000,
        "sum.py": b"x = " + b"1+" * 20_000 + b"1",
        "coding.py": b"# coding: nothing\nx = 1\n",
        "return.py": b"return\n",
        "tabs.py": b"if x:\n\ty\n        z\n",
        "null.py": b"x = 1\x00\n",
    }.items():
        yield Input("sources", ("diagnose", name), {name: data}, codes=(USAGE, NOTHING))


def _options() -> Iterator[Input]:
    for words in (
        ("--timeout", "x"),
        ("--timeout", "-1"),
        ("--timeout", "nan"),
        ("--timeout", "inf"),
        ("--timeout", "1e999"),
        ("--seed", "x"),
        ("--format", "xml"),
        ("--only", "nothing"),
        ("--skip", "nothing"),
        ("--fail-on", "x"),
        ("--color", "x"),
        ("--env", "NOTHING"),
        ("--env", "=x"),
        ("--header", "nothing"),
        ("--env-file", "nowhere"),
        ("--env-file", "."),
        ("--env-file", LONG),
        ("--python", "nowhere"),
        ("--python", "bot.py"),
        ("--python", LONG),
        ("--app-dir", "nowhere"),
        ("--app-dir", LONG),
        ("--output", "."),
        ("--output", "no/such/folder"),
        ("--nonsense",),
        ("another.py",),
    ):
        yield Input("options", (*APP, *words))
    yield Input("options", (*APP, "--output", LONG), codes=(USAGE, INTERNAL))
    yield Input("options", (*APP, "--output", "/dev/full"), codes=(INTERNAL,))
    every = [word for name in ("same-process", "other-worker", "new-process") for word in ("--skip", name)]
    yield Input("options", (*APP, "--only", "same-process", *every), codes=(NOTHING,))
    for line in (
        ("run",),
        ("run", "nothing"),
        ("run", "multi-worker", "--kind", "nothing"),
        ("run", "multi-worker", "--python", "nowhere"),
        ("run", "multi-worker", "--timeout", "0"),
        ("explain", "nothing at all that is known"),
        ("list", "x"),
        ("schema", "x"),
        ("clean", "x"),
        ("doctor", "--python", "nowhere"),
        ("doctor", "--format", "x"),
        ("analyze", "--format", "x"),
        ("diagnos", "bot.py"),
        ("--nonsense",),
        ("::error::x",),
    ):
        yield Input("options", line, codes=(USAGE, NOTHING))
    yield Input("options", ("analyze",), codes=(NOTHING,))
    yield Input("options", ("diagnose",), make=lambda project: (project / "bot.py").unlink(), codes=(USAGE, NOTHING))


def _configurations() -> Iterator[Input]:
    for text in (
        "[tool.statecheck",
        f"{TOML}nonsense = 1",
        f"{TOML}endpoint = 1",
        f"{TOML}timeout = 'x'",
        f"{TOML}timeout = 0",
        f"{TOML}timeout = -1",
        f"{TOML}timeout = nan",
        f"{TOML}fail-on = 'x'",
        f"{TOML}env = 'x'",
        f"{TOML}env = {{ A = 1 }}",
        f"{TOML}headers = ['x']",
        f"{TOML}volumes = 'x'",
        f"{TOML}volumes = [1]",
        f'{TOML}volumes = ["\\u0000"]',
        f"{TOML}volumes = ['{LONG}']",
        f"{TOML}env-file = 'nowhere'",
        f'{TOML}env-file = "\\u0000"',
        f"{TOML}env-file = '{LONG}'",
        f"{TOML}python = 'nowhere'",
        f"{TOML}python = '{LONG}'",
        f"{TOML}app-dir = 'nowhere'",
        f"{TOML}app-dir = 1",
        f"{TOML}template = 'x'",
        f"{TOML}template = {{}}",
        f"{TOML}template = {{ body = 1 }}",
        f"{TOML}template = {{ nonsense = 1 }}",
        "[tool]\nstatecheck = 1",
        "tool = 1\n[tool.statecheck]",
        f"{TOML}x = {'[' * 2000}{']' * 2000}",
        "a = 1\na = 2",
    ):
        yield Input("configuration", APP, {"pyproject.toml": text.encode()}, codes=(USAGE, INCONCLUSIVE))
    yield Input("configuration", APP, {"pyproject.toml": b"\xff\xfe"})


def _variables() -> Iterator[Input]:
    words = (*APP, "--env-file", "variables")
    yield Input("variables", words)
    for data in (b"\xff\xfe\x00", b"A='unclosed\n", b"no equals sign\n", b"=x\n", b"A\x00B=1\n"):
        yield Input("variables", words, {"variables": data}, codes=(USAGE,))
    for make in (Path.mkdir, os.mkfifo, lambda path: path.symlink_to(path)):
        yield Input("variables", words, make=_at("variables", make))


def _records() -> Iterator[Input]:
    for data in (b"", b"{}", b"[]", b"1", b"{", b"\xff", b'{"schema_version": 3}', b"[" * 100_000, b'{"a":' * 100_000):
        yield Input("records", ("analyze", "kept"), {"kept/run.json": data})
    yield Input("records", ("analyze", "kept"), make=lambda project: (project / "kept").mkdir())
    for make in (os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero")):

        def prepare(project: Path, make: Callable[[Path], object] = make) -> None:
            (project / RUN).mkdir(parents=True)
            make(project / RUN / "run.json")

        yield Input("records", ("analyze", RUN), make=prepare)
    for name in (".statecheck", ".statecheck/runs"):
        for make in (Path.touch, lambda path: path.symlink_to("/tmp")):
            for words in (("analyze",), ("clean",)):

                def block(project: Path, make: Callable[[Path], object] = make, name: str = name) -> None:
                    (project / name).parent.mkdir(exist_ok=True)
                    make(project / name)

                yield Input("records", words, make=block, codes=(USAGE,))


def attempt(one: Input) -> Attempt:
    """Give one input, and say what was not as promised."""
    shown = " ".join(word if len(word) < 60 else f"{word[:10]}…" for word in one.words)
    name = f"{shown} {next(iter(one.files.values()))[:60]!r}" if one.files else shown
    with tempfile.TemporaryDirectory() as base:
        machine = Machine(User(Path(base)))
        project = machine.user.project
        (project / ".git").mkdir()
        (project / "bot.py").write_text(REPLY % "pass", "utf-8")
        for file, data in one.files.items():
            (project / file).parent.mkdir(parents=True, exist_ok=True)
            (project / file).write_bytes(data)
        if one.make is not None:
            one.make(project)
        said = machine.say(*one.words)
        wrong = tell_wrong(said, one.codes)
        errors = [line for line in said.own_lines if line.startswith("error: ")]
        hints = [line for line in said.own_lines if re.match(r" *hint: ", line)]
        if not wrong and (len(errors), len(hints)) != (1, 1):
            wrong = f"{len(errors)} errors and {len(hints)} hints: {said.first_line()}"
        return Attempt(one.kind, name, wrong or machine.left())


def main() -> int:
    """Try all and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=2, help="commands beside each other")
    parser.add_argument("--only", default="", help="a kind of input")
    offer_users(parser)
    options = parser.parse_args()
    become(options.who)
    chosen = [one for one in inputs() if options.only in one.kind]
    with ThreadPoolExecutor(options.jobs) as pool:
        return report(pool.map(attempt, chosen))


if __name__ == "__main__":
    sys.exit(main())
