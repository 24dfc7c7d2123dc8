"""Absolute paths for data that the code takes to be there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from statecheck.source.code.tree import SourceTree
from statecheck.source.project.data_paths import find_data_folders

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('db = sqlite3.connect("/data/chat.db")', ["/data"]),
        ('engine = create_engine("sqlite:////app/state/chat.sqlite3")', ["/app/state"]),
        ('engine = create_engine("sqlite+aiosqlite:////storage/chat.db")', ["/storage"]),
        ('store = SimpleChatStore.from_persist_path("/data/chats/store.json")', ["/data/chats"]),
        ('where = os.environ.get("DATA_DIR", "/data")', ["/data"]),
        ('where = Path("/data") / "chat.db"', ["/data"]),
        ('where = os.path.join("/data/chats", name)', ["/data/chats"]),
        ('context.persist(persist_dir="/storage")', ["/storage"]),
        ('db = sqlite3.connect("data/chat.db")', []),
        ('@app.get("/chat")\ndef chat(): ...', []),
        ('@app.get("/openapi.json")\ndef described(): ...', []),
        ('@app.get("/chats/all.json")\ndef chats(): ...', []),
        ('client.get("BASE_URL", "/chat")', []),
        ('fetch("/chat", "/data")', []),
        ('where = "/data" if os.path.isdir("/data") else "."\nPath("/data")', []),
        ('if Path("/data").exists():\n    db = sqlite3.connect("/data/chat.db")', []),
    ],
)
def test_folders_that_are_taken_to_be_there(code: str, found: list[str], tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(code, "utf-8")

    assert list(find_data_folders(SourceTree(tmp_path, tmp_path).modules())) == found
