"""How a client talks, found out by trying: apps that give sessions, and fields that only an experiment tells apart."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from labs import Ran, User, diagnosed, diagnosed_in_turn

from statecheck.diagnose import propose
from statecheck.options.config import Options, read

if TYPE_CHECKING:
    from pathlib import Path

SHOWN = """\
    from flask import Flask, abort, render_template_string, request

    app = Flask(__name__)
    said = {}
    PAGE = '''<ul>{% for text in earlier %}<li>{{ text }}</li>{% endfor %}</ul>
    <form method="post" action="/talk">
      <input type="hidden" name="ticket" value="{{ ticket }}"><input name="text"><input type="submit">
    </form>'''


    @app.get("/")
    def begin():
        ticket = f"ticket-{len(said)}"
        said[ticket] = []
        return render_template_string(PAGE, ticket=ticket, earlier=[])


    @app.post("/talk")
    def talk():
        ticket = request.form["ticket"]
        if ticket not in said:
            abort(400, "no such ticket")
        earlier = list(said[ticket])
        said[ticket].append(request.form["text"])
        return render_template_string(PAGE, ticket=ticket, earlier=earlier)
"""
TOKEN = """\
    from fastapi import FastAPI, Query, WebSocket, WebSocketException

    app = FastAPI()
    said = {}


    @app.websocket("/rooms/{room}")
    async def talk(websocket: WebSocket, room: str, token: str = Query(...)):
        if token != "".join(("let", "me", "in")):  # in no literal that could be read
            raise WebSocketException(code=1008)
        await websocket.accept()
        while True:
            said.setdefault(room, []).append(await websocket.receive_text())
            await websocket.send_text(repr(said[room][:-1]))
"""
TOKEN_IN_TEMPLATE = """\
[tool.statecheck.template]
method = "WEBSOCKET"
path = "/rooms/{session}"
query = { token = "letmein" }
body = "{message}"
"""

ONE = Options(seed=1, only=("same-process", "other-session"))

MINTED = """\
    from fastapi import FastAPI, HTTPException

    app = FastAPI()
    said = {}


    @app.post("/chat")
    def chat(payload: dict):
        session = payload.get("conversation_id")
        if session is None:
            session = f"conversation-{len(said)}"
            said[session] = []
        if session not in said:
            raise HTTPException(404, "no such conversation")
        earlier = list(said[session])
        said[session].append(payload["message"])
        return {"data": {"conversation": {"id": session}}, "earlier": earlier}
"""
OPENED = """\
    from fastapi import FastAPI, HTTPException
    from pydantic import BaseModel

    app = FastAPI()
    said = {}


    class New(BaseModel):
        title: str


    class Said(BaseModel):
        content: str


    @app.post("/threads", status_code=201)
    def create(new: New):
        said[len(said)] = []
        return {"thread": {"id": len(said) - 1}}


    @app.post("/threads/{thread_id}/messages")
    def say(thread_id: int, turn: Said):
        if thread_id not in said:
            raise HTTPException(404, "no such thread")
        said[thread_id].append(turn.content)
        return {"earlier": said[thread_id][:-1]}
"""
TWINS = """\
    from fastapi import FastAPI
    from llama_index.core.llms import MockLLM
    from pydantic import BaseModel

    app = FastAPI()
    llm = MockLLM()
    said = {}


    class Pair(BaseModel):
        one: str
        two: str
        alpha: str
        beta: str


    @app.post("/pair")
    def pair(turn: Pair):
        *_, text, _, key = turn.model_dump().values()
        earlier = said.setdefault(key, [])
        answer = llm.complete("\\n".join([*earlier, text]))
        earlier.append(text)
        return {"answer": str(answer)}
"""
SIGNED = """\
    from fastapi import Depends, FastAPI, HTTPException
    from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
    from pydantic import BaseModel

    app = FastAPI()
    members, boards = {}, {}


    class Member(BaseModel):
        email: str
        password: str


    class Settings(BaseModel):
        colour: str = "green"


    class Note(BaseModel):
        text: str


    def signed_in(bearer: HTTPAuthorizationCredentials = Depends(HTTPBearer())) -> str:
        if bearer.credentials[::-1] not in members:
            raise HTTPException(401)
        return bearer.credentials[::-1]


    @app.post("/register", status_code=201)
    def register(member: Member):
        if len(member.password) < 10 or "@" not in member.email:
            raise HTTPException(400)
        members[member.email] = member.password


    @app.post("/login")
    def login(member: Member):
        if members.get(member.email) != member.password:
            raise HTTPException(403)
        return {"data": {"access_token": member.email[::-1]}}


    @app.post("/boards")
    def create(settings: Settings, who: str = Depends(signed_in)):
        boards[f"board-{len(boards)}"] = who, []
        return {"id": f"board-{len(boards) - 1}"}


    @app.post("/boards/{board}/notes")
    def pin(board: str, note: Note, who: str = Depends(signed_in)):
        owner, notes = boards.get(board, ("", []))
        if owner != who:
            raise HTTPException(404)
        notes.append(note.text)
        return {"earlier": notes[:-1]}
"""
KNOWN = """\
    from flask import Flask, abort, request, session

    app = Flask(__name__)
    app.secret_key = "of a test"
    CREW = {"mate": {"password": "knots-and-hitches"}, "cook": {"password": "soup-and-bread"}}
    logs = {}


    @app.post("/signin")
    def sign_in():
        known = CREW.get(request.form["username"])
        if known is None or known["password"] != request.form["password"]:
            abort(403)
        session["who"] = request.form["username"]
        return "welcome"


    @app.post("/log")
    def log():
        if "who" not in session:
            abort(401)
        entries = logs.setdefault(session["who"], [])
        entries.append(request.get_json()["entry"])
        return {"earlier": entries[:-1]}
"""
BORNE = """\
    import os

    import jwt
    from fastapi import Depends, FastAPI, HTTPException
    from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

    app = FastAPI()
    KEY = os.environ["BOATS_SIGNING_SECRET"]
    logs = {}


    def who(sent: HTTPAuthorizationCredentials = Depends(HTTPBearer())) -> str:
        try:
            claims = jwt.decode(sent.credentials, KEY, algorithms=["HS256"], audience="boats")
        except jwt.InvalidTokenError as error:
            raise HTTPException(401, str(error)) from error
        if claims["rank"] != "mate":
            raise HTTPException(403)
        return claims["sub"]


    @app.post("/log")
    def log(payload: dict, user: str = Depends(who)):
        entries = logs.setdefault(user, [])
        entries.append(payload["entry"])
        return {"earlier": entries[:-1]}
"""


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> User:
    user = User(tmp_path_factory.mktemp("user"))
    user.write(minted=MINTED, opened=OPENED, shown=SHOWN, twins=TWINS, signed=SIGNED, known=KNOWN, borne=BORNE)
    return user


def talk(ran: Ran, project: Path) -> str:
    said: str = json.loads((project / ran.diagnosis.run / "run.json").read_text())["talk"]
    return said


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("minted.py", "POST /chat, message in body message, session in body conversation_id, which the first answer"),
        ("opened.py", "POST /threads/{session}/messages, message in body content, session in path thread_id, which"),
        ("shown.py", "POST /talk, message in body text, session in body ticket, which GET / gives"),
        ("signed.py", "POST /boards/{session}/notes, message in body text, session in path board, which POST /boards"),
        ("known.py", "POST /log, message in body entry, no session is sent, after POST /signin"),
        ("borne.py", "POST /log, message in body entry, session in header Authorization"),
        ("twins.py", "POST /pair, message in body two, session in body beta"),
    ],
)
def test_a_session_is_remembered_and_no_other_is_shown_it(user: User, spec: str, expected: str) -> None:
    ran = diagnosed_in_turn(user, spec, ONE)

    assert talk(ran, user.project).startswith(expected)
    assert (ran.outcomes()["same-process"], ran.outcomes()["other-session"]) == ("kept", "isolated")


def test_a_proposal_loads_the_app_and_sends_nothing(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    user.write(loud=OPENED)
    monkeypatch.chdir(user.project)
    progress: list[str] = []

    proposal = propose("loud.py", Options(), progress.append)

    assert (proposal.target.framework, proposal.errors) == ("fastapi", ())
    assert proposal.plans[0].opening is not None
    assert proposal.plans[1].opening is None
    assert progress[-1] == "looking for the conversation"


def test_a_token_in_the_query_of_a_websocket_is_asked_for_there_and_a_template_gives_it(user: User) -> None:
    user.write(app=TOKEN)
    (refused,) = diagnosed(user, "app.py", "namespace", ONE).diagnosis.errors
    file = user.project / "pyproject.toml"
    file.write_text(TOKEN_IN_TEMPLATE)
    told = diagnosed_in_turn(user, "app.py", replace(ONE, template=read(file).template))

    assert refused.hint == 'it wants a `token` that it knows: give one in a template, `query = { token = "…" }`'
    assert told.outcomes()["same-process"] == "kept"
    assert told.outcomes()["other-session"] == "isolated"
