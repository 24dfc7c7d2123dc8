"""Changing what `ctx.store.get()` returned is kept by the store in memory, and lost by the one in SQLite.

So a workflow works in development and forgets in production, with the same code and the same `handler_id`.
"""

import tempfile

from llama_agents.server import MemoryWorkflowStore, SqliteWorkflowStore, WorkflowServer
from llama_index.core.workflow import Context, StartEvent, StopEvent, Workflow, step
from starlette.testclient import TestClient


class Counts(Workflow):
    @step
    async def count(self, ctx: Context, ev: StartEvent) -> StopEvent:
        if await ctx.store.get("seen", default=None) is None:
            await ctx.store.set("seen", [])
        seen = await ctx.store.get("seen")
        seen.append(1)  # and no ctx.store.set
        return StopEvent(result=len(await ctx.store.get("seen")))


def main() -> None:
    for store in (MemoryWorkflowStore(), SqliteWorkflowStore(f"{tempfile.mkdtemp()}/workflows.db")):
        server = WorkflowServer(workflow_store=store)
        server.add_workflow("counts", Counts())
        with TestClient(server.app) as client:
            answers = []
            handler = {}
            for _ in range(2):
                answer = client.post("/workflows/counts/run", json={"start_event": {}, **handler}).json()
                handler = {"handler_id": answer["handler_id"]}
                answers.append(answer["result"]["value"]["result"])
        print(f"{type(store).__name__}: {answers}")


main()
