#!/usr/bin/env bash
# `SQLiteChatStore.set_messages` adds to what is stored under a key; every other chat store of LlamaIndex replaces it.
# A history that is loaded, extended and set again so doubles with every turn: 1, 3, 7 messages.
#
# Seen with: llama-index-core 0.14.25, llama-index-storage-chat-store-sqlite 0.4.0, aiosqlite 0.21.0, Python 3.11.
# Expected, from its name, its base class and `SimpleChatStore`: 1, 2, 3 messages.
# Fails if this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    "llama-index-core==0.14.25" "llama-index-storage-chat-store-sqlite==0.4.0" "aiosqlite==0.21.0" "pydantic==2.13.5"
cd "$folder"
seen=$("$folder/venv/bin/python" - <<'PY'
from llama_index.core.llms import ChatMessage
from llama_index.core.storage.chat_store import SimpleChatStore
from llama_index.storage.chat_store.sqlite import SQLiteChatStore

for store in (SimpleChatStore(), SQLiteChatStore.from_uri("sqlite:///chat.db")):
    counts = []
    for turn in range(3):
        history = store.get_messages("s")
        store.set_messages("s", [*history, ChatMessage(role="user", content=f"turn {turn}")])
        counts.append(len(store.get_messages("s")))
    print(type(store).__name__, counts)
PY
)
echo "$seen"
test "$seen" = "SimpleChatStore [1, 2, 3]
SQLiteChatStore [1, 3, 7]"
