"""Which addresses are this machine's own: nothing else may be reached."""

from __future__ import annotations

_LOOPBACK = ("localhost", "::1", "0.0.0.0", "::", "")  # noqa: S104 - a client that connects there reaches itself


def is_loopback(host: str) -> bool:
    """Whether a host, as an app gives it, is this machine."""
    return host.lower() in _LOOPBACK or host.startswith(("127.", "::ffff:127."))
