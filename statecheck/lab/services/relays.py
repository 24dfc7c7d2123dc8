"""Relays to the services that were handed over: the target reaches these, and nothing else outside its namespace."""

from __future__ import annotations

import socket
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from statecheck.history import Op
from statecheck.lab.environment.variables import find_handed_over
from statecheck.probe.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Iterable

    from statecheck.lab.workers.pool import Lab
    from statecheck.probe.ops import OpAction

_SECONDS = 5.0  # until a service outside has answered the call


def open_relays(lab: Lab, given: Iterable[tuple[str, str]]) -> list[str]:
    """Open a relay to each loopback service that a variable names; the lab closes them.

    Args:
        lab: whose workers will reach them, and which is told what was said there.
        given: variables that were handed over.

    Returns:
        Notes for the report.
    """
    notes = []
    for host, port, kind in find_handed_over(given):
        said: list[Op] = []
        listener = socket.socket(fileno=lab.listener(host, port))
        relay = Relay(listener, partial(_reach, host, port), kind, partial(_record, said))
        relay.start()
        lab.relays.append(relay)
        lab.sources.append(said.copy)
        notes.append(f"used as given: the service at {host}:{port}")
    return notes


def _reach(host: str, port: int, _client: socket.socket) -> tuple[socket.socket, bytes]:
    outside = socket.create_connection((host, port), timeout=_SECONDS)
    outside.settimeout(None)
    return outside, b""


def _record(ops: list[Op], action: OpAction, where: str, markers: list[str], text: str, words: str) -> None:
    op = Op(time.monotonic_ns(), "ok", "wire", action=action, where=where, text=text, around=words)
    ops.append(replace(op, markers=tuple(markers)))
