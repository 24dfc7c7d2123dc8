"""What the app did beside answering: in the notes with the user's line."""

from __future__ import annotations

from histories import history

from statecheck.judge.conversation import Conversation
from statecheck.judge.side_effects import notes


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


def test_tokens_that_were_signed_in_place_of_another_service_are_told() -> None:
    assert noted("""
        1a signed name=PyJWT method=HS256 @app.py:4
        2a signed name=PyJWT method=HS256 @app.py:4
    """) == (
        "tokens that another service would issue were signed with the app's own key, where it checks them: "
        "PyJWT (app.py:4)",
    )
