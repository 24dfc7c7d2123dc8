"""What is advised where the app's own exception ends it: what fits the exception, and nothing else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from labs import User, diagnosed

from statecheck.errors import StatecheckError
from statecheck.lab.error_hints import Remedies
from statecheck.lab.workers.readiness import Limits, wait_until_ready
from statecheck.lab.workers.replies import Failure
from statecheck.options.config import Options
from statecheck.source.code.tree import SourceTree
from statecheck.source.project.project_files import ProjectFiles

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = """\
from pydantic_settings import BaseSettings, SettingsConfigDict

class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="shop_")
    region: str
    size: int = 3
    currency: str

Settings()
"""
REGION = "set what it reads: `--env SHOP_REGION=…`"
OLDER = (
    "the app was written for other versions than those installed: install the ones that it names, or name the "
    "interpreter that has them with `--python`"
)
NAME_IT = "name what answers a turn"
MAKE_IT = "give what answers a turn a function of its own, `reply(session_id, text)`"
SEEN = "`data/rules.txt` is looked for from where statecheck is run"


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("import os\nos.environ['SHOP_REGION']\n", REGION),
        ("import os\nif not os.getenv('SHOP_REGION'): raise RuntimeError('SHOP_REGION is not set')\n", REGION),
        ("raise ValueError('please set the environment variable SHOP_REGION')\n", REGION),
        (SETTINGS, "set what it reads: `--env SHOP_REGION=… --env SHOP_CURRENCY=…`"),
        ("import os\nos.environ['SHOP_SIZE']\n", "set what it reads: `--env SHOP_SIZE=…`, or take them from a file: `--env-file .env.example`"),  # noqa: E501 - one case a line
        ("import os\nif not os.getenv('SHOP_REGION'):\n    raise ValueError('shop_region is required')\n", REGION),
        ("{}['SHOP_REGION']\n", ""),
        ("1 / 0\n", ""),
        ("open('data/rules.txt')\n", f"{SEEN}: run it in the folder in which the app is started"),
        ("open('data/prices.txt')\n", "`data/prices.txt` is looked for from where statecheck is run, and lies in `shop`: run it there"),  # noqa: E501 - as above
        ("import os\nopen(os.path.abspath('data/prices.txt'))\n", "`data/prices.txt` is looked for from where statecheck is run, and lies in `shop`: run it there"),  # noqa: E501 - as above
        ("open('/opt/no/rules.txt')\n", "the app expects `/opt/no/rules.txt`, which is not on this machine: make it, or let the app look elsewhere"),  # noqa: E501 - as above
        ("from pytest import no_such_name\n", "the app was written for other versions than those installed: install the ones that it names, or name the interpreter that has them with `--python`"),  # noqa: E501 - as above
        ("import json\njson.JSONDecoder.no_such_name\n", OLDER),
        ("import json\njson.no_such_name\n", OLDER),
        ("from httpx import Client\nClient.no_such_name\n", OLDER),
        ("class Till: pass\nTill.no_such_name\n", ""),
        ("from json import no_such_name\n", ""),
        ("import no_such_library\n", "install it for the app's interpreter, or name that with `--python`, or your modules' folder with `--app-dir`"),  # noqa: E501 - as above
    ],
)  # fmt: skip
def test_a_hint_fits_the_exception(source: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop" / "data").mkdir(parents=True)
    (tmp_path / "shop" / "data" / "prices.txt").touch()
    (tmp_path / "shop" / "app.py").write_text(source)
    (tmp_path / ".env.example").write_text("SHOP_SIZE=4\n")
    with pytest.raises(Exception) as raised:  # noqa: PT011 - whatever the source raises
        exec(source, {})
    remedies = Remedies(SourceTree(tmp_path, tmp_path, tmp_path / "shop" / "app.py"), {}, ProjectFiles(tmp_path))

    assert remedies.of(f"{type(raised.value).__name__}: {raised.value}") == hint


@pytest.mark.parametrize(
    "example",
    ["rules.example.yaml", "rules.yaml.example", "example.rules.yaml", "rules-sample.yaml", "rules.yaml.dist"],
)
def test_a_file_that_has_an_example_beside_it_is_made_of_that(
    example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf").mkdir()
    for name in (example, "rules.json", "others.example.yaml"):
        (tmp_path / "conf" / name).touch()
    remedies = Remedies(SourceTree(tmp_path, tmp_path, tmp_path / "app.py"), {}, ProjectFiles(tmp_path))

    assert remedies.of("FileNotFoundError: [Errno 2] No such file or directory: 'conf/rules.yaml'") == (
        f"its example shows what belongs there: `cp conf/{example} conf/rules.yaml`, and fill it in"
    )


@pytest.mark.parametrize(
    ("source", "named"),
    [
        (
            "import parts\n@client.event\nasync def on_message(message): ...\n",
            f"{NAME_IT}: `statecheck diagnose parts.py:answer`",
        ),
        ("def answer(room, text): ...\n", f"{NAME_IT}: `statecheck diagnose bot.py:answer`"),
        (
            "@client.event\nasync def on_message(message): ...\n",
            f"{MAKE_IT}, and name that: `statecheck diagnose bot.py:reply`",
        ),
        ("print(1)\n", f"{MAKE_IT}, and name that: `statecheck diagnose bot.py:reply`"),
    ],
)
def test_where_an_app_cannot_be_driven_its_own_function_is_named(source: str, named: str, tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(source)
    (tmp_path / "parts.py").write_text("def answer(room, text): ...\n")
    remedies = Remedies(SourceTree(tmp_path, tmp_path, tmp_path / "bot.py"), {}, ProjectFiles(tmp_path))

    assert remedies.advise_turn() == named


@pytest.mark.parametrize("when", ["import", "turn"])
def test_a_diagnosis_names_the_variable_that_the_app_lacks(tmp_path: Path, when: str) -> None:
    user = User(tmp_path)
    reads = "(os.getenv('SHOP_REGION') or lacks('SHOP_REGION'))"
    at_import, in_a_turn = (reads, "''") if when == "import" else ("''", reads)
    user.write(
        bot=f"""\
import os
def lacks(name): raise RuntimeError(f"{{name}} is not set")
REGION = {at_import}
def reply(session_id, text): return text + {in_a_turn}
"""
    )
    result = diagnosed(user, "bot.py:reply", "namespace", Options(only=("same-process",)))

    assert [(error.slug, error.hint) for error in result.diagnosis.errors] == [
        ("import-failed" if when == "import" else "turn-refused", REGION)
    ]


@pytest.mark.parametrize(
    ("line", "missing", "named", "install"),
    [
        (
            "from llama_index.llms.groq import Groq",
            "llama_index.llms",
            "llama_index.llms.groq",
            "install it there (`pip install llama-index-llms-groq`), or",
        ),
        (
            "import llama_index.storage.chat_store.redis as store",
            "llama_index.storage",
            "llama_index.storage.chat_store.redis",
            "install it there (`pip install llama-index-storage-chat-store-redis`), or",
        ),
        ("from shop.cart import total", "shop", "shop.cart", "install it there, or"),
        ("load('shop')", "shop", "shop", "install it there, or"),
    ],
)
def test_a_missing_module_is_named_as_the_app_imports_it(
    line: str, missing: str, named: str, install: str, tmp_path: Path
) -> None:
    said = f'Traceback (most recent call last):\n  File "app.py", line 2, in <module>\n    {line}\n'
    failed = Failure(True, "ModuleNotFoundError", missing=missing, python="python")
    remedies = Remedies(SourceTree(tmp_path, tmp_path, tmp_path / "app.py"), {}, ProjectFiles(tmp_path))
    worker: Any = SimpleNamespace(facts=None, failed=failed, wait_for_start=lambda *_: None, last_words=lambda: said)

    with pytest.raises(StatecheckError) as caught:
        wait_until_ready(worker, Limits(1, 1), remedies)

    assert f"needs the module `{named}`" in caught.value.text
    assert caught.value.hint.startswith(install)
