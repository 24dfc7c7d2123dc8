"""What holds a limited number of conversations pushes one out that is kept nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import BACK_AGAIN, BASELINE, NEW_PROCESS
from statecheck.judge.cause import Observation
from statecheck.judge.evidence.lines import defined_at
from statecheck.judge.evidence.whereabouts import find_first_places
from statecheck.model import Evidence
from statecheck.steps import OTHERS

if TYPE_CHECKING:
    from statecheck.history import Op
    from statecheck.judge.conversation import Conversation
    from statecheck.judge.evidence.case import Case
    from statecheck.judge.evidence.whereabouts import Whereabouts

_FIX = (
    "keep conversations in a store that outlives the cache (a database, Redis), and let the cache only save reading "
    "them: what it pushes out is then read again"
)


def find_eviction(case: Case) -> Observation | None:
    """Is a session forgotten because others were served, or will it be once more are served than a cache holds?"""
    conversation = case.conversations.get(BACK_AGAIN)
    if conversation is None:
        return None
    kept = next((place for place in _find_kept(case, conversation) if place.kind == "process"), None)
    limit = _find_capacity(conversation, kept)
    if case.lost(BACK_AGAIN):
        return _report_eviction(case, kept, limit)
    number = int(limit.text) if limit is not None and limit.text else 0
    if limit is None or not case.lost(NEW_PROCESS) or 0 < number <= OTHERS:
        return None
    where = f"`{kept.text}`" if kept is not None else "what keeps them"
    most = f"{number}" if number else "so many"
    return Observation(
        f"a conversation is forgotten when others push it out: {where} holds {most} of them (`{limit.name}`)",
        defined_at(limit),
        (Evidence(NEW_PROCESS, f"what is pushed out is kept nowhere else; {OTHERS} other sessions do not fill it"),),
        kind="evicted",
        severity="warning",
        fix=_FIX,
    )


def _report_eviction(case: Case, kept: Whereabouts | None, limit: Op | None) -> Observation:
    where = f" in `{kept.text}`" if kept is not None else ""
    by = (
        f"there is room for {limit.text or 'so many'} (`{limit.name}`)"
        if limit is not None
        else "others took its place"
    )
    anchor = defined_at(limit) or (kept.anchor if kept is not None else None)
    related = [*kept.uses, *filter(None, [kept.anchor])] if kept is not None else []
    return Observation(
        f"a session that was served before others is forgotten{where}: it is pushed out, {by}",
        anchor,
        (case.reason(BACK_AGAIN),),
        kind="evicted",
        severity="warning",
        related_to=tuple(each for each in dict.fromkeys(related) if anchor is None or each.line != anchor.line),
        fix=_FIX,
    )


def _find_kept(case: Case, conversation: Conversation) -> list[Whereabouts]:
    return [place for each in (case.conversations[BASELINE], conversation) for place in find_first_places(each)]


def _find_capacity(conversation: Conversation, kept: Whereabouts | None) -> Op | None:
    """The limit to the number of sessions in what keeps them; where that was not seen, the only one that there is."""
    limits = list(conversation.select("capacity"))
    if kept is None:
        return limits[0] if len(limits) == 1 else None
    held = [limit for limit in limits if limit.where and f".{limit.where}[" in f".{kept.text}["]
    defined = [limit for limit in limits if kept.anchor is not None and defined_at(limit) == kept.anchor]
    return next(iter([*held, *defined]), None)
