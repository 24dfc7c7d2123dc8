"""The commands: each reads its arguments, calls one function, writes one report and returns its exit code.

The engine is imported inside the commands, so that `list`, `explain` and completion stay quick.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from statecheck.cli import arguments as arg
from statecheck.cli.exit_codes import exit_code, run_code
from statecheck.errors import ExitCode, StatecheckError

if TYPE_CHECKING:
    from statecheck.cli.console import Screen
    from statecheck.model import Diagnosis
    from statecheck.options.config import Options

_EPILOG = """\b
Exit codes:
  0    clean
  1    findings at or above --fail-on, or an unexpected diagnosis
  2    usage: a missing or unreadable target, an unknown option
  3    statecheck failed, or the disk is full
  4    inconclusive: the target could not be judged
  5    nothing to do
  130  interrupted
"""

# Typer gives its own flags no default, and loads pydantic, a third of our start-up, to make a bool of that.
_OFF = {"help": False, "install_completion": False, "show_completion": False}

app = typer.Typer(
    name="statecheck",
    help="Reproduces lost conversation state in LlamaIndex apps, names the cause and points at the line.",
    epilog=_EPILOG,
    rich_markup_mode=None,  # plain help: nothing colours a pipe, GITHUB_ACTIONS or not
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "default_map": {**_OFF, "list": _OFF, "clean": _OFF}},
)


def _version(asked: bool) -> None:
    if asked:
        from statecheck.version import version

        typer.echo(version())
        raise typer.Exit


@app.callback(invoke_without_command=True)
def statecheck(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback answers
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    debug: Annotated[  # noqa: ARG001 - main() takes it, wherever it stands
        bool, typer.Option("--debug", help="Show a traceback if statecheck itself fails.")
    ] = False,
) -> ExitCode | None:
    """Reproduces lost conversation state in LlamaIndex apps, names the cause and points at the line."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(ExitCode.USAGE)
    return None


@app.command()
def run(
    names: arg.Names = None,
    every: arg.All = False,
    kind: arg.Kind = None,
    python: arg.Python = None,
    timeout: arg.Timeout = None,
    seed: arg.Seed = None,
    show_logs: arg.ShowLogs = False,
    style: arg.FormatName = "full",
    output: arg.Output = None,
    color: arg.Color = "auto",
    quiet: arg.Quiet = 0,
    verbose: arg.Verbose = 0,
) -> ExitCode:
    """Reproduce known causes, broken and fixed side by side."""
    from statecheck.options.config import Options
    from statecheck.report import load_format
    from statecheck.scenarios import bundled, runs

    screen = _screen(style, output, color, verbose - quiet)
    chosen = bundled.select(arg.choose_scenarios(names or [], every), kind or ())
    options = Options().override(
        timeout_scale=arg.parse_timeout(timeout), seed=seed, show_logs=show_logs, python=python
    )
    if bundled.ALL_KINDS in (kind or ()) and python is None:
        chosen, lacking = bundled.split_by_needs(chosen)
        for left_out, module in lacking.items():
            screen.say(f"`{left_out}` is left out: it needs `{module}`")
    with screen.progress() as progress:
        results = runs.run(chosen, options, progress)
    for result in results if show_logs else ():
        for diagnosis in (*result.broken, *result.fixed):
            _show_logs(diagnosis, screen)
    screen.report(load_format(style).scenarios(results, screen.view()))
    return run_code(results)


@app.command("list")
def list_() -> ExitCode:
    """List the scenarios, and the kinds that each can show."""
    from statecheck.report import catalogue

    _screen("full", None, "auto", 0).report(catalogue.render())
    return ExitCode.CLEAN


@app.command()
def diagnose(
    context: typer.Context,
    target: arg.Target = None,
    endpoint: arg.Endpoint = None,
    message_field: arg.MessageField = None,
    session_field: arg.SessionField = None,
    python: arg.Python = None,
    app_dir: arg.AppDir = None,
    env: arg.Env = None,
    env_file: arg.EnvFile = None,
    header: arg.Header = None,
    plan: arg.Plan = False,
    write_template: arg.WriteTemplate = False,
    volume: arg.Volume = None,
    only: arg.Only = None,
    skip: arg.Skip = None,
    timeout: arg.Timeout = None,
    seed: arg.Seed = None,
    show_logs: arg.ShowLogs = False,
    style: arg.FormatName = "full",
    output: arg.Output = None,
    fail_on: arg.FailOn = None,
    color: arg.Color = "auto",
    quiet: arg.Quiet = 0,
    verbose: arg.Verbose = 0,
) -> ExitCode:
    """Say which cause applies to an app, with evidence."""
    from statecheck.diagnose import diagnose as engine
    from statecheck.kept import store
    from statecheck.options import config

    screen = _screen(style, output, color, verbose - quiet)
    options = config.load(target).override(
        endpoint=endpoint,
        message_field=message_field,
        session_field=session_field,
        python=python,
        app_dir=app_dir.absolute() if app_dir else None,
        env=arg.parse_pairs("--env", env, "="),
        env_files=tuple(path.absolute() for path in env_file or ()),
        headers=arg.parse_pairs("--header", header, ":"),
        volumes=tuple(path.absolute() for path in volume or ()),
        only=tuple(only or ()),
        skip=tuple(skip or ()),
        fail_on=fail_on,
        timeout_scale=arg.parse_timeout(timeout),
        seed=seed,
        show_logs=show_logs,
    )
    if not options.selected():
        raise StatecheckError("nothing-selected", "no experiment is left", "drop --skip or --only", ExitCode.NOTHING)
    if plan or write_template:
        return _propose(target, options, screen, style, write=write_template)
    with screen.progress() as progress:
        diagnosis = engine(target, options, progress, context.obj)
    if store.is_elsewhere(diagnosis.run):
        screen.say(f"The project cannot be written to, so the run is kept in {diagnosis.run}")
    return _report(diagnosis, screen, style, options)


@app.command()
def analyze(
    run: arg.Run = None,
    style: arg.FormatName = "full",
    output: arg.Output = None,
    fail_on: arg.FailOn = None,
    color: arg.Color = "auto",
    quiet: arg.Quiet = 0,
    verbose: arg.Verbose = 0,
) -> ExitCode:
    """Judge a kept run again, without the app."""
    from statecheck.diagnose import analyze as engine
    from statecheck.kept import store
    from statecheck.options import config

    screen = _screen(style, output, color, verbose - quiet)
    options = config.load().override(fail_on=fail_on)
    return _report(engine(store.find(run, Path.cwd())), screen, style, options)


@app.command()
def explain(topic: arg.Topic = None, style: arg.Plain = "full") -> ExitCode:
    """Explain a cause, or what an error message points to."""
    from statecheck.report import explanation

    screen = _screen(style, None, "auto", 0)
    screen.report(explanation.render(topic, style))
    return ExitCode.CLEAN


@app.command()
def doctor(python: arg.Python = None, style: arg.Plain = "full") -> ExitCode:
    """Say what in an environment breaks or limits state, and what statecheck can use here."""
    from statecheck.doctor import environment as engine
    from statecheck.report import checkup
    from statecheck.target import interpreters

    chosen = interpreters.named(python, Path.cwd()) if python else interpreters.OWN
    checks = engine.examine(chosen)
    ready = engine.ready(checks)
    screen = _screen(style, None, "auto", 0)
    screen.report(checkup.render(checks, chosen.python, style, ready=ready))
    return ExitCode.CLEAN if ready else ExitCode.INCONCLUSIVE


@app.command()
def schema() -> ExitCode:
    """Print the JSON Schema of `--format json`."""
    from statecheck.report import json

    _screen("json", None, "auto", 0).report(json.schema())
    return ExitCode.CLEAN


@app.command()
def clean() -> ExitCode:
    """Remove the kept runs of the project in this folder."""
    from statecheck.kept import store
    from statecheck.report.text import plural

    _screen("full", None, "auto", 0).say(f"Removed {plural(store.clean(Path.cwd()), 'run')}")
    return ExitCode.CLEAN


def _screen(style: str, output: Path | None, color: str, verbosity: int) -> Screen:
    from statecheck.cli.console import Screen

    if style == "json" and hasattr(sys.stdout, "reconfigure"):  # JSON is UTF-8, whatever the terminal is
        sys.stdout.reconfigure(encoding="utf-8")
    return Screen(output, color, verbosity)


def _report(diagnosis: Diagnosis, screen: Screen, style: str, options: Options) -> ExitCode:
    from statecheck.report import load_format

    if options.show_logs:
        _show_logs(diagnosis, screen)
    screen.report(load_format(style).diagnosis(diagnosis, screen.view()))
    return exit_code(diagnosis, options.fail_on)


def _propose(target: str | None, options: Options, screen: Screen, style: str, *, write: bool) -> ExitCode:
    from statecheck.diagnose import propose
    from statecheck.report import load_format
    from statecheck.report.text import repeat_command
    from statecheck.talk.plan_text import hide_secrets

    if write and options.template is not None:
        raise StatecheckError(
            "template-there", "pyproject.toml has a [tool.statecheck.template]", "edit it there, or take it out first"
        )
    with screen.progress() as progress:
        proposal = propose(target, options, progress)
    if write and proposal.plans:
        from statecheck.options import config, template_text

        file = config.find(Path.cwd()) or Path.cwd() / "pyproject.toml"
        screen.report(template_text.write_template(hide_secrets(proposal.plans[0]), file))
        screen.say(
            f"Written to {file.name}: edit it where a request is not right; next: {repeat_command(proposal.target)}"
        )
        return ExitCode.CLEAN
    screen.report(load_format(style).proposal(proposal, screen.view()))
    return ExitCode.CLEAN if proposal.plans else ExitCode.INCONCLUSIVE


def _show_logs(diagnosis: Diagnosis, screen: Screen) -> None:
    from statecheck.kept import store

    for name, text in store.logs(Path(diagnosis.run)) if diagnosis.run else ():
        screen.show_log(name, text)
