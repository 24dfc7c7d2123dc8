"""The passwords that code compares with, as a page does that lets in whoever knows one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from statecheck.source.code.tree import SourceTree
from statecheck.source.handlers.accounts import find_passwords

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("said = st.text_input('Password', type='password')\nif said == 'seagull': go()\n", ("seagull",)),
        ("if st.session_state['password'] != 'seagull': st.stop()\n", ("seagull",)),
        ("def gate():\n    return st.session_state.pwd == WORD\nWORD = 'seagull'\n", ("seagull",)),
        ("said = st.text_input('Passcode')\nif hmac.compare_digest(said, 'seagull'): go()\n", ("seagull",)),
        ("said = st.text_input('Password')\nif said == os.getenv('GATE', 'seagull'): go()\n", ("seagull",)),
        ("said = st.text_input('Your name')\nif said == 'seagull': go()\n", ()),
        ("if password == st.secrets['password']: go()\n", ()),
    ],
)
def test_a_password_that_the_code_compares_with_is_read(tmp_path: Path, code: str, expected: tuple[str, ...]) -> None:
    (tmp_path / "app.py").write_text(f"import hmac, os\nimport streamlit as st\n{code}", "utf-8")

    assert find_passwords(SourceTree(tmp_path, tmp_path, tmp_path / "app.py"), {}) == expected
