"""SC101 request-scoped: the memory lives as long as one request.

## What it means

The object that held the conversation was built while a request was served, and it was gone when that request ended.
Every message is treated as the first one, even in one process on a laptop.

## Why it happens

A memory or a chat engine that is built in the handler lives as long as the handler. `ChatMemoryBuffer` keeps its
messages in a `SimpleChatStore` of its own; `Memory`, and every chat engine that is given no memory, keeps them in a
private SQLite database in process memory (`sqlite+aiosqlite:///:memory:`), even when a session id is given. Two
such objects share nothing. FastAPI's `Depends` does not help: it caches within one request.

## How statecheck shows it

In `same-process`, turn 2 is answered by the same worker (same PID, same generation) under the same session key, and
the model is given `0 of 1` earlier turns; the record shows that the store which took turn 1 was built in turn 1's
own request. The anchor is the line that builds it. Where the messages are in a database and a long-term block
(`FactExtractionMemoryBlock`) is built in each request, only what has no more room in the memory is lost: ten turns in
one process show that.

## Example

```python
from fastapi import FastAPI
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.memory import ChatMemoryBuffer

app = FastAPI()


@app.post("/chat")
def chat(payload: dict):
    memory = ChatMemoryBuffer.from_defaults(token_limit=4000)  # built for this request, gone after it
    chat_engine = SimpleChatEngine.from_defaults(memory=memory)
    return {"answer": str(chat_engine.chat(payload["message"]))}
```

## Fix

Keep the messages outside the handler, under a key that the client sends. The memory may still be built for each
request, as long as the store behind it is not: name both the session and the database. (`async_database_uri=` in
place of `async_engine=` does it too, but then every `Memory` opens connections of its own.)

```python
from fastapi import FastAPI
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.memory import Memory
from sqlalchemy.ext.asyncio import create_async_engine

app = FastAPI()
engine = create_async_engine("sqlite+aiosqlite:///conversations.db")


@app.post("/chat")
async def chat(payload: dict):
    memory = Memory.from_defaults(session_id=payload["session_id"], async_engine=engine)
    chat_engine = SimpleChatEngine.from_defaults(memory=memory)
    return {"answer": str(await chat_engine.achat(payload["message"]))}
```

A module-level dict of memories also ends SC101, but only to show SC102 and SC103.

## Kinds

- `memory-database`: a database was used, but a private one in process memory (`:memory:`), which looks durable: the
  default of `Memory`, even with a session id, and `sqlite3.connect(":memory:")`.
- `unset-mutation`: a list in a session of Flask, Django or Starlette was appended to in place, which does not mark the
  session as changed: all but the turn that set it is dropped when its request ends. Set it again, or say that it was
  changed (`session.modified = True`).
- `not-put-back`: the messages are a plain list that is dropped with its request: `history = rooms.get(key, [])` makes
  one that is never put into `rooms`, and so does a copy of what is there. Or nothing is ever put into `rooms` at all.
  Or it is put back into what each request has anew: Starlette's `request.state`, a copy of what a lifespan yields,
  Flask's `g`, Sanic's `request.ctx`. Change what stands there in place, or keep it on the app.
- `stream-cut`: a streamed answer is written to memory after the stream, and that ends when the client goes away. A
  warning: the turn was never acknowledged. Save the question first, and the answer in a `finally:`.
- `history-dropped`: the client sends the whole conversation, as OpenAI-compatible chat pages do, and the app gives its
  model the newest message alone. Hand the earlier ones on: `chat_history=` of `chat` and `achat`, or all messages.
- `per-connection`: a WebSocket's connection holds the conversation, in a variable or an engine of its own. It is
  remembered as long as the connection lasts, and gone when the client connects again: a reload, a flaky network, a
  deployment. Load it under the client's key when it connects, and save it with every message.
- `other-way`: a boolean of the request changes how it is answered, as `stream` does, and that way nothing is written.
  An error where the flag is about the form of the answer alone; else a warning, as it may be meant.

## See also

SC104 when a workflow `Context` held the conversation, SC106 when the store outlives the request but the key does
not.
"""

from __future__ import annotations

from statecheck.experiments import STREAM_CUT
from statecheck.judge.cause import Cause, Question, Symptom, Topic
from statecheck.judge.causes.request_scoped.dropped import (
    find_dropped_store,
    find_lost_connection,
    find_unkept_turn,
    find_unused_history,
)
from statecheck.judge.causes.request_scoped.examples import COUNTEREXAMPLES, EXAMPLES
from statecheck.judge.causes.request_scoped.flushed import find_flushed_turn
from statecheck.judge.causes.request_scoped.unwritten import find_cut_stream, find_other_way, find_unset_session

CAUSE = Cause(
    code="SC101",
    name="request-scoped",
    question="Was turn 1 held by an object that was built in its own request and is gone?",
    questions=(
        Question(
            find_dropped_store,
            baseline="not-kept",
            about=Topic.FORGETTING,
            masks=(Topic.FORGETTING, Topic.WAITING),
            order=50,
        ),
        # what no store was seen to take
        Question(
            find_unkept_turn,
            baseline="not-kept",
            about=Topic.FORGETTING,
            masks=(Topic.FORGETTING, Topic.WAITING),
            order=55,
        ),
        Question(
            find_lost_connection,
            baseline="not-kept",
            about=Topic.FORGETTING,
            masks=(Topic.FORGETTING, Topic.WAITING),
            order=45,
        ),
        Question(
            find_unused_history,
            baseline="not-kept",
            about=Topic.FORGETTING,
            masks=(Topic.FORGETTING, Topic.WAITING),
            order=6,
        ),
        # a later turn is never saved, wherever it goes
        Question(find_unset_session, masks=(Topic.PLACE, Topic.OVERLAP), order=60),
        Question(find_flushed_turn),
        Question(find_cut_stream),
        Question(find_other_way),
    ),
    rank=30,
    fix="keep the conversation in a store that outlives the request, such as `Memory` with `session_id` and "
    "`async_engine`",
    kinds=(
        "memory-database",
        "unset-mutation",
        "not-put-back",
        STREAM_CUT,
        "history-dropped",
        "per-connection",
        "other-way",
    ),
    symptoms=(
        Symptom(
            "the script was run in a new session: set it under `if … not in st.session_state`, and expect it to be "
            "empty after a reload or a restart",
            ("st.session_state has no key", "st.session_state has no attribute"),
        ),
        Symptom(
            "something is built anew for each message: the engine, the memory, or the Context of a run",
            phrases=(
                "$forgets "
                "message|turn|question|name|conversation|said|everything|previous|earlier|last|follow|asked|request|"
                "call|calls|between|bot|agent|engine|assistant|buffer|chatmemorybuffer|production|memory|history|context",
            ),
            general=True,
        ),
        Symptom(
            "only the newest message reaches the model: the engine has no memory, or is a new one each time",
            phrases=(
                "only remember|sees|knows|uses|answers last|latest|newest|current message|question|turn",
                "asks|asked|ask again|repeatedly|twice name|same|question",
                "each|every brand new",
            ),
        ),
        Symptom(
            "the engine, the memory or the agent is made in the handler: each request has a new one; make it once for "
            "each session, or load what it had",
            phrases=(
                "recreat|rebuil|creat|instantiat|initiali|constructed|built|made|new every|each|per "
                "request|call|message|turn|time|endpoint",
            ),
        ),
        Symptom(
            "what runs after the answer, or at the end of a stream, may never run to its end: save before the answer "
            "ends, or await the task",
            phrases=(
                "background|stream|streaming|streamed|task|tasks|createtask "
                "not|never|isnt|wasnt|doesnt|arent|without|lost|only save|saving|persist|written|stored|history",
            ),
            kind=STREAM_CUT,
        ),
        Symptom(
            "a page's script, or what a connection has, begins anew: keep the conversation in the session's state, and "
            "what must outlive that in a store",
            phrases=(
                "refresh|reload|rerun|reruns|tab|tabs|button|click|clicked|reconnect|disconnect|widget|page|websocket|"
                "browser "
                "$forgets",
            ),
        ),
        Symptom(
            "the history came back empty: it was built anew, or asked for under another key",
            phrases=("history|memory|messages empty|0|none|blank|zero|len",),
        ),
        Symptom(
            "a background write died before it was done; keep a reference to its task and await it",
            ("Task was destroyed but it is pending",),
            STREAM_CUT,
        ),
    ),
    examples=EXAMPLES,
    counterexamples=COUNTEREXAMPLES,
    doc=__doc__ or "",
)
