"""Tables that a project's own migrations make: they are run where a table is found to be missing, and are told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from labs import User, diagnosed

from statecheck.options.config import Options
from statecheck.source.project.migrations import find_migration

if TYPE_CHECKING:
    from pathlib import Path

BOT = """\
    import sqlite3


    def reply(session_id, text):
        with sqlite3.connect("chat.db") as db:
            earlier = db.execute("SELECT text FROM said WHERE session = ?", [session_id]).fetchall()
            db.execute("INSERT INTO said VALUES (?, ?)", [session_id, text])
        return str(earlier)
"""
MANAGE = """\
    import sqlite3, sys

    if sys.argv[1:] == ["migrate", "--noinput"]:
        sqlite3.connect("chat.db").execute("CREATE TABLE IF NOT EXISTS said (session text, text text)")
"""
ENV = """\
    from alembic import context
    from sqlalchemy import create_engine

    with create_engine("sqlite:///chat.db").connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
"""
REVISION = """\
    import sqlalchemy
    from alembic import op

    revision, down_revision = "one", None


    def upgrade():
        texts = [sqlalchemy.Column(name, sqlalchemy.Text) for name in ("session", "text")]
        op.create_table("said", *texts)
"""
ONLY = Options(seed=1, only=("same-process", "new-container"))


def test_missing_tables_are_made_on_each_new_disk(tmp_path: Path) -> None:
    user = User(tmp_path)
    user.write(bot=BOT, manage=MANAGE)

    ran = diagnosed(user, "bot.py:reply", "namespace", ONLY)

    assert (ran.outcomes()["same-process"], ran.outcomes()["new-container"]) == ("kept", "lost")
    assert [(one.code, one.anchor.line) for one in ran.diagnosis.causes] == [("SC103", 7)]
    assert "its tables were missing, so `python manage.py migrate` was tried first, on each new disk" in (
        ran.diagnosis.notes
    )
    assert not (user.project / "chat.db").exists()


@pytest.mark.acceptance
def test_alembic_makes_them(tmp_path: Path) -> None:
    user = User(tmp_path)
    (user.project / "migrations" / "versions").mkdir(parents=True)
    user.write(bot=BOT, **{"migrations/env": ENV, "migrations/versions/one": REVISION})
    (user.project / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/migrations\n")

    ran = diagnosed(user, "bot.py:reply", "namespace", ONLY)

    assert (ran.outcomes()["same-process"], ran.outcomes()["new-container"]) == ("kept", "lost")
    assert ran.diagnosis.errors == ()
    assert not (user.project / "chat.db").exists()


def test_what_is_handed_over_is_not_migrated(tmp_path: Path) -> None:
    user = User(tmp_path)
    user.write(bot=BOT, manage=MANAGE)
    given = replace(ONLY, env=(("DATABASE_URL", "postgresql://127.0.0.1:9/shop"),))

    (problem,) = diagnosed(user, "bot.py:reply", "namespace", given).diagnosis.errors

    assert problem.hint.startswith("make its tables first")


@pytest.mark.parametrize(("isolation", "sources"), [("namespace", {"bot": BOT}), ("copy", {"bot": BOT, "manage": MANAGE})])  # fmt: skip # noqa: E501 - two cases
def test_tables_that_nothing_makes_and_that_may_be_real(
    isolation: str, sources: dict[str, str], tmp_path: Path
) -> None:
    user = User(tmp_path)
    user.write(**sources)

    (problem,) = diagnosed(user, "bot.py:reply", isolation, ONLY).diagnosis.errors

    assert problem.slug == "turn-refused"
    assert problem.hint.startswith("make its tables first")


def test_the_nearest_migrations_are_taken(tmp_path: Path) -> None:
    near = tmp_path / "backend"
    near.mkdir()
    (near / "alembic.ini").touch()
    (tmp_path / "manage.py").touch()
    found = find_migration((near, tmp_path))

    assert found is not None
    assert (found.folder, found.shown) == (near, "alembic upgrade head")
    assert find_migration((tmp_path / "elsewhere",)) is None
