"""The app's own code does not commit, does not ask for, or cuts off what it stores."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE, CONTROL, OTHER_WORKER, SEQUENTIAL
from statecheck.judge.cause import Observation
from statecheck.judge.causes.broken_store.failed_save import find_asked
from statecheck.judge.conversation.shapes import find_orphan, find_repeated
from statecheck.judge.evidence.given_messages import (
    find_gap,
    find_missing_answer,
    find_newest_first,
    find_oldest_window,
    has_ties,
)
from statecheck.judge.evidence.lines import anchor_of, anchors, defined_at
from statecheck.judge.evidence.own_stores import Kind, find_unreturned
from statecheck.judge.evidence.services import find_queries, named_tables
from statecheck.judge.evidence.state_lines import find_related
from statecheck.model import Evidence

if TYPE_CHECKING:
    from statecheck.history import Op
    from statecheck.judge.conversation import Conversation
    from statecheck.judge.evidence.case import Case


_IGNORES = re.compile(r"INSERT\s+(OR\s+)?IGNORE|DO\s+NOTHING", re.IGNORECASE)
_UNRETURNED: dict[Kind, tuple[str, str]] = {
    "not-committed": (
        "turn 1 was written to {}, and never committed: it is rolled back when the connection is closed",
        "commit what was written (`connection.commit()`), or write inside of `with connection:`",
    ),
    "filtered-out": (
        "turn 1 is stored in {} under the key that turn 2 asks for, and the query of turn 2 leaves it out",
        "let the query find what the app writes: compare its conditions with the columns that are written",
    ),
    "never-read": (
        "turn 2 read turn 1 back from {}, and did not give it to the model",
        "give the model what was read back",
    ),
    "read-once": (
        "turn 1 is stored in {}, which was read before and not again: turn 2 goes by what was read first",
        "read the conversation anew for each turn: `lru_cache`, `cache` or a variable keeps the first answer for good",
    ),
}


def find_unreturned_turn(case: Case) -> Observation | None:
    """Did the app's own code write turn 1 to a table, a file or a key, ask that for it, and not get or not use it?"""
    conversation = case.conversations.get(BASELINE)
    found = find_unreturned(conversation) if conversation is not None and case.lost(BASELINE) else None
    if conversation is None or found is None:
        return None
    summary, fix = _UNRETURNED[found.kind]
    blamed = found.write if found.kind == "not-committed" else found.query
    anchor = anchor_of(blamed) or anchor_of(found.write)
    return Observation(
        summary.format(found.place),
        anchor,
        (case.reason(BASELINE),),
        kind=found.kind,
        related_to=find_related(
            conversation, conversation.turns[0], conversation.turns[0].marker, anchor or case.handler
        ),
        fix=fix,
    )


def find_window_of_the_oldest(case: Case) -> Observation | None:
    """Is the model given the oldest turns alone once there are many?"""
    conversation = case.conversations.get(CONTROL)
    window = find_oldest_window(conversation, case.channel or "model") if conversation is not None else None
    if conversation is None or window is None:
        return None
    anchor = anchor_of(window.limit)
    ignored = _find_ignored_write(conversation, window.missing)
    what = f"turn {window.reader} was not given turn {window.missing}, and was given turn {window.given}"
    if ignored is not None:
        return Observation(
            "the row that holds the conversation is written once, and what later turns write to it is ignored: "
            f"`{ignored.text[:60]}`",
            anchor_of(ignored),
            (Evidence(CONTROL, what),),
            kind="oldest-window",
            related_to=tuple(filter(None, [anchor])),
            fix="let a later write replace the row (`ON CONFLICT ... DO UPDATE`), or add a row for each message",
        )
    by = f" (`{window.limit_text}`)" if window.limit_text else ""
    return Observation(
        f"the model is given the oldest turns only{by}: later turns are never given to it",
        anchor,
        (Evidence(CONTROL, what),),
        kind="oldest-window",
        fix="keep the newest turns: sort them newest first, limit, and reverse what comes back",
    )


def find_turn_left_out(case: Case) -> Observation | None:
    """Are single turns left out of what is given, where all were taken one after the other?"""
    conversation = case.conversations.get(CONTROL)
    gap = find_gap(conversation) if conversation is not None else None
    if conversation is None or gap is None:
        return None
    missing, reader = gap
    written = [op for op in conversation.select("sql", missing.number, "write") if missing.marker in op.markers]
    tables = {name for op in written for name in named_tables(op.text)}
    queries = [op for op in find_queries(conversation, reader, "sql") if op.frames]
    asked = [op for op in queries if tables & named_tables(op.text)] or queries or find_asked(conversation, reader)
    call = next((op for op in conversation.select("model", reader.number) if op.frames), None)
    anchor = anchor_of(next((op for op in reversed(asked) if op.frames), call))
    return Observation(
        f"turn {missing.number} is left out of what is read back: turn {reader.number}'s model was given the turns "
        "before and after it, one taken after the other",
        anchor,
        (Evidence(CONTROL, f"turn {reader.number}'s model was given turn {missing.number - 1}, and not the next"),),
        kind="filtered-out",
        related_to=find_related(conversation, missing, missing.marker, anchor or case.handler),
        fix="let what is read back begin where what was put aside ends: an index and a count differ by one",
    )


def _find_ignored_write(conversation: Conversation, turn: int) -> Op | None:
    """The statement of a turn that leaves a row as it is where there is one."""
    writes = (op for op in conversation.select("sql", turn, "write") if op.frames)
    return next((op for op in writes if _IGNORES.search(op.text)), None)


def find_unstored_answers(case: Case) -> Observation | None:
    """Is what the user said given to later turns, and nothing of what was answered?"""
    conversation = case.conversations.get(BASELINE)
    reader = find_missing_answer(conversation) if conversation is not None else None
    if conversation is None or reader is None:
        return None
    first = conversation.turns[0]
    written = [*conversation.writes(first.number, first.marker), *conversation.select("sql", first.number, "write")]
    anchor = next(iter(anchors(written, "")), None) or anchor_of(reader)
    return Observation(
        "turn 2 was given what the user said in turn 1, and not what was answered: answers are never stored",
        anchor,
        (Evidence(BASELINE, "turn 2's model was given turn 1's question without its answer"),),
        kind="answers-missing",
        severity="warning",
        fix="store the answer as well, after it was given",
    )


def find_message_given_twice(case: Case) -> Observation | None:
    """Was a model given one message of the user's twice, one turn after another?"""
    conversation = case.conversations.get(BASELINE)
    if conversation is None or any(next(each.select("defect"), None) for each in case.conversations.values()):
        return None  # a store of the library's doubles what it holds
    for turn in conversation.turns:
        call = next((op for op in conversation.select("model", turn.number) if find_repeated(op.messages)), None)
        if call is None or turn.status != "ok":
            continue
        twice = [other for other in conversation.turns if other.marker in call.markers]
        written = [
            op
            for other in twice
            for op in (
                *conversation.writes(other.number, other.marker),
                *conversation.select("sql", other.number, "write"),
                *conversation.select("file", other.number, "write"),
            )
        ]
        lines = anchors(written, "written")
        called = anchor_of(call)
        anchor = next((line for line in lines if called is None or line.line != called.line), called)
        return Observation(
            f"turn {turn.number}'s model was given one message of the user's twice: it is put into the conversation, "
            "and handed over beside it",
            anchor,
            (Evidence(BASELINE, f"one of the messages that turn {turn.number}'s model was given stands there twice"),),
            kind="given-twice",
            severity="warning",
            related_to=tuple(line for line in (*lines, *filter(None, [called])) if line != anchor),
            fix="either store the message before the model is asked and give it what is stored, or give it the message "
            "and store that afterwards; an engine or agent with a memory stores it itself",
        )
    return None


def find_orphaned_tool_message(case: Case) -> Observation | None:
    """Was a model given a tool's result without the call that it answers, or the reverse?"""
    for name in (*SEQUENTIAL, CONTROL):
        conversation = case.conversations.get(name)
        calls = conversation.select("model") if conversation is not None else ()
        call = next((op for op in calls if op.turn and find_orphan(op.messages)), None)
        if conversation is None or call is None:
            continue
        missing = find_orphan(call.messages)
        other = "result" if missing == "call" else "call"
        begins = next((message for message in call.messages if message[0] != "s"), "")
        limits = [op for each in case.conversations.values() for op in each.select("window") if op.lines]
        cut = next(iter(limits), None) if begins[:1] == "t" else None  # what stands before it was left out
        read = [*conversation.select("sql", call.turn, "send"), *conversation.own_reads(call.turn)]
        anchor = next(iter(anchors(read, "")), None) or anchor_of(call)
        limit = defined_at(cut)
        return Observation(
            f"turn {call.turn}'s model was given a tool's {other} without its {missing}, which model providers refuse"
            + (f" (`{cut.name}` may have cut it off)" if cut is not None else ""),
            limit or anchor,
            (Evidence(name, f"of what turn {call.turn}'s model was given, a tool's {other} stands alone"),),
            kind="tools-orphaned",
            severity="warning",
            related_to=tuple(filter(None, [anchor if limit is not None else None])),
            fix="store an assistant's tool calls with their results, and let a window onto a conversation begin with a "
            "message of the user's",
        )
    return None


def find_reversed_history(case: Case) -> Observation | None:
    """Is the model given the earlier turns in reverse, where they were taken one after the other?"""
    for name in (OTHER_WORKER, CONTROL):
        conversation = case.conversations.get(name)
        call = find_newest_first(conversation) if conversation is not None else None
        if conversation is None or call is None or next(conversation.select("defect"), None) is not None:
            continue
        queries = [
            op for op in conversation.select("sql", call.turn, "send") if op.frames and "DESC" in op.text.upper()
        ]
        if queries and has_ties(conversation, call.turn):
            return Observation(
                "messages of one second are given to the model in reverse, answers before their questions: the query "
                "sorts them by their time alone, and rows of one time have no order",
                anchor_of(queries[0]),
                (Evidence(name, f"turn {call.turn}'s model was given the messages of one second, the newest first"),),
                kind="newest-first",
                severity="warning",
                fix="sort by what grows with every message as well (`ORDER BY created_at DESC, id DESC` with a counted "
                "id, or a sequence of its own), before they are turned round; a random id (UUID) has no order either",
            )
        return Observation(
            f"the model is given the earlier turns in reverse: turn {call.turn} has the newest of them first",
            anchor_of(next(iter(queries), call)),
            (Evidence(name, f"turn {call.turn}'s model was given the turns before it, the newest first"),),
            kind="newest-first",
            severity="warning",
            fix="turn round what a query gives newest first (`ORDER BY id DESC LIMIT n`) before the model is given it",
        )
    return None
