"""SC105 async-race: an answered turn is overwritten by one that overlaps it.

## What it means

Two turns of one session overlapped, and one that had been answered is missing afterwards. Users who send two
messages quickly, or press the button twice, lose one.

## Why it happens

Load, model call, save: the model call takes seconds, and a turn that starts meanwhile loads the same old
conversation. The one that saves last wins. It happens with a blob in Redis or a database row, with a JSON file,
with `Context.to_dict` snapshots, and with `ctx.store.get` ... `await` ... `ctx.store.set` in a step (`num_workers`
is 4 by default). A default `Memory` (SQLite in process memory) that takes several writes at once also lost some of
them, without an error, under SQLAlchemy 2.1.

## How statecheck shows it

In `concurrent` and `concurrent-workers`, 8 turns of one session are held at a barrier inside their model calls
until all have arrived, then let go; a later, sequential turn shows what is left. `lost` means that an answered turn
is missing there. `reordered` means that all are there, out of order: a warning. If the app lets only one turn in at
a time, nothing else arrives at the barrier and the turns are kept: reason `serialized`. In `two-sessions` the turns are
of two sessions: a lock for each does not help where one file holds all.

## Example

```python
from fastapi import FastAPI
from llama_index.core import Settings
from llama_index.core.llms import ChatMessage

app = FastAPI()
conversations = {}


@app.post("/chat")
async def chat(payload: dict):
    history = list(conversations.get(payload["session_id"], []))  # load
    history.append(ChatMessage(role="user", content=payload["message"]))
    answer = await Settings.llm.achat(history)  # another turn of this session runs here
    conversations[payload["session_id"]] = [*history, answer.message]  # save: the last one wins
    return {"answer": answer.message.content}
```

## Fix

Let the turns of one session run one after the other. Within one process a lock for each session does that:

```python
import asyncio
from collections import defaultdict

from fastapi import FastAPI
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.memory import Memory
from sqlalchemy.ext.asyncio import create_async_engine

app = FastAPI()
engine = create_async_engine("sqlite+aiosqlite:///conversations.db")
locks = defaultdict(asyncio.Lock)


@app.post("/chat")
async def chat(payload: dict):
    session_id = payload["session_id"]
    async with locks[session_id]:
        memory = Memory.from_defaults(session_id=session_id, async_engine=engine)
        chat_engine = SimpleChatEngine.from_defaults(memory=memory)
        return {"answer": str(await chat_engine.achat(payload["message"]))}
```

Between workers a lock does not reach: append instead of overwriting. `Memory` on a database adds one row a message,
so that overlapping turns are kept even without the lock, if perhaps out of order; Redis' `RPUSH` and a database
transaction with a version column do as well. In a workflow step use `async with ctx.store.edit_state() as state:`,
or `num_workers=1`.

## Kinds

- `user-code`: the load, the model call and the save are in the app itself.
- `library-store`: the store's own code loads and saves.
- `interleaved`: every turn is kept, but a question is followed by another's answer. A warning.

## See also

SC106 when the turns of different sessions get mixed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE, CONCURRENT, CONCURRENT_WORKERS, NEW_PROCESS, OVERLAPPING, TWO_SESSIONS
from statecheck.judge.cause import KEPT, Cause, Example, Observation, Question, Symptom, Topic
from statecheck.judge.checks.lost_update import find_missing
from statecheck.judge.checks.mixing import find_forgotten
from statecheck.judge.evidence.lines import anchor_of, find_builds
from statecheck.judge.evidence.state_lines import find_related, line_of
from statecheck.judge.evidence.whereabouts import find_whereabouts

if TYPE_CHECKING:
    from statecheck.judge.conversation import Conversation, Sent
    from statecheck.judge.evidence.case import Case
    from statecheck.model import Anchor, Finding


def find_lost_update(case: Case) -> Observation | None:
    """Is an acknowledged turn that overlapped others missing from what a later turn sees?"""
    for name in OVERLAPPING:
        if case.lost(name):
            return _report_lost(case, name)
    # what is in the memory of one process is no file or row that another session's turn could overwrite
    if case.lost(TWO_SESSIONS) and not case.lost(NEW_PROCESS):
        return _report_lost(case, TWO_SESSIONS)
    for name in OVERLAPPING:
        if name in case.outcomes and case.outcomes[name].outcome == "reordered":
            return _report_interleaved(case, name)
    return None


def _report_lost(case: Case, name: str) -> Observation:
    conversation = case.conversations[name]
    apart = name == TWO_SESSIONS
    victims = (find_forgotten if apart else find_missing)(conversation, case.channel or "model")
    victim = victims[0]
    library = _is_in_library_store(conversation, victim)
    anchor, summary_place = _find_place(case, conversation, victim, library)
    names = ", ".join(str(turn.number) for turn in victims[:4]) + (", …" if len(victims) > 4 else "")
    where = f" in `{summary_place}`" if summary_place else ""
    whose = "of another session " if apart else ""
    return Observation(
        f"acknowledged turns ({names}) were overwritten{where} by turns {whose}that overlapped them",
        anchor,
        (case.reason(name),),
        kind="library-store" if library else "user-code",
        related_to=find_related(conversation, victim, victim.marker, anchor or case.handler),
    )


def _is_in_library_store(conversation: Conversation, victim: Sent) -> bool:
    """Whether the app handed the turn to a store of the library's that outlives the request, which then lost it."""
    builds = find_builds(conversation, victim.marker, victim)
    fresh = {(op.generation, op.obj) for op in builds if op.turn == victim.number}
    for op in conversation.writes(victim.number, victim.marker):
        durable = "://" in op.where and ":memory:" not in op.where
        if op.f in ("memory", "chat-store") and (durable or (op.generation, op.obj) not in conversation.gone | fresh):
            return True
    return False


def _find_place(case: Case, conversation: Conversation, victim: Sent, library: bool) -> tuple[Anchor | None, str]:
    ops = list(conversation.select(turn=victim.number))
    if library:
        build = next((op for op in find_builds(conversation, victim.marker, victim) if op.frames), None)
        return anchor_of(build), build.cls if build else ""
    kinds = (("wire", "write"), ("sql", "write"), ("file", "write"), ("context", "to_dict"), ("context", "load"))
    saves = [op for op in conversation.handed_over(victim.marker, victim.number) if op.action == "write"]
    saves += [op for f, action in kinds for op in ops if op.frames and op.f == f and op.action == action]
    saves += [op for op in ops if op.frames and op.f == "file" and op.action != "miss"]
    if saves:
        return anchor_of(saves[0]), saves[0].where or saves[0].database or saves[0].name or saves[0].cls
    baseline = case.conversations.get(BASELINE, conversation)
    kept = [place for turn in baseline.turns[:1] for place in find_whereabouts(baseline, turn.marker)]
    place = next((p for p in kept if p.anchor), None)
    if place is None:
        return line_of(conversation, victim), ""
    return next((use for use in place.uses if use.text == "written"), place.anchor), place.text


def _report_interleaved(case: Case, name: str) -> Observation:
    conversation = case.conversations[name]
    _, during, _ = conversation.overlap
    victim = during[0]
    write = next((op for op in conversation.writes(victim.number, victim.marker) if op.frames), None)
    anchor = anchor_of(write)
    return Observation(
        "overlapping turns of one session are all kept, but their questions and answers are interleaved",
        anchor,
        (case.reason(name),),
        kind="interleaved",
        severity="warning",
    )


def _is_beyond_the_handler(found: Finding) -> bool:
    """Whether more than a lock in the user's own handler is needed: where state lives is to be fixed before it."""
    only_between_workers = [evidence.experiment for evidence in found.evidence] == [CONCURRENT_WORKERS]
    return found.kind != "user-code" or only_between_workers


_OVERWRITTEN = """
1a > s
1a model read 1
1a <
2a > s
3a > s
2a model read 1 2
3a model read 1 3
2a file write where=data/s.json @app.py:14
2a <
3a <
2 overlap info held=2
4a > s
4a model read 1 3 4
4a <
"""
_ONE_FILE = """
1a > s
1a model read 1
1a <
2a > t
2a model read 2
2a <
3a > s
4a > t
3a model read 1 3
4a model read 2 4
3a file write where=data/all.json @app.py:14
3a <
4a <
3 overlap info held=2
5a > t
5a model read 2 4 5
5a <
6a > s
6a model read 1 6
6a <
"""
_PUSHED_OUT = _ONE_FILE.replace("read 1 3", "read 3")
_IN_THE_LIBRARY = _OVERWRITTEN.replace("file write where=data/s.json", "chat-store write #1 2 cls=RedisChatStore")
_ALL_KEPT = _OVERWRITTEN.replace("read 1 3 4", "read 1 2 3 4 roles=uauauau")
_INTERLEAVED = _ALL_KEPT.replace("uauauau", "uauuaau")

CAUSE = Cause(
    code="SC105",
    name="async-race",
    question="Was an answered turn overwritten by one that overlapped it?",
    questions=(Question(find_lost_update, about=Topic.OVERLAP),),
    rank=50,
    fix="let the turns of one session run one after the other (a lock for each session), or append instead of "
    "overwriting",
    kinds=("user-code", "library-store", "interleaved"),
    comes_last=_is_beyond_the_handler,
    symptoms=(
        Symptom(
            "two turns share one Context; one is refused, so lock the session or give each run its own",
            ("Cannot start a new run while context is already running",),
        ),
        Symptom(
            "change the state that edit_state yields instead",
            ("writer called inside edit_state",),
        ),
        Symptom(
            "two turns of one session overlap; let them run one after the other",
            ("last_update_time provided in the session object * is earlier than the update_time",),
        ),
        Symptom(
            "an overlapping request ended the session that this one was about to save; one turn of a session at a time",
            ("The request's session was deleted before the request completed",),
            "user-code",
        ),
        Symptom(
            "the file that should hold the chats is empty or half written: two turns wrote it at once, or a write "
            "failed after the file was opened; write beside it and rename, one turn at a time",
            (
                "JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
                "JSONDecodeError: Extra data:",
                "JSONDecodeError: Unterminated string",
                "EOFError: Ran out of input",
            ),
            "user-code",
        ),
        Symptom(
            "turns that overlap read, change and write the same conversation, and the last one wins; one turn of a "
            "session at a time, or append",
            phrases=(
                "missing|lost|lose|disappear|overwr|drop|gone|vanish same|once|simultaneous|concurrent|parallel|quick|"
                "double|twice|overlap|fast|race",
            ),
        ),
        Symptom(
            "two tasks share one database connection; take one from a pool for each turn",
            ("cannot perform operation: another operation is in progress",),
        ),
        Symptom(
            "several writers share one SQLite file; give it WAL mode and a busy timeout, or use a server",
            (
                "database is locked",
                "UNIQUE constraint failed: agent_sessions.session_id",
            ),
            "library-store",
        ),
    ),
    examples=(
        Example("load, answer, save", {BASELINE: KEPT, CONCURRENT: _OVERWRITTEN}, "user-code"),
        Example("a store of the library's does so", {BASELINE: KEPT, CONCURRENT: _IN_THE_LIBRARY}, "library-store"),
        Example("one file for all sessions", {BASELINE: KEPT, TWO_SESSIONS: _ONE_FILE}, "user-code"),
        Example("kept out of order", {BASELINE: KEPT, CONCURRENT: _INTERLEAVED}, "interleaved"),
    ),
    counterexamples=(
        Example("all are kept", {BASELINE: KEPT, CONCURRENT: _ALL_KEPT}),
        Example("another's turn alone pushes one out", {BASELINE: KEPT, TWO_SESSIONS: _PUSHED_OUT}),
    ),
    doc=__doc__ or "",
)
