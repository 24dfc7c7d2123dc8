"""SC107: the library loses or refuses a sequential write, through no fault of the app."""

from __future__ import annotations

from cases import codes, findings, table
from histories import history

from statecheck.judge.causes import find_cause
from statecheck.model import Anchor

DROPPED = """
1a > s
1a run call #1 run=r1 arguments=ctx @app.py:12
1a memory write #2 1 cls=ChatMemoryBuffer by_library run=r1 @app.py:12
1a model read 1
1a <
2a > s
2a warning cls=UnserializableKeyWarning note="Skipping serialization of known unserializable key: memory" @app.py:12
2a run call #3 run=r2 arguments=ctx @app.py:12
2a memory write #4 2 cls=ChatMemoryBuffer by_library run=r2 @app.py:12
2a model read 2
2a <
"""
DROPPED_BUT_HANDED_OVER = """
1a > s
1a memory write #2 1 cls=Memory @app.py:12
1a model read 1
1a <
2a > s
2a warning cls=UnserializableKeyWarning note="Skipping serialization of known unserializable key: memory" @app.py:12
2a memory read #2 1 cls=Memory @app.py:12
2a model read 1 2
2a <
"""
REFUSED = """
1a > s
1a chat-store write fail #1 1 cls=SimpleChatStore @app.py:12 error="PydanticSerializationError: Error calling function"
1a < sorry
2a > s
2a model read 2
2a <
"""
REFUSED_WITH_500 = """
1a > s
1a chat-store persist fail #1 cls=SimpleChatStore @app.py:12 error="TypeError: 'index_key' is expected to be an integer"
1a x "HTTP 500"
"""
REFUSED_TO_THE_APP = """
1a > s
1a memory build #1 cls=ChatMemoryBuffer @app.py:9
1a memory write fail #1 1 cls=ChatMemoryBuffer @app.py:12 error="ValueError: your message is too long"
1a < sorry
2a > s
2a model read 2
2a <
"""
SILENT = """
1a > s
1a chat-store write #1 1 key=s cls=MyStore @app.py:12
1a model read 1
1a <
2a > s
2a chat-store read #1 key=s cls=MyStore @app.py:12
2a model read 2
2a <
"""
EMPTIED_BY_THE_APP = """
-a chat-store build #1 cls=SimpleChatStore @app.py:3
1a > s
1a chat-store overwrite #1 key=s cls=SimpleChatStore @app.py:11
1a chat-store write #1 1 key=s cls=SimpleChatStore @app.py:12
1a model read 1
1a <
2a > s
2a chat-store overwrite #1 key=s cls=SimpleChatStore @app.py:11
2a chat-store read #1 key=s cls=SimpleChatStore @app.py:12
2a model read 2
2a <
"""
DELETED_BY_THE_APP = SILENT.replace("2a > s", "2a > s\n2a chat-store delete #1 key=s @app.py:11")


@table(
    dropped=(DROPPED, ["SC107 dropped-memory"]),
    dropped_but_handed_over=(DROPPED_BUT_HANDED_OVER, []),
    refused=(REFUSED, ["SC107 refused-write"]),
    refused_with_500=(REFUSED_WITH_500, ["SC107 refused-write"]),
    refused_to_the_app=(REFUSED_TO_THE_APP, []),
    silent=(SILENT, ["SC107 silent-loss"]),
    emptied_by_the_app=(EMPTIED_BY_THE_APP, []),
    deleted_by_the_app=(DELETED_BY_THE_APP, []),
)
def test_table(given: str, expected: list[str]) -> None:
    assert expected == [code for code in codes(history("same-process", given)) if expected or code.startswith("SC107")]


def test_it_names_the_versions_and_the_user_s_line() -> None:
    (found,) = findings(history("same-process", DROPPED))

    assert Anchor("app.py", 12) == found.anchor
    assert "llama-index-core 0.14.25, pydantic 2.14.3" in found.summary


COLD = """
1a > s
2a > s
1a chat-store write #1 1 cls=SQLAlchemyChatStore @app.py:15
2a chat-store write fail #1 2 cls=SQLAlchemyChatStore @app.py:15 error="OperationalError: no such table: messages"
1a <
2a x "HTTP 500"
"""
KEPT = """
1a > s
1a memory write #1 1 cls=Memory @app.py:15
1a model read 1
1a <
2a > s
2a memory read #1 1 cls=Memory @app.py:15
2a model read 1 2
2a <
"""


def test_two_first_turns_on_an_empty_store_are_a_warning() -> None:
    baseline = history("same-process", KEPT)
    found = findings(baseline, history("cold-start", COLD))

    assert [(one.code, one.kind, one.severity, str(one.anchor)) for one in found] == [
        ("SC107", "cold-start", "warning", "app.py:15")
    ]
    assert codes(baseline, history("cold-start", COLD.replace("fail #1", "#1"))) == []
    begun = findings(baseline, history("cold-start", COLD.replace('2a x "HTTP 500"', "2a <")))
    assert ["failed in an answer that had begun" in one.summary for one in begun] == [True]


THREADS = """
1a > s
1a memory write #1 1 cls=Memory @app.py:15
1a <
2a > s
3a > s
2a memory write fail #1 2 cls=Memory @app.py:15 error="RuntimeError: <asyncio.locks.Lock object at 0x7f1 [unlocked, waiters:1]> is bound to a different event loop"
2a x "HTTP 500"
3a ? "no answer"
2a overlap info 2
4a > s
4a x "HTTP 500"
"""  # noqa: E501 - one op a line


def test_a_store_that_threads_cannot_share_is_a_warning() -> None:
    baseline = history("same-process", KEPT)
    (found,) = findings(baseline, history("concurrent", THREADS))

    assert (found.code, found.kind, found.severity, str(found.anchor)) == (
        "SC107", "several-threads", "warning", "app.py:15",
    )  # fmt: skip
    assert found.summary == (
        "2 turns at once in threads that share a `Memory`: 1 refused, 1 never answered, and later ones too "
        "(RuntimeError: <asyncio.locks.Lock> is bound to a different event loop)"
    )


def test_a_pickled_memory_is_blamed_where_it_is_loaded() -> None:
    example = next(each for each in find_cause("SC107").examples if each.kind == "pickled")
    loaded = "2a memory build #2 key=s cls=Memory @app.py:7\n2a memory read #2"
    (found,) = findings(history("same-process", example.histories["same-process"].replace("2a memory read #2", loaded)))

    assert found.anchor == Anchor("app.py", 7)


def test_a_row_that_is_written_once_is_no_window_but_an_ignored_write() -> None:
    kept = "1a > s\n1a model read 1\n1a <\n2a > s\n2a model read 1 2\n2a <\n"
    write = '{0}a sql write {0} database=sqlite text="insert or ignore into rooms values (?, ?)" @app.py:34\n'
    turns = ((n, f"{n}a > s\n{n}a model read {'1 ' * (n > 1)}{n} @app.py:41\n") for n in range(1, 7))
    control = "".join(f"{text}{write.format(n)}{n}a <\n" for n, text in turns)

    (found,) = findings(history("same-process", kept), history("control", control))

    assert found.kind == "oldest-window"
    assert found.anchor == Anchor("app.py", 34)
    assert "ignored" in found.summary


FILE_NOT_USED = """
1a > s-1
1a file miss where=data/s-1.json @app.py:8
1a model read 1
1a file write where=data/s-1.json @app.py:14
1a <
2a > s-1
2a file read where=data/s-1.json @app.py:8
2a model read 2
2a file write where=data/s-1.json @app.py:14
2a <
-a disk 1 2 where=data/s-1.json
"""
KEY_NOT_USED = r"""
1a > s
1a wire send where=127.0.0.1:6379 text='*2\r\n$3\r\nGET\r\n$3\r\nt:s\r\n' @app.py:8
1a model read 1
1a wire write 1 where=127.0.0.1:6379 text='*3\r\n$3\r\nSET\r\n$3\r\nt:s\r\n' around='The word is ' @app.py:14
1a <
2a > s
2a wire send where=127.0.0.1:6379 text='*2\r\n$3\r\nGET\r\n$3\r\nt:s\r\n' @app.py:8
2a wire read 1 where=127.0.0.1:6379
2a model read 2
2a wire write 2 where=127.0.0.1:6379 text='*3\r\n$3\r\nSET\r\n$3\r\nt:s\r\n' around='The word is ' @app.py:14
2a <
"""
OF_ALL_SESSIONS = FILE_NOT_USED.replace("data/s-1.json", "data/all.json")
BESIDE_AN_ENGINE = FILE_NOT_USED.replace(
    "1a model read 1",
    "1a memory build #1 cls=ChatMemoryBuffer @app.py:9\n1a memory write #1 1 cls=ChatMemoryBuffer @app.py:10\n"
    "1a model read 1\n1a gone #1",
)
IN_A_STORE_OF_THE_LIBRARY = FILE_NOT_USED.replace(
    "2a model read 2", "2a memory read #2 1 key=s-1 cls=ChatMemoryBuffer @app.py:9\n2a model read 2"
)


@table(
    file_not_used=(FILE_NOT_USED, [("never-read", Anchor("app.py", 8))]),
    key_not_used=(KEY_NOT_USED, [("never-read", Anchor("app.py", 8))]),
    beside_an_engine=(BESIDE_AN_ENGINE, [("never-read", Anchor("app.py", 8))]),
    of_all_sessions=(OF_ALL_SESSIONS, [("new-key", Anchor("app.py", 14))]),
    in_a_store_of_the_library=(IN_A_STORE_OF_THE_LIBRARY, []),
)
def test_what_is_read_of_a_session_s_own_file_or_key_and_not_used(
    given: str, expected: list[tuple[str, Anchor]]
) -> None:
    assert [(one.kind, one.anchor) for one in findings(history("same-process", given))] == expected


def test_messages_of_one_second_are_to_be_sorted_by_an_id_too() -> None:
    stored = (
        "1b sql write 1 arguments=k1,s,{0},k2,s,{0} text='INSERT INTO m VALUES (?, ?, ?), (?, ?, ?)' @app.py:9\n1b <"
    )
    asked = "3a sql send text='SELECT text FROM m WHERE s = ? ORDER BY at DESC' @app.py:7\n3a model"
    reverse = "1b > s\n1b model read 1 roles=u\n1b <\n2b > s\n2b model read 1 2 roles=uau\n2b <\n3a > s\n"
    reverse = (reverse + "3a model read 2 1 3 roles=uauau @app.py:8\n3a <").replace("3a model", asked)
    kept = "1a > s\n1a model read 1\n1a <\n2a > s\n2a model read 1 2\n2a <"
    fixes = []
    for time in ("2026-03-01 12:00:00.000000", "2026-03-01 12:00:00.123456"):
        told = reverse.replace("1b <", stored.format(time.replace(" ", "T")))
        (found,) = findings(history("same-process", kept), history("other-worker", told))
        assert (found.kind, found.anchor) == ("newest-first", Anchor("app.py", 7))
        fixes.append(found.fix)

    assert "id DESC" in fixes[0]
    assert "turn round" in fixes[1]
