"""A cause of state loss as data: its questions, and what reports and `explain` say of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from statecheck.judge.evidence.case import Case
    from statecheck.model import Anchor, Evidence, Finding, Severity

Baseline = Literal["kept", "not-kept", "any"]
"""What became of one turn after another in one process (`same-process`)."""


class Topic(Enum):
    """The subject of a question: all questions of one subject are masked together, whichever causes they belong to."""

    FORGETTING = "where is a turn that is lost in one process? It has one answer"
    SHARING = "was one session given what another said?"
    WAITING = "is a run that waits for a person lost?"
    PLACE = "is a turn kept in a place that another process, or a redeploy, does not have?"
    OVERLAP = "is a turn lost that overlaps others?"


@dataclass(frozen=True, slots=True)
class Observation:
    """What a question saw in a recorded run: a finding of the cause that asks it, which need not be known here.

    Attributes:
        summary: one sentence that says what was lost and where it was.
        anchor: the line to blame; None if no line was recorded.
        evidence: what the checks said, or what was seen.
        kind: within the cause, or None.
        related_to: where the state is written and read.
        fix: one sentence that says what to change; "" for what the cause says.
    """

    summary: str
    anchor: Anchor | None
    evidence: tuple[Evidence, ...]
    kind: str | None = None
    severity: Severity = "error"
    related_to: tuple[Anchor, ...] = ()
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that is asked of a recorded run; its cause applies if something is observed.

    Attributes:
        ask: returns what was observed, or None.
        baseline: asked only where this became of the baseline.
        about: its topic; None for what no other answer masks.
        masks: the topics that are not asked about any more once this was observed, as nothing of
            them can be seen until it is fixed. Its own is among them where the topic has one answer.
        order: the smaller, the earlier it is asked: before the questions that it masks.
    """

    ask: Callable[[Case], Observation | None]
    baseline: Baseline = "kept"
    about: Topic | None = None
    masks: tuple[Topic, ...] = ()
    order: int = 100


@dataclass(frozen=True, slots=True)
class Symptom:
    """Error messages that point to one thing, or what people say of it.

    Attributes:
        advice: one sentence: what they mean, or what to do.
        messages: the constant core of each; `*` stands for whatever the message names there.
        kind: within the cause.
        phrases: for what people say, the words that all have to be said in one way or another, as
            `statecheck.judge.phrases.is_said` reads them.
        general: its phrases say what those of other causes say as well, with more words: theirs go first.
    """

    advice: str
    messages: tuple[str, ...] = ()
    kind: str | None = None
    phrases: tuple[str, ...] = ()
    general: bool = False


KEPT = """
1a > s
1a model read 1
1a <
2a > s
2a model read 1 2
2a <
"""
"""A history in which one process remembers: what else is lost is not lost there."""


@dataclass(frozen=True, slots=True)
class Example:
    """A small recorded run, as `statecheck.judge.language` writes histories.

    Attributes:
        title: what happens in it.
        histories: the text of each, by experiment.
        kind: the kind of the cause that must be found in it; None for none, or where nothing must be found.
    """

    title: str
    histories: Mapping[str, str]
    kind: str | None = None


def is_never(_: Finding) -> bool:
    """Return False, whatever the finding."""
    return False


@dataclass(frozen=True, slots=True)
class Cause:
    """A named reason why state is lost.

    Attributes:
        code, name: stable, both public (`SC102`, `multi-worker`).
        question: in words, what its questions ask of a recorded run.
        questions: of findings of one rank, that of the earlier question comes first.
        rank: the smaller, the earlier its findings are to be fixed; the first error is the primary one.
        comes_first: whether a finding of it is to be fixed before those of all other causes, severities apart.
        comes_last: whether a finding of it is to be fixed after those of all other causes.
        explains_failures: whether its findings say themselves why a turn failed, so that no problem says it again.
        fix: one sentence that says what to change.
        kinds: finer names within the cause, each described in `doc`.
        told: those of them that only error messages show: no experiment does.
        examples: runs in which it must be found, the plainest first.
        counterexamples: runs that look alike, in which it must not be found.
        symptoms: the error messages that it leaves behind, for `explain "MESSAGE"`.
        doc: its documentation for users, in Markdown: the docstring of its module.
    """

    code: str
    name: str
    question: str
    questions: tuple[Question, ...]
    rank: int
    fix: str
    kinds: tuple[str, ...]
    doc: str
    told: tuple[str, ...] = ()
    symptoms: tuple[Symptom, ...] = ()
    examples: tuple[Example, ...] = ()
    counterexamples: tuple[Example, ...] = ()
    comes_first: Callable[[Finding], bool] = is_never
    comes_last: Callable[[Finding], bool] = is_never
    explains_failures: bool = False
