"""Prepares the lab of one run: what the target runs in, the services that it finds, the libraries that it imports."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from statecheck.errors import StatecheckError
from statecheck.lab.deployment import Deployment, read_deployment, read_threads
from statecheck.lab.environment.masking import Masking, encode_files, find_masks
from statecheck.lab.environment.placeholders import fill_placeholders, name_host, take_kept_paths
from statecheck.lab.environment.telemetry import silence_telemetry
from statecheck.lab.environment.variables import find_handed_over
from statecheck.lab.services.relays import open_relays
from statecheck.lab.snapshot import take_snapshot
from statecheck.lab.workers.copies import check_copies
from statecheck.lab.workers.launch import isolate
from statecheck.lab.workers.pool import Lab, make_too_long, make_warm_request
from statecheck.lab.workers.readiness import START_SECONDS
from statecheck.options.config import TURN_SECONDS
from statecheck.probe.frameworks import by_name
from statecheck.source.code.hashing import hashes
from statecheck.source.code.imports import third_party
from statecheck.source.code.tree import SourceTree
from statecheck.source.code.uses import calls_method
from statecheck.source.handlers.accounts import find_passwords
from statecheck.source.handlers.claims import find_claims
from statecheck.source.project.deploy import find_working_folder
from statecheck.source.project.project_files import ProjectFiles
from statecheck.source.project.schemas import read_schema_scripts
from statecheck.source.project.services import find_services
from statecheck.source.project.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from statecheck.lab.recording import Recording
    from statecheck.lab.workers.launch import Launched
    from statecheck.options.config import Options
    from statecheck.target.resolve import Target

_SERVERS = (
    "uvicorn",
    "uvicorn.protocols.http.auto",
    "uvicorn.lifespan.on",
    "waitress.server",
    "aiosqlite",
)
_RUN_SECONDS = 300.0
_LAST_SECONDS = 60.0  # for what was begun before
# By name, as what is above the lab may not be named by it: httpx brings httpcore with its first client only.
_NEEDED_NEXT = (
    "httpx",
    "httpcore",
    "http.cookies",
    "encodings.idna",
    "statecheck.talk.planning",
    "referencing.jsonschema",
    "statecheck.judge.verdict",
)


@dataclass(frozen=True, slots=True)
class Bench:
    """A lab that is ready for a target's workers, and what was read of the target's project.

    Attributes:
        tree, files: the project's Python and its other files, each read once.
        deployment: what the project's files say of how it is deployed.
    """

    recording: Recording
    lab: Lab
    tree: SourceTree
    files: ProjectFiles
    deployment: Deployment


@contextmanager
def prepare(recording: Recording, launched: Launched, *, keep: bool = False) -> Iterator[Bench]:
    """Read a target's project and make a lab ready for it; afterwards nothing of the run is left, or all of it ends.

    Args:
        recording: of the run; it gets the notes, the versions and, in the end, the workers' output.
        launched: the warm parent, by `launch`, just before; it is the caller's to stop, where it is not kept.
        keep: leave the warm parent running for another target, where it could be isolated by namespaces.

    Raises:
        StatecheckError: the warm parent cannot be started or isolated, or a service cannot be provided.
        KeyboardInterrupt: after everything was stopped.
    """
    recording.progress("importing libraries")
    target = recording.target
    lab: Lab | None = None
    wanted, begun = keep, launched
    try:
        tree = SourceTree.of(target)
        files = ProjectFiles(target.project, tree.sources)
        modules = third_party(target, tree)
        launched = isolate(launched, target.project)
        threads, notes = read_threads(files, target.framework)
        recording.polls = calls_method(tree, by_name(target.framework).polls)
        recording.notes += [*launched.notes, *filter(None, [target.why]), *notes]
        folder = find_working_folder(files, target.path) or target.project
        lab = _open_lab(recording, launched, tree, folder, threads)
        run_seconds = _RUN_SECONDS * recording.options.timeout_scale
        lab.watch(run_seconds, _LAST_SECONDS)
        _provide(recording, lab, launched, tree, files, modules)
        with ThreadPoolExecutor(1) as pool:
            warming = pool.submit(lab.warm, _to_warm(modules))
            try:
                for module in _NEEDED_NEXT:  # takes a while, and the warm parent is busy with the same on another core
                    import_module(module)
                deployment = read_deployment(files, tree, target, recording.options.volumes)
                before = take_snapshot(target.project, deployment.volumes)
                lab.files_kept, lab.stand_ins = list(deployment.files), deployment.stand_ins
                lab.host_name = deployment.host_name
                recording.workers, recording.own_disks = deployment.workers, deployment.own_disks
                masking = _find_masks(recording, launched, tree)
                recording.versions = warming.result()["versions"]
                lab.watch(run_seconds, _LAST_SECONDS)  # libraries have a limit of their own
            except BaseException:
                lab.abort()  # an import that hangs would be waited for
                raise
        lab.ask({"do": "mask", "files": encode_files(masking.files), "emptied": []})
        recording.secrets |= masking.secrets
        recording.notes += [*deployment.notes, *masking.notes(target.project)]
        yield Bench(recording, lab, tree, files, deployment)
        before.check(target.project)
        if lab.fresh:
            recording.notes.append("its libraries start threads when imported, so workers were started afresh")
    except StatecheckError as error:
        keep = False
        if lab is not None and lab.expired:
            raise make_too_long(TURN_SECONDS * recording.options.timeout_scale) from error
        raise
    except BaseException:
        keep = False
        launched.end()  # somebody waits, and nothing more is wanted of it
        raise
    finally:
        if lab is None:
            launched.stop()
        else:
            recording.outputs = {worker.generation: worker.output() for worker in lab.workers}
            recording.outputs |= {0: launched.last_words} if launched.last_words else {}
            if keep and launched.isolation == "namespace":
                lab.leave()
            else:
                lab.close()
                if wanted or launched is not begun:  # nobody else waits for it
                    launched.stop()


def warm_ahead(launched: Launched, target: Target, options: Options) -> None:
    """Let a warm parent import the target's libraries at once, where nothing has to be done before.

    Servers are forked from it while it is small, and start while it imports; so they come first where there are any.

    Raises:
        StatecheckError: the target's files cannot be read.
    """
    tree = SourceTree.of(target)
    files = ProjectFiles(target.project, tree.sources)
    surroundings = launched.surroundings
    if (
        options.env
        or surroundings.env_files
        or find_services(tree, files, surroundings.environment, read_settings(tree))
    ):
        return
    launched.ask_ahead(make_warm_request(_to_warm(third_party(target, tree)), _find_roots(target)))


def _to_warm(modules: tuple[str, ...]) -> tuple[str, ...]:
    return (*modules, *_SERVERS)


def _find_roots(target: Target) -> list[str]:
    """The folders in which the user's own code lies."""
    return list(dict.fromkeys((str(target.project), str(target.root))))


def _open_lab(recording: Recording, launched: Launched, tree: SourceTree, folder: Path, threads: int) -> Lab:
    target = recording.target
    request = {
        **_spawn_request(target, folder),
        "environment": dict(launched.surroundings.environment),
        "lent": launched.surroundings.lent,
        "seeded": hashes(tree),
        "claims": find_claims(tree),
        "passwords": find_passwords(tree, launched.surroundings.environment),
        "threads": threads,
    }
    seconds = START_SECONDS * max(1.0, recording.options.timeout_scale)  # of our own work: no reason to hurry it
    return Lab(launched, request, seconds, f"{target.module}-{time.monotonic_ns()}")


def _spawn_request(target: Target, folder: Path) -> dict[str, object]:
    """What every spawn says of the target, and of the folder in which it runs."""
    return {
        "module": target.module,
        "path_file": str(target.path),
        "object": target.object,
        "framework": target.framework,
        "arguments": target.arguments,
        "root": str(target.root),
        "cwd": str(folder),
        "roots": _find_roots(target),
    }


def _provide(
    recording: Recording,
    lab: Lab,
    launched: Launched,
    tree: SourceTree,
    files: ProjectFiles,
    modules: tuple[str, ...],
) -> None:
    """Give the target the services and the variables that it cannot do without."""
    given, services = recording.options.env, recording.services
    if launched.isolation == "namespace":
        recording.notes += open_relays(lab, given)
    else:
        lab.handed_over = [port for _, port, _ in find_handed_over(given)]
        recording.notes += check_copies(recording.target.project)
    read = read_settings(tree)
    lab.environment.update(name_host(read, lab.environment, files))
    named = find_services(tree, files, lab.environment, read)
    scripts = read_schema_scripts(tree, recording.target.project) if named else ()
    services.provide(lab, named, given, lab.environment, scripts)
    lab.environment.update(services.environment)
    kept, told = take_kept_paths(read, lab.environment, files)
    lab.environment.update(kept)
    values, notes = fill_placeholders(read, modules, lab.environment, files, services.lacking())
    lab.environment.update(values)
    quiet, silenced = silence_telemetry(modules, dict(given))
    lab.environment.update(quiet)
    recording.notes += services.notes + told + notes + silenced
    if launched.surroundings.env_files:
        from statecheck.lab.environment.env_files import mask_secrets

        settled = {**dict(given), **services.environment}
        masked = encode_files(mask_secrets(launched.surroundings.env_files, settled))
        lab.ask({"do": "mask", "files": masked, "emptied": []})


def _find_masks(recording: Recording, launched: Launched, tree: SourceTree) -> Masking:
    """Find the credentials that the target's workers are not to read."""
    target, options = recording.target, recording.options
    folders = dict.fromkeys((target.project, target.root, *launched.surroundings.folders))
    settled = {**dict(options.env), **recording.services.environment}
    return find_masks(folders, options.env_files, settled, tree.sources.say)
