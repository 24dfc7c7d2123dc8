"""SC103 container-restart: the conversation dies with its process or its disk.

## What it means

The conversation died with the process, or was on a disk that a redeploy throws away. It works until the next
deployment, crash, scale-down or memory limit.

## Why it happens

Process memory ends with the process: one worker is no protection. A file or an SQLite database that the app writes
beside its code is on the container's own layer: `docker restart` keeps it, a new container does not. A volume that
is mounted at another path than the app writes to (`./data` against `/data`) keeps nothing. A store that is only
written by `persist()` keeps nothing if nobody calls it.

## How statecheck shows it

A worker is killed with SIGKILL after turn 1. In `new-process` the next generation finds the same disk, in
`new-container` a fresh one; volumes and external services are kept in both. Lost in both: it was process memory.
Lost only in `new-container`: it was a file, and the report names it.

## Example

```python
from fastapi import FastAPI
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.memory import Memory
from sqlalchemy.ext.asyncio import create_async_engine

app = FastAPI()
engine = create_async_engine("sqlite+aiosqlite:///conversations.db")  # in the container's working directory


@app.post("/chat")
async def chat(payload: dict):
    memory = Memory.from_defaults(session_id=payload["session_id"], async_engine=engine)
    chat_engine = SimpleChatEngine.from_defaults(memory=memory)
    return {"answer": str(await chat_engine.achat(payload["message"]))}
```

## Fix

Write to a volume, or to a database outside the container, and let the deployment say where that is.

```python
import os
from pathlib import Path

from fastapi import FastAPI
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.memory import Memory
from sqlalchemy.ext.asyncio import create_async_engine

app = FastAPI()
DATA = Path(os.environ.get("DATA_DIR", "/data"))  # the volume
engine = create_async_engine(f"sqlite+aiosqlite:///{DATA / 'conversations.db'}")


@app.post("/chat")
async def chat(payload: dict):
    memory = Memory.from_defaults(session_id=payload["session_id"], async_engine=engine)
    chat_engine = SimpleChatEngine.from_defaults(memory=memory)
    return {"answer": str(await chat_engine.achat(payload["message"]))}
```

```yaml
services:
  chat:
    volumes: ["conversations:/data"]
volumes:
  conversations:
```

Tell statecheck which paths are volumes with `--volume /data`; those in a compose file it finds by itself. What a page
keeps for one tab of a browser ends with it: a warning, unless the project's files ask for more than one replica.

## Kinds

- `never-persisted`: the store was loaded from a file, and no turn saved it before the process ended.
- `shared-instance`: one object, such as a workflow that keeps `self.history`, holds the conversation of all users; see
  SC106.
- `own-secret`: the next process signs its sessions with another secret key, and cannot read those of the last.
- `worker-recycle`: the server itself replaces workers (a request limit, a time-out, a memory limit).
- `paused-run`: a workflow run that waits for a person is saved on the container's own disk.

## See also

SC102, which the same process memory shows between workers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE, NEW_CONTAINER, NEW_PROCESS, OTHER_SESSION
from statecheck.judge.cause import KEPT, Cause, Example, Observation, Question, Symptom, Topic
from statecheck.judge.evidence.deployed import advise_beyond_tab, weigh_end
from statecheck.judge.evidence.lines import anchor_of, anchors, find_builds
from statecheck.judge.evidence.signatures import find_unreadable_session
from statecheck.judge.evidence.state_lines import find_related, line_of
from statecheck.judge.evidence.whereabouts import find_first_places, find_places
from statecheck.model import Evidence

if TYPE_CHECKING:
    from statecheck.judge.conversation import Conversation
    from statecheck.judge.evidence.case import Case
    from statecheck.model import Severity


def find_lost_place(case: Case) -> Observation | None:
    """Did turn 1's marker die with its process, or with the disk that a redeploy drops?"""
    name = next((name for name in (NEW_PROCESS, NEW_CONTAINER) if case.lost(name)), None)
    if name is None:
        return None
    unread = find_unreadable_session(case, name)
    if unread is not None:
        return unread
    conversation = case.conversations[name]
    first = conversation.turns[0]
    baseline = case.conversations.get(BASELINE, conversation)
    memory = [*find_places(conversation, first), *find_first_places(baseline)]
    files = [p for p in find_places(conversation, first) if p.kind == "disk"]
    build = next((op for op in find_builds(conversation, first.marker, first) if op.frames), None)
    built_at = next(iter(anchors([build] if build else [], "")), None)
    put = next(iter(anchors(conversation.handed_over(first.marker, first.number), "written")), None)
    place = next((p for p in memory if p.kind == "process" and p.anchor), None)
    severity: Severity
    if name == NEW_PROCESS or (place and not files):
        anchor = place.anchor if place else line_of(conversation, first)
        where = f" (`{place.text}`)" if place else ""
        summary = f"turn 1 was in the memory of PID {first.pid}{where} and died with the process"
        severity, why = weigh_end(case, place)
        summary, mends = "; ".join(filter(None, (summary, why))), advise_beyond_tab(place)
    else:
        severity, mends = "error", ""
        opened = next((p.anchor for p in files if p.anchor), None) or put
        durable = build is not None and "://" in build.where and ":memory:" not in build.where
        anchor = built_at if durable else opened or built_at
        where = f"`{files[0].text}`" if files else "the container's own disk"
        summary = f"turn 1 is stored in {where}, which a redeploy drops with the container: no volume holds it"
    kind = "never-persisted" if _is_never_persisted(conversation) else "shared-instance" if case.shared(place) else None
    return Observation(
        summary,
        anchor,
        tuple(case.reason(each) for each in (NEW_PROCESS, NEW_CONTAINER) if case.lost(each)),
        kind=kind,
        severity=severity,
        related_to=find_related(conversation, first, first.marker, anchor or case.handler),
        fix=mends,
    )


def _is_never_persisted(conversation: Conversation) -> bool:
    """Whether a chat store was loaded with `from_persist_path`, and no turn called `persist`."""
    actions = {op.action for op in conversation.select("chat-store")}
    return "load" in actions and "persist" not in actions


def find_paused_run(case: Case) -> Observation | None:
    """Is a run that waits for a person saved on the disk that a redeploy drops?

    Asked of what a single turn left: what answers such a run is no message, so that no other turn has to find it.
    """
    if case.lost(NEW_PROCESS) or case.lost(NEW_CONTAINER):
        return None
    for name in (BASELINE, OTHER_SESSION):
        conversation = case.conversations.get(name)
        first = next(iter(conversation.turns), None) if conversation is not None else None
        if conversation is None or first is None or conversation.find_request(first) is None:
            continue
        saved = [op for op in conversation.select("context", first.number, "to_dict") if op.type == "ok"]
        files = [place for place in find_places(conversation, first) if place.kind != "process"]
        volume = {op.where for op in conversation.select("disk") if op.on_volume}
        if any(place.kind == "service" or place.text in volume for place in files):
            continue  # it may be saved there: a log on the disk, say, has the user's words too
        if saved and saved[-1].running and files:
            where = f"`{files[0].text}`"
            set_by = [op for op in conversation.select("ctx-store", first.number, "write") if op.frames]
            made = [op for op in conversation.select("workflow", first.number, "build") if op.frames]
            return Observation(
                f"a run that waits for a person is saved in {where}, which a redeploy drops with the container",
                next(iter(anchors([*set_by[-1:], *made[-1:]], "")), None),
                (Evidence(name, f"turn 1 ended with a workflow Context that still ran, saved in {where}"),),
                kind="paused-run",
            )
    return None


def find_recycled_worker(case: Case) -> Observation | None:
    """Was turn 1 in the memory of a process that its own server ended, and replaced, before turn 2?"""
    conversation = case.conversations.get(BASELINE)
    if conversation is None or not case.lost(BASELINE):
        return None
    first, second = conversation.turns[:2]
    held = {op.pid for op in conversation.writes(first.number, first.marker) if op.pid != first.pid}
    asked = {op.pid for op in conversation.select(turn=second.number) if op.pid != second.pid}
    ended = held & {op.pid for op in conversation.select("ended") if op.time < second.ended} - asked
    if not ended:
        return None
    build = next((op for op in find_builds(conversation, first.marker, first) if op.frames), None)
    anchor = anchor_of(build)
    return Observation(
        f"turn 1 was in the memory of PID {min(ended)}, which its own server ended before turn 2: "
        "a process takes only so many turns",
        anchor,
        (case.reason(BASELINE),),
        kind="worker-recycle",
        related_to=find_related(conversation, first, first.marker, anchor or case.handler),
    )


_DIED = """
1a > s
1a model read 1
1a <
2b > s
2b model read 2
2b <
"""
_ON_DISK = """
1a > s
1a model read 1
1a <
2b > s
2b model read 2
2b <
-a disk 1 where=data/chat.db
"""
_NEVER_SAVED = """
-a chat-store load #9 cls=SimpleChatStore @app.py:5
1a > s
1a model read 1
1a <
2b > s
2b model read 2
2b <
"""
_PAUSED = """
1a > s
1a workflow build #1 cls=Approval @app.py:20
1a ctx-store write #2 1 name=asked @app.py:12
1a asks cls=InputRequiredEvent
1a context to_dict #3 cls=Context running
1a <
2a > t
2a <
-a disk 1 where=output/s.json
"""
_PAUSED_ON_A_VOLUME = _PAUSED.replace("-a disk 1", "-a disk 1 on_volume")

CAUSE = Cause(
    code="SC103",
    name="container-restart",
    question="Did turn 1 die with its process, or with the disk that a redeploy loses?",
    questions=(
        Question(
            find_recycled_worker,
            baseline="not-kept",
            about=Topic.FORGETTING,
            masks=(Topic.FORGETTING, Topic.WAITING),
            order=20,
        ),
        Question(find_lost_place, about=Topic.PLACE),
        Question(find_paused_run, baseline="any", about=Topic.WAITING),
    ),
    rank=70,
    fix="keep the conversation on a volume or in a database outside the container",
    kinds=("never-persisted", "shared-instance", "own-secret", "worker-recycle", "paused-run"),
    symptoms=(
        Symptom(
            "the WorkflowServer's memory was lost with its process, or is in another replica; give it a "
            "SqliteWorkflowStore",
            ("Handler not found",),
        ),
        Symptom(
            "the persist_dir is missing or not on the volume",
            (
                "No existing llama_index* found at",
                "VectorStoreNotFoundError",
                "No such file or directory: *docstore.json",
            ),
        ),
        Symptom(
            "it was in the memory of the process, or on a disk that goes with the container",
            phrases=(
                "restart|redeploy|deploy|reboot|crash|rebuil|reload|kill|wipe|reset lose|lost|loses|gone|forget|forgot|"
                "empty|disappear|vanish|miss|history|memory|conversation|chat|session",
            ),
        ),
        Symptom(
            "the server replaced the worker, and what it held in memory is gone; keep conversations "
            "outside the process",
            (
                "WORKER TIMEOUT (pid:*)",
                "was sent SIGKILL! Perhaps out of memory",
                "was terminated due to signal",
                "Autorestarting worker after current request",
                "Booting worker with pid:",
                "Child process [*] died",
                "Maximum request limit of * exceeded. Terminating process",
                "WorkerLostError: Worker exited prematurely",
            ),
            "worker-recycle",
        ),
        Symptom(
            "the server reloads when the app writes its own store; write outside the watched folder",
            ("detected changes in '*'. Reloading",),
            "worker-recycle",
        ),
    ),
    examples=(
        Example("the process is killed", {BASELINE: KEPT, NEW_PROCESS: _DIED, NEW_CONTAINER: _DIED}),
        Example("the disk is dropped", {BASELINE: KEPT, NEW_PROCESS: KEPT, NEW_CONTAINER: _ON_DISK}),
        Example("a store is loaded, never saved", {BASELINE: KEPT, NEW_PROCESS: _NEVER_SAVED}, "never-persisted"),
        Example("a run that waits is saved on the disk", {OTHER_SESSION: _PAUSED}, "paused-run"),
    ),
    counterexamples=(
        Example("all is in a database", {BASELINE: KEPT, NEW_PROCESS: KEPT, NEW_CONTAINER: KEPT}),
        Example("a run that waits is saved on a volume", {OTHER_SESSION: _PAUSED_ON_A_VOLUME}),
    ),
    doc=__doc__ or "",
)
