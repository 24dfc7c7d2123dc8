"""Runs in which the cause must be found, and runs that only look alike."""

from __future__ import annotations

from statecheck.experiments import BACK_AGAIN, BASELINE, NEW_CONTAINER, NEW_PROCESS, OTHER_SESSION
from statecheck.judge.cause import KEPT, Example

_DIED = """
1a > s
1a model read 1
1a <
2b > s
2b model read 2
2b <
"""
_ON_DISK = """
1a > s
1a model read 1
1a <
2b > s
2b model read 2
2b <
-a disk 1 where=data/chat.db
"""
_NEVER_SAVED = """
-a chat-store load #9 cls=SimpleChatStore @app.py:5
1a > s
1a model read 1
1a <
2b > s
2b model read 2
2b <
"""
_PAUSED = """
1a > s
1a workflow build #1 cls=Approval @app.py:20
1a ctx-store write #2 1 name=asked @app.py:12
1a asks cls=InputRequiredEvent
1a context to_dict #3 cls=Context running
1a <
2a > t
2a <
-a disk 1 where=output/s.json
"""
_PUSHED_OUT = """
1a > s
1a model read 1
1a <
2a > t
2a model read 2
2a <
3a > s
3a model read 3
3a <
-a capacity info name=maxsize=1 text=1 where=agent_of @app.py:9
"""
_EMPTIED = """
1a > s
1a sql write 1 database=sqlite text="INSERT INTO said VALUES (?, ?)" @app.py:20
1a model read 1
1a <
-a disk 1 where=data/chat.db
-b sql delete database=sqlite text="DROP TABLE IF EXISTS said" @app.py:5
2b > s
2b model read 2
2b <
"""
_RESET_BEFORE = """
1a > s
1a sql write 1 database=sqlite text="INSERT INTO said VALUES (?, ?)" @app.py:20
1a model read 1
1a <
2a > s
2a model read 1 2
2a <
-a start-reset info text="DROP TABLE IF EXISTS said" @schema.sql:1
"""
_OTHER_TABLE = _RESET_BEFORE.replace("EXISTS said", "EXISTS prices")
_STILL_THERE = _PUSHED_OUT.replace("read 3", "read 1 3")
_GOES_ON = """
1a > -
1a asks cls=InputRequiredEvent
1a < "{1}? Tell run-7"
2b > - answers=1
2b answers cls=HumanResponseEvent @app.py:40
2b < "done: {1}"
"""
_UNKNOWN_RUN = """
1a > -
1a asks cls=InputRequiredEvent
1a < "{1}? Tell run-7"
-a place 1 where="app.paused['run-7']" key=run-7 cls=paused @app.py:6
2b > - answers=1
2b x HTTP 404
"""
_PAUSED_ON_A_VOLUME = _PAUSED.replace("-a disk 1", "-a disk 1 on_volume")

EXAMPLES = (
    Example("the process is killed", {BASELINE: KEPT, NEW_PROCESS: _DIED, NEW_CONTAINER: _DIED}),
    Example("the disk is dropped", {BASELINE: KEPT, NEW_PROCESS: KEPT, NEW_CONTAINER: _ON_DISK}),
    Example("a store is loaded, never saved", {BASELINE: KEPT, NEW_PROCESS: _NEVER_SAVED}, "never-persisted"),
    Example("a run that waits is saved on the disk", {OTHER_SESSION: _PAUSED}, "paused-run"),
    Example("a run that waits dies", {BASELINE: _GOES_ON, NEW_PROCESS: _UNKNOWN_RUN}, "paused-run"),
    Example("a table is dropped at the start", {BASELINE: KEPT, NEW_PROCESS: _EMPTIED}, "emptied-at-start"),
    Example("a start script drops a table", {BASELINE: _RESET_BEFORE, NEW_PROCESS: KEPT}, "emptied-at-start"),
    Example("a cache holds one conversation", {BASELINE: KEPT, BACK_AGAIN: _PUSHED_OUT}, "evicted"),
)
COUNTEREXAMPLES = (
    Example("all is in a database", {BASELINE: KEPT, NEW_PROCESS: KEPT, NEW_CONTAINER: KEPT}),
    Example("a run that waits goes on elsewhere", {BASELINE: _GOES_ON, NEW_PROCESS: _GOES_ON, NEW_CONTAINER: _GOES_ON}),
    Example("a start script drops another table", {BASELINE: _OTHER_TABLE, NEW_PROCESS: KEPT}),
    Example("a cache has room for others", {BASELINE: KEPT, BACK_AGAIN: _STILL_THERE}),
    Example("a run that waits is saved on a volume", {OTHER_SESSION: _PAUSED_ON_A_VOLUME}),
)
