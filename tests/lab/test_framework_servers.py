"""Apps of frameworks that have servers of their own: a loss is named at their own line, fixed twins keep all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from labs import Ran, User, diagnosed_in_turn

from statecheck.options.config import Options

if TYPE_CHECKING:
    from pathlib import Path

QUICK = ("same-process", "other-worker", "new-process", "new-container", "other-session")

AIOHTTP = """\
    from aiohttp import web

    routes = web.RouteTableDef()
    SAID = web.AppKey("said", dict)


    @routes.post("/rooms/{room:[^/]+}/say")
    async def say(request):
        said = request.app[SAID].setdefault(request.match_info["room"], [])
        said.append((await request.json())["text"])
        return web.json_response({"said": said})


    async def build():
        app = web.Application()
        app[SAID] = {}
        app.add_routes(routes)
        return app


    if __name__ == "__main__":
        web.run_app(build(), port=8080)
"""
AIOHTTP_FIXED = """\
    import asyncio
    import aiosqlite
    from aiohttp import web


    class Room(web.View):
        async def post(self):
            db, room = self.request.app["db"], self.request.match_info["room"]
            text = (await self.request.json())["text"]
            await db.execute("INSERT INTO said VALUES (?, ?)", (room, text))
            await db.commit()
            rows = await db.execute_fetchall("SELECT text FROM said WHERE room = ?", (room,))
            return web.json_response({"said": [text for text, in rows]})


    async def connect(app):
        app["db"] = await aiosqlite.connect("data/said.db")
        await app["db"].execute("CREATE TABLE IF NOT EXISTS said (room TEXT, text TEXT)")
        yield
        await app["db"].close()


    async def main():
        app = web.Application()
        app.cleanup_ctx.append(connect)
        app.router.add_view("/rooms/{room}/say", Room)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 8080).start()
        await asyncio.Event().wait()


    if __name__ == "__main__":
        asyncio.run(main())
"""
AIOHTTP_SOCKET = """\
    from aiohttp import WSMsgType, web

    said = {}


    async def talk(request):
        connection = web.WebSocketResponse()
        await connection.prepare(request)
        async for message in connection:
            if message.type == WSMsgType.TEXT:
                mine = said.setdefault(request.match_info["room"], [])
                mine.append(message.data)
                await connection.send_str(" ".join(mine))
        return connection


    app = web.Application()
    app.add_routes([web.get("/rooms/{room}", talk)])
"""
TORNADO = """\
    import json
    from tornado.ioloop import IOLoop
    from tornado.web import Application, RequestHandler

    said = {}


    class Desk(RequestHandler):
        def prepare(self):
            self.sent = json.loads(self.request.body)


    class Room(Desk):
        def post(self, room):
            mine = said.setdefault(room, [])
            mine.append(self.sent["text"])
            self.write({"said": mine})


    def make_app():
        return Application([(r"/rooms/([^/]+)/say", Room)])


    if __name__ == "__main__":
        make_app().listen(8888)
        IOLoop.current().start()
"""
TORNADO_FIXED = """\
    import asyncio
    import aiosqlite
    from tornado.web import Application, RequestHandler


    class Room(RequestHandler):
        def initialize(self, db):
            self.db = db

        async def post(self, room):
            await self.db.execute("INSERT INTO said VALUES (?, ?)", (room, self.get_body_argument("text")))
            await self.db.commit()
            rows = await self.db.execute_fetchall("SELECT text FROM said WHERE room = ?", (room,))
            self.write({"said": [text for text, in rows]})


    async def main():
        db = await aiosqlite.connect("data/said.db")
        await db.execute("CREATE TABLE IF NOT EXISTS said (room TEXT, text TEXT)")
        Application([(r"/rooms/([^/]+)/say", Room, {"db": db})]).listen(8888)
        await asyncio.Event().wait()


    if __name__ == "__main__":
        asyncio.run(main())
"""
TORNADO_SOCKET = """\
    from tornado.httpserver import HTTPServer
    from tornado.ioloop import IOLoop
    from tornado.web import Application
    from tornado.websocket import WebSocketHandler

    said = {}


    class Talk(WebSocketHandler):
        def open(self, room):
            self.said = said.setdefault(room, [])

        def on_message(self, message):
            self.said.append(message)
            self.write_message(" ".join(self.said))


    def main():
        server = HTTPServer(Application([("/rooms/(?P<room>[^/]+)", Talk)]))
        server.listen(8888)
        IOLoop.current().start()


    if __name__ == "__main__":
        main()
"""
GRAPHQL = """\
    import strawberry
    from fastapi import FastAPI
    from strawberry.fastapi import GraphQLRouter

    rooms = {}


    @strawberry.input
    class Remark:
        room: str
        text: str


    @strawberry.type
    class Query:
        @strawberry.field
        def health(self) -> str:
            return "ok"


    @strawberry.type
    class Mutation:
        @strawberry.mutation
        def send_remark(self, remark: Remark) -> list[str]:
            said = rooms.setdefault(remark.room, [])
            said.append(remark.text)
            return said

        @strawberry.mutation
        def clear(self, room: str) -> bool:
            return rooms.pop(room, None) is not None


    app = FastAPI()
    app.include_router(GraphQLRouter(strawberry.Schema(Query, Mutation)), prefix="/graphql")
"""
GRAPHQL_FIXED = """\
    import sqlite3

    import strawberry
    from flask import Flask
    from strawberry.flask.views import GraphQLView


    @strawberry.type
    class Query:
        @strawberry.field
        def say(self, room: strawberry.ID, text: str, loud: bool = False) -> list[str]:
            db = sqlite3.connect("data/said.db")
            db.execute("CREATE TABLE IF NOT EXISTS said (room TEXT, text TEXT)")
            db.execute("INSERT INTO said VALUES (?, ?)", (room, text))
            db.commit()
            rows = db.execute("SELECT text FROM said WHERE room = ?", (room,)).fetchall()
            db.close()
            return [text for text, in rows]


    app = Flask(__name__)
    app.add_url_rule("/api/graphql", view_func=GraphQLView.as_view("graphql", schema=strawberry.Schema(Query)))
"""
NINJA = """\
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.urls import path

    settings.configure(SECRET_KEY="x", ROOT_URLCONF=__name__, INSTALLED_APPS=["ninja"])

    from ninja import NinjaAPI, Router, Schema

    application = get_wsgi_application()
    rooms = {}
    router = Router()


    class Remark(Schema):
        text: str


    @router.post("/{room}/say")
    def say(request, room: str, remark: Remark):
        said = rooms.setdefault(room, [])
        said.append(remark.text)
        return {"said": said}


    api = NinjaAPI()
    api.add_router("/rooms", router)
    urlpatterns = [path("api/", api.urls)]
"""
SOCKETIO = """\
    from flask import Flask
    from flask_socketio import SocketIO, emit

    app = Flask(__name__)
    socketio = SocketIO(app)
    rooms = {}


    @socketio.on("join")
    def join(data):
        emit("joined", data["room"])


    @socketio.on("say")
    def say(data):
        said = rooms.setdefault(data["room"], [])
        said.append(data["text"])
        emit("said", said)


    if __name__ == "__main__":
        socketio.run(app)
"""
SOCKETIO_FIXED = """\
    import sqlite3

    from flask import Flask
    from flask_socketio import Namespace, SocketIO


    class Desk(Namespace):
        def on_say(self, room, text):
            db = sqlite3.connect("data/said.db")
            db.execute("CREATE TABLE IF NOT EXISTS said (room TEXT, text TEXT)")
            db.execute("INSERT INTO said VALUES (?, ?)", (room, text))
            db.commit()
            rows = db.execute("SELECT text FROM said WHERE room = ?", (room,)).fetchall()
            db.close()
            return [text for text, in rows]


    def main():
        app = Flask(__name__)
        socketio = SocketIO()
        socketio.init_app(app)
        socketio.on_namespace(Desk("/desk"))
        socketio.run(app, port=8000)


    if __name__ == "__main__":
        main()
"""
SOCKETIO_BY_CONNECTION = """\
    from flask import Flask, request
    from flask_socketio import SocketIO, send

    app = Flask(__name__)
    socketio = SocketIO(app)
    said = {}


    @socketio.on("message")
    def hear(text):
        mine = said.setdefault(request.sid, [])
        mine.append(text)
        send(" ".join(mine))
"""


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path)


def run(user: User, source: str) -> Ran:
    user.write(app=source)
    volume = user.project / "data"
    volume.mkdir()
    return diagnosed_in_turn(user, "app.py", Options(seed=1, only=QUICK, volumes=(volume,)))


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (AIOHTTP, "app.py:16"),
        pytest.param(AIOHTTP_SOCKET, "app.py:3", marks=pytest.mark.acceptance),
        (TORNADO, "app.py:5"),
        (GRAPHQL, "app.py:5"),
        (SOCKETIO, "app.py:6"),
        pytest.param(NINJA, "app.py:10", marks=pytest.mark.acceptance),
        pytest.param(TORNADO_SOCKET, "app.py:6", marks=pytest.mark.acceptance),
    ],
    ids=["aiohttp", "aiohttp socket", "tornado", "graphql", "socketio", "ninja", "tornado socket"],
)
def test_what_one_process_keeps_is_lost_by_others(source: str, line: str, user: User) -> None:
    ran = run(user, source)

    assert ran.outcomes()["same-process"] == "kept"
    assert ran.outcomes()["other-session"] == "isolated"
    found = {cause.code: f"{cause.anchor.path}:{cause.anchor.line}" for cause in ran.diagnosis.causes}
    assert found == {"SC102": line, "SC103": line}


@pytest.mark.acceptance
@pytest.mark.parametrize(
    "source",
    [AIOHTTP_FIXED, TORNADO_FIXED, GRAPHQL_FIXED, SOCKETIO_FIXED],
    ids=["aiohttp", "tornado", "graphql", "socketio"],
)
def test_what_all_processes_share_is_kept(source: str, user: User) -> None:
    ran = run(user, source)

    assert list(ran.outcomes().values())[:4] == ["kept"] * 4
    assert ran.diagnosis.causes == ()


@pytest.mark.acceptance
def test_what_is_kept_by_the_id_of_a_connection_is_kept_for_that_one_alone(user: User) -> None:
    user.write(app=SOCKETIO_BY_CONNECTION)

    ran = diagnosed_in_turn(user, "app.py", Options(seed=1))

    assert (ran.outcomes()["same-process"], ran.outcomes()["same-connection"]) == ("lost", "kept")
    assert [(cause.code, cause.kind) for cause in ran.diagnosis.causes] == [("SC101", "per-connection")]
