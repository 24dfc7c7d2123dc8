"""A token that another service would issue is signed where the app checks it, and is checked like any other."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from statecheck.probe import lent_keys, signed_tokens
from statecheck.probe.apis import identity
from statecheck.probe.lent_keys import find_pair
from statecheck.probe.signed_tokens import make_claims

KEY = "a-key-of-the-app-that-is-long-enough-for-every-algorithm-of-the-kind"


@pytest.fixture(scope="module")
def reader() -> Any:
    """PyJWT as it is in a worker; the class of this process stays as it is."""
    cls: Any = type("PyJWT", (jwt.PyJWT,), {})
    library: Any = SimpleNamespace(PyJWT=cls, decode_complete=cls().decode_complete)
    signed_tokens.HOOKS["jwt.api_jwt"](library)
    assert library.decode_complete("sc-17", options={"verify_signature": False})["header"]["kid"] == lent_keys.KEY_ID
    return cls()


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


@pytest.mark.parametrize("algorithms", [["RS256"], ["PS512"], ["ES256", "EdDSA"], ["EdDSA"]])
def test_a_key_that_can_only_check_gives_way_to_one_that_is_lent(reader: Any, algorithms: list[str]) -> None:
    issuer = find_pair(algorithms[0])
    assert issuer is not None

    claims = reader.decode("sc-17", issuer.public, algorithms=algorithms, issuer="https://id.example")

    assert (claims["sub"], claims["iss"]) == ("sc-17", "https://id.example")


def test_a_key_that_can_only_check_signs_nothing_where_no_pair_can_be_made(
    reader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signed_tokens, "find_pair", lambda _algorithm: None)

    with pytest.raises(jwt.DecodeError):
        reader.decode("sc-17", KEY, algorithms=["RS256"])


def test_the_header_of_what_is_sent_names_a_key_of_the_set_that_its_issuer_publishes(reader: Any) -> None:
    library: Any = SimpleNamespace(get_unverified_header=jwt.get_unverified_header)
    signed_tokens.HOOKS["jwt.api_jws"](library)
    published = identity.exchange("GET", "/realms/crew/protocol/openid-connect/certs", {})
    assert published is not None
    keys = json.loads(published.answer().body)["keys"]

    key = next(each for each in keys if each["kid"] == library.get_unverified_header("sc-17")["kid"])

    claims = reader.decode("sc-17", jwt.PyJWK(key), audience="boats")
    assert (claims["sub"], claims["aud"]) == ("sc-17", "boats")


def test_a_dummy_that_is_read_as_a_public_key_is_one() -> None:
    library: Any = SimpleNamespace(load_pem_public_key=serialization.load_pem_public_key)
    lent_keys.HOOKS["cryptography.hazmat.primitives.serialization.base"](library)

    assert library.load_pem_public_key(b"sc-dummy").key_size == 2048
    with pytest.raises(ValueError, match="PEM"):
        library.load_pem_public_key(b"the user's own")


def test_claims_that_the_code_compares_are_given_what_it_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signed_tokens, "_claims", {})
    signed_tokens.configure({"role": "crew", "tenant": None, "sub": None, "aud": "boats"})

    claims = make_claims("sc-17", {"iss": "id"})

    assert (claims["role"], claims["tenant"], claims["sub"], claims["iss"]) == ("crew", "sc-17", "sc-17", "id")
    assert "aud" not in claims  # a check that names none refuses a token that has one


def test_claims_that_the_code_reads_in_a_form_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signed_tokens, "_claims", {})
    signed_tokens.configure({"sub": {"form": "int"}, "crew": {"form": "UUID"}})

    claims, given_out = make_claims("sc-17", {}), make_claims("17", {})

    assert int(claims["sub"]) != int(make_claims("sc-18", {})["sub"])
    assert (UUID(claims["crew"]).version, given_out["sub"]) == (5, "17")


@given(st.text(min_size=1), st.text(min_size=1))
def test_two_users_have_no_name_in_common(one: str, other: str) -> None:
    first, second = make_claims(one, {}), make_claims(other, {})

    assert (one == other) == any(first[name] == second[name] for name in ("sub", "user_id", "email", "username"))
