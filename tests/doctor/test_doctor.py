"""`statecheck doctor`, in the suite's own environment and in one that has nothing."""

from __future__ import annotations

import json
import venv
from typing import TYPE_CHECKING

import pytest

from statecheck.__main__ import main
from statecheck.doctor.environment import Check, _stores, examine, ready
from statecheck.target.interpreters import OWN

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.acceptance
def test_it_tries_what_the_stores_of_this_environment_keep() -> None:
    checks = {(check.group, check.name): check for check in examine(OWN)}

    assert ready(tuple(checks.values()))
    assert checks["interpreter", "python"].text.startswith("Python 3.")
    # the locked pydantic is one that loses; the trial is what says so, not the number
    assert checks["stores", "snapshot"].status == "bad"
    assert "PydanticSerializationError" in checks["stores", "snapshot"].text
    assert checks["stores", "snapshot"].hint == "pip install 'pydantic<2.14'"
    assert checks["stores", "context"].text.endswith("(the second run found none, and no error was raised)")
    assert checks["stores", "default-memory"].status == "limit"
    assert "flask" in checks["frameworks", "frameworks"].text
    assert ("this machine", "isolation") in checks


def test_an_environment_without_llama_index_is_not_ready(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    venv.create(tmp_path / "bare", with_pip=False)
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))  # of statecheck's own Python: the one that is looked at is another
    code = main(["doctor", "--python", str(tmp_path / "bare"), "--format", "json"])
    report = json.loads(capsys.readouterr().out)

    assert code == 4
    assert report["ready"] is False
    assert [check["name"] for check in report["checks"] if check["status"] == "bad"] == ["llama-index-core"]
    assert not [check for check in report["checks"] if check["group"] == "stores"]


@pytest.mark.parametrize(
    ("packages", "trial", "status", "hint"),
    [
        ({"pydantic": "2.14.3"}, {"kept": False, "said": "x"}, "bad", "pip install 'pydantic<2.14'"),
        (
            {"pydantic": "2.13.5"},
            {"kept": False, "said": "x"},
            "bad",
            "no version is known to mend it: keep the messages in a database",
        ),
        ({"pydantic": "2.14.3"}, {"kept": True, "said": "1 of 1"}, "good", ""),
        ({"pydantic": "2.14.3"}, {"kept": None, "said": "ImportError"}, "limit", ""),
    ],
    ids=["loses", "loses-otherwise", "keeps", "untried"],
)
def test_a_pin_is_named_only_where_its_version_is_what_differs(
    packages: dict[str, str], trial: dict[str, object], status: str, hint: str
) -> None:
    check = _stores(packages, {"snapshot": trial})[0]

    assert isinstance(check, Check)
    assert (check.status, check.hint) == (status, hint)


@pytest.mark.parametrize("program", ["/bin/true", "/bin/echo", "/bin/ls"])
def test_what_is_no_interpreter_is_one_line_and_a_hint(program: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--python", program]) == 4
    error, hint = filter(None, capsys.readouterr().err.splitlines())

    assert error == f"error: `{program}` is no Python"
    assert hint.lstrip().startswith("hint: name an interpreter that the app runs in")
