"""What speaks for a field being the message or the session: what each weight means, and how they decide together."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statecheck.source import weights
from statecheck.source.field_evidence import FieldEvidence, Source, decide
from statecheck.source.fields import Field, Place
from statecheck.source.roles import name_evidence
from statecheck.talk.field_roles import Choice, choose_roles, evidence_of

if TYPE_CHECKING:
    from random import Random

REASONS = st.builds(
    FieldEvidence,
    st.sampled_from(get_args(Source)),
    st.floats(-10, 10).map(lambda weight: round(weight, 2)),
    st.sampled_from(["one", "another"]),
)


def _named(name: str, use: weights.NameUse = weights.OWN_NAME) -> FieldEvidence:
    return name_evidence(name, use)


def _leaning(*evidence: FieldEvidence) -> float:
    return decide(evidence).leaning


# ------------------------------------------------------------------------------------------------- what weights mean


def test_what_code_does_with_a_field_has_an_order() -> None:
    ordered = [
        weights.ASKED,
        weights.WHOLE_MESSAGE,
        weights.CHAT_MESSAGE,
        weights.STORED,
        weights.MEASURED,
        weights.REPEATED,
        weights.FORMATTED,
        weights.KEY_TEXT,
        weights.LOOKED_FOR,
        weights.KEY,
    ]

    assert [_leaning(each) for each in ordered] == sorted({_leaning(each) for each in ordered}, reverse=True)
    assert weights.LOOKED_FOR.weight == weights.PATH.weight == weights.QUERIED.weight == weights.READ_AS_UUID.weight


@pytest.mark.parametrize(
    ("more", "less"),
    [
        pytest.param([_named("message")], [weights.ASKED], id="a sure name, over code alone"),
        pytest.param([weights.ASKED, _named("data")], [_named("question")], id="both, over a sure name"),
        pytest.param([_named("text")], [_named("note")], id="the user's words, over a text of a certain sort"),
        pytest.param([_named("note")], [_named("topic")], id="a text of a certain sort, over what it is about"),
        pytest.param([weights.ASKED.times(weights.PART_OF_PROMPT)], [weights.CHAT_MESSAGE], id="a part of a prompt"),
        pytest.param([_named("user")], [_named("session")], id="who is talking is one of many in a session"),
        pytest.param([_named("model_id")], [_named("hive_id")], id="an id of a setting is not somebody's"),
        pytest.param([_named("hive_id")], [_named("user_id")], id="a known somebody's id, over an unknown thing's"),
        pytest.param(
            [_named("session_id", weights.VARIABLE)],
            [_named("session_id", weights.KEYWORD)],
            id="a keyword of a library, over a variable of the code's own",
        ),
        pytest.param([weights.PLACES["header"]], [weights.PLACES["cookie"]], id="a cookie, over a header"),
        pytest.param([weights.KEPT], [weights.LEARNED], id="an answer's key, over what is kept"),
    ],
)
def test_a_reason_outranks_another(more: list[FieldEvidence], less: list[FieldEvidence]) -> None:
    assert _leaning(*more) > _leaning(*less)


@pytest.mark.parametrize(
    "evidence",
    [
        pytest.param([_named("utterance")], id="a sure name"),
        pytest.param([weights.ASKED], id="what a model is asked"),
        pytest.param([weights.ASKED, weights.REPEATED], id="what is asked, and repeated in the answer"),
        pytest.param([weights.ASKED, _named("title")], id="what is asked, by a vague name"),
        pytest.param([weights.WHOLE_MESSAGE], id="a connection's whole message"),
        pytest.param([_named("text", weights.CLIENT_VALUE)], id="what client code calls a text"),
    ],
)
def test_this_is_enough_for_a_message(evidence: list[FieldEvidence]) -> None:
    assert _leaning(*evidence) > weights.MESSAGE_ABOVE


@pytest.mark.parametrize(
    "evidence",
    [
        pytest.param([_named("session_id")], id="a sure name"),
        pytest.param([weights.KEY], id="a key of what changes"),
        pytest.param([weights.QUERIED, weights.MEASURED], id="a row's key, whose length is checked"),
        pytest.param([_named("thread_id", weights.KEYWORD)], id="a library's keyword"),
        pytest.param([weights.PLACES["path"]], id="a part of the path"),
        pytest.param([weights.KEPT], id="what a browser keeps"),
        pytest.param([weights.LEARNED, _named("item")], id="what an answer gave is not typed"),
    ],
)
def test_this_is_not_enough_for_a_message_and_may_be_a_session(evidence: list[FieldEvidence]) -> None:
    assert _leaning(*evidence) <= weights.MOST_SESSION


@pytest.mark.parametrize(
    "evidence",
    [
        pytest.param([], id="nothing"),
        pytest.param([weights.REPEATED], id="an answer repeats it"),
        pytest.param([weights.FORMATTED], id="a format is demanded of it"),
        pytest.param([weights.KEY_TEXT], id="it is put into a text without blanks"),
        pytest.param([weights.STORED], id="it is stored"),
        pytest.param([weights.CHAT_MESSAGE.times(weights.PART)], id="a chat message is made of it and of more"),
        pytest.param([_named("note"), weights.KEY], id="a text's name for a key"),
        pytest.param([_named("model_id")], id="a setting's id"),
    ],
)
def test_this_alone_decides_nothing(evidence: list[FieldEvidence]) -> None:
    assert weights.SESSION_AT_MOST < _leaning(*evidence) <= weights.MESSAGE_ABOVE


def test_every_word_of_a_name_has_one_weight() -> None:
    words = [word for row in weights.NAMES for word in row.words.split()]

    assert len(words) == len(set(words))
    assert all(abs(row.weight) <= 10 and row.meaning for row in weights.NAMES)


# ------------------------------------------------------------------------------------------------- how they decide


@given(st.lists(REASONS), st.randoms(use_true_random=False))
def test_the_order_of_the_evidence_does_not_matter(evidence: list[FieldEvidence], rng: Random) -> None:
    shuffled = rng.sample(evidence, len(evidence))

    assert decide(shuffled) == decide(evidence) == decide([*evidence, *evidence])


@given(st.lists(REASONS), REASONS)
def test_a_reason_never_speaks_against_itself(evidence: list[FieldEvidence], reason: FieldEvidence) -> None:
    before, after = _leaning(*evidence), _leaning(*evidence, reason)

    assert after >= before if reason.weight >= 0 else after <= before


@given(st.lists(REASONS))
def test_all_reasons_are_kept_for_people_the_strongest_first(evidence: list[FieldEvidence]) -> None:
    decision = decide(evidence)

    assert {*decision.message, *decision.session} == {each for each in evidence if each.weight}
    assert [each.weight for each in decision.message] == sorted((e.weight for e in decision.message), reverse=True)
    assert [each.weight for each in decision.session] == sorted(e.weight for e in decision.session)


@given(st.permutations([weights.ASKED, weights.REPEATED, weights.STORED, _named("note", weights.VARIABLE)]))
def test_a_plan_prints_the_strongest_reason(evidence: list[FieldEvidence]) -> None:
    message = Field(Place("body", ("blurb",)), "string", evidence=tuple(evidence))
    session = Field(Place("body", ("hive",)), "string", evidence=(weights.REPEATED, weights.KEY))
    choice = choose_roles((message, session))

    assert isinstance(choice, Choice)
    assert choice.why == (
        f"`body blurb` carries the message: {weights.ASKED.because}",
        f"`body hive` carries the session: {weights.KEY.because}",
    )


def test_all_that_is_known_of_a_field_is_one_list() -> None:
    field = Field(Place("header", ("X-Pupil",)), said="localStorage.pupil", evidence=(weights.KEY,))

    assert evidence_of(field) == (_named("X-Pupil"), weights.KEPT, weights.PLACES["header"], weights.KEY)
