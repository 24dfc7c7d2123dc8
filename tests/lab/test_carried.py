"""Clients that send the whole conversation along: what an app keeps beside it counts where it goes by that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from labs import User, diagnosed_in_turn

from statecheck.experiments import OVERLAPPING
from statecheck.model import Anchor
from statecheck.options.config import Options

if TYPE_CHECKING:
    from pathlib import Path

APP = """\
    from llama_index.core.llms import ChatMessage

    mine = {{}}


    def reply(user, messages):
        kept = mine.setdefault(user, [])
        kept.append(messages[-1]["content"])
        return str({given})
"""


@pytest.mark.parametrize(
    ("given", "verdict", "causes"),
    [("kept", "state-loss", ["SC102", "SC103"]), ("[m['content'] for m in messages]", "stateless", [])],
)
def test_what_is_sent_is_enough_only_where_the_app_goes_by_it(
    tmp_path: Path, given: str, verdict: str, causes: list[str]
) -> None:
    user = User(tmp_path)
    user.write(app=APP.format(given=given))

    ran = diagnosed_in_turn(user, "app.py:reply")

    assert ran.diagnosis.verdict == verdict
    assert [cause.code for cause in ran.diagnosis.causes] == causes


TOKEN = """\
    import base64, json, zlib

    from flask import Flask, request
    from llama_index.core.llms import ChatMessage
    from llama_index.llms.openai import OpenAI

    app = Flask(__name__)
    llm = OpenAI()


    @app.post("/consult")
    def consult():
        body = request.get_json()
        state = body.get("state")
        said = json.loads(zlib.decompress(base64.b64decode(state))) if state else []
        answer = llm.chat([ChatMessage(content=" ".join([*said, body["text"]]))]).message.content
        state = base64.b64encode(zlib.compress(json.dumps([*said, body["text"]]).encode())).decode()
        return {"answer": answer, "state": state}
"""
CLIENT = """\
    import httpx

    state = None
    while True:
        reply = httpx.post("http://localhost:5000/consult", json={"text": input(), "state": state}).json()
        state = reply["state"]
        print(reply["answer"])
"""


@pytest.mark.acceptance
def test_a_conversation_in_what_each_answer_gives_cannot_be_overwritten_on_a_server(tmp_path: Path) -> None:
    user = User(tmp_path)
    user.write(app=TOKEN, client=CLIENT)

    ran = diagnosed_in_turn(user, "app.py")

    assert (ran.diagnosis.verdict, ran.diagnosis.causes) == ("stateless", ())
    assert [one.name for one in ran.diagnosis.experiments if one.outcome == "skipped"] == [
        "concurrent",
        "concurrent-workers",
    ]


KEPT = """\
    from llama_index.core.llms import ChatMessage, MockLLM
    from llama_index.core.workflow import StartEvent, StopEvent, Workflow, step


    class Research(Workflow):
        def __init__(self):
            super().__init__()
            self.memory = []

        @step
        async def answer(self, ev: StartEvent) -> StopEvent:
            for one in ev.get("chat_history", []):
                self.memory.append(ChatMessage(role=one.get("role"), content=one.get("content")))
            self.memory.append(ChatMessage(role="user", content=ev.user_msg))
            return StopEvent(result=await research(self.memory, ev.user_msg))


    async def research(memory, question):
        return str((await MockLLM().achat(memory)).message.content)


    workflow = Research()
"""


@pytest.mark.acceptance
def test_what_is_kept_beside_what_is_sent_is_judged_where_others_are_given_it(tmp_path: Path) -> None:
    user = User(tmp_path)
    user.write(flow=KEPT)

    ran = diagnosed_in_turn(user, "flow.py")

    assert (ran.diagnosis.target.object, ran.diagnosis.verdict) == ("workflow", "state-loss")
    assert [(cause.code, cause.kind) for cause in ran.diagnosis.causes] == [
        ("SC106", "shared-instance"),
        ("SC102", "shared-instance"),
        ("SC103", "shared-instance"),
    ]
    assert any("without sending it again" in note for note in ran.diagnosis.notes)


IN_PLACE = """\
    from flask import Flask, request, session
    from llama_index.core.llms import ChatMessage
    from llama_index.llms.openai import OpenAI

    app = Flask(__name__)
    app.secret_key = "fixed"
    llm = OpenAI()


    @app.post("/chat")
    def chat():
        if "said" not in session:
            session["said"] = []
        said = session["said"]
        said.append(request.json["message"])
        {saved}
        return {{"answer": llm.chat([ChatMessage(content=" ".join(said))]).message.content}}
"""


@pytest.mark.parametrize(
    ("saved", "causes"),
    [
        pytest.param("pass", [("SC101", "unset-mutation")], marks=pytest.mark.acceptance),
        pytest.param("session.permanent = True", [], marks=pytest.mark.acceptance),
    ],
)
def test_a_session_that_is_only_changed_in_place_is_not_sent_back(
    tmp_path: Path, saved: str, causes: list[tuple[str, str]]
) -> None:
    user = User(tmp_path)
    user.write(app=IN_PLACE.format(saved=saved))

    ran = diagnosed_in_turn(user, "app.py", Options(skip=("new-process", "new-container", *OVERLAPPING)))

    assert [(cause.code, cause.kind) for cause in ran.diagnosis.causes] == causes
    assert all(cause.anchor == Anchor("app.py", 14) for cause in ran.diagnosis.causes)
