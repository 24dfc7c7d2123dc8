"""A `Memory` in a `Context` is dropped, without an error, when the Context is run a second time.

`run(ctx=ctx)` serializes the Context of the run before; the key `memory` is on the list of
`KNOWN_UNSERIALIZABLE_KEYS` (`workflows/context/state_store.py`), and no version of `Memory` can be serialized. All
that is seen is one `UnserializableKeyWarning` in the life of the process.
"""

import asyncio
import warnings

from llama_index.core.memory import Memory
from llama_index.core.workflow import Context, StartEvent, StopEvent, Workflow, step

warnings.simplefilter("ignore")


class Remembers(Workflow):
    @step
    async def look(self, ctx: Context, ev: StartEvent) -> StopEvent:
        if await ctx.store.get("memory", default=None) is None:
            await ctx.store.set("memory", Memory.from_defaults(session_id="session"))
            return StopEvent(result="made a new memory")
        return StopEvent(result="found the memory")


async def main() -> None:
    workflow = Remembers()
    ctx = Context(workflow)
    for number in (1, 2):
        print(f"run {number}: {await workflow.run(ctx=ctx)}")


asyncio.run(main())
