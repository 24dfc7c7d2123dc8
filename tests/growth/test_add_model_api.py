"""A model API is added by a file that speaks it and its name: whoever asks such a server is answered."""

from __future__ import annotations

import json
from textwrap import dedent
from typing import TYPE_CHECKING

from package_copy import PackageCopy

if TYPE_CHECKING:
    from pathlib import Path

API = '''\
    """Parrot's utterances."""

    from __future__ import annotations

    import re
    from typing import TYPE_CHECKING, Any

    from .exchange import Asked, Exchange, as_json, chat

    if TYPE_CHECKING:
        from ..echo import ToolCall
        from .exchange import Reply

    PATHS = re.compile(r"/v9/utter$")


    def exchange(method: str, path: str, body: dict[str, Any]) -> Exchange | None:
        """What a request for an utterance asks, and how that is answered."""
        messages = [(one["who"], one["what"]) for one in body.get("heard", ())]
        return chat(Asked("utter", "parrot", messages), _whole, _pieces) if messages else None


    def _whole(asked: Asked, said: str | ToolCall) -> dict[str, Any]:
        return {"uttered": str(said)}


    def _pieces(asked: Asked, said: str | ToolCall) -> Reply:
        return as_json(_whole(asked, said))
'''
APP = """\
    import json
    import urllib.request

    heard = {}


    def reply(session_id, message):
        mine = heard.setdefault(session_id, [])
        mine.append({"who": "user", "what": message})
        asked = urllib.request.Request("http://parrot.internal/v9/utter", json.dumps({"heard": mine}).encode())
        answer = json.load(urllib.request.urlopen(asked))
        mine.append({"who": "assistant", "what": answer["uttered"]})
        return answer["uttered"]
"""


def test_a_model_api_is_one_file_and_one_line(tmp_path: Path) -> None:
    copy = PackageCopy(tmp_path)
    copy.replace("probe/apis/__init__.py", '    "openai",\n', '    "openai",\n    "parrot",\n')
    copy.write("probe/apis/parrot.py", dedent(API))
    project = tmp_path / "project"
    project.mkdir()
    (project / "app.py").write_text(dedent(APP))

    done = copy.run("-m", "statecheck", "diagnose", "app.py:reply", "--format", "json", cwd=project)

    assert copy.changed() == ["probe/apis/__init__.py", "probe/apis/parrot.py"]
    assert done.returncode == 1, done.stderr
    diagnosis = json.loads(done.stdout)
    assert {one["name"]: one["outcome"] for one in diagnosis["experiments"]}["same-process"] == "kept"
    errors = {cause["code"]: cause["anchor"]["line"] for cause in diagnosis["causes"] if cause["severity"] == "error"}
    assert errors == {"SC102": 4, "SC103": 4}
