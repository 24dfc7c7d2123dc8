"""`statecheck doctor`: what in an environment breaks or limits state, and what statecheck can use here.

What stores keep is tried, not looked up; a pin is only named where its version is what differs.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from statecheck.judge.evidence.mends import FIRST_THAT_LOSES, MEMORY_IN_RAM
from statecheck.lab.environment.variables import target_environment
from statecheck.probe.bootstrap import command
from statecheck.probe.checkup import SERVERS
from statecheck.probe.frameworks import FRAMEWORKS
from statecheck.target.interpreters import OWN, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from statecheck.target.interpreters import Interpreter

_SECONDS = 90.0
Status = Literal["good", "limit", "bad"]


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report.

    Attributes:
        group: its heading.
        status: `good`, `limit` (works, with a catch) or `bad` (loses data, or stops statecheck).
        text: what was found.
        hint: what mends it, or "".
        needed: statecheck cannot diagnose here while it is bad.
    """

    group: str
    name: str
    status: Status
    text: str
    hint: str = ""
    needed: bool = False


def examine(interpreter: Interpreter) -> tuple[Check, ...]:
    """Look at an interpreter's environment and at this machine.

    Raises:
        StatecheckError: the interpreter cannot be started, or its libraries hang.
    """
    report = _report(interpreter)
    packages, trials = report["packages"], report["trials"]
    return (
        *_interpreter(interpreter.python, report["python"], packages),
        *_stores(packages, trials),
        *_drivers(packages),
        *_frameworks(packages),
        *_machine(),
    )


def ready(checks: Sequence[Check]) -> bool:
    """Whether statecheck can diagnose apps of this environment."""
    return not any(check.needed and check.status == "bad" for check in checks)


def _report(interpreter: Interpreter) -> dict[str, Any]:
    environment = {**target_environment(os.environ, (), interpreter), "IS_TESTING": "1"}
    read_end, write_end = os.pipe()
    try:
        done = subprocess.run(
            [interpreter.python, "-c", command("checkup", str(write_end))],
            pass_fds=[write_end],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        os.close(read_end)
        why = "its libraries hang" if isinstance(error, subprocess.TimeoutExpired) else str(error)
        raise refusal(interpreter.python, why) from error
    finally:
        os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        written = pipe.read()
    try:
        found: dict[str, Any] = json.loads(written)
    except ValueError as error:
        said = done.stderr.strip().splitlines()[-1:] or [f"it ended with {done.returncode}"]
        raise refusal(interpreter.python, said[0]) from error
    return found


def _interpreter(python: str, version: str, packages: Mapping[str, str]) -> list[Check]:
    group = "interpreter"
    new_enough = _number(version) >= (3, 10)
    core = packages.get("llama-index-core")
    return [
        Check(group, "python", "good" if new_enough else "bad", f"Python {version} ({python})", needed=True),
        Check(group, "llama-index-core", "good", f"llama-index-core {core}", needed=True)
        if core
        else Check(
            group,
            "llama-index-core",
            "bad",
            "LlamaIndex is not installed there",
            "name the interpreter that runs the app: statecheck doctor --python .venv/bin/python",
            needed=True,
        ),
    ]


# What a trial that kept nothing means: what is lost, the package to blame, its first version that loses, what mends it.
_TRIALS: dict[str, tuple[str, str, str, str]] = {
    "snapshot": (
        "`ChatMemoryBuffer.to_dict()`, and `agent.run(ctx=ctx)` after the first run",
        "pydantic",
        "2.14",
        "pip install 'pydantic<2.14'",
    ),
    "persist": ("`SimpleChatStore.persist()`", "pydantic", "2.14", "pip install 'pydantic<2.14'"),
    "context": (
        "a `Memory` inside a `Context` that is run again",
        "",
        "",
        "pass `memory=` to every run, kept outside the Context",
    ),
    "overlap": (
        "messages of a default `Memory` that is used by several requests at once",
        "SQLAlchemy",
        ".".join(map(str, FIRST_THAT_LOSES)),
        MEMORY_IN_RAM,
    ),
    "cold-start": (
        "the first messages of a new store, when two come at once",
        "",
        "",
        "touch the store once at start-up, before requests come: `await memory.aget_all()`",
    ),
}


def _stores(packages: Mapping[str, str], trials: Mapping[str, Mapping[str, Any]]) -> list[Check]:
    group = "stores"
    found = []
    for name, trial in trials.items():
        what, package, since, mends = _TRIALS[name]
        if trial["kept"]:
            found.append(Check(group, name, "good", f"kept: {what} ({trial['said']})"))
            continue
        if trial["kept"] is None:
            found.append(Check(group, name, "limit", f"could not be tried: {what} ({trial['said']})"))
            continue
        version = packages.get(package, "")
        to_blame = bool(version) and _number(version) >= _number(since)
        by = f" with {package} {version}" if to_blame else ""
        hint = mends if to_blame or not package else "no version is known to mend it: keep the messages in a database"
        found.append(Check(group, name, "bad", f"lost{by}: {what} ({trial['said']})", hint))
    if trials:
        found.append(
            Check(
                group,
                "default-memory",
                "limit",
                "in memory by default: `Memory` and chat engines (SQLite `:memory:`), `ChatMemoryBuffer`, `Context`"
                + "".join(f", {name}" for name in _forgetful(packages)),
                "name a database and a session: `Memory.from_defaults(session_id=..., async_database_uri=...)`",
            )
        )
    return found


def _forgetful(packages: Mapping[str, str]) -> list[str]:
    """Return what keeps its state in memory by default, of the frameworks that are there."""
    there = (framework for framework in FRAMEWORKS if any(name in packages for name in framework.installed_as))
    return [framework.forgets for framework in there if framework.forgets]


_DRIVERS = (
    ("aiosqlite", "SQLAlchemy", "`Memory` on SQLite, its default"),
    ("redis", "llama-index-storage-chat-store-redis", "`RedisChatStore`"),
    ("asyncpg", "llama-index-storage-chat-store-postgres", "`PostgresChatStore`"),
)


def _drivers(packages: Mapping[str, str]) -> list[Check]:
    group = "drivers"
    found = []
    for driver, user, what in _DRIVERS:
        if driver in packages:
            found.append(Check(group, driver, "good", f"{driver} {packages[driver]}"))
        elif user in packages:
            found.append(Check(group, driver, "bad", f"{driver} is missing: {what} needs it", f"pip install {driver}"))
    return found


def _frameworks(packages: Mapping[str, str]) -> list[Check]:
    driven = [name for framework in FRAMEWORKS if framework.adapter for name in framework.installed_as]
    there = [f"{name} {packages[name]}" for name in driven if name in packages]
    servers = [f"{name} {packages[name]}" for name in SERVERS if name in packages]
    said = f"driven as they are: {', '.join(there)}" if there else "no framework; plain callables are driven"
    lent = "no server: statecheck lends uvicorn or waitress to the app"
    return [
        Check("frameworks", "frameworks", "good", said),
        Check("frameworks", "servers", "good", f"servers: {', '.join(servers)}" if servers else lent),
    ]


def _machine() -> list[Check]:
    return [_isolation(), *_services()]


def _isolation() -> Check:
    """Whether a run gets namespaces: by making them, as a run does."""
    from statecheck.lab.environment.surroundings import Surroundings
    from statecheck.lab.workers.launch import launch

    launched = launch(Surroundings((Path.cwd(),), OWN, target_environment(os.environ, (), OWN)))
    why = next(iter(launched.notes), "")
    try:
        launched.greet()
    except OSError as error:
        why = str(error)
    finally:
        launched.stop()
    if launched.isolation == "namespace" and not why:
        return Check(
            "this machine", "isolation", "good", "namespaces: no network, disks of layers, nothing left behind"
        )
    return Check(
        "this machine",
        "isolation",
        "limit",
        f"no namespaces: {why}; apps run in copies of the project under a warden",
        "writes to absolute paths outside the project are then real, and make a diagnosis inconclusive",
    )


def _services() -> list[Check]:
    from statecheck.lab.services.programs import find

    found = []
    for kind in ("redis", "postgres", "mongodb"):
        binary = find(kind)
        if binary:
            found.append(Check("this machine", kind, "good", f"throwaway {kind} server: {binary.label}"))
        else:
            hint = f"pip install 'statecheck[{kind}]'"
            found.append(Check("this machine", kind, "limit", f"no {kind} server for apps that name one", hint))
    return found


def _number(version: str) -> tuple[int, ...]:
    """`2.14.3` as (2, 14, 3); what is no number ends it."""
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:3])
