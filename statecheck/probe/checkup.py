"""What `statecheck doctor` tries in the target's interpreter: which packages it has, and what their stores really keep.

Versions are only names: each trial does what an app would do and looks at what is left. Nothing is written outside a
temporary folder, no model is asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import tempfile
import warnings
from importlib import metadata
from typing import TYPE_CHECKING, Any

from .frameworks import FRAMEWORKS

if TYPE_CHECKING:
    from collections.abc import Callable

_OVERLAPPING = 10
_MOST_SAID = 160  # characters
SERVERS = ("uvicorn", "hypercorn", "gunicorn", "waitress")
PACKAGES = (
    "llama-index-core", "llama-index-workflows", "pydantic", "SQLAlchemy", "aiosqlite",
    "asyncpg", "psycopg", "redis", "llama-index-storage-chat-store-redis", "llama-index-storage-chat-store-postgres",
    *(name for framework in FRAMEWORKS if framework.adapter for name in framework.installed_as), *SERVERS,
)  # fmt: skip


def main(fd: int) -> None:
    """Write the report to this descriptor: JSON with `python`, `packages` {name: version} and `trials` {name: trial}.

    A trial is `{"kept": bool | None, "said": str}`: whether what was stored was still there (None: it could not be
    tried), and the numbers or the exception.
    """
    packages = {}
    for name in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            packages[name] = metadata.version(name)
    trials = {}
    if "llama-index-core" in packages:
        warnings.simplefilter("ignore")
        trials = {name: _try(trial) for name, trial in TRIALS.items()}
    report = {"python": sys.version.split()[0], "packages": packages, "trials": trials}
    os.write(fd, json.dumps(report).encode())


def _try(trial: Callable[[], tuple[bool, str]]) -> dict[str, Any]:
    kept: bool | None
    try:
        kept, said = trial()
    except (ImportError, AttributeError, TypeError) as error:  # another version's names
        kept, said = None, f"{type(error).__name__}: {error}"
    except Exception as error:  # noqa: BLE001 - whatever the library raises is the finding
        kept, said = False, f"{type(error).__name__}: {error}"
    line = " ".join(said.split())
    return {"kept": kept, "said": line if len(line) <= _MOST_SAID else f"{line[: _MOST_SAID - 1]}…"}


def _message(text: str) -> Any:
    from llama_index.core.llms import ChatMessage

    return ChatMessage(role="user", content=text)


def _snapshot() -> tuple[bool, str]:
    """A `ChatMemoryBuffer`, as JSON and back."""
    from llama_index.core.memory import ChatMemoryBuffer

    memory = ChatMemoryBuffer.from_defaults(token_limit=4000)
    memory.put(_message("kept"))
    back = ChatMemoryBuffer.from_dict(json.loads(json.dumps(memory.to_dict())))
    return len(back.get_all()) == 1, f"{len(back.get_all())} of 1 messages came back"


def _persist() -> tuple[bool, str]:
    """A `SimpleChatStore` that is persisted over an older file of its own."""
    from llama_index.core.storage.chat_store import SimpleChatStore

    with tempfile.TemporaryDirectory(prefix="statecheck-") as folder:
        path = os.path.join(folder, "chat_store.json")
        SimpleChatStore().persist(path)
        store = SimpleChatStore()
        store.add_message("session", _message("kept"))
        try:
            store.persist(path)
        except Exception as error:
            raise type(error)(f"{error}; the file then holds {os.path.getsize(path)} bytes") from error
        back = SimpleChatStore.from_persist_path(path).get_messages("session")
    return len(back) == 1, f"{len(back)} of 1 messages came back"


def _context() -> tuple[bool, str]:
    """A default `Memory` in a `Context` that a second run takes over."""
    from llama_index.core.memory import Memory
    from llama_index.core.workflow import Context, StartEvent, StopEvent, Workflow, step

    async def look(ctx: Any, ev: Any) -> Any:
        if ev.first:
            await ctx.store.set("memory", Memory.from_defaults(session_id="session"))
        return StopEvent(result=await ctx.store.get("memory", default=None) is not None)

    class Trial(Workflow):
        """One step, which is added below: its annotations have to be classes, not their names."""

    look.__annotations__ = {"ctx": Context, "ev": StartEvent, "return": StopEvent}
    step(workflow=Trial)(look)
    workflow = Trial()

    async def run() -> bool:
        ctx = Context(workflow)
        await workflow.run(ctx=ctx, first=True)
        return bool(await workflow.run(ctx=ctx, first=False))

    kept = asyncio.run(run())
    return kept, "the second run found it" if kept else "the second run found none, and no error was raised"


async def _put(warm: bool) -> tuple[int, str]:
    from llama_index.core.memory import Memory

    memory = Memory.from_defaults(session_id="session")
    if warm:
        await memory.aget_all()
    puts = [memory.aput(_message(str(number))) for number in range(_OVERLAPPING)]
    results = await asyncio.wait_for(asyncio.gather(*puts, return_exceptions=True), 20)
    failed = next((f", {type(result).__name__}" for result in results if result is not None), "")
    return len(await memory.aget_all()), failed


def _overlap() -> tuple[bool, str]:
    """A default `Memory` that has been used, given several messages at once."""
    stored, failed = asyncio.run(_put(warm=True))
    return stored == _OVERLAPPING, f"{stored} of {_OVERLAPPING} messages put at once were stored{failed}"


def _cold_start() -> tuple[bool, str]:
    """A new default `Memory`, given several messages at once."""
    stored, failed = asyncio.run(_put(warm=False))
    return stored == _OVERLAPPING, f"{stored} of {_OVERLAPPING} first messages put at once were stored{failed}"


TRIALS: dict[str, Callable[[], tuple[bool, str]]] = {
    "snapshot": _snapshot,
    "persist": _persist,
    "context": _context,
    "overlap": _overlap,
    "cold-start": _cold_start,
}
