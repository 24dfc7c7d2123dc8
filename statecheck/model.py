"""What statecheck says of a target: outcomes, findings and one verdict. Data only, all frozen.

The words are those of the JSON contract (`statecheck schema`); reporters render these and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from statecheck.probe.notebooks import spell_line

Verdict = Literal["state-loss", "healthy", "stateless", "inconclusive"]
Severity = Literal["error", "warning", "note"]
Confidence = Literal["certain", "likely", "possible"]
OutcomeName = Literal["kept", "lost", "isolated", "leaked", "reordered", "duplicated", "skipped", "error"]


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place in the user's code. `path` is posix and relative to the project, `line` counts from 1."""

    path: str
    line: int
    text: str = ""
    """For a related place: what happens there (`written`, `read`, `built`)."""

    def __str__(self) -> str:
        return spell_line(self.path, self.line)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One sentence that an experiment's history supports."""

    experiment: str
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A cause reported at an anchor.

    Attributes:
        code, name, kind: `SC102`, `multi-worker`, and the finer name or None.
        primary: the one to mend first; at most one in a diagnosis, and it is an error.
        summary: one sentence that says what was lost and where it was.
        related: where the state is written and read.
        fix: one sentence that says what to change.
    """

    code: str
    name: str
    kind: str | None
    primary: bool
    severity: Severity
    confidence: Confidence
    summary: str
    anchor: Anchor
    related: tuple[Anchor, ...]
    evidence: tuple[Evidence, ...]
    fix: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One row of the table of turns: one request and its answer, as it was observed.

    Attributes:
        number: 1-based within its experiment.
        pid, generation: the worker that answered (generation counts lives, from 1).
        session_key: what the client sent (None: nothing is sent).
        looked_up: the key under which the app looked, or None if that was not observed.
        wrote: where this turn's marker went, in words ("ChatMemoryBuffer", "session_memory_store['sc-1']").
        given: how many of the earlier turns of this session the model (or the read) was given, and how
            many there were: (1, 2). None if nothing was read.
        remembered: True or False for a turn that had something to remember, else None.
        status: "ok", "fail" (refused: status code or exception in `note`) or "info" (in flight when killed).
        note: short free text.
    """

    number: int
    pid: int
    generation: int
    session_key: str | None
    looked_up: str | None
    wrote: str
    given: tuple[int, int] | None
    remembered: bool | None
    status: Literal["ok", "fail", "info"] = "ok"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the checks say of one experiment's history.

    Attributes:
        reason: one sentence: why it was skipped or went wrong, or what shows the outcome.
    """

    name: str
    outcome: OutcomeName
    pids: tuple[int, ...] = ()
    session_keys: tuple[str, ...] = ()
    reason: str = ""
    turns: tuple[Turn, ...] = ()


NOT_SELECTED = "not selected"
"""Why an experiment was skipped that the user left out: nothing is known of it."""
TREE_CHANGED = "tree-changed"
"""The slug of the problem that what was diagnosed is not what it was when the run began."""
ISOLATED_BY_COPIES = "isolated by copies of the project, not by namespaces"
CANNOT_PREVENT = "what this isolation cannot prevent: "
"""How notes begin that a reader must see before anything else."""
UNANSWERED = "turn-unanswered"
"""The slug of the problem that a turn was refused or never answered: some findings say it themselves."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that kept an experiment from being judged; `detail` is the target's own last lines."""

    slug: str
    text: str
    hint: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class TargetName:
    """What was diagnosed: project-relative path, attribute in it, and the adapter that drove it."""

    path: str
    object: str
    framework: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The findings and outcomes for one target, and one verdict.

    Attributes:
        run: the run's folder, relative to the project when it lies below it, or "" if nothing was kept.
        notes: what a reader should know of how it was run (isolation, what was provided, how it talks).
    """

    target: TargetName
    verdict: Verdict
    causes: tuple[Finding, ...]
    experiments: tuple[Outcome, ...]
    run: str = ""
    errors: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def primary(self) -> Finding | None:
        """The finding to mend first, or None."""
        return next((finding for finding in self.causes if finding.primary), None)


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """A scenario's broken apps and fixed twins, diagnosed, against what it must get.

    Attributes:
        expected: names of the causes that every broken app must get, the primary one first.
        what: the scenario's one-line title.
        look_at: what the reader should look at in the table of turns.
        kind: of the cause, in a variant that shows it.
    """

    name: str
    expected: tuple[str, ...]
    passed: bool
    broken: tuple[Diagnosis, ...]
    fixed: tuple[Diagnosis, ...]
    what: str = ""
    look_at: str = ""
    failures: tuple[str, ...] = ()
    """Why it did not pass, a sentence each."""
    kind: str | None = None

    @property
    def label(self) -> str:
        """What it is called, as `statecheck run` takes it: `session-key`, `session-key --kind shared-key`."""
        return f"{self.name} --kind {self.kind}" if self.kind else self.name
