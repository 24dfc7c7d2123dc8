"""A token that another service would issue is signed where the app checks it, and is checked like any other."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from statecheck.probe import signed_tokens
from statecheck.probe.signed_tokens import make_claims

KEY = "a-key-of-the-app-that-is-long-enough-for-every-algorithm-of-the-kind"


@pytest.fixture(scope="module")
def reader() -> Any:
    """PyJWT as it is in a worker; the class of this process stays as it is."""
    library = SimpleNamespace(PyJWT=type("PyJWT", (jwt.PyJWT,), {}))
    signed_tokens.HOOKS["jwt.api_jwt"](library)  # type: ignore[arg-type]  # all that it looks at of the module
    return library.PyJWT()


@pytest.mark.parametrize(
    ("algorithms", "asked"),
    [
        (["HS256"], {}),
        (["RS256", "HS512"], {"audience": "boats", "issuer": ["https://id.example", "https://old.example"]}),
        (["HS256"], {"audience": ["boats", "ships"], "options": {"require": ["exp", "iat", "sub"]}}),
    ],
)
def test_what_a_client_sends_becomes_a_token_that_the_check_takes(
    reader: Any, algorithms: list[str], asked: dict[str, Any]
) -> None:
    claims = reader.decode("sc-17", KEY, algorithms=algorithms, **asked)

    assert (claims["sub"], claims["user_id"], claims["email"]) == ("sc-17", "sc-17", "sc-17@example.com")


def test_a_real_token_stays_what_it_is(reader: Any) -> None:
    sent = jwt.encode({"sub": "ann"}, KEY, "HS256")

    assert reader.decode(sent, KEY, algorithms=["HS256"]) == {"sub": "ann"}
    with pytest.raises(jwt.InvalidSignatureError):
        reader.decode(sent, "another-key-that-is-long-enough-too", algorithms=["HS256"])


@pytest.mark.parametrize("algorithms", [["RS256"], ["ES256", "EdDSA"]])
def test_a_key_that_can_only_check_signs_nothing(reader: Any, algorithms: list[str]) -> None:
    with pytest.raises(jwt.DecodeError):
        reader.decode("sc-17", KEY, algorithms=algorithms)


def test_claims_that_the_code_compares_are_given_what_it_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signed_tokens, "_claims", {})
    signed_tokens.configure({"role": "crew", "tenant": None, "sub": None, "aud": "boats"})

    claims = make_claims("sc-17", {"iss": "id"})

    assert (claims["role"], claims["tenant"], claims["sub"], claims["iss"]) == ("crew", "sc-17", "sc-17", "id")
    assert "aud" not in claims  # a check that names none refuses a token that has one


@given(st.text(min_size=1), st.text(min_size=1))
def test_two_users_have_no_name_in_common(one: str, other: str) -> None:
    first, second = make_claims(one, {}), make_claims(other, {})

    assert (one == other) == any(first[name] == second[name] for name in ("sub", "user_id", "email", "username"))
