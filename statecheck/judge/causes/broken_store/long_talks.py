"""What comes back cut, and what is not kept any more once a conversation is long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import LONG_TALK, LONG_TEXT
from statecheck.judge.cause import Observation
from statecheck.judge.conversation.cut_texts import find_cut
from statecheck.judge.conversation.windows import find_refusing, find_stuck
from statecheck.judge.evidence.lines import anchor_of, anchors, find_library_lines
from statecheck.judge.evidence.services import find_lookups, find_queries

if TYPE_CHECKING:
    from statecheck.history import Op
    from statecheck.judge.conversation import Conversation, Sent
    from statecheck.judge.evidence.case import Case
    from statecheck.model import Anchor


_MOST_LINES = 3  # of those that read and write, beside the one to blame


def find_cut_text(case: Case) -> Observation | None:
    """Did a text of several lines, or a long one, come back without its end?"""
    conversation = case.conversations.get(LONG_TEXT)
    cut = find_cut(conversation) if conversation is not None and case.lost(LONG_TEXT) else None
    if conversation is None or cut is None:
        return None
    read = _list_reads(conversation, cut.reader)
    lines = [*anchors(read, "read"), *_list_writes(conversation, cut.sent)]
    called = next((op for op in conversation.select("model", cut.reader.number) if op.frames), None)
    anchor = next(iter(lines), None) or anchor_of(called)
    how = "of several lines" if cut.lines else "of some hundred characters"
    if cut.left == "refusals":
        summary = f"a message {how} is stored, and what reads it back fails: its conversation is refused from then on"
    elif cut.left == "nothing":
        summary = f"a message {how} does not come back: later turns are given nothing of it"
    else:
        end = "beginning" if cut.left == "beginning" else "end"
        summary = f"of a message {how} only the {end} comes back: the rest of it is given to no later turn"
    fix = (
        "store each message in a form that takes any text (a JSON line, a column, a row of the `csv` module), and read "
        "it back the same way: a line, a comma or a `|` may stand in what people and models write"
        if cut.lines
        else "give the column, or the slice, room for a whole message: answers of models have thousands of characters"
    )
    return Observation(
        summary,
        anchor,
        (case.reason(LONG_TEXT),),
        kind="cut-text",
        severity="error" if cut.lines else "warning",
        related_to=tuple(line for line in lines if line != anchor)[:_MOST_LINES],
        fix=fix,
    )


def find_full_store(case: Case) -> Observation | None:
    """Are the newest turns of a long conversation not given to later ones, though the older ones are?"""
    conversation = case.conversations.get(LONG_TALK)
    if conversation is None or not case.lost(LONG_TALK):
        return None
    refusing, stuck = find_refusing(conversation), find_stuck(conversation)
    turn = refusing or stuck
    before = conversation.find_turn(turn.number - 1) if turn is not None else None
    if turn is None or before is None:
        return None
    failed = next(iter([op for op in conversation.select(turn=turn.number) if op.error and op.frames]), None)
    lines = [
        *_list_writes(conversation, turn if refusing else before),
        *anchors(_list_reads(conversation, turn), "read"),
    ]
    anchor = (anchor_of(failed) if refusing else None) or next(iter(lines), None) or case.handler
    if refusing is not None:
        summary = f"a conversation is refused from turn {turn.number} on: the store of the app's own is full by then"
    else:
        summary = (
            f"from turn {turn.number} on the newest turns are given to no later one, and older ones are: once there "
            "are many, what is stored is overwritten or put away at the wrong end"
        )
    return Observation(
        summary,
        anchor,
        (case.reason(LONG_TALK),),
        kind="oldest-window",
        related_to=tuple(line for line in lines if line != anchor)[:_MOST_LINES],
        fix="number messages by what only grows (an AUTOINCREMENT id, the greatest number and one), never by how many "
        "are left, and put the oldest away",
    )


def _list_reads(conversation: Conversation, turn: Sent) -> list[Op]:
    asked = [*find_queries(conversation, turn, "sql"), *find_lookups(conversation, turn)]
    read = conversation.select("file", turn.number, "read")
    return [op for op in (*asked, *read, *conversation.own_reads(turn.number)) if op.frames]


def _list_writes(conversation: Conversation, turn: Sent) -> list[Anchor]:
    stored = conversation.stored_outside(turn)
    theirs = find_library_lines(conversation, turn)
    stored.sort(key=lambda op: bool(theirs & {*op.frames[:1]}))  # what an engine's own memory does comes last
    return anchors([*stored, *conversation.writes(turn.number, turn.marker)], "written")
