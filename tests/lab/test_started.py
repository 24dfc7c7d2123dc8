"""Apps that are built where they are started: each is served where its own server would have served it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from labs import User, diagnosed

from statecheck.options.config import Options

if TYPE_CHECKING:
    from pathlib import Path

ONE = Options(seed=1, only=("same-process",))
ON_ITS_LOOP = """\
    import asyncio
    import uvicorn
    from fastapi import FastAPI


    async def main():
        app, said, loop = FastAPI(), {}, asyncio.get_running_loop()

        @app.post("/chat")
        async def chat(payload: dict):
            assert asyncio.get_running_loop() is loop
            said.setdefault(payload["session_id"], []).append(payload["message"])
            return {"reply": " ".join(said[payload["session_id"]])}

        await asyncio.gather(uvicorn.Server(uvicorn.Config(app)).serve(), asyncio.Event().wait())


    if __name__ == "__main__":
        asyncio.run(main())
"""
WITH_WHAT_IS_OPEN = """\
    import argparse
    import contextlib
    from flask import Flask, request


    class Desk:
        def __init__(self):
            self.web, self.said = Flask(__name__), None
            self.web.add_url_rule("/chat", view_func=self.chat, methods=["POST"])

        def chat(self):
            self.said.setdefault(request.json["session_id"], []).append(request.json["message"])
            return {"reply": " ".join(self.said[request.json["session_id"]])}

        @contextlib.contextmanager
        def opened(self):
            self.said = {}
            yield
            self.said = None

        def run(self, port):
            with self.opened():
                self.web.run(port=port)
            raise RuntimeError("the server has ended")


    if __name__ == "__main__":
        parser = argparse.ArgumentParser()
        commands = parser.add_subparsers(dest="command", required=True)
        commands.add_parser("ingest")
        commands.add_parser("serve").add_argument("--port", type=int, default=80)
        Desk().run(parser.parse_args().port)
"""
UNGUARDED = """\
    import asyncio
    from aiohttp import web

    app, said = web.Application(), []


    async def chat(request):
        said.append((await request.json())["message"])
        return web.json_response({"reply": said})


    async def main():
        app.router.add_post("/chat", chat)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner).start()
        await asyncio.Event().wait()


    asyncio.run(main())
"""


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path)


@pytest.mark.parametrize("app", [ON_ITS_LOOP, WITH_WHAT_IS_OPEN, UNGUARDED])
def test_an_app_is_served_where_its_own_server_would_have(app: str, user: User) -> None:
    user.write(desk=app)

    assert diagnosed(user, "desk.py", "namespace", ONE).outcomes()["same-process"] == "kept"
    assert user.left() == []


def test_a_script_that_serves_nothing_says_so(user: User) -> None:
    user.write(desk='import sys\nimport uvicorn\n\n\ndef main():\n    sys.exit(2)\n    uvicorn.run("")\n')
    (error,) = diagnosed(user, "desk.py:main", "namespace", ONE).diagnosis.errors

    assert (error.slug, "exit 2" in error.text, "Procfile" in error.hint) == ("served-nothing", True, True)
