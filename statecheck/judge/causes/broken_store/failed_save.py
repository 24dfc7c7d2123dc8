"""The app's own save fails on every turn, after the answer was given: nobody is told, and nothing is kept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE
from statecheck.judge.cause import Observation
from statecheck.judge.evidence.lines import anchor_of, anchors, find_builds
from statecheck.judge.evidence.services import find_lookups, find_queries

if TYPE_CHECKING:
    from statecheck.history import Op
    from statecheck.judge.conversation import Conversation, Sent
    from statecheck.judge.evidence.case import Case

_OF_THE_LAB = re.compile(
    r"\w*(Connect|Timeout|Import|ModuleNotFound|Permission|FileNotFound|Directory|OSError|gaierror|HTTP|SSL|Auth|"
    r"Credential|Operational|Unavailable|Network|Socket|DNS)|KeyError: '[A-Z][A-Z0-9_]*'"
)
"""Exceptions that what is missing around the app may raise, and not its own code: then nothing is proven by them."""


def find_failed_save(case: Case) -> Observation | None:
    """Did the same line fail after the answer of both turns, where both ask a store that nothing was put into?

    Or had what saves for all turns, a task or a thread, ended before?
    """
    conversation = case.conversations.get(BASELINE)
    if conversation is None or not case.lost(BASELINE):
        return None
    first, second = conversation.turns[:2]
    failed = [_find_failure(conversation, turn) for turn in (first, second)]
    again = failed[0] is not None and failed[1] is not None and failed[0].frames[0] == failed[1].frames[0]
    blamed = failed[0] if again else find_ended(conversation, second)
    asked = find_asked(conversation, second)
    kept = [*conversation.with_marker("disk", first.marker), *_list_lasting(conversation, first)]
    if blamed is None or not asked or kept:
        return None
    error = " ".join(blamed.error.split()).strip(": ")[:120]
    summary = f"turn 1 was answered, and what saves it then failed, as on every turn: {error}"
    fix = "mend what raises, and save before the answer is sent, so that a client is told when it fails"
    if not again:
        summary = f"what saves the turns had ended, and nobody was told: `{blamed.method}` raised {error}"
        fix = (
            f"mend what raises; catch and log what one turn raises inside of the loop of `{blamed.method}`, so that it "
            "goes on with the next"
        )
    return Observation(
        summary,
        anchor_of(blamed),
        (case.reason(BASELINE),),
        kind="failed-save",
        related_to=tuple(anchors(asked, "read")),
        fix=fix,
    )


def _list_lasting(conversation: Conversation, first: Sent) -> list[Op]:
    """Writes of a turn to states that outlive it: not to the memory of an engine that is built in the request."""
    builds = find_builds(conversation, first.marker, first)
    fresh = conversation.gone | {(op.generation, op.obj) for op in builds if op.turn == first.number}
    return [op for op in conversation.writes(first.number, first.marker) if (op.generation, op.obj) not in fresh]


def _find_failure(conversation: Conversation, turn: Sent) -> Op | None:
    """What raised after the model of a turn had answered, in the app's own code and by no fault of its surroundings."""
    asked = [op.time for op in conversation.select("model", turn.number) if turn.marker in op.markers]
    hindered = any(next(conversation.select(f, turn.number), None) for f in ("blocked", "substituted"))
    if turn.status != "ok" or not asked or hindered:
        return None
    raised = (op for op in conversation.select("error", turn.number) if op.type == "fail" and op.frames)
    return next((op for op in raised if op.time > asked[-1] and not _OF_THE_LAB.match(op.error)), None)


def find_ended(conversation: Conversation, turn: Sent) -> Op | None:
    """Return what ended a task or a thread before a turn came that the app had begun outside of turns; None if none."""
    for op in conversation.select("error", 0):
        hindered = any(
            frame.function == op.method
            for f in ("blocked", "substituted")
            for each in conversation.select(f, 0)
            for frame in each.frames
        )
        own = op.type == "fail" and op.method and op.frames and op.time < turn.sent
        if own and not hindered and not _OF_THE_LAB.match(op.error):
            return op
    return None


def find_asked(conversation: Conversation, turn: Sent) -> list[Op]:
    """Return where a turn asks for what was said before: by queries, by keys, and by looking for files."""
    queries = [*find_queries(conversation, turn, "sql"), *find_queries(conversation, turn, "wire")]
    files = [op for op in conversation.select("file", turn.number) if op.action in ("read", "miss")]
    files = [op for op in files if not op.where.startswith("/")]
    keys = [op for op in find_lookups(conversation, turn) if op.frames]  # a client asks much for itself
    return [
        op for op in (*queries, *files, *keys, *conversation.handed_back(turn.number)) if op.frames or op.f == "wire"
    ]
