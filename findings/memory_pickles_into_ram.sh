#!/usr/bin/env bash
# A `Memory` that is on a database and is pickled comes back on a database in RAM, without its messages: only its session
# id travels. A line in the log is all that says so. An app that keeps pickled memories in a cache forgets with every load.
#
# Seen with: llama-index-core 0.14.25, SQLAlchemy 2.0.58, aiosqlite 0.21.0, Python 3.11.
# Expected: the loaded memory reads from the database that the pickled one wrote to, or pickling is refused.
# Fails if this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    "llama-index-core==0.14.25" "SQLAlchemy==2.0.58" "aiosqlite==0.21.0" "pydantic==2.13.5"
cd "$folder"
seen=$("$folder/venv/bin/python" - <<'PY'
import asyncio
import pickle

from llama_index.core.llms import ChatMessage
from llama_index.core.memory import Memory


async def main():
    memory = Memory.from_defaults(session_id="s", async_database_uri="sqlite+aiosqlite:///chat.db")
    await memory.aput(ChatMessage(role="user", content="My name is Ada"))
    print("pickled:", len(await memory.aget()), memory.sql_store.async_database_uri)
    loaded = pickle.loads(pickle.dumps(memory))
    print("loaded: ", len(await loaded.aget()), loaded.sql_store.async_database_uri, loaded.session_id)


asyncio.run(main())
PY
)
echo "$seen"
test "$seen" = "pickled: 1 sqlite+aiosqlite:///chat.db
loaded:  0 sqlite+aiosqlite:///:memory: s"
