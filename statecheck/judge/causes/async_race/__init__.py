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

In `concurrent` and `concurrent-workers`, 8 turns of one session are held at a barrier inside their model calls, and
before they write what they have read, until all have arrived, then let go; a later, sequential turn shows what is left.
`lost` means that an answered turn is missing there, and in the turn after it too: what a library's thread writes
when a turn has been answered is only late. `reordered` means that all are there, out of order: a warning. If
the app lets only one turn in at a time, nothing else arrives at the barrier and the turns are kept: reason
`serialized`. In `two-sessions` the turns are of two sessions: a lock for each does not help where one file holds all.

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
or `num_workers=1`. Where the project's files say that one worker serves (`--workers 1`, `replicas: 1`, and nothing that
asks for more), and one keeps what overlaps, a loss between two is a warning.

## Kinds

- `user-code`: the load, the model call and the save are in the app itself.
- `library-store`: the store's own code loads and saves.
- `interleaved`: every turn is kept, but a question is followed by another's answer. A warning.
- `approved-twice`: a run asked a person, several answers to the one question came at once (a double click, two tabs, a
  client that tries again), and more than one had an effect. A warning. Take what waits out of its store in one step
  before it is answered (`pop`, `DELETE ... RETURNING`), and refuse an answer to what is not there any more.
- `resent`: a webhook's sender delivers an event again where the answer is late, with the same id, and it is answered
  and stored twice. A warning. Keep the ids of what was taken, and let one that comes again do nothing.

## See also

SC106 when the turns of different sessions get mixed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import CONCURRENT_WORKERS, RESENT
from statecheck.judge.cause import Cause, Question, Symptom, Topic
from statecheck.judge.causes.async_race.answering import find_approved_twice
from statecheck.judge.causes.async_race.examples import COUNTEREXAMPLES, EXAMPLES
from statecheck.judge.causes.async_race.overwriting import find_lost_update
from statecheck.judge.causes.async_race.resending import find_stored_twice

if TYPE_CHECKING:
    from statecheck.model import Finding


def _is_beyond_the_handler(found: Finding) -> bool:
    """Whether more than a lock in the user's own handler is needed: where state lives is to be fixed before it."""
    only_between_workers = [evidence.experiment for evidence in found.evidence] == [CONCURRENT_WORKERS]
    return found.kind != "user-code" or only_between_workers


CAUSE = Cause(
    code="SC105",
    name="async-race",
    question="Was an answered turn overwritten by one that overlapped it?",
    questions=(
        Question(find_lost_update, about=Topic.OVERLAP),
        Question(find_approved_twice),
        Question(find_stored_twice),
    ),
    rank=50,
    fix="let the turns of one session run one after the other (a lock for each session), or append instead of "
    "overwriting",
    kinds=("user-code", "library-store", "interleaved", "approved-twice", RESENT),
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
                "UnpicklingError",
            ),
            "user-code",
        ),
        Symptom(
            "turns that overlap read, change and write the same conversation, and the last one wins; one turn of a "
            "session at a time, or append",
            phrases=(
                "$forgets|overwr|wrong|clobber|corrupt|reordered|interleav "
                "simultaneous|concurren|parallel|quick|double|overlap|fast.|rapid|race.|races|load.|gather",
                "race condition|conditions|update|updates|$thing",
                "overwrit|overwrote|clobber $thing|$user|update|updates",
                "lost|losing|loses update|updates|write|writes",
                "write|writes|writer wins|win",
                "interleav|jumbl|scrambl $thing|turns",
                "two|both|several|multiple messages|requests|turns only|one|first|second stored|saved|kept|survives",
            ),
        ),
        Symptom(
            "two tasks share one database connection; take one from a pool for each turn",
            ("cannot perform operation: another operation is in progress",),
        ),
        Symptom(
            "another turn wrote between this one's read and its write, and the store noticed: read again and try once "
            "more, or let one turn of a session run at a time",
            (
                "StaleDataError",
                "Watched variable changed",
                "could not serialize access due to",
                "deadlock detected",
                "Deadlock found when trying to get lock",
                "Lock wait timeout exceeded",
                "duplicate key value violates unique constraint",
                "WriteConflict",
                "ConditionalCheckFailed",
                "TransactionCanceledException",
                "E11000 duplicate key error",
                "changed size during iteration",
                "mutated during iteration",
            ),
            "user-code",
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
    examples=EXAMPLES,
    counterexamples=COUNTEREXAMPLES,
    doc=__doc__ or "",
)
