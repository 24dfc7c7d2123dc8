"""What is said a second time is not kept: the app's own code takes equal texts once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import SAME_TEXT
from statecheck.judge.cause import Observation
from statecheck.judge.checks.same_text import find_dropped, find_once
from statecheck.judge.evidence.lines import anchor_of
from statecheck.judge.evidence.text_lines import find_text_lines

if TYPE_CHECKING:
    from statecheck.judge.evidence.case import Case


def find_dropped_repeat(case: Case) -> Observation | None:
    """Was a text that one session said twice, with a turn between, given to a later turn once?"""
    conversation = case.conversations.get(SAME_TEXT)
    if conversation is None or SAME_TEXT not in case.outcomes or case.outcomes[SAME_TEXT].outcome != "lost":
        return None
    found = find_dropped(conversation)
    if found is None:
        return None
    again, _ = found
    written = find_once(conversation, again)
    said = find_text_lines(conversation, again, "once")
    lines = [*filter(None, [anchor_of(written)]), *(line for line, _ in said)]
    words = [*([written.text] if written is not None else []), *(text for _, text in said)]
    by = f" (`{words[0][:60]}`)" if words else ""
    return Observation(
        f"what a user says a second time is not kept{by}: later turns are given it once, where it stood first",
        next(iter(lines), None),
        (case.reason(SAME_TEXT),),
        kind="repeat-dropped",
        related_to=tuple(dict.fromkeys(line for line in lines[1:] if line != lines[0])),
        fix="tell messages apart by an id of their own, not by their text: what a client sends again has the id "
        "that it had before, and a user may say `yes` twice",
    )
