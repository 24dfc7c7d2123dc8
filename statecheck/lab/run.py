"""One run of one target: prepares the lab, finds out how to talk, runs the experiments, returns their histories."""

from __future__ import annotations

import re
import secrets
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from statecheck.errors import StatecheckError
from statecheck.history import Op
from statecheck.lab.client import Markers
from statecheck.lab.driver import Setting
from statecheck.lab.environment.placeholders import filled
from statecheck.lab.environment.variables import handed_over
from statecheck.lab.error_hints import NO_TABLE, Remedies
from statecheck.lab.locating import Locator
from statecheck.lab.recorded import Recorded
from statecheck.lab.runner import Runner
from statecheck.lab.scout import Scout
from statecheck.lab.services.throwaway import Services
from statecheck.lab.workers.launch import Launched, isolated
from statecheck.lab.workers.pool import Lab
from statecheck.lab.workers.readiness import Limits, ready
from statecheck.model import Problem
from statecheck.options.config import TURN_SECONDS, Options
from statecheck.probe.frameworks import by_name
from statecheck.probe.relay import Relay
from statecheck.source.code.hashing import hashes
from statecheck.source.code.imports import third_party
from statecheck.source.code.tree import SourceTree
from statecheck.source.project.deploy import count_threads, count_workers, find_volumes
from statecheck.source.project.migrations import migration
from statecheck.source.project.project_files import ProjectFiles
from statecheck.source.project.schemas import schema_scripts
from statecheck.source.project.services import named_services
from statecheck.source.project.settings import settings
from statecheck.talk.plan import AppFacts, Overrides, Route, admitted
from statecheck.target.virtualenvs import folders_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from statecheck.lab.workers.worker import Worker
    from statecheck.probe.ops import OpAction
    from statecheck.target.resolve import Target

_START_SECONDS = 60.0
_RUN_SECONDS = 300.0
_DATABASE = re.compile(r"\w://|\b(host|dbname|service)\s*=")
_SERVERS = ("uvicorn", "uvicorn.protocols.http.auto", "uvicorn.lifespan.on", "waitress.server", "aiosqlite")


def record(
    launched: Launched, target: Target, options: Options, progress: Callable[[str], None], *, keep: bool = False
) -> Recorded:
    """Run the experiments on a target. What goes wrong is in `problems`; nothing of the run is left behind.

    Args:
        launched: by `launch`, just before: it starts while this module is imported.
        keep: leave the warm parent running for another target, where it could be isolated by namespaces.

    Raises:
        KeyboardInterrupt: after everything was stopped.
    """
    seed = options.seed if options.seed is not None else secrets.randbits(31)
    recorded = Recorded(target.framework, target.object or "", seed)
    services = Services()
    try:
        with _lab(launched, target, options, recorded, progress, services, keep=keep) as (lab, tree, files):
            try:
                _with_tables(lab, target, tree, files, options, recorded, progress)
            finally:
                recorded.outputs = {worker.generation: worker.output() for worker in lab.workers}
    except StatecheckError as error:
        recorded.results.problems[""] = Problem(error.slug, error.text, error.hint, error.detail[-4000:])
    problems = recorded.results.problems
    problems.update({name: services.explain(problem) for name, problem in problems.items()})
    services.close()
    return recorded


@contextmanager
def _lab(
    launched: Launched,
    target: Target,
    options: Options,
    recorded: Recorded,
    progress: Callable[[str], None],
    services: Services,
    *,
    keep: bool,
) -> Iterator[tuple[Lab, SourceTree, ProjectFiles]]:
    progress("importing libraries")
    lab: Lab | None = None
    try:
        tree, files = SourceTree.of(target), ProjectFiles(target.project)
        modules = third_party(target, tree)
        launched = isolated(launched, target.project)
        recorded.notes += launched.notes
        seconds = _START_SECONDS * max(1.0, options.timeout_scale)  # of our own work: no reason to hurry it
        environment = dict(launched.surroundings.environment)
        request = _request(target, environment)
        request |= {
            "lent": launched.surroundings.lent,
            "seeded": hashes(tree),
            "threads": _threads(target, files, recorded),
        }
        lab = Lab(launched, request, seconds, f"{target.module}-{time.monotonic_ns()}")
        if launched.isolation == "namespace":
            _relays(lab, options, recorded)
        lab.services = services
        read = settings(tree)
        named = named_services(tree, files, environment, read)
        scripts = schema_scripts(tree, target.project) if named else ()
        services.provide(lab, named, options.env, environment, scripts)
        environment.update(services.environment)
        values, notes = filled(read, modules, environment, files, services.lacking())
        environment.update(values)
        recorded.notes += services.notes + notes
        _mask(lab, launched.surroundings.env_files, {**dict(options.env), **services.environment})
        with ThreadPoolExecutor(1) as pool:
            warming = pool.submit(lab.warm, (*modules, *_SERVERS))
            _import_meanwhile()
            recorded.versions = warming.result()["versions"]
        yield lab, tree, files
        if lab.fresh:
            recorded.notes.append("its libraries start threads when imported, so workers were started afresh")
    except BaseException:
        keep = False
        raise
    finally:
        if lab is None:
            launched.stop()
        elif keep and launched.isolation == "namespace":
            lab.leave()
        else:
            lab.close()


def _mask(lab: Lab, files: tuple[Path, ...], settled: dict[str, str]) -> None:
    """Let the target see the project's files of variables without their secrets, and with what is given for the run."""
    if files:
        from statecheck.lab.environment.env_files import masked

        lab.ask({"do": "mask", "files": masked(files, settled)})


def _import_meanwhile() -> None:
    """What is needed next takes a while to import, and the warm parent is busy with the same on another core."""
    for module in ("httpx", "statecheck.talk.planning"):
        import_module(module)


def _request(target: Target, environment: dict[str, str]) -> dict[str, object]:
    roots = dict.fromkeys((str(target.project), str(target.root)))
    return {
        "module": target.module,
        "path_file": str(target.path),
        "object": target.object,
        "framework": target.framework,
        "root": str(target.root),
        "cwd": str(target.project),
        "roots": list(roots),
        "environment": environment,
    }


def _relays(lab: Lab, options: Options, recorded: Recorded) -> None:
    """Let the target reach the services that were handed over, and nothing else outside its namespace."""
    for host, port, kind in handed_over(options.env):
        listener = socket.socket(fileno=lab.listener(host, port))
        relay = Relay(listener, partial(_reach, host, port), kind, partial(_saw, lab.relayed))
        relay.start()
        lab.relays.append(relay)
        recorded.notes.append(f"used as given: the service at {host}:{port}")


def _reach(host: str, port: int, _client: socket.socket) -> tuple[socket.socket, bytes]:
    outside = socket.create_connection((host, port), timeout=5)
    outside.settimeout(None)
    return outside, b""


def _saw(ops: list[Op], action: OpAction, where: str, markers: list[str], text: str, words: str) -> None:
    op = Op(time.monotonic_ns(), "ok", "wire", action=action, where=where, text=text, around=words)
    ops.append(replace(op, markers=tuple(markers)))


def _with_tables(
    lab: Lab,
    target: Target,
    tree: SourceTree,
    files: ProjectFiles,
    options: Options,
    recorded: Recorded,
    progress: Callable[[str], None],
) -> None:
    """Run the experiments; where tables turn out to be missing, again, with the project's migrations run first."""
    known = list(recorded.notes)
    try:
        _experiments(lab, target, tree, files, options, recorded, progress)
    except StatecheckError as error:
        lacks = NO_TABLE.search(error.text + error.detail)
        made = migration(folders_of(target.path, target.project)) if lacks else None
        given = any(_DATABASE.search(value) for _, value in options.env)  # what they name may be the user's own
        real = lab.isolation != "namespace" or given
        if made is None or real:
            raise
        for worker in lab.workers:
            lab.kill(worker)
        lab.migration = made
        recorded.notes = [*known, f"its tables were missing, so `{made.shown}` was tried first, on each new disk"]
        _experiments(lab, target, tree, files, options, recorded, progress)


def _experiments(
    lab: Lab,
    target: Target,
    tree: SourceTree,
    files: ProjectFiles,
    options: Options,
    recorded: Recorded,
    progress: Callable[[str], None],
) -> None:
    from statecheck.talk.planning import candidates

    scale = options.timeout_scale
    limits = Limits(_START_SECONDS * scale, TURN_SECONDS * scale)
    markers = Markers(recorded.seed)
    deadline = time.monotonic() + _RUN_SECONDS * scale
    volumes = _volumes(files, options, recorded)
    progress("looking for the conversation")
    worker = lab.spawn("scout/1", volumes, listen=True)
    remedies = Remedies(tree, lab.environment, files)
    ready(worker, limits, remedies)
    facts = replace(app_facts(worker, target.project), environment=lab.environment)
    recorded.framework, recorded.object = facts.framework, facts.object
    settled = (options.endpoint, options.message_field, options.session_field, options.headers, options.template)
    plans = tuple(admitted(plan, facts) for plan in candidates(facts, target.project, Overrides(*settled)))
    recorded.plans = plans
    if options.plans_only:
        return
    setting = Setting(lab, plans[0], markers, limits, remedies, volumes, Locator(tree, target.project), "model")
    scouted = Scout(setting, worker).choose(plans)
    recorded.plan = scouted.plan
    lab.warm(worker.imported(limits.turn))
    lab.kill(worker)
    setting = replace(setting, plan=scouted.plan, hold=scouted.hold)
    Runner(setting, options.selected(), recorded.results, recorded.notes, progress, deadline).run()


def _volumes(files: ProjectFiles, options: Options, recorded: Recorded) -> tuple[str, ...]:
    """Paths that outlive a redeploy: those that were named, and those that the project's own deployment names."""
    found = tuple(dict.fromkeys(map(str, (*options.volumes, *find_volumes(files)))))
    if found:
        recorded.notes.append(f"kept across a redeploy (volumes): {', '.join(found)}")
    configured = count_workers(files)
    if configured is not None:
        number, anchor = configured
        recorded.notes.append(f"{anchor} starts {number} {'worker' if number == 1 else 'workers'}")
    return found


def _threads(target: Target, files: ProjectFiles, recorded: Recorded) -> int:
    """How many threads of a WSGI server a worker has where it is deployed; 0 if the project does not say."""
    stated = count_threads(files) if by_name(target.framework).has_threads else None
    if stated is None:
        return 0
    number, anchor = stated
    recorded.notes.append(f"{anchor} gives a worker {number} {'thread' if number == 1 else 'threads'}")
    return number


def app_facts(worker: Worker, project: Path) -> AppFacts:
    """What the probe told of the app, as data. Its own files are told relative to the project."""
    from statecheck.source.openapi import read_operations

    facts = worker.facts or {}
    return AppFacts(
        facts["framework"],
        facts["object"],
        tuple(
            Route(
                route["path"],
                tuple(route["methods"]),
                route["name"],
                _absolute(route["file"], project),
                route["line"],
                route.get("event", ""),
            )
            for route in facts["routes"]
        ),
        read_operations(facts.get("openapi")),
        tuple(facts.get("parameters", ())),
        tuple(facts.get("told", ())),
        _pairs(facts.get("headers", ())),
        _pairs(facts.get("cookies", ())),
    )


def _pairs(listed: Iterable[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in listed)


def _absolute(file: str, project: Path) -> str:
    return str(project / file) if file else ""
