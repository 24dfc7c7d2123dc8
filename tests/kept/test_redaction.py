"""What is handed over and is a secret stands in nothing that is kept or shown."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import fields, replace
from typing import TYPE_CHECKING, get_args
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statecheck.diagnose import analyze, diagnose_target
from statecheck.history import Frame, History, Op, decode, encode
from statecheck.kept.meta import RunMeta, decode_meta, encode_meta
from statecheck.kept.redaction import Redaction
from statecheck.kept.runs import KeptRun
from statecheck.model import Anchor, TargetName
from statecheck.options.config import Options
from statecheck.probe.ops import ACTIONS, KINDS, TYPES, DriverKind, WorkerKind
from statecheck.talk.plan import Plan
from statecheck.target.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STANDS = "[a secret that was handed over]"


def test_secrets_are_known_by_name_url_and_header() -> None:
    env = (
        ("OPENAI_API_KEY", 'sk-"quoted"'),
        ("DATABASE_URL", "postgresql://shop:p%40ssword@localhost/shop"),
        ("MODE", "production"),
        ("PIN_TOKEN", "1234"),
    )
    redaction = Redaction(env, (("Authorization", "Bearer abc.def-123"), ("X-Team", "blue-team")))

    said = 'sk-"quoted" p%40ssword p@ssword production 1234 Bearer abc.def-123 abc.def-123 blue-team'
    assert redaction.text(said) == f"{STANDS} {STANDS} {STANDS} production 1234 {STANDS} {STANDS} blue-team"
    app, handler = TargetName("bot.py", "reply", "callable"), Anchor("bot.py", 4)
    meta = RunMeta(app, handler, Plan(body={"key": ['sk-"quoted"', 1]}), notes=("abc.def-123",), seed=1)
    hidden = RunMeta(app, handler, Plan(body={"key": [STANDS, 1]}), notes=(STANDS,), seed=1)
    assert redaction.run(KeptRun(meta, {})) == KeptRun(hidden, {})
    ops = (Op(1, "ok", "turn", text='sk-"quoted"\n', markers=("sc-m1",), frames=(Frame("a.py", 1, "f"),)),)
    assert redaction.history(History("x", ops)) == History(
        "x", (Op(1, "ok", "turn", text=f"{STANDS}\n", markers=("sc-m1",), frames=(Frame("a.py", 1, "f"),)),)
    )


def test_nothing_handed_over_changes_nothing() -> None:
    history = History("x", ())
    redaction = Redaction((("MODE", "production"),), ())

    assert redaction.history(history) is history
    assert redaction.text("production") == "production"


def test_an_app_that_tells_its_secrets_is_kept_without_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "sk-live-0123456789"
    (tmp_path / "bot.py").write_text(
        "import os\nsaid = {}\nprint(os.environ['SHOP_API_KEY'])\ndef reply(session_id, text):\n"
        "    said.setdefault(session_id, []).append(text)\n"
        "    return str(said[session_id]) + os.environ['SHOP_API_KEY']\n"
    )
    monkeypatch.chdir(tmp_path)
    options = Options(seed=1, only=("same-process", "other-worker"), env=(("SHOP_API_KEY", secret),))
    diagnosis = diagnose_target(resolve("bot.py:reply", tmp_path), options, lambda _: None, tmp_path)
    kept = "".join(file.read_text() for file in (tmp_path / diagnosis.run).rglob("*") if file.is_file())

    assert secret not in kept + repr(diagnosis)
    assert STANDS in (tmp_path / diagnosis.run / "output" / "1.log").read_text()
    assert [json.loads(line)["text"] for line in kept.splitlines() if '"ok"' in line and STANDS in line]
    assert analyze(tmp_path / diagnosis.run).causes == diagnosis.causes


SPELLINGS: tuple[Callable[[str], str], ...] = (
    str,
    lambda value: json.dumps({"x": value}),
    lambda value: json.dumps(json.dumps({"x": value})),
    lambda value: json.dumps(value, ensure_ascii=False),
    lambda value: quote(value, safe=""),
    quote_plus,
    lambda value: quote(value, safe="").lower() if value == value.lower() else quote(value),
    lambda value: f"https://u:{quote(value, safe='')}@example.com/",
    lambda value: base64.b64encode(value.encode()).decode(),
    lambda value: "Basic " + base64.b64encode(f"user:{value}".encode()).decode(),
    lambda value: base64.urlsafe_b64encode(f"a{value}b".encode()).decode().rstrip("="),
)


@given(
    st.text("abcXYZ0189 /+%\"'\\\n\t?&=#äß€😀-_.:@", min_size=12, max_size=40).filter(
        lambda value: re.search("[0-9].*[a-zA-Z]", value) is not None and value == value.strip() and len(set(value)) > 5
    ),
    st.sampled_from(SPELLINGS),
)
def test_a_secret_is_replaced_in_whatever_spelling(secret: str, spell: Callable[[str], str]) -> None:
    redaction = Redaction((("SHOP_PASSWORD", secret),), ())
    spelled = spell(secret)
    safe = redaction.text(f"it said {spelled}, and more")

    assert STANDS in safe
    assert spelled not in safe
    assert secret not in "".join(bytes_of(word) for word in re.findall(r"[A-Za-z0-9+/_-]{8,}", safe))


def bytes_of(word: str) -> str:
    """What a word means as base64."""
    return base64.b64decode(word.translate(str.maketrans("-_", "+/")) + "===").decode("utf-8", "replace")


OWN_WORDS = sorted(
    {*KINDS, *ACTIONS, *TYPES, *(field.name for field in fields(Op)), *(field.name for field in fields(Plan))}
    | {"target", "message", "session", "session_id", "callable", "SimpleChatStore", "reply", "bot.py", "POST", "body"}
)


@pytest.mark.parametrize("word", [word for word in OWN_WORDS if word])
def test_the_record_s_own_words_stay_whatever_a_password_is(word: str) -> None:
    app, handler = TargetName("bot.py", "reply", "callable"), Anchor("bot.py", 4)
    plan = Plan(
        path="/message", body={"message": "{message}"}, message_field="body message", session_field="session_id"
    )
    meta = RunMeta(app, handler, plan, skipped={"concurrent": "no session"}, versions={"pydantic": "2"}, seed=1)
    ops = tuple(
        Op(1, "ok", kind, action=action, cls="SimpleChatStore", markers=("sc-m1",), arguments=("session_id",),
           frames=(Frame("bot.py", 1, "reply"),), where="bot.said['sc-1']", key="sc-1")
        for kind in get_args(DriverKind) + get_args(WorkerKind) for action in ("read", "write")
    )  # fmt: skip
    redaction = Redaction((("APP_PASSWORD", word),), ())

    kept = redaction.run(KeptRun(meta, {"x": History("x", ops)}))
    assert decode_meta(json.loads(json.dumps(encode_meta(kept.meta)))) == kept.meta
    assert replace(kept.meta, skipped={}) == replace(meta, skipped={})
    assert kept.histories["x"] == History("x", ops)
    assert tuple(decode(encode(op)) for op in kept.histories["x"].ops) == ops


@pytest.mark.parametrize(
    "said", ["password=target", '{"password": "target"}', "password: target", "target", "x['target']"]
)
def test_a_password_that_is_a_word_is_replaced_where_it_is_a_value(said: str) -> None:
    redaction = Redaction((("APP_PASSWORD", "target"),), ())

    assert redaction.text(said) == said.replace("target", STANDS)
    assert redaction.text("the target of targets is target-less") == "the target of targets is target-less"


def test_what_looks_like_a_key_is_replaced_by_a_number_of_its_own() -> None:
    first, second = (f"sk-{letter}0" + "abcdefgh" * 4 for letter in "ab")
    redaction = Redaction((), ())

    assert redaction.text(f"{first} {second} {first}") == (
        "[what looks like a secret, 1] [what looks like a secret, 2] [what looks like a secret, 1]"
    )
    assert redaction.text("sc-0123456789ab sk-learn-tutorial-for-beginners") == (
        "sc-0123456789ab sk-learn-tutorial-for-beginners"
    )


def test_what_is_known_by_its_value_is_left_out_whatever_its_name() -> None:
    key = "sk-" + "a1b2c3d4" * 5
    redaction = Redaction(
        (("LLM", key), ("DATABASE", "postgresql://u:p%2Fass9word@h/d")), (), ("another-1-secret", "word")
    )

    assert (
        redaction.text(f"{key}, p%2Fass9word, p/ass9word, another-1-secret, word")
        == f"{STANDS}, {STANDS}, {STANDS}, {STANDS}, word"
    )


@pytest.mark.parametrize(
    "password",
    [
        "target",
        "same-process",
        *(pytest.param(word, marks=pytest.mark.acceptance) for word in ("message", "session_id", "turn")),
    ],
)
def test_a_run_is_judged_alike_whatever_the_password_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    (tmp_path / "bot.py").write_text(
        "said = {}\ndef reply(session_id, message):\n"
        "    said.setdefault(session_id, []).append(message)\n    return str(said[session_id])\n"
    )
    monkeypatch.chdir(tmp_path)
    options = Options(seed=1, only=("same-process", "other-worker"), env=(("APP_PASSWORD", password),))
    diagnosis = diagnose_target(resolve("bot.py:reply", tmp_path), options, lambda _: None, tmp_path)

    assert [cause.code for cause in diagnosis.causes] == ["SC102"]
    assert {one.name: one.outcome for one in diagnosis.experiments if one.outcome != "skipped"} == {
        "same-process": "kept",
        "other-worker": "lost",
    }
    assert analyze(tmp_path / diagnosis.run).causes == diagnosis.causes
