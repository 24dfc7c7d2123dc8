"""The reproductions in docs/upstream still show what their page says: one that upstream has fixed should go."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "upstream"
PAGE = (FOLDER / "README.md").read_text("utf-8")
SHOWN = dict(re.findall(r"^## \[(\w+\.py)\].*?```text\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL))


def test_every_program_is_on_the_page() -> None:
    assert set(SHOWN) == {path.name for path in FOLDER.glob("*.py")}


@pytest.mark.acceptance
@pytest.mark.parametrize("name", SHOWN)
def test_it_prints_what_the_page_shows(name: str) -> None:
    if name == "memory_overlap.py" and sys.version_info < (3, 11):
        pytest.skip("the lock has SQLAlchemy 2.0 there, which stores them all")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", FOLDER / name], capture_output=True, text=True, timeout=60, check=False
    )
    # how many of the overlapping messages survive is a matter of chance: that some do not is not
    shown, said = (re.sub(r"\d(?= stored)", "few", text) for text in (SHOWN[name], done.stdout))

    assert said == shown, done.stderr
