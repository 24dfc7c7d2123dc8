"""What handlers do with the parts of a request, one small sign at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from statecheck.source.code.tree import SourceTree
from statecheck.source.handlers.handlers import Handler, read_handler
from statecheck.source.handlers.project_code import ProjectCode

if TYPE_CHECKING:
    from pathlib import Path

    from statecheck.source.fields import Field


def read(folder: Path, source: str, name: str = "handler", *path: str) -> Handler:
    file = folder / "app.py"
    file.write_text(source)
    found = read_handler(ProjectCode(SourceTree(folder, folder)), file, 0, name, path)
    assert found is not None
    return found


def body(folder: Path, lines: str, before: str = "") -> dict[str, Field]:
    """The fields that a Flask handler of these lines reads from `d`, its body."""
    indented = "\n".join(f"    {line}" for line in lines.splitlines())
    source = f"from flask import request\n{before}\nasync def handler():\n    d = request.get_json()\n{indented}\n"
    return {".".join(field.place.path): field for field in read(folder, source).fields}


@pytest.mark.parametrize(
    "line",
    [
        "await engine.achat(d['x'])",
        "await agent.run(user_msg=d['x'], memory=m)",
        "llm.chat([*past, ChatMessage(role='user', content=d['x'])])",
        "log.append({'role': 'user', 'content': d['x']})",
        "await Settings.llm.apredict(T, brief=d['x'])",
        "llm.complete(f'Answer this, please: {d[\"x\"]}')",
        "lines = []; lines.append(d['x']); llm.complete('\\n'.join(lines))",
        "await asyncio.wait_for(engine.achat(d['x'].strip()), 3)",
        "engine.query(str(d.get('x')))",
    ],
)
def test_what_reaches_the_model_is_a_message(tmp_path: Path, line: str) -> None:
    assert body(tmp_path, line)["x"].leaning >= 3


@pytest.mark.parametrize(
    "line",
    [
        "state = sessions[d['x']]",
        "known = d['x'] in sessions",
        "state = sessions.setdefault(d['x'], [])",
        "raw = await db.get(f'app:{d[\"x\"]}')",
        "file = ROOT / f'{d[\"x\"]}.json'",
        "fh = open('/data/' + d['x'])",
        "m = Memory.from_defaults(session_id=d['x'])",
        "m = ChatMemoryBuffer.from_defaults(chat_store_key='k-' + d['x'])",
        "rows = cursor.execute('SELECT body FROM turns WHERE who = ?', (d['x'],))",
    ],
)
def test_what_finds_state_is_a_session(tmp_path: Path, line: str) -> None:
    assert body(tmp_path, line)["x"].leaning <= -3


def test_a_table_of_constants_gives_its_first_key(tmp_path: Path) -> None:
    fields = body(tmp_path, "tone = TONES[d['x']]", before="TONES = {'dry': 1, 'warm': 2}")

    assert (fields["x"].value, fields["x"].limited) == ("dry", True)


def test_a_table_that_the_app_fills_is_no_table_of_constants(tmp_path: Path) -> None:
    fields = body(tmp_path, "ROOMS[d['x']] = 1", before="ROOMS = {'lobby': 0}")

    assert not fields["x"].limited
    assert fields["x"].leaning < 0


@pytest.mark.parametrize(
    ("line", "required", "generated"),
    [
        ("k = d['x']", True, False),
        ("k = d.get('x')", False, False),
        ("k = d.get('x') or str(uuid4())", False, True),
        ("k = d.get('x', uuid4().hex)", False, True),
        ("k = d['x'] if 'x' in d else secrets.token_hex()", False, True),
    ],
)
def test_what_may_be_left_out_is_known(tmp_path: Path, line: str, required: bool, generated: bool) -> None:
    field = body(tmp_path, line)["x"]

    assert (field.required, field.generated) == (required, generated)


def test_parts_are_followed_into_functions_methods_and_other_modules(tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(
        "class Service:\n"
        "    async def answer(self, a, b):\n"
        "        return await self.engine_of(a).achat(b)\n"
        "    def engine_of(self, c):\n"
        "        return CACHE[c]\n"
        "CACHE = {}\n"
        "service = Service()\n"
    )
    source = (
        "from service import service\n"
        "async def handler(request):\n"
        "    one, two = (await request.json())['p'], request.headers['X-Q']\n"
        "    k = request.headers.get('X-Q')\n"
        "    return await service.answer(k, (await request.json())['p'])\n"
    )

    fields = {str(field.place): field.leaning for field in read(tmp_path, source).fields}

    assert fields["body p"] >= 8
    assert fields["header X-Q"] <= -4


def test_recursion_ends(tmp_path: Path) -> None:
    source = (
        "def handler(request):\n"
        "    return again(request.args['q'])\n"
        "def again(x):\n"
        "    return handler(x) or again(x) or llm.chat(x)\n"
    )

    assert [str(field.place) for field in read(tmp_path, source).fields] == ["query q"]


def test_a_list_of_messages_tells_what_its_elements_call_role_and_content(tmp_path: Path) -> None:
    fields = body(tmp_path, "past = [(t['sender'], t['text']) for t in d['turns']]")

    assert fields["turns"].turn_keys == ("sender", "text")


def test_what_an_answer_holds_and_sets_is_noted(tmp_path: Path) -> None:
    source = (
        "def handler(request):\n"
        "    response = JSONResponse({'session_id': 1, 'reply': llm.chat(request.args['q'])})\n"
        "    response.set_cookie('sid', '1')\n"
        "    return Out(thread=2)\n"
    )

    found = read(tmp_path, source)

    assert found.answers == {"thread"}
    assert found.sets_cookies == {"sid"}
    assert found.model == 3


@pytest.mark.parametrize(
    ("source", "methods"),
    [
        ("@require_POST\ndef handler(request):\n    request.POST['a']", ("POST",)),
        ("def handler(request):\n    if request.method == 'POST':\n        request.POST['a']", ("POST",)),
        ("def handler(request):\n    request.GET['a']", ("GET",)),
        ("def handler(request):\n    json.loads(request.body)['a']", ("POST",)),
    ],
)
def test_a_view_tells_its_methods_itself(tmp_path: Path, source: str, methods: tuple[str, ...]) -> None:
    assert read(tmp_path, source).methods == methods


def test_no_handler_is_none(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("x = (")
    code = ProjectCode(SourceTree(tmp_path, tmp_path))

    assert read_handler(code, tmp_path / "app.py", 1, "x") is None
    assert read_handler(code, tmp_path / "missing.py", 1, "x") is None


def test_what_middleware_puts_into_the_request_is_what_it_read(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        """
import jwt
from aiohttp import web

@web.middleware
async def signed_in(request, handler):
    try:
        claims = jwt.decode(request.headers["Authorization"].removeprefix("Bearer "), "s", algorithms=["HS256"])
    except KeyError:
        raise web.HTTPUnauthorized()
    request["who"] = claims["sub"]
    return await handler(request)

async def handler(request):
    said, who = (await request.json())["said"], request["who"]
    talks.setdefault(who, []).append(said)
    return web.json_response({"answer": str(llm.complete(said))})
""",
    )
    fields = {field.name: field for field in found.fields}

    assert fields["Authorization"].required
    assert sum(each.weight for each in fields["Authorization"].evidence) < 0  # it says who is talking
