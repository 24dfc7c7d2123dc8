"""Diagnoses the recipes of LlamaIndex's documentation, in an environment for each of two versions of pydantic.

    python benchmarks/recipes.py [--only PART] [--python 2.13=PATH --python 2.14=PATH] [--jobs 2] [--write]

The recipes are the apps in `tests/documented/apps`: each memory and store as its documentation has it, behind one
endpoint. What each is diagnosed with is known, for both versions (`tests/documented/expected.py`). Without `--python`
the environments are made, with the versions of `requirements-dev.lock` but for pydantic. `--write` writes the table
into `docs/recipes.md`.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "tests"))

from documented.expected import EXPECTED, RECIPES, VERSIONS, find_title, say  # noqa: E402 - the recipes are the tests'

TABLE = REPOSITORY / "docs" / "recipes.md"
LOCK = REPOSITORY / "requirements-dev.lock"
PACKAGES = (
    "fastapi",
    "uvicorn",
    "aiosqlite",
    "asyncpg",
    "llama-index-core",
    "llama-index-llms-openai",
    "llama-index-embeddings-openai",
    "llama-index-storage-chat-store-redis",
    "llama-index-storage-chat-store-sqlite",
)


def diagnose(recipe: Path, python: str) -> str:
    """Diagnose a copy of a recipe in the environment of an interpreter, and say what it has."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(recipe, folder)
        command = (sys.executable, "-m", "statecheck", "diagnose", recipe.name, "--python", python, "--format", "json")
        more = ("--seed", "1", "--timeout", "5")
        done = subprocess.run((*command, *more), cwd=folder, capture_output=True, text=True, check=False)
    try:
        return say(json.loads(done.stdout))
    except ValueError:
        return done.stderr.strip().partition("\n")[0]


def make_environment(folder: Path, pydantic: str) -> str:
    """Make an environment with the versions of the lock, but for this one of pydantic; return its interpreter."""
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    pins = re.findall(r"^(?!pydantic)[\w.-]+==[^\\\n]+", LOCK.read_text("utf-8"), re.MULTILINE)
    (folder / "pins.txt").write_text("\n".join(pins), "utf-8")
    wanted = (*PACKAGES, f"pydantic=={pydantic}.*")
    install = ("-m", "pip", "install", "-qq", "--disable-pip-version-check", "-c", str(folder / "pins.txt"), *wanted)
    subprocess.run((python, *install), check=True)
    return python


def write_table(found: dict[str, dict[str, str]]) -> str:
    """The table as Markdown."""
    rows = [
        f"| {find_title(RECIPES / f'{name}.py')} | {' | '.join(found[name][version] for version in VERSIONS)} |"
        for name in found
    ]
    head = f"| what | {' | '.join(f'pydantic {version}' for version in VERSIONS)} |"
    return "\n".join((head, "| --- " * (1 + len(VERSIONS)) + "|", *rows)) + "\n"


def main() -> int:
    """Run what was asked for; 1 where something else than expected was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="PART", help="the recipes with this in their names")
    parser.add_argument(
        "--python", action="append", default=[], metavar="VERSION=PATH", help="an environment that is there"
    )
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="write the table into docs/recipes.md")
    options = parser.parse_args()
    recipes = [path for path in sorted(RECIPES.glob("*.py")) if options.only in path.stem]
    with tempfile.TemporaryDirectory() as folder:
        pythons = dict(each.split("=", 1) for each in options.python)
        for version in VERSIONS:
            pythons.setdefault(version, "")
            pythons[version] = pythons[version] or make_environment(Path(folder) / version, version)
        asked = [(recipe, version) for recipe in recipes for version in VERSIONS]
        with ThreadPoolExecutor(options.jobs) as pool:
            said = list(pool.map(lambda each: diagnose(each[0], pythons[each[1]]), asked))
    found: dict[str, dict[str, str]] = {}
    for (recipe, version), what in zip(asked, said, strict=True):
        found.setdefault(recipe.stem, {})[version] = what
    table = write_table(found)
    print(table)
    if options.write:
        before = TABLE.read_text("utf-8").partition("\n| what |")[0]
        TABLE.write_text(f"{before}\n{table}", "utf-8")
    wrong = {
        f"{name}, pydantic {version}: expected {EXPECTED[name][place]}, got {of[version]}"
        for name, of in found.items()
        for place, version in enumerate(VERSIONS)
        if of[version] != EXPECTED[name][place]
    }
    print("\n".join(sorted(wrong)) or f"{len(asked)} of {len(asked)} as expected")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
