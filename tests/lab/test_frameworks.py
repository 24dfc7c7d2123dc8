"""Apps of every web framework, through real servers: a loss is named at their own line, fixed twins keep all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from labs import Ran, User, diagnosed

from statecheck.options.config import Options
from statecheck.talk.plan import Json, Plan

if TYPE_CHECKING:
    from pathlib import Path

QUICK = ("same-process", "other-worker", "new-process", "new-container", "other-session")

FLASK = {
    "bots": """\
        from flask import Blueprint, current_app, request
        from flask.views import MethodView

        bp = Blueprint("bots", __name__, url_prefix="/bots")


        class Notes:
            def init_app(self, app):
                app.extensions["notes"] = {}


        class Bot(MethodView):
            def post(self, name):
                said = current_app.extensions["notes"].setdefault(name, [])
                said.append(request.form["text"])
                return {"said": said}


        bp.add_url_rule("/<name>/say", view_func=Bot.as_view("say"))
    """,
    "app": """\
        from flask import Flask

        import bots


        def create_app():
            app = Flask(__name__)
            bots.Notes().init_app(app)
            app.register_blueprint(bots.bp)
            return app


        app = create_app()
        app.run(port=5000)
    """,
}
FLASK_FIXED = {
    "app": """\
        import sqlite3
        from flask import Flask, g, request

        app = Flask(__name__)


        def connect():
            g.db = sqlite3.connect("data/notes.db")
            g.db.execute("CREATE TABLE IF NOT EXISTS said (name TEXT, text TEXT)")


        @app.post("/bots/<name>/say")
        async def say(name):
            connect()
            g.db.execute("INSERT INTO said VALUES (?, ?)", (name, request.json["text"]))
            g.db.commit()
            rows = g.db.execute("SELECT text FROM said WHERE name = ?", (name,)).fetchall()
            g.db.close()
            return {"said": [text for text, in rows]}
    """
}
COOKIE = {
    "app": """\
        import secrets
        from flask import Flask, request, session

        app = Flask(__name__)
        app.secret_key = secrets.token_hex(16)


        @app.post("/say")
        def say():
            session["said"] = [*session.get("said", []), request.json["text"]]
            return {"said": session["said"]}
    """
}
COOKIE_FIXED = {"app": COOKIE["app"].replace("secrets.token_hex(16)", "'one for all'")}
DJANGO = {
    "app": """\
        import json
        from django.conf import settings
        from django.core.cache import cache
        from django.core.wsgi import get_wsgi_application
        from django.http import JsonResponse
        from django.urls import include, re_path

        settings.configure(
            SECRET_KEY="x", ALLOWED_HOSTS=["shop.example.com"], ROOT_URLCONF=__name__,
            MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"], CACHES=CACHES,
        )
        application = get_wsgi_application()


        def say(request, room):
            said = cache.get(f"room {room}", [])
            said.append(json.loads(request.body)["text"])
            cache.set(f"room {room}", said)
            return JsonResponse({"said": said})


        urlpatterns = [re_path("^api/", include([re_path(r"^rooms/(?P<room>[^/]+)/?$", say)]))]
    """
}
MEMORY = '{"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}'
FILES = '{"default": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": "data"}}'
DJANGO_FIXED = {"app": DJANGO["app"].replace("CACHES=CACHES", f"CACHES={FILES}")}
DJANGO = {"app": DJANGO["app"].replace("CACHES=CACHES", f"CACHES={MEMORY}")}
QUART = {
    "app": """\
        from quart import Quart, websocket

        app = Quart(__name__)


        @app.before_serving
        async def start():
            app.said = {}


        @app.websocket("/rooms/<room>")
        async def talk(room):
            await websocket.send("welcome")
            while True:
                said = app.said.setdefault(room, [])
                said.append(await websocket.receive())
                for text in said:
                    await websocket.send(text)


        app.run()
    """
}
SANIC = {
    "app": """\
        from sanic import Sanic, json

        app = Sanic("rooms")


        @app.before_server_start
        async def start(app):
            app.ctx.said = {}


        @app.post("/rooms/<room:str>")
        async def say(request, room):
            said = app.ctx.said.setdefault(room, [])
            said.append(request.json["text"])
            return json({"said": said})
    """
}
SOCKET = {
    "app": """\
        from fastapi import APIRouter, Depends, FastAPI, WebSocket

        router = APIRouter(prefix="/v1")


        class Rooms:
            def __init__(self):
                self.said = {}

            def add(self, room, text):
                self.said.setdefault(room, []).append(text)
                return self.said[room]


        rooms = Rooms()


        def get_rooms():
            return rooms


        @router.websocket("/talk")
        async def talk(connection: WebSocket, rooms: Rooms = Depends(get_rooms)):
            await connection.accept()
            async for message in connection.iter_json():
                for text in rooms.add(message["room"], message["text"]):
                    await connection.send_text(text)


        app = FastAPI()
        app.include_router(router)
    """
}
PAGE = {
    "app": """\
        import secrets
        from flask import Flask, abort, request, session

        app = Flask(__name__)
        app.secret_key = "x"
        said = {}


        @app.get("/")
        def page():
            session["guest"], session["token"] = secrets.token_hex(8), secrets.token_hex(8)
            return f"<form method=post action=/say><input name='csrf_token' value='{session['token']}'></form>"


        @app.post("/say")
        def say():
            if request.headers.get("X-CSRFToken") != session["token"]:
                abort(403)
            said.setdefault(session["guest"], []).append(request.form["text"])
            return {"said": said[session["guest"]]}
    """
}
WSGI = {
    "app": """\
        import json

        said = {}


        def application(environ, start_response):
            sent = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
            mine = said.setdefault(sent["user"], [])
            mine.append(sent["text"])
            start_response("200 OK", [("Content-Type", "application/json")])
            return [json.dumps(mine).encode()]
    """
}


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path)


def run(user: User, files: dict[str, str], template: Plan | None = None) -> Ran:
    user.write(**files)
    volume = user.project / "data"
    volume.mkdir()
    options = Options(seed=1, only=QUICK, volumes=(volume,), template=template)
    return diagnosed(user, "app.py", "namespace", options)


def found(ran: Ran) -> dict[str, tuple[str | None, str]]:
    return {cause.code: (cause.kind, f"{cause.anchor.path}:{cause.anchor.line}") for cause in ran.diagnosis.causes}


@pytest.mark.parametrize(
    ("files", "kind", "line"),
    [
        (FLASK, None, "bots.py:9"),
        pytest.param(COOKIE, "own-secret", "app.py:5", marks=pytest.mark.acceptance),
        (DJANGO, None, "app.py:18"),
        pytest.param(QUART, None, "app.py:8", marks=pytest.mark.acceptance),
        pytest.param(SANIC, None, "app.py:8", marks=pytest.mark.acceptance),
        (SOCKET, None, "app.py:8"),
        pytest.param(PAGE, None, "app.py:6", marks=pytest.mark.acceptance),
    ],
    ids=["flask", "flask cookie", "django", "quart socket", "sanic", "fastapi socket", "flask page"],
)
def test_what_one_process_keeps_is_lost_by_others(
    files: dict[str, str], kind: str | None, line: str, user: User
) -> None:
    ran = run(user, files)

    assert ran.outcomes()["same-process"] == "kept"
    assert ran.outcomes()["other-session"] == "isolated"
    assert found(ran) == {"SC102": (kind, line), "SC103": (kind, line)}
    assert user.left() == []


@pytest.mark.parametrize(
    "files",
    [
        FLASK_FIXED,
        pytest.param(COOKIE_FIXED, marks=pytest.mark.acceptance),
        pytest.param(DJANGO_FIXED, marks=pytest.mark.acceptance),
    ],
    ids=["flask", "flask cookie", "django"],
)
def test_what_all_processes_share_is_kept(files: dict[str, str], user: User) -> None:
    ran = run(user, files)

    assert list(ran.outcomes().values())[:4] == ["kept"] * 4
    assert ran.diagnosis.causes == ()


def test_a_plain_wsgi_app_is_driven_by_a_template(user: User) -> None:
    body: dict[str, Json] = {"user": "{session}", "text": "{message}"}
    ran = run(user, WSGI, Plan(body=body, message_field="body text", session_field="body user"))

    assert found(ran) == {"SC102": (None, "app.py:3"), "SC103": (None, "app.py:3")}


PAUSED = {
    "flow": """\
        from llama_index.core.workflow import (
            Context, HumanResponseEvent, InputRequiredEvent, StartEvent, StopEvent, Workflow, step
        )


        class Review(Workflow):
            @step
            async def ask(self, ctx: Context, ev: StartEvent) -> InputRequiredEvent:
                await ctx.store.set("subject", ev.subject)
                return InputRequiredEvent(prefix="good enough?")

            @step
            async def write(self, ctx: Context, ev: HumanResponseEvent) -> StopEvent:
                return StopEvent(result=f"a report on {await ctx.store.get('subject')}")
    """,
    "app": """\
        from fastapi import FastAPI, WebSocket
        from flow import HumanResponseEvent, InputRequiredEvent, Review

        app = FastAPI()


        @app.websocket("/review")
        async def review(socket: WebSocket):
            await socket.accept()
            handler = Review(timeout=None).run(subject=(await socket.receive_json())["question"])
            async for event in handler.stream_events():
                if isinstance(event, InputRequiredEvent):
                    await socket.send_json({"ask": event.prefix})
                    answer = await socket.receive_json()
                    handler.ctx.send_event(HumanResponseEvent(response=answer["response"]))
            await socket.send_json({"report": str(await handler)})
            await socket.close()
    """,
}


@pytest.mark.acceptance
def test_a_run_that_waits_for_a_person_and_lives_as_long_as_a_connection(user: User) -> None:
    ran = run(user, PAUSED)

    assert found(ran) == {"SC104": ("paused-run", "app.py:10")}
