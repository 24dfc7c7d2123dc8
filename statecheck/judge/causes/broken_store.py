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

These are of the app's own code:

- `not-committed`: turn 1 was written to a database and never committed, so it was rolled back when its connection was
  closed. Commit, or write inside of `with connection:`.
- `filtered-out`: turn 1 is in the table under the key that turn 2 asks for, and the query leaves it out: by a flag that
  is never set, a status, a date.
- `never-read`: turn 2 reads turn 1 from the database, and does not hand it to the model.
- `oldest-window`: from some turn on the model is given the oldest messages alone (`ORDER BY id LIMIT 6`): whatever is
  newer is forgotten. Take the newest: `ORDER BY id DESC LIMIT 6`, reversed.
- `answers-missing`: what the user says is kept, what was answered is not. A warning.

## See also

SC104 when the app drops the Context itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE, COLD_START, CONTROL, OTHER_WORKER, OVERLAPPING
from statecheck.judge.cause import KEPT, Cause, Example, Observation, Question, Symptom, Topic
from statecheck.judge.checks.lost_update import meets_another_loop
from statecheck.judge.evidence.given_messages import find_missing_answer, find_oldest_window
from statecheck.judge.evidence.lines import anchor_of, anchors
from statecheck.judge.evidence.own_stores import Kind, find_unreturned
from statecheck.judge.evidence.state_lines import find_related
from statecheck.model import Evidence

if TYPE_CHECKING:
    from statecheck.history import Op
    from statecheck.judge.conversation import Conversation
    from statecheck.judge.evidence.case import Case

_REFUSALS = ("PydanticSerializationError", "chat_message_serialization", "'index_key' is expected")
"""How the library's own code refuses to keep what it was given, by no fault of the app."""


def find_broken_write(case: Case) -> Observation | None:
    """Did the library drop or refuse, in one process and one turn after another, what the app gave it to keep?"""
    conversation = case.conversations.get(BASELINE)
    if conversation is None or case.kept(BASELINE):
        return None
    refused = [op for op in conversation.ops if op.type == "fail" and op.f != "turn" and _is_refusal(op.error)]
    dropped = [op for op in conversation.select("warning") if op.turn] if _comes_back(conversation) else []
    vanished = _find_vanished(conversation)
    witness = next(iter([*refused, *dropped, *vanished]), None)
    if witness is None:
        return None
    versions = ", ".join(f"{name} {version}" for name, version in sorted(case.app.versions.items()))
    if refused:
        kind, what = "refused-write", f"the library refused to store a turn ({witness.error[:160]})"
    elif dropped:
        kind, what = (
            "dropped-memory",
            "LlamaIndex dropped `memory` when it serialized a Context, so the next run starts without",
        )
    else:
        kind, what = "silent-loss", f"{witness.cls} acknowledged turn 1 and does not have it at turn 2"
    anchor = anchor_of(witness)
    summary = f"{what}; installed: {versions}" if versions else what
    return Observation(summary, anchor, (Evidence(BASELINE, what),), kind=kind)


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
        "give the model what was read from the database",
    ),
}


def find_unreturned_turn(case: Case) -> Observation | None:
    """Did the app's own code write turn 1 to a table, ask the table for it, and not get it?"""
    conversation = case.conversations.get(BASELINE)
    found = find_unreturned(conversation) if conversation is not None and case.lost(BASELINE) else None
    if conversation is None or found is None:
        return None
    summary, fix = _UNRETURNED[found.kind]
    blamed = found.write if found.kind == "not-committed" else found.query
    anchor = anchor_of(blamed) or anchor_of(found.write)
    return Observation(
        summary.format(f"the table `{found.table}`" if found.table else "a database"),
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
    what = f"turn {window.reader} was not given turn {window.missing}, and was given turn {window.given}"
    by = f" (`{window.limit_text}`)" if window.limit_text else ""
    return Observation(
        f"the model is given the oldest turns only{by}: later turns are never given to it",
        anchor,
        (Evidence(CONTROL, what),),
        kind="oldest-window",
        fix="keep the newest turns: sort them newest first, limit, and reverse what comes back",
    )


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


def find_pickled_memory(case: Case) -> Observation | None:
    """Did turn 2 get a memory under turn 1's key in RAM, where turn 1's had a database, as by pickle?"""
    conversation = case.conversations.get(BASELINE)
    if conversation is None or not case.lost(BASELINE):
        return None
    first, second = conversation.turns[:2]
    written = [op for op in conversation.writes(first.number, first.marker) if "://" in op.where and op.key]
    stored = {op.key: op for op in written if ":memory:" not in op.where}
    for op in conversation.own_reads(second.number):
        if ":memory:" not in op.where or op.key not in stored:
            continue
        before = stored[op.key]
        saved = [each for each in conversation.select(turn=first.number, action="write") if each.f in ("wire", "file")]
        anchor = next(filter(None, map(anchor_of, reversed(saved))), None) or anchor_of(before)
        where = f"a `{op.cls}` was on `{before.where}` in turn 1"
        return Observation(
            f"{where} and came back on `{op.where}`, without its messages: pickling keeps its session id alone",
            anchor,
            (case.reason(BASELINE),),
            kind="pickled",
            fix="do not pickle the memory: build it in each turn from the session id and its `async_engine`, where its "
            "messages are",
        )
    return None


def find_defect(case: Case) -> Observation | None:
    """Did a library's store do something else than it was asked to, in any experiment?"""
    for conversation in case.conversations.values():
        op = next(conversation.select("defect"), None)
        if op is None or conversation.experiment not in case.outcomes:
            continue
        anchor = anchor_of(op)
        what = f"`{op.cls}.{op.method}` {_DEFECTS[op.name]}"
        mends = (
            f"do without `{op.method}`: read the messages, empty the key (`delete_messages`) and add what is to stay"
        )
        evidence = (
            Evidence(conversation.experiment, f"turn {op.turn} called it, and what was left is not what it says"),
        )
        summary = f"{what}; it is the library's own code: {op.where}" if op.where else what
        return Observation(summary, anchor, evidence, kind=op.name, fix=mends)
    return None


_DEFECTS = {
    "reverses": "wrote the messages that stay back in reverse order, so that the next one to go is the newest",
    "doubles": "kept what it was to replace, so that the history is there twice",
}
"""What a store did instead, by the kind."""


def find_cold_start(case: Case) -> Observation | None:
    """Did the library refuse one of two first turns at once, for want of the table that the other was making?"""
    conversation = case.conversations.get(COLD_START)
    if conversation is None:
        return None
    writing = [op for op in conversation.ops if op.type == "fail" and op.f in ("chat-store", "memory")]
    witness = next((op for op in writing if any(sign in op.error for sign in _NO_TABLE)), None)
    if witness is None:
        return None
    refused = sum(turn.status == "fail" for turn in conversation.turns)
    said = " ".join(witness.error.split())[:120]
    what = f"two first turns at once on an empty store: {refused} refused ({said})"
    anchor = anchor_of(witness)
    mends = "touch the store once at start-up, before requests come: `await memory.aget_all()`"
    evidence = (Evidence(COLD_START, what),)
    return Observation(what, anchor, evidence, kind="cold-start", severity="warning", fix=mends)


def find_several_threads(case: Case) -> Observation | None:
    """Did a store break when threads used it at once, each by an event loop of its own?"""
    for name in OVERLAPPING:
        conversation = case.conversations.get(name)
        stores = [op for op in conversation.ops if op.f in ("chat-store", "memory")] if conversation else []
        witness = meets_another_loop(stores)
        if conversation is None or witness is None:
            continue
        _, during, reader = conversation.overlap
        counts = {"refused": "fail", "never answered": "info"}
        sums = [f"{sum(turn.status == status for turn in during)} {word}" for word, status in counts.items()]
        after = ", and later ones too" if reader is not None and reader.status != "ok" else ""
        said = re.sub(r" object at 0x\w+( \[.*?\])?", "", " ".join(witness.error.split()))[:120]
        what = f"{len(during)} turns at once in threads that share a `{witness.cls}`: {', '.join(sums)}{after} ({said})"
        anchor = anchor_of(witness)
        mends = "use its async methods (`achat`) in `async def` handlers, or let one thread at a time use it (a lock)"
        evidence = (Evidence(name, what),)
        return Observation(what, anchor, evidence, kind="several-threads", severity="warning", fix=mends)
    return None


_NO_TABLE = ("no such table", "already exists", "already defined", "does not exist", "UniqueViolation")
"""What databases say of a table that another turn is making, or has just made."""


def _comes_back(conversation: Conversation) -> bool:
    """Whether turn 2 loads a Context, or runs on that of turn 1: what is dropped from any other is not missed."""
    sent = conversation.turns
    if len(sent) < 2:
        return False
    if any(op.action == "load" for op in conversation.select("context", sent[1].number)):
        return True
    fresh = {op.obj for op in conversation.select("context", sent[1].number, "build")}
    return any("ctx" in op.arguments and op.parent not in fresh for op in conversation.select("run", sent[1].number))


def _is_refusal(error: str) -> bool:
    return any(sign in error for sign in _REFUSALS)


def _find_vanished(conversation: Conversation) -> list[Op]:
    """Reads of a store object that was written to under the same key in turn 1 and has not got it any more."""
    sent = conversation.turns
    if len(sent) < 2:
        return []
    first, second = sent[:2]
    written = {
        (op.pid, op.obj, op.key)
        for op in conversation.writes(first.number, first.marker)
        if op.f == "chat-store" and op.obj
    }
    cleared = {op.obj for op in conversation.ops if op.action in ("delete", "reset", "persist")}
    cleared |= {op.obj for op in conversation.select(action="overwrite") if first.marker not in op.markers}
    own = conversation.own_reads(second.number)
    reads = [op for op in own if (op.pid, op.obj, op.key) in written and op.obj not in cleared]
    return reads if reads and not any(first.marker in op.markers for op in reads) else []


_REFUSED = """
1a > s
1a chat-store write fail #1 1 cls=SimpleChatStore @app.py:12 error="PydanticSerializationError: Error calling function"
1a < sorry
2a > s
2a model read 2
2a <
"""
_FOR_ITS_LENGTH = _REFUSED.replace("PydanticSerializationError: Error calling function", "ValueError: too long")
_SILENT = """
1a > s
1a chat-store write #1 1 key=s cls=MyStore @app.py:12
1a model read 1
1a <
2a > s
2a chat-store read #1 key=s cls=MyStore @app.py:12
2a model read 2
2a <
"""
_PICKLED = """
1a > s
1a memory build #1 key=s cls=Memory where=sqlite+aiosqlite:///chat.db @app.py:9
1a memory write #1 1 key=s cls=Memory where=sqlite+aiosqlite:///chat.db @app.py:12
1a model read 1
1a <
2a > s
2a memory read #2 key=s cls=Memory where=sqlite+aiosqlite:///:memory: @app.py:12
2a model read 2
2a <
"""
_REVERSED = (
    KEPT
    + """
3a > s
3a defect name=reverses method=delete_message cls=TheStore where="a-library 0.8.0" @app.py:30
3a model read 1 2 3
3a <
"""
)
_DOUBLED = KEPT.replace("2a <", "2a defect name=doubles method=set_messages cls=TheStore @app.py:30\n2a <")
_DELETED = _SILENT.replace("2a > s", "2a > s\n2a chat-store delete #1 key=s @app.py:11")
_DROPPED = """
1a > s
1a memory write #2 1 cls=ChatMemoryBuffer by_library run=r1 @app.py:12
1a model read 1
1a <
2a > s
2a warning cls=UnserializableKeyWarning @app.py:12
2a run call #3 run=r2 arguments=ctx @app.py:12
2a model read 2
2a <
"""
_FILTERED_OUT = """
1a > s
1a sql send database=sqlite arguments=s text="SELECT content FROM lines WHERE room = ? AND shown = 1" @app.py:9
1a model read 1
1a sql write 1 database=sqlite arguments=s text="INSERT INTO lines VALUES (?, ?)" @app.py:12
1a <
2a > s
2a sql send database=sqlite arguments=s text="SELECT content FROM lines WHERE room = ? AND shown = 1" @app.py:9
2a model read 2
2a <
-a disk 1 where=data/lines.db
"""
_NOT_COMMITTED = _FILTERED_OUT.replace("-a disk 1 where=data/lines.db\n", "")
_NEVER_READ = _FILTERED_OUT.replace("2a model", "2a sql read 1 database=sqlite @app.py:9\n2a model")
_A_LOG = _FILTERED_OUT.replace("2a sql send database=sqlite arguments=s", "2a sql send database=sqlite").replace(
    "INTO lines", "INTO audit"
)
_ANSWERS_MISSING = """
1a > s
1a sql write 1 database=sqlite text="INSERT INTO lines VALUES (?, ?)" @app.py:9
1a model read 1 roles=u
1a <
2a > s
2a model read 1 2 roles=uu @app.py:11
2a <
"""
_ANSWERS_GIVEN = _ANSWERS_MISSING.replace("roles=uu", "roles=uau")
_MANY = "".join(f"{n}a > s\n{n}a model read {{{n}}} {n}\n{n}a <\n" for n in range(1, 7))
_OLDEST = _MANY.format("", "", "1", "1 2", "1 2", "1 2", "1 2")
_NEWEST = _MANY.format("", "", "1", "1 2", "2 3", "3 4", "4 5")

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
        # whatever overlaps is lost for the same reason
        Question(find_window_of_the_oldest, about=Topic.OVERLAP, masks=(Topic.OVERLAP,), order=61),
        Question(find_unstored_answers),
        Question(
            find_pickled_memory,
            baseline="not-kept",
            about=Topic.FORGETTING,
            masks=(Topic.FORGETTING, Topic.SHARING, Topic.WAITING),
            order=9,
        ),
        Question(find_defect, baseline="any"),
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
        "cold-start",
        "several-threads",
        "pickled",
        "reverses",
        "doubles",
        "not-committed",
        "filtered-out",
        "never-read",
        "oldest-window",
        "answers-missing",
    ),
    explains_failures=True,
    symptoms=(
        Symptom(
            "the agent's memory was left out of the Context; pass `memory=` on every run",
            (
                "Skipping serialization of known unserializable key: memory",
                "will require this item to be set manually after deserialization",
            ),
            "dropped-memory",
        ),
        Symptom(
            "chat messages cannot be serialised with pydantic 2.14 or newer; pin pydantic<2.14 or keep "
            "messages in `Memory` on a database",
            (
                "'index_key' is expected to be an integer or a string",
                "Error calling function `chat_message_serialization`",
            ),
            "refused-write",
        ),
        Symptom(
            "the memory in a saved Context cannot be loaded; pass `memory=` on every run",
            (
                "Failed to deserialize value for key memory",
                "Can't instantiate abstract class BaseMemory",
                "Can't instantiate abstract class BaseChatStore",
            ),
            "dropped-memory",
        ),
        Symptom(
            "threads share a store by its blocking methods, which start an event loop each; use `achat` "
            "in `async def` handlers, or let one thread at a time use it",
            ("is bound to a different event loop",),
            "several-threads",
        ),
        Symptom(
            "the table was asked for before it was made: two first uses at once, or a fresh `:memory:` database",
            ("no such table:",),
            "refused-write",
        ),
        Symptom(
            "two memories declare one table in one metadata; let them share one engine or chat store",
            ("is already defined for this MetaData instance",),
            "refused-write",
        ),
        Symptom(
            "a message holds a provider's object and was not stored; store its plain fields",
            (
                "is not JSON serializable",
                "Unable to serialize unknown type:",
            ),
            "refused-write",
        ),
        Symptom(
            "a message could not be stored; upgrade llama-index-core and pydantic together",
            ("'MockValSer' object cannot be converted to 'SchemaSerializer'",),
            "refused-write",
        ),
        Symptom(
            "the Redis chat store refused a message; upgrade it",
            ("Invalid input of type: '*'. Convert to a bytes, string, int or float first",),
            "refused-write",
        ),
    ),
    examples=(
        Example("an agent's memory is left out of its Context", {BASELINE: _DROPPED}, "dropped-memory"),
        Example("a message cannot be serialized", {BASELINE: _REFUSED}, "refused-write"),
        Example("a store does not have what it took", {BASELINE: _SILENT}, "silent-loss"),
        Example("a row is never committed", {BASELINE: _NOT_COMMITTED}, "not-committed"),
        Example("a query leaves a row out", {BASELINE: _FILTERED_OUT}, "filtered-out"),
        Example("a row is read and not used", {BASELINE: _NEVER_READ}, "never-read"),
        Example("answers are not stored", {BASELINE: _ANSWERS_MISSING}, "answers-missing"),
        Example("a memory comes back by pickle", {BASELINE: _PICKLED}, "pickled"),
        Example("a store turns its messages round", {BASELINE: KEPT, OTHER_WORKER: _REVERSED}, "reverses"),
        Example("a store keeps what it was to replace", {BASELINE: _DOUBLED}, "doubles"),
        Example("the oldest turns only", {BASELINE: KEPT, CONTROL: _OLDEST}, "oldest-window"),
    ),
    counterexamples=(
        Example("the app's own store refuses a message", {BASELINE: _FOR_ITS_LENGTH}),
        Example("the app empties the store", {BASELINE: _DELETED}),
        Example("a table that nobody reads is a log", {BASELINE: _A_LOG}),
        Example("answers are given", {BASELINE: _ANSWERS_GIVEN}),
        Example("the newest turns", {BASELINE: KEPT, CONTROL: _NEWEST}),
    ),
    doc=__doc__ or "",
)
