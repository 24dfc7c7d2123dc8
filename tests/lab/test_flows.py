"""LlamaIndex's own things as targets: a workflow, an agent, the server of workflows. And state without a model."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from labs import Ran, User, diagnosed_in_turn

from statecheck.model import Anchor
from statecheck.options.config import Options

if TYPE_CHECKING:
    from pathlib import Path

NOT_OVERLAPPING = Options(seed=1, skip=("concurrent", "concurrent-workers"))

CART = """\
    from workflows import Context, Workflow, step
    from workflows.events import StartEvent, StopEvent


    class Cart(Workflow):
        @step
        async def add(self, ctx: Context, ev: StartEvent) -> StopEvent:
            items = await ctx.store.get("items", default=[])
            await ctx.store.set("items", [*items, ev.get("item")])
            return StopEvent(result=[*items, ev.get("item")])
"""
ON_THE_INSTANCE = """\
    from workflows import Workflow, step
    from workflows.events import StartEvent, StopEvent


    class Added(StartEvent):
        household: str
        item: str


    class Cart(Workflow):
        def __init__(self):
            super().__init__(timeout=10)
            self.items = []

        @step
        async def add(self, ev: Added) -> StopEvent:
            self.items.append(ev.item)
            return StopEvent(result=list(self.items))


    cart = Cart()
"""
AGENT = """\
    from llama_index.core.agent.workflow import FunctionAgent


    def weather(city: str) -> str:
        return "sunny"


    agent = FunctionAgent(tools=[weather])
"""
DEAF = """\
    from llama_index.core.agent.workflow import FunctionAgent
    from llama_index.core.memory import ChatMemoryBuffer

    memories = {}


    async def reply(session_id, text):
        memory = memories.setdefault(session_id, ChatMemoryBuffer.from_defaults())
        agent = FunctionAgent(tools=[], memory=memory)
        return str(await agent.run(text))
"""
SERVED = """\
    from llama_agents.server import {named}, WorkflowServer
    from workflows import Context, Workflow, step
    from workflows.events import StartEvent, StopEvent


    class Cart(Workflow):
        @step
        async def add(self, ctx: Context, ev: StartEvent) -> StopEvent:
            items = await ctx.store.get("items", default=[])
            items.append(ev.item)
            {saved}
            return StopEvent(result=items)


    server = WorkflowServer(workflow_store={store})
    server.add_workflow("cart", Cart(timeout=10))
"""
ASKS_BACK = """\
    import json
    from pathlib import Path
    from workflows import Context, Workflow, step
    from workflows.events import HumanResponseEvent, InputRequiredEvent, StartEvent, StopEvent

    waiting = {{}}


    class Refund(Workflow):
        @step
        async def ask(self, ctx: Context, ev: StartEvent) -> InputRequiredEvent:
            await ctx.store.set("reason", ev.reason)
            return InputRequiredEvent(prefix="Who approves?")

        @step
        async def decide(self, ctx: Context, ev: HumanResponseEvent) -> StopEvent:
            return StopEvent(result=f"{{await ctx.store.get('reason')}}: approved by {{ev.response}}")


    refund = Refund()


    async def reply(session_id, message):
        paused = {take}
        handler = refund.run(ctx=paused) if paused else refund.run(reason=message)
        if paused:
            handler.ctx.send_event(HumanResponseEvent(response=message))
            return await handler
        async for event in handler.stream_events():
            if isinstance(event, InputRequiredEvent):
                {keep}
                await handler.cancel_run()
                return event.prefix
"""
IN_MEMORY = {
    "take": "Context.from_dict(refund, waiting.pop(session_id)) if session_id in waiting else None",
    "keep": "waiting[session_id] = handler.ctx.to_dict()",
}
IN_A_FILE = {
    "take": "load(session_id)",
    "keep": "Path(session_id).write_text(json.dumps(handler.ctx.to_dict()))",
}
LOAD = """\


    def load(session_id):
        file = Path(session_id)
        paused = Context.from_dict(refund, json.loads(file.read_text())) if file.exists() else None
        file.unlink(missing_ok=True)
        return paused
"""
COUNTED = """\
    import os
    import time
    import uuid

    visits = {{}}
    total = 0


    def reply(visitor, message):
        global total
        total += 1
        visits[visitor] = visits.get(visitor, 0) + 1
        said = {answer}
        return f"{{uuid.uuid4()}} at {{time.time()}} by {{os.getpid()}}, {{total}} in all: {{said}}"
"""


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path)


def found(ran: Ran) -> list[tuple[str, str | None, Anchor]]:
    return [(one.code, one.kind, one.anchor) for one in ran.diagnosis.causes]


def talks(ran: Ran) -> str:
    return next(note for note in ran.diagnosis.notes if note.startswith("how it talks: ")).partition(": ")[2]


def test_a_workflow_class_is_run_with_what_its_first_step_reads(user: User) -> None:
    user.write(cart=CART)

    ran = diagnosed_in_turn(user, "cart.py")

    assert talks(ran) == "call with (item={message}), no session"
    assert found(ran) == [("SC104", None, Anchor("cart.py", 9))]


def test_a_workflow_that_asks_back_is_answered_with_what_was_said(user: User) -> None:
    user.write(refund=ASKS_BACK.format(**IN_MEMORY).partition("refund = Refund()")[0])

    ran = diagnosed_in_turn(user, "refund.py:Refund", Options(seed=1, only=("same-process",)))

    assert [re.sub("sc-m[0-9a-f]{8}", "it", answer) for answer in ran.answers("same-process")] == [
        "Please note that my code word is it.: approved by Please note that my code word is it."
    ] * 2


def test_what_a_workflow_keeps_on_itself_is_one_conversation_for_all(user: User) -> None:
    user.write(cart=ON_THE_INSTANCE)

    ran = diagnosed_in_turn(user, "cart.py", NOT_OVERLAPPING)

    assert talks(ran) == "call with (household={session}, item={message})"
    assert found(ran) == [
        ("SC106", "shared-instance", Anchor("cart.py", 13)),
        ("SC102", "shared-instance", Anchor("cart.py", 13)),
        ("SC103", "shared-instance", Anchor("cart.py", 13)),
    ]


@pytest.mark.acceptance
def test_an_agent_is_run_with_a_message_and_blamed_where_it_is_made(user: User) -> None:
    user.write(agents=AGENT)

    ran = diagnosed_in_turn(user, "agents.py", Options(seed=1, only=("same-process",)))

    assert talks(ran) == "call with (user_msg={message}), no session"
    assert found(ran) == [("SC104", None, Anchor("agents.py", 8))]


@pytest.mark.acceptance
def test_a_deployed_agent_is_given_the_conversation_by_its_interface(user: User) -> None:
    user.write(agents=AGENT)
    (user.project / "llama_deploy.yml").write_text("name: weather\n", "utf-8")

    ran = diagnosed_in_turn(user, "agents.py")

    assert (ran.diagnosis.verdict, found(ran)) == ("stateless", [])


SET = 'await ctx.store.set("items", items)'
RESUMED = '{"handler_id": handler}'


@pytest.mark.parametrize(
    ("store", "saved", "client", "expected"),
    [
        ("MemoryWorkflowStore()", SET, "{}", ["SC104 None"]),
        pytest.param("MemoryWorkflowStore()", SET, RESUMED, ["SC102 None", "SC103 None"], marks=pytest.mark.acceptance),
        ("SqliteWorkflowStore('flows.db')", SET, RESUMED, ["SC103 None"]),
        pytest.param(
            "SqliteWorkflowStore('flows.db')", "", RESUMED, ["SC104 unset-mutation"], marks=pytest.mark.acceptance
        ),
    ],
)
def test_a_server_of_workflows_is_asked_as_its_client_asks_it(
    user: User, store: str, saved: str, client: str, expected: list[str]
) -> None:
    sends = f"""\
        import httpx


        def add(handler, item):
            body = {{"start_event": {{"item": item}}, **{client}}}
            return httpx.post("http://localhost:8080/workflows/cart/run", json=body).json()
    """
    user.write(server=SERVED.format(store=store, named=store.partition("(")[0], saved=saved), client=sends)

    ran = diagnosed_in_turn(user, "server.py", NOT_OVERLAPPING)

    assert ran.diagnosis.target.framework == "workflow-server"
    assert [f"{one.code} {one.kind}" for one in ran.diagnosis.causes] == expected


def test_a_served_run_that_asks_a_person_is_answered_by_the_server_s_own_protocol(user: User) -> None:
    user.write(
        server="""\
            from llama_agents.server import SqliteWorkflowStore, WorkflowServer
            from workflows import Context, Workflow, step
            from workflows.events import HumanResponseEvent, InputRequiredEvent, StartEvent, StopEvent


            class Yes(HumanResponseEvent):
                word: str


            class Refund(Workflow):
                @step
                async def ask(self, ctx: Context, ev: StartEvent) -> StopEvent:
                    yes = await ctx.wait_for_event(Yes, waiter_event=InputRequiredEvent(prefix=ev.reason))
                    return StopEvent(result=f"{ev.reason}: {yes.word}")


            server = WorkflowServer(workflow_store=SqliteWorkflowStore("runs.db"))
            server.add_workflow("refund", Refund(timeout=600), additional_events=[Yes])
        """
    )

    ran = diagnosed_in_turn(user, "server.py")

    assert talks(ran).endswith("what it asks a person is answered by POST /events/{asked}")
    lost, *more = [f"{one.code} {one.kind} {one.severity}" for one in ran.diagnosis.causes]
    assert lost == "SC103 paused-run error"
    assert more in (
        [],
        ["SC105 approved-twice warning"],
    )  # how many come before the run has ended is the server's doing


@pytest.mark.acceptance
def test_a_second_server_does_what_is_under_way_and_not_what_is_young(user: User) -> None:
    user.write(
        server="""\
            from pathlib import Path
            from llama_agents.server import SqliteWorkflowStore, WorkflowServer
            from llama_index.core import Settings
            from workflows import Workflow, step
            from workflows.events import StartEvent, StopEvent

            Path("data").mkdir(exist_ok=True)


            class Note(Workflow):
                @step
                async def add(self, ev: StartEvent) -> StopEvent:
                    said = Path(f"data/{ev.session_id}.txt")
                    with said.open("a") as file:
                        file.write(ev.message)
                    return StopEvent(result=str(await Settings.llm.acomplete(said.read_text())))


            server = WorkflowServer(workflow_store=SqliteWorkflowStore("data/runs.db"))
            server.add_workflow("note", Note(timeout=60))
        """
    )

    ran = diagnosed_in_turn(user, "server.py", Options(seed=1, only=("second-server",)))

    assert ran.outcomes()["second-server"] == "lost"
    assert found(ran) == [("SC107", kind, Anchor("server.py", 19)) for kind in ("never-resumed", "resumed-twice")]


@pytest.mark.acceptance
def test_an_agent_that_is_built_with_a_memory_ignores_it(user: User) -> None:
    user.write(deaf=DEAF, heard=DEAF.replace(", memory=memory)", ")").replace("run(text)", "run(text, memory=memory)"))

    deaf = diagnosed_in_turn(user, "deaf.py", Options(seed=1, only=("same-process",)))
    heard = diagnosed_in_turn(user, "heard.py", Options(seed=1, only=("same-process",)))

    assert found(deaf) == [("SC104", "ignored-memory", Anchor("deaf.py", 9))]
    assert found(heard) == []


@pytest.mark.acceptance
def test_a_question_that_waits_for_its_answer_is_lost_with_the_process_that_asked(user: User) -> None:
    user.write(memory=ASKS_BACK.format(**IN_MEMORY), file=ASKS_BACK.format(**IN_A_FILE) + LOAD)

    in_memory = diagnosed_in_turn(user, "memory.py:reply", NOT_OVERLAPPING)
    in_a_file = diagnosed_in_turn(user, "file.py:reply", NOT_OVERLAPPING)

    assert found(in_memory) == [("SC102", None, Anchor("memory.py", 6)), ("SC103", None, Anchor("memory.py", 6))]
    assert found(in_a_file) == [("SC103", None, Anchor("file.py", 31))]  # it begins anew at turn 3, as it should


def test_a_count_that_only_answers_show_is_found_where_it_is_kept(user: User) -> None:
    user.write(counted=COUNTED.format(answer='f"message {visits[visitor]} of yours"'))

    ran = diagnosed_in_turn(user, "counted.py:reply")

    assert found(ran) == [("SC102", None, Anchor("counted.py", 5)), ("SC103", None, Anchor("counted.py", 5))]
    assert "`counted.visits['sc-" in ran.diagnosis.causes[0].summary


def test_what_varies_by_itself_is_no_conversation(user: User) -> None:
    user.write(counted=COUNTED.format(answer='f"hello {visitor}"'))

    ran = diagnosed_in_turn(user, "counted.py:reply")

    assert (ran.diagnosis.verdict, found(ran)) == ("inconclusive", [])  # nothing shows that a message arrived
    assert ran.diagnosis.errors[0].slug == "message-not-seen"
