"""The checks against simulated stores of known strength, and on any history at all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from histories import any_history, history, marker
from hypothesis import given
from hypothesis import strategies as st
from stores import (
    Forgetful,
    Leaking,
    OnDisk,
    OneFile,
    Overlapping,
    Overwriting,
    Small,
    Splitting,
    Store,
    Swapping,
    Truncating,
    Window,
    serve,
)

from statecheck.experiments import OVERLAPPING, REPORTED, SEQUENTIAL
from statecheck.history import History, Op
from statecheck.judge.checks import baseline_channel, outcome, outcomes
from statecheck.judge.checks.lost_update import find_missing
from statecheck.judge.conversation import Channel, Conversation
from statecheck.steps import AT_ONCE

overlaps = st.builds(
    Overlapping,
    order=st.permutations([number for number in range(AT_ONCE) for _ in range(2)]),
    refused=st.frozensets(st.integers(0, AT_ONCE - 1), max_size=AT_ONCE - 1),
)


def judged(store: Store, experiment: str, how: Overlapping | None = None) -> str:
    told = Conversation(serve(store, experiment, how))
    return outcome(told, None if experiment == "same-process" else "model").outcome


class TestStoresOfKnownStrength:
    @pytest.mark.parametrize("experiment", SEQUENTIAL)
    def test_a_correct_store_keeps(self, experiment: str) -> None:
        assert judged(Store(), experiment) == "kept"

    def test_a_correct_store_isolates(self) -> None:
        assert judged(Store(), "other-session") == "isolated"

    @given(overlaps, st.sampled_from(OVERLAPPING))
    def test_a_correct_store_keeps_overlapping_turns(self, how: Overlapping, experiment: str) -> None:
        assert judged(Store(), experiment, how) == "kept"

    @pytest.mark.parametrize("experiment", SEQUENTIAL)
    def test_a_store_that_forgets_is_found(self, experiment: str) -> None:
        assert judged(Forgetful(), experiment) == "lost"

    def test_process_memory_is_lost_to_other_processes_only(self) -> None:
        assert [judged(Splitting(), experiment) for experiment in SEQUENTIAL] == ["kept", "lost", "lost", "lost"]

    def test_the_container_s_disk_is_lost_to_a_redeploy_only(self) -> None:
        assert [judged(OnDisk(), experiment) for experiment in SEQUENTIAL] == ["kept", "kept", "kept", "lost"]

    def test_a_store_that_leaks_is_found(self) -> None:
        assert judged(Leaking(), "other-session") == "leaked"

    @given(overlaps)
    def test_a_correct_store_keeps_sessions_apart_at_once(self, how: Overlapping) -> None:
        told = serve(Store(), "two-sessions", replace(how, refused=frozenset()))

        assert outcome(Conversation(told), "model").outcome == "isolated"

    @pytest.mark.parametrize("order", [(0, 1, 0, 1), (0, 1, 1, 0), (1, 0, 0, 1), (1, 0, 1, 0)])
    def test_what_two_sessions_swap_is_found(self, order: tuple[int, ...]) -> None:
        assert judged(Swapping(), "other-session") == "isolated"
        assert judged(Swapping(), "two-sessions", Overlapping(order)) == "leaked"

    @pytest.mark.parametrize("order", [(0, 0, 1, 1), (1, 1, 0, 0)])
    def test_a_lock_keeps_what_could_be_swapped(self, order: tuple[int, ...]) -> None:
        assert judged(Swapping(), "two-sessions", Overlapping(order)) == "isolated"
        assert judged(OneFile(), "two-sessions", Overlapping(order)) == "isolated"

    @pytest.mark.parametrize("order", [(0, 1, 0, 1), (0, 1, 1, 0)])
    def test_a_file_of_all_sessions_loses_a_turn(self, order: tuple[int, ...]) -> None:
        assert judged(OneFile(), "two-sessions", Overlapping(order)) == "lost"

    def test_what_another_session_alone_pushes_out_is_no_overlap_s_doing(self) -> None:
        assert judged(Small(), "two-sessions", Overlapping((0, 1, 0, 1))) == "isolated"

    @pytest.mark.parametrize(
        ("written", "name"),
        [
            ("file write where=data/bob-12345.json", "leaked"),
            ("file write where=data/ada-12345.json", "isolated"),
            ("file write where=data/everyone.json", "isolated"),
            ("sql write 1 3 arguments=bob-12345", "leaked"),
            ("sql write 2 4 arguments=bob-12345", "isolated"),  # what bob said is put away
        ],
    )
    def test_a_turn_that_is_written_where_another_session_is_kept_is_a_leak(self, written: str, name: str) -> None:
        said = f"""
            1a > ada-12345
            1a file write where=data/ada-12345.json
            1a model read 1
            1a <
            2a > bob-12345
            2a file write where=data/bob-12345.json
            2a model read 2
            2a <
            3a > ada-12345
            4a > bob-12345
            3a model read 1 3
            4a model read 2 4
            4a file write where=data/bob-12345.json
            4a <
            3a {written}
            3a <
            3 overlap held=2
            5a > bob-12345
            5a model read 2 4 5
            5a <
            6a > ada-12345
            6a model read 1 3 6
            6a <
        """
        told = history("two-sessions", said)

        assert outcome(Conversation(told), "model").outcome == name

    def test_an_answer_that_is_given_to_another_session_is_a_leak(self) -> None:
        said = """
            1a > s
            1a model read 1
            1a <
            2a > t
            2a model read 2 text="user: {0} | assistant: Noted: {1}"
            2a <
        """
        told = history("two-sessions", said.format(marker(2), marker(1)))

        assert outcome(Conversation(told), "model").outcome == "leaked"

    @given(overlaps, st.sampled_from(OVERLAPPING))
    def test_an_overwriting_store_is_found_exactly_when_a_turn_was_overwritten(
        self, how: Overlapping, experiment: str
    ) -> None:
        store = Overwriting()
        told = Conversation(serve(store, experiment, how))
        acknowledged = {marker(2 + number) for number in range(AT_ONCE) if number not in how.refused}
        gone = acknowledged - set(store.kept[1])

        assert ("lost" if gone else "kept") == outcome(told, "model").outcome
        assert sorted(gone) == sorted(turn.marker for turn in find_missing(told, "model"))

    @given(overlaps)
    def test_workers_that_split_lose_the_other_worker_s_turns(self, how: Overlapping) -> None:
        elsewhere = {1, 3, 5, 7} - how.refused

        assert ("lost" if elsewhere else "kept") == judged(Splitting(), "concurrent-workers", how)

    @given(overlaps, st.sampled_from(OVERLAPPING), st.integers(1, AT_ONCE + 2))
    def test_a_window_is_never_a_lost_update(self, how: Overlapping, experiment: str, size: int) -> None:
        told, control = (serve(Window(size=size), name, how) for name in (experiment, "control"))

        assert outcome(Conversation(told), "model", Conversation(control)).outcome == "kept"

    @pytest.mark.parametrize("experiment", OVERLAPPING)
    def test_nor_is_a_lost_update_that_takes_the_turn_before_with_it_a_window(self, experiment: str) -> None:
        how = Overlapping(tuple(number for _ in range(2) for number in range(AT_ONCE)))
        told, control = (serve(Truncating(), name, how) for name in (experiment, "control"))

        assert outcome(Conversation(told), "model", Conversation(control)).outcome == "lost"

    @pytest.mark.parametrize(("given", "name"), [("1 2 3 4 5", "kept"), ("1 3 4 5", "lost")])
    def test_what_a_turn_is_given_that_asks_once_more_is_not_lost(self, given: str, name: str) -> None:
        said = f"""
            1a > s
            1a model read 1
            1a <
            2a > s
            3a > s
            2 overlap held=2
            2a model read 1 2
            3a model read 1 3
            2a <
            3a <
            4a > s
            4a model read 1 3 4
            4a <
            5a > s
            5a model read {given}
            5a <
            5 once-more
        """
        told = history("concurrent", said)

        assert outcome(Conversation(told), "model").outcome == name

    @pytest.mark.parametrize(
        ("given", "name"), [("2", "skipped"), ("2 1", "lost")], ids=["of its own", "that all share"]
    )
    def test_turns_of_several_tabs_overlap_only_in_a_conversation_that_these_share(self, given: str, name: str) -> None:
        said = f"""
            1a > s
            1a model read 1
            1a <
            2 overlap tabs held=2
            2a > s
            3a > s
            2a model read {given}
            3a model read 3
            2a <
            3a <
            4a > s
            4a model read 1 3 4
            4a <
        """
        told = history("concurrent", said)

        assert outcome(Conversation(told), "model").outcome == name

    @given(st.integers(1, 3))
    def test_a_window_that_holds_the_turn_before_keeps_it(self, size: int) -> None:
        assert judged(Window(size=size), "same-process") == "kept"


class TestIndeterminate:
    @pytest.mark.parametrize("experiment", SEQUENTIAL)
    @pytest.mark.parametrize("turn", [1, 2])
    def test_a_turn_without_an_answer_is_never_lost(self, experiment: str, turn: int) -> None:
        told = serve(Forgetful(), experiment)
        unknown = Conversation(History(experiment, tuple(_unanswered(one, turn) for one in told.ops)))

        assert outcome(unknown, "model").outcome == "error"

    @given(overlaps, st.sampled_from(OVERLAPPING), st.sets(st.integers(2, AT_ONCE), min_size=1))
    def test_nor_is_it_among_overlapping_ones(self, how: Overlapping, experiment: str, dead: set[int]) -> None:
        ops = serve(Overwriting(), experiment, how).ops
        for turn in dead:
            ops = tuple(_unanswered(one, turn) for one in ops)
        lost = find_missing(Conversation(History(experiment, ops)), "model")

        assert not dead & {turn.number for turn in lost}

    def test_an_end_that_was_not_recorded_is_indeterminate(self) -> None:
        told = Conversation(history("new-process", "1a > k\n1a model read 1\n2b > k\n2b model read 2\n2b <"))

        assert told.turns[0].status == "info"
        assert outcome(told, "model").outcome == "error"

    def test_a_refusal_is_a_loss_only_where_the_baseline_remembers(self) -> None:
        told = Conversation(
            history(
                "other-worker",
                """
                1a > k
                1a model read 1
                1a <
                2b > k
                2b x "HTTP 409"
                3a > k
                3a model read 1 3
                3a <
                """,
            )
        )

        assert outcome(told, "model").outcome == "lost"
        assert outcome(told, None).outcome == "error"


class TestChannels:
    def test_an_answer_shows_nothing_where_a_model_is_called(self) -> None:
        told = Conversation(
            history(
                "same-process",
                """
                1a > k
                1a model read 1
                1a <
                2a > k
                2a model read 2
                2a < "you said {1} before"
                """,
            )
        )

        assert baseline_channel(told) is None
        assert outcome(told, None).outcome == "lost"

    def test_an_answer_counts_where_no_model_is_called(self) -> None:
        told = Conversation(history("same-process", '1a > k\n1a < first\n2a > k\n2a < "earlier: {1}"'))

        assert baseline_channel(told) == "answer"
        assert outcome(told, None).outcome == "kept"

    @pytest.mark.parametrize(
        ("more", "channel"),
        [
            ("-a place 1 where=main.baskets['s'] key=s is_text", "answer"),
            ("-a place 1 where=main.app.llm", None),  # that an object was given it shows nothing of the answer
            ("1a memory write 1 cls=Memory @app.py:9\n-a place 1 where=main.memory is_text", None),
            ("", None),
        ],
    )
    def test_an_answer_counts_beside_a_model_where_the_app_keeps_what_it_shows(
        self, more: str, channel: Channel | None
    ) -> None:
        given = f"1a > s\n1a model read 1\n1a < {{1}}\n2a > s\n2a model read 2\n2a < '{{1}} {{2}}'\n{more}"
        told = Conversation(history("same-process", given))
        assert baseline_channel(told) == channel
        assert outcome(told, None).outcome == ("kept" if channel else "lost")

    def test_recorded_reads_count(self) -> None:
        told = Conversation(
            history(
                "same-process",
                """
                1a > k
                1a memory write #1 1
                1a <
                2a > k
                2a memory read #1 1
                2a <
                """,
            )
        )

        assert baseline_channel(told) == "state"

    def test_what_the_baseline_shows_is_asked_of_the_others(self) -> None:
        told = Conversation(
            history(
                "other-worker",
                """
                1a > k
                1a memory write #1 1
                1a <
                2b > k
                2b memory read #1 1
                2b model read 2
                2b <
                """,
            )
        )

        assert outcome(told, "model").outcome == "lost"
        assert outcome(told, "state").outcome == "kept"

    def test_what_is_not_given_either_where_nothing_comes_between_is_not_lost(self) -> None:
        lines = '1{a} > k\n1{a} < why\n2{b} > k\n2{b} < "because {{1}}"\n3{a} > k\n3{a} < why'
        split = Conversation(history("other-worker", lines.format(a="a", b="b")))
        alone = Conversation(history("same-process", lines.format(a="a", b="b")))
        control = Conversation(history("control", lines.format(a="a", b="a")))

        assert outcome(split, "answer").outcome == "lost"
        assert outcome(split, "answer", control).outcome == "kept"
        assert outcome(alone, "answer", control).outcome == "lost"

    def test_a_refused_read_gives_nothing(self) -> None:
        told = Conversation(history("same-process", "1a > k\n1a <\n2a > k\n2a memory read fail #1 1\n2a <"))

        assert baseline_channel(told) is None

    def test_a_run_without_a_baseline_is_still_judged(self) -> None:
        channel, found = outcomes({"other-session": Conversation(serve(Leaking(), "other-session"))})

        assert channel is None
        assert found["other-session"].outcome == "leaked"


CONTEXT = """
1a > k
1a ctx-store {first} run=r1 name=approved @app.py:9 {markers}
1a ctx-store write run=r1 name=approved @app.py:10 1
1a model read 1
1a <
2a > k
2a ctx-store read run=r2 name=approved @app.py:9 {given}
2a model read 1 2
2a <
"""


class TestStoreByStore:
    def test_a_context_value_that_is_gone_is_not_made_good_by_the_conversation(self) -> None:
        told = Conversation(history("same-process", CONTEXT.format(first="read", markers="", given="")))

        assert outcome(told, None).outcome == "lost"

    def test_a_context_value_that_is_kept(self) -> None:
        told = Conversation(history("same-process", CONTEXT.format(first="read", markers="", given="1")))

        assert outcome(told, None).outcome == "kept"

    def test_a_value_that_is_set_before_it_is_read_is_scratch(self) -> None:
        told = Conversation(history("same-process", CONTEXT.format(first="write", markers="1", given="")))

        assert outcome(told, None).outcome == "kept"


def _unanswered(one: Op, turn: int) -> Op:
    ended = one.f == "turn" and one.turn == turn and one.type != "invoke"
    return replace(one, type="info", text="", status=0, error="the worker died while it answered") if ended else one


any_conversation = any_history.map(Conversation)
channels: st.SearchStrategy[Channel | None] = st.sampled_from([None, "model", "answer", "state"])


class TestAnyHistory:
    @given(any_conversation, channels)
    def test_a_check_never_raises_and_is_deterministic(self, told: Conversation, channel: Channel | None) -> None:
        again = Conversation(History(told.experiment, tuple(told.ops)))

        assert outcome(told, channel) == outcome(told, channel) == outcome(again, channel)

    @given(any_conversation, channels)
    def test_kept_and_isolated_need_two_answered_turns(self, told: Conversation, channel: Channel | None) -> None:
        found = outcome(told, channel)
        answered = [turn for turn in told.turns if turn.status == "ok"]

        assert found.outcome not in ("kept", "isolated", "reordered") or len(answered) >= 2

    @given(any_conversation, channels)
    def test_what_is_indeterminate_is_never_lost(self, told: Conversation, channel: Channel | None) -> None:
        found = outcome(told, channel)
        first = next(iter(told.turns), None)

        assert found.outcome not in ("lost", "leaked") or (first is not None and first.status == "ok")

    @given(any_conversation)
    def test_every_turn_has_a_row(self, told: Conversation) -> None:
        rows = outcome(told, None).turns

        assert [turn.number for turn in told.turns] == [row.number for row in rows]
        assert all(row.given is None or 0 <= row.given[0] <= row.given[1] for row in rows)

    @given(st.builds(Conversation, st.builds(History, st.sampled_from(REPORTED), st.just(()))), channels)
    def test_an_empty_history_is_an_error(self, told: Conversation, channel: Channel | None) -> None:
        assert outcome(told, channel).outcome == "error"

    @pytest.mark.parametrize("experiment", REPORTED)
    def test_a_single_turn_shows_nothing(self, experiment: str) -> None:
        told = Conversation(history(experiment, "1a > k\n1a model read 1\n1a <"))

        assert outcome(told, "model").outcome == "error"

    def test_a_turn_without_a_marker_is_an_error_not_an_exception(self) -> None:
        damaged = Conversation(History("same-process", (Op(1, "ok", "turn", turn=1), Op(2, "ok", "turn", turn=2))))

        assert outcome(damaged, None).outcome == "error"

    @pytest.mark.parametrize(("read", "expected"), [("3a model read 1 2 3\n", "kept"), ("", "error")])
    def test_a_reading_turn_whose_model_was_not_asked_yet_shows_nothing(self, read: str, expected: str) -> None:
        text = "1a > s\n1a model read 1\n1a <\n2a > s\n2a model read 1 2\n2a <\n2 overlap info held=1\n3a > s\n" + read
        told = Conversation(history("concurrent", text + "3a <"))

        assert outcome(told, "model").outcome == expected
