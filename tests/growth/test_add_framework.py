"""A framework is added by its row and its adapter: nothing else is edited, and its apps are diagnosed."""

from __future__ import annotations

import json
from textwrap import dedent
from typing import TYPE_CHECKING

from package_copy import PackageCopy

if TYPE_CHECKING:
    from pathlib import Path

# A framework that nobody has: no decorator, no object and no class of it is called as those of another are.
LANTERN = """\
    import json
    import re


    class Asked:
        def __init__(self, environ, words):
            self.words = words
            self.json = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)) or b"{}")


    class Lantern:
        def __init__(self):
            self.beams = []

        def shine(self, at):
            def keep(function):
                self.beams.append((at, function))
                return function

            return keep

        def __call__(self, environ, start_response):
            for at, function in self.beams:
                found = re.fullmatch(at, environ["PATH_INFO"])
                if found:
                    start_response("200 OK", [("Content-Type", "application/json")])
                    return [json.dumps(function(Asked(environ, found.groups()))).encode()]
            start_response("404 Not Found", [])
            return [b""]
"""
APP = """\
    from lantern import Lantern

    lamp = Lantern()
    said = {}


    @lamp.shine(at="/talk")
    def talk(request):
        mine = said.setdefault(request.json["session_id"], [])
        mine.append(request.json["message"])
        return {"said": mine}
"""
ROW = """\
    Framework(
        "lantern",
        "web",
        adapter="lantern",
        packages=("lantern",),
        constructors=("Lantern",),
        app_classes=("Lantern",),
        protocol="wsgi",
    ),
"""
ADAPTER = '''\
    """Lantern apps: their beams; served as any WSGI app is."""

    from __future__ import annotations

    from typing import TYPE_CHECKING

    from .offer import find_in, function_name, route
    from .web import serve

    if TYPE_CHECKING:
        from .offer import Loaded, Offer


    def adapt(offer: Offer) -> Loaded | None:
        """Take an instance of Lantern's app class, and what wraps one."""
        app = find_in(offer.thing, "lantern", "Lantern")
        if app is None:
            return None
        routes = [route(at, ["POST"], function_name(function), function) for at, function in app.beams]
        return serve(offer, {"framework": "lantern", "routes": routes})
'''
FIRST = "FRAMEWORKS: tuple[Framework, ...] = (\n"


def test_a_framework_is_one_row_and_one_adapter(tmp_path: Path) -> None:
    copy = PackageCopy(tmp_path)
    copy.replace("probe/frameworks.py", FIRST, FIRST + ROW)
    copy.write("probe/adapters/lantern.py", dedent(ADAPTER))
    project, installed = tmp_path / "project", tmp_path / "installed"
    for folder, name, text in ((project, "app.py", APP), (installed, "lantern.py", LANTERN)):
        folder.mkdir()
        (folder / name).write_text(dedent(text))

    done = copy.run("-m", "statecheck", "diagnose", "--format", "json", cwd=project, env={"PYTHONPATH": str(installed)})

    assert copy.changed() == ["probe/adapters/lantern.py", "probe/frameworks.py"]
    assert done.returncode == 1, done.stderr
    diagnosis = json.loads(done.stdout)
    assert diagnosis["target"] == {"path": "app.py", "object": "lamp", "framework": "lantern"}
    anchors = {cause["code"]: (cause["anchor"]["path"], cause["anchor"]["line"]) for cause in diagnosis["causes"]}
    assert anchors == {"SC102": ("app.py", 4), "SC103": ("app.py", 4)}
