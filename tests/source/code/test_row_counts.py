"""How many turns a talk must have to go beyond what code keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from statecheck.source.code.row_counts import find_longest_talk
from statecheck.source.code.text_cuts import cuts_texts
from statecheck.source.code.tree import SourceTree

if TYPE_CHECKING:
    from pathlib import Path


def _tree(folder: Path, code: str) -> SourceTree:
    (folder / "app.py").write_text(code)
    return SourceTree(folder, folder, folder / "app.py")


@pytest.mark.parametrize(
    ("code", "turns"),
    [
        ('KEEP = 40\ndb.execute("DELETE FROM said LIMIT ?", (show, KEEP))', 25),
        ('db.execute("DELETE FROM said WHERE n <= (SELECT max(n) FROM said) - 30 OFFSET 20")', 15),
        ('MOST = int(os.environ.get("MOST", "30"))\nif len(said) > MOST:\n    del said[0]', 20),
        ("slot = count % 50", 30),
        ("redis.ltrim(key, -20, -1)", 15),
        ("said = deque(maxlen=12)", 17),
        ('f"SELECT text FROM said LIMIT {ROWS}"\nROWS = 16', 13),
        ("kept = said[-2 * PAIRS:]\nPAIRS = 10", 15),
        ('def page(self, who, page=1, size=50):\n    db.execute("SELECT text FROM said LIMIT ?", (who, size))', 30),
        ("async def page(who, *, first, size: int = 40):\n    return await said.find().limit(size)", 25),
        ("repo.page(who, per_page=30)", 20),
        # too few, too many, or something else
        ("said[-6:]", 0),
        ("def page(who, size=50):\n    return show(size)", 0),
        ("if len(said) > 500:\n    del said[0]", 0),
        ('run(app, port=50, timeout=30)\nprint("%d" % 40)', 0),
        ('"wait for > 20 s"', 0),
    ],
)
def test_a_talk_goes_beyond_what_is_kept(tmp_path: Path, code: str, turns: int) -> None:
    assert find_longest_talk(_tree(tmp_path, code)) == turns


@pytest.mark.parametrize(
    ("code", "cuts"),
    [
        ("for line in path.read_text().splitlines():\n    print(line)", True),
        ("role, text = row.split('|', 1)", True),
        ("rows = csv.reader(talk)", True),
        ("said = [entry for line in talk]", True),
        ("text[:200]", True),
        ("text = Column(String(255))", True),
        ('db.execute("CREATE TABLE said (text VARCHAR(255))")', True),
        ("said[-6:]", False),
        ("text = Column(String)", False),
        ('db.execute("SELECT text FROM said")', False),
    ],
)
def test_code_that_takes_texts_apart(tmp_path: Path, code: str, cuts: bool) -> None:
    assert cuts_texts(_tree(tmp_path, code)) is cuts
