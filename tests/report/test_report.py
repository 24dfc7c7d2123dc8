"""Reports: the JSON contract against its schema, and foreign text that stays harmless in every format."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING

import jsonschema
import pytest
from sample_diagnoses import (
    BROKEN,
    DIAGNOSES,
    FAILED,
    HEALTHY,
    HOSTILE,
    HOSTILE_ONE,
    INCONCLUSIVE,
    OTHER,
    PASSED,
    PROPOSAL,
    RACED,
    RESTART,
    SKIPPED,
    SPLIT,
    UNJUDGED,
    UNKNOWN,
    turns,
)

from statecheck.report import load_format
from statecheck.report.json import schema
from statecheck.report.text import View, safe, sort_findings

if TYPE_CHECKING:
    from statecheck.model import Diagnosis
    from statecheck.talk.plan import Proposal

SCHEMA = json.loads(schema())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
VIEWS = [View(), View(140), View(60, wrap=True, color=True), View(verbosity=2), View(verbosity=-1)]

every_diagnosis = pytest.mark.parametrize("diagnosis", DIAGNOSES.values(), ids=DIAGNOSES)


def test_the_schema_is_a_schema_and_closed() -> None:
    VALIDATOR.check_schema(SCHEMA)
    for definition in SCHEMA["$defs"].values():
        assert definition["additionalProperties"] is False
        assert definition["required"] == list(definition["properties"])


@every_diagnosis
def test_json_of_a_diagnosis_is_valid(diagnosis: Diagnosis) -> None:
    document = json.loads(load_format("json").diagnosis(diagnosis, View()))

    VALIDATOR.validate(document)
    assert list(document) == SCHEMA["$defs"]["diagnosis"]["required"]
    assert document["verdict"] == diagnosis.verdict
    assert document["notes"] == list(diagnosis.notes)


@pytest.mark.parametrize("proposal", [PROPOSAL, UNKNOWN], ids=["known", "unknown"])
def test_json_of_a_proposal_is_valid_and_holds_no_secret(proposal: Proposal) -> None:
    text = load_format("json").proposal(proposal, View())

    VALIDATOR.validate(json.loads(text))
    assert "secret" not in text


def test_json_of_a_run_is_valid() -> None:
    document = json.loads(load_format("json").scenarios([PASSED, FAILED, UNJUDGED], View()))

    VALIDATOR.validate(document)
    assert [scenario["passed"] for scenario in document["scenarios"]] == [True, False, False]


@pytest.mark.parametrize(
    "wrong",
    [
        replace(BROKEN, verdict="healthy"),
        replace(HEALTHY, verdict="state-loss"),
        replace(BROKEN, causes=(SPLIT, replace(RESTART, primary=True))),
    ],
)
def test_the_schema_ties_the_verdict_to_the_causes(wrong: Diagnosis) -> None:
    assert not VALIDATOR.is_valid(json.loads(load_format("json").diagnosis(wrong, View())))


def test_json_is_utf8_and_keeps_foreign_text_whole() -> None:
    text = load_format("json").diagnosis(HOSTILE_ONE, View())

    assert json.loads(text.encode("utf-8"))["experiments"][0]["session_keys"] == [HOSTILE]
    assert "\U0001f600" in text
    assert not {"\x1b", "\x9b", "\u202e"} & set(text)


def test_the_primary_cause_comes_first() -> None:
    assert [finding.code for finding in sort_findings(BROKEN.causes)] == ["SC102", "SC103"]


@pytest.mark.parametrize("name", ["full", "concise"])
@pytest.mark.parametrize("view", VIEWS)
@every_diagnosis
def test_text_is_harmless(diagnosis: Diagnosis, name: str, view: View) -> None:
    text = load_format(name).diagnosis(diagnosis, view)

    unsafe = {char for char in text if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
    assert unsafe <= ({"\n", "\x1b"} if view.color else {"\n"})
    assert "\x1b[31mred" not in text
    assert all(line == line.rstrip() for line in text.splitlines())
    text.encode("utf-8")


def test_foreign_brackets_are_no_markup() -> None:
    text = load_format("full").diagnosis(HOSTILE_ONE, View())

    assert "  [bold]\\x1b[31mred\\x1b[0m[/x]\\n\\t\\u202eevil" in text


@pytest.mark.parametrize("name", ["full", "concise"])
def test_a_pipe_gets_whole_lines(name: str) -> None:
    long = replace(SPLIT, summary="word " * 100 + "end")
    text = load_format(name).diagnosis(replace(BROKEN, causes=(long,)), View(80))

    assert "word word end" in text.replace("word " * 98, "")


def test_a_terminal_gets_lines_that_fit() -> None:
    text = load_format("full").diagnosis(
        replace(BROKEN, causes=(replace(SPLIT, summary="word " * 100),)), View(80, wrap=True)
    )

    assert max(map(len, text.splitlines())) <= 80


def test_sides_stand_beside_each_other_where_there_is_room() -> None:
    wide, narrow = (load_format("full").scenarios([PASSED], View(width)) for width in (200, 199))

    assert any("broken: app.py" in line and "fixed: fixed.py" in line for line in wide.splitlines())
    assert not any("broken: app.py" in line and "fixed: fixed.py" in line for line in narrow.splitlines())


@pytest.mark.parametrize("name", ["full", "concise"])
def test_quiet_twice_says_nothing(name: str) -> None:
    assert load_format(name).diagnosis(BROKEN, View(verbosity=-2)) == ""
    assert load_format(name).scenarios([PASSED], View(verbosity=-2)) == ""


def test_verbose_shows_the_turns_of_every_experiment() -> None:
    assert "\nsame-process: kept (PID 7)\n" in load_format("full").diagnosis(BROKEN, View())
    assert "\nsame-process: kept\n  1     7    1    sc-1 " in load_format("full").diagnosis(BROKEN, View(verbosity=1))


def test_turns_of_which_the_same_is_to_be_said_share_a_line() -> None:
    split = turns((7, 7, 8, 7, 8, 7), (0, 1, 1, 1, 1, 5))
    several = [replace(turn, given=(1, 1), remembered=True) if 1 < turn.number < 6 else turn for turn in split]
    raced = replace(BROKEN, experiments=(replace(RACED, turns=tuple(several)),))
    lines = load_format("full").diagnosis(raced, View(verbosity=1)).splitlines()

    assert [line[2:12].rstrip() for line in lines if "sc-1  " in line] == ["1     7", "2, 4  7", "3, 5  8", "6     7"]


def test_another_users_turn_is_not_said_to_be_forgotten() -> None:
    apart = replace(BROKEN, experiments=(replace(OTHER, outcome="isolated"),))
    text = load_format("full").diagnosis(apart, View(verbosity=1))

    assert "not told" in text
    assert "forgotten" not in text


def test_where_no_experiment_was_reached_none_is_listed() -> None:
    failed = replace(INCONCLUSIVE, experiments=(SKIPPED,))

    assert "other-session" not in load_format("full").diagnosis(failed, View())
    assert "other-session" in load_format("full").diagnosis(replace(failed, verdict="stateless"), View())


@pytest.mark.parametrize("diagnosis", DIAGNOSES.values(), ids=DIAGNOSES)
def test_the_last_line_names_the_next_command(diagnosis: Diagnosis) -> None:
    assert re.search(r"; next: .*statecheck [a-z]+", load_format("full").diagnosis(diagnosis, View()).splitlines()[-1])


@pytest.mark.parametrize("limit", [3, 10, 28, 2000])
def test_safe_text_is_short_and_keeps_both_ends(limit: int) -> None:
    text = safe("begin" + HOSTILE + "end", limit)

    assert len(text) <= limit
    assert text.startswith("begin"[: limit // 2])
    assert text.endswith("end"[-(limit - limit // 2 - 1) :])


def test_safe_text_cuts_no_escape_in_two() -> None:
    assert safe("\x1b" * 100, 20) == "\\x1b\\x1b…\\x1b\\x1b"


def test_harmless_text_is_left_alone() -> None:
    for text in ("", "plain", "naïve 日本語", "👩\u200d💻", "[bracket] back\\slash", "\u0645\u06cc\u200c\u062e"):
        assert safe(text) == text
