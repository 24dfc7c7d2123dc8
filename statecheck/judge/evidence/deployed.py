"""How an app is deployed, as far as that makes a loss one that its users do not meet, and what its framework offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import CONCURRENT, CONCURRENT_WORKERS
from statecheck.probe.frameworks import by_name, find_tab

if TYPE_CHECKING:
    from statecheck.judge.evidence.case import Case
    from statecheck.judge.evidence.whereabouts import Whereabouts
    from statecheck.model import Severity
    from statecheck.probe.frameworks import Framework

_OF_A_POLLING_BOT = "a bot that polls has one process by design, so nothing is lost until it answers by a webhook"


def find_tab_of(case: Case, place: Whereabouts | None) -> Framework | None:
    """Return the framework that keeps this place, or the key to it, for one tab of a browser; or None."""
    found = find_tab(place.text) if place is not None else None
    return found or (by_name(case.app.target.framework) if _has_tabs_apart(case) else None)


def _has_tabs_apart(case: Case) -> bool:
    """Whether other tabs of the same visitor, at the same server, were not given what the first one had said."""
    conversation = case.conversations.get(CONCURRENT)
    if conversation is None or not conversation.in_tabs:
        return False
    first, *others = conversation.turns
    answered = [turn for turn in others if turn.status == "ok"]
    return bool(answered) and not any(conversation.is_given(turn, first, case.channel or "model") for turn in answered)


def weigh_split(case: Case, place: Whereabouts | None) -> tuple[Severity, str]:
    """Return how much it matters that another worker has not got what one has in memory, and why; "" for an error.

    One replica is all that a page or a bot that polls is meant to have, unless the project's files ask for more.
    """
    if case.app.workers > 1:
        return "error", ""
    tab = find_tab_of(case, place)
    if tab is not None:
        return "warning", f"a tab keeps to one {tab.name} server, so nothing is lost while there is one replica"
    return ("warning", _OF_A_POLLING_BOT) if case.app.polls else ("error", "")


def weigh_end(case: Case, place: Whereabouts | None) -> tuple[Severity, str]:
    """Return how much it matters that what is in memory ends with its process, and why; "" for an error."""
    tab = find_tab_of(case, place)
    if tab is None or case.app.workers > 1:
        return "error", ""
    return "warning", f"a {tab.name} tab begins anew after a restart, as its page does"


def weigh_overlap(case: Case, experiment: str) -> tuple[Severity, str]:
    """Return how much it matters that an experiment lost turns that overlapped, and why; "" for an error.

    Where one process keeps such turns, what two lose is lost to nobody as long as the project's files start but one.
    """
    if experiment == CONCURRENT_WORKERS and case.app.workers == 1 and case.kept(CONCURRENT):
        return "warning", "nothing is lost while there is one worker, as the project's files say"
    return "error", ""


def advise_beyond_tab(case: Case, place: Whereabouts | None) -> str:
    """Return what its framework offers for a conversation that should outlive its tab; "" where it is no tab's."""
    tab = find_tab_of(case, place)
    return tab.beyond_tab if tab is not None else ""


def advise_per_tab(case: Case) -> str:
    """Return what the app's framework offers for a thing that each tab has of its own; "" where it is no page."""
    return by_name(case.app.target.framework).per_tab
