"""What client code sends, in the languages and libraries that it is written in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from statecheck.source.clients.calls import Call, same_path, split_url
from statecheck.source.clients.clients import find_clients
from statecheck.source.code.tree import SourceTree

if TYPE_CHECKING:
    from pathlib import Path

SENT = {"body sid": "sid", "body text": "text"}


def calls(folder: Path, name: str, text: str) -> tuple[Call, ...]:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return find_clients(SourceTree(folder, folder))


def spelled(call: Call) -> dict[str, object]:
    return {str(field.place): field.value if field.known else field.said for field in call.fields}


@pytest.mark.parametrize(
    "source",
    [
        'requests.post("http://h/talk", json={"sid": sid, "text": text})',
        'requests.request("POST", f"{BASE}/talk", json={"sid": sid, "text": text})',
        'requests.post(url=BASE + "/talk", json=dict(sid=sid, text=text))',
        'URL = "http://h:1/talk"\nbody = {"sid": sid}\nbody["text"] = text\nhttpx.post(URL, json=body)',
        'httpx.post("{}/talk".format(base), content=json.dumps({"sid": sid, "text": text}), headers=H)',
        'async with http.stream("POST", "/talk", json={"sid": sid, "text": text}) as r: pass',
        'data = json.dumps({"sid": sid, "text": text}).encode()\nurlopen(Request("http://h/talk", data))',
        'client.post(urljoin(base, "/talk"), json={**{"sid": sid}, "text": text})',
        'client.post("/talk", data=json.dumps({"sid": sid, "text": text}), content_type="application/json")',
    ],
)
def test_python_calls_are_read(tmp_path: Path, source: str) -> None:
    source = "import requests\nasync def f(sid, text):\n" + "".join(f"    {line}\n" for line in source.splitlines())

    (call,) = calls(tmp_path, "client.py", source)

    assert (call.method, call.path, call.encoding) == ("POST", "/talk", "json")
    assert spelled(call) == SENT
    assert call.file == "client.py"
    assert call.line > 2


@pytest.mark.parametrize(
    "source",
    [
        'client.run_workflow("cart", handler_id=sid, start_event={"text": text})',
        'client.run_workflow("cart", sid, {"text": text})',
        'client.run_workflow_nowait("cart", start_event=Add(text=text), handler_id=sid)',
        'httpx.post("/workflows/cart/run-nowait", json={"start_event": {"text": text}, "handler_id": sid})',
    ],
)
def test_the_client_of_a_server_of_workflows_is_read(tmp_path: Path, source: str) -> None:
    (call,) = calls(tmp_path, "client.py", f"async def f(client, sid, text):\n    await {source}\n")

    assert (call.method, call.path, call.encoding) == ("POST", "/workflows/cart/run", "json")
    assert spelled(call) == {"body start_event.text": "text", "body handler_id": "sid"}


@pytest.mark.parametrize(
    "source",
    [
        "fetch('/talk', {method: 'POST', body: JSON.stringify({sid: sid, text})})",
        'await fetch(`${BASE}/talk`, { method: "POST", body: JSON.stringify({ \'sid\': sid, "text": text, }) });',
        "const p = {sid, text};\nfetch(API + '/talk', {method: 'post', body: JSON.stringify(p)})",
        "axios.post('/talk', {sid, text})",
        "axios({url: '/talk', method: 'POST', data: {sid, text}})",
        "this.http.post<Reply>(`${this.url}/talk`, {sid: sid, text: text}).subscribe(r => { x(r) })",
        "$.ajax({url: '/talk', type: 'POST', data: JSON.stringify({sid: sid, text: text})})",
        "const o = {\n  method: 'POST', // so\n  body: JSON.stringify({sid, /* a'b */ text}),};\nfetch('/talk', o)",
        "fetch(new URL('/talk', base), {method: 'POST', body: JSON.stringify({...{sid}, text})})",
    ],
)
def test_scripts_are_read(tmp_path: Path, source: str) -> None:
    (call,) = calls(tmp_path, "src/app.ts", source)

    assert (call.method, call.path, call.encoding) == ("POST", "/talk", "json")
    assert spelled(call) == SENT


def test_a_page_in_a_python_string_is_read(tmp_path: Path) -> None:
    (call,) = calls(
        tmp_path, "app.py", 'PAGE = """<script>\nfetch("/talk", {method: "POST", body: JSON.stringify({a: b})})\n"""'
    )

    assert spelled(call) == {"body a": "b"}
    assert call.line == 2


@pytest.mark.parametrize(
    ("source", "encoding", "sent"),
    [
        (
            "const f = new FormData();\nf.append('q', box.value);\nfetch('/t/x', {method: 'POST', body: f})",
            "multipart",
            {"body q": "box.value"},
        ),
        ("fetch('/t/x', {method: 'POST', body: new URLSearchParams({q: text})})", "form", {"body q": "text"}),
        ("fetch(`/t/x?q=${encodeURIComponent(text)}&k=1`)", "none", {"query q": "text", "query k": "1"}),
        (
            "axios.get('/t/x', {params: {q: text}, headers: {'X-User': me}})",
            "none",
            {"query q": "text", "header X-User": "me"},
        ),
        ("new EventSource('/t/x?q=' + q)", "none", {"query q": "q"}),
    ],
)
def test_forms_and_queries_of_scripts_are_read(
    tmp_path: Path, source: str, encoding: str, sent: dict[str, str]
) -> None:
    (call,) = calls(tmp_path, "a.js", source)

    assert call.path == "/t/x"
    assert call.encoding == encoding
    assert spelled(call) == sent


def test_the_servers_own_routes_are_no_clients(tmp_path: Path) -> None:
    text = 'import httpx\n@app.post("/a/<b>")\ndef a(b): ...\n'

    assert calls(tmp_path, "app.py", text) == ()


def test_html_forms_are_read(tmp_path: Path) -> None:
    first, second = calls(
        tmp_path,
        "templates/a.html",
        '<form action="/say" method="post"><input type="hidden" name="room" value="{{ room }}"><input name="q">'
        '<button name="go">Go</button></form>\n'
        '<form hx-post="{% url \'chat:reply\' %}"><textarea name="m"></textarea></form>',
    )

    assert (first.method, first.path, first.encoding, spelled(first)) == (
        "POST",
        "/say",
        "form",
        {"body room": "room", "body q": "q"},
    )
    assert (second.route, spelled(second)) == ("reply", {"body m": "m"})


def test_tests_come_last_and_foreign_folders_are_left_out(tmp_path: Path) -> None:
    text = 'import httpx\nhttpx.post("/a", json={"x": y, "z": w})\n'
    calls(tmp_path, "node_modules/p/a.js", "fetch('/n', {method: 'POST', body: '{}'})")
    calls(tmp_path, ".venv/lib/b.py", text)
    calls(tmp_path, "tests/test_a.py", text)

    found = calls(tmp_path, "tool.py", 'import httpx\nhttpx.post("/a", json={"x": y})\n')

    assert [(call.file, call.test) for call in found] == [("tool.py", False), ("tests/test_a.py", True)]


@pytest.mark.parametrize(
    "text", ["fetch('/a', {method: 'POST', body: JSON.stringify({", "fetch(", "fetch('", "<form", "don't fetch(it's)"]
)
def test_broken_pages_do_no_harm(tmp_path: Path, text: str) -> None:
    calls(tmp_path, "a.html", text + " <form")
    calls(tmp_path, "b.js", text)


@pytest.mark.parametrize(
    ("sent", "route", "same"),
    [
        ("/chat", "/chat", True),
        ("/chat/", "/chat", True),
        ("/api/chat", "/chat", True),
        ("/chat", "/v1/chat", True),
        ("/a/{id}/say", "/a/{name}/say", True),
        ("/a/7/say", "/a/{name}/say", True),
        ("/chat/stream", "/chat", False),
        ("/other", "/chat", False),
        ("/{x}", "/{y}", False),
        ("/", "/", True),
    ],
)
def test_paths_match_whatever_is_in_front(sent: str, route: str, same: bool) -> None:
    assert same_path(sent, route) is same


def test_urls_are_split() -> None:
    path, query = split_url("https://h:1/a/{who}?q={text}&k=v#z")

    assert path == "/a/{who}"
    assert query == {"q": ("said", "text"), "k": ("literal", "v")}
    assert split_url("{base}/x") == ("/x", {})
