"""What the causes are asked about: the conversations of a run, what the checks said, and what is known of the app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from statecheck.experiments import OTHER_SESSION
from statecheck.model import Anchor, Evidence, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statecheck.judge.conversation import Channel, Conversation
    from statecheck.judge.evidence.whereabouts import Whereabouts
    from statecheck.kept.meta import RunMeta


@dataclass(frozen=True)
class Case:
    """One run, ready to be asked about.

    Attributes:
        conversations: by experiment.
        outcomes: what the checks said of each.
        channel: where the baseline showed that turns are remembered; None if it showed nothing.
        app: what is known of the app besides what was recorded of its turns.
    """

    conversations: Mapping[str, Conversation]
    outcomes: Mapping[str, Outcome]
    channel: Channel | None
    app: RunMeta

    @property
    def handler(self) -> Anchor:
        """Where the endpoint is, the last resort for an anchor."""
        return self.app.handler

    def lost(self, experiment: str) -> bool:
        """Whether an experiment ended in a loss."""
        return experiment in self.outcomes and self.outcomes[experiment].outcome == "lost"

    def kept(self, experiment: str) -> bool:
        """Whether an experiment kept every turn, in whatever order."""
        return experiment in self.outcomes and self.outcomes[experiment].outcome in ("kept", "reordered")

    def leaked(self, experiment: str) -> bool:
        """Whether in an experiment a session was given what another said."""
        return experiment in self.outcomes and self.outcomes[experiment].outcome == "leaked"

    def shared(self, place: Whereabouts | None) -> bool:
        """Whether a place holds one conversation for all: it has no key, and other sessions were given it."""
        return place is not None and place.key is None and self.leaked(OTHER_SESSION)

    def reason(self, experiment: str) -> Evidence:
        """What the check said, as evidence."""
        found = self.outcomes[experiment]
        return Evidence(experiment, f"{found.outcome}: {found.reason}")
