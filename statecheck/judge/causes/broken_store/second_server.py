"""A server of workflows starts, and what becomes of a run that another one has under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import SECOND_SERVER
from statecheck.judge.cause import Observation
from statecheck.judge.checks.taking_up import find_servers, find_taken_up
from statecheck.judge.evidence.lines import anchors
from statecheck.model import Evidence

if TYPE_CHECKING:
    from statecheck.judge.conversation import Conversation
    from statecheck.judge.evidence.case import Case


def find_unresumed_run(case: Case) -> Observation | None:
    """Did nobody take up a run whose server died, though the next server found it in the store?"""
    conversation = _open(case)
    if conversation is None or find_taken_up(conversation, conversation.turns[1]):
        return None
    return _report(
        conversation,
        "a run that is under way when its server ends is not taken up by the next one, and stays `running`",
        "turn 2's server died in a model call; the next one found the run in the store, and let it be",
        "never-resumed",
        "where a server is gone, let the client send the run again; or give back what is young as well in a store of "
        "your own (`query` of a subclass), once no other server holds it",
    )


def find_doubled_run(case: Case) -> Observation | None:
    """Did a second server take up a run that the first one still did?"""
    conversation = _open(case)
    twice = find_taken_up(conversation, conversation.turns[0]) if conversation is not None else []
    if conversation is None or not twice:
        return None
    still = conversation.turns[0].pid
    return _report(
        conversation,
        "a run is done twice where a second server starts beside the one that does it (a rolling deploy, a replica)",
        f"the model was called for turn 1 in PID {still}, and in PID {twice[0].pid}, to which nobody had sent it; the "
        "run was told to be an hour old",
        "resumed-twice",
        "stop the old server before the new one starts, and run one (`strategy: Recreate`, `replicas: 1`), or let a "
        "store of your own give runs to one server at a time; let what a step does count once (keyed by the run's id)",
    )


def _open(case: Case) -> Conversation | None:
    """The experiment's conversation, where it ended in an outcome."""
    found = case.outcomes.get(SECOND_SERVER)
    return case.conversations.get(SECOND_SERVER) if found is not None and found.outcome != "error" else None


def _report(conversation: Conversation, what: str, shown: str, kind: str, fix: str) -> Observation:
    server = next(iter(find_servers(conversation)), None)
    of = f" ({server.where}; {server.distribution})" if server is not None else ""
    calls = [op for turn in conversation.turns for op in conversation.select("model", turn.number)]
    anchor = next(iter(anchors([server] if server is not None else [], "")), None)
    return Observation(
        what + of,
        anchor,
        (Evidence(SECOND_SERVER, shown),),
        kind=kind,
        severity="warning",
        related_to=tuple(anchors(calls[:1], "the call that was under way")),
        fix=fix,
    )
