"""SQL scripts that are run before an app starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.source.code.tree import SourceTree
from statecheck.source.project.schemas import read_schema_scripts

if TYPE_CHECKING:
    from pathlib import Path

MAKES = "create table a (b int);"


def scripts(project: Path, source: str) -> tuple[str, ...]:
    (project / "app.py").write_text(source, "utf-8")
    return read_schema_scripts(SourceTree(project, project, project / "app.py"), project)


def test_scripts_that_make_tables_in_the_order_of_their_paths(tmp_path: Path) -> None:
    (tmp_path / "migrations").mkdir()
    files = {"002.up.sql": f"{MAKES}2", "001.up.sql": MAKES, "001.down.sql": f"drop; {MAKES}", "seed.sql": "insert"}
    for name, text in files.items():
        (tmp_path / "migrations" / name).write_text(text, "utf-8")

    assert scripts(tmp_path, "") == (MAKES, f"{MAKES}2")


def test_none_where_the_app_runs_them_itself(tmp_path: Path) -> None:
    (tmp_path / "schema.sql").write_text(MAKES, "utf-8")

    assert scripts(tmp_path, "run(open('schema.sql').read())\n") == ()
