"""From a recorded run to its diagnosis: one verdict, by an ordered table of conditions. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE, REPORTED, WHERE_DUE
from statecheck.judge.blind_spots import find_blind_spot
from statecheck.judge.causes import find_cause
from statecheck.judge.checks import outcomes
from statecheck.judge.conversation import read_conversations
from statecheck.judge.evidence.case import Case
from statecheck.judge.evidence.intent import is_carried, is_intended
from statecheck.judge.findings import find_causes
from statecheck.judge.side_effects import notes
from statecheck.model import NOT_SELECTED, TREE_CHANGED, UNANSWERED, Diagnosis, Outcome, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from statecheck.history import History
    from statecheck.judge.conversation import Conversation
    from statecheck.kept.meta import RunMeta
    from statecheck.model import Finding, Verdict


@dataclass(frozen=True, slots=True)
class Facts:
    """What the verdict is decided by.

    Attributes:
        findings: the causes that apply.
        outcomes: of the experiments that ran or should have.
        problems: what kept experiments from being judged, one of each slug.
        stateless: no turn is meant to be kept, or the client brings the conversation along.
        left_out: experiments that the user did not select.
    """

    findings: tuple[Finding, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    problems: tuple[Problem, ...] = ()
    stateless: bool = False
    left_out: tuple[str, ...] = ()

    @property
    def shows_loss(self) -> bool:
        """Whether a finding is an error."""
        return any(finding.severity == "error" for finding in self.findings)

    @property
    def losses(self) -> tuple[Outcome, ...]:
        """The experiments in which a turn was lost or shown to others, and no finding says so."""
        told = {each.experiment for finding in self.findings for each in finding.evidence}
        return tuple(each for each in self.outcomes if each.outcome in ("lost", "leaked") and each.name not in told)


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the table of verdicts.

    Attributes:
        applies: whether it decides, where no row above it does.
        because: the reason for the row.
        problem: what is reported besides the problems that there are; None for nothing.
    """

    verdict: Verdict
    applies: Callable[[Facts], bool]
    because: str
    problem: Callable[[Facts], Problem] | None = None


def _name_left_out(facts: Facts) -> Problem:
    text = f"not run, so nothing is known of it: {', '.join(facts.left_out)}"
    return Problem("not-all-run", text, "run without --only and --skip")


def _name_loss(facts: Facts) -> Problem:
    loss = facts.losses[0]
    hint = "look at the turns with `-v`: the app may forget on purpose"
    return Problem("unexplained-loss", f"{loss.name}: {loss.reason}, and nothing recorded says why", hint)


RULES: tuple[Rule, ...] = (
    Rule("state-loss", lambda facts: facts.shows_loss, "a loss that was shown stays one, whatever else went wrong"),
    Rule("inconclusive", lambda facts: bool(facts.problems), "nothing is said of what could not be looked at"),
    Rule(
        "inconclusive",
        lambda facts: bool(facts.left_out) and not facts.findings,
        "nothing is said of what was not run",
        _name_left_out,
    ),
    Rule(
        "inconclusive",
        lambda facts: bool(facts.losses) and not facts.stateless,
        "a loss for which no cause was found must not pass for health",
        _name_loss,
    ),
    Rule(
        "inconclusive",
        lambda facts: any(outcome.outcome == "error" for outcome in facts.outcomes),
        "an experiment that went wrong shows nothing",
    ),
    Rule("stateless", lambda facts: facts.stateless, "nothing that is meant to be kept can be lost"),
    Rule("inconclusive", lambda facts: not facts.outcomes, "nothing was run"),
    Rule("healthy", lambda _: True, "every experiment that applies kept what it should"),
)
"""The first row that applies decides. The last one always does."""


def decide(facts: Facts) -> Rule:
    """Return the row of the table that decides."""
    return next(rule for rule in RULES if rule.applies(facts))


def judge(meta: RunMeta, histories: Mapping[str, History]) -> Diagnosis:
    """Return the diagnosis of a run, from what was recorded of it alone.

    Args:
        meta: what is known of the run beside its histories.
        histories: by experiment.
    """
    case = _open_case(meta, read_conversations(histories))
    facts = _collect_facts(case, meta)
    rule = decide(facts)
    found = {outcome.name: outcome for outcome in facts.outcomes}
    listed = [name for name in REPORTED if name not in WHERE_DUE or name in found or name in meta.skipped]
    skipped = (Outcome(name, "skipped", reason=meta.skipped.get(name, "was not reached")) for name in listed)
    return Diagnosis(
        meta.target,
        rule.verdict,
        facts.findings,
        tuple(found.get(outcome.name, outcome) for outcome in skipped),
        errors=(rule.problem(facts),) if rule.problem is not None else facts.problems,
        notes=(*([f"how it talks: {meta.talk}"] if meta.talk else []), *meta.notes, *notes(case.conversations)),
    )


def _open_case(meta: RunMeta, conversations: Mapping[str, Conversation]) -> Case:
    """Return a run as the causes are asked about it; an experiment that has a problem ended in an error."""
    channel, found = outcomes(conversations)
    for name, problem in meta.problems.items():
        if name:
            found[name] = replace(found.get(name) or Outcome(name, "error"), outcome="error", reason=problem.text)
    return Case(conversations, found, channel, meta)


def _collect_facts(case: Case, meta: RunMeta) -> Facts:
    findings, problems, found = find_causes(case), {**meta.problems}, {**case.outcomes}
    baseline = case.conversations.get(BASELINE)
    forgets = case.lost(BASELINE)
    is_called = meta.plan is not None and meta.plan.kind == "callable"
    spot = find_blind_spot(baseline, findings, is_called=is_called) if forgets and baseline is not None else None
    if spot is not None:
        findings, problems[BASELINE] = (), spot
    if "" in problems and problems[""].slug == TREE_CHANGED:
        findings = ()  # what was lost may be what was changed
    carried = not forgets and (meta.carries_history or (baseline is not None and is_carried(baseline)))
    forgetful = forgets and BASELINE not in problems and baseline is not None and not is_intended(baseline)
    stateless = (carried and not any(finding.severity == "error" for finding in findings)) or (
        forgetful and not findings
    )
    if stateless and forgets:
        reason = "nothing is kept from turn to turn: stateless"
        found[BASELINE] = replace(found[BASELINE], outcome="skipped", reason=reason)
    explained = any(find_cause(finding.code).explains_failures for finding in findings)
    told_of = {each.slug: each for each in problems.values() if not (explained and each.slug == UNANSWERED)}
    left_out = tuple(name for name, why in meta.skipped.items() if why == NOT_SELECTED)
    return Facts(findings, tuple(found.values()), tuple(told_of.values()), stateless, left_out)
