"""How a client talks: whole apps in `talk/*.md`, each with the request that its client sends."""

from __future__ import annotations

import ast
import importlib.util
import json
import random
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statecheck.errors import ExitCode, StatecheckError
from statecheck.source.code.tree import SourceTree
from statecheck.source.openapi import read_operations
from statecheck.talk.plan import AppFacts, Json, Overrides, Plan, Route, Varied
from statecheck.talk.plan_text import describe, list_varied
from statecheck.talk.planning import candidates
from statecheck.talk.requests import render, session_key
from statecheck.talk.session_openings import only_open, open_apart, opens_by_request, speaks_first
from statecheck.talk.variations import respell_key

HERE = Path(__file__).parent
CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
_BLOCK = re.compile(r"^```(\w+) ?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

MEMBERS = """
from typing import Any
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
engines: dict[Any, Any] = {}

class Turn(BaseModel):
FIELDS

@app.post("/chat")
def chat(turn: Turn) -> str:
    return str(SAID)
"""
FLAGGED = """
from typing import Any
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
agents: dict[Any, Any] = {}

class Turn(BaseModel):
    user_id: str
    thread_id: str
    message: str
    a: bool = False
    c: bool = False
    reset: bool = False
    stream: bool = False

@app.post("/chat")
async def chat(t: Turn):
    return {"a": str(await agents[t.user_id, t.thread_id].run(user_msg=t.message))}
"""


def _apps() -> list[Any]:
    found = []
    for file in sorted(HERE.glob("*.md")):
        for section in file.read_text().split("\n## ")[1:]:
            title, _, rest = section.partition("\n")
            found.append(pytest.param(_BLOCK.findall(rest), id=title))
    return found


def facts_of(file: Path) -> AppFacts:
    """What the probe would report of a FastAPI app."""
    name = f"talking_{abs(hash(file))}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    routes = [
        Route(r.path, tuple(sorted(r.methods)), r.name, str(file), r.endpoint.__code__.co_firstlineno)
        for r in _flat(module.app)
    ]
    return AppFacts("fastapi", "app", tuple(routes), read_operations(module.app.openapi()))


def _flat(app: Any) -> list[Any]:
    """An app's routes; since FastAPI 0.150 or so those of its routers are hidden one floor down."""
    found: list[Any] = []
    for route in app.routes:
        inner = getattr(route, "effective_candidates", None)
        found += inner() if inner is not None else [route]
    return [route for route in found if getattr(route, "endpoint", None) and getattr(route, "methods", None)]


def stated(file: Path, routes: str) -> AppFacts:
    """Facts from `METHOD:path:function`, for frameworks that are not installed here."""
    found = []
    for one in routes.split():
        method, rest = one.split(":", 1)
        path, name = rest.rsplit(":", 1)
        nodes = [n for n in ast.walk(ast.parse(file.read_text())) if getattr(n, "name", "") == name]
        line = getattr(nodes[0], "lineno", 0)
        found.append(Route(path, (method,) if method else (), name, str(file), line))
    return AppFacts("asgi", "app", tuple(found))


def check(plan: Plan, expected: dict[str, Any]) -> None:
    got: dict[str, Any] = {
        "method": plan.method,
        "path": plan.path,
        "query": dict(plan.query),
        "headers": dict(plan.headers),
        "cookies": dict(plan.cookies),
        "encoding": plan.encoding,
        "body": plan.body,
        "session_field": plan.session_field,
        "session_form": plan.session_form,
        "carries_history": plan.carries_history,
        "turn_keys": list(plan.turn_keys),
        "turn_parts": plan.turn_parts,
        "turn_more": [list(each) for each in plan.turn_more],
        "doubt": plan.doubt,
        "given": plan.given,
        "renews": plan.renews,
        "lone": plan.lone,
        "opening": plan.opening and f"{plan.opening.method} {plan.opening.path}",
        "reply": plan.reply and f"{plan.reply.method} {plan.reply.path}",
        "reply_body": plan.reply and plan.reply.body,
        "asked": plan.reply and plan.reply.given,
        "opening_body": plan.opening and plan.opening.body,
        "before": [f"{each.request.method} {each.request.path}" for each in plan.before],
        "before_bodies": [each.request.body for each in plan.before],
        "accounts": [[each.name, each.password] for each in plan.accounts],
    }
    assert {key: got[key] for key in expected} == expected


@pytest.mark.parametrize("blocks", _apps())
def test_the_request_that_a_client_sends_is_found(blocks: list[tuple[str, str, str]], tmp_path: Path) -> None:
    expected: dict[str, Any] = {}
    routes: str | None = None
    environment: dict[str, str] = {}
    for kind, title, text in blocks:
        if kind == "json":
            expected = json.loads(text)
            continue
        if kind == "env":
            environment = dict(line.split("=", 1) for line in text.splitlines())
            continue
        if title.startswith("routes="):
            routes = title.removeprefix("routes=")
        file = tmp_path / (title if title and not title.startswith("routes=") else "app.py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    app = tmp_path / "app.py"
    facts = facts_of(app) if routes is None else stated(app, routes)

    plans = candidates(replace(facts, environment=environment), SourceTree(tmp_path, tmp_path), Overrides())

    then, count = expected.pop("then", []), expected.pop("plans", None)
    defaults: dict[str, Any] = {"encoding": "json", "query": {}, "cookies": {}, "headers": {}, "carries_history": False}
    check(plans[0], {**defaults, **expected})
    for plan, following in zip(plans[1:], then, strict=False):
        check(plan, following)
    assert len(plans) >= 1 + len(then)
    assert count is None or len(plans) == count
    assert all(plan.why for plan in plans)
    assert describe(plans[0])


@pytest.mark.skipif(not CASES.is_dir(), reason="the shared cases are not here")
@pytest.mark.parametrize("case", sorted(CASES.glob("case-*")), ids=lambda case: str(case.name))
def test_the_cases_get_the_request_that_their_authors_noted(case: Path) -> None:
    stated_case = json.loads((case / "case.json").read_text())
    wanted = stated_case["request"]
    if stated_case["framework"] == "callable":
        facts = AppFacts("callable", "reply", parameters=("session_id", "text"))
        assert list(candidates(facts, SourceTree(case, case), Overrides())[0].args) == _filled(wanted["json"]["args"])
        return
    routes = tuple(_routes_in(case))
    if stated_case["framework"] == "workflow-server":  # its handlers are the library's
        routes = (Route("/workflows/{name}/run", ("POST",), "_run", "/site/server.py", 1),)

    plan = candidates(AppFacts(stated_case["framework"], "app", routes), SourceTree(case, case), Overrides())[0]

    assert (plan.method, plan.path) == (wanted["method"], wanted["path"])
    assert {k.lower(): v for k, v in plan.headers} == {
        k.lower(): v for k, v in _filled(wanted.get("headers", {})).items()
    }
    assert plan.encoding == ("form" if "form" in wanted else "json")
    body = _filled(wanted.get("form", wanted.get("json")))
    if stated_case["primary"] == "stateless":  # what the app never reads cannot be known, and does not matter
        assert isinstance(plan.body, dict)
        assert plan.body.keys() <= body.keys()
    else:
        assert plan.body == body


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item) for item in value]
    return value.replace("{text}", "{message}") if isinstance(value, str) else value


def _routes_in(case: Path) -> list[Route]:
    """The routes of an app as its decorators and Django's `path(...)` spell them."""
    found = []
    for file in case.rglob("*.py"):
        tree = ast.parse(file.read_text())
        prefix = re.search(r"prefix=\"([^\"]+)", file.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "path":
                found.append(Route(node.args[0].value, (), node.args[1].id, str(file), 0))  # type: ignore[attr-defined]
            for mark in getattr(node, "decorator_list", ()):
                verb = getattr(getattr(mark, "func", None), "attr", "")
                if verb in ("get", "post", "put", "delete"):
                    path = (prefix[1] if prefix else "") + mark.args[0].value
                    found.append(Route(path, (verb.upper(),), node.name, str(file), mark.lineno))  # type: ignore[attr-defined]
    return found


APP = """
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
engine = None

class Pair(BaseModel):
    first: str
    second: str

@app.post("/pair")
async def pair(p: Pair):
    return {}

@app.post("/other")
async def other(p: Pair):
    return {}

@app.post("/lone/chat")
async def chat(message: str, session_id: str):
    return {"a": str(await engine.achat(message))}
"""


@pytest.fixture
def app(tmp_path: Path) -> tuple[AppFacts, SourceTree]:
    file = tmp_path / "app.py"
    file.write_text(APP)
    return facts_of(file), SourceTree(tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("overrides", "slug", "code", "said"),
    [
        (Overrides("POST /chat"), "unknown-endpoint", ExitCode.USAGE, "`POST /lone/chat`"),
        (Overrides("/zzz"), "unknown-endpoint", ExitCode.USAGE, "`POST /pair`"),
        (Overrides("/pair", message_field="frist"), "unknown-field", ExitCode.USAGE, "`first`"),
        (Overrides("/pair", "first", "zzzz"), "unknown-field", ExitCode.USAGE, "`body second`"),
    ],
)
def test_what_cannot_be_known_is_said_with_the_option_that_settles_it(
    app: tuple[AppFacts, SourceTree], overrides: Overrides, slug: str, code: ExitCode, said: str
) -> None:
    with pytest.raises(StatecheckError) as raised:
        candidates(*app, overrides)

    assert (raised.value.slug, raised.value.exit_code) == (slug, code)
    assert said in raised.value.hint
    assert not raised.value.text.endswith(".")


def test_options_win_over_every_guess(app: tuple[AppFacts, SourceTree]) -> None:
    overrides = Overrides("/pair", "first", "second", (("X-Key", "k"), ("X-Who", "{session}")))

    (plan,) = candidates(*app, overrides)

    assert plan.body == {"first": "{message}", "second": "{session}"}
    assert plan.headers == (("X-Key", "k"), ("X-Who", "{session}"))


def test_an_app_without_endpoints_is_inconclusive(tmp_path: Path) -> None:
    with pytest.raises(StatecheckError) as raised:
        candidates(AppFacts("fastapi", "app"), SourceTree(tmp_path, tmp_path), Overrides())

    assert (raised.value.slug, raised.value.exit_code) == ("no-endpoint", ExitCode.INCONCLUSIVE)
    assert "--endpoint" in raised.value.hint


def test_an_app_that_takes_messages_by_what_is_not_driven_is_named_as_such(tmp_path: Path) -> None:
    facts = AppFacts("flask", "app", undriven="events of Brass-Wire, which cannot be driven yet")

    with pytest.raises(StatecheckError, match="takes its messages by events of Brass-Wire, which cannot"):
        candidates(facts, SourceTree(tmp_path, tmp_path), Overrides())


SIGNED = """\
import json
from fastapi import FastAPI, HTTPException, Request

app = FastAPI()

@app.post("/hook")
async def hook(request: Request):
    body = await request.body()
    if not signed(body, request.headers.get("X-Carrier-Signature", "")):
        raise HTTPException(401)
    for parcel in json.loads(body).get("parcels", []):
        await reply(parcel["of"], parcel["words"]["plain"])
    return {"status": "ok"}
"""


def test_messages_that_their_sender_signs_are_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(SIGNED)

    with pytest.raises(StatecheckError, match="`POST /hook` takes messages that their sender signs") as raised:
        candidates(facts_of(tmp_path / "app.py"), SourceTree(tmp_path, tmp_path), Overrides())

    assert "`statecheck diagnose app.py:reply`" in raised.value.hint


def test_what_nothing_tells_apart_is_left_to_the_experiment(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP.split('@app.post("/lone')[0])

    plans = candidates(facts_of(tmp_path / "app.py"), SourceTree(tmp_path, tmp_path), Overrides())

    assert [(plan.path, plan.message_field, plan.doubt) for plan in plans] == [
        ("/pair", "body first", "message"),
        ("/pair", "body second", "message"),
        ("/other", "body first", "message"),
        ("/other", "body second", "message"),
    ]


def test_an_opaque_app_is_taken_at_the_users_word(tmp_path: Path) -> None:
    (plan,) = candidates(
        AppFacts("asgi", "app"), SourceTree(tmp_path, tmp_path), Overrides("PUT /talk", "text", "header X-User")
    )

    assert (plan.method, plan.path, plan.body) == ("PUT", "/talk", {"text": "{message}"})
    assert plan.headers == (("X-User", "{session}"),)


def test_routes_that_an_app_hides_are_taken_from_its_document(app: tuple[AppFacts, SourceTree]) -> None:
    facts, project = app

    plan = candidates(AppFacts("fastapi", "app", (), facts.operations), project, Overrides())[0]

    assert (plan.path, dict(plan.query)) == ("/lone/chat", {"message": "{message}", "session_id": "{session}"})
    assert plan.handler is not None
    assert plan.handler.path == "app.py"


def test_a_template_is_used_as_it_is(tmp_path: Path) -> None:
    template = Plan(method="PUT", path="/x/{session}", body={"m": "{message}"}, message_field="body m")
    overrides = Overrides(template=template, headers=(("A", "b"),))

    assert candidates(AppFacts("asgi", "app"), SourceTree(tmp_path, tmp_path), overrides) == (
        replace(template, headers=(("A", "b"),)),
    )


@pytest.mark.parametrize(
    ("parameters", "args"),
    [
        (("text",), ("{message}",)),
        (("session_id", "text"), ("{session}", "{message}")),
        (("question", "customer"), ("{message}", "{session}")),
        (("a", "user_input"), ("{session}", "{message}")),
        (("anything",), ("{message}",)),
        (("message", "history"), ("{message}", "{history}")),
        (("message", "thread_id", "language"), ("{message}", "{session}", "sample")),
    ],
)
def test_a_callable_is_called_by_its_parameters_names(parameters: tuple[str, ...], args: tuple[str, ...]) -> None:
    facts = AppFacts("callable", "bot.reply", parameters=parameters)

    assert candidates(facts, SourceTree(Path("/nonexistent"), Path("/nonexistent")), Overrides())[0].args == args


_TEXTS = st.text(max_size=60) | st.sampled_from(["{session}", "{message}{history}", '"}{', "\\", "a/b?c#d%20", "{{}}"])


@given(
    message=_TEXTS,
    session=_TEXTS.filter(bool),
    history=st.lists(st.tuples(st.sampled_from(["user", "assistant"]), _TEXTS)),
)
def test_a_message_arrives_verbatim_whatever_is_in_it(
    message: str, session: str, history: list[tuple[str, str]]
) -> None:
    from urllib.parse import parse_qsl, unquote

    plan = Plan(
        path="/a/{session}/{message}/z",
        query=(("q", "{message}"), ("s", "{session}")),
        cookies=(("c", "{session}"),),
        headers=(("X", "key-{session}"),),
        body={
            "m": "{message}",
            "in": [{"s": "{session}"}, "{messages}"],
            "past": "{history}",
            "n": 1,
            "b": "<{message}>",
        },
    )

    request = render(plan, session, message, history)

    turns: list[Json] = [{"role": role, "content": said} for role, said in history]
    assert request.body == {
        "m": message,
        "in": [{"s": session}, [*turns, {"role": "user", "content": message}]],
        "past": turns,
        "n": 1,
        "b": f"<{message}>",
    }
    assert [unquote(part) for part in request.path.split("/")] == ["", "a", session, message, "z"]
    assert dict(parse_qsl(request.target.partition("?")[2], keep_blank_values=True)) == {"q": message, "s": session}
    assert request.cookies == (("c", session),)
    assert request.headers == (("X", f"key-{session}"),)


def test_an_integer_key_is_a_json_number_only_where_it_is_the_whole_value() -> None:
    plan = Plan(
        path="/{session}", body={"id": "{session}", "s": "sc-{session}"}, args=("{session}",), session_form="integer"
    )

    request = render(plan, "17", "hi")

    assert request.body == {"id": 17, "s": "sc-17"}
    assert request.args == (17,)
    assert request.path == "/17"


def test_a_form_holds_texts_only() -> None:
    plan = Plan(encoding="form", body={"q": "{message}", "n": 3, "all": "{messages}"})

    body = render(plan, "s", "hi").body

    assert body == {"q": "hi", "n": "3", "all": '[{"role": "user", "content": "hi"}]'}


def test_session_keys_have_the_form_that_is_asked_for_and_differ() -> None:
    rng = random.Random(1)

    assert re.fullmatch(r"sc-[0-9a-f]{12}", session_key("token", rng))
    assert UUID(session_key("uuid", rng)).version == 4
    assert session_key("integer", rng).isdigit()
    assert len({session_key("token", rng) for _ in range(100)}) == 100
    assert session_key("token", random.Random(7)) == session_key("token", random.Random(7))


def test_describe_is_one_line() -> None:
    plan = Plan(path="/chat", message_field="body message", session_field="body session_id")

    assert describe(plan) == "POST /chat, message in body message, session in body session_id"
    assert describe(Plan(kind="callable", args=("{message}",))) == "call with ({message}), no session"


def test_what_is_said_is_written_in_typed_parts() -> None:
    part: Json = [{"type": "text", "text": "{message}"}]
    plan = Plan(
        body={"now": part, "all": "{messages}"}, turn_keys=("role", "parts"), turn_more=(("id", "x"),), turn_parts=part
    )

    body = render(plan, "s", "hi", [("assistant", "well?")]).body

    said = [[{"type": "text", "text": text}] for text in ("well?", "hi")]
    assert body == {
        "now": said[1],
        "all": [
            {"id": "1", "role": "assistant", "parts": said[0]},
            {"id": "2", "role": "user", "parts": said[1]},
        ],
    }


SERVED_FLOW = """\
async def answer(self, ctx, ev):
    memory = talks[getattr(ev, "room", "lobby")]
    return await llm.achat(ev.get("riddle"), memory)
"""
OPAQUE_FLOW = "async def answer(self, ctx, ev):\n    return await elsewhere(ev)\n"


@pytest.mark.parametrize(
    ("source", "options"),
    [
        (SERVED_FLOW, Overrides()),
        (SERVED_FLOW, Overrides(message_field="riddle", session_field="start_event.room")),
        (OPAQUE_FLOW, Overrides(message_field="riddle", session_field="room")),
        (OPAQUE_FLOW, Overrides(message_field="start_event.riddle", session_field="start_event.room")),
    ],
)
def test_the_fields_of_an_event_without_any_are_those_that_are_read_or_named(
    tmp_path: Path, source: str, options: Overrides
) -> None:
    (tmp_path / "app.py").write_text(source)
    body = {"type": "object", "properties": {"start_event": {"type": "object"}, "handler_id": {"type": "string"}}}
    content = {"requestBody": {"content": {"application/json": {"schema": {**body, "required": ["start_event"]}}}}}
    route = Route("/workflows/quiz/run", ("POST",), "answer", str(tmp_path / "app.py"), 1, "ev")
    facts = AppFacts(
        "workflow-server", "server.app", (route,), read_operations({"paths": {route.path: {"post": content}}})
    )

    plan, *_ = candidates(facts, SourceTree(tmp_path, tmp_path), options)

    assert plan.body == {"start_event": {"room": "{session}", "riddle": "{message}"}}


MADE_UP_FLOW = """\
async def answer(self, ctx, ev):
    crew = ev.get("crew", default=[])
    model = ev.get("model", default=Parrot(name="polly"))
    if model is None:
        raise ValueError("a model is needed")
    chat_history = ev.get("chat_history", default=[])
    chat_history.append(ev.get("riddle"))
    return await model.tuned.achat(chat_history) if model.tuned.ready else {one.name: one for one in crew}
"""


def test_what_a_step_has_where_nobody_sends_it_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(MADE_UP_FLOW)
    route = Route("", (), "answer", str(tmp_path / "app.py"), 1, "ev")

    (plan,) = candidates(AppFacts("workflow", "Quiz()", (route,)), SourceTree(tmp_path, tmp_path), Overrides())

    assert (dict(plan.keywords), plan.session_field) == ({"riddle": "{message}"}, None)


@pytest.mark.parametrize(
    "default", ["str(uuid.uuid4())", "uuid.UUID(int=7)", 'os.getenv("ROOM", "lobby")', "new_room(7)"]
)
def test_a_key_is_sent_whatever_the_code_calls_where_nobody_sends_it(tmp_path: Path, default: str) -> None:
    (tmp_path / "app.py").write_text(
        "from flask import request\n\n\ndef answer():\n    data = request.get_json()\n"
        f"    room = data.get('room_id', {default})\n    return str(engines[room].chat(data['riddle']))\n"
    )
    route = Route("/riddle", ("POST",), "answer", str(tmp_path / "app.py"), 4)

    plan, *_ = candidates(AppFacts("flask", "app", (route,)), SourceTree(tmp_path, tmp_path), Overrides())

    assert plan.body == {"riddle": "{message}", "room_id": "{session}"}


def test_a_workflow_takes_the_fields_that_options_name(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(OPAQUE_FLOW)
    route = Route("", (), "answer", str(tmp_path / "app.py"), 1, "ev")
    options = Overrides(message_field="riddle", session_field="room")

    (plan,) = candidates(AppFacts("workflow", "Quiz()", (route,)), SourceTree(tmp_path, tmp_path), options)

    assert dict(plan.keywords) == {"room": "{session}", "riddle": "{message}"}


def test_booleans_that_are_sent_one_way_only_are_said(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(FLAGGED)
    plan = candidates(facts_of(tmp_path / "app.py"), SourceTree(tmp_path, tmp_path), Overrides())[0]

    told = list_varied(plan)
    assert [said for said in told if "boolean" in said] == [
        "not varied: the boolean `c`",
        "not varied: the boolean `reset`",
    ]
    assert "also sent with `stream` = true" in told
    assert "also sent with another body thread_id and the same body user_id" in told
    assert "not varied: body user_id alone, with the same body thread_id" in told


@pytest.mark.parametrize(
    ("said", "varied"),
    [
        ("engines[turn.company, turn.member_id].chat(turn.message)", Varied("body member_id", ("body company",), True)),
        ("engines[turn.company].chat(f'{turn.member_id}: {turn.message}')", None),
    ],
)
def test_a_member_of_a_company_is_varied_alone_if_it_is_a_key(said: str, varied: Varied | None, tmp_path: Path) -> None:
    fields = "    company: str\n    member_id: str\n    message: str"
    (tmp_path / "app.py").write_text(MEMBERS.replace("FIELDS", fields).replace("SAID", said))
    plan = candidates(facts_of(tmp_path / "app.py"), SourceTree(tmp_path, tmp_path), Overrides())[0]

    assert plan.varied == varied


@pytest.mark.parametrize(
    ("fields", "said", "elsewhere", "numbered"),
    [
        ("school: str\n    pupil: int", "engines[turn.pupil].chat(turn.message)", {"school": "sample-2"}, True),
        ("school: str\n    pupil_id: str", "engines[turn.pupil_id].chat(turn.message)", {"school": "sample-2"}, False),
        ("school: str\n    pupil: int", "engines[turn.pupil].chat(turn.school + turn.message)", None, False),
        ("school: str = 'hill'\n    pupil: int", "engines[turn.pupil].chat(turn.message)", {"school": "hill-2"}, True),
        ("style: str\n    pupil: int", "engines[turn.pupil].chat(turn.message)", None, False),
        ("org_id: int\n    user_id: int", "engines[turn.user_id].chat(turn.message)", {"org_id": 2}, True),
    ],
)
def test_a_tenant_is_varied_alone(
    fields: str, said: str, elsewhere: dict[str, Any] | None, numbered: bool, tmp_path: Path
) -> None:
    text = MEMBERS.replace("FIELDS", f"    {fields}\n    message: str").replace("SAID", said)
    (tmp_path / "app.py").write_text(text)
    plan = candidates(facts_of(tmp_path / "app.py"), SourceTree(tmp_path, tmp_path), Overrides())[0]

    if elsewhere is None:
        assert plan.elsewhere is None
    else:
        assert plan.elsewhere is not None
        assert isinstance(plan.elsewhere.plan.body, dict)
        assert elsewhere.items() <= plan.elsewhere.plan.body.items()
        assert plan.elsewhere.numbered is numbered
        assert plan.elsewhere.plan.session_field == plan.session_field


def test_a_key_that_is_not_varied_is_said() -> None:
    told = list_varied(Plan(path="/chat", body={"code": "AAA-1111", "text": "{message}"}, lone="body code"))

    assert "not varied: `body code`: all clients send the same" in told


def test_what_opens_a_session_apart_has_no_word_of_its_turns() -> None:
    body: Json = {"topic": "{message}", "turns": "{messages}", "who": "{user}"}
    opening = Plan(path="/chats", query=(("about", "{message}"),), body=body, message_field="body topic")
    apart = open_apart(Plan(path="/chats/{session}/messages", opening=opening, given="id"))
    assert apart.opening is not None
    sent = render(apart.opening, "s1", "a secret word", user="ada")

    assert not speaks_first(apart)
    assert opens_by_request(apart)
    assert speaks_first(only_open(apart))
    assert "secret" not in f"{sent.body}{sent.query}"
    assert isinstance(sent.body, dict)
    assert sent.body["who"] == "ada"


@given(st.integers(100_000, 2**31 - 1))
def test_a_number_s_likes_are_numbers_of_the_same_remainder(key: int) -> None:
    likes = [respell_key(Plan(session_field="body id", session_form="integer"), str(key), way) for way in range(1, 6)]
    numbers = [int(each) for each in likes if each is not None]

    assert key not in numbers
    assert all(0 < each < 2**31 for each in numbers)
    assert {each % 1000 for each in numbers[:1]} == {key % 1000}
    assert {each % 60 for each in numbers[1:]} == {key % 60}


def test_an_address_s_likes_differ_behind_the_at_sign() -> None:
    likes = [respell_key(Plan(session_field="body email"), "sc-1", way) for way in range(1, 6)]

    assert likes == [None, "sc-1@a.example", "sc-1@b.example", "sc.1@a.example", "sc-1-2@a.example"]


def test_an_address_needs_no_host_of_the_plan_s() -> None:
    plan = Plan(session_field="body email", body={"email": "{session}@example.com"})
    sent = [render(plan, session, "Hello").body for session in ("sc-1", "sc-1@b.example")]

    assert sent == [{"email": "sc-1@example.com"}, {"email": "sc-1@b.example"}]


@given(st.integers())
def test_a_key_in_capitals_has_nothing_else(seed: int) -> None:
    assert re.fullmatch(r"SC[A-Z]{10}", session_key("capitals", random.Random(seed)))
