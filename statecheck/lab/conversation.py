"""Finds out how a client talks to the target: what a worker reports of the app, the plans for that, and trying them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from statecheck.errors import StatecheckError
from statecheck.lab.client import Markers
from statecheck.lab.environment.placeholders import fill_unset, find_choices_to_try
from statecheck.lab.error_hints import NO_TABLE, Remedies
from statecheck.lab.locating import Locator
from statecheck.lab.scout import Scout
from statecheck.lab.setting import Setting
from statecheck.lab.workers.readiness import START_SECONDS, Limits, wait_until_ready
from statecheck.lab.workers.replies import decode_app_facts
from statecheck.options.config import TURN_SECONDS
from statecheck.source.project.migrations import find_migration
from statecheck.source.project.settings import read_settings
from statecheck.source.project.start_scripts import find_start_resets
from statecheck.talk.plan import Overrides, add_demands
from statecheck.target.virtualenvs import folders_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from statecheck.lab.preparation import Bench
    from statecheck.lab.workers.worker import Worker
    from statecheck.options.config import Options
    from statecheck.source.project.migrations import Migration
    from statecheck.talk.plan import Plan

_DATABASE = re.compile(r"\w://|\b(host|dbname|service)\s*=")

_LOADS_INDEX = ("load_index_from_storage", "persist_dir")
_MOST_INDEXES = 4
_LOADING = ("import-failed", "start-up-failed")
_ANSWERING = ("turn-refused",)  # a client may be made when it is first needed

Found = TypeVar("Found")


def find_plans(bench: Bench) -> tuple[Plan, ...]:
    """Load the target and return how it may be talked to, best first; no turn is sent.

    Raises:
        StatecheckError: the target cannot be loaded, or nothing is found to talk to.
    """
    return _with_what_lacks(bench, lambda: _load(bench)[1])


def find_conversation(bench: Bench) -> Setting:
    """Load the target, try how it may be talked to, and return what all its experiments share.

    Raises:
        StatecheckError: the target cannot be loaded, nothing is found to talk to, or every plan is refused.
    """
    return _with_what_lacks(bench, lambda: _choose(bench))


def _with_what_lacks(bench: Bench, find: Callable[[], Found]) -> Found:
    """Find something; where the app fails, again, with what it may lack: variables, an index, tables."""
    return _with_tables(bench, lambda: _with_indexes(bench, lambda: _with_choices(bench, find)))


def _with_tables(bench: Bench, find: Callable[[], Found]) -> Found:
    """Find something; where tables turn out to be missing, again, with the project's migrations run first."""
    try:
        return find()
    except StatecheckError as error:
        made = _migration_for(bench, error)
        if made is None:
            raise
    _kill_workers(bench)
    bench.lab.migration = made
    note = f"its tables were missing, so `{made.shown}` was tried first, on each new disk"
    bench.recording.notes.append(note)
    return find()


def _with_indexes(bench: Bench, find: Callable[[], Found]) -> Found:
    """Find something; where the app fails and lacks the folder of an index that it loads, again, with an empty one.

    Raises:
        StatecheckError: what is found raises; the first of two errors.
    """
    try:
        return find()
    except StatecheckError as error:
        lacking = _find_lacking_indexes(bench)
        if not lacking:
            raise
        refused = error
    _kill_workers(bench)
    bench.lab.indexes = lacking
    try:
        found = find()
    except StatecheckError:
        bench.lab.indexes = ()
        raise refused from None
    shown = ", ".join(f"`{Path(folder).relative_to(bench.recording.target.project)}`" for folder in lacking)
    bench.recording.notes.append(
        f"an index of one text stands in for what the app loads and what is not there: {shown}"
    )
    return found


def _find_lacking_indexes(bench: Bench) -> tuple[str, ...]:
    """The folders that an app which loads a persisted index has looked for in vain."""
    loads = any(word in module.text for module in bench.tree.modules() for word in _LOADS_INDEX)
    if not loads or bench.lab.isolation != "namespace" or bench.lab.indexes:
        return ()
    missed = dict[str, None]()
    for worker in bench.lab.workers:
        missed |= dict.fromkeys(worker.failed.missed if worker.failed else ())
        missed |= dict.fromkeys(op.where for op in worker.ops() if op.f == "file" and op.action == "miss")
    return find_index_folders(missed, bench.recording.target.project)


def find_index_folders(missed: Iterable[str], project: Path) -> tuple[str, ...]:
    """Return those of the paths that were looked for in vain that may be the folder of an index.

    They lie in the project, are named as folders are, and are not there or have no index.
    """
    folders = dict.fromkeys(path.parent if path.suffix == ".json" else path for path in map(Path, missed))
    inside = [path for path in folders if path != project and path.is_relative_to(project) and not path.suffix]
    named = [path for path in inside if not path.name.startswith(".") and not (path / "docstore.json").exists()]
    return tuple(map(str, named[:_MOST_INDEXES]))


def _with_choices(bench: Bench, find: Callable[[], Found]) -> Found:
    """Find something; where the app fails with what is set, again, with what it may lack and the values that it knows.

    Raises:
        StatecheckError: what is found raises; the first of several errors, or the first of an app that got further.
    """
    try:
        return find()
    except StatecheckError as error:
        if error.slug not in (*_LOADING, *_ANSWERING):
            raise
        refused = error
    further: tuple[StatecheckError, list[str]] | None = None
    environment = bench.lab.environment
    for values, notes in _attempts(bench, choices=refused.slug in _LOADING):
        before = dict(environment)
        environment.update(values)
        _kill_workers(bench)
        try:
            found = find()
        except StatecheckError as error:
            environment.clear()
            environment.update(before)
            if refused.slug in _LOADING and error.slug not in _LOADING:
                further = further or (error, notes)
            continue
        bench.recording.notes += notes
        return found
    if further is not None:
        bench.recording.notes += further[1]
        raise further[0]
    raise refused


def _attempts(bench: Bench, *, choices: bool) -> Iterator[tuple[dict[str, str], list[str]]]:
    """Yield variables to try where the app fails, and what the report says of them; the likeliest first."""
    environment, left = dict(bench.lab.environment), bench.recording.services.lacking()
    unset, notes = fill_unset(read_settings(bench.tree), environment, bench.files, left)
    if unset:
        yield unset, notes
    for values in find_choices_to_try(bench.tree, environment, left) if choices else ():
        listed = ", ".join(f"`{name}={value}`" for name, value in values.items())
        said = f"taken from what the code compares with, as nothing sets it: {listed}"
        yield values, [said]
        if unset:
            yield unset | values, [*notes, said]


def _kill_workers(bench: Bench) -> None:
    for worker in bench.lab.workers:
        bench.lab.kill(worker)


def _migration_for(bench: Bench, error: StatecheckError) -> Migration | None:
    """The project's migration, where an error asks for one and it cannot reach a database of the user's."""
    given = any(_DATABASE.search(value) for _, value in bench.recording.options.env)
    if given or bench.lab.isolation != "namespace" or not NO_TABLE.search(error.text + error.detail):
        return None
    target = bench.recording.target
    return find_migration(folders_of(target.path, target.project))


def _limits(options: Options) -> Limits:
    return Limits(START_SECONDS * options.timeout_scale, TURN_SECONDS * options.timeout_scale)


def _load(bench: Bench) -> tuple[Worker, tuple[Plan, ...]]:
    """Load the target in a worker of the scout's; return that, and the plans."""
    from statecheck.talk.planning import candidates

    recording, lab = bench.recording, bench.lab
    options, project = recording.options, recording.target.project
    recording.progress("looking for the conversation")
    worker = lab.spawn("scout/1", bench.deployment.volumes, listen=True)
    facts = wait_until_ready(worker, _limits(options), Remedies(bench.tree, lab.environment, bench.files))
    app = replace(decode_app_facts(facts, project), environment=lab.environment)
    recording.framework, recording.object = app.framework, app.object
    said = Overrides(options.endpoint, options.message_field, options.session_field, options.headers, options.template)
    recording.plans = tuple(add_demands(plan, app) for plan in candidates(app, bench.tree, said))
    return worker, recording.plans


def _choose(bench: Bench) -> Setting:
    recording, lab = bench.recording, bench.lab
    limits = _limits(recording.options)
    worker, plans = _load(bench)
    setting = Setting(
        lab,
        plans[0],
        Markers(recording.seed),
        limits,
        Remedies(bench.tree, lab.environment, bench.files),
        bench.deployment.volumes,
        Locator(bench.tree, recording.target.project, find_start_resets(bench.files, recording.target.path)),
        "model",
    )
    scouted = Scout(setting, worker).choose(plans)
    recording.plan = scouted.plan
    lab.warm(worker.imported(limits.turn))
    lab.dismiss(worker)
    return replace(setting, plan=scouted.plan, hold=scouted.hold)
