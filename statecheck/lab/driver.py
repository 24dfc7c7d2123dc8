"""Runs one experiment: follows its steps, records what it sends and gets, and returns the merged history."""

from __future__ import annotations

import socket
import statistics
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE
from statecheck.history import History, Line, Op, with_ordinals
from statecheck.lab.bounds import KEPT_ANSWER
from statecheck.lab.client import Answer, Client, Markers, take_turn
from statecheck.lab.openings import open_at_once
from statecheck.lab.overlap import send_at_once, wait_until_still
from statecheck.lab.sightings import find_relayed, is_given, is_stored
from statecheck.lab.wordings import message_of
from statecheck.lab.workers.readiness import wait_until_ready
from statecheck.lab.workers.replies import decode_place
from statecheck.lab.workers.worker import GARBLED
from statecheck.steps import During, Fail, Kill, Leave, Locate, Open, Overlap, Start, Step, Survey, Take, TalkOn
from statecheck.talk.variations import respell_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from statecheck.lab.setting import Setting
    from statecheck.lab.workers.worker import Worker
    from statecheck.probe.ops import OpKind, OpType
    from statecheck.talk.plan import Plan

_QUIET_TURNS = 5  # the barrier opens when nothing new has arrived for this many median turns
_MOST_USES = 8
_REFUSED_FOR_GOOD = 2
_ENDLESS = 8  # answers of which not all is kept: the core's mock says again all that it is given, so that they double
_LEAST_QUIET = 0.1  # seconds; a turn of a trivial app takes less than the scheduler's noise


def _op(worker: Worker, type_: OpType, f: OpKind) -> partial[Op]:
    """An op of now and of this worker, but for what it says."""
    return partial(Op, time.monotonic_ns(), type_, f, worker.pid, worker.generation)


@dataclass
class Driver:
    """One experiment under way."""

    setting: Setting
    experiment: str
    ops: list[Op] = field(default_factory=list)
    workers: dict[str, Worker] = field(default_factory=dict)
    clients: dict[int, Client] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    markers: Markers = field(init=False)
    _given_up: set[int] = field(default_factory=set)
    _begun: dict[int, dict[int, list[tuple[int, int]]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.markers = self.setting.markers.of(self.experiment)

    def follow(self, steps: tuple[Step, ...]) -> None:
        """Take the steps in order.

        Raises:
            StatecheckError: a worker could not be started.
        """
        actions: dict[type, Callable[..., None]] = {
            Start: self._start,
            Take: self._take,
            Kill: self._kill,
            Locate: self._locate,
            Overlap: self._overlap,
            Open: lambda step: open_at_once(step, self.workers, self._client, self.setting, self._quiet()),
            Leave: self._leave,
            Fail: self._fail,
            During: self._during,
            Survey: self._survey,
            TalkOn: self._talk_on,
        }
        for step in steps:
            actions[type(step)](step)

    def history(self) -> History:
        """All that was recorded, merged by the clock."""
        files = [self.ops]
        for worker in self.workers.values():
            ops = with_ordinals(worker.ops(), self._begun.get(worker.generation, {}))
            copied = self.setting.lab.copy_of(worker)
            files.append([self._located(op, copied) for op in ops])
        gaps = [worker for worker in self.workers.values() if worker.incomplete]
        files.append([_op(each, "info", "incomplete")(error=GARBLED if each.garbled else "") for each in gaps])
        files.append(find_relayed(self.setting.lab.passed(), self.ops, self.sent, alone=self.experiment == BASELINE))
        return self.setting.lab.limit(History.merge(self.experiment, files))

    def _located(self, op: Op, copied: str) -> Op:
        """A file with its path relative to the project, of which the worker may have had a copy; what else has one."""
        locator = self.setting.locator
        if op.f == "signature":
            return replace(op, lines=tuple(Line(a.path, a.line, "defined") for a in locator.secrets))
        if op.f != "file":
            return op
        inside = copied and op.where.startswith(copied + "/")
        return replace(op, where=locator.path(f"{locator.project}{op.where[len(copied) :]}" if inside else op.where))

    def stop(self) -> None:
        """Kill this experiment's workers, and give back their disks."""
        for worker in self.workers.values():
            if worker.garbled or not worker.dead:
                self.setting.lab.dismiss(worker)
        for client in self.clients.values():
            client.hang_up()
        self.setting.lab.drop_disks(self.experiment)

    def _start(self, step: Start) -> None:
        setting = self.setting
        listen = setting.plan.kind != "callable"
        worker = setting.lab.spawn(f"{self.experiment}/{step.disk}", setting.volumes, listen=listen, later=step.later)
        # a worker that is replaced stays in the history under another name
        if step.worker in self.workers:
            self.workers[f"{step.worker}{len(self.workers)}"] = self.workers[step.worker]
        self.workers[step.worker] = worker
        wait_until_ready(worker, setting.limits, setting.remedies)
        if step.warm:
            client = self.markers.client(setting.plan, -1)
            answer = take_turn(worker, setting.plan, client, self.markers.marker(), setting.limits.turn)
            self._warmed(worker, answer, client)
        if step.settles:
            wait_until_still(worker, self._quiet(), setting.limits.turn)

    def _take(self, step: Take) -> None:
        if step.once_more and self._are_all_given(self.workers[step.worker]):
            return
        varied = self.setting.plan.vary(step.way, step.flag)
        if varied is not None:
            client = self._client(step.session, step.user, step.spelling, same_key=step.same_key)
            client.stays, client.wording = step.stays, step.wording
            number, marker = len(self.sent) + 1, self._next_marker(again=step.way == "again", text=step.text)
            self._turn(self.workers[step.worker], client, number, marker, *varied)
            self.ops += [Op(time.monotonic_ns(), "info", "once-more", turn=number)] * step.once_more

    def _talk_on(self, step: TalkOn) -> None:
        refused, endless = 0, 0  # the second time in a row shows that it stays so
        while len(self.sent) < self.setting.locator.longest_talk and refused < _REFUSED_FOR_GOOD:
            answer = self.take(step.worker)
            refused = 0 if answer.acknowledged else refused + 1
            endless += len(answer.text) >= KEPT_ANSWER
            if endless == _ENDLESS:
                break

    def take(self, worker: str, session: int = 1) -> Answer:
        """Send one turn of a session to a worker."""
        return self._turn(self.workers[worker], self._client(session), len(self.sent) + 1, self._next_marker())

    def _client(self, session: int, user: int = 0, spelling: int = 0, *, same_key: bool = False) -> Client:
        if session not in self.clients:
            known = self.clients.get(user)
            made = self.markers.client(self.setting.plan, session - 1)
            if spelling:
                made.key = respell_key(self.setting.plan, self.clients[1].key, spelling) or made.key
            if same_key:
                made.key = self.clients[1].key
            self.clients[session] = known.begin_thread(self.setting.plan, made.key) if known is not None else made
        return self.clients[session]

    def _next_marker(self, *, again: bool = False, text: int = 0) -> str:
        self.sent.append(self.sent[-1] if again else self.markers.marker(text))
        return self.sent[-1]

    def _turn(
        self, worker: Worker, client: Client, number: int, marker: str, said: str = "", plan: Plan | None = None
    ) -> Answer:
        setting, plan = self.setting, plan or self.setting.plan
        of = partial(Op, f="turn", pid=worker.pid, generation=worker.generation, turn=number, markers=(marker,))
        of = partial(of, answers=client.asked_in)

        def invoked(token: int) -> None:
            self._begun.setdefault(worker.generation, {}).setdefault(token, []).append((time.monotonic_ns(), number))
            carried = any(earlier in kept for earlier in self.sent[:-1] for kept in client.cookies.values())
            text, key = message_of(marker, client.wording), self._key(client, plan)
            self._record(of(time.monotonic_ns(), "invoke", carried=carried, text=text, key=key, name=said))

        answer = take_turn(worker, plan, client, marker, setting.limits.turn, invoked)
        client.asked_in = (client.asked_in or number) if client.asked is not None else 0
        if number in self._given_up:
            return answer
        key = self._key(client, plan)  # the app may only now have given it
        ended = partial(of, time.monotonic_ns(), text=answer.text[:4000], status=answer.status, key=key)
        if answer.acknowledged:
            self._record(ended("ok", streamed=answer.streamed, ignored=answer.ignored))
            with self._lock:
                self.seconds.append(answer.seconds)
        else:
            self._record(ended("fail" if answer.status else "info", error=answer.error))
        return answer

    def _key(self, client: Client, plan: Plan) -> str | None:
        """The session key that a client sends, or has been given."""
        known = (client.given is not None or not plan.given) and (client.signed or not plan.before)
        return str(client.session) if plan.session_field and known else None

    def _record(self, op: Op) -> None:
        with self._lock:
            self.ops.append(op)

    def _warmed(self, worker: Worker, answer: Answer, client: Client) -> None:
        key = client.key if self.setting.plan.session_field else None
        of = _op(worker, "ok" if answer.acknowledged else "info", "warm-up")
        self._record(of(key=key, text=answer.text[:4000], status=answer.status, error=answer.error))

    def _kill(self, step: Kill) -> None:
        worker = self.workers[step.worker]
        self.setting.lab.kill(worker, container=True)
        self.ops.append(_op(worker, "info", "kill")())

    def _files(self, worker: Worker) -> None:
        for found in self.setting.lab.files(worker.disk, (*self.sent, *self._keys())):
            where = self.setting.locator.path(found.path)
            kept = any(Path(found.path).is_relative_to(volume) for volume in self.setting.volumes)
            self.ops.append(_op(worker, "ok", "disk")(on_volume=kept, markers=found.markers, where=where))

    def _locate(self, step: Locate) -> None:
        worker = self.workers[step.worker]
        if not step.read_back:
            self._files(worker)
        given, stored = self._seen(worker)
        self.ops += self.setting.locator.slips() if self.experiment == BASELINE and not given else []
        if step.read_back and (given or not stored):
            return
        deep = given and not stored and not self.setting.plan.carries_history  # which is sent with the turn itself
        keys = [] if step.read_back else self._keys()
        under_way = step.under_way or self.setting.plan.reply is not None  # a run that asks a person waits
        request = {"locate": list(self.sent), "keys": keys, "deep": deep, "under_way": under_way}
        reply = worker.ask(request, self.setting.limits.turn) or {"error": "no answer"}
        if "error" in reply:
            error = "memory could not be searched: " + reply["error"]
            self.ops.append(_op(worker, "fail", "place")(error=error))
            return
        for place in map(decode_place, reply["places"]):
            found = self.setting.locator.place(place)
            self.ops.append(
                _op(worker, "ok", "place")(
                    turn=len(self.sent),
                    is_text=place.is_text,
                    cls=found.holder,
                    key=found.key,
                    markers=(place.marker,),
                    where=found.text,
                    lines=found.lines(_MOST_USES),
                    note="" if place.is_users else "library",
                )
            )

    def _keys(self) -> list[str]:
        """The session key, if nothing else looks like it: for state without a marker, or where nothing leads to one."""
        first, plan = self.clients.get(1), self.setting.plan
        found = first is not None and plan.session_field is not None and plan.session_form != "integer"
        return [first.key] if first is not None and found else []

    def _seen(self, worker: Worker) -> tuple[bool, bool]:
        """Whether this worker's last turn was given turn 1's marker, and whether a file or a service took it."""
        ops = worker.ops()
        return is_given(ops, self.sent[0]), is_stored([*ops, *self.ops, *self.setting.lab.passed()], self.sent[0])

    def _are_all_given(self, worker: Worker) -> bool:
        """Whether this worker's last turn had the markers of all others."""
        ops = worker.ops()
        return all(is_given(ops, marker) for marker in self.sent)

    def _overlap(self, step: Overlap) -> None:
        workers = [self.workers[step.workers[number % len(step.workers)]] for number in range(step.turns)]
        clients = [self._client(step.sessions[number % len(step.sessions)]) for number in range(step.turns)]
        first = len(self.sent) + 1
        heard = [len(client.said) for client in clients]
        alone = step.turns == len(step.sessions)  # what a browser is given by its one turn is sent with the next
        in_tabs = self.setting.plan.in_tabs and not alone
        tabs = [client if alone else client.again(f"-{n}" * in_tabs) for n, client in enumerate(clients, first)]
        turns = [
            partial(self._turn, worker, tab, number, self._next_marker())
            for number, (worker, tab) in enumerate(zip(workers, tabs, strict=True), first)
        ]
        quiet, setting, mixed, each = self._quiet(), self.setting, len(step.sessions) > 1, list(dict.fromkeys(workers))
        try:
            most, left = send_at_once(turns, each, setting.hold, quiet, setting.limits.turn, mixed=mixed)
        except BaseException:
            setting.lab.abort()
            raise
        for number in left:
            self._give_up(workers[number], first + number)
        for client, tab, before in zip(clients, tabs, heard, strict=True):
            client.follow(tab, before)
        self.ops.append(Op(time.monotonic_ns(), "info", "overlap", held=most, turn=first, tabs=in_tabs))
        if mixed:
            self.ops += setting.locator.shared()

    def _survey(self, _step: Survey) -> None:
        self.ops += self.setting.locator.survey()

    def _quiet(self) -> float:
        """For how long nothing new happens before what is held is let go."""
        return max(_QUIET_TURNS * statistics.median(self.seconds or [0.0]), _LEAST_QUIET)

    def _leave(self, step: Leave) -> None:
        """Cut the connection of a turn that is held, and let go when the app has ended its call, or goes on with it."""
        worker, client = self.workers[step.worker], self._client(1)
        number, done, seconds = len(self.sent) + 1, len(worker.done), self.setting.limits.turn
        turn = partial(self._turn, worker, client, number, self._next_marker())

        def ended() -> bool:
            return len(worker.done) > done

        def go_away() -> None:
            if client.line is not None and not ended():
                with suppress(OSError):  # it may be closed already: its worker died, or its answer has ended
                    client.line.shutdown(socket.SHUT_RDWR)
                    self.ops.append(_op(worker, "info", "left")(turn=number))
                worker.wait(ended, self._quiet())

        send_at_once([turn], [worker], "model", self._quiet(), seconds, meanwhile=go_away)
        worker.wait(ended, seconds)

    def _fail(self, step: Fail) -> None:
        worker = self.workers[step.worker]
        worker.ask({"outage": True}, self.setting.limits.turn)
        if not self.take(step.worker).acknowledged:
            self._turn(worker, self._client(1), len(self.sent) + 1, self._next_marker(again=True))

    def _during(self, step: During) -> None:
        """Take other steps while a turn is held at the model, then let it go, if its worker lives."""
        worker, seconds = self.workers[step.worker], self.setting.limits.turn
        turn = partial(self._turn, worker, self._client(1), len(self.sent) + 1, self._next_marker())
        send_at_once([turn], [worker], "model", self._quiet(), seconds, meanwhile=lambda: self.follow(step.steps))

    def _give_up(self, worker: Worker, number: int) -> None:
        """Record that a turn is left in flight."""
        self._given_up.add(number)
        error = "no answer when the turns beside it had long ended"
        self._record(_op(worker, "info", "turn")(turn=number, markers=(self.sent[number - 1],), error=error))
