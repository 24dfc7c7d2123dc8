"""Runs in which the cause must be found, and runs that only look alike."""

from __future__ import annotations

from statecheck.experiments import BASELINE, CONTROL, FLAG, OTHER_WORKER, SAME_CONNECTION, STREAM_CUT
from statecheck.judge.cause import KEPT, Example

_BUILT_IN_THE_REQUEST = """
1a > s
1a memory build #1 cls=Memory @app.py:9
1a memory write #1 1 cls=Memory @app.py:12
1a model read 1
1a gone #1
1a <
2a > s
2a memory build #2 cls=Memory @app.py:9
2a model read 2
2a <
"""
_A_VIEW_OVER_A_STORE = """
-a chat-store build #1 cls=SimpleChatStore @app.py:3
1a > s
1a memory build #2 ^1 cls=Memory @app.py:9
1a chat-store write #1 1 cls=SimpleChatStore key=s @app.py:12
1a memory write #2 ^1 1 cls=Memory key=s @app.py:12
1a model read 1
1a gone #2
1a <
2a > s
2a memory build #3 ^1 cls=Memory @app.py:9
2a chat-store read #1 1 cls=SimpleChatStore key=s @app.py:12
2a model read 1 2
2a <
"""
_CHANGED_IN_PLACE = """
1a > s
1a session write cls=SecureCookieSession @app.py:8
1a model read 1
1a <
2b > s
2b session read 1 cls=SecureCookieSession @app.py:9
2b model read 1 2
2b session mutate 1 2 cls=SecureCookieSession name=messages @app.py:9
2b <
3a > s
3a session read 1 cls=SecureCookieSession @app.py:9
3a model read 1 3
3a <
"""
_LEFT_BEFORE_THE_END = """
1a > s
1a sql write 1 @app.py:30
1a model read 1
1a <
2a > s
2a model read 1 2
2a left info
2a ? ReadError
3a > s
3a model read 1 3
3a <
"""
_SAVED_ALL_THE_SAME = _LEFT_BEFORE_THE_END.replace("read 1 3", "read 1 2 3")
_ONE_WAY = """
1a > s
1a model read 1
1a <
2a > s `stream` = true
2a model read 1 2 @app.py:45
2a <
3a > s
3a model read 1 3
3a <
"""
_BOTH_WAYS = _ONE_WAY.replace("read 1 3", "read 1 2 3")
_ANEW = """
1a > s
1a model read 1 @app.py:17
1a <
2a > s
2a model read 2 @app.py:17
2a <
"""
_ON_ONE_LINE = """
1a > s
1a model read 1 @app.py:17
1a <
2a > s
2a model read 1 2 @app.py:17
2a <
-a place 1 where=chat.history cls=history is_text @app.py:13
"""
_DROPPED_LIST = (
    _ANEW + "- dropped name=history method=chat arguments=chat @app.py:15 @app.py:17/read @app.py:18/written\n"
)
_UNFILLED = _ANEW + "- unfilled name=rooms method=load arguments=chat,load @app.py:5 @app.py:9/read\n"
_COPIED = _ANEW + "- copied name=request.state.talks method=ask arguments=ask,chat @app.py:20 @app.py:16/read\n"
_ASKED_TWICE = _DROPPED_LIST.replace(
    "2a model read 2 @app.py:17", "2a model read 2 @app.py:17\n2a model read 2 @app.py:17"
)
_NOT_ASKED = _UNFILLED.replace("arguments=chat,load", "arguments=admin,load")
_FLUSHED = """
1a > s
1a model read 1
1a <
2a > s
2a model read 1 2
2a <
3a > s
3a block build #5 cls=FactExtractionMemoryBlock @app.py:9
3a block write #5 1 cls=FactExtractionMemoryBlock @app.py:12
3a block read #5 1 cls=FactExtractionMemoryBlock @app.py:12
3a model read 1 2 3
3a <
4a > s
4a block build #7 cls=FactExtractionMemoryBlock @app.py:9
4a block read #7 cls=FactExtractionMemoryBlock @app.py:12
4a model read 2 3 4
4a <
"""
_FLUSHED_TO_A_STORE = _FLUSHED.replace("read #7", "read #7 1")
_FLUSHED_FOR_GOOD = _FLUSHED.replace("3a block build #5 cls=FactExtractionMemoryBlock @app.py:9\n", "").replace(
    "1a > s", "1a > s\n1a block build #5 cls=FactExtractionMemoryBlock @app.py:9"
)
_FLUSHED_AT_THE_END = _FLUSHED.replace("3a block read #5 1 cls=FactExtractionMemoryBlock @app.py:12\n", "")
_FLUSHED_TO_FIXED_WORDS = _FLUSHED_AT_THE_END.replace("FactExtraction", "Static")
_FLUSHED_AND_STORED = _FLUSHED_AT_THE_END.replace("3a model", "3a sql write 1 @app.py:14\n3a model")

EXAMPLES = (
    Example("a memory is built in each request", {BASELINE: _BUILT_IN_THE_REQUEST}),
    Example("a session is changed in place", {BASELINE: KEPT, OTHER_WORKER: _CHANGED_IN_PLACE}, "unset-mutation"),
    Example("a list is dropped with its request", {BASELINE: _DROPPED_LIST}, "not-put-back"),
    Example("nothing fills a dict that is asked", {BASELINE: _UNFILLED}, "not-put-back"),
    Example("a request's copy of a state is assigned to", {BASELINE: _COPIED}, "not-put-back"),
    Example("a block is built in each request", {BASELINE: KEPT, CONTROL: _FLUSHED}),
    Example("what is flushed last is not asked for again", {BASELINE: KEPT, CONTROL: _FLUSHED_AT_THE_END}),
    Example("a connection holds it", {BASELINE: _ANEW, SAME_CONNECTION: _ON_ONE_LINE}, "per-connection"),
    Example("one way of answering writes nothing", {BASELINE: KEPT, FLAG: _ONE_WAY}, "other-way"),
    Example("a client leaves", {BASELINE: KEPT, STREAM_CUT: _LEFT_BEFORE_THE_END}, STREAM_CUT),
)
COUNTEREXAMPLES = (
    Example("a list goes from one call to the next of a turn", {BASELINE: _ASKED_TWICE}),
    Example("a dict is asked by a function that did not run", {BASELINE: _NOT_ASKED}),
    Example("another endpoint assigns to its copy", {BASELINE: _COPIED.replace("ask,chat", "ask")}),
    Example("only a view over a store is built in each request", {BASELINE: _A_VIEW_OVER_A_STORE}),
    Example("a block is a view over a store", {BASELINE: KEPT, CONTROL: _FLUSHED_TO_A_STORE}),
    Example("a block has words of its own only", {BASELINE: KEPT, CONTROL: _FLUSHED_TO_FIXED_WORDS}),
    Example("a block stores what it is given", {BASELINE: KEPT, CONTROL: _FLUSHED_AND_STORED}),
    Example("a block is built once", {BASELINE: KEPT, CONTROL: _FLUSHED_FOR_GOOD}),
    Example("a connection's second message begins anew as well", {BASELINE: _ANEW, SAME_CONNECTION: _ANEW}),
    Example("both ways write", {BASELINE: KEPT, FLAG: _BOTH_WAYS}),
    Example("a client leaves, its turn is kept", {BASELINE: KEPT, STREAM_CUT: _SAVED_ALL_THE_SAME}),
)
