#!/usr/bin/env bash
# A cachelib `SimpleCache` whose entries never expire (timeout 0) loses all of them at once when it holds more than its
# threshold, 500 unless told: to its pruning, "never" is a time that has passed. With a timeout only the oldest go.
# An app that keeps conversations in it forgets every user when the 502nd one writes, on the busiest day.
#
# Seen with: cachelib 0.17.0, Python 3.11.
# Expected, from "a timeout of 0 indicates that the cache never expires": the oldest entries go, one for each new one.
# Fails if this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check "cachelib==0.17.0"
cd "$folder"
seen=$("$folder/venv/bin/python" - <<'PY'
from cachelib import SimpleCache

for timeout in (300, 0):
    cache = SimpleCache(default_timeout=timeout)
    counts = {}
    for user in range(1, 503):
        cache.set(f"user-{user}", ["Hello"])
        counts[user] = sum(cache.has(f"user-{one}") for one in range(1, user + 1))
    print(f"timeout {timeout}:", {users: counts[users] for users in (500, 501, 502)})
PY
)
echo "$seen"
test "$seen" = "timeout 300: {500: 500, 501: 501, 502: 501}
timeout 0: {500: 500, 501: 501, 502: 1}"
