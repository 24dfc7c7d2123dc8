"""Messages between lab and probe, with descriptors beside them, whichever way the stream is cut."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statecheck.probe.channel import MOST_MESSAGE, Channel, Closed, Garbled, Message

if TYPE_CHECKING:
    from collections.abc import Iterator

messages: st.SearchStrategy[Message] = st.dictionaries(
    st.text(st.characters(codec="utf-8"), max_size=5).filter(lambda name: name != "fds"),
    st.none() | st.booleans() | st.integers() | st.text(max_size=50) | st.lists(st.integers(), max_size=3),
    max_size=4,
)


@pytest.fixture
def pair() -> Iterator[tuple[Channel, Channel]]:
    one, other = map(Channel, socket.socketpair())
    yield one, other
    one.close()
    other.close()


@given(st.lists(messages, max_size=8))
def test_messages_arrive_whole_and_in_order(sent: list[Message]) -> None:
    one, other = map(Channel, socket.socketpair())
    for message in sent:
        one.send(message)

    assert sent == [other.receive(5)[0] for _ in sent]
    one.close()
    other.close()


def test_a_message_that_is_cut_anywhere_is_put_together(pair: tuple[Channel, Channel]) -> None:
    left, right = socket.socketpair()
    other = Channel(right)
    line = b'{"text": "\xc3\xa4", "fds": 0}\n'
    for at in range(len(line)):
        left.send(line[:at])
        with pytest.raises(TimeoutError):
            other.receive(0.001)
        left.send(line[at:])

        assert other.receive(5)[0] == {"text": "ä"}
    left.close()
    other.close()


def test_a_megabyte_passes_while_the_other_end_reads(pair: tuple[Channel, Channel]) -> None:
    one, other = pair
    text = "ä" * 1_000_000
    sending = threading.Thread(target=one.send, args=({"text": text},))
    sending.start()

    assert {"text": text} == other.receive(20)[0]
    sending.join(20)


def test_many_threads_may_send(pair: tuple[Channel, Channel]) -> None:
    one, other = pair

    def send(who: int) -> None:
        for number in range(50):
            one.send({"who": who, "number": number, "text": "x" * 10_000})

    threads = [threading.Thread(target=send, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    received = [other.receive(20)[0] for _ in range(200)]
    for thread in threads:
        thread.join(20)

    for who in range(4):
        assert list(range(50)) == [message["number"] for message in received if message["who"] == who]


def test_descriptors_go_with_their_message(pair: tuple[Channel, Channel]) -> None:
    one, other = pair
    pipes = [os.pipe() for _ in range(5)]
    for number, (_, write_end) in enumerate(pipes):
        one.send({"number": number}, (write_end, write_end) if number % 2 else (write_end,))
        one.send({"number": -1})
        os.close(write_end)
    for number, (read_end, _) in enumerate(pipes):
        message, descriptors = other.receive(5)
        assert ({"number": number}, 1 + number % 2) == (message, len(descriptors))
        for descriptor in descriptors:
            os.write(descriptor, b"x")
            os.close(descriptor)
        assert b"xx"[: len(descriptors)] == os.read(read_end, 10)
        assert os.read(read_end, 1) == b"", "ours are the only copies"
        os.close(read_end)
        assert other.receive(5) == ({"number": -1}, [])


def test_descriptors_of_a_large_message(pair: tuple[Channel, Channel]) -> None:
    one, other = pair
    read_end, write_end = os.pipe()
    sending = threading.Thread(target=one.send, args=({"text": "x" * 1_000_000}, (write_end,)))
    sending.start()
    message, (descriptor,) = other.receive(20)
    sending.join(20)

    assert len(message["text"]) == 1_000_000
    for fd in (read_end, write_end, descriptor):
        os.close(fd)


def test_descriptors_are_not_inherited_by_programs_that_the_app_starts(pair: tuple[Channel, Channel]) -> None:
    one, other = pair
    one.send({}, (0,))
    _, (descriptor,) = other.receive(5)

    assert not os.get_inheritable(descriptor)
    os.close(descriptor)


def test_the_end_of_the_stream_is_closed(pair: tuple[Channel, Channel]) -> None:
    one, other = pair
    one.send({"last": 1})
    one.close()

    assert other.receive(5)[0] == {"last": 1}
    for _ in range(2):
        with pytest.raises(Closed):
            other.receive(5)
    with pytest.raises(Closed):
        other.send({"late": 1})


def test_a_last_message_that_a_kill_cut_is_the_end() -> None:
    left, right = socket.socketpair()
    left.sendall(b'{"fds": 0}\n{"half": ')
    left.close()
    other = Channel(right)

    assert other.receive(5)[0] == {}
    with pytest.raises(Closed):
        other.receive(5)
    other.close()


def test_closing_wakes_who_receives(pair: tuple[Channel, Channel]) -> None:
    one, _ = pair
    ended = threading.Event()
    entered = threading.Event()

    def receive() -> None:
        entered.set()
        with pytest.raises(Closed):
            one.receive()
        ended.set()

    thread = threading.Thread(target=receive)
    thread.start()
    entered.wait(5)
    one.close()

    assert ended.wait(5)
    thread.join(5)


def test_nothing_is_received_once_it_is_closed_here(pair: tuple[Channel, Channel]) -> None:
    one, other = pair
    other.send({"late": 1})
    one.close()
    one.close()

    for timeout in (None, 1):
        with pytest.raises(Closed):
            one.receive(timeout)
    with pytest.raises(Closed):
        one.send({})


def test_leaving_keeps_the_other_copies_connected(pair: tuple[Channel, Channel]) -> None:
    one, other = pair
    copy = Channel(socket.socket(fileno=os.dup(one.fileno())))
    one.leave()
    copy.send({"still": "here"})

    assert other.receive(5)[0] == {"still": "here"}
    copy.close()


@pytest.mark.parametrize(
    "junk",
    [
        b"\n",
        b"junk\n",
        b"\xff\xfe\n",
        b"[]\n",
        b"7\n",
        b"{}\n",
        b'{"fds": 1}\n',
        b'{"fds": "x"}\n',
        b'{"fds": 1e999}\n',
        b"[" * 100_000 + b"\n",
        b'{"a":' * 20_000 + b"\n",
        b"9" * 100_000 + b"\n",
    ],
    ids=range(12),
)
def test_what_is_no_message_is_told_from_an_end(junk: bytes) -> None:
    left, right = socket.socketpair()
    other = Channel(right)
    left.sendall(junk)

    with pytest.raises(Garbled):
        other.receive(5)
    left.close()
    other.close()


def test_a_message_without_end_is_given_up() -> None:
    left, right = socket.socketpair()
    other = Channel(right)
    taken = threading.Event()

    def flood() -> None:
        try:
            while True:
                left.sendall(b"x" * (1 << 16))
        except OSError:
            taken.set()

    threading.Thread(target=flood, daemon=True).start()
    with pytest.raises(Garbled, match=f"more than {MOST_MESSAGE >> 20} MiB"):
        other.receive(5)
    other.close()

    assert taken.wait(5)
    left.close()


def test_descriptors_without_a_message_are_given_back() -> None:
    left, right = socket.socketpair()
    other = Channel(right)
    before = _count_descriptors()
    for _ in range(40):
        socket.send_fds(left, [b"x"], [0, 0])

    with pytest.raises(Garbled, match="without a message"):
        other.receive(5)
    assert _count_descriptors() == before
    left.close()
    other.close()


def _count_descriptors() -> int:
    own = Path("/proc/self/fd")
    return len([*own.iterdir()]) if own.is_dir() else 0
