"""SC101: the innermost store that held turn 1 was built in its own request and is gone."""

from __future__ import annotations

from cases import codes, findings, run, table
from histories import history

from statecheck.model import Anchor

ARTICLE = """
1a > s
1a chat-store build #4 cls=SimpleChatStore @app.py:9
1a memory build #5 ^4 cls=ChatMemoryBuffer @app.py:9
1a chat-store write #4 1 cls=SimpleChatStore @app.py:12
1a memory write #5 ^4 1 cls=ChatMemoryBuffer @app.py:12
1a model read 1
1a gone #5
1a gone #4
1a <
2a > s
2a chat-store build #7 cls=SimpleChatStore @app.py:9
2a chat-store write #7 2 cls=SimpleChatStore @app.py:12
2a memory read #8 ^7 2 @app.py:13
2a model read 2
2a <
"""
VIEW_OVER_A_GLOBAL_STORE = """
-a chat-store build #1 cls=SimpleChatStore @app.py:3
1a > s
1a memory build #2 ^1 cls=ChatMemoryBuffer @app.py:9
1a chat-store write #1 1 cls=SimpleChatStore key=s @app.py:12
1a memory write #2 ^1 1 cls=ChatMemoryBuffer key=s @app.py:12
1a model read 1
1a gone #2
1a <
2a > s
2a memory build #3 ^1 cls=ChatMemoryBuffer @app.py:9
2a chat-store read #1 1 cls=SimpleChatStore key=s @app.py:12
2a model read 1 2
2a <
"""
ONLY_THE_MEMORY_IS_SEEN = """
1a > s
1a memory build #5 cls=MyMemory @app.py:9
1a memory write #5 1 cls=MyMemory @app.py:12
1a model read 1
1a gone #5
1a <
2a > s
2a memory build #6 cls=MyMemory @app.py:9
2a model read 2
2a <
"""
BUILT_BY_THE_APP_AND_HELD_IN_A_CONTEXT = """
1a > s
1a memory build #5 cls=ChatMemoryBuffer @app.py:9
1a context build #6 cls=Context @app.py:10
1a run call #6 @app.py:11 run=r1 arguments=ctx,memory
1a memory write #5 1 cls=ChatMemoryBuffer by_library run=r1 @app.py:11
1a model read 1 run=r1
1a gone #6
1a gone #5
1a <
2a > s
2a memory build #7 cls=ChatMemoryBuffer @app.py:9
2a memory write #7 2 cls=ChatMemoryBuffer by_library run=r2 @app.py:11
2a model read 2
2a <
"""
CLEARED_BY_THE_APP = """
-a memory build #1 cls=ChatMemoryBuffer @app.py:3
1a > s
1a memory reset #1 @app.py:9
1a memory write #1 1 cls=ChatMemoryBuffer @app.py:12
1a model read 1
1a <
2a > s
2a memory reset #1 @app.py:9
2a memory write #1 2 cls=ChatMemoryBuffer @app.py:12
2a model read 2
2a <
"""
NOTHING_IS_WRITTEN = """
1a > s
1a model read 1
1a <
2a > s
2a model read 2
2a <
"""


@table(
    article=(ARTICLE, ["SC101"]),
    only_the_memory_is_seen=(ONLY_THE_MEMORY_IS_SEEN, ["SC101"]),
    built_by_the_app_and_held_in_a_context=(BUILT_BY_THE_APP_AND_HELD_IN_A_CONTEXT, ["SC101"]),
    view_over_a_global_store=(VIEW_OVER_A_GLOBAL_STORE, []),
    cleared_by_the_app=(CLEARED_BY_THE_APP, []),
    nothing_is_written=(NOTHING_IS_WRITTEN, []),
)
def test_table(given: str, expected: list[str]) -> None:
    assert expected == codes(history("same-process", given))


def test_it_stands_where_the_store_is_built_and_says_where_it_is_used() -> None:
    (found,) = findings(history("same-process", ARTICLE))

    assert found.primary
    assert (Anchor("app.py", 9), "certain") == (found.anchor, found.confidence)
    assert (Anchor("app.py", 12, "written"),) == found.related
    assert "SimpleChatStore" in found.summary
    assert "is gone" in found.summary


def test_without_a_frame_it_stands_at_the_endpoint_and_is_only_likely() -> None:
    (found,) = findings(history("same-process", ARTICLE.replace("@app.py:9", "")))

    assert (Anchor("app.py", 1), "likely") == (found.anchor, found.confidence)


def test_the_store_is_not_said_to_be_gone_while_something_holds_it() -> None:
    (found,) = findings(history("same-process", ARTICLE.replace("1a gone #4", "")))

    assert found.code == "SC101"
    assert "is gone" not in found.summary


UNSET = """
1a > s
1a session write cls=SecureCookieSession @app.py:8
1a session read cls=SecureCookieSession @app.py:9
1a model read 1
1a <
2{b} > s
2{b} session read 1 cls=SecureCookieSession @app.py:9
2{b} model read 1 2
2{b} session mutate 1 2 cls=SecureCookieSession name=messages @app.py:9
2{b} <
"""
THIRD = """
3a > s
3a session read 1 cls=SecureCookieSession @app.py:9
3a model read {given} 3
3a <
"""


def test_a_session_that_is_changed_in_place_keeps_only_the_turn_that_set_it() -> None:
    there = UNSET.format(b="b") + THIRD.format(given="1")
    control = UNSET.format(b="a") + THIRD.format(given="1")
    (found,) = findings(*run(same_process=UNSET.format(b="a"), other_worker=there, control=control))

    assert ("SC101", "unset-mutation", Anchor("app.py", 9)) == (found.code, found.kind, found.anchor)
    assert "`messages` of a SecureCookieSession" in found.summary


def test_one_that_is_saved_by_hand_keeps_them_all() -> None:
    there = UNSET.format(b="b") + THIRD.format(given="1 2")

    assert codes(*run(same_process=UNSET.format(b="a"), other_worker=there)) == []


STREAMED = """
1a > s
1a sql write 1 @app.py:30
1a model read 1
1a <
2a > s
2a model read 1 2
{left}
2a ? "ReadError"
3a > s
3a model read {given}
3a <
"""


def test_a_turn_whose_client_went_away_is_a_warning_where_nothing_of_it_is_kept() -> None:
    kept = history("same-process", STREAMED.format(left="", given="1 2 3").replace('? "ReadError"', "<"))
    cut = STREAMED.format(left="2a left info", given="1 3")
    (found,) = findings(kept, history("stream-cut", cut))

    assert (found.code, found.kind, found.severity) == ("SC101", "stream-cut", "warning")
    assert found.anchor == Anchor("app.py", 30, "written")
    assert codes(kept, history("stream-cut", STREAMED.format(left="2a left info", given="1 2 3"))) == []
    assert codes(kept, history("stream-cut", STREAMED.format(left="", given="1 3"))) == [], "nobody left"
