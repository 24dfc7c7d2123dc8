"""Clients that send the whole conversation along: what an app keeps beside it counts where it goes by that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from labs import User, diagnosed

if TYPE_CHECKING:
    from pathlib import Path

APP = """\
    from llama_index.core.llms import ChatMessage

    mine = {{}}


    def reply(user, messages):
        kept = mine.setdefault(user, [])
        kept.append(messages[-1]["content"])
        return str({given})
"""


@pytest.mark.parametrize(
    ("given", "verdict", "causes"),
    [("kept", "state-loss", ["SC102", "SC103"]), ("[m['content'] for m in messages]", "stateless", [])],
)
def test_what_is_sent_is_enough_only_where_the_app_goes_by_it(
    tmp_path: Path, given: str, verdict: str, causes: list[str]
) -> None:
    user = User(tmp_path)
    user.write(app=APP.format(given=given))

    ran = diagnosed(user, "app.py:reply", "namespace")

    assert ran.diagnosis.verdict == verdict
    assert [cause.code for cause in ran.diagnosis.causes] == causes
