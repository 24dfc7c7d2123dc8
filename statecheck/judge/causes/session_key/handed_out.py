"""The app hands out one id twice: by two processes, or to two who come at the same time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import OPENED_ELSEWHERE, OTHER_SESSION, TWO_SESSIONS
from statecheck.judge.cause import Observation
from statecheck.judge.checks.mixing import find_leaks
from statecheck.judge.evidence.lines import anchor_of, find_builds
from statecheck.judge.evidence.state_lines import find_related

if TYPE_CHECKING:
    from statecheck.judge.checks.mixing import Leak
    from statecheck.judge.conversation import Conversation, Sent
    from statecheck.judge.evidence.case import Case
    from statecheck.model import Anchor


def is_handed_out_twice(case: Case, turn: Sent, other: Sent) -> bool:
    """Whether two clients have one key that a request of its own gave to each of them."""
    plan = case.app.plan
    opens = plan is not None and plan.opening is not None and bool(plan.given) and plan.opening.path != plan.path
    return opens and turn.key is not None and turn.key == other.key


def find_repeated_id(case: Case) -> Observation | None:
    """Did the app hand out the id of a session that it had opened for somebody else?"""
    found = _find_leak(case)
    if found is None:
        return None
    name, leak = found
    conversation = case.conversations[name]
    looked_up, related = find_lookup(case, conversation, leak.turn)
    opening = case.app.plan.opening if case.app.plan is not None else None
    anchor = (opening.handler if opening is not None else None) or looked_up
    given = leak.turn.key if leak.turn.key == leak.other.key else None
    what = f"the id `{given}` is" if given is not None else "ids that stand for one conversation are"
    alike = leak.turn.pid == leak.other.pid
    by = "to two users who come at the same time" if alike else "by two processes, each to another user"
    return Observation(
        f"{what} handed out {by}: the second is given what the first one said",
        anchor,
        (case.reason(name),),
        kind="repeated-id",
        related_to=tuple(dict.fromkeys(filter(None, [looked_up if looked_up != anchor else None, *related]))),
        fix="make ids that are never made twice: `uuid.uuid4()`, or the database's own counter (`AUTOINCREMENT`, a "
        "sequence); how many there are, the highest and one more, and the time in seconds are the same for all who "
        "come at once"
        if alike
        else "make ids that no process makes twice, before a restart or after: `uuid.uuid4()`, or the database's own "
        "counter; one in memory begins again with each process, and so does a seeded `random`",
    )


def _find_leak(case: Case) -> tuple[str, Leak] | None:
    """What shows it, and in which experiment: first those who came to one process at the same time."""
    for name in (OPENED_ELSEWHERE, OTHER_SESSION, TWO_SESSIONS):
        leaks = list(find_leaks(case.conversations[name])) if name in case.conversations and case.leaked(name) else []
        twice = [leak for leak in leaks if is_handed_out_twice(case, leak.turn, leak.other)]
        if twice:
            return name, min(twice, key=lambda leak: leak.turn.pid != leak.other.pid)
        if leaks and name == OPENED_ELSEWHERE and not case.leaked(OTHER_SESSION):
            return name, leaks[0]
    return None


def find_lookup(case: Case, conversation: Conversation, turn: Sent) -> tuple[Anchor | None, tuple[Anchor, ...]]:
    """Where a turn found the conversation, and what else concerns that."""
    builds = find_builds(conversation, turn.marker, turn)
    anchor = anchor_of(next((op for op in builds if op.frames and op.turn == turn.number), None))
    related = find_related(conversation, turn, turn.marker, anchor or case.handler)
    return anchor or next((place for place in related if place.text == "read"), None), related
