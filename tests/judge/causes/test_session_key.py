"""SC106: turn 1 is in a store that turn 2 could reach, under another key; or is shown to another session."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cases import case, codes, findings, run, table
from histories import history, marker

from statecheck.history import History, Line, Op
from statecheck.judge.cause import KEPT
from statecheck.judge.findings import find_causes
from statecheck.model import Anchor
from statecheck.talk.plan import Elsewhere, Plan, Varied

NEW_KEY_OVER_A_DATABASE = """
1a > s
1a memory build #1 key=u1 cls=Memory where=sqlite+aiosqlite:///conversations.db @app.py:9
1a memory write #1 1 key=u1 cls=Memory where=sqlite+aiosqlite:///conversations.db @app.py:12
1a model read 1
1a gone #1
1a <
2a > s
2a memory build #2 key=u2 cls=Memory where=sqlite+aiosqlite:///conversations.db @app.py:9
2a memory read #2 key=u2 cls=Memory where=sqlite+aiosqlite:///conversations.db @app.py:12
2a memory write #2 2 key=u2 cls=Memory where=sqlite+aiosqlite:///conversations.db @app.py:12
2a model read 2
2a <
-a disk 1 2 where=conversations.db
"""
NEW_KEY_OVER_A_GLOBAL_DICT = """
1a > s
1a memory build #1 cls=Memory @app.py:9
1a memory write #1 1 cls=Memory @app.py:12
1a model read 1
1a <
2a > s
2a memory build #2 cls=Memory @app.py:9
2a memory write #2 2 cls=Memory @app.py:12
2a model read 2
2a <
-a place 1 where="app.sessions['u1']" key=u1 cls=sessions @app.py:4
-a place 2 where="app.sessions['u2']" key=u2 cls=sessions @app.py:4
"""
NEW_KEY_IN_REDIS = r"""
1a > s
1a wire send where=127.0.0.1:6379 text='*2\r\n$3\r\nGET\r\n$2\r\nu1\r\n' @app.py:8
1a model read 1
1a wire write 1 where=127.0.0.1:6379 text='*3\r\n$3\r\nSET\r\n$2\r\nu1\r\n' @app.py:14
1a <
2a > s
2a wire send where=127.0.0.1:6379 text='*2\r\n$3\r\nGET\r\n$2\r\nu2\r\n' @app.py:8
2a model read 2
2a wire write 2 where=127.0.0.1:6379 text='*3\r\n$3\r\nSET\r\n$2\r\nu2\r\n' @app.py:14
2a <
"""
# a log that nobody reads, a limit on how often one may ask, and a cache of answers are no conversation
LOG_LIMIT_AND_CACHE_IN_REDIS = r"""
1a > s
1a wire send where=127.0.0.1:6379 text='*2\r\n$4\r\nINCR\r\n$6\r\nrate:s\r\n' @app.py:7
1a wire send where=127.0.0.1:6379 text='*2\r\n$3\r\nGET\r\n$8\r\ncache:a1\r\n' @app.py:8
1a model read 1
1a wire write 1 where=127.0.0.1:6379 text='*3\r\n$3\r\nSET\r\n$8\r\ncache:a1\r\n' around='Noted: ' @app.py:14
1a wire write 1 where=127.0.0.1:6379 text='*3\r\n$5\r\nLPUSH\r\n$5\r\naudit\r\n' around='The word is ' @app.py:15
1a <
2a > s
2a wire send where=127.0.0.1:6379 text='*2\r\n$4\r\nINCR\r\n$6\r\nrate:s\r\n' @app.py:7
2a wire send where=127.0.0.1:6379 text='*2\r\n$3\r\nGET\r\n$8\r\ncache:b2\r\n' @app.py:8
2a model read 2
2a wire write 2 where=127.0.0.1:6379 text='*3\r\n$3\r\nSET\r\n$8\r\ncache:b2\r\n' around='Noted: ' @app.py:14
2a wire write 2 where=127.0.0.1:6379 text='*3\r\n$5\r\nLPUSH\r\n$5\r\naudit\r\n' around='The word is ' @app.py:15
2a <
"""
NEW_KEY_IN_POSTGRES = """
1a > s
1a sql write 1 database=postgres text='INSERT INTO said VALUES (%s)' around='The word is ' @app.py:14
1a wire write 1 where=127.0.0.1:5432 text='INSERT INTO said VALUES ($1)' around='The word is '
1a model read 1
1a <
2a > s
2a wire send where=127.0.0.1:5432 text='SELECT text FROM said WHERE session = $1'
2a wire write 2 where=127.0.0.1:5432 text='INSERT INTO said VALUES ($1)' around='The word is '
2a model read 2
2a <
"""
LOG_IN_POSTGRES = NEW_KEY_IN_POSTGRES.replace("SELECT text FROM said", "SELECT plan FROM users")
NEW_FILE_EACH_TIME = """
1a > s
1a file miss where=data/u1.json @app.py:9
1a file write where=data/u1.json @app.py:14
1a model read 1
1a <
2a > s
2a file miss where=data/u2.json @app.py:9
2a file write where=data/u2.json @app.py:14
2a model read 2
2a <
-a disk 1 where=data/u1.json
-a disk 2 where=data/u2.json
"""
# a report of each turn, that nobody looks for
REPORTS = "".join(line for line in NEW_FILE_EACH_TIME.splitlines(keepends=True) if " miss " not in line)
# the name is spelled one way where it is read, and another where it is written
OTHER_FILE = """
1a > s
1a file miss where=data/s-1.json @app.py:9
1a model read 1
1a file write where=data/s1.json @app.py:14
1a <
2a > s
2a file miss where=data/s-1.json @app.py:9
2a model read 2
2a file write where=data/s1.json @app.py:14
2a <
-a disk 1 2 where=data/s1.json
"""
# what turn 1 wrote was not found, so turn 2 wrote over it
WRITTEN_OVER = OTHER_FILE.replace("disk 1 2", "disk 2")
ANOTHER_SESSIONS = WRITTEN_OVER.replace("data/s1.json", "data/last.json")
LOG_BESIDE_A_MISSING_SETTING = OTHER_FILE.replace("data/s-1.json", "data/.env")
SAME_KEY_NEVER_READ = """
1a > s
1a memory build #1 key=s cls=Memory @app.py:9
1a memory write #1 1 key=s cls=Memory @app.py:12
1a model read 1
1a gone #1
1a <
2a > s
2a memory build #2 key=s cls=Memory @app.py:9
2a memory write #2 2 key=s cls=Memory @app.py:12
2a model read 2
2a <
-a disk 1 2 where=conversations.db
"""
NEW_KEY_OVER_A_STORE_THAT_IS_GONE = """
1a > s
1a chat-store build #1 cls=SimpleChatStore @app.py:9
1a chat-store write #1 1 key=u1 cls=SimpleChatStore @app.py:12
1a model read 1
1a gone #1
1a <
2a > s
2a chat-store build #2 cls=SimpleChatStore @app.py:9
2a chat-store write #2 2 key=u2 cls=SimpleChatStore @app.py:12
2a model read 2
2a <
"""
# what the app also prints into a list is not where it keeps its conversations
AND_A_LOG_OF_ALL_MESSAGES = (
    NEW_KEY_OVER_A_STORE_THAT_IS_GONE
    + """
-a place 1 where=app.log cls=log @app.py:4
-a place 2 where=app.log cls=log @app.py:4
"""
)
AND_A_LOG_FILE = NEW_KEY_OVER_A_STORE_THAT_IS_GONE + "-a disk 1 2 where=app.log"


@table(
    other_file=(OTHER_FILE, ["SC106 new-key"]),
    other_file_opened=(OTHER_FILE.replace("file miss", "file read"), ["SC106 new-key"]),
    other_file_written_over=(WRITTEN_OVER, ["SC106 new-key"]),
    one_file_for_all=(ANOTHER_SESSIONS.replace(" s\n", " web-7\n").replace("s-1.json", "web-7.json"), []),
    log_beside_a_missing_setting=(LOG_BESIDE_A_MISSING_SETTING, []),
    new_key_over_a_database=(NEW_KEY_OVER_A_DATABASE, ["SC106 new-key"]),
    new_key_over_a_global_dict=(NEW_KEY_OVER_A_GLOBAL_DICT, ["SC106 new-key"]),
    new_key_in_redis=(NEW_KEY_IN_REDIS, ["SC106 new-key"]),
    log_limit_and_cache_in_redis=(LOG_LIMIT_AND_CACHE_IN_REDIS, []),
    new_key_in_postgres=(NEW_KEY_IN_POSTGRES, ["SC106 new-key"]),
    log_in_postgres=(LOG_IN_POSTGRES, []),
    new_file_each_time=(NEW_FILE_EACH_TIME, ["SC106 new-key"]),
    a_report_each_time=(REPORTS, []),
    same_key_never_read=(SAME_KEY_NEVER_READ, ["SC101"]),
    new_key_over_a_store_that_is_gone=(NEW_KEY_OVER_A_STORE_THAT_IS_GONE, ["SC101"]),
    and_a_log_of_all_messages=(AND_A_LOG_OF_ALL_MESSAGES, ["SC101"]),
    and_a_log_file=(AND_A_LOG_FILE, ["SC101"]),
)
def test_lost(given: str, expected: list[str]) -> None:
    assert expected == codes(history("same-process", given))


def test_a_file_that_is_missed_is_named_where_it_is_looked_for() -> None:
    (found,) = findings(history("same-process", OTHER_FILE))

    assert (
        found.summary
        == "turn 1 is kept in the file `data/s1.json`, and turn 2 looked for `data/s-1.json`, which is not there"
    )
    assert found.anchor == Anchor("app.py", 9)


def test_a_file_that_is_written_over_is_not_said_to_be_kept() -> None:
    (found,) = findings(history("same-process", WRITTEN_OVER))

    assert found.summary.startswith("turn 1 was written to the file `data/s1.json`, and turn 2 looked for")


def test_it_names_both_keys_and_stands_where_the_key_is_made() -> None:
    (found,) = findings(history("same-process", NEW_KEY_OVER_A_DATABASE))

    assert Anchor("app.py", 9) == found.anchor
    assert {"`u1`", "`u2`", "`conversations.db`"} <= set(found.summary.replace(",", " ").replace(":", " ").split())


TURN = """
{n}a > {session}
{n}a chat-store {action} #9 {markers} cls=SimpleChatStore {key} @app.py:12
{n}a memory {action} #{memory} ^9 {markers} cls=ChatMemoryBuffer {key} @app.py:12
{n}a model read {markers}
{n}a <
"""


def both(other: str, memory: int, key: str) -> tuple[str, str]:
    """The baseline, and a turn of another session with this memory; both over one store under one key."""
    first = TURN.format(n=1, session="s1", action="write", memory=1, markers="1", key=key)
    again = TURN.format(n=2, session="s1", action="read", memory=memory, markers="1 2", key=key)
    kept = """-a place 1 where=app.shared cls=shared @app.py:4"""
    return first + again + kept, first + again.replace("s1", other)


ONE_KEY_FOR_ALL = both("s2", 2, "key=chat")
THE_DEFAULT_KEY_FOR_ALL = both("s2", 2, "")
ONE_MEMORY_FOR_ALL = both("s2", 1, "")
ONE_MEMORY_WITH_A_KEY_OF_ITS_OWN = both("s2", 1, "key=6cb4f541")
ISOLATED = """
1a > s1
1a memory write #1 1 @app.py:12
1a model read 1
1a <
2a > s2
2a memory write #2 2 @app.py:12
2a model read 2
2a <
"""
# a second user of the same laptop: the answer repeats what the model was given, and it was given nothing
PARROTED = """
1a > s1
1a model read 1
1a <
2a > s2
2a model read 2
2a < "not {1}"
"""


@table(
    one_key_for_all=(ONE_KEY_FOR_ALL, ["SC106 shared-key"]),
    the_default_key_for_all=(THE_DEFAULT_KEY_FOR_ALL, ["SC106 shared-key"]),
    one_memory_for_all=(ONE_MEMORY_FOR_ALL, ["SC106 shared-instance"]),
    one_memory_with_a_key_of_its_own=(ONE_MEMORY_WITH_A_KEY_OF_ITS_OWN, ["SC106 shared-instance"]),
    isolated=((ONE_KEY_FOR_ALL[0], ISOLATED), []),
    parroted=((ONE_KEY_FOR_ALL[0], PARROTED), []),
)
def test_leaked(given: tuple[str, str], expected: list[str]) -> None:
    assert codes(*run(same_process=given[0], other_session=given[1])) == expected


def test_a_leak_stands_at_what_is_shared() -> None:
    kept, other = ONE_MEMORY_FOR_ALL
    (found,) = findings(*run(same_process=kept, other_session=other))

    assert found.primary
    assert (found.anchor, found.confidence) == (Anchor("app.py", 4), "certain")
    assert "`app.shared`" in found.summary


KEPT_IN_REDIS = NEW_KEY_IN_REDIS.replace("u2", "u1").replace("2a model read 2", "2a model read 1 2")
IN_ANOTHER_PROCESS = NEW_KEY_IN_REDIS.replace("2a ", "2b ")


def test_each_process_has_a_key_of_its_own() -> None:
    told = run(same_process=KEPT_IN_REDIS, other_worker=IN_ANOTHER_PROCESS, new_process=IN_ANOTHER_PROCESS)
    (found,) = findings(*told)

    assert ("SC106", "new-key", Anchor("app.py", 14)) == (found.code, found.kind, found.anchor)
    assert "under the key `u1`, turn 2 looked under `u2`: the key is made anew for each process" in found.summary
    assert [one.experiment for one in found.evidence] == ["other-worker"]


def test_a_key_in_a_session_that_another_process_signed_is_lost_with_its_signature() -> None:
    unread = IN_ANOTHER_PROCESS.replace("2b > s", "2b > s\n2b signature fail @app.py:3")

    assert codes(*run(same_process=KEPT_IN_REDIS, other_worker=unread)) == ["SC102 own-secret"]


def test_a_key_that_is_looked_up_in_memory_is_lost_with_that() -> None:
    lost = history("other-worker", IN_ANOTHER_PROCESS)
    place = Op(
        0, "ok", "place", 7, 1, where="app.threads['s']", key="s", markers=("s",), lines=(Line("app.py", 4, "defined"),)
    )
    told = history("same-process", KEPT_IN_REDIS), History("other-worker", (*lost.ops, place))

    (found,) = findings(*told)

    assert ("SC102", Anchor("app.py", 4)) == (found.code, found.anchor)


def test_a_leak_is_found_where_the_baseline_has_no_turn() -> None:
    leak = "1a > s\n1a memory write #1 1 @app.py:12\n1a <\n2a > t\n2a model read 1 2\n2a <\n"

    assert codes(*run(same_process="", other_session=leak)) == ["SC106 shared-key"]


ANSWERS_IN_A_CACHE = """
1a > s
1a cache read key=answer:a1 cls=LocMemCache @app.py:8
1a model read 1
1a cache write 1 key=answer:a1 cls=LocMemCache text={said} @app.py:11
1a <
2a > s
2a cache read key=answer:b2 cls=LocMemCache @app.py:8
2a model read 2
2a cache write 2 key=answer:b2 cls=LocMemCache text=Noted @app.py:11
2a <
-a place 1 where="cache['answer:a1']" key=answer:a1 cls=cache @app.py:11
"""


def test_a_cache_of_answers_in_a_framework_s_cache_is_no_conversation() -> None:
    kept = ANSWERS_IN_A_CACHE.replace("text={said}", f"text='The word is {marker(1)}.'")

    assert codes(*run(same_process=kept)) == ["SC106 new-key"]
    assert codes(*run(same_process=ANSWERS_IN_A_CACHE.replace("text={said}", f"text='Noted: {marker(1)}.'"))) == []


ANOTHER_MEMBER = """
1a > m1
1a model read 1
1a <
2a > m2
2a memory build #2 cls=Memory @app.py:9
2a memory write #2 2 cls=Memory @app.py:9
2a model read 1 2
2a <
"""


@pytest.mark.parametrize(
    ("person", "expected"), [(True, ("shared-key", "error")), (False, ("other-thread", "warning"))]
)
def test_another_user_of_a_group_is_more_than_another_thread(person: bool, expected: tuple[str, str]) -> None:
    known = case(*run(same_process=KEPT, second_thread=ANOTHER_MEMBER))
    plan = Plan(varied=Varied("body member_id", ("body company",), person))

    (found,) = find_causes(replace(known, app=replace(known.app, plan=plan)))

    assert (found.code, found.kind, found.severity, found.anchor) == ("SC106", *expected, Anchor("app.py", 9))
    assert "(the same body company, another body member_id)" in found.summary


@pytest.mark.parametrize(("numbered", "severity"), [(True, "error"), (False, "warning")])
def test_another_tenant_s_key_is_the_same_for_sure_where_it_is_numbered(numbered: bool, severity: str) -> None:
    known = case(*run(same_process=KEPT, other_tenant=ANOTHER_MEMBER))
    elsewhere = Elsewhere("header X-School", "`header X-School` = hill", Plan(), numbered)
    plan = Plan(session_field="path pupil", elsewhere=elsewhere)

    (found,) = find_causes(replace(known, app=replace(known.app, plan=plan)))

    assert (found.code, found.kind, found.severity) == ("SC106", "other-tenant", severity)
    assert "(`header X-School` = hill, the same path pupil)" in found.summary
    assert "`header X-School`" in found.fix


ON_ONE_CONNECTION = """
1a > s
1a model read 1
1a <
2a > s
2a model read 1 2
2a <
-a place 1 where="app.sessions['u1']" key=u1 cls=sessions @app.py:4
"""


def test_a_key_in_memory_that_each_connection_has_anew_is_the_connection_s() -> None:
    anew = NEW_KEY_OVER_A_GLOBAL_DICT

    assert codes(*run(same_process=anew, same_connection=ON_ONE_CONNECTION)) == ["SC101 per-connection"]
    assert codes(*run(same_process=NEW_KEY_OVER_A_DATABASE, same_connection=ON_ONE_CONNECTION)) == ["SC106 new-key"]


OTHERS_FILE = """
1a > alice
1a file write where=talks/alice.json @app.py:20
1a model read 1
1a <
2a > bob
2a file read where=talks/alice.json @app.py:16
2a model read 1 2
2a <
"""
OF_A_FOLDER = OTHERS_FILE.replace("alice.json", "1.json").replace(
    "2a file", "2a file read where=talks @app.py:15\n2a file"
)
ONE_FILE = OTHERS_FILE.replace("talks/alice.json", "talks/all.json")
OTHERS_ROWS = """
1a > alice
1a sql write 1 database=sqlite arguments=alice text="INSERT INTO said VALUES (?, ?)" @app.py:20
1a model read 1
1a <
2a > bob
2a sql send database=sqlite text="SELECT text FROM said ORDER BY id" @app.py:16
2a sql read 1 database=sqlite @app.py:16
2a model read 1 2
2a <
"""
ROWS_WITHOUT_KEYS = OTHERS_ROWS.replace(" arguments=alice", "")


@table(
    the_newest_file=(OTHERS_FILE, 16),
    the_first_file_of_a_folder=(OF_A_FOLDER, 15),
    a_file_for_all=(ONE_FILE, 1),
    all_rows_of_a_table=(OTHERS_ROWS, 16),
    rows_that_are_nobodys=(ROWS_WITHOUT_KEYS, 1),
)
def test_a_leak_is_where_what_is_kept_apart_is_read_for_all(given: str, expected: int) -> None:
    (found,) = findings(*run(same_process=KEPT, other_session=given))

    assert (found.code, found.kind, found.anchor.line) == ("SC106", "shared-key", expected)


def test_what_an_index_of_all_recalls_is_not_blamed_on_the_database_beside_it() -> None:
    stored = (
        "{0}a sql write {0} arguments={1} text='INSERT INTO m VALUES (?, ?)' @app.py:30\n"
        "{0}a file write where=/data/recall/docstore.json @app.py:31\n{0}a <\n"
    )
    read = (
        "2a sql send arguments=k2 text='SELECT b FROM m WHERE a = ?' @app.py:20\n"
        "2a file read where=/data/recall/docstore.json @app.py:9\n2a file read where=/data/recall @app.py:9\n"
    )
    told = "1a > k1\n1a model read 1\n" + stored.format(1, "k1") + "2a > k2\n" + read + "2a model read 1 2\n"
    (found,) = findings(
        history("same-process", "1a > s\n1a model read 1\n1a <\n2a > s\n2a model read 1 2\n2a <"),
        history("other-session", told + stored.format(2, "k2")),
    )

    assert (found.code, found.anchor) == ("SC106", Anchor("app.py", 9))
    assert "`/data/recall`" in found.summary
    assert "MetadataFilters" in found.fix
