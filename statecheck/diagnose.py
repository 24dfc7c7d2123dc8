"""The pipeline: resolve the target, read it, plan the talk, run the experiments, judge, keep; or judge a kept run."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from statecheck.kept.meta import RunMeta
from statecheck.kept.redaction import Redaction, find_ambient_secrets
from statecheck.kept.runs import KeptRun, keep_run, read_run
from statecheck.model import Anchor, Diagnosis, TargetName
from statecheck.talk.plan import Proposal
from statecheck.talk.plan_text import describe, hide_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from statecheck.lab.head_start import HeadStart
    from statecheck.lab.recording import Recording
    from statecheck.lab.workers.launch import Launched
    from statecheck.options.config import Options
    from statecheck.target.resolve import Target


def diagnose(
    spec: str | None, options: Options, progress: Callable[[str], None], early: HeadStart | None = None
) -> Diagnosis:
    """Say which cause applies to a target.

    Args:
        spec: as the user typed it; None to look below the working directory.
        progress: called with what is being done, a few words each time.
        early: what was begun for this target before the options were read.

    Raises:
        StatecheckError: the target cannot be read or named, or the run cannot be kept (full disk).
    """
    from statecheck.target.resolve import resolve

    target = early.resolved(spec, options.app_dir) if early else None
    target = target or resolve(spec, Path.cwd(), options.app_dir)
    return diagnose_target(target, options, progress, target.project, early)


def diagnose_target(
    target: Target, options: Options, progress: Callable[[str], None], home: Path, early: HeadStart | None = None
) -> Diagnosis:
    """As `diagnose`, for a target that is resolved; the run is kept below `home`."""
    _check_named(target, options)
    launched, options = _launch(target, options, early)
    return diagnose_in(launched, target, options, progress, home)


def diagnose_in(
    launched: Launched,
    target: Target,
    options: Options,
    progress: Callable[[str], None],
    home: Path,
    *,
    keep: bool = False,
) -> Diagnosis:
    """As `diagnose_target`, in a warm parent that is there; `keep` leaves it for another target."""
    started = time.monotonic()
    with _ending(launched, keep=keep):  # late imports: the warm parent starts meanwhile
        from statecheck.lab.conversation import find_conversation
        from statecheck.lab.preparation import prepare
        from statecheck.lab.recording import Recording
        from statecheck.lab.runner import run_experiments

        with Recording(target, options, progress) as recording, prepare(recording, launched, keep=keep) as bench:
            setting = find_conversation(bench)
            run_experiments(recording, setting)
        from statecheck.judge.verdict import judge

        recorded = KeptRun(_meta(recording), recording.results.histories, recording.outputs)
        run = _redaction(recording).run(recorded)
        diagnosis = judge(run.meta, run.histories)
        folder = keep_run(run, home)
    return replace(diagnosis, run=folder.name, seconds=time.monotonic() - started)


def propose(spec: str | None, options: Options, progress: Callable[[str], None]) -> Proposal:
    """Say how a client would talk to a target, and why: it is loaded, but no turn is sent.

    Raises:
        StatecheckError: the target cannot be read or named.
    """
    from statecheck.target.resolve import resolve

    target = resolve(spec, Path.cwd(), options.app_dir)
    _check_named(target, options)
    launched, options = _launch(target, options)
    with _ending(launched):
        from statecheck.lab.conversation import find_plans
        from statecheck.lab.preparation import prepare
        from statecheck.lab.recording import Recording

        with Recording(target, options, progress) as recording, prepare(recording, launched) as bench:
            find_plans(bench)
    redaction = _redaction(recording)
    meta = redaction.meta(_meta(recording))
    plans = tuple(map(redaction.plan, recording.plans))
    return Proposal(meta.target, plans, tuple(meta.problems.values()), meta.notes)


def analyze(run: Path) -> Diagnosis:
    """Judge a stored run again, without the app.

    Raises:
        StatecheckError: the folder holds no run of this version, or is damaged.
    """
    from statecheck.judge.verdict import judge

    with _uncollected():
        kept = read_run(run)
        return replace(judge(kept.meta, kept.histories), run=_relative(run, Path.cwd()))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Put off the search for garbage that refers to itself: ops do not, and each search goes through all of them."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _check_named(target: Target, options: Options) -> None:
    """Refuse what options name and the source does not have, before the app is imported.

    Raises:
        StatecheckError: there is no such endpoint, or no such field.
    """
    if options.endpoint or options.message_field or options.session_field:
        from statecheck.talk.named import check_named
        from statecheck.talk.plan import Overrides

        said = Overrides(options.endpoint, options.message_field, options.session_field, (), options.template)
        check_named(target, said)


def _launch(target: Target, options: Options, early: HeadStart | None = None) -> tuple[Launched, Options]:
    """Start a target's warm parent; return it, and the options as its surroundings complete them."""
    from statecheck.lab.environment.surroundings import surroundings_of
    from statecheck.lab.workers.launch import launch

    surroundings, options = surroundings_of(target, options)
    return (early.take(surroundings) if early else None) or launch(surroundings), options


@contextmanager
def _ending(launched: Launched, *, keep: bool = False) -> Iterator[None]:
    """Wait in the end until nothing of the run is left, however it went; or, where all went well, `keep` it."""
    try:
        with _interrupted_at_once(launched):
            yield
    except BaseException:
        keep = False
        raise
    finally:
        if not keep:
            launched.stop()


@contextmanager
def _interrupted_at_once(launched: Launched) -> Iterator[None]:
    """At Ctrl-C end the run first: whatever is done on the way out then finds it gone, and waits for nothing of it.

    Raises:
        KeyboardInterrupt: that was pressed, whatever else the way out met.
    """
    pressed = False

    def end(_number: int, _frame: object) -> None:
        nonlocal pressed
        pressed = True
        launched.end()
        raise KeyboardInterrupt

    heeded = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # a side of a scenario leaves it to others
    if heeded and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, end)
    else:
        heeded = False
    try:
        yield
    except Exception as error:
        if pressed:
            raise KeyboardInterrupt from error
        raise
    finally:
        if heeded:
            signal.signal(signal.SIGINT, signal.default_int_handler)
    if pressed:
        raise KeyboardInterrupt  # it fell into what ignores exceptions, such as a finalizer


def _redaction(recording: Recording) -> Redaction:
    """What takes out of a run the secrets that were handed over, and the user's own should they be in it."""
    options = recording.options
    return Redaction(options.env, options.headers, (*find_ambient_secrets(os.environ), *recording.secrets))


def _meta(recording: Recording) -> RunMeta:
    """All that is judged beside the histories."""
    plan, results, target = recording.plan, recording.results, recording.target
    path = _relative(target.path, target.project)
    return RunMeta(
        TargetName(path, recording.object, recording.framework),
        handler=plan.handler if plan and plan.handler else Anchor(path, 1),
        plan=hide_secrets(plan) if plan else None,
        talk=describe(plan) if plan else "",
        skipped=results.skipped,
        problems=results.problems,
        notes=tuple(recording.notes),
        versions=recording.versions,
        workers=recording.workers,
        own_disks=recording.own_disks,
        polls=recording.polls,
        seed=recording.seed,
        ops={name: len(history.ops) for name, history in results.histories.items()},
    )


def _relative(path: Path, project: Path) -> str:
    return path.relative_to(project).as_posix() if project in path.parents else path.as_posix()
