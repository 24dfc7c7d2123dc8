"""What runs before a server, and empties tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from statecheck.source.project.project_files import ProjectFiles
from statecheck.source.project.start_scripts import find_start_resets

if TYPE_CHECKING:
    from pathlib import Path

_BY_A_FILE = {"init.py": "con.executescript(Path('s.sql').read_text())", "s.sql": "DROP TABLE IF EXISTS said;"}
_BY_A_SHELL = {"go.sh": "#!/bin/sh\npython init.py\nexec serve app:app", "Dockerfile": 'FROM x\nCMD ["sh", "go.sh"]'}
_RUN = {"Dockerfile": "FROM x\nCMD python init.py && serve app:app"}
_DROPS = 'def main():\n    con.execute("DELETE FROM said")\nif __name__ == "__main__":\n    main()'


@pytest.mark.parametrize(
    ("texts", "lines"),
    [
        ({**_BY_A_SHELL, **_BY_A_FILE}, ["s.sql:1"]),
        ({**_RUN, "init.py": _DROPS}, ["init.py:2"]),
        ({"Procfile": "release: python init.py\nweb: serve", "init.py": _DROPS}, ["init.py:2"]),
        # kept, behind a flag, or not run
        ({**_RUN, "init.py": 'con.execute("CREATE TABLE IF NOT EXISTS said (t)")'}, []),
        ({**_RUN, "init.py": 'con.execute("DELETE FROM said WHERE old")'}, []),
        ({**_RUN, "init.py": 'if "--reset" in sys.argv:\n    con.execute("DROP TABLE said")'}, []),
        ({**_BY_A_SHELL, **_BY_A_FILE, "go.sh": 'if [ "$RESET" ]; then\n  python init.py\nfi\nserve'}, []),
        ({**_RUN, "init.py": _DROPS.replace("    con", "    if there():\n        return\n    con")}, []),
        ({**_RUN, "init.py": "con.executescript('DROP TABLE said; ALTER TABLE n RENAME TO said')"}, []),
        ({**_BY_A_SHELL, **_BY_A_FILE, "go.sh": "test -f said.db && exec serve\npython init.py"}, []),
        ({"Dockerfile": "FROM x\nCMD python there.py || python init.py; serve", "init.py": _DROPS}, []),
        ({"init.py": _DROPS, "reset.sh": "python init.py"}, []),
    ],
)
def test_a_script_before_the_server_empties_a_table(tmp_path: Path, texts: dict[str, str], lines: list[str]) -> None:
    for name, text in texts.items():
        (tmp_path / name).write_text(text)

    found = find_start_resets(ProjectFiles(tmp_path), tmp_path / "app.py")

    assert [f"{each.path}:{each.line}" for each in found] == lines
