"""What is said where every way to talk to an app was refused."""

from __future__ import annotations

from statecheck.lab.client import Answer
from statecheck.lab.refusals import list_tried
from statecheck.talk.plan import Plan


def test_all_that_was_tried_is_listed_with_its_answers_once_each() -> None:
    chat, say = Plan(path="/chat", message_field="body text"), Plan(path="/say", message_field="body text")
    refused = Answer(422, '{"detail":  "no"}', "", (), 0.0)
    locked = Answer(403, "who?", "", (), 0.0, asked="POST /login")

    assert list_tried([(chat, refused), (chat, refused), (say, locked)]).splitlines() == [
        'tried: POST /chat, message in body text, no session is sent: 422 {"detail": "no"}',
        "tried: POST /login: 403 who?",
    ]
    assert list_tried([(chat, refused)]) == ""
