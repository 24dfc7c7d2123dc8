"""A loss in the baseline that cannot be judged: what hid the conversation is named, and nothing reads as clean."""

from __future__ import annotations

from dataclasses import replace

import pytest
from histories import history

from statecheck.judge.blind_spots import find_blind_spot, is_refusal
from statecheck.judge.conversation import Conversation
from statecheck.model import Anchor, Finding

FOUND = Finding("SC101", "request-scoped", None, True, "error", "certain", "", Anchor("app.py", 3), (), (), "")


def told(text: str) -> Conversation:
    return Conversation(history("same-process", text))


def test_a_conversation_that_goes_to_a_stand_in_is_find_blind_spot() -> None:
    lost = told(
        """
        1a > alice
        1a substituted method=add 1 cls=CloudStore @app.py:7
        1a <
        """,
    )
    problem = find_blind_spot(lost, [FOUND])
    assert problem is not None
    assert problem.text.startswith("the conversation goes to `CloudStore` (app.py:7)")
    queried = told("1a > alice\n1a substituted method=query 1 cls=CloudStore\n1a <")
    assert find_blind_spot(queried, []) is None


def test_a_turn_whose_model_is_blocked_is_unjudged_unless_a_cause_explains_the_loss() -> None:
    asked = "1a > alice\n1a blocked where=llm.example.com:443 @app.py:7\n{}1a <"
    problem = find_blind_spot(told(asked.format("")), [])
    assert problem is not None
    assert problem.text.startswith("a turn asks for llm.example.com:443 (app.py:7)")
    assert find_blind_spot(told(asked.format("")), [FOUND]) is None
    assert find_blind_spot(told(asked.format("1a model read 1\n")), []) is None


def test_a_turn_whose_call_failed_is_unjudged_unless_it_was_made_again_or_the_library_is_to_blame() -> None:
    text = "1a > alice\n1a engine call 1 {}cls=ReActAgent error='AssertionError: ' @app.py:7\n{}1a <"
    problem = find_blind_spot(told(text.format("fail ", "")), [FOUND])
    assert problem is not None
    assert problem.text == (
        "turn 1 was answered, but `ReActAgent` (app.py:7) raised AssertionError, which the app caught: "
        "what it would remember cannot be seen"
    )
    assert find_blind_spot(told(text.format("", "")), [FOUND]) is None
    assert find_blind_spot(told(text.format("fail ", "1a engine call 1\n")), [FOUND]) is None
    assert find_blind_spot(told(text.format("fail ", "")), [replace(FOUND, code="SC107")]) is None


def test_a_task_that_ended_beside_the_turns_is_named() -> None:
    text = "-a error fail method=run error='ValueError: no such option' @app.py:15/run\n1a > s\n1a <\n2a > s\n2a <"
    problem = find_blind_spot(told(text), [])

    assert problem is not None
    assert problem.text.startswith("`run`, which the app began to go on beside its turns, ended with ValueError")
    assert find_blind_spot(told(text), [FOUND]) is None


def test_work_after_the_answer_that_raises_is_named_with_its_line() -> None:
    text = "1a > s\n1a error fail error='ValueError: no such option' @app.py:15\n1a <"
    problem = find_blind_spot(told(text), [])
    assert problem is not None
    assert problem.slug == "failed-after-answer"
    assert "ValueError: no such option (app.py:15)" in problem.text
    assert find_blind_spot(told(text), [FOUND]) is None


def test_an_answer_without_a_trace_of_its_message_is_no_clean_bill() -> None:
    problem = find_blind_spot(told('1a > s\n1a < "accepted"'), [])
    assert problem is not None
    assert problem.slug == "message-not-seen"
    assert "accepted" in problem.text
    assert "--endpoint" in problem.hint


def test_a_bot_that_was_not_seen_to_take_a_message_has_no_endpoint_to_name() -> None:
    problem = find_blind_spot(told('1a > s\n1a < "accepted"'), [], is_called=True)
    assert problem is not None
    assert problem.hint == "name the function that answers a text, by its file: `statecheck diagnose FILE.py:FUNCTION`"


@pytest.mark.parametrize(
    "seen",
    ["1a model read 1\n1a <", "1a sql write 1\n1a <", "1a file write 1\n1a <", '1a < "you said {1}"'],
    ids=["model", "database", "file", "answer"],
)
def test_a_message_that_was_seen_to_arrive_hides_nothing(seen: str) -> None:
    assert find_blind_spot(told(f"1a > s\n{seen}"), []) is None


def test_a_model_that_was_given_another_text_is_no_clean_bill() -> None:
    problem = find_blind_spot(told('1a > s\n1a model read @app.py:9\n1a < "noted"'), [])
    assert problem is not None
    assert problem.text.startswith("turn 1 was answered 200, but the model was not given its text (app.py:9)")
    assert find_blind_spot(told("1a > s\n1a sql write 1\n1a model read @app.py:9\n1a <"), []) is None


def test_a_second_message_that_is_taken_for_the_first_is_no_clean_bill() -> None:
    text = '1a > s\n1a model read 1\n1a <\n2a > s\n{}2a < "seen"'
    problem = find_blind_spot(told(text.format("")), [])
    assert problem is not None
    assert problem.text.startswith("turn 2 was answered 200, but its message was seen in no model")
    assert find_blind_spot(told(text.format("2a model read 2\n")), []) is None


def test_a_refusal_in_the_body_of_an_answer_is_quoted() -> None:
    problem = find_blind_spot(told("""1a > s\n1a < '{"error": "no catalogue"}'"""), [])
    assert problem is not None
    assert problem.slug == "refused-in-answer"
    assert "no catalogue" in problem.text


@pytest.mark.parametrize(
    ("answer", "refuses"),
    [
        ('{"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "no method"}}', True),
        ('{"data": null, "errors": [{"message": "no field"}]}', True),
        ('{"ok": false, "reason": "closed"}', True),
        ('{"answer": "hello", "error": null}', False),
        ('{"data": {"chat": "hello"}, "errors": []}', False),
        ("error: none", False),
        ("[]", False),
    ],
)
def test_bodies_that_refuse_are_told_from_answers(answer: str, *, refuses: bool) -> None:
    assert is_refusal(answer) is refuses


def test_a_session_s_file_that_holds_nothing_of_the_turn_is_no_clean_bill() -> None:
    text = """
        1a > alice
        1a model read 1
        1a file write where=chats/{}.json @app.py:9
        1a <
        2a > alice
        2a file {} where=chats/alice.json @app.py:5
        2a model read 2
        2a <
        """
    problem = find_blind_spot(told(text.format("alice", "read")), [])

    assert problem is not None
    assert problem.slug == "empty-file"
    assert "turn 1 writes `chats/alice.json` (app.py:9) and turn 2 reads it" in problem.text
    assert find_blind_spot(told(text.format("alice", "miss")), []) is None
    assert find_blind_spot(told(text.format("audit", "read")), []) is None


def test_a_run_that_waits_for_a_person_whom_nobody_answers_is_no_app_without_a_conversation() -> None:
    waits = "1a > -\n1a run call 1\n1a asks cls=Ask @app.py:9\n1a <\n{}2a > -\n2a run call 2\n2a <"
    problem = find_blind_spot(told(waits.format("")), [])

    assert problem is not None
    assert problem.slug == "question-not-answered"
    assert problem.text.startswith("the run of turn 1 waits for a person (`Ask` (app.py:9))")
    assert find_blind_spot(told(waits.format("1a answers cls=Said\n")), []) is None
    assert find_blind_spot(told(waits.format("")), [FOUND]) is None


def test_what_is_kept_under_the_session_s_key_and_not_given_is_no_proof_of_statelessness() -> None:
    text = "1a > sc-1\n1a model read 1\n1a <\n2a > sc-1\n2a model read 2\n2a <\n"
    text += "-a place 1 where={} key={} is_text @app.py:4"
    problem = find_blind_spot(told(text.format("main.talks[sc-1]", "sc-1")), [])

    assert problem is not None
    assert problem.text == "turn 1 is kept in `main.talks[sc-1]` (app.py:4), and turn 2's model was not given it"
    assert find_blind_spot(told(text.format("main.talks[sc-1]", "sc-1")), [FOUND]) is None
    assert find_blind_spot(told(text.format("main.answers[a]", "a")), []) is None  # a cache, by the question
