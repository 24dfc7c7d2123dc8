"""Ops, histories and their codec."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest
from histories import history, marker
from hypothesis import given
from hypothesis import strategies as st

from statecheck.history import Frame, History, Line, Op, decode, decode_lines, encode, with_ordinals
from statecheck.probe.ops import ACTIONS, KINDS, TYPES, Fields

counts = st.integers(0, 2**63)
# lone surrogates are what os.fsdecode makes of a path that is not UTF-8: a line must hold them too
texts = st.text(st.characters(codec=None), max_size=30)
frames = st.builds(Frame, texts, st.integers(0, 99999), texts)
lines = st.builds(Line, texts, st.integers(0, 99999), st.sampled_from(["defined", "written", "read"]))
ops = st.builds(
    Op,
    time=counts,
    type=st.sampled_from(sorted(TYPES)),
    f=st.sampled_from(sorted(KINDS)),
    pid=counts,
    generation=counts,
    turn=counts,
    action=st.sampled_from(sorted(ACTIONS)),
    cls=texts,
    obj=counts,
    parent=counts,
    key=st.none() | texts,
    markers=st.lists(texts, max_size=3).map(tuple),
    text=texts,
    frames=st.lists(frames, max_size=3).map(tuple),
    lines=st.lists(lines, max_size=3).map(tuple),
    name=texts,
    where=texts,
    database=texts,
    around=texts,
    run=texts,
    method=texts,
    tool=texts,
    service=texts,
    arguments=st.lists(texts, max_size=3).map(tuple),
    messages=st.lists(texts, max_size=3).map(tuple),
    roles=texts,
    status=counts,
    held=counts,
    error=texts,
    by_library=st.booleans(),
    running=st.booleans(),
    is_text=st.booleans(),
    on_volume=st.booleans(),
    carried=st.booleans(),
    streamed=st.booleans(),
    note=texts,
)
# for each field what it cannot hold, and a field that there is not
WRONG: dict[str, st.SearchStrategy[object]] = {
    "f": texts.filter(lambda word: word not in KINDS),
    "action": texts.filter(lambda word: word not in ACTIONS),
    "type": texts.filter(lambda word: word not in TYPES),
    "time": st.none() | st.booleans() | st.floats(allow_nan=False) | texts,
    "obj": st.none() | st.booleans() | texts,
    "running": st.none() | counts | texts,
    "text": st.none() | counts,
    "key": counts | st.booleans(),
    "markers": st.none() | texts | st.lists(counts, min_size=1),
    "frames": texts | st.lists(st.lists(texts, min_size=3, max_size=3), min_size=1),
    "lines": st.lists(st.tuples(texts, counts, st.just("deleted")), min_size=1),
    "mood": texts,
}
moments = st.builds(Op, st.integers(0, 9), st.just("ok"), st.just("model"), turn=counts, note=texts)


class TestCodec:
    @given(ops)
    def test_every_op_survives_a_line(self, one: Op) -> None:
        line = encode(one)

        assert "\n" not in line
        assert one == decode(line)

    @given(st.lists(ops, max_size=5))
    def test_every_op_survives_a_file(self, some: list[Op]) -> None:
        data = b"".join((encode(one) + "\n").encode("utf-8", "backslashreplace") for one in some)

        assert some == decode_lines(data)

    @given(st.lists(ops, min_size=1, max_size=3), st.data())
    def test_a_last_line_that_a_kill_cut_is_dropped(self, some: list[Op], data: st.DataObject) -> None:
        lines = [(encode(one) + "\n").encode("utf-8", "backslashreplace") for one in some]
        kept = data.draw(st.integers(0, len(lines[-1]) - 1))

        assert some[:-1] == decode_lines(b"".join(lines[:-1]) + lines[-1][:kept])

    def test_fields_at_their_default_are_left_out(self) -> None:
        assert encode(Op(1, "ok", "model")) == '{"time": 1, "type": "ok", "f": "model"}'

    @given(ops, st.sampled_from([*WRONG]), st.data())
    def test_what_an_op_does_not_have_is_refused(self, one: Op, name: str, data: st.DataObject) -> None:
        record = {**json.loads(encode(one)), name: data.draw(WRONG[name])}

        with pytest.raises(ValueError, match=r"unknown|not an op"):
            decode(json.dumps(record))

    def test_an_op_has_the_fields_that_a_worker_records(self) -> None:
        """A worker does not load `Op`: its fields are declared for it a second time, and these cannot differ."""
        own = {field.name: str(field.type) for field in fields(Op)}
        by_the_lab = {
            "lines",
            "status",
            "held",
            "is_text",
            "on_volume",
            "carried",
            "streamed",
            "answers",
            "ignored",
            "tabs",
        }
        in_each = {"time", "type", "f", "pid", "generation", "turn"}
        as_json = {"key": "str", "markers": "Iterable[str]", "frames": "Frames"}

        recorded = {name: hint.__forward_arg__ for name, hint in Fields.__annotations__.items()}
        assert recorded == {name: as_json.get(name, own[name]) for name in own.keys() - by_the_lab - in_each}

    @pytest.mark.parametrize(
        "line",
        [
            "",
            "{",
            "[]",
            "3",
            "null",
            '"x"',
            "{}",
            '{"time": 1, "type": "ok"}',
            b"\xff",
            '{"time":1,"type":"ok","f":"model","frames":[3]}',
            '{"time":1,"type":"ok","f":"model","frames":[["a",1]]}',
            "[" * 100_000,
        ],
    )
    def test_what_is_no_op_is_a_value_error(self, line: str | bytes) -> None:
        with pytest.raises(ValueError):  # noqa: PT011 - the reason is Python's own
            decode(line)


class TestHistory:
    @given(st.lists(st.lists(moments, max_size=6), max_size=4))
    def test_merging_is_by_time_and_loses_nothing(self, files: list[list[Op]]) -> None:
        merged = History.merge("concurrent", files)
        everything = [one for file in files for one in file]

        assert sorted(one.time for one in everything) == [one.time for one in merged.ops]
        assert sorted(map(repr, everything)) == sorted(map(repr, merged.ops))

    @given(st.lists(moments, max_size=6))
    def test_ops_of_one_moment_stay_in_their_file_s_order(self, file: list[Op]) -> None:
        same = [replace(one, time=7) for one in file]

        assert tuple(same) == History.merge("x", [same]).ops

    def test_select_by_any_of_f_turn_and_action(self) -> None:
        told = history("x", "1a > k\n1a memory write 1\n1a memory read 1\n2a memory write 2\n1a <")

        assert [one.type for one in told.select("turn")] == ["invoke", "ok"]
        assert [one.turn for one in told.select("memory")] == [1, 1, 2]
        assert [(marker(2),)] == [one.markers for one in told.select("memory", 2, "write")]
        assert len(list(told.select(turn=1))) == 4
        assert told.ops == tuple(told.select())

    @given(st.lists(moments, max_size=6), st.dictionaries(counts, st.integers(1, 9)))
    def test_a_worker_s_tokens_become_the_driver_s_ordinals(self, some: list[Op], ordinals: dict[int, int]) -> None:
        renamed = with_ordinals(some, {token: [(0, turn)] for token, turn in ordinals.items()})

        assert [ordinals.get(one.turn, 0) if one.turn else 0 for one in some] == [one.turn for one in renamed]
        assert [replace(one, turn=0) for one in some] == [replace(one, turn=0) for one in renamed]

    def test_a_connection_s_ops_are_those_of_the_turn_that_was_last_sent_on_it(self) -> None:
        file = [Op(time, "ok", "model", turn=5000) for time in (5, 10, 19, 20, 31)]

        assert [one.turn for one in with_ordinals(file, {5000: [(10, 1), (20, 2)]})] == [1, 1, 1, 2, 2]
