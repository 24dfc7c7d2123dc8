"""Lambda handlers: the event is what the handler reads of it, as what calls it would make it."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING

import pytest

from statecheck.errors import ExitCode, StatecheckError
from statecheck.source.code.tree import SourceTree
from statecheck.talk.plan import AppFacts, Overrides, Plan, Route
from statecheck.talk.planning import candidates
from statecheck.talk.requests import render

if TYPE_CHECKING:
    from pathlib import Path

    from statecheck.talk.plan import Json


def planned(folder: Path, body: str, overrides: Overrides | None = None) -> Plan:
    file = folder / "app.py"
    file.write_text(f"def handler(event, context):\n{textwrap.indent(textwrap.dedent(body), '    ')}")
    facts = AppFacts("lambda", "handler", (Route("", (), "handler", str(file), 1),))
    return candidates(facts, SourceTree(folder, folder), overrides or Overrides())[0]


@pytest.mark.parametrize(
    ("body", "event"),
    [
        (
            "return S[event['user']['id']].chat(event['message'])",
            {"user": {"id": "{session}"}, "message": "{message}"},
        ),
        (
            """\
            past = event["sessionState"]["sessionAttributes"].get("past", "")
            return S[event["sessionId"]].chat(event["inputTranscript"])
            """,
            {"sessionState": {"sessionAttributes": {}}, "sessionId": "{session}", "inputTranscript": "{message}"},
        ),
        (
            """\
            body = event["body"] if "body" in event else event
            if isinstance(body, str):
                body = json.loads(body)
            user = event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"]
            if event["requestContext"]["http"]["method"] == "POST":
                return S[user].chat(body["text"])
            """,
            {
                "version": "2.0",
                "requestContext": {
                    "authorizer": {"jwt": {"claims": {"sub": "{session}"}}},
                    "http": {"method": "POST"},
                },
                "headers": {},
                "queryStringParameters": {},
                "pathParameters": {},
                "body": '{"text": "{message}"}',
            },
        ),
        (
            """\
            q = (event.get("queryStringParameters") or {}).get("q", "")
            return S[event["pathParameters"]["pupil"] + event["headers"]["X-Class"]].chat(q)
            """,
            {
                "version": "1.0",
                "headers": {"X-Class": "{user}"},  # to which the pupil belongs
                "queryStringParameters": {"q": "{message}"},
                "pathParameters": {"pupil": "{session}"},
                "body": None,
            },
        ),
        (
            """\
            form = parse_qs(base64.b64decode(event.get("body") or ""))
            return S[form["From"][0]].chat(form["Body"][0])
            """,
            {
                "version": "1.0",
                "headers": {},
                "queryStringParameters": {},
                "pathParameters": {},
                "body": "From={session}&Body={message}",
            },
        ),
        (
            """\
            body = event["body"]
            return S[body["pupil"]].chat(body["text"])
            """,
            {
                "version": "1.0",
                "headers": {},
                "queryStringParameters": {},
                "pathParameters": {},
                "body": {"text": "{message}", "pupil": "{session}"},
            },
        ),
    ],
    ids=["direct", "lex", "http api", "rest api", "form", "parsed already"],
)
def test_the_event_is_what_the_handler_reads_of_it(tmp_path: Path, body: str, event: Json) -> None:
    assert planned(tmp_path, body).args == (event,)


def test_what_a_gateway_makes_itself_says_nothing_of_who_is_talking(tmp_path: Path) -> None:
    plan = planned(
        tmp_path, "S[event['requestContext']['requestId']] = 1\nreturn llm.chat(json.loads(event['body'])['text'])"
    )

    assert (plan.session_field, plan.message_field) == (None, "body text")


def test_a_list_of_messages_is_json_in_the_body_too(tmp_path: Path) -> None:
    plan = planned(
        tmp_path,
        "past = json.loads(event['body'])['messages']\nreturn llm.chat([T(m['role'], m['content']) for m in past])",
    )
    (event,) = render(plan, "sc-1", "now", [("user", "before")]).args
    assert isinstance(event, dict)

    assert json.loads(str(event["body"])) == {
        "messages": [{"role": "user", "content": "before"}, {"role": "user", "content": "now"}]
    }
    assert plan.carries_history


def test_an_event_of_which_nothing_is_read_cannot_be_made_up(tmp_path: Path) -> None:
    with pytest.raises(StatecheckError) as caught:
        planned(tmp_path, "return Resolver().resolve(event, context)")

    assert (caught.value.slug, caught.value.exit_code) == ("no-message-field", ExitCode.INCONCLUSIVE)


def test_a_client_of_a_gateway_is_followed_where_it_spells_the_session_otherwise(tmp_path: Path) -> None:
    (tmp_path / "page.js").write_text(
        "const sessionId = localStorage.id;\n"
        "const ask = (text) => fetch('https://api.example.com/prod/ask', {method: 'POST', "
        "headers: {'x-tenant': tenant}, body: JSON.stringify({sessionId, text})});"
    )
    body = """\
        body = json.loads(event["body"])
        return S[event["headers"]["X-Tenant"], body.get("session_id") or "default"].chat(body["text"])
    """

    plan = planned(tmp_path, body)

    assert '{"sessionId": "{session}", "text": "{message}"}' in plan.args[0].values()  # type: ignore[union-attr]
    assert plan.args[0]["headers"].keys() == {"X-Tenant"}  # type: ignore[index, call-overload, union-attr]
    assert plan.why[-1] == "the request is what page.js:2 sends"
