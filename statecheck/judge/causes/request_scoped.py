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
own request. The anchor is the line that builds it.

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
- `stream-cut`: a streamed answer is written to memory after the stream, and that ends when the client goes away. A
  warning: the turn was never acknowledged. Save the question first, and the answer in a `finally:`.
- `history-dropped`: the client sends the whole conversation, as OpenAI-compatible chat pages do, and the app gives its
  model the newest message alone. Hand the earlier ones on: `chat_history=` of `chat` and `achat`, or all messages.
- `other-way`: a boolean of the request changes how it is answered, as `stream` does, and that way nothing is written.
  An error where the flag is about the form of the answer alone; else a warning, as it may be meant.

## See also

SC104 when a workflow `Context` held the conversation, SC106 when the store outlives the request but the key does
not.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE, CONTROL, FLAG, OTHER_WORKER, STREAM_CUT
from statecheck.judge.cause import KEPT, Cause, Example, Observation, Question, Symptom, Topic
from statecheck.judge.checks.either_way import find_unkept
from statecheck.judge.evidence.deployed import advise_per_tab
from statecheck.judge.evidence.intent import find_memory_database
from statecheck.judge.evidence.lines import anchor_of, anchors, find_builds
from statecheck.judge.evidence.sent_history import find_dropped_history
from statecheck.judge.evidence.state_lines import find_related
from statecheck.model import Evidence

if TYPE_CHECKING:
    from statecheck.history import Op
    from statecheck.judge.conversation import Conversation, Sent
    from statecheck.judge.evidence.case import Case


def find_dropped_store(case: Case) -> Observation | None:
    """Was the innermost store that held turn 1's marker built in turn 1's own request?"""
    conversation = case.conversations.get(BASELINE)
    if conversation is None or not case.lost(BASELINE):
        return None
    first, second = conversation.turns[:2]
    witness = _find_maker(conversation, first) or find_memory_database(conversation, first, second)
    if witness is None:
        return None
    what = witness.cls or f"`{witness.where}` database"
    anchor = anchor_of(witness)
    gone = any(op.obj == witness.obj for op in conversation.select("gone"))
    end = "and is gone" if gone else "and turn 2 used another"
    return Observation(
        f"turn 1 went into a {what} that was built in its own request {end}",
        anchor,
        (case.reason(BASELINE),),
        kind="memory-database" if ":memory:" in witness.where else None,
        related_to=find_related(conversation, first, first.marker, anchor or case.handler),
        fix=advise_per_tab(case),
    )


def find_unused_history(case: Case) -> Observation | None:
    """Did the client send turn 1 with turn 2, and the app ask its model without it?"""
    return find_dropped_history(case, by_agent=False)


def find_unset_session(case: Case) -> Observation | None:
    """Was a turn put into a framework's session in place, and not given to a later turn for that?"""
    conversations = [case.conversations[name] for name in (OTHER_WORKER, CONTROL) if name in case.conversations]
    for conversation, (turn, later) in ((one, pair) for one in conversations for pair in pairwise(one.turns)):
        op = conversation.find_unsaved(turn)
        if op is None or later.status != "ok" or conversation.is_given(later, turn, case.channel or "model"):
            continue
        anchor = anchor_of(op)
        told = f"turn {turn.number} changed `{op.name}` in place, and turn {later.number} was not given it"
        shown = conversation.experiment if conversation.experiment in case.outcomes else BASELINE
        return Observation(
            f"turn {turn.number} was put into `{op.name}` of a {op.cls} in place, which does not save it",
            anchor,
            (Evidence(shown, told),),
            kind="unset-mutation",
            related_to=find_related(conversation, turn, turn.marker, anchor or case.handler),
            fix=f"set `{op.name}` again after changing it, or set `session.modified = True`",
        )
    return None


def find_other_way(case: Case) -> Observation | None:
    """Is a turn not kept where a boolean of its request stands the other way?"""
    conversation = case.conversations.get(FLAG)
    if conversation is None or not case.lost(FLAG):
        return None
    unkept = find_unkept(conversation, case.channel or "model")
    if unkept is None:
        return None
    way, turn, later, _ = unkept
    asked = anchors(conversation.select("model", turn.number), "read")
    plain = find_related(conversation, conversation.turns[0], conversation.turns[0].marker, case.handler)
    return Observation(
        f"with {way} a turn is answered and not kept: turn {later.number} was not given turn {turn.number}",
        next(iter(asked), None),
        (case.reason(FLAG),),
        kind="other-way",
        severity="error" if "stream" in way else "warning",
        related_to=tuple(place for place in plain if place.text == "written"),
        fix=f"with {way} write the turn too, as is done without it",
    )


def find_cut_stream(case: Case) -> Observation | None:
    """Did nothing remain of a turn whose client went away before the end of its answer?"""
    conversation = case.conversations.get(STREAM_CUT)
    sent = conversation.turns if conversation is not None else []
    if conversation is None or len(sent) < 3 or next(conversation.select("left"), None) is None:
        return None
    first, cut, last = sent[:3]
    channel = case.channel or "model"
    seen = conversation.is_given(last, first, channel), conversation.is_given(last, cut, channel)
    if cut.status != "info" or seen != (True, False):
        return None
    lines = find_related(conversation, first, first.marker, case.handler)
    anchor = next((line for line in lines if line.text == "written"), None)
    return Observation(
        f"the client of turn {cut.number} went away before the end of its answer, and nothing of that turn is kept",
        anchor,
        (Evidence(STREAM_CUT, f"turn {last.number} was given turn {first.number}, and not turn {cut.number}"),),
        kind="stream-cut",
        severity="warning",
        fix="save what the user said before the answer is streamed, and what was answered in a `finally:`",
    )


def _find_maker(conversation: Conversation, turn: Sent) -> Op | None:
    """The innermost store that took the turn's marker, if it was made in that turn.

    By a constructor; or by a copy or a validation, which are seen first when the object is used.
    """
    objects = find_builds(conversation, turn.marker, turn)
    if objects:
        return objects[0] if objects[0].turn == turn.number else None
    for op in conversation.writes(turn.number, turn.marker):
        first = conversation.first_of(op)
        if first.turn == turn.number:
            return first
    return None


_BUILT_IN_THE_REQUEST = """
1a > s
1a memory build #1 cls=Memory @app.py:9
1a memory write #1 1 cls=Memory @app.py:12
1a model read 1
1a gone #1
1a <
2a > s
2a memory build #2 cls=Memory @app.py:9
2a model read 2
2a <
"""
_A_VIEW_OVER_A_STORE = """
-a chat-store build #1 cls=SimpleChatStore @app.py:3
1a > s
1a memory build #2 ^1 cls=Memory @app.py:9
1a chat-store write #1 1 cls=SimpleChatStore key=s @app.py:12
1a memory write #2 ^1 1 cls=Memory key=s @app.py:12
1a model read 1
1a gone #2
1a <
2a > s
2a memory build #3 ^1 cls=Memory @app.py:9
2a chat-store read #1 1 cls=SimpleChatStore key=s @app.py:12
2a model read 1 2
2a <
"""
_CHANGED_IN_PLACE = """
1a > s
1a session write cls=SecureCookieSession @app.py:8
1a model read 1
1a <
2b > s
2b session read 1 cls=SecureCookieSession @app.py:9
2b model read 1 2
2b session mutate 1 2 cls=SecureCookieSession name=messages @app.py:9
2b <
3a > s
3a session read 1 cls=SecureCookieSession @app.py:9
3a model read 1 3
3a <
"""
_LEFT_BEFORE_THE_END = """
1a > s
1a sql write 1 @app.py:30
1a model read 1
1a <
2a > s
2a model read 1 2
2a left info
2a ? ReadError
3a > s
3a model read 1 3
3a <
"""
_SAVED_ALL_THE_SAME = _LEFT_BEFORE_THE_END.replace("read 1 3", "read 1 2 3")
_ONE_WAY = """
1a > s
1a model read 1
1a <
2a > s `stream` = true
2a model read 1 2 @app.py:45
2a <
3a > s
3a model read 1 3
3a <
"""
_BOTH_WAYS = _ONE_WAY.replace("read 1 3", "read 1 2 3")

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
        Question(
            find_unused_history,
            baseline="not-kept",
            about=Topic.FORGETTING,
            masks=(Topic.FORGETTING, Topic.WAITING),
            order=6,
        ),
        # a later turn is never saved, wherever it goes
        Question(find_unset_session, masks=(Topic.PLACE, Topic.OVERLAP), order=60),
        Question(find_cut_stream),
        Question(find_other_way),
    ),
    rank=30,
    fix="keep the conversation in a store that outlives the request, such as `Memory` with `session_id` and "
    "`async_engine`",
    kinds=("memory-database", "unset-mutation", "stream-cut", "history-dropped", "other-way"),
    symptoms=(
        Symptom(
            "the script was run in a new session: set it under `if … not in st.session_state`, and expect it to be "
            "empty after a reload or a restart",
            ("st.session_state has no key", "st.session_state has no attribute"),
        ),
        Symptom(
            "something is built anew for each message: the engine, the memory, or the Context of a run",
            phrases=(
                "forget|forgot|amnesia "
                "message|turn|question|name|conversation|context|said|everything|previous|history|user|asked",
                "not|no|never|cannot|cant|doesnt|dont|didnt|lose|losing|lost|loss "
                "remember|recall|memory|context|history "
                "message|turn|question|previous|earlier|last|follow|request|between|conversation|said",
            ),
            general=True,
        ),
        Symptom(
            "the history came back empty: it was built anew, or asked for under another key",
            phrases=("history|chat_history|memory|messages empty|0|none|blank|zero",),
        ),
        Symptom(
            "a background write died before it was done; keep a reference to its task and await it",
            ("Task was destroyed but it is pending",),
            "stream-cut",
        ),
    ),
    examples=(
        Example("a memory is built in each request", {BASELINE: _BUILT_IN_THE_REQUEST}),
        Example("a session is changed in place", {BASELINE: KEPT, OTHER_WORKER: _CHANGED_IN_PLACE}, "unset-mutation"),
        Example("one way of answering writes nothing", {BASELINE: KEPT, FLAG: _ONE_WAY}, "other-way"),
        Example("a client leaves", {BASELINE: KEPT, STREAM_CUT: _LEFT_BEFORE_THE_END}, "stream-cut"),
    ),
    counterexamples=(
        Example("only a view over a store is built in each request", {BASELINE: _A_VIEW_OVER_A_STORE}),
        Example("both ways write", {BASELINE: KEPT, FLAG: _BOTH_WAYS}),
        Example("a client leaves, its turn is kept", {BASELINE: KEPT, STREAM_CUT: _SAVED_ALL_THE_SAME}),
    ),
    doc=__doc__ or "",
)
