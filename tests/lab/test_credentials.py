"""The user's credentials, wherever they keep them: an app that looks everywhere finds none, and none is kept."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from labs import ISOLATIONS, Ran, User, diagnosed

from statecheck.options.config import Options

if TYPE_CHECKING:
    from pathlib import Path

# each is made of parts, so that what scans this repository for credentials finds none
KEY = "sk-proj-" + "q1W2e3R4" * 5
CLOUD = "AK" + "IA" + "Q1W2E3R4T5Y6U7I8"
WORD = "correct-Horse/9 battery"
PLACES = {
    "project/.env": f"OPENAI_API_KEY={KEY}\n",
    "project/deploy/shop/.env.local": f"LLM={KEY}\n# SHOP_PASSWORD='{WORD}'\n",
    "project/config.yaml": f"mode: test\nshop:\n  password: {WORD}\nllm: {KEY}\n",
    "project/settings/base.toml": f'id = "{CLOUD}"\nurl = "postgresql://shop:{quote(WORD, safe="")}@db/shop"\n',
    "project/.streamlit/secrets.toml": f'password = "{WORD}"\n',
    "project/data/seed.json": json.dumps({"title": "shop", "api_key": KEY}),
    "home/.aws/credentials": f"[default]\naws_access_key_id = {CLOUD}\naws_secret_access_key = {WORD}\n",
    "home/.config/shop/config.ini": f"[shop]\nregion = eu\ntoken = {KEY}\n",
    "home/.config/gh/hosts.yml": f"oauth_token: {KEY}\n",
    "home/.netrc": f"machine example.com login me password {WORD}\n",
    "home/.ssh/id_shop": f"{WORD}\n",
    "home/.cache/huggingface/token": KEY,
}
VARIABLES = {
    "LLM": KEY,
    "SHOP_PASSWORD": WORD,
    "SHOP_URL": f"https://shop:{quote(WORD, safe='')}@example.com/",
    "SHOP_AUTH": base64.b64encode(WORD.encode() * 2).decode(),
}
NOSY = """\
    import json, os, pathlib

    said = []
    at_start = (pathlib.Path(__file__).parent / "config.yaml").read_text()
    folders = [pathlib.Path(__file__).parent, pathlib.Path.home()]


    def read(path):
        try:
            return path.read_text("utf-8", "replace")
        except OSError:
            return ""


    def reply(session_id, text):
        found = {str(path): read(path) for folder in folders for path in folder.rglob("*") if path.is_file()}
        processes = [read(path) for path in pathlib.Path("/proc").glob("[0-9]*/environ")]
        told = {"text": text, "files": found, "environ": dict(os.environ), "processes": processes}
        pathlib.Path("config.yaml").write_text(text)
        (pathlib.Path(__file__).parent / "settings" / "base.toml").unlink(missing_ok=True)
        print(json.dumps(told))
        said.append(text)
        return json.dumps([*said, at_start])
"""


@pytest.fixture(scope="module", params=ISOLATIONS)
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[User, Ran]:
    user = User(tmp_path_factory.mktemp("nosy"))
    for name, text in PLACES.items():
        path = user.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    user.write(nosy=NOSY)
    before = user.snapshot()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in VARIABLES.items():
            patch.setenv(name, value)
        result = diagnosed(
            user, "nosy.py:reply", request.param, Options(seed=1, only=("same-process", "new-container"))
        )
    assert user.snapshot() == before
    return user, result


def spelled() -> list[str]:
    found = []
    for secret in (KEY, CLOUD, WORD):
        found += [secret, quote(secret, safe=""), json.dumps(secret)[1:-1]]
        found += [base64.b64encode(b"x" * shift + secret.encode()).decode()[4:-8] for shift in range(3)]
    return found


def everything(folder: Path) -> str:
    return "".join(path.read_text("utf-8", "replace") for path in sorted(folder.rglob("*")) if path.is_file())


def test_it_looked_everywhere(ran: tuple[User, Ran]) -> None:
    _, result = ran

    assert [result.outcomes()[name] for name in ("same-process", "new-container")] == ["kept", "lost"]
    told = json.loads(next(line for line in result.output().splitlines() if line.startswith("{")))
    names = {name.rpartition("/")[2] for name in told["files"]}
    assert {"config.yaml", "base.toml", "secrets.toml", "seed.json", ".env.local"} <= names
    assert "mode: test" in "".join(told["files"].values())
    assert len(told["processes"]) > 1


def test_no_credential_reaches_the_app_the_histories_the_output_or_the_report(ran: tuple[User, Ran]) -> None:
    _, result = ran
    said = everything(result.folder) + repr(result.diagnosis)

    assert [secret for secret in spelled() if secret in said] == []


def test_nor_was_it_only_taken_out_of_what_is_kept(ran: tuple[User, Ran]) -> None:
    """What the app was given are dummies: nothing had to be replaced in what it said."""
    _, result = ran

    assert "[a secret" not in everything(result.folder)
    assert "[what looks like" not in everything(result.folder)


def test_the_report_says_for_what_dummies_stand(ran: tuple[User, Ran]) -> None:
    _, result = ran

    told = next(note for note in result.diagnosis.notes if note.startswith("dummies stand for the credentials in "))
    assert "`.env`" in told
    assert "more files" in told


def test_the_app_may_write_and_remove_what_was_masked_and_each_disk_has_its_own(ran: tuple[User, Ran]) -> None:
    _, result = ran
    first, last = (json.loads(answer)[-1] for answer in result.answers("new-container"))

    assert first.startswith("mode: test\nshop:\n  password: sc-dummy\nllm: sk-proj-")
    assert last == first
