"""Hand-made diagnoses for the tests of what comes after the engine."""

from __future__ import annotations

from dataclasses import replace

from statecheck.model import Anchor, Diagnosis, Evidence, Finding, Outcome, Problem, ScenarioResult, TargetName, Turn
from statecheck.talk.plan import Plan, Proposal

HOSTILE = "[bold]\x1b[31mred\x1b[0m[/x]\n\t\u202eevil\u2069 \U0001f600 \x9b1m \ud800 " + "k" * 10_000
"""Everything that corrupts a terminal, a table or a UTF-8 file."""

ANCHOR = Anchor("app.py", 6)

SPLIT = Finding(
    code="SC102",
    name="multi-worker",
    kind=None,
    primary=True,
    severity="error",
    confidence="certain",
    summary="turn 1 was in the memory of another live process: session_memory_store['sc-1']",
    anchor=ANCHOR,
    related=(Anchor("app.py", 10, "written"), Anchor("app.py", 11, "read")),
    evidence=(Evidence("other-worker", "turn 1's marker was last in PID 7's memory; PID 8 answered turn 2"),),
    fix="keep the conversation in a store that all workers share",
)
RESTART = replace(
    SPLIT,
    code="SC103",
    name="container-restart",
    primary=False,
    summary="turn 1 died with PID 7",
    related=(),
    evidence=(Evidence("new-process", "PID 7 was killed; PID 9 was given 0 of 1 earlier turns"),),
    fix="keep the conversation on a volume or in a database outside the container",
)
ORDER = replace(
    SPLIT,
    code="SC105",
    name="async-race",
    kind="library-store",
    primary=False,
    severity="warning",
    confidence="likely",
    summary="8 overlapping turns were kept out of order",
    related=(),
    evidence=(),
    fix="let the turns of one session run one after the other",
)


def turns(pids: tuple[int, ...], given: tuple[int, ...], key: str = "sc-1") -> tuple[Turn, ...]:
    """Sequential turns; `given` is how many earlier ones each was given."""
    place = f"session_memory_store['{key}']"
    return tuple(
        Turn(n, pid, 1, key, key, place, (got, n - 1) if n > 1 else None, got == n - 1 if n > 1 else None)
        for n, (pid, got) in enumerate(zip(pids, given, strict=True), 1)
    )


SAME = Outcome("same-process", "kept", (7,), ("sc-1",), "", turns((7, 7), (0, 1)))
OTHER = Outcome("other-worker", "lost", (7, 8), ("sc-1",), "turn 2 was given 0 of 1", turns((7, 8, 7), (0, 0, 1)))
NEW = Outcome("new-process", "lost", (7, 9), ("sc-1",), "turn 2 was given 0 of 1", turns((7, 9), (0, 0)))
SKIPPED = Outcome("other-session", "skipped", reason="nothing that a client sends names a session")
STUCK = Outcome("new-container", "error", (7,), ("sc-1",), "the worker did not start within 60 s")
KEPT = replace(OTHER, outcome="kept", reason="", turns=turns((7, 8, 7), (0, 1, 2)))
RACED = Outcome("concurrent", "reordered", (7,), ("sc-1",), "all 8 are there, out of order")

BROKEN = Diagnosis(
    target=TargetName("app.py", "app", "fastapi"),
    verdict="state-loss",
    causes=(RESTART, SPLIT),
    experiments=(SAME, OTHER, NEW, SKIPPED),
    run=".statecheck/runs/20260101T000000.000000Z-7",
    notes=("PID, mount and network namespaces kept the run apart",),
    seconds=1.26,
)
HEALTHY = replace(BROKEN, verdict="healthy", causes=(), experiments=(SAME, KEPT, SKIPPED))
WARNED = replace(HEALTHY, causes=(ORDER,), experiments=(SAME, KEPT, RACED))
STATELESS = replace(HEALTHY, verdict="stateless", experiments=(replace(SAME, outcome="skipped", reason="no write"),))
INCONCLUSIVE = replace(
    HEALTHY,
    verdict="inconclusive",
    experiments=(SAME, STUCK),
    errors=(
        Problem(
            "start-timeout",
            "`app.py` did not start within 60 s",
            "give it longer with --timeout, or see its output with --show-logs",
            "INFO: waiting for [redis]\nINFO: still waiting \x1b[31m\u202e",
        ),
    ),
)
HOSTILE_ONE = replace(
    BROKEN,
    target=TargetName(HOSTILE[:40], "app", "fastapi"),
    causes=(replace(SPLIT, summary=HOSTILE, anchor=Anchor(HOSTILE[:30], 1), fix=HOSTILE),),
    experiments=(replace(OTHER, session_keys=(HOSTILE,), reason=HOSTILE, turns=turns((7, 8), (0, 0), HOSTILE)),),
    notes=(HOSTILE,),
)
DIAGNOSES = {
    "state-loss": BROKEN,
    "healthy": HEALTHY,
    "warned": WARNED,
    "stateless": STATELESS,
    "inconclusive": INCONCLUSIVE,
    "hostile": HOSTILE_ONE,
}

TWIN = replace(HEALTHY, target=TargetName("fixed.py", "app", "fastapi"))
PASSED = ScenarioResult(
    "multi-worker",
    ("multi-worker", "container-restart"),
    True,
    (BROKEN,),
    (TWIN,),
    "Memory in a dict of one process",
    "the PIDs: turn 2 is answered by a process that never saw turn 1",
)
FAILED = replace(
    PASSED, passed=False, failures=("fixed.py: expected no error, got SC102 multi-worker",), fixed=(BROKEN,)
)
UNJUDGED = replace(PASSED, passed=False, failures=("broken.py: inconclusive",), broken=(INCONCLUSIVE,))


PROPOSAL = Proposal(
    TargetName("app.py", "app", "fastapi"),
    (
        Plan(
            path="/threads/{session}/messages",
            query=(("lang", "en"),),
            headers=(("X-Api-Key", "secret"), ("Authorization", "Bearer {session}")),
            cookies=(("seen", "yes"),),
            body={"user": "{user}", "text": "{message}", "token": "secret"},
            message_field="body text",
            session_field="path thread_id",
            opening=Plan(path="/threads", encoding="none"),
            given="thread_id",
            handler=Anchor("app.py", 7),
            why=("`body text` carries the message: its name says so", "an \x1b[31mangry\x1b[0m reason"),
        ),
        Plan(path="/say", body={"a": "{message}", "b": "sample"}, message_field="body a", doubt="message"),
        Plan(kind="callable", method="", path="", encoding="none", args=("{message}",), message_field="argument text"),
    ),
)
UNKNOWN = Proposal(
    TargetName("app.py", "", ""), (), (Problem("no-endpoint", "no endpoint takes a message", "name it: `--endpoint`"),)
)
