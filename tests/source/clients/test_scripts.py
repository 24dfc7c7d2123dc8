"""Scripts in JavaScript and TypeScript, as they are really written: what they send, and nothing that they do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from statecheck.source.clients.clients import find_clients
from statecheck.source.code.tree import SourceTree

if TYPE_CHECKING:
    from pathlib import Path

TALK = "fetch('/talk', {method: 'POST', body: JSON.stringify({sid: sid, text: text})})"
SENT = {"body sid": "sid", "body text": "text"}
"""What is sent where a case says nothing else."""
CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "apostrophe in comment": ("a.js", "// don't worry\nTALK", SENT),
    "regex literal": ("a.js", "const q = /['\"]/g;\nTALK", SENT),
    "commented out call": ("a.js", "// fetch('/old', {method:'POST', body: JSON.stringify({a})})\nTALK", SENT),
    "block commented call": ("a.js", "/* fetch('/old', {method:'POST', body: JSON.stringify({a})}) */\nTALK", SENT),
    "call in a string": ("a.js", "const s = \"fetch('/old', {method: 'POST'})\";\nTALK", SENT),
    "shadowed name": (
        "a.js",
        "function a(){ const body = {wrong: 1}; return body }\n"
        "const body = {sid, text};\n"
        "function b(){ fetch('/talk', {method:'POST', body: JSON.stringify(body)}) }\n",
        SENT,
    ),
    "inner name elsewhere": (
        "a.js",
        "const body = {sid, text};\n"
        "function a(){ const body = {wrong: 1}; return body }\n"
        "function b(){ fetch('/talk', {method:'POST', body: JSON.stringify(body)}) }\n",
        SENT,
    ),
    "object method spelled": ("a.js", "const o = {get sid2() { return 1 }, headers() { return {a: 1} }};\nTALK", SENT),
    "computed key": (
        "a.js",
        "const K='sid';\nfetch('/talk', {method:'POST', body: JSON.stringify({[K]: sid, text})})",
        SENT,
    ),
    "number key & trailing": ("a.js", "fetch('/talk', {method:'POST', body: JSON.stringify({sid, text},), },)", SENT),
    "spread variable": (
        "a.js",
        "const base = {sid};\nfetch('/talk', {method:'POST', body: JSON.stringify({...base, text})})",
        SENT,
    ),
    "spread conditional": (
        "a.js",
        "fetch('/talk', {method:'POST', body: JSON.stringify({text, ...(sid ? {sid} : {})})})",
        SENT,
    ),
    "spread and": ("a.js", "fetch('/talk', {method:'POST', body: JSON.stringify({text, ...(sid && {sid})})})", SENT),
    "TS as": ("a.ts", "fetch('/talk', {method:'POST', body: JSON.stringify({sid: sid, text: text} as Body)})", SENT),
    "TS satisfies": (
        "a.ts",
        "const b = {sid, text} satisfies Body;\nfetch('/talk', {method:'POST', body: JSON.stringify(b)})",
        SENT,
    ),
    "TS non-null": ("a.ts", "fetch('/talk', {method:'POST', body: JSON.stringify({sid: sid!, text})})", SENT),
    "TS typed const": (
        "a.ts",
        "const b: {sid: string; text: string} = {sid, text};\nfetch('/talk', {method:'POST', body: JSON.stringify(b)})",
        SENT,
    ),
    "TS generics nested": ("a.ts", "axios.post<Reply<Map<string, number>>>('/talk', {sid, text})", SENT),
    "TS generic fn type": ("a.ts", "axios.post<(a: string) => void>('/talk', {sid, text})", SENT),
    "JSX text apostrophe": (
        "a.tsx",
        "export function C(){ const go = async () => { await TALK };\n return <p>Don't {text}</p> }",
        SENT,
    ),
    "JSX before": ("a.jsx", "const H = () => <p>It's here</p>;\nasync function go(){ await TALK }", SENT),
    "optional chaining": ("a.js", "api?.post('/talk', {sid, text})", SENT),
    "URL const concat": (
        "a.js",
        "const API = 'http://h:1';\n"
        "const URL_ = API + '/talk';\n"
        "fetch(URL_, {method:'POST', body: JSON.stringify({sid, text})})",
        SENT,
    ),
    "URL const object": (
        "a.js",
        "const ROUTES = {talk: '/talk', other: '/x'};\n"
        "fetch(ROUTES.talk, {method:'POST', body: JSON.stringify({sid, text})})",
        SENT,
    ),
    "options const": (
        "a.js",
        "const options = {method: 'POST', body: JSON.stringify({sid, text})};\nfetch('/talk', options);",
        SENT,
    ),
    "conditional method": (
        "a.js",
        "fetch('/talk', {method: 'POST', headers: h, body: JSON.stringify({sid, text})}).then(r => "
        "r.json()).then(({reply}) => show(reply))",
        SENT,
    ),
    "semi-less": (
        "a.js",
        "const body = {sid, text}\n"
        "const r = await fetch('/talk', {method:'POST', body: JSON.stringify(body)})\n"
        "const d = await r.json()",
        SENT,
    ),
    "multi-line const": (
        "a.js",
        "const body =\n  {sid, text};\nfetch('/talk', {method:'POST', body: JSON.stringify(body)})",
        SENT,
    ),
    "later key": (
        "a.js",
        "const body = {text};\nif (sid) body.sid = sid;\nfetch('/talk', {method:'POST', body: JSON.stringify(body)})",
        SENT,
    ),
    "key of other object": (
        "a.js",
        "const body = {sid, text};\n"
        "function x(){ const body = {}; body.wrong = 1; }\n"
        "fetch('/talk', {method:'POST', body: JSON.stringify(body)})",
        SENT,
    ),
    "axios instance": ("a.js", "const api = axios.create({baseURL: '/api'});\napi.post('/talk', {sid, text})", SENT),
    "XMLHttpRequest": (
        "a.js",
        "const x = new XMLHttpRequest();\n"
        "x.open('POST', '/talk');\n"
        "x.setRequestHeader('Content-Type', 'application/json');\n"
        "x.send(JSON.stringify({sid, text}));",
        SENT,
    ),
    "html inline": ("a.html", "<p>Don't</p><script>\nTALK\n</script>", SENT),
    "vue": (
        "a.vue",
        '<template><p>It\'s {{ text }}</p></template>\n<script setup lang="ts">\nconst go = () => TALK\n</script>',
        SENT,
    ),
    "handler attribute": ("a.html", '<button onclick="TALK">x</button>', SENT),
    "html comment": (
        "a.html",
        "<!-- <form action='/old' method='post'><input name='a'></form> -->\n<script>TALK</script>",
        SENT,
    ),
    "svelte": (
        "a.svelte",
        "<script>\n  let text = '';\n  async function go(){ await TALK }\n</script>\n<p>It's</p>",
        SENT,
    ),
    "paren body": ("a.js", "fetch('/talk', {method:'POST', body: (JSON.stringify({sid, text}))})", SENT),
    "arrow in args": (
        "a.js",
        "fetch('/talk', {method:'POST', signal: (() => { return c.signal })(), body: JSON.stringify({sid, text})})",
        SENT,
    ),
    "division": ("a.js", "const n = a / b; const m = 'x' / 2;\nTALK", SENT),
    "default param object": ("a.js", "async function send(text, sid = null) { return TALK }", SENT),
    "regex with slash class": ("a.js", "const u = s.split(/[/]'/);\nTALK", SENT),
    "request object": (
        "a.js",
        "const req = new Request('/talk', {method:'POST', body: JSON.stringify({sid, text})});\nfetch(req)",
        SENT,
    ),
    "wrapper $fetch generic": ("a.ts", "await $fetch<Reply>('/talk', {method: 'POST', body: {sid, text}})", SENT),
    "decorated class": (
        "a.ts",
        "@Injectable() export class S { constructor(private http: HttpClient) {} send(sid: string, text: "
        "string) { return this.http.post<Reply>('/talk', { sid, text }); } }",
        SENT,
    ),
    "enum before": ("a.ts", "enum E { A = 'a', B = \"it's\" }\nTALK", SENT),
    "regex in argument": (
        "a.js",
        "fetch('/talk', {method:'POST', body: JSON.stringify({sid, text: text.replace(/[,'\"]/g, ' ')})})",
        {**SENT, "body text": "text.replace(/[,'\"]/g, ' ')"},
    ),
    "nested template": (
        "a.js",
        "fetch(`${base}/talk?x=${a ? `y${b}` : 'z'}`, {method:'POST', body: JSON.stringify({sid, text})})",
        {**SENT, "query x": "a ? `y$b` : 'z'"},
    ),
    "template with brace": (
        "a.js",
        "fetch(`/talk`, {method:'POST', headers: {'X-A': `{${a}}`}, body: JSON.stringify({sid, text})})",
        {**SENT, "header X-A": "`{${a}}`"},
    ),
    "string escapes": (
        "a.js",
        "fetch('/talk', {method:'POST', body: JSON.stringify({sid, text, 'it\\'s': 1})})",
        {**SENT, "body it's": 1},
    ),
    "literal string escape": (
        "a.js",
        "fetch('/talk', {method:'POST', body: JSON.stringify({sid, text, note: 'it\\'s'})})",
        {**SENT, "body note": "it's"},
    ),
    "literal in const": (
        "a.js",
        "const MODE = 'fast';\nfetch('/talk', {method:'POST', body: JSON.stringify({sid, text, mode: MODE})})",
        {**SENT, "body mode": "MODE"},
    ),
    "await in args": (
        "a.js",
        "fetch('/talk', {method:'POST', body: JSON.stringify({sid: await sid, text})})",
        {**SENT, "body sid": "await sid"},
    ),
    "what the server fills in": (
        "a.html",
        "<script>const all = {{ all | tojson }};\n"
        "{% if x %}fetch('/talk?who={{ user.id }}', {method: 'POST', body: JSON.stringify({sid: '{{ sid }}', "
        "text})});{% endif %}</script>",
        {**SENT, "query who": "user_id"},
    ),
}


def sent(folder: Path, name: str, source: str) -> list[tuple[str, str, str, dict[str, Any]]]:
    (folder / name).write_text(source.replace("TALK", TALK), "utf-8")
    return [
        (call.method, call.path, call.encoding, {str(f.place): f.value if f.known else f.said for f in call.fields})
        for call in find_clients(SourceTree(folder, folder))
    ]


@pytest.mark.parametrize(("name", "source", "fields"), CASES.values(), ids=CASES)
def test_what_a_script_sends(tmp_path: Path, name: str, source: str, fields: dict[str, Any]) -> None:
    assert sent(tmp_path, name, source) == [("POST", "/talk", "json", fields)]


@pytest.mark.parametrize(
    "source",
    [
        "const n = [" + "1," * 15_000 + "];\nTALK",
        "const n = '" + "x" * 25_000 + "';\nTALK",
        "if (a) {" * 400 + "TALK" + "}" * 400,
        "const a = b(" * 5 + "\nTALK",
    ],
    ids=["long list", "long text", "deep", "broken before"],
)
def test_neither_length_nor_depth_nor_an_error_hides_what_follows(tmp_path: Path, source: str) -> None:
    assert sent(tmp_path, "a.js", source) == [("POST", "/talk", "json", SENT)]


def test_a_path_of_a_page_keeps_what_the_server_fills_in(tmp_path: Path) -> None:
    source = "<script>\nfetch('/rooms/{{ room.id }}/talk', {method: 'POST', body: JSON.stringify({text})})\n</script>"

    assert sent(tmp_path, "a.html", source) == [("POST", "/rooms/{room_id}/talk", "json", {"body text": "text"})]


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(f'<p>\n</p><script>\n\n{TALK}</script>\n<a\n onclick="{TALK}">', "utf-8")
    (tmp_path / "b.ts").write_text(f"// one\n\n{TALK}", "utf-8")

    assert sorted((call.file, call.line) for call in find_clients(SourceTree(tmp_path, tmp_path))) == [
        ("a.html", 4),
        ("a.html", 5),
        ("b.ts", 3),
    ]


@pytest.mark.parametrize(
    "source", ["x = {" * 300, "fetch(" * 300, "`${" * 300, "\0\ud7ff fetch(`", "a?.[" * 200 + "fetch('/x')"]
)
def test_what_is_no_script_does_no_harm(tmp_path: Path, source: str) -> None:
    sent(tmp_path, "a.js", source)
    sent(tmp_path, "a.tsx", f"<p>{source}")
    sent(tmp_path, "a.html", f"<script>{source}")
