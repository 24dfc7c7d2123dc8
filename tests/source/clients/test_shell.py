"""Requests in shell scripts and documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from statecheck.source.clients.clients import find_clients
from statecheck.source.code.tree import SourceTree

if TYPE_CHECKING:
    from pathlib import Path

    from statecheck.source.clients.calls import Call

BODY = {"body sid": "s1", "body text": "hi"}
COMMANDS = [
    """curl -X POST http://localhost:8000/talk -H 'Content-Type: application/json' -d '{"sid": "s1", "text": "hi"}'""",
    """curl http://h/talk \\\n  -sN \\\n  --data-raw "{\\"sid\\": \\"s1\\", \\"text\\": \\"hi\\"}\"""",
    """curl -sS --json '{"sid": "s1",\n "text": "hi"}' http://h/talk | jq .""",
    "http POST :8000/talk sid=s1 text=hi",
    """curl -X POST localhost:8000/talk -d '{"sid": "s1", "text": "hi"}'""",
    """curl 127.0.0.1:8000/talk --json '{"sid": "s1", "text": "hi"}'""",
    "http POST desk:8000/talk sid=s1 text=hi",
    """curl -u '' http://h/talk --json '{"sid": "s1", "text": "hi"}' && echo don't""",
]


def read(folder: Path, name: str, text: str) -> tuple[Call, ...]:
    (folder / name).write_text(text)
    return find_clients(SourceTree(folder, folder))


def spelled(call: Call) -> dict[str, object]:
    return {str(field.place): field.value if field.known else field.said for field in call.fields}


@pytest.mark.parametrize("command", COMMANDS)
def test_an_example_in_a_document_is_read(tmp_path: Path, command: str) -> None:
    (call,) = read(tmp_path, "README.md", f"# Bot\n\nTry it:\n\n    {command}\n\nIt answers.\n")

    assert (call.method, call.path, call.encoding, call.test, call.line) == ("POST", "/talk", "json", True, 5)
    assert spelled(call) == BODY


def test_forms_headers_queries_and_paths_are_read(tmp_path: Path) -> None:
    form, get, path = read(
        tmp_path,
        "README.md",
        """curl -F user=ann -F "text=hello you" http://h/look; curl -H 'X-User: <user-id>' "http://h/ask?q=hi"\n"""
        """`curl -XPOST $BASE/c/$CHAT/say -d text=hi -b sid=abc`\n""",
    )

    assert (form.method, form.encoding, spelled(form)) == (
        "POST",
        "multipart",
        {"body user": "ann", "body text": "hello you"},
    )
    assert (get.method, spelled(get)) == ("GET", {"query q": "hi", "header X-User": "user-id"})
    assert (path.path, path.encoding, spelled(path)) == (
        "/c/{CHAT}/say",
        "form",
        {"cookie sid": "abc", "body text": "hi"},
    )


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ('SID=$(uuidgen)\ncurl http://h/talk -d "{\\"sid\\": \\"$SID\\", \\"text\\": \\"$1\\"}"\n', "made"),
        ("SID=$(uuidgen)\nwhile read -r line; do\n  curl http://h/talk -d sid=$SID -d text=$line\ndone\n", "kept"),
        ("curl http://h/talk -d sid=$SID -d text=$1\n", ""),
    ],
)
def test_where_a_script_has_its_session_from(tmp_path: Path, script: str, expected: str) -> None:
    (call,) = read(tmp_path, "ask.sh", script)

    assert not call.test
    assert next(field.origin for field in call.fields if field.name == "sid") == expected


@pytest.mark.parametrize(
    "text",
    [
        "Use curl to talk to it.",
        "curl https://example.org",
        "curl -d",
        "see http for more",
        "curl -X DELETE http://h/x/1",
    ],
)
def test_what_is_no_request_is_left(tmp_path: Path, text: str) -> None:
    assert all(not call.fields for call in read(tmp_path, "README.md", text))
