"""What the app did beside answering: in the notes with the user's line, and what stands in is not judged."""

from __future__ import annotations

from dataclasses import replace

from histories import history

from statecheck.judge.blind_spots import find_blind_spot
from statecheck.judge.conversation import Conversation
from statecheck.judge.side_effects import notes
from statecheck.model import Anchor, Finding

FOUND = Finding("SC101", "request-scoped", None, True, "error", "certain", "", Anchor("app.py", 3), (), (), "")


def told(text: str) -> Conversation:
    return Conversation(history("same-process", text))


def noted(text: str) -> tuple[str, ...]:
    return notes({"same-process": told(text)})


def test_a_tool_is_named_with_its_effects_and_where_they_are() -> None:
    assert noted("""
        1a tool call tool=save @app.py:3
        1a file write where=/srv/app/notes.txt tool=save @app.py:4
        1a effect run text="git push" tool=save @app.py:5
        1a blocked where=smtp.example.com:587 tool=save @app.py:6
        1a tool call tool=look @app.py:9
        1a file write where=/srv/app/chat.json @app.py:12
    """) == (
        "tool `save` (app.py:3) was called and wrote `notes.txt` (app.py:4); ran `git push` (app.py:5); asked for "
        "smtp.example.com:587, which was blocked (app.py:6)",
        "tools called, without an effect that was seen: `look` (app.py:9)",
    )


def test_what_is_blocked_is_named_once_with_the_line_and_the_time() -> None:
    assert noted("""
        -a blocked where=api.example.com:443 @app.py:2/<module>
        -a blocked where=telemetry.example.com:443
        1a blocked where=api.example.com:443 @app.py:8
        1a blocked where=api.example.com:443 @app.py:8
        1a effect delete where=/tmp/x @app.py:9
    """) == (
        "done in turns: removed `x` (app.py:9)",
        "blocked, as nothing leaves this machine: api.example.com:443 (app.py:2) at import; "
        "api.example.com:443 (app.py:8)",
        "blocked, asked for by libraries on their own: telemetry.example.com:443",
    )


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
