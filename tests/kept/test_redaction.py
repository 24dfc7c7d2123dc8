"""What is handed over and is a secret stands in nothing that is kept or shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from statecheck.diagnose import analyze, diagnose_target
from statecheck.history import Frame, History, Op
from statecheck.kept.meta import RunMeta
from statecheck.kept.redaction import Redaction
from statecheck.kept.runs import KeptRun
from statecheck.model import Anchor, TargetName
from statecheck.options.config import Options
from statecheck.talk.plan import Plan
from statecheck.target.resolve import resolve

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

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
