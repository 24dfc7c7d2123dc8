"""SC102 multi-worker: the conversation is in the memory of another process.

## What it means

The conversation is in the memory of one process, and the next message was answered by another. The app remembers or
forgets depending on which worker the connection happens to reach. So it is with a run that waits for a person: the
answer gets 404 from any worker but the one that asked.

## Why it happens

`uvicorn --workers 4`, gunicorn, several replicas or `WEB_CONCURRENCY` start processes that share nothing but the
listening socket. A module-level dict, a cached chat engine, an `lru_cache`, `app.state`: each worker has its own.
`--preload` does not help; it copies what was there before the fork, and a database connection that was opened
before it breaks. Few requests, or a client that keeps its connection, hide the split for a long time.

## How statecheck shows it

In `other-worker`, turn 1 goes to one worker, turn 2 to another, turn 3 back to the first, each addressed itself.
The PIDs differ, the session key does not, and turn 2 is given `0 of 1` earlier turns. With a cache in front of a
good store only turn 3 forgets: it misses what turn 2 wrote. The anchor is the container that holds the
conversation, named if it can be found: `session_memory_store['sc-...']`.

## Example

```python
from fastapi import FastAPI
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.memory import ChatMemoryBuffer

app = FastAPI()
session_memory_store = {}  # one in every worker


def get_memory(session_id: str):
    if session_id not in session_memory_store:
        session_memory_store[session_id] = ChatMemoryBuffer.from_defaults(token_limit=4000)
    return session_memory_store[session_id]


@app.post("/chat")
def chat(payload: dict):
    chat_engine = SimpleChatEngine.from_defaults(memory=get_memory(payload["session_id"]))
    return {"answer": str(chat_engine.chat(payload["message"]))}
```

## Fix

Put the messages where every worker reaches them, and read them from there on every turn. An SQLite file serves the
workers of one machine; several machines need a server, such as `postgresql+asyncpg://...`.

```python
import os

from fastapi import FastAPI
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.memory import Memory
from sqlalchemy.ext.asyncio import create_async_engine

app = FastAPI()
engine = create_async_engine(os.environ.get("DATABASE_URL", "sqlite+aiosqlite:///conversations.db"))


@app.post("/chat")
async def chat(payload: dict):
    memory = Memory.from_defaults(session_id=payload["session_id"], async_engine=engine)
    chat_engine = SimpleChatEngine.from_defaults(memory=memory)
    return {"answer": str(await chat_engine.achat(payload["message"]))}
```

One worker, or sticky sessions, only hide it until the next deployment: see SC103. What a page keeps for one tab of a
browser, and what a bot that polls keeps, is right for one replica: a warning, unless the project's files ask for more.

## Kinds

- `stale-cache`: the store is good, but a worker answers from its own copy of it.
- `shared-instance`: one object, such as a workflow that keeps `self.history`, holds the conversation of all users; see
  SC106.
- `own-disk`: the conversation is in a file, and each replica has a disk of its own: Fly's volumes belong to one
  machine, a StatefulSet's `volumeClaimTemplates` to one pod. Read off the project's files and the record.
- `own-secret`: each process signs its sessions with a secret key of its own, made at random when it starts.
- `forked-connection`: a connection or thread that was opened before the fork does not work in the worker. Known by the
  messages that it leaves; no experiment forks a loaded app.

## See also

SC103, which the same process memory shows after a restart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE, NEW_CONTAINER, NEW_PROCESS, OTHER_WORKER
from statecheck.judge.cause import KEPT, Cause, Example, Observation, Question, Symptom, Topic
from statecheck.judge.evidence.deployed import advise_beyond_tab, find_tab_of, weigh_split
from statecheck.judge.evidence.paused_runs import advise_keeping, name_first
from statecheck.judge.evidence.signatures import OWN_SECRET, find_unreadable_session, is_of_own_secret
from statecheck.judge.evidence.state_lines import find_related, line_of
from statecheck.judge.evidence.whereabouts import find_first_places, find_places
from statecheck.model import Evidence

if TYPE_CHECKING:
    from statecheck.judge.evidence.case import Case
    from statecheck.probe.ops import OpKind

_STORES: tuple[OpKind, ...] = ("file", "sql", "wire")
"""What a conversation is read from that outlives its process."""


def find_process_memory(case: Case) -> Observation | None:
    """Was turn 1's marker in another live process when turn 2 did not get it?"""
    conversation = case.conversations.get(OTHER_WORKER)
    if conversation is None or not case.lost(OTHER_WORKER):
        return None
    unread = find_unreadable_session(case, OTHER_WORKER)
    if unread is not None:
        return unread
    first, second = conversation.turns[:2]
    shared = [p for p in find_places(conversation, first) if p.kind != "process"]
    kept = [p for p in find_places(conversation, first) if p.kind == "process" and p.pid == first.pid]
    # what a later turn takes out again (a question that waited for its answer) is seen where none came
    others = [case.conversations[name] for name in (BASELINE, NEW_PROCESS) if name in case.conversations]
    elsewhere = [p for other in others for p in find_first_places(other)]
    place = next((p for p in [*kept, *elsewhere] if p.anchor and p.kind == "process"), None)
    anchor = place.anchor if place else line_of(conversation, first)
    where = f", in `{kept[0].text}`" if kept else ""
    was_given = conversation.is_given(second, first, case.channel or "model")
    stale = was_given or case.kept(NEW_PROCESS)
    tab = None if kept else find_tab_of(case, place)
    known = f"known to one {tab.name} tab alone" if tab else f"remembered only in the memory of worker PID {first.pid}"
    summary = f"{name_first(conversation)} is {known}{where}; worker PID {second.pid} was not given it"
    if stale:
        store = f" (`{shared[0].text}`)" if shared else ""
        summary = (
            f"workers read a copy in their own memory{where}, not the store behind it{store}: "
            f"what PID {first.pid} and PID {second.pid} know differs"
        )
    severity, why = weigh_split(case, place)
    summary = "; ".join(filter(None, (summary, why)))
    evidence = [case.reason(OTHER_WORKER)]
    if kept:
        evidence.append(Evidence(OTHER_WORKER, f"turn 1 is in PID {first.pid}'s memory at {kept[0].text}"))
    return Observation(
        summary,
        anchor,
        tuple(evidence),
        kind="stale-cache" if stale else "shared-instance" if case.shared(place) else None,
        severity=severity,
        related_to=find_related(conversation, first, first.marker, anchor or case.handler),
        fix=advise_beyond_tab(case, place) or advise_keeping(case, conversation),
    )


def find_own_disk(case: Case) -> Observation | None:
    """Was what a worker gave turn 2 read from a file, of which each copy of the app has one of its own?"""
    conversation, asked = case.conversations.get(OTHER_WORKER), case.app.own_disks
    if conversation is None or asked is None or not case.kept(OTHER_WORKER) or not case.kept(NEW_CONTAINER):
        return None
    first, second = conversation.turns[:2]
    places = find_places(conversation, first)
    stored = next((place for place in places if place.kind == "disk"), None)
    read = [op for f in _STORES for op in conversation.select(f, second.number, "read") if first.marker in op.markers]
    in_file = [op for op in read if op.f == "file" or op.database == "sqlite"]
    if stored is None or not in_file or in_file != read or any(place.kind == "service" for place in places):
        return None
    return Observation(
        f"{name_first(conversation)} is stored in `{stored.text}`, on a disk of one machine or pod, and {asked} asks "
        "for several, each with a disk of its own: the others are not given it",
        stored.anchor,
        (Evidence(OTHER_WORKER, "the other worker was given turn 1 out of that file, which another machine has not"),),
        kind="own-disk",
        related_to=find_related(conversation, first, first.marker, stored.anchor or case.handler),
        fix="keep the conversation in a database that all machines reach, or run one machine",
    )


_NOT_GIVEN = """
1a > s
1a model read 1
1a <
2b > s
2b model read 2
2b <
-a place 1 where="app.sessions['s']" key=s cls=sessions @app.py:6
"""
_STALE = """
1a > s
1a model read 1
1a <
2b > s
2b model read 1 2
2b <
-a place 1 where="app.cache['s']" key=s cls=cache @app.py:6
3a > s
3a model read 1 3
3a <
"""
_UNKNOWN_RUN = """
1a > -
1a asks cls=InputRequiredEvent
1a < "{1}? Tell run-7"
2b > - answers=1
2b x HTTP 404
-a place 1 where="app.paused['run-7']" key=run-7 cls=paused @app.py:6
"""
_GOES_ON = """
1a > -
1a asks cls=InputRequiredEvent
1a < "{1}? Tell run-7"
2b > - answers=1
2b answers cls=HumanResponseEvent @app.py:40
2b < "done: {1}"
3a > -
3a asks cls=InputRequiredEvent
3a < "{3}? Tell run-8"
"""
_UNANSWERED = """
1a > s
1a model read 1
1a <
2b > s
2b ? the worker died while it answered
"""

CAUSE = Cause(
    code="SC102",
    name="multi-worker",
    question="Is turn 1 in the memory of another live process?",
    questions=(Question(find_process_memory, about=Topic.PLACE), Question(find_own_disk)),
    rank=60,
    comes_first=is_of_own_secret,
    fix="keep the conversation in a store that all workers share, and read it from there on every turn",
    kinds=("stale-cache", "shared-instance", "own-disk", OWN_SECRET, "forked-connection"),
    symptoms=(
        Symptom(
            "the session is in one worker's memory and the request reached another; share the store between workers",
            (
                "Session not found",
                "Session already exists:",
                "Conversation not found: conv_",
                "Invalid session",
                "Session ID unknown",
            ),
        ),
        Symptom(
            "it is not where this process looks: in another one's memory, or gone with one that ended; keep "
            "runs and threads in a store that all processes share",
            ("Thread not found", "Run not found", "Conversation not found", "Chat not found", "No such session"),
        ),
        Symptom(
            "the process that was asked does not know this session: it is in another one's memory, or gone with it",
            (
                "Unknown session",
                "Session does not exist",
                "session doesn't exist",
                "Session expired or",
                "Invalid thread",
                "Unknown thread",
                "No session with id",
                "Chat session * not found",
                "Session * not found",
                "Conversation * not found",
                "Conversation * does not exist",
                "Thread * not found",
                "No conversation found",
                "KeyError: 'session-",
                "KeyError: 'user-",
                "KeyError: 'thread-",
                "KeyError: 'conv",
            ),
        ),
        Symptom(
            "the conversation is in the memory of one process, and each request may reach another",
            phrases=(
                "worker|workers|replica|pods|gunicorn|process|processes|instance|balanc|scaling|scaled|server|servers|"
                "node|nodes|autoscal|hpa|k8s "
                "$forgets|sometimes|random|differ|only|inconsistent",
                "workers|replicas|pods|gunicorn|processes|instances|balancer|scaling|scaled $thing",
                "sticky|affinity session|cookie|fix|help|need|load.|$forgets",
                "sometimes|random|intermittent|occasional|sporadic|flaky|inconsistent $forgets|$thing",
            ),
        ),
        Symptom(
            "a connection was opened before the fork; connect in each worker",
            (
                "SSL error: decryption failed or bad record mac",
                "SSL SYSCALL error: EOF detected",
                "threads can only be started once",
            ),
            "forked-connection",
        ),
        Symptom(
            "several workers serve the app; share the store between them",
            ("Started parent process [*]",),
        ),
    ),
    examples=(
        Example("workers have a dict each", {BASELINE: KEPT, OTHER_WORKER: _NOT_GIVEN}),
        Example("a run waits in one worker", {BASELINE: _GOES_ON, OTHER_WORKER: _UNKNOWN_RUN}),
        Example("a cache stands before a store", {BASELINE: KEPT, OTHER_WORKER: _STALE}, "stale-cache"),
    ),
    counterexamples=(
        Example("workers share a store", {BASELINE: KEPT, OTHER_WORKER: KEPT}),
        Example("any worker goes on with what one asked", {BASELINE: _GOES_ON, OTHER_WORKER: _GOES_ON}),
        Example("the other worker dies", {BASELINE: KEPT, OTHER_WORKER: _UNANSWERED}),
    ),
    doc=__doc__ or "",
    told=("forked-connection",),
)
