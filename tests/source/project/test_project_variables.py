"""The variables that a project's own files set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from statecheck.source.project.project_files import ProjectFiles
from statecheck.source.project.project_variables import find_variables

if TYPE_CHECKING:
    from pathlib import Path


def told(root: Path, files: dict[str, str]) -> dict[str, str]:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return {name: f"{one.value} {one.anchor}" for name, one in find_variables(ProjectFiles(root)).items()}


ENV = """\
# REDIS_URL=redis://no
export REDIS_URL="redis://r:6379/0"  # the cache
NAME='x # y'
TEXT="two
lines"
HOST=db
URL=postgres://${HOST}:${PORT:-5432}/x
LEFT=${OUT}
EMPTY=
lower=case
HOST=last
not a line
"""
COMPOSE = """\
x-env: &env
  REDIS_URL: redis://r/1
  LEVEL: ${LEVEL:-info}
x-more: &more {environment: {<<: *env, MORE: "1"}}
services:
  db:
    image: postgres
    environment:
      POSTGRES_USER: theirs
      ONLY: db
  web:
    build: .
    command: sh -c "alembic upgrade head && uvicorn app:app"
    environment:
      <<: *env
      POSTGRES_USER: ours
      PASSWORD: ${PASSWORD}
      PRICE: 5$$
      OUT: $HOME
      NOTHING:
  worker:
    <<: *more
"""


def test_an_env_file_is_read_as_python_dotenv_does(tmp_path: Path) -> None:
    assert told(tmp_path, {".env": ENV}) == {
        "REDIS_URL": "redis://r:6379/0 .env:2",
        "NAME": "x # y .env:3",
        "TEXT": "two\nlines .env:4",
        "HOST": "last .env:11",
        "URL": "postgres://db:5432/x .env:7",
        "lower": "case .env:10",
    }


def test_a_compose_file_sets_what_its_services_are_given(tmp_path: Path) -> None:
    assert told(tmp_path, {"docker-compose.yml": COMPOSE}) == {
        "REDIS_URL": "redis://r/1 docker-compose.yml:2",
        "LEVEL": "info docker-compose.yml:3",
        "POSTGRES_USER": "ours docker-compose.yml:16",
        "PRICE": "5$ docker-compose.yml:18",
        "ONLY": "db docker-compose.yml:10",
        "MORE": "1 docker-compose.yml:4",
    }


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("- A=b=c", {"A": "b=c"}),
        ("- 'A=x # y'", {"A": "x # y"}),
        ("- A", {}),
        ("- {A: b}", {}),
        ("{A: 'b', C: 3}", {"A": "b", "C": "3"}),
        ("[A=b, C=3]", {"A": "b", "C": "3"}),
    ],
)
def test_every_form_of_environment(tmp_path: Path, line: str, expected: dict[str, str]) -> None:
    text = f"services:\n  web:\n    environment:\n      {line}\n"
    found = told(tmp_path, {"compose.yaml": text})

    assert found == {name: f"{value} compose.yaml:4" for name, value in expected.items()}


def test_a_dockerfile_sets_what_env_says(tmp_path: Path) -> None:
    text = 'FROM x\nARG V=1\nENV A=1 B="2 3" \\\n    C=$V\nENV D the rest\nENV E=${OUT} F=${OUT:-f}\nENV A=last\n'

    assert told(tmp_path, {"Dockerfile": text}) == {
        "A": "last Dockerfile:7",
        "B": "2 3 Dockerfile:3",
        "C": "1 Dockerfile:3",
        "D": "the rest Dockerfile:5",
        "F": "f Dockerfile:6",
    }


def test_which_file_wins(tmp_path: Path) -> None:
    compose = "services:\n  web:\n    environment:\n      - A=compose\n      - B=compose\n"
    files = {
        ".env": "A=env\n",
        "compose.yml": compose,
        "Dockerfile": "FROM x\nENV A=image B=image C=image\n",
        "sub/.env": "C=sub\nD=sub\n",
        ".env.example": "A=example\nD=example\nE=example\n",
    }

    assert told(tmp_path, files) == {
        "A": "env .env:1",
        "B": "compose compose.yml:5",
        "C": "image Dockerfile:2",
        "D": "sub sub/.env:2",
        "E": "example .env.example:3",
    }
