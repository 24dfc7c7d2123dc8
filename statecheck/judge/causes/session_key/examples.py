"""Runs in which the cause must be found, and runs that only look alike."""

from __future__ import annotations

from statecheck.experiments import (
    ALIKE_KEYS,
    BASELINE,
    KEYLESS,
    NEW_CONTAINER,
    NEW_PROCESS,
    OPENED_ELSEWHERE,
    OTHER_SESSION,
    OTHER_TENANT,
    SAME_TEXT,
    SECOND_THREAD,
    TWO_SESSIONS,
)
from statecheck.judge.cause import KEPT, Example

_NEW_KEY = """
1a > s
1a memory build #1 key=u1 cls=Memory where=sqlite+aiosqlite:///chat.db @app.py:9
1a memory write #1 1 key=u1 cls=Memory where=sqlite+aiosqlite:///chat.db @app.py:12
1a model read 1
1a <
2a > s
2a memory build #2 key=u2 cls=Memory where=sqlite+aiosqlite:///chat.db @app.py:9
2a memory write #2 2 key=u2 cls=Memory where=sqlite+aiosqlite:///chat.db @app.py:12
2a model read 2
2a <
-a disk 1 2 where=chat.db
"""
_SAME_KEY = _NEW_KEY.replace("u2", "u1")
_HOST_IN_NAME = """
-a host name=web-1
1a > s
1a file write where=chats/web-1-s.json @app.py:9
1a model read 1
1a <
-a disk 1 where=chats/web-1-s.json on_volume
-b host name=web-2
2b > s
2b file miss where=chats/web-2-s.json @app.py:7
2b model read 2
2b <
"""
_ONE_HOST = _HOST_IN_NAME.replace("web-2", "web-1")
_OTHER_NAME = """
1a > s
1a file miss where=chats/web-s.json @app.py:7
1a model read 1
1a file write where=chats/Channel.WEB-s.json @app.py:12
1a <
2a > s
2a file miss where=chats/web-s.json @app.py:7
2a model read 2
2a file write where=chats/Channel.WEB-s.json @app.py:12
2a <
-a disk 2 where=chats/Channel.WEB-s.json
"""
_A_SETTING = _OTHER_NAME.replace("chats/web-s.json", "chats/limits.toml")
_DAY_IN_PATH = """
-a host name=web-1 text=2031-03-05T11:00:00
1a > s
1a file miss where=notes/2031-03-05/s.json @app.py:8
1a model read 1
1a file write where=notes/2031-03-05/s.json @app.py:9
1a <
2a > s
2a file read where=notes/2031-03-05/s.json @app.py:8
2a model read 1 2
2a <
-a disk 1 where=notes/2031-03-05/s.json
"""
_DAY_IN_KEY = """
-a host name=web-1 text=2031-03-05T11:00:00
1a > s
1a memory write #1 1 key=s:20310305 cls=Memory @app.py:9
1a model read 1
1a <
2a > s
2a memory read #2 1 key=s:20310305 cls=Memory @app.py:9
2a model read 1 2
2a <
"""
_DAY_IN_OPENED = _DAY_IN_PATH.replace("2a file read", "2a file write")
_DAY_OF_A_LOG = _DAY_IN_PATH + "-a disk 1 where=chat.db\n"
_DAY_OF_A_LOG = _DAY_OF_A_LOG.replace("2a model", "2a file read where=chat.db @app.py:7\n2a model")
_ALL_DAYS = _DAY_IN_PATH.replace("2a file read", "2a file read where=notes @app.py:7\n2a file read")
_YESTERDAY_TOO = _DAY_IN_PATH.replace("2a file", "2a file miss where=notes/2031-03-04/s.json @app.py:7\n2a file")
_DAY_IN_THE_CLIENT_S_KEY = _DAY_IN_KEY.replace("> s", "> s:20310305")
_SHOWN_TO_ANOTHER = """
1a > alice
1a memory write #1 1 key=chat cls=Memory @app.py:12
1a model read 1
1a <
2a > bob
2a memory read #2 1 key=chat cls=Memory @app.py:12
2a model read 1 2
2a <
"""
_SWAPPED = """
1a > alice
1a model read 1
1a <
2a > bob
2a model read 2
2a <
3a > alice
4a > bob
3a model read 1 3 @app.py:20/ask
4a model read 2 4 @app.py:20/ask
3a sql write 3 database=sqlite @app.py:21/ask
3a <
4a <
3 overlap info held=2
-a shared info name=service.user method=chat @app.py:12/written @app.py:21/read
5a > bob
5a model read 2 3 4 5
5a <
6a > alice
6a model read 1 6
6a <
"""
_KEPT_APART_AT_ONCE = _SWAPPED.replace("2 3 4 5", "2 4 5").replace("1 6", "1 3 6")
_KEPT_APART = _SHOWN_TO_ANOTHER.replace("read 1 2", "read 2").replace("read #2 1", "read #2")
_LOADED_WHOLE = """
1a > alice
1a chat-store write #1 1 key=alice cls=SimpleChatStore @app.py:12
1a model read 1
1a <
2a > bob
2a chat-store load #2 1 key=chats.json cls=SimpleChatStore @app.py:11
2a chat-store read #2 2 key=bob cls=SimpleChatStore @app.py:12
2a model read 2
2a <
"""
_OTHERS_TIDIED = _LOADED_WHOLE.replace("load #2 1 key=chats.json", "read #2 1 key=alice")
_RETYPED = """
1a > 7
1a model read 1
1a <
-a disk 1 where=talks.json
-a place 1 where=bot.talks[7] key=7 cls=talks is_text @bot.py:12
2b > 7
2b model read 2
2b <
-b place 1 where="bot.talks['7']" key=7 cls=talks is_text @bot.py:12
-b place 2 where=bot.talks[7] key=7 cls=talks is_text @bot.py:12
"""
_FILTERED = _RETYPED.replace("\"bot.talks['7']\"", "bot.talks[7]")
_OTHER_THREAD = _SHOWN_TO_ANOTHER.replace("alice", "t1").replace("bob", "t2")
_WITHOUT_KEYS = """
1a > alice
1a model read 1
1a <
2a > -
2a model read 2
2a <
3a > -
3a memory build #2 cls=Memory @app.py:9
3a memory write #2 3 cls=Memory @app.py:9
3a model read 2 3
3a <
"""
_ALIKE = _SHOWN_TO_ANOTHER.replace("bob", "ALICE") + "-a folding info name=room.lower() method=chat @app.py:11\n"
_SAME_ID = """
1a > 2
1a model read 1
1a <
2b > 2
2b sql read 1 @app.py:9
2b model read 1 2
2b <
"""
_SAME_AT_ONCE = """
1a > 1
1a model read 1
1a <
2b > 2
2b model read 2
2b <
3a > 3
3a model read 3
3a <
4a > 3
4a model read 3 4
4a <
"""
_IDS_APART = _SAME_ID.replace("2b > 2", "2b > 3").replace("2b sql read 1", "2b sql send").replace("read 1 2", "read 2")
_ALONE_WITHOUT_KEYS = _WITHOUT_KEYS.replace("read 2 3", "read 3")

_STORE_OVER_A_DATABASE = """
-a chat-store build #1 cls=SQLiteChatStore @app.py:5
1a > -
1a sql write 1 database=sqlite arguments=k1 text="INSERT INTO chats VALUES (?, ?)" @app.py:12
1a chat-store write #1 1 cls=SQLiteChatStore key=k1 @app.py:12
1a model read 1
1a <
2a > -
2a sql write 2 database=sqlite arguments=k2 text="INSERT INTO chats VALUES (?, ?)" @app.py:12
2a chat-store write #1 2 cls=SQLiteChatStore key=k2 @app.py:12
2a chat-store read #1 2 cls=SQLiteChatStore key=k2 @app.py:12
2a model read 2
2a <
-a disk 1 2 where=chat.db @app.py:5
"""
_ASKED_BY_DIGEST = """
1a > ada-7
1a file database where=chat.db @app.py:8
1a sql send database=sqlite arguments=d1 text="SELECT answer FROM answers WHERE digest = ?" @app.py:9
1a model read 1 @app.py:12
1a sql write 1 database=sqlite arguments=d1 text="INSERT INTO answers VALUES (?, ?, ?)" @app.py:13
1a <
2a > ada-7
2a file database where=chat.db @app.py:8
2a sql send database=sqlite arguments=d2 text="SELECT answer FROM answers WHERE digest = ?" @app.py:9
2a model read 2 @app.py:12
2a sql write 2 database=sqlite arguments=d2 text="INSERT INTO answers VALUES (?, ?, ?)" @app.py:13
2a <
-a disk 1 2 where=chat.db
"""
_ANSWERED_FROM_A_TABLE = _ASKED_BY_DIGEST + "- shortcut method=chat @app.py:11 @app.py:9/read @app.py:10/read\n"
_ANSWERED_BEFORE = """
1a > ada
1a model read 1
1a < "Noted: {1}"
2a > ada says=2
2a model read 1 2
2a < "Noted: {1}, {2}"
3a > bob says=2
3a sql read 1 2 @app.py:14
3a < "Noted: {1}, {2}"
4a > ada
4a model read 1 2 4
4a < "Noted: {1}, {2}, {4}"
5a > ada says=2
5a < "Noted: {1}, {2}"
6a > ada
6a model read 1 2 4 6
6a < "Noted: {1}, {2}, {4}, {6}"
- text-key name="answers.get(text)" note=key method=chat @app.py:12
"""
_OF_NO_USER = _ANSWERED_BEFORE.replace("read 1 2\n2a <", "read 2\n2a <").replace('{1}, {2}"', '{2}"')
_OF_NO_USER = _OF_NO_USER.replace("sql read 1 2", "sql read 2")


EXAMPLES = (
    Example("the key is made in each request", {BASELINE: _NEW_KEY}, "new-key"),
    Example("the host's name is in the file's", {BASELINE: KEPT, NEW_CONTAINER: _HOST_IN_NAME}, "new-key"),
    Example("a file's name is spelled in two ways", {BASELINE: _OTHER_NAME}, "new-key"),
    Example("the day is in the folder's name", {BASELINE: _DAY_IN_PATH}, "dated-key"),
    Example("the day is in the name of a file that is appended to", {BASELINE: _DAY_IN_OPENED}, "dated-key"),
    Example("the day is in a memory's key", {BASELINE: _DAY_IN_KEY}, "dated-key"),
    Example("a number went into JSON as a key", {BASELINE: KEPT, NEW_PROCESS: _RETYPED}, "other-type"),
    Example("two sessions share a key", {BASELINE: KEPT, OTHER_SESSION: _SHOWN_TO_ANOTHER}, "shared-key"),
    Example("a user's threads are one", {BASELINE: KEPT, SECOND_THREAD: _OTHER_THREAD}, "other-thread"),
    Example("two schools number alike", {BASELINE: KEPT, OTHER_TENANT: _SHOWN_TO_ANOTHER}, OTHER_TENANT),
    Example("keys lose their case", {BASELINE: KEPT, ALIKE_KEYS: _ALIKE}, "folded-key"),
    Example("a counter begins again", {BASELINE: KEPT, OPENED_ELSEWHERE: _SAME_ID}, "repeated-id"),
    Example("answers are kept by the question", {BASELINE: KEPT, SAME_TEXT: _ANSWERED_BEFORE}, "shared-answer"),
    Example("two who come at once get one number", {BASELINE: KEPT, OPENED_ELSEWHERE: _SAME_AT_ONCE}, "repeated-id"),
    Example("all without a key share one", {BASELINE: KEPT, KEYLESS: _WITHOUT_KEYS}, KEYLESS),
    Example("two requests swap what they share", {BASELINE: KEPT, TWO_SESSIONS: _SWAPPED}, "swapped"),
    Example("a chat store that does not say where it is", {BASELINE: _STORE_OVER_A_DATABASE}, "new-key"),
    Example("the key is a digest of the message", {BASELINE: _ASKED_BY_DIGEST}, "new-key"),
)
COUNTEREXAMPLES = (
    Example("a table of answers by question", {BASELINE: _ANSWERED_FROM_A_TABLE}),
    Example("a setting is looked for beside a file", {BASELINE: _A_SETTING}),
    Example("a file of the day beside a database", {BASELINE: _DAY_OF_A_LOG}),
    Example("the folders of all days are looked through", {BASELINE: _ALL_DAYS}),
    Example("yesterday's folder is looked at, too", {BASELINE: _YESTERDAY_TOO}),
    Example("the client's key has the day in it", {BASELINE: _DAY_IN_THE_CLIENT_S_KEY}),
    Example("the file has gone with the container", {BASELINE: KEPT, NEW_CONTAINER: _ONE_HOST}),
    Example("what is read back is not used", {BASELINE: KEPT, NEW_PROCESS: _FILTERED}),
    Example("a database is written to under one key, and never read", {BASELINE: _SAME_KEY}),
    Example("another session is given nothing", {BASELINE: KEPT, OTHER_SESSION: _KEPT_APART}),
    Example("a file that holds all sessions is loaded", {BASELINE: KEPT, OTHER_SESSION: _LOADED_WHOLE}),
    Example("a turn tidies up another session's store", {BASELINE: KEPT, OTHER_SESSION: _OTHERS_TIDIED}),
    Example("each thread has its own", {BASELINE: KEPT, SECOND_THREAD: _KEPT_APART}),
    Example("each school has its own", {BASELINE: KEPT, OTHER_TENANT: _KEPT_APART}),
    Example("keys stay as they are", {BASELINE: KEPT, ALIKE_KEYS: _KEPT_APART}),
    Example("answers that were made of the question alone", {BASELINE: KEPT, SAME_TEXT: _OF_NO_USER}),
    Example("ids go on", {BASELINE: KEPT, OPENED_ELSEWHERE: _IDS_APART}),
    Example("without a key each has its own", {BASELINE: KEPT, KEYLESS: _ALONE_WITHOUT_KEYS}),
    Example("nothing is mixed up", {BASELINE: KEPT, TWO_SESSIONS: _KEPT_APART_AT_ONCE}),
)
