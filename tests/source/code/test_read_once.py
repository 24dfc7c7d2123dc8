"""In a whole run each of the user's files is opened once and parsed at most once by statecheck."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "shop/__init__.py": "",
    "shop/main.py": """\
from __future__ import annotations

from fastapi import Body, FastAPI, Request

from shop.middleware import name_the_visitor
from shop.models import Ask
from shop.talk import reply
from . import settings

app = FastAPI()
app.middleware("http")(name_the_visitor)


@app.post("/chat")
async def chat(ask: Ask, request: Request) -> dict[str, str]:
    return {"reply": reply(ask.session_id, ask.message)}
""",
    "shop/middleware.py": "async def name_the_visitor(request, call_next):\n    return await call_next(request)\n",
    "shop/models.py": """\
from pydantic import BaseModel


class Ask(BaseModel):
    session_id: str
    message: str
""",
    "shop/settings.py": "import os\n\nMODEL = os.environ.get('MODEL', 'none')\n",
    "shop/talk.py": """\
SESSIONS: dict[str, list[str]] = {}


def reply(session, text):
    said = SESSIONS.setdefault(session, [])
    said.append(text)
    return " ".join(said)
""",
    "client.py": "import httpx\n\nhttpx.post('http://x/chat', json={'session_id': 'a', 'message': 'hi'})\n",
    "gunicorn.conf.py": "workers = 2\n",
    "broken.py": "import httpx, fastapi\napp = (\n",
    "newer.py": "import requests\ntype X[T = int] = list[T]\nrequests.post(f'http://x/{'chat'}', json={})\n",
}

COUNTING = """\
import ast, json, os, sys

opened, parsed = [], []

def count(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, os.PathLike)):
        opened.append(os.path.abspath(arguments[0]))
    elif event == "compile" and isinstance(arguments[0], (str, bytes)):
        text = arguments[0]
        parsed.append(text if isinstance(text, str) else text.decode())

sys.addaudithook(count)
project, report = os.getcwd(), sys.argv.pop()
from statecheck.__main__ import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
own = [path for path in opened if path.startswith(project + os.sep) and path.endswith(".py")]
with open(report, "w") as file:
    json.dump([own, parsed], file)
"""


def test_each_file_is_opened_and_parsed_once_in_a_run(tmp_path: Path) -> None:
    project = tmp_path / "project"
    for name, text in FILES.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    report = tmp_path / "report.json"

    done = subprocess.run(
        [sys.executable, "-c", COUNTING, "diagnose", "--plan", str(report)],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "POST /chat" in done.stdout, done.stdout + done.stderr
    opened, parsed = json.loads(report.read_text())
    assert sorted(opened) == sorted(str(project / name) for name in FILES)
    assert {name: parsed.count(text) for name, text in FILES.items() if text} == {
        name: 1 for name in FILES if FILES[name]
    }
