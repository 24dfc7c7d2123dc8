"""The tiny language in which the causes, and the other tests, write histories."""

from __future__ import annotations

import pytest
from histories import history, marker, op
from hypothesis import given
from hypothesis import strategies as st

from statecheck.history import Frame, Op, decode, encode

words = st.permutations(["write", "#2", "^1", "1", "key=alice", "cls=Memory", "where='a b'", "by_library", "@app.py:9"])
lines = st.sampled_from(
    ["1a > s", "1a < ok", "2b x 'HTTP 500'", "2b ? died", "-a gone #2", "1a model read 1", "", "# no"]
)


def test_a_turn_is_sent_and_ends() -> None:
    sent, answered, refused, unknown = history(
        "same-process",
        """
        1a > alice
        1a < "Noted: {1}, {2}"
        2b x "HTTP 500"
        3c ? the worker died
        """,
    ).ops

    assert (
        Op(10, "invoke", "turn", 7, 1, 1, key="alice", markers=("sc-m00000001",), text="The word is sc-m00000001.")
        == sent
    )
    answer = "Noted: sc-m00000001, sc-m00000002"
    assert Op(20, "ok", "turn", 7, 1, 1, markers=(marker(1),), text=answer, status=200) == answered
    assert Op(30, "fail", "turn", 8, 2, 2, markers=(marker(2),), status=500) == refused
    assert Op(40, "info", "turn", 9, 3, 3, markers=(marker(3),), error="the worker died") == unknown


def test_what_a_worker_does_has_every_field() -> None:
    written = op("1a memory write #2 ^1 1 12 fail key=alice cls=Memory where='a b' run=r note=n @app.py:9 @m/b.py:3")

    assert written == Op(
        0,
        "fail",
        "memory",
        pid=7,
        generation=1,
        turn=1,
        action="write",
        cls="Memory",
        obj=2,
        parent=1,
        key="alice",
        markers=(marker(1), marker(12)),
        where="a b",
        run="r",
        note="n",
        frames=(Frame("app.py", 9, "chat"), Frame("m/b.py", 3, "chat")),
    )


def test_what_no_turn_and_no_worker_did() -> None:
    assert op("-a gone #2") == Op(0, "ok", "gone", 7, 1, obj=2)
    assert op("- overlap info held=8") == Op(0, "info", "overlap", held=8)


def test_a_redis_command() -> None:
    assert op(r"1a wire write text='*1\r\n$4\r\nPING\r\n'").text == "*1\r\n$4\r\nPING\r\n"


def test_a_session_without_a_key_and_comments() -> None:
    one, other = history("x", "1a > -\n# a comment\n\n2a >  # another").ops

    assert (one.key, other.key) == (None, None)
    assert (one.time, other.time) == (10, 20)


@pytest.mark.parametrize(
    "line",
    ["a1 model", "1a model Read", "1a model read write", "1a model nofield=3", "1a model turn=3", "1a model sing"],
)
def test_a_word_without_meaning_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="`"):
        op(line)


@given(words)
def test_the_words_of_an_op_may_stand_in_any_order(some: list[str]) -> None:
    assert op(f"1a memory {' '.join(some)}") == op(
        "1a memory write #2 ^1 1 key=alice cls=Memory where='a b' by_library @app.py:9"
    )


@given(st.lists(lines, max_size=8))
def test_a_history_has_an_op_a_line_in_their_order_which_survive_the_codec(some: list[str]) -> None:
    ops = history("same-process", "\n".join(some)).ops
    meant = [line for line in some if line and line[0] != "#"]

    assert [op(line, 10 * number) for number, line in enumerate(meant, 1)] == [*ops]
    assert [decode(encode(one)) for one in ops] == [*ops]
    assert all(one.pid == (6 + one.generation if one.generation else 0) for one in ops)
