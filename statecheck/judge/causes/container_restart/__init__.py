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
- `paused-run`: a workflow run that waits for a person is in the memory of the process that asked, or saved on the
  container's own disk: its answer comes to nothing after a restart, or a redeploy.
- `evicted`: a cache has room for so many conversations (`lru_cache(maxsize=1)`, `TTLCache(maxsize=100, …)`), and those
  of others push one out that is kept nowhere else. A warning: how soon depends on how many people talk at once.
- `emptied-at-start`: the database outlives the process, and the app drops or empties its tables when it starts, or
  a script does that the deployment runs before the server.

## See also

SC102, which the same process memory shows between workers.
"""

from __future__ import annotations

from statecheck.judge.cause import Cause, Question, Symptom, Topic
from statecheck.judge.causes.container_restart.eviction import find_eviction
from statecheck.judge.causes.container_restart.examples import COUNTEREXAMPLES, EXAMPLES
from statecheck.judge.causes.container_restart.paused_run import find_paused_run
from statecheck.judge.causes.container_restart.places import find_lost_place, find_recycled_worker, find_start_reset
from statecheck.judge.evidence.signatures import OWN_SECRET, is_of_own_secret

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
        Question(find_start_reset),
        Question(find_paused_run, baseline="any", about=Topic.WAITING),
        Question(find_eviction),
    ),
    rank=70,
    comes_first=is_of_own_secret,
    fix="keep the conversation on a volume or in a database outside the container",
    kinds=(
        "never-persisted",
        "shared-instance",
        OWN_SECRET,
        "worker-recycle",
        "paused-run",
        "evicted",
        "emptied-at-start",
    ),
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
                "No such file or directory: *.json",
            ),
        ),
        Symptom(
            "the app may not write there, so what it saves is not kept; put it on a volume that its user may write to",
            (
                "Read-only file system",
                "attempt to write a readonly database",
                "unable to open database file",
                "Permission denied: '",
                "No space left on device",
            ),
        ),
        Symptom(
            "it was in the memory of the process, or on a disk that goes with the container",
            phrases=(
                "restart|redeploy|deploy|reboot|crash|reload|killed|upgrade|rollout|release|container|"
                "docker|kubernetes|lambda|serverless|cold.|ephemeral|scales|evicted|sleeps|idle.|respawn|heroku "
                "$forgets|$thing|none|null|404",
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
    examples=EXAMPLES,
    counterexamples=COUNTEREXAMPLES,
    doc=__doc__ or "",
)
