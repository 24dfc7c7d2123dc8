"""SC104: turn 1 was held by a workflow Context, or by a memory that an agent run made for itself."""

from __future__ import annotations

from cases import codes, findings, table
from histories import history

from statecheck.model import Anchor

DROPPED = """
1a > s
1a run call #1 run=r1 @app.py:20
1a ctx-store read #2 name=seen run=r1 @flow.py:9
1a ctx-store write #2 1 name=seen run=r1 @flow.py:10
1a gone #1
1a <
2a > s
2a run call #3 run=r2 @app.py:20
2a ctx-store read #4 name=seen run=r2 @flow.py:9
2a ctx-store write #4 2 name=seen run=r2 @flow.py:10
2a <
"""
SCRATCH_ONLY = """
1a > s
1a run call #1 run=r1 @app.py:20
1a ctx-store write #2 1 name=seen run=r1 @flow.py:9
1a ctx-store read #2 1 name=seen run=r1 @flow.py:10
1a model read 1
1a <
2a > s
2a run call #3 run=r2 @app.py:20
2a ctx-store write #4 2 name=seen run=r2 @flow.py:9
2a ctx-store read #4 2 name=seen run=r2 @flow.py:10
2a model read 2
2a <
"""
LIBRARY_S_SCRATCH = """
1a > s
1a run call #1 run=r1 @app.py:20
1a ctx-store read #2 name=memory run=r1 by_library @app.py:20
1a ctx-store write #2 1 name=user_msg_str run=r1 by_library @app.py:20
1a model read 1
1a <
2a > s
2a model read 2
2a <
"""
EDITED = """
1a > s
1a run call #1 run=r1 @app.py:20
1a ctx-store read #2 run=r1 @flow.py:9
1a ctx-store write #2 1 run=r1 @flow.py:9
1a <
2a > s
2a run call #3 run=r2 @app.py:20
2a ctx-store read #4 run=r2 @flow.py:9
2a ctx-store write #4 2 run=r2 @flow.py:9
2a <
"""
AN_AGENT_S_OWN_MEMORY = """
1a > s
1a run call #1 run=r1 @app.py:20
1a chat-store build #2 cls=SimpleChatStore by_library run=r1 @app.py:20
1a memory build #3 ^2 cls=ChatMemoryBuffer by_library run=r1 @app.py:20
1a chat-store write #2 1 cls=SimpleChatStore by_library run=r1 @app.py:20
1a memory write #3 ^2 1 cls=ChatMemoryBuffer by_library run=r1 @app.py:20
1a model read 1
1a gone #3
1a <
2a > s
2a run call #4 run=r2 @app.py:20
2a memory build #5 cls=ChatMemoryBuffer by_library run=r2 @app.py:20
2a model read 2
2a <
"""
SAVED_NEVER_LOADED = """
1a > s
1a context build #1 cls=Context @app.py:18
1a run call #1 run=r1 @app.py:20 arguments=ctx
1a ctx-store read #2 name=seen run=r1 @flow.py:9
1a ctx-store write #2 1 name=seen run=r1 @flow.py:10
1a context to_dict #1 @app.py:21
1a <
2a > s
2a context build #3 cls=Context @app.py:18
2a run call #3 run=r2 @app.py:20 arguments=ctx
2a ctx-store read #4 name=seen run=r2 @flow.py:9
2a ctx-store write #4 2 name=seen run=r2 @flow.py:10
2a context to_dict #3 @app.py:21
2a <
"""
SAVED_AND_LOADED = """
1a > s
1a context build #1 cls=Context @app.py:18
1a run call #1 run=r1 @app.py:20 arguments=ctx
1a ctx-store read #2 name=seen run=r1 @flow.py:9
1a ctx-store write #2 1 name=seen run=r1 @flow.py:10
1a context to_dict #1 @app.py:21
1a <
2a > s
2a context load #3 @app.py:17
2a run call #3 run=r2 @app.py:20 arguments=ctx
2a ctx-store read #4 1 name=seen run=r2 @flow.py:9
2a ctx-store write #4 1 2 name=seen run=r2 @flow.py:10
2a <
"""
TAKEN_BEFORE_THE_RUN = """
1a > s
1a context build #1 cls=Context @app.py:18
1a context to_dict #1 @app.py:19
1a run call #1 run=r1 @app.py:20 arguments=ctx
1a ctx-store read #2 name=seen run=r1 @flow.py:9
1a ctx-store write #2 1 name=seen run=r1 @flow.py:10
1a <
2a > s
2a context load #3 @app.py:17
2a context to_dict #3 @app.py:19
2a run call #3 run=r2 @app.py:20 arguments=ctx
2a ctx-store read #4 name=seen run=r2 @flow.py:9
2a ctx-store write #4 2 name=seen run=r2 @flow.py:10
2a <
"""
AN_APPROVAL_BESIDE_A_KEPT_CONVERSATION = """
1a > s
1a ctx-store read #2 name=approved run=r1 @flow.py:9
1a ctx-store write #2 1 name=approved run=r1 @flow.py:10
1a model read 1
1a <
2a > s
2a ctx-store read #4 name=approved run=r2 @flow.py:9
2a model read 1 2
2a <
"""
CHANGED_IN_PLACE = """
1a > s
1a run call #1 run=r1 arguments=ctx
1a ctx-store read #2 name=items run=r1 text=[] @flow.py:9
1a ctx-store mutate #2 1 name=items run=r1 @flow.py:9
1a <
2a > s
2a run call #3 run=r2 arguments=ctx
2a ctx-store read #4 name=items run=r2 text=[] @flow.py:9
2a ctx-store mutate #4 2 name=items run=r2 @flow.py:9
2a <
"""
CHANGED_IN_MEMORY = CHANGED_IN_PLACE.replace("name=items run=r2 text=[]", "1 name=items run=r2")
A_COUNTER_CHANGED_IN_PLACE = """
1a > s
1a ctx-store read #2 name=form run=r1 text={step:0} @flow.py:9
1a ctx-store mutate #2 name=form run=r1 text={step:1} @flow.py:9
1a <
2a > s
2a ctx-store read #4 name=form run=r2 text={step:0} @flow.py:9
2a ctx-store mutate #4 name=form run=r2 text={step:1} @flow.py:9
2a <
"""
BUILT_WITH_A_MEMORY = AN_AGENT_S_OWN_MEMORY.replace(
    "1a > s", "1a > s\n1a workflow build #9 cls=FunctionAgent arguments=memory @app.py:8"
).replace("run call #1", "run call #1 cls=FunctionAgent")
A_CART_CHANGED_IN_PLACE = AN_APPROVAL_BESIDE_A_KEPT_CONVERSATION.replace("ctx-store write", "ctx-store mutate")
A_PROMPT_MADE_OF_A_VALUE = "-a ctx-store write name=approved run=r0 @flow.py:5\n" + A_CART_CHANGED_IN_PLACE
PAUSED = """
1a > s
1a context build #2 run=r1 @app.py:20
1a run call #2 1 run=r1 @app.py:20
1a ctx-store write #2 1 name=question run=r1 @flow.py:9
1a asks build #3 cls=InputRequiredEvent @flow.py:12
1a <
-a gone #2
2a > s
2a run call #4 2 run=r2 @app.py:20
2a <
"""
PAUSED_AND_HELD = PAUSED.replace("-a gone #2", "")
PAUSED_AND_SAVED = PAUSED.replace("1a <", "1a context to_dict #2 @app.py:25\n1a <")
PAUSED_AND_ANSWERED = PAUSED.replace("1a <", "1a answers build #5 cls=HumanResponseEvent @app.py:27\n1a <")
NEVER_AWAITED = CHANGED_IN_PLACE.replace("mutate", "unawaited")


@table(
    never_awaited=(NEVER_AWAITED, ["SC104 unawaited-write"]),
    changed_in_place=(CHANGED_IN_PLACE, ["SC104 unset-mutation"]),
    changed_in_memory=(CHANGED_IN_MEMORY, []),
    a_counter_changed_in_place=(A_COUNTER_CHANGED_IN_PLACE, ["SC104 unset-mutation"]),
    built_with_a_memory=(BUILT_WITH_A_MEMORY, ["SC104 ignored-memory"]),
    a_cart_changed_in_place=(A_CART_CHANGED_IN_PLACE, ["SC104 unset-mutation"]),
    a_prompt_made_of_a_value=(A_PROMPT_MADE_OF_A_VALUE, []),
    dropped=(DROPPED, ["SC104"]),
    edited=(EDITED, ["SC104"]),
    an_agent_s_own_memory=(AN_AGENT_S_OWN_MEMORY, ["SC104"]),
    saved_never_loaded=(SAVED_NEVER_LOADED, ["SC104 stale-snapshot"]),
    taken_before_the_run=(TAKEN_BEFORE_THE_RUN, ["SC104 stale-snapshot"]),
    an_approval_beside_a_kept_conversation=(AN_APPROVAL_BESIDE_A_KEPT_CONVERSATION, ["SC104"]),
    saved_and_loaded=(SAVED_AND_LOADED, []),
    scratch_only=(SCRATCH_ONLY, []),
    library_s_scratch=(LIBRARY_S_SCRATCH, []),
    paused=(PAUSED, ["SC104 paused-run"]),
    paused_and_held=(PAUSED_AND_HELD, []),
    paused_and_saved=(PAUSED_AND_SAVED, []),
    paused_and_answered=(PAUSED_AND_ANSWERED, []),
)
def test_table(given: str, expected: list[str]) -> None:
    assert expected == codes(history("same-process", given))


def test_it_stands_at_the_run_that_drops_it() -> None:
    (found,) = findings(history("same-process", DROPPED))

    assert (Anchor("app.py", 20), "certain") == (found.anchor, found.confidence)
    assert "`seen`" in found.summary
    assert {Anchor("flow.py", 9, "read"), Anchor("flow.py", 10, "written")} == set(found.related)


def test_a_run_without_a_user_s_line_is_found_by_its_context() -> None:
    (found,) = findings(history("same-process", SAVED_NEVER_LOADED.replace("run=r1 @app.py:20", "run=r1")))

    assert Anchor("app.py", 18) == found.anchor


def test_it_stands_where_the_value_is_read_that_is_never_set() -> None:
    (found,) = findings(history("same-process", CHANGED_IN_PLACE))

    assert Anchor("flow.py", 9) == found.anchor


def test_it_stands_where_the_agent_is_given_what_it_ignores() -> None:
    (found,) = findings(history("same-process", BUILT_WITH_A_MEMORY))

    assert Anchor("app.py", 8) == found.anchor


def test_it_stands_at_the_run_that_waits_for_a_person() -> None:
    (found,) = findings(history("same-process", PAUSED))

    assert (found.anchor, found.related) == (Anchor("app.py", 20), (Anchor("flow.py", 12, "asked"),))
