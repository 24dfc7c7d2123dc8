#!/usr/bin/env bash
# Streamlit's AppTest gives every test the same session id: to code that goes by it, two simulated users are one. A test
# of an app that keeps conversations under that id shows leaks that no server has, and hides those that one has.
#
# Seen with: streamlit 1.67.0, Python 3.11.
# Expected: each AppTest is a session of its own, with an id of its own, as two browsers at a server are; what stands in
# `st.session_state` is kept apart, and what stands in a cached dict under `session_id` too.
# Fails if this changes.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check streamlit==1.67.0
cd "$folder"
cat > page.py <<'PAGE'
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx


@st.cache_resource
def conversations():
    return {}


own = st.session_state.setdefault("said", [])
own.append("hello")
session_id = get_script_run_ctx().session_id
shared = conversations().setdefault(session_id, [])
shared.append("hello")
st.text(f"id {session_id!r}, session_state {len(own)}, under the id {len(shared)}")
PAGE
cat > two.py <<'TWO'
from streamlit.testing.v1 import AppTest

for name in ("first", "second"):
    print(f"{name}: {AppTest.from_file('page.py').run().text[0].value}")
TWO
"$folder/venv/bin/python" two.py 2> errors.txt > seen.txt || { cat errors.txt; exit 1; }
cat seen.txt
diff seen.txt - <<'EXPECTED'
first: id 'test session id', session_state 1, under the id 1
second: id 'test session id', session_state 1, under the id 2
EXPECTED
