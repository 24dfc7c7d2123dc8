"""The variables that a target sees: the user's own, with every credential replaced by a dummy."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from statecheck.probe.offline import dummy_credentials, is_secret
from statecheck.probe.system import is_loopback
from statecheck.source.kinds import kind_of_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_DUMMY = "sc-dummy"
_OURS = ("STATECHECK_", "VIRTUAL_ENV_PROMPT")
_PAIR = re.compile(r"(?i)\b((?:password|passwd|pwd|token|secret|accountkey|sharedaccesskey|sig)=)[^&;\s]+")
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_DEFAULT_PORTS = {"redis": 6379, "rediss": 6379, "valkey": 6379, "postgres": 5432, "postgresql": 5432, "mysql": 3306,
                  "mongodb": 27017, "http": 80, "https": 443, "amqp": 5672}  # fmt: skip


def target_environment(ambient: Mapping[str, str], given: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What a worker's environment is.

    Args:
        ambient: the variables that statecheck itself was started with.
        given: from `--env`: handed over as they are.
    """
    scrubbed = {
        name: _DUMMY if is_secret(name) else _without_password(value)
        for name, value in ambient.items()
        if not name.startswith(_OURS)
    }
    scrubbed.update(dummy_credentials(scrubbed))
    scrubbed["PYTHONDONTWRITEBYTECODE"] = "1"
    scrubbed["PYTHONUNBUFFERED"] = "1"
    return {**scrubbed, **dict(given)}


def _without_password(value: str) -> str:
    """A URL's password replaced; anything else as it is."""
    value = _PAIR.sub(rf"\g<1>{_DUMMY}", value)
    if not _SCHEME.match(value) or "@" not in value:
        return value
    head, _, tail = value.partition("://")
    credentials, _, rest = tail.rpartition("@")
    user, separator, _ = credentials.partition(":")
    return f"{head}://{user}:{_DUMMY}@{rest}" if separator else f"{head}://{_DUMMY}@{rest}"


def handed_over(given: Iterable[tuple[str, str]]) -> tuple[tuple[str, int, str], ...]:
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
