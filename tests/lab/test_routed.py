"""Apps of frameworks that are not in the lock, where they are installed: Bottle, Falcon and Litestar."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from labs import User, diagnosed_in_turn

from statecheck.options.config import Options

if TYPE_CHECKING:
    from pathlib import Path

BOTTLE = """\
    from bottle import Bottle, request

    app = Bottle()
    said = {}


    @app.post("/rooms/<room>/say")
    def say(room):
        said.setdefault(room, []).append(request.json["text"])
        return {"said": said[room]}
"""
FALCON = """\
    import falcon

    said = {}


    class Say:
        def on_post(self, req, resp, room):
            said.setdefault(room, []).append(req.get_media()["text"])
            resp.media = {"said": said[room]}


    app = falcon.App()
    app.add_route("/rooms/{room}/say", Say())
"""
LITESTAR = """\
    from litestar import Litestar, post

    said = {}


    @post("/rooms/{room:str}/say")
    async def say(room: str, data: dict[str, str]) -> dict[str, list[str]]:
        said.setdefault(room, []).append(data["text"])
        return {"said": said[room]}


    app = Litestar([say])
"""
ASGI = FALCON.replace("import falcon", "import falcon.asgi").replace("falcon.App", "falcon.asgi.App")
ASGI = ASGI.replace("def on_post", "async def on_post").replace(
    'req.get_media()["text"]', '(await req.get_media())["text"]'
)


@pytest.mark.parametrize(
    ("package", "source", "line"),
    [("bottle", BOTTLE, 4), ("falcon", FALCON, 3), ("falcon", ASGI, 3), ("litestar", LITESTAR, 3)],
)
def test_a_module_s_dict_is_found_behind_their_routes(package: str, source: str, line: int, tmp_path: Path) -> None:
    pytest.importorskip(package, reason=f"{package} is not in the lock")
    user = User(tmp_path)
    user.write(app=source)

    ran = diagnosed_in_turn(user, "app.py", Options(only=("same-process", "other-worker")))

    assert ran.diagnosis.target.framework == package
    assert [(cause.code, cause.anchor.line) for cause in ran.diagnosis.causes] == [("SC102", line)]
