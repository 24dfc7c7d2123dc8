"""Runs in which the cause must be found, and runs that only look alike."""

from __future__ import annotations

from statecheck.experiments import BASELINE, CONTROL, OTHER_WORKER
from statecheck.judge.cause import KEPT, Example

_REFUSED = """
1a > s
1a chat-store write fail #1 1 cls=SimpleChatStore @app.py:12 error="PydanticSerializationError: Error calling function"
1a < sorry
2a > s
2a model read 2
2a <
"""
_FOR_ITS_LENGTH = _REFUSED.replace("PydanticSerializationError: Error calling function", "ValueError: too long")
_SILENT = """
1a > s
1a chat-store write #1 1 key=s cls=MyStore @app.py:12
1a model read 1
1a <
2a > s
2a chat-store read #1 key=s cls=MyStore @app.py:12
2a model read 2
2a <
"""
_PICKLED = """
1a > s
1a memory build #1 key=s cls=Memory where=sqlite+aiosqlite:///chat.db @app.py:9
1a memory write #1 1 key=s cls=Memory where=sqlite+aiosqlite:///chat.db @app.py:12
1a model read 1
1a <
2a > s
2a memory read #2 key=s cls=Memory where=sqlite+aiosqlite:///:memory: @app.py:12
2a model read 2
2a <
"""
_LONG_COOKIE = (
    KEPT.replace("2a <", "2a < Noted. ignored=basket 4698")
    + """
3a > s
3a model read 1 3
3a <
"""
)
_KEPT_BESIDE = _LONG_COOKIE.replace("3a model read 1 3", "3a model read 1 2 3")
_REVERSED = (
    KEPT
    + """
3a > s
3a defect name=reverses method=delete_message cls=TheStore distribution="a-library 0.8.0" @app.py:30
3a model read 1 2 3
3a <
"""
)
_DOUBLED = KEPT.replace("2a <", "2a defect name=doubles method=set_messages cls=TheStore @app.py:30\n2a <")
_MERGED = _DOUBLED.replace("doubles", "merges").replace("set_messages", "put")
_FOR_GOOD = _DOUBLED.replace("doubles", "drops-ttl").replace("set_messages", "delete_message")
_REFUSED_ALWAYS = """
1a > s
1a chat-store read fail #1 key=s cls=TheStore distribution="a-library 0.6.0" error="AttributeError: _atable" @app.py:12
1a x HTTP 500
2a > s
2a chat-store read fail #1 key=s cls=TheStore distribution="a-library 0.6.0" error="AttributeError: _atable" @app.py:12
2a x HTTP 500
"""
_MISUSED = _REFUSED_ALWAYS.replace(' distribution="a-library 0.6.0"', "")
_UNREACHED = _REFUSED_ALWAYS.replace("AttributeError: _atable", "ConnectionError: refused")
_POISONED = """
1a > s
1a chat-store read #1 key=s cls=TheStore @app.py:11
1a model read 1
1a chat-store write #1 1 key=s cls=TheStore @app.py:12
1a <
2a > s
2a chat-store read fail #1 key=s cls=TheStore distribution="a-library 0.6.0" error="ValidationError: image" @app.py:11
2a x HTTP 500
"""
_STORED = """
1a > s
1a chat-store read #1 key=s cls=TheStore @app.py:11
1a model read 1
1a chat-store write fail #1 1 key=s cls=TheStore distribution="a-library 0.8.0" error="RuntimeError: {}" @app.py:12
1a x HTTP 500
2a > s
2a chat-store read #1 1 key=s cls=TheStore @app.py:11
2a model read 1 2
2a chat-store write fail #1 2 key=s cls=TheStore distribution="a-library 0.8.0" error="RuntimeError: {}" @app.py:12
2a x HTTP 500
""".replace("{}", "Event loop is closed")
_DELETED = _SILENT.replace("2a > s", "2a > s\n2a chat-store delete #1 key=s @app.py:11")
_DROPPED = """
1a > s
1a memory write #2 1 cls=ChatMemoryBuffer by_library run=r1 @app.py:12
1a model read 1
1a <
2a > s
2a warning cls=UnserializableKeyWarning @app.py:12
2a run call #3 run=r2 arguments=ctx @app.py:12
2a model read 2
2a <
"""
_FILTERED_OUT = """
1a > s
1a sql send database=sqlite arguments=s text="SELECT content FROM lines WHERE room = ? AND shown = 1" @app.py:9
1a model read 1
1a sql write 1 database=sqlite arguments=s text="INSERT INTO lines VALUES (?, ?)" @app.py:12
1a <
2a > s
2a sql send database=sqlite arguments=s text="SELECT content FROM lines WHERE room = ? AND shown = 1" @app.py:9
2a model read 2
2a <
-a disk 1 where=data/lines.db
"""
_NOT_COMMITTED = _FILTERED_OUT.replace("-a disk 1 where=data/lines.db\n", "")
_NEVER_READ = _FILTERED_OUT.replace("2a model", "2a sql read 1 database=sqlite @app.py:9\n2a model")
_COUNTED = _NEVER_READ.replace("SELECT content FROM", "SELECT COUNT(*), coalesce(sum(length), 0) AS most FROM")
_READ_ONCE = _FILTERED_OUT.replace(
    '2a sql send database=sqlite arguments=s text="SELECT content FROM lines WHERE room = ? AND shown = 1" @app.py:9\n',
    '2a sql write 2 database=sqlite arguments=s text="INSERT INTO lines VALUES (?, ?)" @app.py:12\n',
)
_BEHIND_AN_ENGINE = _NOT_COMMITTED.replace(
    "1a model read 1",
    "1a memory build #1 cls=Memory @app.py:20\n1a memory write #1 1 cls=Memory @app.py:21\n1a model read 1",
)
_A_LOG = _FILTERED_OUT.replace("2a sql send database=sqlite arguments=s", "2a sql send database=sqlite").replace(
    "INTO lines", "INTO audit"
)
_FAILED_SAVE = """
1a > s
1a sql send database=sqlite arguments=s text="SELECT content FROM lines WHERE room = ?" @app.py:9
1a model read 1 @app.py:11
1a error fail @app.py:5/keep error="ProgrammingError: SQLite objects created in a thread"
1a <
2a > s
2a sql send database=sqlite arguments=s text="SELECT content FROM lines WHERE room = ?" @app.py:9
2a model read 2 @app.py:11
2a error fail @app.py:5/keep error="ProgrammingError: SQLite objects created in a thread"
2a <
"""
_FAILED_BESIDE_AN_ENGINE = _FAILED_SAVE.replace(
    "1a model read 1",
    "1a memory build #1 cls=ChatMemoryBuffer @app.py:9\n1a memory write #1 1 cls=ChatMemoryBuffer @app.py:10\n"
    "1a gone #1\n1a model read 1",
)
_GUARDED_SAVE = """
1a > s
1a file miss where=data/s.json @app.py:9/load @app.py:20
1a model read 1 @app.py:22
1a <
2a > s
2a file miss where=data/s.json @app.py:9/load @app.py:20
2a model read 2 @app.py:22
2a <
- guarded name="if len(log) > 4" method=save arguments=chat,save @app.py:14 @app.py:15/written
"""
_GUARDED_KEY = _GUARDED_SAVE.replace(
    "file miss where=data/s.json", r"wire send where=127.0.0.1:6379 text='*2\r\n$3\r\nGET\r\n$1\r\ns\r\n'"
)
_GUARDED_BESIDE_AN_ENGINE = _GUARDED_SAVE.replace(
    "1a model read 1",
    "1a memory write #1 1 cls=Memory where=sqlite+aiosqlite:///:memory: @app.py:21\n"
    "1a sql write 1 database=sqlite text='INSERT INTO llama_index_memory VALUES (?)' @app.py:21\n"
    "1a gone #1\n1a model read 1",
)
_ASKS_NOTHING = "".join(line for line in _GUARDED_SAVE.splitlines(keepends=True) if " miss " not in line)
_SAVER_ENDED = "-a error fail method=run @app.py:5/run error='TypeError: not JSON serializable'\n" + "".join(
    line for line in _FAILED_SAVE.splitlines(keepends=True) if " error " not in line
)
_REFRESHER_ENDED = _SAVER_ENDED.replace("sql send", "sql write 1").replace("SELECT content FROM", "INSERT INTO")
_FAILED_FOR_THE_NETWORK = _FAILED_SAVE.replace("ProgrammingError: SQLite objects", "ConnectionRefusedError: SQLite")
_FAILED_ONCE = "".join(line for line in _FAILED_SAVE.splitlines(keepends=True) if "2a error" not in line)
_ANSWERS_MISSING = """
1a > s
1a sql write 1 database=sqlite text="INSERT INTO lines VALUES (?, ?)" @app.py:9
1a model read 1 roles=u
1a <
2a > s
2a model read 1 2 roles=uu @app.py:11
2a <
"""
_GIVEN_TWICE = """
1a > s
1a sql write 1 database=sqlite text="INSERT INTO lines VALUES (?, ?)" @app.py:9
1a model read 1 messages=u1,u1 @app.py:11
1a <
2a > s
2a model read 1 2 messages=u1,a1,u2,u2 @app.py:11
2a <
"""
_ANSWERED_ALIKE = _GIVEN_TWICE.replace("u1,u1", "u1").replace("u1,a1,u2,u2", "s1,u1,a1,s1,a1,u2")
_ORPHANED = _GIVEN_TWICE.replace("u1,u1", "u1").replace("u1,a1,u2,u2", "t1,a1,u2")
_WITH_TOOLS = _ORPHANED.replace("t1,a1,u2", "u1,c1,t1,t2,a1,u2,c2")
_ANSWERS_GIVEN = _ANSWERS_MISSING.replace("roles=uu", "roles=uau")
_MANY = "".join(f"{n}a > s\n{n}a model read {{{n}}} {n}\n{n}a <\n" for n in range(1, 7))
_IN_REVERSE = """
1a > s
1a model read 1 roles=u
1a <
2b > s
2b model read 1 2 roles=uau
2b <
3a > s
3a model read 2 1 3 roles=uauau @app.py:20
3a <
"""
_IN_ORDER = _IN_REVERSE.replace("read 2 1 3", "read 1 2 3")
_RETRIEVED = _IN_REVERSE.replace("roles=uauau", "roles=su")
_OLDEST = _MANY.format("", "", "1", "1 2", "1 2", "1 2", "1 2")
_NEWEST = _MANY.format("", "", "1", "1 2", "2 3", "3 4", "4 5")

_SHORT_LIVED = r"""
1a > s
1a wire send where=redis:6379 text='*2\r\n$3\r\nGET\r\n$1\r\ns\r\n' @app.py:8
1a model read 1
1a wire write 1 where=redis:6379 text='*5\r\n$3\r\nSET\r\n$1\r\ns\r\n$2\r\n{}\r\n$2\r\nPX\r\n$4\r\n1800\r\n' @app.py:9
1a <
2a > s
2a wire send where=redis:6379 text='*2\r\n$3\r\nGET\r\n$1\r\ns\r\n' @app.py:8
2a wire read 1 where=redis:6379
2a model read 1 2
2a <
"""
_SET = r"'*5\r\n$3\r\nSET\r\n$1\r\ns\r\n$2\r\n{}\r\n$2\r\nPX\r\n$4\r\n1800\r\n' @app.py:9"
_PUSH = r"'*3\r\n$5\r\nRPUSH\r\n$1\r\ns\r\n$2\r\n{}\r\n' @app.py:12"
_EXPIRE = "\n1a wire send where=redis:6379 text="
_EXPIRES = _SHORT_LIVED.replace(_SET, _PUSH + _EXPIRE + r"'*3\r\n$6\r\nEXPIRE\r\n$1\r\ns\r\n$1\r\n2\r\n' @app.py:13")
_FOR_AN_HOUR = _EXPIRES.replace(r"$1\r\n2\r\n", r"$4\r\n3600\r\n")
_BEFORE_A_DATABASE = _SHORT_LIVED.replace(
    "1a model",
    "1a sql send database=sqlite arguments=s text='SELECT text FROM said WHERE session = ?' @app.py:9\n"
    "1a sql write 1 database=sqlite arguments=s text='INSERT INTO said VALUES (?, ?)' @app.py:10\n"
    "1a model",
)
_ONLY_IN_MEMORY = _SHORT_LIVED.replace("2a", "2b").replace("model read 1 2", "model read 2")

_LEFT_OUT = """
1a > s
1a model read 1 roles=u
1a <
2a > s
2a model read 1 2 roles=uau
2a <
3a > s
3a model read 1 2 3 roles=uauau
3a <
4a > s
4a model read 1 2 4 roles=uauaau
4a <
5a > s
5a sql send text="select body from event where stream = ?" @app.py:36
5a model read 1 2 4 5 roles=uauaauau @app.py:40
5a <
"""
_HEAD_AND_TAIL = _LEFT_OUT.replace("uauaa", "uaua")
_RETRIEVED_OF_ALL = _LEFT_OUT.replace("roles=uauaauau", "roles=su")

EXAMPLES = (
    Example("an agent's memory is left out of its Context", {BASELINE: _DROPPED}, "dropped-memory"),
    Example("a message cannot be serialized", {BASELINE: _REFUSED}, "refused-write"),
    Example("a store does not have what it took", {BASELINE: _SILENT}, "silent-loss"),
    Example("a row is never committed", {BASELINE: _NOT_COMMITTED}, "not-committed"),
    Example("a query leaves a row out", {BASELINE: _FILTERED_OUT}, "filtered-out"),
    Example("a turn between others is left out", {BASELINE: KEPT, CONTROL: _LEFT_OUT}, "filtered-out"),
    Example("a row is read and not used", {BASELINE: _NEVER_READ}, "never-read"),
    Example("a row is read once and kept by a cache", {BASELINE: _READ_ONCE}, "read-once"),
    Example("a row of an engine's history is never committed", {BASELINE: _BEHIND_AN_ENGINE}, "not-committed"),
    Example("a save fails after each answer", {BASELINE: _FAILED_SAVE}, "failed-save"),
    Example("a save fails beside an engine of the request", {BASELINE: _FAILED_BESIDE_AN_ENGINE}, "failed-save"),
    Example("what saves for all turns has ended", {BASELINE: _SAVER_ENDED}, "failed-save"),
    Example("a condition keeps a save from happening", {BASELINE: _GUARDED_SAVE}, "guarded-save"),
    Example("a condition keeps a save beside an engine", {BASELINE: _GUARDED_BESIDE_AN_ENGINE}, "guarded-save"),
    Example("a condition keeps a key from being written", {BASELINE: _GUARDED_KEY}, "guarded-save"),
    Example("the newest turn first", {BASELINE: KEPT, OTHER_WORKER: _IN_REVERSE}, "newest-first"),
    Example("answers are not stored", {BASELINE: _ANSWERS_MISSING}, "answers-missing"),
    Example("a message is stored, and handed over as well", {BASELINE: _GIVEN_TWICE}, "given-twice"),
    Example("a tool's result lost its call", {BASELINE: _ORPHANED}, "tools-orphaned"),
    Example("a memory comes back by pickle", {BASELINE: _PICKLED}, "pickled"),
    Example("a store turns its messages round", {BASELINE: KEPT, OTHER_WORKER: _REVERSED}, "reverses"),
    Example("a store keeps what it was to replace", {BASELINE: _DOUBLED}, "doubles"),
    Example("a store merges values", {BASELINE: _MERGED}, "merges"),
    Example("a store forgets that a key expires", {BASELINE: _FOR_GOOD}, "drops-ttl"),
    Example("a store's own code always fails", {BASELINE: _REFUSED_ALWAYS}, "refused-write"),
    Example("a store cannot read what it took", {BASELINE: _POISONED}, "poisons"),
    Example("a store refuses what it stores", {BASELINE: _STORED}, "refused-but-stored"),
    Example("a cookie is too long for a browser", {BASELINE: KEPT, OTHER_WORKER: _LONG_COOKIE}, "long-cookie"),
    Example("a key lives for 1.8 s", {BASELINE: _SHORT_LIVED}, "short-lived"),
    Example("a list is let expire after 2 s", {BASELINE: _EXPIRES}, "short-lived"),
    Example("the oldest turns only", {BASELINE: KEPT, CONTROL: _OLDEST}, "oldest-window"),
)
COUNTEREXAMPLES = (
    Example("what is saved under a condition is never asked for", {BASELINE: _ASKS_NOTHING}),
    Example("a save fails for want of a network", {BASELINE: _FAILED_FOR_THE_NETWORK}),
    Example("what ended saves for no turn", {BASELINE: _REFRESHER_ENDED}),
    Example("a save fails once", {BASELINE: _FAILED_ONCE}),
    Example("the oldest turn first", {BASELINE: KEPT, OTHER_WORKER: _IN_ORDER}),
    Example("what was retrieved, the likest first", {BASELINE: KEPT, OTHER_WORKER: _RETRIEVED}),
    Example("the app's own store refuses a message", {BASELINE: _FOR_ITS_LENGTH}),
    Example("a store is given what it does not take", {BASELINE: _MISUSED}),
    Example("a store's server cannot be reached", {BASELINE: _UNREACHED}),
    Example("the app empties the store", {BASELINE: _DELETED}),
    Example("a table that nobody reads is a log", {BASELINE: _A_LOG}),
    Example("a table whose rows are counted, for a quota", {BASELINE: _COUNTED}),
    Example("answers are given", {BASELINE: _ANSWERS_GIVEN}),
    Example("an answer stands there twice", {BASELINE: _ANSWERED_ALIKE}),
    Example("a tool's call has its results", {BASELINE: _WITH_TOOLS}),
    Example("a long cookie of something else", {BASELINE: KEPT, OTHER_WORKER: _KEPT_BESIDE}),
    Example("a key lives for an hour", {BASELINE: _FOR_AN_HOUR}),
    Example("a cache of seconds in front of a database", {BASELINE: _BEFORE_A_DATABASE}),
    Example("a key of seconds that tells who writes twice", {BASELINE: _SHORT_LIVED, OTHER_WORKER: _ONLY_IN_MEMORY}),
    Example("the beginning and the end", {BASELINE: KEPT, CONTROL: _HEAD_AND_TAIL}),
    Example("some turns are retrieved", {BASELINE: KEPT, CONTROL: _RETRIEVED_OF_ALL}),
    Example("the newest turns", {BASELINE: KEPT, CONTROL: _NEWEST}),
)
