"""The claims that code reads of tokens, and what it compares them with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from statecheck.source.code.tree import SourceTree
from statecheck.source.handlers.claims import find_claims

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("    claims = jwt.decode(t, K)\n    return claims['tenant']\n", {"tenant": None}),
        ("    return jwt.decode(t, K).get('crew')\n", {"crew": None}),
        ("    p = jwt.decode(t, K)\n    if p.get('role') != 'mate':\n        raise ValueError\n", {"role": "mate"}),
        (
            "    payload = read(t)\n    kind = payload['kind']\n    if kind not in KINDS:\n        return None\n",
            {"kind": None},
        ),
        (
            "    p = jwt.decode(t, K)\n    if 'chat' not in p['scope'].split():\n        return None\n",
            {"scope": "chat"},
        ),
        ("    p = jwt.decode(t, K)\n    if 'chat' not in p['rights']:\n        return None\n", {"rights": ["chat"]}),
        ("    claims = read(t)\n    return claims['iss'] == ISSUER\n", {"iss": "https://id.example"}),
        ("    p = jwt.decode(t, K)\n    return int(p['sub'])\n", {"sub": {"form": "int"}}),
        (
            "    p = jwt.decode(t, K)\n    who = p.get('uid')\n    return uuid.UUID(str(who))\n",
            {"uid": {"form": "UUID"}},
        ),
        ("    body = read(t)\n    return body['text']\n", {}),
    ],
)
def test_claims_are_read(tmp_path: Path, code: str, expected: dict[str, object]) -> None:
    head = "import jwt\nISSUER = 'https://id.example'\n"
    (tmp_path / "app.py").write_text(f"{head}def who(t):\n{code}", "utf-8")

    assert find_claims(SourceTree(tmp_path, tmp_path, tmp_path / "app.py")) == expected


def test_code_that_knows_no_tokens_reads_no_claims(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("def who(payload):\n    return payload['tenant']\n", "utf-8")

    assert find_claims(SourceTree(tmp_path, tmp_path, tmp_path / "app.py")) == {}
