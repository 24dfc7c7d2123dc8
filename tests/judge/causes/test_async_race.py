"""SC105: an answered turn was overwritten by one that overlapped it."""

from __future__ import annotations

from cases import case, codes, findings, run, table

from statecheck.model import Anchor

KEPT = """
1a > s
1a model read 1
1a <
2a > s
2a model read 1 2
2a <
-a place 1 where="app.sessions['s']" key=s cls=sessions @app.py:4
"""
LOST = """
1a > s
1a model read 1
1a <
2a > s
3a > s
4a > s
2a model read 1 2
3a model read 1 3
4a model read 1 4
{writes}
2a <
3a <
4a {end}
2 overlap info held=3
5a > s
5a model read {seen} 5 roles={order}
5a <
"""
OWN_FILE = """
2a file write where=data/s.json @app.py:14
3a file write where=data/s.json @app.py:14
4a file write where=data/s.json @app.py:14
"""
A_MEMORY_FROM_A_FILE = """
2a memory build #12 cls=ChatMemoryBuffer @app.py:9
2a memory write #12 2 cls=ChatMemoryBuffer @app.py:12
2a file write where=data/s.json @app.py:14
2a gone #12
"""
OWN_REDIS = r"""
2a wire write 1 2 where=127.0.0.1:6379 text='*3\r\n$3\r\nSET\r\n$1\r\ns\r\n' @app.py:14
3a wire write 1 3 where=127.0.0.1:6379 text='*3\r\n$3\r\nSET\r\n$1\r\ns\r\n' @app.py:14
"""
OWN_SNAPSHOT = """
2a context to_dict #12 @app.py:14
3a context to_dict #13 @app.py:14
"""
IN_A_STEP = """
2a ctx-store write #1 2 name=seen run=r @flow.py:9
3a ctx-store write #1 3 name=seen run=r @flow.py:9
"""
LIBRARY_S_STORE = """
-a chat-store build #1 cls=RedisChatStore @app.py:3
2a chat-store write #1 2 cls=RedisChatStore key=s @app.py:12
3a chat-store write #1 3 cls=RedisChatStore key=s @app.py:12
4a chat-store write #1 4 cls=RedisChatStore key=s @app.py:12
"""
LIBRARY_S_DATABASE = """
2a memory build #12 cls=Memory where=sqlite+aiosqlite:///chat.db @app.py:9
2a memory write #12 2 cls=Memory where=sqlite+aiosqlite:///chat.db @app.py:12
2a gone #12
"""


def lost(writes: str = "", seen: str = "1 4", order: str = "uaua", end: str = "<") -> str:
    return LOST.format(writes=writes, seen=seen, order=order, end=end)


@table(
    own_file=(lost(OWN_FILE), ["SC105 user-code"]),
    own_memory_from_a_file=(lost(A_MEMORY_FROM_A_FILE), ["SC105 user-code"]),
    own_redis=(lost(OWN_REDIS), ["SC105 user-code"]),
    own_snapshot=(lost(OWN_SNAPSHOT), ["SC105 user-code"]),
    in_a_step=(lost(IN_A_STEP), ["SC105 user-code"]),
    a_plain_dict=(lost(), ["SC105 user-code"]),
    the_library_s_store=(lost(LIBRARY_S_STORE), ["SC105 library-store"]),
    the_library_s_database=(lost(LIBRARY_S_DATABASE), ["SC105 library-store"]),
    all_kept=(lost(OWN_FILE, seen="1 2 3 4", order="uauauaua"), []),
    kept_out_of_order=(lost(LIBRARY_S_STORE, seen="1 2 3 4", order="uauuuaaau"), ["(SC105 interleaved)"]),
    the_turn_before_is_gone_too=(lost(OWN_FILE, seen="3 4", order="uau"), ["SC105 user-code"]),
    written_after_its_answer=(lost(seen="1 2 4") + "3a chat-store write #1 3 cls=SlowStore @app.py:12\n", []),
    only_a_refused_one_is_missing=(lost(OWN_FILE, seen="1 2 3", order="uauaua", end="x HTTP 409"), []),
)
def test_table(given: str, expected: list[str]) -> None:
    assert expected == codes(*run(same_process=KEPT, concurrent=given))


WINDOW = "".join(
    f"{turn}a > s\n{turn}a model read {' '.join(str(one) for one in range(max(1, turn - 2), turn + 1))}\n{turn}a <\n"
    for turn in range(1, 6)
)
"""Three turns are given to the model, and no more."""


def test_a_window_with_room_left_did_not_drop_what_is_missing() -> None:
    told = run(same_process=KEPT, concurrent=lost(OWN_FILE, seen="1 4"), control=WINDOW)

    assert codes(*told) == ["SC105 user-code"]


def test_a_window_without_room_did() -> None:
    limit = "-a window info name=token_limit=200 method=chat @app.py:3\n"
    told = run(same_process=KEPT, concurrent=lost(OWN_FILE, seen="4") + limit, control=WINDOW)

    assert codes(*told) == []
    assert case(*told).outcomes["concurrent"].reason.endswith("(`token_limit=200`, app.py:3)")


def test_it_stands_where_the_conversation_is_saved() -> None:
    (found,) = findings(*run(same_process=KEPT, concurrent=lost(OWN_FILE)))

    assert (Anchor("app.py", 14), "certain") == (found.anchor, found.confidence)
    assert "(2, 3)" in found.summary
    assert "`data/s.json`" in found.summary


def test_a_plain_dict_is_found_by_where_it_is_kept() -> None:
    (found,) = findings(*run(same_process=KEPT, concurrent=lost()))

    assert Anchor("app.py", 4) == found.anchor
    assert "`app.sessions['s']`" in found.summary


def test_a_store_of_the_library_s_is_mended_by_a_version_or_another_store() -> None:
    memory = LIBRARY_S_STORE.replace("cls=RedisChatStore key", "cls=Memory where=sqlite+aiosqlite:///:memory: key")

    told = run(same_process=KEPT, concurrent=lost(memory))
    assert "SQLAlchemy<2.1" in findings(*told)[0].fix
    assert "SQLAlchemy<2.1" in findings(*told, SQLAlchemy="2.1.0b1")[0].fix
    assert "one thread at a time" in findings(*told, SQLAlchemy="2.0.58")[0].fix
    assert "adds one row" in findings(*run(same_process=KEPT, concurrent=lost(LIBRARY_S_STORE)))[0].fix


def test_it_is_asked_of_several_workers_too() -> None:
    assert codes(*run(same_process=KEPT, concurrent_workers=lost(OWN_FILE))) == ["SC105 user-code"]


def test_a_lock_that_one_process_holds_is_no_advice_where_the_app_has_it() -> None:
    (found,) = findings(
        *run(same_process=KEPT, concurrent=lost(OWN_FILE, "1 2 3 4"), concurrent_workers=lost(OWN_FILE))
    )

    assert "a lock that all workers share" in found.fix


def test_a_secret_of_each_process_is_to_be_fixed_before_what_overlaps() -> None:
    signed = "\n".join(line for line in KEPT.splitlines() if " place " not in line)
    elsewhere = signed.replace("2a", "2b").replace("2b > s", "2b > s\n2b signature fail @app.py:3").replace("1 2", "2")

    found = codes(*run(same_process=signed, concurrent=lost(OWN_FILE), other_worker=elsewhere))

    assert found == ["SC102 own-secret", "SC105 user-code"]


IN_A_SESSION = """
1a > s
1a session write 1 cls=Session @app.py:14
1a model read 1
1a <
2a > s
2a session read 1 cls=Session @app.py:12
2a model read 1 2
2a <
"""


def test_no_lock_helps_what_is_in_a_cookie() -> None:
    writes = "2a session write 1 2 cls=Session @app.py:14"
    (cookie,) = findings(*run(same_process=IN_A_SESSION, concurrent=lost(writes)))
    in_redis = IN_A_SESSION.replace("1a model", "1a wire write where=127.0.0.1:6379 text=SET\n1a model")
    (server,) = findings(*run(same_process=in_redis, concurrent=lost(writes)))

    assert "the last one's cookie" in cookie.fix
    assert "a lock for each session" in server.fix
