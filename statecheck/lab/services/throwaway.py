"""Throwaway servers for the services that a target names: how it finds them, and what is missing."""

from __future__ import annotations

import os
import re
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from statecheck.errors import ExitCode, StatecheckError
from statecheck.history import decode_lines
from statecheck.lab.services.addresses import DRIVERS, HOST, value_for
from statecheck.lab.services.programs import find
from statecheck.lab.workers.op_file import anonymous_file, read_file
from statecheck.model import Problem
from statecheck.source.project.service_kinds import kind_of_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from statecheck.history import Op
    from statecheck.lab.services.programs import Binary
    from statecheck.lab.workers.pool import Lab
    from statecheck.source.project.services import Named

Given = tuple[tuple[str, str], ...]

_UNREACHED = re.compile(
    r"[Cc]onnection ?[Rr]efused|Connect call failed|Errno 111|ServerSelectionTimeout|lets nothing leave|getaddrinfo"
    r"|[Nn]ame or service not known|name resolution|could not translate host|[Tt]imed? ?out|unreachable"
    r"|BeyondLoopback|OperationalError|ConnectionError|hangs at|was blocked"
)
_NO_TABLE = re.compile(r"relation \"[^\"]+\" does not exist|UndefinedTable")
_AT_ONCE = ("import-failed", "start-up-failed", "turn-refused")  # a store may be slow to make its own, later
_LEADING = ("url", "host")
_NOT_HERE = ("PGSSL", "PGSERVICE", "PGREQUIRE", "PGCHANNELBINDING", "PGTARGETSESSION")  # of libpq, for a real server


@dataclass
class Services:
    """What a run has of services.

    Attributes:
        environment: variables that lead the target to them.
        missing: (service, why there is none, hint) of those that could not be had.
        notes: what was provided and what was not, for the report.
    """

    environment: dict[str, str] = field(default_factory=dict)
    missing: list[tuple[Named, str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _ops: int = -1
    _drivers: list[str] = field(default_factory=list)
    _started: list[Named] = field(default_factory=list)

    def provide(
        self, lab: Lab, named: Iterable[Named], given: Given, scrubbed: Mapping[str, str], scripts: tuple[str, ...] = ()
    ) -> None:
        """Start a throwaway server for each service that a target names and that was not handed over.

        Returns at once: clients wait until the servers are ready.

        Args:
            given: from `--env`: what is named there is the user's own.
            scrubbed: the environment that the target has otherwise.
            scripts: SQL that makes the tables of a new database.

        Raises:
            StatecheckError: without namespaces, another server has the port at which the target looks for one.
        """
        wanted: list[tuple[Named, Binary]] = []
        for service in named:
            binary = find(service.kind.name)
            if _is_given(service, given):
                continue
            if _does_without(service):
                what = _what(service)
                self.notes.append(f"left unset, as the app does without: {what}; set it to diagnose the app with it")
                continue
            if binary is not None:
                wanted.append((service, binary))
            else:
                self._miss(service)
        if wanted:
            ports = self._start(lab, wanted, scripts)
            for (service, binary), own in zip(wanted, ports, strict=True):
                self._lead_to(service, binary, own, {name for name, _ in given}, scrubbed)

    def _miss(self, service: Named) -> None:
        why = "no server for it was found here"
        hint = f"pip install 'statecheck[{service.kind.name}]'"
        if not service.kind.port:
            why = "statecheck has no throwaway server for it"
            hint = f"hand over one of your own that may be thrown away: `--env {_variable(service)}=…`"
        self.missing.append((service, why, hint))
        if service.told:
            self.notes.append(f"not provided: {_what(service)}: {why}; hint: {hint}")

    def _start(self, lab: Lab, wanted: list[tuple[Named, Binary]], scripts: tuple[str, ...]) -> list[list[int]]:
        """Start the servers; return the ports at which each is found, the one for variables first."""
        own = lab.isolation == "namespace"  # then all ports are free
        specs: list[dict[str, Any]] = []
        for service, binary in wanted:
            if not own:
                _check_free(service)
            ports = dict.fromkeys([service.kind.port if own else 0, *service.ports])
            spec = {"prepare": binary.prepare, "start": binary.start, "socket": binary.socket}
            specs.append({"kind": service.kind.name, "ports": list(ports), "scripts": scripts, **spec})
        self._ops = anonymous_file()
        self._started = [service for service, _ in wanted]
        request = {"do": "provide", "services": specs, "folder": f"{lab.name}/services", "drivers": DRIVERS}
        answer = lab.ask(request, (self._ops,))
        self._drivers = answer["drivers"]
        lab.helpers.append(answer["pid"])
        lab.sources.append(self.passed)
        found = [list(each) for each in answer["ports"]]
        lab.ports += [port for each in found for port in each]
        return found

    def _lead_to(
        self, service: Named, binary: Binary, ports: list[int], given: set[str], scrubbed: Mapping[str, str]
    ) -> None:
        """Set the variables through which the target finds this service."""
        if service.kind.name == "postgres":
            self.environment |= {name: "" for name in scrubbed if name.startswith(_NOT_HERE)}
            self.environment |= {"PGHOST": HOST, "PGHOSTADDR": HOST, "PGPORT": str(ports[0])}
        names = []
        for variable in service.variables:
            value = value_for(variable, service.kind, ports[0], self._drivers, is_set=variable.name in scrubbed)
            if value is not None and variable.name not in given:
                self.environment[variable.name] = value
                names += [variable.name] if variable.part in _LEADING else []
        how = f"as {', '.join(names)}" if names else f"at port {', '.join(map(str, ports))}"
        self.notes.append(f"provided: a throwaway {service.kind.label} ({binary.label}) {how}, for {_where(service)}")

    def lacking(self) -> tuple[str, ...]:
        """The variables of the services that could not be had."""
        return tuple(variable.name for service, _, _ in self.missing for variable in service.variables)

    def passed(self) -> list[Op]:
        """What the target has said to them so far."""
        return [op for op in self._recorded() if op.f == "wire"]

    def _recorded(self) -> list[Op]:
        return decode_lines(read_file(self._ops)) if self._ops >= 0 else []

    def explain(self, problem: Problem) -> Problem:
        """Say of what went wrong that it is for want of a service, where it looks so."""
        ended = {op.service: op.error for op in self._recorded() if op.f == "service"}
        lost = [service for service in self._started if service.kind.name in ended]
        missing = [(s, f"its throwaway server ended: {ended[s.kind.name]}", _hand_over(s)) for s in lost] + self.missing
        said = f"{problem.text}\n{problem.detail}"
        for service, why, hint in missing:
            names = [variable.name for variable in service.variables]
            clients = () if service.told else service.kind.modules  # an import alone is a weak sign
            unset = any(re.search(rf"\b{name}\b", said) for name in names)
            if unset or (_UNREACHED.search(said) and (not clients or any(client in said for client in clients))):
                text = f"the target needs {_what(service)}, and {why}: {problem.text}"
                return Problem("service-missing", text, hint, problem.detail)
        postgres = next((service for service in self._started if service.kind.name == "postgres"), None)
        if postgres is not None and problem.slug in _AT_ONCE and _NO_TABLE.search(said):
            hint = f"let the app make its tables when it starts, or {_hand_over(postgres)} where they are made"
            text = f"the throwaway PostgreSQL is empty, and nothing made the tables: {problem.text}"
            return Problem("service-empty", text, hint, problem.detail)
        return problem

    def close(self) -> None:
        """Give back the descriptor; the servers end with the run."""
        if self._ops >= 0:
            os.close(self._ops)
            self._ops = -1


def _check_free(service: Named) -> None:
    for port in service.ports:
        try:
            socket.create_server((HOST, port)).close()
        except OSError as error:
            raise StatecheckError(
                "service-in-the-way",
                f"the target looks for {service.kind.label} at port {port} ({_where(service)}), "
                "where this machine has a server of its own",
                f"stop that server, or {_hand_over(service)}",
                ExitCode.INCONCLUSIVE,
            ) from error


def _is_given(service: Named, given: Given) -> bool:
    """Whether the user handed this service over: by a variable that leads to it, or by a URL of its kind."""
    leading = {variable.name for variable in service.variables if variable.part in (*_LEADING, "port")}
    if service.kind.name == "postgres":
        leading |= {"PGHOST", "PGPORT", "PGHOSTADDR"}
    return any(name in leading or kind_of_url(value) is service.kind for name, value in given)


def _does_without(service: Named) -> bool:
    """Whether all that leads to a service is unset, and the app goes another way then."""
    leading = [variable for variable in service.variables if variable.part in _LEADING]
    return bool(leading) and not service.ports and all(variable.optional for variable in leading)


def _variable(service: Named) -> str:
    """The variable by which it is best handed over."""
    return next((one.name for one in service.variables if one.part in _LEADING), service.kind.variable)


def _hand_over(service: Named) -> str:
    return f"hand one over with `--env {_variable(service)}=…`"


def _where(service: Named) -> str:
    return str(service.anchor)


def _what(service: Named) -> str:
    names = "".join(f"{one.name}, " for one in service.variables if one.part in _LEADING)
    return f"{service.kind.label} ({names}{_where(service)})"
