"""What held a turn was built in its own request or connection; or the client sent the earlier turns, unused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE, SAME_CONNECTION
from statecheck.judge.cause import Observation
from statecheck.judge.evidence.deployed import advise_per_tab
from statecheck.judge.evidence.intent import find_memory_database
from statecheck.judge.evidence.lines import anchor_of, find_builds
from statecheck.judge.evidence.sent_history import find_dropped_history
from statecheck.judge.evidence.state_lines import find_related, line_of
from statecheck.judge.evidence.unkept import find_unkept
from statecheck.judge.evidence.whereabouts import find_places

if TYPE_CHECKING:
    from statecheck.history import Op
    from statecheck.judge.conversation import Conversation, Sent
    from statecheck.judge.evidence.case import Case


def find_dropped_store(case: Case) -> Observation | None:
    """Was the innermost store that held turn 1's marker built in turn 1's own request?"""
    conversation = case.conversations.get(BASELINE)
    if conversation is None or not case.lost(BASELINE):
        return None
    first, second = conversation.turns[:2]
    witness = _find_maker(conversation, first) or find_memory_database(conversation, first, second)
    if witness is None:
        return None
    what = witness.cls or f"`{witness.where}` database"
    anchor = anchor_of(witness)
    gone = any(op.obj == witness.obj for op in conversation.select("gone"))
    end = "and is gone" if gone else "and turn 2 used another"
    return Observation(
        f"turn 1 went into a {what} that was built in its own request {end}",
        anchor,
        (case.reason(BASELINE),),
        kind="memory-database" if ":memory:" in witness.where else None,
        related_to=find_related(conversation, first, first.marker, anchor or case.handler),
        fix=advise_per_tab(case),
    )


def _find_maker(conversation: Conversation, turn: Sent) -> Op | None:
    """The innermost store that took the turn's marker, if it was made in that turn.

    By a constructor; or by a copy or a validation, which are seen first when the object is used.
    """
    objects = find_builds(conversation, turn.marker, turn)
    if objects:
        return objects[0] if objects[0].turn == turn.number else None
    for op in conversation.writes(turn.number, turn.marker):
        first = conversation.first_of(op)
        if first.turn == turn.number:
            return first
    return None


def find_unkept_turn(case: Case) -> Observation | None:
    """Did the app's code put turn 1 into a list that it then dropped, or ask a container that nothing fills?

    Or put it back into a state that each request has anew?
    """
    conversation = case.conversations.get(BASELINE)
    if conversation is None or not case.lost(BASELINE) or case.app.carries_history:
        return None
    unkept = find_unkept(conversation, *conversation.turns[:2])
    if unkept is None:
        return None
    summary = f"each turn asks `{unkept.name}` for what was said before, and nothing is ever put into it"
    fix = f"put the conversation into `{unkept.name}` under the session's key after each turn"
    if unkept.slip == "copied":
        summary = (
            f"turn 1 was put into `{unkept.name}`, which each request has anew: what is assigned to it ends with it"
        )
        fix = (
            "change the object that outlives the requests in place (`talks[key] = ...`), keep it on the app "
            "(`request.app.state`), or better in a store under the session's key"
        )
    if unkept.slip == "dropped":
        summary = f"turn 1 was put into the list `{unkept.name}`, which is dropped when the request ends"
        fix = (
            f"put `{unkept.name}` back where the next turn looks for it, under the session's key, or keep it in a store"
        )
    return Observation(
        summary, unkept.made, (case.reason(BASELINE),), kind="not-put-back", related_to=unkept.uses, fix=fix
    )


def find_lost_connection(case: Case) -> Observation | None:
    """Is turn 1 remembered on its own connection, and lost on the next one?"""
    conversation = case.conversations.get(SAME_CONNECTION)
    if conversation is None or not case.lost(BASELINE) or not case.kept(SAME_CONNECTION):
        return None
    first = conversation.turns[0]
    witness = _find_maker(conversation, first)
    place = next((p for p in find_places(conversation, first) if p.kind == "process" and p.anchor), None)
    anchor = anchor_of(witness) or (place.anchor if place else line_of(conversation, first))
    held = witness.cls if witness is not None and witness.cls else f"`{place.text}`" if place is not None else ""
    where = f", in {held}" if held else ""
    return Observation(
        f"the conversation lasts as long as its connection{where}: turn 1 is remembered there, and a client that "
        "connects again begins from nothing",
        anchor,
        (case.reason(SAME_CONNECTION), case.reason(BASELINE)),
        kind="per-connection",
        related_to=find_related(conversation, first, first.marker, anchor or case.handler),
        fix="load the conversation under the client's key when it connects, and save it with every message",
    )


def find_unused_history(case: Case) -> Observation | None:
    """Did the client send turn 1 with turn 2, and the app ask its model without it?"""
    return find_dropped_history(case, by_agent=False)
