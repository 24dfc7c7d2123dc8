"""How a project makes its tables: by migrations that are run before the app is started."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from statecheck.source.code.reading import is_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_BY_FILE = {
    "alembic.ini": (("-m", "alembic", "upgrade", "head"), "alembic upgrade head"),
    "manage.py": (("manage.py", "migrate", "--noinput"), "python manage.py migrate"),
}


@dataclass(frozen=True, slots=True)
class Migration:
    """What makes a project's tables.

    Attributes:
        arguments: of the app's Python; folder: where it is run.
        shown: the command as people write it.
    """

    arguments: tuple[str, ...]
    folder: Path
    shown: str


def find_migration(folders: Iterable[Path]) -> Migration | None:
    """Return the migrations that lie in the first of these folders that has any."""
    for folder in folders:
        for name, (arguments, shown) in _BY_FILE.items():
            if is_file(folder / name):
                return Migration(arguments, folder, shown)
    return None
