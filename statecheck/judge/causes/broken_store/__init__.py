"""SC107 broken-store: the library loses or refuses a write through no fault of the app.

## What it means

The app does as the documentation says, one message after the other, and the library's own code still loses it: a
write is acknowledged and never visible, or refused with an exception. Nothing else can be judged before this is
mended.

## Why it happens

Libraries drift apart. With llama-index-core 0.14.25 and pydantic 2.14, `ChatMemoryBuffer` and `SimpleChatStore` can
no longer be serialised (`'index_key' is expected to be an integer or a string`). Every second `agent.run(...,
ctx=ctx)` on one `Context` serialises it; the `memory` key is skipped with one `UnserializableKeyWarning`, and the
agent forgets, in one process. `SimpleChatStore.persist()` raises, after it has emptied the file. `Memory` in a
`Context` is dropped in the same way with every version of pydantic. With SQLAlchemy 2.1, a default `Memory` that is
written to by several tasks at once keeps some of the messages and reports no error.

## How statecheck shows it

In `same-process`, turn 1's write is acknowledged by a store that turn 2 uses under the same key, no other turn
overlaps, and the marker is not in what turn 2 reads; or the record holds the library's exception. The finding names
the installed versions.

## Example

```python
from fastapi import FastAPI
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.workflow import Context

app = FastAPI()
agent = FunctionAgent(tools=[])
contexts = {}


@app.post("/chat")
async def chat(payload: dict):
    ctx = contexts.setdefault(payload["session_id"], Context(agent))
    return {"answer": str(await agent.run(payload["message"], ctx=ctx))}  # forgets with pydantic 2.14
```

## Fix

Hand the agent a memory on every run, on a database: it is then never serialised with the `Context`.

```python
from fastapi import FastAPI
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.memory import Memory
from sqlalchemy.ext.asyncio import create_async_engine

app = FastAPI()
engine = create_async_engine("sqlite+aiosqlite:///conversations.db")
agent = FunctionAgent(tools=[])


@app.post("/chat")
async def chat(payload: dict):
    memory = Memory.from_defaults(session_id=payload["session_id"], async_engine=engine)
    return {"answer": str(await agent.run(payload["message"], memory=memory))}
```

Or pin what works together until it is mended there: `pydantic<2.14`. Treat `UnserializableKeyWarning` as an error
in your tests.

## Kinds

- `dropped-memory`: the library left the memory out of a snapshot.
- `refused-write`: the library raised an exception.
- `silent-loss`: the library acknowledged the write, and it is not there.
- `cold-start`: two first turns at once, on a store that makes its table when it is first used: one is refused, or both,
  and with a `:memory:` database every later one as well. A warning: it takes an empty store. Touch the store once at
  start-up (`await memory.aget_all()`), before requests come.
- `several-threads`: threads use a store at once by its blocking methods, which start an event loop each, and one waits
  for a lock of another's loop: that turn is refused or never answered, and so are all later ones of the process. A
  warning: it takes turns of one session that overlap.
- `pickled`: a `Memory` that was pickled comes back on a `:memory:` database under the same session id, whatever it was
  on. Keep the session id and build the memory from it; the messages are in its database.
- `reverses`: the library's store turns the messages round that a method of it leaves. It hides no other cause.
- `doubles`: the library's store keeps those that a method of it was to replace. It hides no other cause.
- `merges`: a library's key-value store (`put`) keeps fields that the new value does not have any more. It hides no
  other cause.
- `drops-ttl`: a method of the library's store writes a key anew without its time to live: it never expires. A warning.
- `poisons`: the library's store takes a message that it cannot read, so that every later turn of the conversation is
  refused.
- `refused-but-stored`: the library's store raises an exception and has stored the message: sent again, it is there
  twice.
- `never-resumed`: a server of workflows ends with a run under way, and the next one passes over what began less than
  half a minute ago: the run stays `running`, and nobody does it. A warning.
- `resumed-twice`: a server that starts takes up each older run that is under way, also where another server still does
  it: its steps are done twice. A warning.

These are of the app's own code:

- `not-committed`: turn 1 was written to a database and never committed, so it was rolled back when its connection was
  closed. Commit, or write inside of `with connection:`.
- `filtered-out`: turn 1 is in the table under the key that turn 2 asks for, and the query leaves it out: by a flag that
  is never set, a status, a date.
  Or single turns between others are left out: what is read back begins one after what was put aside.
- `never-read`: turn 2 reads turn 1 from the database, the session's file or its key, and does not hand it to the model.
- `read-once`: turn 1 is in the table, and turn 2 does not ask for it: a cache (`lru_cache`, a variable) keeps what was
  read before anything was written.
- `failed-save`: what saves a turn runs after its answer (a background task, a thread) and raises every time: nobody is
  told. Mend it, and save before the answer is sent.
- `guarded-save`: the app asks its store on every turn, and saves under a condition that a first turn never fulfils
  (`if len(messages) > 2:`), so that no later one does either.
- `oldest-window`: from some turn on the model is given the oldest messages alone (`ORDER BY id LIMIT 6`): whatever is
  newer is forgotten. Take the newest: `ORDER BY id DESC LIMIT 6`, reversed. Or one row holds them, and what later turns
  write is ignored (`INSERT OR IGNORE`). Or from so many messages on the newest are overwritten (rows that are numbered
  by their count, of which old ones are deleted), or cannot be stored.
- `cut-text`: of a message of several lines only a part comes back, as from a text file with a line for each message, or
  from what is joined with `|` and split again; or what reads it fails. A warning where only a long one is cut, by a
  slice or a column: answers of models are longer than what people type.
- `long-cookie`: the conversation is in a cookie, and has become longer than the 4,096 bytes that browsers keep of one:
  they go on sending the last that was short enough, so that nothing newer is remembered.
- `short-lived`: what keeps the conversation drops it in less than a minute, as where seconds are given to `px=`, which
  takes milliseconds, or a cache has `ttl=10`: whoever reads the answer first begins anew. Or MongoDB expires rows by a
  local time, which it takes for UTC: west of that they are hours old when they are stored.
- `not-renewed`: the conversation's key is given its time to live with its first turn alone (`EXPIRE key 900`), and no
  later turn renews it: a talk that goes on for longer is gone in its middle. A warning.
- `answers-missing`: what the user says is kept, what was answered is not. A warning.
- `newest-first`: the model is given the earlier turns in reverse: a query takes the newest first, and nobody turns them
  round. A warning.
- `given-twice`: the model is given a message twice, as where it is stored first and then handed over beside what is
  stored. A warning.
- `repeat-dropped`: what a user says a second time ("yes") is not kept, as the store takes equal texts once: a unique
  key over the text with `INSERT OR IGNORE`, `if message not in history`, a set. Go by an id of the message.
- `failed-turn`: a call of a model fails once (a rate limit, a timeout), and what was asked is stored twice when it is
  tried or sent again, or stays without an answer; or what was said before is gone, or the conversation refused, from
  then on. Store question and answer together, once the model has answered, and try its call alone again. A warning; an
  error where what was said before is gone behind an answer (a memory that is reset, and the model asked again).
- `tools-orphaned`: a tool's result is given to the model without the call that it answers, or the reverse: what is
  stored, or a window onto it, has lost the other. Providers refuse that. A warning.

## See also

SC104 when the app drops the Context itself.
"""

from __future__ import annotations

from statecheck.experiments import COLD_START
from statecheck.judge.cause import Cause, Question, Topic
from statecheck.judge.causes.broken_store import (
    expiry_examples,
    failed_turn_examples,
    long_talk_examples,
    repeat_examples,
    second_server_examples,
)
from statecheck.judge.causes.broken_store.examples import COUNTEREXAMPLES, EXAMPLES
from statecheck.judge.causes.broken_store.failed_save import find_failed_save
from statecheck.judge.causes.broken_store.failed_turn import find_failed_turn
from statecheck.judge.causes.broken_store.guarded_save import find_guarded_save
from statecheck.judge.causes.broken_store.library import find_broken_write, find_defect, find_pickled_memory
from statecheck.judge.causes.broken_store.library_at_once import find_cold_start, find_several_threads
from statecheck.judge.causes.broken_store.long_cookie import find_long_cookie
from statecheck.judge.causes.broken_store.long_talks import find_cut_text, find_full_store
from statecheck.judge.causes.broken_store.own_code import (
    find_message_given_twice,
    find_orphaned_tool_message,
    find_reversed_history,
    find_turn_left_out,
    find_unreturned_turn,
    find_unstored_answers,
    find_window_of_the_oldest,
)
from statecheck.judge.causes.broken_store.refusals import find_poisoned_read, find_refused_but_stored
from statecheck.judge.causes.broken_store.repeats import find_dropped_repeat
from statecheck.judge.causes.broken_store.second_server import find_doubled_run, find_unresumed_run
from statecheck.judge.causes.broken_store.short_lived import find_local_expiry, find_short_lifetime
from statecheck.judge.causes.broken_store.symptoms import SYMPTOMS
from statecheck.judge.causes.broken_store.unrenewed import find_unrenewed_key

CAUSE = Cause(
    code="SC107",
    name="broken-store",
    question="Was a sequential write acknowledged and never visible, or refused by the library's own code?",
    questions=(
        Question(
            find_broken_write,
            baseline="not-kept",
            about=Topic.FORGETTING,
            masks=(Topic.FORGETTING, Topic.SHARING, Topic.WAITING),
            order=10,
        ),
        Question(
            find_unreturned_turn,
            baseline="not-kept",
            about=Topic.FORGETTING,
            masks=(Topic.FORGETTING, Topic.SHARING, Topic.WAITING),
            order=11,
        ),
        Question(
            find_failed_save,
            baseline="not-kept",
            about=Topic.FORGETTING,
            masks=(Topic.FORGETTING, Topic.SHARING, Topic.WAITING),
            order=12,
        ),
        Question(
            find_guarded_save,
            baseline="not-kept",
            about=Topic.FORGETTING,
            masks=(Topic.FORGETTING, Topic.SHARING, Topic.WAITING),
            order=41,
        ),
        # other workers and overlapping turns are sent the cookie before it, too
        Question(
            find_long_cookie,
            baseline="any",
            about=Topic.FORGETTING,
            masks=(Topic.FORGETTING, Topic.PLACE, Topic.OVERLAP),
            order=8,
        ),
        Question(find_short_lifetime, baseline="any", about=Topic.FORGETTING, masks=(Topic.FORGETTING,), order=13),
        Question(find_local_expiry, baseline="any", about=Topic.FORGETTING, masks=(Topic.FORGETTING,), order=7),
        # whatever overlaps is lost for the same reason
        Question(find_window_of_the_oldest, about=Topic.OVERLAP, masks=(Topic.OVERLAP,), order=61),
        Question(find_turn_left_out, about=Topic.OVERLAP, masks=(Topic.OVERLAP,), order=62),
        Question(find_cut_text),
        Question(find_full_store),
        Question(find_unrenewed_key),
        Question(find_unstored_answers),
        Question(find_reversed_history),
        Question(find_message_given_twice, baseline="any"),
        Question(find_orphaned_tool_message, baseline="any"),
        Question(find_dropped_repeat),
        Question(find_failed_turn),
        Question(
            find_pickled_memory,
            baseline="not-kept",
            about=Topic.FORGETTING,
            masks=(Topic.FORGETTING, Topic.SHARING, Topic.WAITING),
            order=9,
        ),
        Question(find_poisoned_read, baseline="any"),
        Question(find_refused_but_stored, baseline="any"),
        Question(find_defect, baseline="any"),
        Question(find_unresumed_run),
        Question(find_doubled_run),
        Question(find_cold_start),
        Question(find_several_threads),
    ),
    rank=10,
    fix="use a store that works with the installed versions, such as `Memory` with `async_engine` passed as "
    "`memory=` on every run, or pin the version named",
    kinds=(
        "dropped-memory",
        "refused-write",
        "silent-loss",
        COLD_START,
        "several-threads",
        "pickled",
        "reverses",
        "doubles",
        "merges",
        "drops-ttl",
        "poisons",
        "refused-but-stored",
        "never-resumed",
        "resumed-twice",
        "not-committed",
        "filtered-out",
        "never-read",
        "read-once",
        "failed-save",
        "guarded-save",
        "oldest-window",
        "cut-text",
        "long-cookie",
        "short-lived",
        "not-renewed",
        "answers-missing",
        "newest-first",
        "given-twice",
        "repeat-dropped",
        "failed-turn",
        "tools-orphaned",
    ),
    explains_failures=True,
    symptoms=SYMPTOMS,
    examples=(
        *(*EXAMPLES, *expiry_examples.EXAMPLES, *long_talk_examples.EXAMPLES),
        *(*second_server_examples.EXAMPLES, *repeat_examples.EXAMPLES, *failed_turn_examples.EXAMPLES),
    ),
    counterexamples=(
        *(*COUNTEREXAMPLES, *expiry_examples.COUNTEREXAMPLES, *long_talk_examples.COUNTEREXAMPLES),
        *(*second_server_examples.COUNTEREXAMPLES, *repeat_examples.COUNTEREXAMPLES),
        *failed_turn_examples.COUNTEREXAMPLES,
    ),
    doc=__doc__ or "",
)
