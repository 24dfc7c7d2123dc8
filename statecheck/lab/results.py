"""What the experiments of a run have left so far, and what that shows of the app."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE, OTHER_SESSION, OTHER_WORKER, OVERLAPPING, TWO_SESSIONS
from statecheck.judge.checks import outcomes
from statecheck.judge.checks.failed_call import keeps_first
from statecheck.judge.checks.mixing import find_pushed_out
from statecheck.judge.checks.same_text import goes_by_text
from statecheck.judge.checks.taking_up import find_servers
from statecheck.judge.conversation import Conversation, read_conversations
from statecheck.probe.frameworks import find_tab
from statecheck.so_far import SoFar
from statecheck.talk.variations import has_events, has_spellings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from statecheck.history import History
    from statecheck.judge.conversation import Channel
    from statecheck.model import Outcome, Problem
    from statecheck.probe.ops import OpKind
    from statecheck.so_far import Hints
    from statecheck.talk.plan import Plan

_OUTSIDE: tuple[OpKind, ...] = ("disk", "wire")


@dataclass
class Results:
    """What experiments have left.

    Attributes:
        histories: of those that were begun, by name.
        skipped: {experiment: why it does not apply}.
        problems: why an experiment that applies could not be run, by experiment; "" is the run's own.
    """

    histories: dict[str, History] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    problems: dict[str, Problem] = field(default_factory=dict)

    def settled(self) -> set[str]:
        """Return the names of the experiments that have run, or do not apply."""
        return {*self.skipped, *self.histories, *self.problems}

    def copy(self) -> Results:
        """Return results that can be added to without changing these."""
        return Results({**self.histories}, {**self.skipped}, {**self.problems})

    def adopt(self, others: Results) -> None:
        """Take over all that other results hold."""
        self.histories |= others.histories
        self.skipped |= others.skipped
        self.problems |= others.problems

    def forget(self, names: Iterable[str]) -> None:
        """Drop what these experiments have left, as if they had not run."""
        for name in names:
            for left in (self.histories, self.skipped, self.problems):
                left.pop(name, None)

    def judge(self) -> tuple[Channel | None, dict[str, Outcome]]:
        """Return what the checks say: where the baseline is remembered, and the outcomes by experiment."""
        return outcomes(read_conversations(self.histories))

    def view(self, plan: Plan, hints: Hints, *, sent_whole: bool = False) -> SoFar:
        """Return what is known of the app when it is asked which experiments apply.

        Args:
            plan: how a client talks.
            hints: what its code gives reason to try.
            sent_whole: it was found that the app only keeps what it is sent with each turn.
        """
        conversations = read_conversations(self.histories)
        channel, found = outcomes(conversations)
        settled = frozenset(self.settled())
        baseline = conversations.get(BASELINE)
        sent = baseline.turns if baseline is not None else ()
        worker, session = found.get(OTHER_WORKER), found.get(OTHER_SESSION)
        splits = worker is not None and worker.outcome == "lost" and bool(worker.turns)
        mixed = conversations.get(TWO_SESSIONS)
        overlapped = [found[name].outcome for name in OVERLAPPING if name in found]
        return SoFar(
            settled,
            lone=plan.lone,
            users=len(plan.accounts),
            tabs_apart=plan.in_tabs and baseline is not None and (_is_of_one_tab(baseline) or "skipped" in overlapped),
            keyed=plan.session_field is not None,
            sent_whole=sent_whole,
            remembers=(BASELINE not in self.problems and channel is not None) if BASELINE in settled else None,
            renewed=any(turn.renewed for turn in sent[1:]),
            unset=baseline is not None and bool(baseline.unsaved),
            flushes=baseline is not None and any(op.turn for op in baseline.select("block", action="build")),
            makes_tables=baseline is not None and _makes_tables(baseline),
            streams=baseline is not None and any(op.streamed for op in baseline.select("turn")),
            by_progress=channel == "progress",
            splits=splits,
            forgets_late=worker is not None and splits and len(worker.turns) > 1 and bool(worker.turns[1].remembered),
            asks=plan.reply is not None,
            connects=plan.kind in ("websocket", "event"),
            threads=plan.varied is not None,
            tenants=plan.elsewhere is not None,
            optional_key=plan.keyless is not None,
            flags=bool(plan.flags),
            bounded=hints.bounds_sessions,
            folds=hints.folds_keys and has_spellings(plan),
            by_text=hints.goes_by_text or (baseline is not None and goes_by_text(baseline)),
            cuts=hints.cuts_texts and plan.takes_lines and channel == "model",
            counts=hints.counts_messages and channel == "model",
            fallible=channel == "model" and (hints.retries or (baseline is not None and keeps_first(baseline))),
            hands_out=bool(plan.given),
            resumes=baseline is not None and bool(find_servers(baseline)) and baseline.calls_model(1),
            events=has_events(plan),
            pushed_out=mixed is not None and channel is not None and find_pushed_out(mixed, channel) is not None,
            leaks=session is not None and session.outcome == "leaked",
            overlapped=bool(overlapped),
            overlap_lost="lost" in overlapped,
        )


def _is_of_one_tab(baseline: Conversation) -> bool:
    """Whether all that the app was seen to keep of the first turn is what its framework keeps for a tab."""
    first = baseline.turns[:1]
    placed = [op.where for turn in first for op in baseline.with_marker("place", turn.marker) if op.lines]
    outside = [op for turn in first for f in _OUTSIDE for op in baseline.with_marker(f, turn.marker)]
    return bool(placed) and not outside and all(find_tab(where) is not None for where in placed)


def _makes_tables(baseline: Conversation) -> bool:
    return any("sqlite" in op.where for op in baseline.select("chat-store", action="build"))
