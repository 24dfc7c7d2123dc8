"""A run that waits for a person is saved where a redeploy drops it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE, NEW_CONTAINER, NEW_PROCESS, OTHER_SESSION
from statecheck.judge.cause import Observation
from statecheck.judge.evidence.lines import anchors
from statecheck.judge.evidence.paused_runs import is_answered
from statecheck.judge.evidence.whereabouts import find_places
from statecheck.model import Evidence

if TYPE_CHECKING:
    from statecheck.judge.evidence.case import Case


def find_paused_run(case: Case) -> Observation | None:
    """Is a run that waits for a person saved on the disk that a redeploy drops?

    Asked of what a single turn left, where no other turn answers it and so has to find it.
    """
    redeployed = case.conversations.get(NEW_CONTAINER)
    if case.lost(NEW_PROCESS) or case.lost(NEW_CONTAINER) or (redeployed is not None and is_answered(redeployed)):
        return None
    for name in (BASELINE, OTHER_SESSION):
        conversation = case.conversations.get(name)
        first = next(iter(conversation.turns), None) if conversation is not None else None
        if conversation is None or first is None or conversation.find_request(first) is None:
            continue
        saved = [op for op in conversation.select("context", first.number, "to_dict") if op.type == "ok"]
        files = [place for place in find_places(conversation, first) if place.kind != "process"]
        volume = {op.where for op in conversation.select("disk") if op.on_volume}
        if any(place.kind == "service" or place.text in volume for place in files):
            continue  # it may be saved there: a log on the disk, say, has the user's words too
        if saved and saved[-1].running and files:
            where = f"`{files[0].text}`"
            set_by = [op for op in conversation.select("ctx-store", first.number, "write") if op.frames]
            made = [op for op in conversation.select("workflow", first.number, "build") if op.frames]
            return Observation(
                f"a run that waits for a person is saved in {where}, which a redeploy drops with the container",
                next(iter(anchors([*set_by[-1:], *made[-1:]], "")), None),
                (Evidence(name, f"turn 1 ended with a workflow Context that still ran, saved in {where}"),),
                kind="paused-run",
            )
    return None
