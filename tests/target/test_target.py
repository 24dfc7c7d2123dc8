from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from statecheck.errors import ExitCode, StatecheckError
from statecheck.target.resolve import Target, resolve

FA = "from fastapi import FastAPI\n"
WF = "from workflows import Workflow\nclass F(Workflow): ...\n"
FASTAPI = "from fastapi import FastAPI\napp = FastAPI()\n@app.post('/chat')\ndef chat(): ...\n"
LLAMA = "from llama_index.core.memory import Memory\n"


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def found(root: Path, files: dict[str, str], spec: str | None = "app.py") -> Target:
    return resolve(spec, tree(root, files))


def refused(root: Path, spec: str | None = "app.py") -> StatecheckError:
    with pytest.raises(StatecheckError) as caught:
        resolve(spec, root)
    for line in (caught.value.text, caught.value.hint):
        assert line
        assert "\n" not in line
    return caught.value


def test_classes_beside_a_workflow_are_not_taken_for_one(tmp_path: Path) -> None:
    plain = "".join(f"class Plain{number}: ...\n" for number in range(100))

    assert found(tmp_path, {"app.py": WF + plain}).object == "F()"


def test_a_file_in_the_working_directory(tmp_path: Path) -> None:
    assert found(tmp_path, {"app.py": FASTAPI}) == Target(
        tmp_path / "app.py", "app", tmp_path, tmp_path, "app", "fastapi"
    )


@pytest.mark.parametrize(
    ("source", "name", "framework"),
    [
        ("import fastapi\nweb = fastapi.FastAPI()", "web", "fastapi"),
        ("from fastapi import FastAPI as F\nweb: F = F()", "web", "fastapi"),
        ("from flask import Flask\nif True:\n    app = Flask(__name__)", "app", "flask"),
        ("try:\n    from quart import Quart\nfinally:\n    app = Quart(__name__)", "app", "quart"),
        ("from starlette.applications import Starlette\napp = Starlette(routes=[])", "app", "starlette"),
        ("from sanic import Sanic\napp = Sanic('x')", "app", "sanic"),
        ("import fastapi_jsonrpc as j\nrpc = j.API()", "rpc", "fastapi-jsonrpc"),
        ("from aiohttp import web\napp = web.Application()", "app", "aiohttp"),
        ("import aiohttp\nfrom fastapi import FastAPI\napp = FastAPI()", "app", "fastapi"),
        ("import tornado.web\ndef make_app():\n    return tornado.web.Application([])", "make_app()", "tornado"),
        ("from django.core.wsgi import *\napplication = get_wsgi_application()", "application", "django"),
        ("from llama_agents.server import WorkflowServer\nserver = WorkflowServer()", "server.app", "workflow-server"),
        ("from workflows.server import WorkflowServer\ns = WorkflowServer()\napp = s.app", "app", "workflow-server"),
        (FA + "def make():\n    a = FastAPI()\n    return a\napp = make()", "app", "fastapi"),
        (FA + "def create_app():\n    return FastAPI()", "create_app()", "fastapi"),
        (FA + "def create_app(x=1) -> FastAPI:\n    return magic()", "create_app()", "fastapi"),
        ("from x import C, FastAPI\napi = FastAPI()\nwrapped = CORSMiddleware(api, a=1)", "wrapped", "fastapi"),
        (FA + "app = FastAPI()\napp = cors(app)", "app", "fastapi"),
        (FA + "import socketio\napi = FastAPI()\napp = socketio.ASGIApp(sio, api)", "app", "fastapi"),
        ("async def app(scope, receive, send): ...", "app", "asgi"),
        ("class A:\n    async def __call__(self, scope, receive, send): ...\napp = A()", "app", "asgi"),
        ("def application(environ, start_response): ...", "application", "wsgi"),
        (FA + "class App(FastAPI): ...\napp = App()", "app", "fastapi"),
        (FA + "class S:\n    def __init__(self):\n        self.app = FastAPI()\napp = S().app", "app", "fastapi"),
        (FA + "application = app = FastAPI()", "app", "fastapi"),
        (FA + "a = FastAPI()\nb = FastAPI()\na.mount('/b', b)", "a", "fastapi"),
        (FA + "a = FastAPI()\nb = FastAPI()\n@b.get('/')\ndef x(): ...", "b", "fastapi"),
        (FA + "other = FastAPI()\napp = FastAPI()", "app", "fastapi"),
        (FA + WF + "f = F()\nweb = FastAPI()", "web", "fastapi"),
        (WF + "flow = F(timeout=1)", "flow", "workflow"),
        ("from llama_index.core.agent import *\na = FunctionAgent()\nb = AgentWorkflow(agents=[a])", "b", "workflow"),
        ("from llama_index.core.agent import AgentWorkflow\na = AgentWorkflow.from_agents([])", "a", "workflow"),
        ("import gradio as gr\ndemo = gr.ChatInterface(fn=print)", "demo", "gradio"),
        ("import streamlit as st\nst.write(1)", None, "streamlit"),
        ("import chainlit as cl\n@cl.on_message\nasync def main(m): ...", None, "chainlit"),
        ("from vendor import build\napp = build()", "app", ""),
        (f"{LLAMA}def reply(session_id, text): ...", "reply", "callable"),
        (f"{LLAMA}async def chat(message, user='x'): ...\ndef load(user, message): ...", "chat", "callable"),
        (f"{LLAMA}reply = lambda session_id, text: text", "reply", "callable"),
        (f"{LLAMA}def make():\n    def r(sid, text): ...\n    return r\nreply = make()", "reply", "callable"),
        (f"{LLAMA}class B:\n    def reply(self, session_id, text): ...\nbot = B()", "bot.reply", "callable"),
        (f"{LLAMA}class B:\n    def reply(self, session_id, text): ...", "B().reply", "callable"),
        (f"{LLAMA}class B:\n    def __call__(self, user_id, message): ...\nbot = B()", "bot", "callable"),
        (f"{LLAMA}def chat(message):\n    return E.chat(message)\ndef main(): ...", "chat", "callable"),
        (f"{LLAMA}def handle(r: dict):\n    return ask(r['q'])\ndef ask(q): return E.chat(q)", "handle", "callable"),
        (f"{LLAMA}class M(CustomLLM):\n    def chat(self, a): self.complete(a)\nwhile 1: input()", None, "console"),
        (f"{LLAMA}def main():\n    for line in sys.stdin: print(E.chat(line))", None, "console"),
        (f"{LLAMA}def inner(sid, text): ...\ndef outer(sid, text): return inner(sid, text)", "outer", "callable"),
        ("from slack_bolt import App\nslack = App()\nfrom flask import Flask\nweb = Flask('x')", "slack", "slack"),
        ("import telebot\nbot = telebot.TeleBot('t')", "bot", "telegram"),
        ("from telegram.ext import *\ndef make():\n    return Application.builder().build()", "make()", "telegram"),
        ("import telegram\ndef main():\n    a = build()\n    a.run_polling()", "main()", "telegram"),
        ("import discord\nclient = discord.Client()", "client", "discord"),
        ("def lambda_handler(event, _context): ...", "lambda_handler", "lambda"),
        (f"{LLAMA}from celery import Celery\na = Celery()\n@a.task\ndef r(user, text): ...", "r", "celery"),
        (f"{LLAMA}import dramatiq\n@dramatiq.actor\ndef r(user, text): ...", "r", "dramatiq"),
        (f"{LLAMA}import dash\napp = dash.Dash()\ndef reply(user, text): ...", None, "dash"),
        (f"{LLAMA}from shiny.express import ui\ndef reply(user, text): ...", None, "shiny"),
        (f"{LLAMA}import asyncio\nasync def main():\n    await asyncio.start_server(h, 'x', 1)", None, "streams"),
        (f"{LLAMA}import asyncio\ndef reply(user, text): ...\nasyncio.start_server(h, 'x', 1)", "reply", "callable"),
        (f"{LLAMA}import websockets as ws\nasync def main():\n    await ws.serve(h, 'x', 1)", None, "websockets"),
        (
            f"{LLAMA}import websockets\nasync def handler(websocket):\n    E.chat(await websocket.recv())\n"
            "async def main():\n    await websockets.serve(handler, 'x', 1)",
            None,
            "websockets",
        ),
        (f"{LLAMA}from http.server import *\ndef main():\n    HTTPServer(('', 1), H)", None, "http-server"),
        (f"{LLAMA}import socketserver as s\nclass S(s.ThreadingMixIn, s.TCPServer): ...", None, "socket-server"),
        (f"{LLAMA}import grpc\ndef main():\n    return grpc.server(pool)", None, "grpc"),
        (f"{LLAMA}import pika\ndef main(c):\n    c.basic_consume('q', on)", None, "queue"),
        (f"{LLAMA}import asyncio\nasync def main():\n    for x in y: input()", None, "console"),
        (f"{LLAMA}from vendor import *", None, ""),
    ],
)  # fmt: skip
def test_the_object_of_a_module(tmp_path: Path, source: str, name: str | None, framework: str) -> None:
    target = found(tmp_path, {"app.py": source})

    assert (target.object, target.framework) == (name, framework)


@pytest.mark.parametrize(
    ("attribute", "name"), [("Bot", "Bot().reply"), ("Bot.reply", "Bot.reply"), ("Bot().reply", "Bot().reply")]
)
def test_a_class_that_nobody_has_built(tmp_path: Path, attribute: str, name: str) -> None:
    source = "class Bot:\n    def reply(self, session_id, text): ...\n"

    target = found(tmp_path, {"bot.py": source}, f"bot.py:{attribute}")

    assert (target.object, target.framework) == (name, "callable")


@pytest.mark.parametrize(
    ("source", "name", "framework"),
    [
        ("def lambda_handler(event, context): return answer(event)", "lambda_handler", "lambda"),
        ("from queues import app\n@app.task\ndef reply(user, text): return answer(text)", "reply", "celery"),
        ("from slack_bolt import App\nbot = App()", "bot", "slack"),
    ],
)
def test_what_a_service_calls_wins_over_what_it_calls_itself(
    tmp_path: Path, source: str, name: str, framework: str
) -> None:
    files = {
        "brain.py": f"{LLAMA}def answer(user, text): ...",
        "queues.py": "from celery import Celery\napp = Celery()",
        "entry.py": f"from brain import answer\n{source}",
    }

    target = found(tmp_path, files, ".")

    assert (target.module, target.object, target.framework) == ("entry", name, framework)


def test_an_app_that_is_only_built_when_run_as_a_script_cannot_be_imported(tmp_path: Path) -> None:
    tree(tmp_path, {"app.py": f"{LLAMA}from fastapi import FastAPI\nif __name__ == '__main__':\n    app = FastAPI()\n"})

    assert refused(tmp_path).slug == "no-app"


def test_a_launcher_leads_to_the_app_that_it_serves(tmp_path: Path) -> None:
    target = found(
        tmp_path, {"run.py": "import uvicorn\nuvicorn.run('shop.main:web')\n", "shop/main.py": "web = make()"}, "run.py"
    )

    assert (target.module, target.object) == ("shop.main", "web")


def test_manage_py_leads_to_the_wsgi_application(tmp_path: Path) -> None:
    wsgi = "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n"
    manage = "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site1.settings')\n"
    files = {
        "manage.py": manage,
        "site1/wsgi.py": wsgi,
        "site1/asgi.py": wsgi.replace("wsgi", "asgi"),
        "site1/__init__.py": "",
    }

    assert found(tmp_path, files, "manage.py").module == "site1.wsgi"
    assert found(tmp_path, files, None).module == "site1.wsgi"


@pytest.mark.parametrize(
    ("files", "spec", "module", "root"),
    [
        ({"loans/__init__.py": "", "loans/main.py": FASTAPI}, "loans/main.py", "loans.main", "."),
        ({"a/b/__init__.py": "", "a/__init__.py": "", "a/b/main.py": FASTAPI}, "a/b/main.py", "a.b.main", "."),
        ({"loans/main.py": "from loans.x import y\n" + FASTAPI, "loans/x.py": ""}, "loans/main.py", "loans.main", "."),
        ({"loans/main.py": "from x import y\n" + FASTAPI, "loans/x.py": ""}, "loans/main.py", "main", "loans"),
        ({"loans/main.py": "from .x import y\n" + FASTAPI, "loans/x.py": ""}, "loans/main.py", "loans.main", "."),
        ({"loans/main.py": FASTAPI, "t/check.py": "from loans.main import app\n"}, "loans/main.py", "loans.main", "."),
        ({"loans/main.py": FASTAPI}, "loans/main.py", "main", "loans"),
        (
            {"web/main.py": "from web.api import x\n" + FASTAPI, "web/api/x.py": "", "web/requirements.txt": ""},
            "web/main.py",
            "web.main",
            ".",
        ),
        (
            {"app/__init__.py": "", "app/main.py": "import config\n" + FASTAPI, "app/config.py": ""},
            "app/main.py",
            "main",
            "app",
        ),
        (
            {
                "b/app/main.py": "from .api import x\n" + FASTAPI,
                "b/app/api.py": "from b.app.db import x\n",
                "b/app/db.py": "",
            },
            "b/app/main.py",
            "b.app.main",
            ".",
        ),
        (
            {
                **dict.fromkeys(("b/__init__.py", "b/app/__init__.py", "b/app/db.py"), ""),
                "b/app/main.py": "from .api import x\n" + FASTAPI,
                "b/app/api.py": "from .core import x\n",
                "b/app/core.py": "from app.db import x\nfrom .api import y\n",
            },
            "b/app/main.py",
            "app.main",
            "b",
        ),
        ({"src/shop/__init__.py": "", "src/shop/main.py": FASTAPI}, "src/shop/main.py", "shop.main", "src"),
        ({"src/__init__.py": "", "src/main.py": FASTAPI}, "src/main.py", "main", "src"),
        ({"src/main.py": "from src.db import x\n" + FASTAPI, "src/db.py": ""}, "src/main.py", "src.main", "."),
        ({"shop/__init__.py": FASTAPI}, "shop", "shop", "."),
        ({"shop/__init__.py": FASTAPI}, "shop/__init__.py", "shop", "."),
        ({"shop/main.py": FASTAPI}, "shop.main", "shop.main", "."),
        ({"shop/main.py": FASTAPI}, "shop.main:app", "shop.main", "."),
        ({"src/shop/main.py": FASTAPI}, "shop.main:app", "shop.main", "src"),
        ({"main.py": FASTAPI}, "main", "main", "."),
        ({"main.py": FASTAPI}, "./x/../main.py", "main", "."),
    ],
)
def test_the_import_root(tmp_path: Path, files: dict[str, str], spec: str, module: str, root: str) -> None:
    target = found(tmp_path, files, spec)

    assert (target.module, target.root) == (module, tmp_path / root)
    assert target.project == tmp_path


def test_a_target_elsewhere_has_its_root_as_project(tmp_path: Path) -> None:
    tree(tmp_path, {"there/shop/__init__.py": "", "there/shop/main.py": FASTAPI, "here/x.txt": ""})

    target = resolve("../there/shop/main.py", tmp_path / "here")

    assert (target.root, target.project, target.module) == (tmp_path / "there", tmp_path / "there", "shop.main")


def test_a_target_elsewhere_is_run_above_its_src(tmp_path: Path) -> None:
    tree(tmp_path, {"there/src/shop/__init__.py": "", "there/src/shop/main.py": FASTAPI})

    target = resolve(str(tmp_path / "there/src/shop/main.py"), Path("/"))

    assert (target.root, target.project) == (tmp_path / "there/src", tmp_path / "there")


APP_DIR = {
    "b/__init__.py": "",
    "b/app/__init__.py": "",
    "b/app/main.py": "from b.app.x import y\n" + FASTAPI,
    "b/app/x.py": "",
}


@pytest.mark.parametrize("spec", ["b/app/main.py", "app/main.py", "app.main:app", "app.main", "b", None])
def test_the_import_root_may_be_named(tmp_path: Path, spec: str | None) -> None:
    target = resolve(spec, tree(tmp_path, APP_DIR), Path("b"))

    assert (target.module, target.root, target.project) == ("app.main", tmp_path / "b", tmp_path)
    assert resolve("b/app/main.py", tmp_path).module == "b.app.main"


@pytest.mark.parametrize(
    ("app_dir", "text"),
    [
        ("nowhere", "there is no folder `nowhere`"),
        ("b/app", "`b/main.py` is not below `b/app`, from where it is imported"),
    ],
)
def test_an_import_root_that_cannot_be(tmp_path: Path, app_dir: str, text: str) -> None:
    with pytest.raises(StatecheckError) as caught:
        resolve("b/main.py", tree(tmp_path, {**APP_DIR, "b/main.py": FASTAPI}), Path(app_dir))

    assert (caught.value.slug, caught.value.text) == ("app-dir", text)


def test_the_working_directory_may_lie_inside_the_package(tmp_path: Path) -> None:
    tree(tmp_path, {"shop/__init__.py": "", "shop/main.py": "from .x import y\n" + FASTAPI, "shop/x.py": ""})

    target = resolve("main.py", tmp_path / "shop")

    assert (target.module, target.root, target.project) == ("shop.main", tmp_path, tmp_path / "shop")


@pytest.mark.parametrize(
    ("attribute", "name", "framework"),
    [
        ("app", "app", "fastapi"),
        ("bot.reply", "bot.reply", "callable"),
        ("make", "make()", "fastapi"),
        ("make()", "make()", "fastapi"),
        ("plain", "plain", "callable"),
        ("Flow", "Flow()", "workflow"),
        ("json", "json", ""),
        ("thing.anything", "thing.anything", ""),
    ],
)
def test_a_named_attribute(tmp_path: Path, attribute: str, name: str, framework: str) -> None:
    source = (
        "import json\nfrom fastapi import FastAPI\nfrom workflows import Workflow\n\nclass Flow(Workflow): ...\n"
        "def make():\n    return FastAPI()\napp = make()\ndef plain(x): ...\n"
        "class Bot:\n    def reply(self, sid, text): ...\nbot = Bot()\nthing = json.loads('1')\n"
    )
    target = found(tmp_path, {"app.py": source}, f"app.py:{attribute}")

    assert (target.object, target.framework) == (name, framework)


@pytest.mark.parametrize(
    ("attribute", "hint"),
    [
        ("ap", "did you mean `app`?"),
        ("bot.rply", "did you mean `bot.reply`?"),
        ("zzz", "there is `app.py:app`"),
        ("class", "write `app.py:app`"),
        ("", "write `app.py:app`"),
        ("a b", "write `app.py:app`"),
    ],
)
def test_an_unknown_attribute(tmp_path: Path, attribute: str, hint: str) -> None:
    tree(tmp_path, {"app.py": FASTAPI + "class B:\n    def reply(self): ...\nbot = B()\n"})

    error = refused(tmp_path, f"app.py:{attribute}")

    assert (error.slug, error.exit_code) == ("unknown-attribute", ExitCode.USAGE)
    assert error.hint.startswith(hint)


@pytest.mark.parametrize("line", ["from vendor import *", "globals()['made'] = 1", "def __getattr__(name): ..."])
def test_an_attribute_that_cannot_be_ruled_out_is_left_to_the_probe(tmp_path: Path, line: str) -> None:
    assert found(tmp_path, {"app.py": f"{line}\n"}, "app.py:made").object == "made"


def test_a_star_import_from_the_own_tree_can_be_read(tmp_path: Path) -> None:
    tree(tmp_path, {"app.py": "from base import *\n", "base.py": FASTAPI})

    assert resolve("app.py:app", tmp_path).framework == "fastapi"
    assert refused(tmp_path, "app.py:other").slug == "unknown-attribute"


def test_a_directory(tmp_path: Path) -> None:
    files = {
        "web/main.py": LLAMA + FASTAPI,
        "web/helper.py": LLAMA + "def reply(session_id, text): ...\n",
        "tests/app.py": FASTAPI,
        ".venv/app.py": FASTAPI,
        "env2/pyvenv.cfg": "",
        "env2/app.py": FASTAPI,
        "node_modules/app.py": FASTAPI,
        "build/app.py": FASTAPI,
        "examples/app.py": LLAMA + FASTAPI,
        "other/health.py": FASTAPI,
        "test_app.py": FASTAPI,
    }
    for spec in (None, ".", "web", str(tmp_path)):
        assert found(tmp_path, files, spec).path == tmp_path / "web/main.py"


def test_a_directory_in_which_one_app_has_two_doors(tmp_path: Path) -> None:
    files = {"shop/__init__.py": "", "shop/app.py": FASTAPI, "asgi.py": "from shop.app import app\n"}

    assert found(tmp_path, files, None).path in (tmp_path / "shop/app.py", tmp_path / "asgi.py")


def test_an_app_that_mounts_another_wins_over_files(tmp_path: Path) -> None:
    main = "from sub import app as inner\nfrom fastapi import FastAPI\napp = FastAPI()\napp.mount('/x', inner)\n"

    assert found(tmp_path, {"sub.py": FASTAPI, "main.py": main}, None).module == "main"


def test_the_module_that_adds_the_routes_wins_over_the_one_that_builds_the_app(tmp_path: Path) -> None:
    files = {
        "core.py": "from fastapi import FastAPI\napp = FastAPI()\n",
        "routes.py": "from core import app\n@app.get('/')\ndef x(): ...\n",
        "main.py": "from core import app\nimport routes\n",
    }
    assert found(tmp_path, files, None).module == "main"


def test_several_apps_are_listed_ready_to_type(tmp_path: Path) -> None:
    tree(tmp_path, {"a.py": FASTAPI, "b.py": FASTAPI})

    error = refused(tmp_path, None)

    assert (error.slug, error.exit_code) == ("several-apps", ExitCode.USAGE)
    assert "`a.py:app`, `b.py:app`" in error.text
    assert resolve("b.py:app", tmp_path).module == "b"


TALKS = [
    "engine = index.as_chat_engine()\n",
    "from llama_index.core.memory import Memory\nmemory = Memory.from_defaults(session_id='1')\n",
    "from llama_index.core.agent.workflow import FunctionAgent\nagent = FunctionAgent(tools=[])\n",
]


@pytest.mark.parametrize("talks", TALKS, ids=["engine", "memory", "agent"])
def test_of_several_apps_the_one_is_taken_that_talks_with_llama_index(tmp_path: Path, talks: str) -> None:
    fills = f"{FASTAPI}from llama_index.core import VectorStoreIndex\n"
    asks = "import openai\n@app.post('/x')\ndef x(): return openai.chat.completions.create()\n"
    files = {
        "fill.py": f"{fills}index = VectorStoreIndex.from_documents([])\n@app.post('/fill')\ndef fill(): ...\n",
        "plain.py": f"{fills}{asks}",
        "talk.py": f"{fills}{talks}@app.post('/ask')\ndef ask(): ...\n",
    }
    target = found(tmp_path, files, None)

    assert (target.module, target.why) == ("talk", "of 3 apps `talk.py:app` alone talks with LlamaIndex")


def test_of_scripts_of_pages_the_one_is_taken_that_has_the_others(tmp_path: Path) -> None:
    page = f"{LLAMA}import streamlit as st\n"
    files = {
        "front.py": f"{page}from parts import menu\nst.chat_input()\n",
        "pages/second.py": f"{page}st.chat_input()\n",
        "parts/menu.py": f"{page}def show(): st.write(1)\n",
    }
    assert found(tmp_path, files, None).module == "front"


def test_several_turn_functions_are_several_apps(tmp_path: Path) -> None:
    tree(tmp_path, {"app.py": f"{LLAMA}def one(sid, text): ...\ndef two(sid, text): ...\n"})

    assert refused(tmp_path).slug == "several-apps"


def test_a_function_that_calls_a_method_of_its_own_name_is_one_app(tmp_path: Path) -> None:
    shop = "class Shop:\n    def reply(self, sid, text): ...\nshop = Shop()\n"
    tree(tmp_path, {"bot.py": f"{LLAMA}{shop}def reply(sid, text):\n    return shop.reply(sid, text)\n"})

    assert resolve("bot.py", tmp_path).object == "reply"


def test_a_turn_whose_names_say_little_is_known_by_its_model(tmp_path: Path) -> None:
    tool = "def book(room, note): return llm.chat(note)\n"
    shop = "class Shop:\n    def turn(self, person, said): return self._ask(said)\n"
    shop += "    def _ask(self, said): return llm.chat(said)\nshop = Shop()\n"
    tree(tmp_path, {"bot.py": f"{LLAMA}{tool}agent = Agent(tools=[book])\n{shop}"})

    assert resolve("bot.py", tmp_path).object == "shop.turn"


def test_a_tool_is_what_the_clients_of_a_server_of_tools_call(tmp_path: Path) -> None:
    tool = "@shop.tool()\ndef order(session, text): return llm.chat(text)\n"
    served = f"{LLAMA}from mcp.server.fastmcp import FastMCP\nshop = FastMCP('shop')\n{tool}shop.run()\n"
    tree(tmp_path, {"shop.py": served, "part.py": f"{LLAMA}{tool}"})

    assert resolve("shop.py", tmp_path).object == "order"
    assert refused(tmp_path, "part.py").slug == "no-app"


def test_no_app(tmp_path: Path) -> None:
    tree(tmp_path, {"empty.py": "", "plain.py": "x = 1\n", "llama.py": f"{LLAMA}def f(x): ...\n"})

    assert [(e.slug, e.exit_code) for e in (refused(tmp_path, "empty.py"), refused(tmp_path, "llama.py"))] == [
        ("no-app", ExitCode.NOTHING),
        ("no-app", ExitCode.USAGE),
    ]
    assert "`statecheck diagnose llama.py:f`" in refused(tmp_path, "llama.py").hint
    assert refused(tmp_path, None).exit_code == ExitCode.USAGE
    (tmp_path / "llama.py").unlink()
    assert refused(tmp_path, None).exit_code == ExitCode.NOTHING


def test_a_part_of_an_app_leads_to_the_app(tmp_path: Path) -> None:
    tree(tmp_path, {"app.py": "import chat\n" + FASTAPI, "chat.py": LLAMA})

    assert refused(tmp_path, "chat.py").hint == "name the app that loads it: `statecheck diagnose app.py:app`"


def test_a_directory_whose_only_app_has_a_syntax_error_says_so(tmp_path: Path) -> None:
    tree(tmp_path, {"app.py": FASTAPI + "def (\n", "x.py": "x = 1\n"})

    assert refused(tmp_path, None).slug == "syntax-error"


def test_a_syntax_error_names_its_line(tmp_path: Path) -> None:
    error = refused(tree(tmp_path, {"app.py": "x = 1\ny = 2\nz = = 3\n"}))

    assert (error.slug, error.text, error.exit_code) == ("syntax-error", "app.py:3: invalid syntax", ExitCode.USAGE)


@pytest.mark.parametrize(
    ("spec", "hint"),
    [
        ("ap.py", "did you mean `app.py`?"),
        ("ap", "did you mean `app.py`?"),
        ("shop.main.app", "did you mean `shop.main:app`?"),
        ("uvicorn shop.main:app --reload", "did you mean `shop.main:app`?"),
        ("http://localhost:8000", "name the file that builds the app, or what answers a turn: `bot.py:reply`"),
        ("nowhere/app.py", "name a Python file"),
        ("app.py/x", "name a Python file"),
        ("x" * 5000, "name a Python file"),
        ("q\0z", "name a Python file"),
        ("", "name a Python file"),
        ("~nobody-there/app.py", "name a Python file"),
        ("q\nz", "name a Python file"),
    ],
)
def test_a_missing_file(tmp_path: Path, spec: str, hint: str) -> None:
    tree(tmp_path, {"app.py": FASTAPI, "shop/main.py": FASTAPI})

    error = refused(tmp_path, spec)

    assert (error.slug, error.exit_code) == ("missing-file", ExitCode.USAGE)
    assert error.hint.startswith(hint)


@pytest.mark.parametrize(
    ("data", "slug"),
    [
        (b"\0\0", "not-python"),
        (b"\xff\xfe\x00", "not-python"),
        (b"# coding: no-such-codec\n", "not-python"),
        (b"# coding: rot13\n", "not-python"),
        (b"x = '\xe9'\n", "not-python"),
        (b"x = (" + b"(" * 500, "syntax-error"),
        (b"x = " + b"-" * 100_000 + b"1", "too-deep"),
        (b"x = 1" + b" + 1" * 100_000, "no-app"),
        (b"\xef\xbb\xbfx = 1\n", "no-app"),
        (b"# coding: latin-1\nx = '\xe9'\n", "no-app"),
        (b"x = 1\r\ny = 2\r", "no-app"),
        (b"x = '\\d'\n", "no-app"),
        (b"#" * (5 * 1024 * 1024 + 1), "too-large"),
    ],
)
def test_hostile_bytes(tmp_path: Path, data: bytes, slug: str) -> None:
    (tmp_path / "app.py").write_bytes(data)

    assert refused(tmp_path).slug in (slug, "too-deep")


def test_what_is_no_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "loop.py").symlink_to("loop.py")
    (tmp_path / "gone.py").symlink_to("nowhere.py")
    (tmp_path / "null.py").symlink_to("/dev/null")
    (tmp_path / "notes.txt").write_text("x = 1")
    (tmp_path / "book.ipynb").write_text("{}")
    (tmp_path / "dir.py").mkdir()
    with socket.socket(socket.AF_UNIX) as server, tempfile.TemporaryDirectory() as short:
        server.bind(f"{short}/s.py")
        assert refused(tmp_path, f"{short}/s.py").slug == "not-python"
    for name in ("pipe.py", "null.py", "notes.txt", "book.ipynb"):
        assert refused(tmp_path, name).slug == "not-python"
    assert refused(tmp_path, "gone.py").slug == "missing-file"
    assert refused(tmp_path, "loop.py").slug == "unreadable"
    assert refused(tmp_path, "dir.py").slug == "no-app"
    assert refused(tmp_path, None).exit_code == ExitCode.NOTHING


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_permission_denied(tmp_path: Path) -> None:
    tree(tmp_path, {"app.py": FASTAPI, "shut/app.py": FASTAPI})
    (tmp_path / "app.py").chmod(0)
    (tmp_path / "shut").chmod(0)
    try:
        assert [refused(tmp_path, spec).slug for spec in ("app.py", "shut", "shut/app.py")] == ["unreadable"] * 3
        (tmp_path / "shut").chmod(0o700)
        (tmp_path / "shut/app.py").unlink()
        assert refused(tmp_path, None).slug == "unreadable"
    finally:
        (tmp_path / "shut").chmod(0o700)


def test_definitions_in_circles_end(tmp_path: Path) -> None:
    source = "from b import *\na = b\nb = a\nclass A(A, A): ...\n"
    source += "class B(A, A): ...\nx = B()\ndef f():\n    return f()\ny = f()\n"

    assert refused(tree(tmp_path, {"app.py": source, "b.py": "from app import *\nimport b\n"})).slug == "no-app"


def test_a_long_chain_of_names_ends(tmp_path: Path) -> None:
    source = "".join(f"a{n} = f(a{n - 1}, a{n - 1})\n" for n in range(2000, 0, -1))

    assert refused(tree(tmp_path, {"app.py": source})).slug == "no-app"


def test_the_module_imports_nothing_heavy() -> None:
    code = "import sys, statecheck.target.resolve; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert not {"typer", "rich", "asyncio", "llama_index", "httpx", "psutil"} & set(loaded)


WORDS = (
    "app = FastAPI ( ) : , . * @ [ ] def class return lambda x import from async await if try except with as for in "
    "self 'a.b' llama_index Flask create_app scope receive send yield global match case"
)
_TOKENS = st.sampled_from([*WORDS.split(), "\n", "\n    ", "\t"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))))
def test_random_bytes_never_give_anything_but_an_error_line(tmp_path: Path, data: bytes) -> None:
    _survives(tmp_path, data)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(_TOKENS, max_size=40), attribute=st.sampled_from(["", ":app", ":app.x", ":create_app()"]))
def test_random_words_never_give_anything_but_an_error_line(tmp_path: Path, words: list[str], attribute: str) -> None:
    _survives(tmp_path, " ".join(words).encode(), attribute)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spec=st.text(max_size=30))
def test_random_specs_never_give_anything_but_an_error_line(tmp_path: Path, spec: str) -> None:
    if spec.startswith(("/", "~")) or ".." in spec:
        return
    (tmp_path / "app.py").write_text(FASTAPI)
    assert "\n" not in _outcome(spec, tmp_path)


def _survives(folder: Path, data: bytes, attribute: str = "") -> None:
    (folder / "app.py").write_bytes(data)
    for spec in (f"app.py{attribute}", None):
        assert "\n" not in _outcome(spec, folder)


def _outcome(spec: str | None, folder: Path) -> str:
    try:
        return resolve(spec, folder).path.name
    except StatecheckError as error:
        return error.text + error.hint


CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"


@pytest.mark.skipif(not CASES.is_dir(), reason="the labelled apps are not here")
def test_the_labelled_apps() -> None:
    for file in CASES.glob("*/case.json"):
        case = json.loads(file.read_text())
        named = resolve(case["target"], file.parent)
        assert named.framework == case["framework"]
        assert resolve(None, file.parent) == resolve(".", file.parent) == named
