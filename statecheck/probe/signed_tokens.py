"""Tokens that another service would issue (JWT): what a client sends in their place is signed where the app checks it.

A client of the lab's says who it is by a plain key, which no check of a signature takes. Where the app hands that key
to its library, a token for it is signed with the app's own key, by the library itself, and then checked like any other:
signature, audience, issuer, expiry. A key that can only check, as those of RS256 can, gives way to that of a pair which
is lent (`lent_keys`).
"""

from __future__ import annotations

import functools
import time
from importlib import import_module
from types import MethodType
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_OID, uuid5
from zlib import crc32

from .lent_keys import ALGORITHM, KEY_ID, find_pair
from .recorder import RECORDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import ModuleType

    Sign = Callable[[dict[str, Any], Any, str], Any]
    """Signs claims with a key by an algorithm."""

_DAY = 86_400
_SHARED = "HS256"
_NO_KEY = "sc-dummy-key-of-thirty-two-bytes"
_CALLED = (
    "sub",
    "user_id",
    "userId",
    "uid",
    "id",
    "user",
    "username",
    "name",
    "preferred_username",
    "oid",
    "client_id",
)
"""What those who issue tokens call the user; the app may call for more (`configure`)."""
_claims: dict[str, Any] = {}


def configure(claims: Mapping[str, Any]) -> None:
    """Say which further claims the app reads, and what it compares each with; None where it is with nothing.

    `{"form": …}` is one that is read by `int` or `UUID`.
    """
    _claims.update(claims)


def make_claims(key: str, demanded: Mapping[str, Any]) -> dict[str, Any]:
    """Return the claims of a token for the user whose key this is.

    Args:
        key: what the client sent.
        demanded: what the check of the token asks for, which goes before all else.
    """
    now = int(time.time())
    claims: dict[str, Any] = dict.fromkeys(_CALLED, key)
    claims |= {"email": f"{key}@example.com", "jti": key, "iat": now - 1, "nbf": now - 1, "exp": now + _DAY}
    claims |= {"type": "access", "fresh": True}
    for name, value in _claims.items():
        if value is not None or name not in claims:
            claims[name] = key if value is None else _spell(key, value)
    return {**{name: value for name, value in claims.items() if name not in ("aud", "iss")}, **demanded}


def _spell(key: str, value: Any) -> Any:
    """A claim as the code takes it: what it is compared with, else this user's key in the form in which it is read."""
    form = value.get("form") if isinstance(value, dict) else None
    if form is None:
        return value
    if form == "int":
        return key if key.isdecimal() else str(crc32(key.encode()))
    return str(uuid5(NAMESPACE_OID, key))


def _is_plain(token: Any) -> bool:
    """Whether what a client sent is no token at all, which has three parts."""
    text = token.decode("latin-1") if isinstance(token, bytes) else token
    return isinstance(text, str) and bool(text) and "." not in text


def _list_algorithms(algorithms: Any) -> list[str]:
    """The algorithms to sign by, in turn: the first one whose key signs as well as checks, then the first of others."""
    listed = [algorithms] if isinstance(algorithms, str) else [str(each) for each in algorithms or ()]
    if not listed:
        return [_SHARED, ALGORITHM]
    shared = [name for name in listed if name.startswith("HS")]
    lent = [name for name in listed if not name.startswith("HS") and name != "none"]
    return shared[:1] + lent[:1]


def _first(value: Any) -> Any:
    """What is asked for, or the first of several."""
    return value if value is None or isinstance(value, str) else next(iter(value), None)


def _demanded(**asked: Any) -> dict[str, Any]:
    return {name: first for name, value in asked.items() if (first := _first(value)) is not None}


def _signed(token: Any, key: Any, algorithms: Any, demanded: Mapping[str, Any], sign: Sign, library: str) -> Any:
    """A token in place of what a client sent, the key to check it by and its algorithm; what was given, if none."""
    if not _is_plain(token):
        return token, key, ""
    who = token.decode("latin-1") if isinstance(token, bytes) else token
    for algorithm in _list_algorithms(algorithms):
        pair = find_pair(algorithm)
        try:
            made = sign(make_claims(who, demanded), key if pair is None else pair.private, algorithm)
        except Exception:  # noqa: BLE001, S112 - a key by which nothing can be signed: what comes next may do
            continue
        RECORDER.emit("signed", name=library, method=algorithm, frames=RECORDER.frames(3))
        return made, key if pair is None else pair.public, algorithm
    return token, key, ""


def _patch_pyjwt(module: ModuleType) -> None:
    cls: Any = module.PyJWT
    name = "decode_complete" if hasattr(cls, "decode_complete") else "decode"
    original = getattr(cls, name)

    @functools.wraps(original)
    def decode(
        self: Any, jwt: Any, key: Any = "", algorithms: Any = None, options: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        unchecked = (options or {}).get("verify_signature") is False

        def sign(claims: dict[str, Any], by: Any, algorithm: str) -> Any:
            return self.encode(claims, _NO_KEY if unchecked and not key else by, algorithm, {"kid": KEY_ID})

        asked = _demanded(aud=kwargs.get("audience"), iss=kwargs.get("issuer"), sub=kwargs.get("subject"))
        allowed = algorithms or getattr(key, "algorithm_name", None)
        jwt, key, by = _signed(jwt, key, _SHARED if unchecked and not key else allowed, asked, sign, "PyJWT")
        return original(self, jwt, key, [by] if by and not unchecked else algorithms, options, *args, **kwargs)

    setattr(cls, name, decode)
    if bound := getattr(module, name, None):  # the module's own function is the method of an object that it made
        setattr(module, name, MethodType(decode, bound.__self__))


def _patch_headers(module: Any) -> None:
    """Let what a client sent have the header of the token that will stand for it."""
    original = module.get_unverified_header

    @functools.wraps(original)
    def get_unverified_header(token: Any, *args: Any, **kwargs: Any) -> Any:
        if _is_plain(token):
            return {"alg": ALGORITHM, "kid": KEY_ID, "typ": "JWT"}
        return original(token, *args, **kwargs)

    module.get_unverified_header = get_unverified_header


def _patch_jose(module: Any) -> None:
    original, unverified = module.decode, module.get_unverified_claims

    def sign(claims: dict[str, Any], key: Any, algorithm: str) -> Any:
        return module.encode(claims, key, algorithm)

    @functools.wraps(original)
    def decode(token: Any, key: Any, algorithms: Any = None, *args: Any, **kwargs: Any) -> Any:
        asked = _demanded(aud=kwargs.get("audience"), iss=kwargs.get("issuer"), sub=kwargs.get("subject"))
        token, key, _ = _signed(token, key, algorithms, asked, sign, "python-jose")
        return original(token, key, algorithms, *args, **kwargs)

    @functools.wraps(unverified)
    def get_unverified_claims(token: Any) -> Any:
        return unverified(_signed(token, _NO_KEY, _SHARED, {}, sign, "python-jose")[0])

    module.decode, module.get_unverified_claims = decode, get_unverified_claims
    _patch_headers(module)


def _patch_authlib(module: Any) -> None:
    cls: Any = module.JsonWebToken
    original = cls.decode

    @functools.wraps(original)
    def decode(self: Any, s: Any, key: Any, claims_cls: Any = None, claims_options: Any = None, *args: Any) -> Any:
        def sign(claims: dict[str, Any], by: Any, algorithm: str) -> Any:
            return self.encode({"alg": algorithm}, claims, by)

        allowed = getattr(getattr(self, "_jws", None), "_algorithms", None)
        s, key, _ = _signed(s, key, allowed, _of_options(claims_options), sign, "authlib")
        return original(self, s, key, claims_cls, claims_options, *args)

    cls.decode = decode


def _of_options(options: Any) -> dict[str, Any]:
    """What authlib's options of claims ask for: `{"iss": {"essential": True, "value": "…"}}`."""
    asked = {name: one.get("value") or one.get("values") for name, one in (options or {}).items()}
    return _demanded(**asked)


def _patch_joserfc(module: Any) -> None:
    original = module.decode

    @functools.wraps(original)
    def decode(value: Any, key: Any, algorithms: Iterable[str] | None = None, *args: Any, **kwargs: Any) -> Any:
        def sign(claims: dict[str, Any], by: Any, algorithm: str) -> Any:
            return module.encode({"alg": algorithm}, claims, _as_jwk(by), algorithms)

        value, key, by = _signed(value, key, algorithms, {}, sign, "joserfc")
        return original(value, _as_jwk(key) if by else key, algorithms, *args, **kwargs)

    module.decode = decode


def _as_jwk(key: Any) -> Any:
    """A key of ours as joserfc takes it, which takes no text; any other as it is."""
    if not isinstance(key, str) or "-----BEGIN" not in key:
        return key
    jwk: Any = import_module("joserfc.jwk")
    for cls in (jwk.RSAKey, jwk.ECKey, jwk.OKPKey):
        try:
            return cls.import_key(key)
        except Exception:  # noqa: BLE001, S112 - of another kind
            continue
    return key


HOOKS: dict[str, Callable[[ModuleType], None]] = {
    "jwt.api_jwt": _patch_pyjwt,
    "jwt.api_jws": _patch_headers,
    "jose.jwt": _patch_jose,
    "authlib.jose.rfc7519.jwt": _patch_authlib,
    "joserfc.jwt": _patch_joserfc,
}
"""What to run after each of these modules has been executed."""
