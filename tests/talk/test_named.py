"""What options name is refused before anything is imported, where source tells all that there is."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from statecheck.errors import StatecheckError
from statecheck.talk.named import check_named
from statecheck.talk.plan import Overrides
from statecheck.target.resolve import resolve

if TYPE_CHECKING:
    from pathlib import Path

MAIN = """\
    from fastapi import FastAPI
    from pydantic import BaseModel
    from rooms import router
    {imports}

    PREFIX = "/api"
    app = FastAPI()
    app.include_router(router, prefix=f"{{PREFIX}}/v1")


    class Ask(BaseModel):
        question: str
        room_id: str


    @app.post("/ask")
    async def ask(body: Ask):
        return {{}}


    {rest}
"""
ROOMS = """\
    from fastapi import APIRouter

    router = APIRouter(prefix="/rooms")


    @router.get("/{room}")
    async def show(room: str):
        return {}


    @router.post("")
    async def open_room():
        return {}
"""
FACTORY = """\
    from flask import Blueprint, Flask, request

    desk = Blueprint("desk", __name__, url_prefix="/old")


    @desk.route("/say", methods=["POST"])
    def say():
        return {"said": request.json["text"]}


    def create_app():
        app = Flask(__name__)
        app.register_blueprint(desk, url_prefix="/desk")

        @app.get("/health")
        def health():
            return "ok"

        return app
"""
OF_ROOMS = "`POST /ask`, `POST /api/v1/rooms`, `GET /api/v1/rooms/{room}`"


def named(folder: Path, *, imports: str = "", rest: str = "", main: str = MAIN, **options: str) -> str:
    """Write an app, name something of it, and return what is refused, with its hint."""
    text = dedent(main).format(imports=imports, rest=rest) if main is MAIN else dedent(main)
    (folder / "main.py").write_text(text)
    (folder / "rooms.py").write_text(dedent(ROOMS))
    try:
        check_named(resolve("main.py", folder), Overrides(**options))  # type: ignore[arg-type]
    except StatecheckError as error:
        return f"{error.text}; {error.hint}"
    return ""


@pytest.mark.parametrize(
    "endpoint", ["/ask", "POST /ask", "post /api/v1/rooms", "/api/v1/rooms/{room}", "GET /api/v1/rooms/<id>"]
)
def test_an_endpoint_that_is_there_is_not_refused(tmp_path: Path, endpoint: str) -> None:
    assert named(tmp_path, endpoint=endpoint) == ""


def test_an_endpoint_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    assert named(tmp_path, endpoint="/aks") == "the app has no endpoint `/aks`; did you mean `/ask`?"
    said = named(tmp_path, endpoint="PUT /zzz")
    assert said.startswith("the app has no endpoint `PUT /zzz`; it has ")
    assert sorted(said.partition("it has ")[2].split(", ")) == sorted(OF_ROOMS.split(", "))


def test_blueprints_lie_below_what_they_are_registered_with(tmp_path: Path) -> None:
    assert named(tmp_path, main=FACTORY, endpoint="/desk/say") == ""
    assert "did you mean `/desk/say`" in named(tmp_path, main=FACTORY, endpoint="/old/say")


@pytest.mark.parametrize(
    ("imports", "rest"),
    [
        ("from outside import extra", "app.include_router(extra)"),
        ("from outside import Admin", "Admin(app)"),
        ("", 'app.add_api_route("/more", ask)'),
        ("", "app.router.routes.append(ask)"),
        ("from outside import PATH", "app.post(PATH)(ask)"),
        ("from outside import PATH", "@app.post(PATH)\ndef more(): ..."),
        ("", "for each in [router]:\n    app.include_router(each)"),
    ],
)
def test_where_source_cannot_tell_all_routes_none_is_refused(tmp_path: Path, imports: str, rest: str) -> None:
    assert named(tmp_path, imports=imports, rest=rest, endpoint="/zzz") == ""


def test_a_field_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    told = "`--message-field zzz`: `POST /ask` has no such field; it has `body question`, `body room_id`"
    assert named(tmp_path, endpoint="/ask", message_field="zzz") == told
    assert named(tmp_path, session_field="zzz").startswith("`--session-field zzz`")
    assert named(tmp_path, endpoint="/ask", message_field="question", session_field="room_id") == ""
    assert named(tmp_path, endpoint="/ask", session_field="header X-Room") == ""


BASE = """\
@app.post("/say")
def say(body: Base): ...
"""
INHERITED = """\
class Said(Base):
    text: str

@app.post("/say")
def say(body: Said): ...
"""


@pytest.mark.parametrize("rest", [BASE, INHERITED])
def test_a_field_that_others_may_declare_is_not_refused(tmp_path: Path, rest: str) -> None:
    assert named(tmp_path, imports="from outside import Base", rest=rest, endpoint="/say", message_field="zzz") == ""
