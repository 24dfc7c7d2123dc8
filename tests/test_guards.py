"""What rules an experiment out, by what is known of the app alone."""

from __future__ import annotations

import pytest

from statecheck.experiments import EXPERIMENTS, OPENED_ELSEWHERE
from statecheck.so_far import SoFar


@pytest.mark.parametrize(("users", "ruled_out"), [(0, False), (3, True), (5, False)])
def test_sessions_are_opened_at_once_by_as_many_users_as_there_are_clients(users: int, ruled_out: bool) -> None:
    experiment = next(each for each in EXPERIMENTS if each.name == OPENED_ELSEWHERE)
    known = SoFar(settled=frozenset(), hands_out=True, remembers=True, users=users)

    assert (experiment.why_not(known) is not None) == ruled_out
