"""The app's own code does not commit, does not ask for, or cuts off what it stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE, CONTROL
from statecheck.judge.cause import Observation
from statecheck.judge.evidence.given_messages import find_missing_answer, find_oldest_window
from statecheck.judge.evidence.lines import anchor_of, anchors
from statecheck.judge.evidence.own_stores import Kind, find_unreturned
from statecheck.judge.evidence.state_lines import find_related
from statecheck.model import Evidence

if TYPE_CHECKING:
    from statecheck.judge.evidence.case import Case


_UNRETURNED: dict[Kind, tuple[str, str]] = {
    "not-committed": (
        "turn 1 was written to {}, and never committed: it is rolled back when the connection is closed",
        "commit what was written (`connection.commit()`), or write inside of `with connection:`",
    ),
    "filtered-out": (
        "turn 1 is stored in {} under the key that turn 2 asks for, and the query of turn 2 leaves it out",
        "let the query find what the app writes: compare its conditions with the columns that are written",
    ),
    "never-read": (
        "turn 2 read turn 1 back from {}, and did not give it to the model",
        "give the model what was read from the database",
    ),
}


def find_unreturned_turn(case: Case) -> Observation | None:
    """Did the app's own code write turn 1 to a table, ask the table for it, and not get it?"""
    conversation = case.conversations.get(BASELINE)
    found = find_unreturned(conversation) if conversation is not None and case.lost(BASELINE) else None
    if conversation is None or found is None:
        return None
    summary, fix = _UNRETURNED[found.kind]
    blamed = found.write if found.kind == "not-committed" else found.query
    anchor = anchor_of(blamed) or anchor_of(found.write)
    return Observation(
        summary.format(f"the table `{found.table}`" if found.table else "a database"),
        anchor,
        (case.reason(BASELINE),),
        kind=found.kind,
        related_to=find_related(
            conversation, conversation.turns[0], conversation.turns[0].marker, anchor or case.handler
        ),
        fix=fix,
    )


def find_window_of_the_oldest(case: Case) -> Observation | None:
    """Is the model given the oldest turns alone once there are many?"""
    conversation = case.conversations.get(CONTROL)
    window = find_oldest_window(conversation, case.channel or "model") if conversation is not None else None
    if conversation is None or window is None:
        return None
    anchor = anchor_of(window.limit)
    what = f"turn {window.reader} was not given turn {window.missing}, and was given turn {window.given}"
    by = f" (`{window.limit_text}`)" if window.limit_text else ""
    return Observation(
        f"the model is given the oldest turns only{by}: later turns are never given to it",
        anchor,
        (Evidence(CONTROL, what),),
        kind="oldest-window",
        fix="keep the newest turns: sort them newest first, limit, and reverse what comes back",
    )


def find_unstored_answers(case: Case) -> Observation | None:
    """Is what the user said given to later turns, and nothing of what was answered?"""
    conversation = case.conversations.get(BASELINE)
    reader = find_missing_answer(conversation) if conversation is not None else None
    if conversation is None or reader is None:
        return None
    first = conversation.turns[0]
    written = [*conversation.writes(first.number, first.marker), *conversation.select("sql", first.number, "write")]
    anchor = next(iter(anchors(written, "")), None) or anchor_of(reader)
    return Observation(
        "turn 2 was given what the user said in turn 1, and not what was answered: answers are never stored",
        anchor,
        (Evidence(BASELINE, "turn 2's model was given turn 1's question without its answer"),),
        kind="answers-missing",
        severity="warning",
        fix="store the answer as well, after it was given",
    )
