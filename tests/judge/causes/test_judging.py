"""Which findings stand beside each other, which one is to be mended first, and what the verdict is."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from cases import case, codes, findings, run
from histories import any_history
from hypothesis import given, settings
from hypothesis import strategies as st

from statecheck.judge.causes import CAUSES
from statecheck.judge.findings import find_causes
from statecheck.judge.verdict import RULES, Facts, decide
from statecheck.model import Anchor, Confidence, Finding, Outcome, OutcomeName, Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statecheck.history import History

KEPT = "1a > s\n1a model read 1\n1a <\n2a > s\n2a model read 1 2\n2a <"
LOST = "1a > s\n1a model read 1\n1a <\n2b > s\n2b model read 2\n2b <"
REQUEST_SCOPED = """
1a > s
1a memory build #1 cls=Memory @app.py:9
1a memory write #1 1 cls=Memory @app.py:12
1a model read 1
1a gone #1
1a <
2a > s
2a model read 2
2a <
"""
AND_DROPPED_BY_THE_LIBRARY = (
    REQUEST_SCOPED
    + "2a run call arguments=ctx @app.py:12\n2a warning cls=UnserializableKeyWarning note=memory @app.py:12"
)
AN_APPROVAL_IS_LOST = """
1a > s
1a ctx-store read name=approved run=r1 @flow.py:9
1a ctx-store write 1 name=approved run=r1 @flow.py:10
1a model read 1
1a <
2a > s
2a ctx-store read name=approved run=r2 @flow.py:9
2a model read 1 2
2a <
"""
OVERWRITTEN = """
1a > s
1a model read 1
1a <
2a > s
3a > s
2a model read 1 2
3a model read 1 3
{write}
2a <
3a <
2 overlap info held=2
4a > s
4a model read 1 3 4
4a <
"""
BY_THE_APP = OVERWRITTEN.format(write="2a file write where=s.json @app.py:14")
BY_THE_LIBRARY = OVERWRITTEN.format(write="2a chat-store write #1 2 cls=RedisChatStore @app.py:12")


class TestMasking:
    def test_what_one_process_forgets_masks_where_it_lives(self) -> None:
        told = run(same_process=REQUEST_SCOPED, other_worker=LOST, new_process=LOST, concurrent=BY_THE_APP)

        assert codes(*told) == ["SC101"]

    def test_a_broken_library_masks_all_others(self) -> None:
        assert codes(*run(same_process=AND_DROPPED_BY_THE_LIBRARY, other_session=KEPT)) == ["SC107 dropped-memory"]

    def test_a_leak_is_not_masked_and_masks_nothing(self) -> None:
        told = run(same_process=AN_APPROVAL_IS_LOST, other_session=KEPT)

        assert [code.replace("instance", "key") for code in codes(*told)] == ["SC104", "SC106 shared-key"]

    def test_a_question_is_asked_before_those_that_it_masks(self) -> None:
        questions = [question for cause in CAUSES for question in cause.questions]
        pairs = [(one, other) for one in questions for other in questions if one is not other]
        masked = [(one, other) for one, other in pairs if other.about in one.masks]
        late = [(one, other) for one, other in masked if one.about != other.about and one.order >= other.order]
        equal = [(one, other) for one, other in masked if one.about == other.about and one.order == other.order]

        assert masked
        assert (late, equal) == ([], [])


class TestPrimary:
    def test_the_user_s_own_race_comes_before_where_state_lives(self) -> None:
        told = run(same_process=KEPT, other_worker=LOST, new_process=LOST, concurrent=BY_THE_APP)

        assert codes(*told) == ["SC105 user-code", "SC102", "SC103"]

    def test_the_library_s_race_comes_after(self) -> None:
        told = run(same_process=KEPT, other_worker=LOST, new_process=LOST, concurrent=BY_THE_LIBRARY)

        assert codes(*told) == ["SC102", "SC103", "SC105 library-store"]

    def test_a_leak_comes_before_a_race(self) -> None:
        told = run(same_process=KEPT, other_session=KEPT, concurrent=BY_THE_APP)

        assert [code.split()[0] for code in codes(*told)] == ["SC106", "SC105"]

    def test_a_warning_is_never_primary(self) -> None:
        reordered = OVERWRITTEN.format(write="").replace("read 1 3 4", "read 1 2 3 4 roles=uauuaau")
        (found,) = findings(*run(same_process=KEPT, concurrent=reordered))

        assert (found.code, found.severity, found.primary) == ("SC105", "warning", False)

    @given(st.lists(any_history, max_size=3))
    @settings(max_examples=30)
    def test_of_any_errors_exactly_one_is_primary_and_it_is_the_first(self, histories: list[History]) -> None:
        found = findings(*histories)
        errors = [one for one in found if one.severity == "error"]

        assert [one for one in found if one.primary] == errors[:1]
        assert not errors or found[0].primary
        assert len(found) == len({one.code for one in found})

    @given(st.lists(any_history, max_size=3))
    @settings(max_examples=30)
    def test_judging_is_deterministic_and_every_finding_has_an_anchor(self, histories: list[History]) -> None:
        asked = case(*histories)

        assert find_causes(asked) == find_causes(asked) == findings(*histories)
        assert all(one.anchor.path and one.anchor.line for one in find_causes(asked))


FINE = Outcome("same-process", "kept")
LOST_THERE = Outcome("other-worker", "lost")
WRONG = Outcome("concurrent", "error")
BROKEN = Problem("turn-refused", "it answered 500", "look")


def finding(severity: Severity, confidence: Confidence = "certain") -> Finding:
    return Finding("SC102", "multi-worker", None, False, severity, confidence, "…", Anchor("app.py", 1), (), (), "…")


any_outcomes = st.lists(
    st.builds(
        Outcome,
        st.sampled_from(["same-process", "other-session", "concurrent"]),
        st.sampled_from(["kept", "lost", "isolated", "leaked", "reordered", "duplicated", "skipped", "error"]),
    ),
    max_size=4,
)


def decided(
    findings: list[Finding], outcomes: list[Outcome], problems: list[Problem], *, stateless: bool = False
) -> str:
    return decide(Facts(tuple(findings), tuple(outcomes), tuple(problems), stateless)).verdict


any_facts = st.builds(
    Facts,
    st.lists(st.builds(finding, st.sampled_from(["error", "warning", "note"])), max_size=3).map(tuple),
    any_outcomes.map(tuple),
    st.lists(st.just(BROKEN), max_size=1).map(tuple),
    st.booleans(),
    st.lists(st.just("concurrent"), max_size=1).map(tuple),
)


def every_kind_of_facts() -> Iterator[Facts]:
    """All that the rows tell apart, in every combination."""
    yield from itertools.starmap(
        Facts,
        itertools.product(
            [(), (finding("warning"),), (finding("error"),)],
            [(), (FINE,), (LOST_THERE,), (WRONG,), (LOST_THERE, WRONG)],
            [(), (BROKEN,)],
            [False, True],
            [(), ("concurrent",)],
        ),
    )


class TestVerdict:
    @given(any_facts)
    def test_the_rules_of_the_contract(self, facts: Facts) -> None:
        said = decide(facts).verdict
        names = {outcome.outcome for outcome in facts.outcomes}

        assert (said == "state-loss") == any(one.severity == "error" for one in facts.findings)
        if said in ("healthy", "stateless"):
            assert "error" not in names
            assert not facts.problems
        if said == "healthy":
            assert not names & {"lost", "leaked"}
            assert not facts.stateless

    @given(any_facts)
    def test_what_is_reported_besides_is_reported_where_there_is_no_problem_yet(self, facts: Facts) -> None:
        rule = decide(facts)

        if rule.problem is not None:
            assert (rule.verdict, facts.problems) == ("inconclusive", ())
            assert rule.problem(facts).text

    def test_the_table_is_total_and_its_order_decides(self) -> None:
        for facts in every_kind_of_facts():
            applying = [rule for rule in RULES if rule.applies(facts)]
            assert decide(facts) is applying[0]
            assert applying[-1] is RULES[-1]

    def test_every_row_decides_something(self) -> None:
        deciding = [decide(facts) for facts in every_kind_of_facts()]

        assert [rule.because for rule in RULES if rule not in deciding] == []

    @pytest.mark.parametrize(
        ("outcomes", "errors", "stateless", "expected"),
        [
            ([FINE], [], False, "healthy"),
            ([FINE, Outcome("concurrent", "reordered")], [], False, "healthy"),
            ([FINE, Outcome("concurrent", "skipped")], [], False, "healthy"),
            ([FINE], [BROKEN], False, "inconclusive"),
            ([FINE, WRONG], [], False, "inconclusive"),
            ([FINE, LOST_THERE], [], False, "inconclusive"),
            ([], [], False, "inconclusive"),
            ([Outcome("same-process", "skipped")], [], True, "stateless"),
            ([Outcome("same-process", "error")], [], True, "inconclusive"),
        ],
    )
    def test_without_an_error_finding(
        self, outcomes: list[Outcome], errors: list[Problem], stateless: bool, expected: str
    ) -> None:
        assert expected == decided([], outcomes, errors, stateless=stateless)
        assert expected == decided([finding("warning")], outcomes, errors, stateless=stateless)

    @pytest.mark.parametrize("name", ["kept", "lost", "error", "skipped"])
    def test_an_error_finding_outranks_all_else(self, name: OutcomeName) -> None:
        outcomes = [Outcome("same-process", name)]

        assert decided([finding("error")], outcomes, [BROKEN], stateless=True) == "state-loss"
