"""Apps that no module has before they are started: what starts them is found in their source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from statecheck.errors import StatecheckError
from statecheck.target.resolve import resolve

if TYPE_CHECKING:
    from pathlib import Path

    from statecheck.target.resolve import Target

LLAMA = "from llama_index.core.memory import Memory\n"
SERVED = f"{LLAMA}import uvicorn\nfrom fastapi import FastAPI\n"
GUARD = "if __name__ == '__main__':\n    "
IN_MAIN = "def main():\n    app = FastAPI()\n    uvicorn.run(app)\n"
IN_CLASS = """\
class Desk:
    def __init__(self, name):
        self.app = FastAPI(title=name)
        self.app.add_api_route('/chat', self.chat)
    def chat(self): ...
    def run(self, port=80):
        uvicorn.run(self.app, port=port)
"""
IN_BASE = """\
class Served:
    def __init__(self):
        self.app: FastAPI = FastAPI()
class Desk(Served):
    def run(self):
        uvicorn.run(self.app)
"""
IN_ASYNC_MAIN = """\
async def main():
    app = FastAPI()
    server = uvicorn.Server(uvicorn.Config(app))
    await server.serve()
"""
WORKFLOWS = """\
import asyncio
from llama_agents.server import WorkflowServer
from workflows import Workflow
class Order(Workflow): ...
async def main():
    server = WorkflowServer()
    server.add_workflow('order', Order())
    await server.serve('0.0.0.0', 80)
"""
HYPERCORN = f"""\
{LLAMA}import asyncio
from hypercorn.asyncio import serve
from hypercorn.config import Config
from quart import Quart
def build(settings):
    return Quart(settings)
def main():
    asyncio.run(serve(build('desk'), Config()))
"""
COMMANDS = """\
import click
@click.group()
def cli(): ...
@cli.command()
def ingest(): ...
@cli.command('up')
@click.option('--port', default=80)
def start(port):
    uvicorn.run(FastAPI(), port=port)
"""
TYPER = "import typer\napp = typer.Typer()\n@app.command()\ndef main(port: int):\n    uvicorn.run(FastAPI())\n"
PARSED = """\
import argparse
def up(args):
    uvicorn.run(FastAPI())
def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers()
    commands.add_parser('ingest')
    commands.add_parser('serve').set_defaults(func=up)
    args = parser.parse_args()
    args.func(args)
"""
PAGE = f"""\
{LLAMA}import gradio as gr
def answer(message, history): ...
def build():
    return gr.ChatInterface(answer)
"""
BOT = f"""\
{LLAMA}import asyncio
from aiogram import Bot, Dispatcher
async def main():
    bot, talks = Bot('0:x'), Dispatcher()
    await talks.start_polling(bot)
"""
AIOHTTP = f"""\
{LLAMA}import asyncio
from aiohttp import web
async def build():
    app = web.Application()
    app.router.add_post('/say', say)
    return app
async def main():
    runner = web.AppRunner(await build())
    await runner.setup()
    site = web.TCPSite(runner, 'localhost', 80)
    await site.start()
    await asyncio.Event().wait()
"""
TORNADO = f"""\
{LLAMA}import asyncio
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.web import Application, RequestHandler
class Desk(Application):
    def __init__(self):
        super().__init__([('/say', RequestHandler)])
async def main():
    Desk().listen(80)
    await asyncio.Event().wait()
def serve():
    HTTPServer(Desk()).listen(80)
    IOLoop.current().start()
"""


def found(root: Path, files: dict[str, str], spec: str | None = "app.py") -> Target:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return resolve(spec, root)


@pytest.mark.parametrize(
    ("source", "name", "framework", "arguments"),
    [
        (SERVED + IN_MAIN + GUARD + "main()", "__main__", "fastapi", ()),
        (SERVED + IN_MAIN, "main()", "fastapi", ()),
        (SERVED + IN_CLASS + GUARD + "Desk('x').run()", "__main__", "fastapi", ()),
        (SERVED + IN_CLASS + "desk = Desk('x')\n" + GUARD + "desk.run()", "__main__", "fastapi", ()),
        (SERVED + IN_BASE + GUARD + "Desk().run()", "__main__", "fastapi", ()),
        (SERVED + GUARD + "app = FastAPI()\n    uvicorn.run(app)", "__main__", "fastapi", ()),
        (SERVED + "import asyncio\n" + IN_ASYNC_MAIN + GUARD + "asyncio.run(main())", "__main__", "fastapi", ()),
        (WORKFLOWS + GUARD + "asyncio.run(main())", "__main__", "workflow-server", ()),
        (WORKFLOWS, "main()", "workflow-server", ()),
        (HYPERCORN + GUARD + "main()", "__main__", "quart", ()),
        (SERVED + COMMANDS + GUARD + "cli()", "__main__", "fastapi", ("up",)),
        (SERVED + TYPER + GUARD + "app()", "__main__", "fastapi", ()),
        (SERVED + PARSED + GUARD + "main()", "__main__", "fastapi", ("serve",)),
        (SERVED + "import fire\n" + IN_MAIN + GUARD + "fire.Fire(main)", "__main__", "fastapi", ()),
        (SERVED + "import fire\n" + IN_CLASS + GUARD + "fire.Fire(Desk)", "__main__", "fastapi", ("run",)),
        (SERVED + "from shop import build\n" + GUARD + "uvicorn.run(build())", "__main__", "asgi", ()),
        (SERVED + "from shop import build\nuvicorn.run(build())", "__main__", "asgi", ()),
        (PAGE + GUARD + "build().queue().launch()", "__main__", "gradio", ()),
        (BOT + GUARD + "asyncio.run(main())", "__main__", "telegram", ()),
        (AIOHTTP + GUARD + "web.run_app(build(), port=80)", "__main__", "aiohttp", ()),
        (AIOHTTP + GUARD + "asyncio.run(main())", "__main__", "aiohttp", ()),
        (TORNADO + GUARD + "asyncio.run(main())", "__main__", "tornado", ()),
        (TORNADO + GUARD + "serve()", "__main__", "tornado", ()),
        (AIOHTTP + "asyncio.run(main())", "__main__", "aiohttp", ()),
        (TORNADO + "app = Desk()\napp.listen(80)\nIOLoop.current().start()", "__main__", "tornado", ()),
    ],
)
def test_what_starts_an_app(tmp_path: Path, source: str, name: str, framework: str, arguments: tuple[str, ...]) -> None:
    target = found(tmp_path, {"app.py": source})

    assert (target.object, target.framework, target.arguments) == (name, framework, arguments)
    assert resolve(None, tmp_path) == target
    assert resolve(f"app.py:{name}", tmp_path) == target


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (SERVED + "app = FastAPI()\n" + GUARD + "uvicorn.run(app)", "app"),
        (SERVED + "def create_app():\n    return FastAPI()\n" + GUARD + "uvicorn.run(create_app())", "create_app()"),
        (SERVED + "app = FastAPI()\nuvicorn.run(app)", "app"),
        (PAGE + "demo = build()\n" + GUARD + "demo.launch()", "demo"),
        (f"{LLAMA}import uvicorn\nasync def reply(session_id, text): ...\ndef main(): ...\n", "reply"),
    ],
)
def test_an_app_that_has_a_name_is_not_started(tmp_path: Path, source: str, name: str) -> None:
    target = found(tmp_path, {"app.py": source})

    assert (target.object, target.arguments) == (name, None)


def test_a_script_that_serves_another_files_app_is_no_second_app(tmp_path: Path) -> None:
    app = f"{LLAMA}from fastapi import FastAPI\napp = FastAPI()\n@app.post('/chat')\ndef chat(): ...\n"
    script = f"import uvicorn\n{GUARD}from shop.web import app\n    uvicorn.run(app)\n"

    assert found(tmp_path, {"shop/web.py": app, "run.py": script}, None).object == "app"


def test_a_package_that_is_run_starts_what_another_file_serves(tmp_path: Path) -> None:
    main = f"from .serving import main\n{GUARD}main()\n"
    target = found(
        tmp_path, {"desk/__init__.py": "", "desk/__main__.py": main, "desk/serving.py": SERVED + IN_MAIN}, "."
    )

    assert (target.module, target.object) == ("desk.__main__", "__main__")


def test_a_starter_answers_no_turn(tmp_path: Path) -> None:
    source = f"{LLAMA}from shop import serve\ndef look(x): ...\ndef main():\n    serve()\n"
    with pytest.raises(StatecheckError) as refused:
        found(tmp_path, {"app.py": source})

    assert "main" not in refused.value.hint


VIEWER = f"{LLAMA}from llama_agents.server import WorkflowServer\nserver = WorkflowServer()\n"
DESK = f"{LLAMA}from fastapi import FastAPI\napp = FastAPI()\n@app.post('/chat')\ndef chat(): ...\n"
UVICORN = f"import uvicorn\n{GUARD}uvicorn.run('desk.web:app')\n"
COMPOSE = "services:\n  desk:\n    build: .\n    command: {}\n"


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("Dockerfile", 'FROM python\nCMD ["uvicorn", "desk.web:app", "--port", "80"]\n', 2),
        ("Dockerfile", "FROM python\nWORKDIR /app\nCMD python /app/run.py --port $PORT\n", 3),
        ("Dockerfile", 'FROM python\nENTRYPOINT ["sh", "-c", "exec gunicorn desk.web:app -w 4"]\n', 2),
        ("Procfile", "release: echo\nweb: python -m uvicorn desk.web:app\n", 2),
        ("compose.yaml", COMPOSE.format("fastapi run desk/web.py"), 4),
        ("compose.yaml", COMPOSE.format('["flask", "--app", "desk.web", "run"]'), 4),
        ("start.sh", "set -e\nuvicorn desk.web:app\n", 2),
        ("pyproject.toml", "[project.scripts]\ndesk = 'run:main'\nmore = 'desk.web:app'\n", 3),
        ("pyproject.toml", "[tool.poetry.scripts]\ndesk = 'desk.web:app'\n", 2),
    ],
)
def test_of_several_apps_the_one_that_is_deployed(tmp_path: Path, name: str, text: str, line: int) -> None:
    files = {"desk/web.py": DESK, "viewer/flows.py": VIEWER, "run.py": UVICORN, name: text}
    target = found(tmp_path, files, ".")

    assert (target.path.name, target.object) == ("web.py", "app")
    assert target.why == f"{name}:{line} starts `desk/web.py:app`"


def test_what_starts_an_app_is_given_the_command_line_of_its_deployment(tmp_path: Path) -> None:
    files = {
        "app.py": SERVED + COMMANDS + GUARD + "cli()",
        "Dockerfile": "FROM python\nCMD python app.py up --port ${PORT:-9000} && echo\n",
    }

    assert found(tmp_path, files, ".").arguments == ("up", "--port", "9000")


def test_an_app_of_the_examples_is_not_the_one_that_is_deployed(tmp_path: Path) -> None:
    files = {"web.py": DESK, "examples/web.py": DESK, "examples/Procfile": "web: uvicorn examples.web:app\n"}
    target = found(tmp_path, files, ".")

    assert (target.module, target.why) == ("web", "")
