"""What the recipes of LlamaIndex's documentation are diagnosed with, by the version of pydantic."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

RECIPES = Path(__file__).resolve().parent / "apps"
VERSIONS = ("2.13", "2.14")
_DISK = "SC103 container-restart"
_MEMORY = "SC102 multi-worker, SC103 container-restart"
_SAVED_WHOLE = "SC105 async-race (user-code), SC103 container-restart"
_SUMMARIZED = f"{_MEMORY}, SC105 async-race (library-store)"
_SHARED = (
    "SC106 session-key (shared-instance), SC102 multi-worker (shared-instance), "
    "SC103 container-restart (shared-instance)"
)
_REFUSED = "SC107 broken-store (refused-write)"
_DROPPED = "SC107 broken-store (dropped-memory)"

EXPECTED: dict[str, tuple[str, str]] = {
    "agent_alone": ("SC104 unsaved-ctx", "SC104 unsaved-ctx"),
    "agent_context": (_MEMORY, _DROPPED),
    "chat_memory_buffer": (_MEMORY, _MEMORY),
    "chat_summary_memory_buffer": (_SUMMARIZED, _SUMMARIZED),
    "context_json": (_SAVED_WHOLE, _DROPPED),
    "context_pickle": (_SAVED_WHOLE, _SAVED_WHOLE),
    "index_chat_engine": (_MEMORY, _MEMORY),
    "index_chat_engine_shared": (_SHARED, _SHARED),
    "memory": ("SC101 request-scoped (memory-database)", "SC101 request-scoped (memory-database)"),
    "memory_blocks": (_DISK, _DISK),
    "memory_database": (_DISK, _DISK),
    "memory_postgres": ("healthy", "healthy"),
    "redis_chat_store": ("healthy", "healthy"),
    "simple_chat_store": (_MEMORY, _MEMORY),
    "simple_chat_store_persist": (_SAVED_WHOLE, _REFUSED),
    "simple_composable_memory": (_MEMORY, _MEMORY),
    "sqlite_chat_store": (_DISK, _DISK),
    "workflow_state": (_SAVED_WHOLE, _SAVED_WHOLE),
}
"""{a recipe: what it has with each of `VERSIONS`}."""


def find_title(recipe: Path) -> str:
    """What a recipe says of itself."""
    return (ast.get_docstring(ast.parse(recipe.read_text("utf-8"))) or "").splitlines()[0]


def say(diagnosis: dict[str, Any]) -> str:
    """The errors of a diagnosis, as `--format json` has it, the primary one first; else its verdict."""
    errors = [cause for cause in diagnosis["causes"] if cause["severity"] == "error"]
    errors.sort(key=lambda cause: (not cause["primary"], cause["code"]))
    named = (f"{each['code']} {each['name']}" + (f" ({each['kind']})" if each["kind"] else "") for each in errors)
    return ", ".join(dict.fromkeys(named)) or str(diagnosis["verdict"])
