"""The variables that a target sees: the user's own, for its interpreter, with every credential replaced by a dummy."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from statecheck.credentials import dummies
from statecheck.probe.addresses import is_loopback
from statecheck.probe.frameworks import FRAMEWORKS
from statecheck.probe.offline import DUMMY, dummy_credentials
from statecheck.source.project.service_kinds import kind_of_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from statecheck.target.interpreters import Interpreter

_OURS = ("STATECHECK_", "VIRTUAL_ENV_PROMPT")
_QUIET = {
    **{name: value for framework in FRAMEWORKS for name, value in framework.environment},
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}
"""What keeps frameworks from reporting home."""
_LONE_USER = re.compile(r"(?i)^([a-z][a-z0-9+.-]*://)[^:@/?#]+@(?=[^@]*$)")
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_DEFAULT_PORTS = {"redis": 6379, "rediss": 6379, "valkey": 6379, "postgres": 5432, "postgresql": 5432, "mysql": 3306,
                  "mongodb": 27017, "http": 80, "https": 443, "amqp": 5672}  # fmt: skip


def target_environment(
    ambient: Mapping[str, str], given: Iterable[tuple[str, str]], interpreter: Interpreter
) -> dict[str, str]:
    """What a worker's environment is.

    Args:
        ambient: the variables that statecheck itself was started with.
        given: from `--env`: handed over as they are.
        interpreter: the target's.
    """
    environment = {
        name: scrub_value(name, value)
        for name, value in _for_interpreter(ambient, interpreter).items()
        if not name.startswith(_OURS)
    }
    environment.update(dummy_credentials(environment))
    environment.update(_QUIET)
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    environment["PYTHONUNBUFFERED"] = "1"
    return {**environment, **dict(given)}


def scrub_value(name: str, value: str) -> str:
    """A variable's value, with a dummy for a secret: the whole of it, or a part such as the password in a URL."""
    return _without_user(dummies.scrub_value(name, value))


def _for_interpreter(ambient: Mapping[str, str], interpreter: Interpreter) -> dict[str, str]:
    """What `activate` of the interpreter's environment makes of the variables, without what is for statecheck's own."""
    changed = dict(ambient)
    if interpreter.own:
        return changed
    for name in ("PYTHONHOME", "PYTHONEXECUTABLE", "__PYVENV_LAUNCHER__"):  # of one installation of Python
        changed.pop(name, None)
    if changed.get("CONDA_PREFIX") == sys.prefix:
        del changed["CONDA_PREFIX"]
    left = [str(Path(sys.prefix, "bin"))] if sys.prefix != sys.base_prefix else []
    left += [str(Path(old, "bin")) for old in [changed.pop("VIRTUAL_ENV", "")] if old]
    path = [entry for entry in changed.get("PATH", os.defpath).split(os.pathsep) if entry.rstrip("/") not in left]
    if interpreter.folder is not None:
        path.insert(0, str(interpreter.folder / "bin"))
        is_virtual = (interpreter.folder / "pyvenv.cfg").is_file()
        changed["VIRTUAL_ENV" if is_virtual else "CONDA_PREFIX"] = str(interpreter.folder)
    changed["PATH"] = os.pathsep.join(path)
    added = [entry for entry in changed.pop("PYTHONPATH", "").split(os.pathsep) if entry and not _is_ours(entry)]
    added[:0] = map(str, interpreter.libraries)
    return {**changed, "PYTHONPATH": os.pathsep.join(added)} if added else changed


def _is_ours(folder: str) -> bool:
    """Whether a folder on the path is for statecheck itself: it holds it, or belongs to its interpreter."""
    place = Path(folder).resolve()
    installed = [Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "purelib", "platlib")]
    return (place / "statecheck" / "probe").is_dir() or any(map(place.is_relative_to, installed))


def _without_user(value: str) -> str:
    """A URL whose user is all that it is entered by, as a token is; anything else as it is."""
    found = _LONE_USER.match(value)
    return f"{found[1]}{DUMMY}@{value[found.end() :]}" if found else value


def find_handed_over(given: Iterable[tuple[str, str]]) -> tuple[tuple[str, int, str], ...]:
    """Loopback services that were handed over by URL: (host, port, kind), each once; the kind may be unknown, ""."""
    found: dict[tuple[str, int], str] = {}
    for _, value in given:
        if not _SCHEME.match(value):
            continue
        try:
            parts = urlsplit(value)
            port = parts.port or _DEFAULT_PORTS.get(parts.scheme.partition("+")[0])
        except ValueError:
            continue
        if port and parts.hostname and is_loopback(parts.hostname):
            kind = kind_of_url(value)
            found[parts.hostname, port] = kind.name if kind else ""
    return tuple((host, port, kind) for (host, port), kind in found.items())
