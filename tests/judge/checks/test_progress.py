"""Apps that call no model and show no marker: their answers tell how far a session has come, whatever else varies."""

from __future__ import annotations

import itertools
from random import Random
from typing import TYPE_CHECKING

import pytest
from histories import history
from hypothesis import given
from hypothesis import strategies as st
from stores import Forgetful, OnDisk, Overlapping, Overwriting, Splitting, Store, serve

from statecheck.experiments import OVERLAPPING, REPORTED, SEQUENTIAL
from statecheck.judge.checks import outcomes
from statecheck.judge.conversation import Conversation, read_conversations
from statecheck.judge.conversation.answer_scale import split_words
from statecheck.steps import AT_ONCE
from statecheck.talk.requests import session_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hypothesis.strategies import DrawFn

    from statecheck.source.fields import Form

overlaps = st.builds(Overlapping, order=st.permutations([number for number in range(AT_ONCE) for _ in range(2)]))


@st.composite
def noises(draw: DrawFn) -> Callable[[int], str]:
    """What varies in answers by itself: ids, clocks, processes, counters that all sessions share."""
    kinds = draw(st.lists(st.sampled_from(["id", "clock", "pid", "served", "words"]), max_size=4))
    unique, served = itertools.count(draw(st.integers(0, 9))), dict[int, int]()
    ticks: Iterator[int] = itertools.accumulate(
        itertools.cycle(draw(st.lists(st.integers(0, 2), min_size=8, max_size=8)))
    )

    def noise(life: int) -> str:
        served[life] = served.get(life, 0) + 1
        said = {
            "id": f"x{next(unique)}",
            "clock": next(ticks),
            "pid": 40 + life,
            "served": served[life],
            "words": "fine",
        }
        return " ".join(f"{kind} {said[kind]}," for kind in kinds)

    return noise


class Counting:
    """An app that answers with the number of the session's turn, among other things."""

    def __init__(self, noise: Callable[[int], str], words: str) -> None:
        self.noise, self.words = noise, words

    def __call__(self, number: int, life: int) -> str:
        return f"{self.noise(life)} {self.words.format(number)}"


def judged(store: type[Store], says: Counting, how: Overlapping | None = None) -> dict[str, str]:
    names = (*REPORTED, *(["control"] if how else []))
    histories = {name: serve(store(), name, how or Overlapping(()), says) for name in names}
    channel, found = outcomes(read_conversations(histories))
    return {"channel": str(channel), **{name: outcome.outcome for name, outcome in found.items()}}


@pytest.mark.parametrize("form", ["token", "word", "capitals"])
def test_keys_of_other_sessions_are_alike_in_answers(form: Form) -> None:
    one, other = session_key(form, Random(1)), session_key(form, Random(2))

    assert split_words(f"visit 1, beside {one}", None) == split_words(f"visit 1, beside {other}", None)


VISITS = st.sampled_from(["visit {}", '{{"step": {}, "of": 5}}', "<p>This is your message number {}.</p>"])


class TestStoresOfKnownStrength:
    @given(noises(), VISITS)
    def test_a_correct_store_keeps_and_isolates(self, noise: Callable[[int], str], words: str) -> None:
        found = judged(Store, Counting(noise, words))

        assert found["channel"] == "progress"
        assert [found[name] for name in SEQUENTIAL] == ["kept"] * 4
        assert found["other-session"] == "isolated"

    @given(noises(), VISITS)
    def test_process_memory_is_lost_to_other_processes_only(self, noise: Callable[[int], str], words: str) -> None:
        found = judged(Splitting, Counting(noise, words))

        assert [found[name] for name in SEQUENTIAL] == ["kept", "lost", "lost", "lost"]

    @given(noises(), VISITS)
    def test_the_container_s_disk_is_lost_to_a_redeploy_only(self, noise: Callable[[int], str], words: str) -> None:
        found = judged(OnDisk, Counting(noise, words))

        assert [found[name] for name in SEQUENTIAL] == ["kept", "kept", "kept", "lost"]

    @given(noises(), overlaps, VISITS)
    def test_an_overwritten_turn_is_counted(self, noise: Callable[[int], str], how: Overlapping, words: str) -> None:
        store = Overwriting()
        serve(store, "concurrent", how)
        found = judged(Overwriting, Counting(noise, words), how)

        assert found["concurrent"] == ("kept" if len(store.kept[1]) == AT_ONCE + 2 else "lost")

    @given(noises(), overlaps)
    def test_a_correct_store_keeps_overlapping_turns(self, noise: Callable[[int], str], how: Overlapping) -> None:
        found = judged(Store, Counting(noise, "visit {}"), how)

        assert [found[name] for name in OVERLAPPING] == ["kept", "kept"]


class TestWhatVariesByItself:
    @given(noises(), st.sampled_from([Store, Splitting, Forgetful]), st.sampled_from(["welcome", "visit"]))
    def test_is_no_conversation(self, noise: Callable[[int], str], store: type[Store], words: str) -> None:
        found = judged(store, Counting(noise, words))

        assert found["channel"] == "None"

    def test_an_answer_that_is_on_no_scale_says_nothing(self) -> None:
        kept = history("same-process", '-a warm-up text=new\n1a > k\n1a < new\n2a > k\n2a < "last seen 0.2 s ago"')
        other = history("other-worker", '-a warm-up text=new\n1a > k\n1a < new\n2b > k\n2b < "last seen 0.7 s ago"')

        assert (
            outcomes(read_conversations({"same-process": kept, "other-worker": other}))[1]["other-worker"].outcome
            == "kept"
        )

    def test_answers_of_many_forms_are_compared_with_nothing(self) -> None:
        kept = history("same-process", '-a warm-up text="one fine day"\n1a > k\n1a < new\n2a > k\n2a < again')

        assert outcomes(read_conversations({"same-process": kept}))[0] is None

    def test_where_a_model_is_called_its_input_counts_and_not_the_answer(self) -> None:
        kept = history(
            "same-process",
            "-a warm-up text=visit1\n1a > k\n1a model read 1\n1a < visit1\n2a > k\n2a model read 2\n2a < visit2",
        )

        assert outcomes(read_conversations({"same-process": kept}))[0] is None


STEPS = """
1a > k
1a ctx-store read run=r1 name=step text=0
1a ctx-store write run=r1 name=step text=1
1a < one
2a > k
2a ctx-store read run=r2 name=step text={read}
2a ctx-store write run=r2 name=step text={wrote}
2a < two
"""
APPROVED = """
1a > k
1a ctx-store read run=r1 name=approved text=False
1a ctx-store write run=r1 name=approved text=True
1a <
2a > k
2a ctx-store read run=r2 name=approved text=True
2a ctx-store write run=r2 name=approved text=True
2a <
3a > k
3a ctx-store read run=r3 name=approved text=True
3a <
"""
LOOP = """
1a > k
1a ctx-store read run=r1 name=tries text=0
1a ctx-store write run=r1 name=tries text=1
1a ctx-store read run=r1 name=tries text=1
1a ctx-store write run=r1 name=tries text=2
1a <
"""

TRIED_AGAIN = """
1a > k
1a ctx-store read run=r1 name=tries text=0 @flow.py:9
1a ctx-store write run=r1 name=tries text=1 @flow.py:12
1a ctx-store read run=r1 name=tries text=1 @flow.py:9
1a <
"""
ANSWERED_WITH = TRIED_AGAIN.replace("text=1 @flow.py:9", "text=1 @flow.py:14")
ANOTHER_S = """
1a > k
1a ctx-store read run=r1 text={0}
1a ctx-store write run=r1 text={1}
1a <
2a > other
2a ctx-store read run=r2 text={0}
2a ctx-store write run=r2 text={1}
2a ctx-store read run=r2 text={1}
2a <
"""


class TestValues:
    @pytest.mark.parametrize(("read", "wrote", "outcome"), [("1", "2", "kept"), ("0", "1", "lost")])
    def test_a_value_that_is_read_back_stands_for_the_turn_that_wrote_it(
        self, read: str, wrote: str, outcome: str
    ) -> None:
        channel, found = outcomes(
            read_conversations({"same-process": history("same-process", STEPS.format(read=read, wrote=wrote))})
        )

        assert channel == ("state" if outcome == "kept" else None)
        assert found["same-process"].outcome == outcome

    def test_a_turn_that_changes_nothing_has_nothing_to_lose(self) -> None:
        conversation = Conversation(history("same-process", APPROVED))

        assert conversation.state_values.read_back(3) == conversation.set_of(conversation.turns[:2])

    @pytest.mark.parametrize(("text", "number"), [(LOOP, 0), (TRIED_AGAIN, 0), (ANSWERED_WITH, 1)])
    def test_a_value_that_a_run_works_with_is_no_conversation(self, text: str, number: int) -> None:
        assert len(Conversation(history("same-process", text)).state_values.changed(1)) == number

    def test_what_a_turn_wrote_itself_it_was_not_given(self) -> None:
        assert Conversation(history("other-session", ANOTHER_S)).state_values.read_back(2) == 0
