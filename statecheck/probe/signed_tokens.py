"""Tokens that another service would issue (JWT): what a client sends in their place is signed where the app checks it.

A client of the lab's says who it is by a plain key, which no check of a signature takes. Where the app hands that key
to its library, a token for it is signed with the app's own key, by the library itself, and then checked like any other:
signature, audience, issuer, expiry. Where the key can only check, as those of RS256 can, all stays as it is.
"""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Any

from .recorder import RECORDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import ModuleType

    Sign = Callable[[dict[str, Any], str], Any]

_DAY = 86_400
_ALGORITHM = "HS256"
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
    """Say which further claims the app reads, and what it compares each with; None where it is with nothing."""
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
            claims[name] = key if value is None else value
    return {**{name: value for name, value in claims.items() if name not in ("aud", "iss")}, **demanded}


def _is_plain(token: Any) -> bool:
    """Whether what a client sent is no token at all, which has three parts."""
    text = token.decode("latin-1") if isinstance(token, bytes) else token
    return isinstance(text, str) and bool(text) and "." not in text


def _choose(algorithms: Any) -> str:
    """The algorithm to sign by: the first one that is taken and whose key signs as well."""
    listed = [algorithms] if isinstance(algorithms, str) else list(algorithms or ())
    return next((name for name in listed if str(name).startswith("HS")), "" if listed else _ALGORITHM)


def _first(value: Any) -> Any:
    """What is asked for, or the first of several."""
    return value if value is None or isinstance(value, str) else next(iter(value), None)


def _demanded(**asked: Any) -> dict[str, Any]:
    return {name: first for name, value in asked.items() if (first := _first(value)) is not None}


def _signed(token: Any, algorithms: Any, demanded: Mapping[str, Any], sign: Sign, library: str) -> Any:
    """A token in place of what a client sent, or that itself where none can be signed."""
    algorithm = _choose(algorithms)
    if not algorithm or not _is_plain(token):
        return token
    key = token.decode("latin-1") if isinstance(token, bytes) else token
    try:
        made = sign(make_claims(key, demanded), algorithm)
    except Exception:  # noqa: BLE001 - a key by which nothing can be signed: the library says of it what it has to say
        return token
    RECORDER.emit("signed", name=library, method=algorithm, frames=RECORDER.frames(3))
    return made


def _patch_pyjwt(module: ModuleType) -> None:
    cls: Any = module.PyJWT
    name = "decode_complete" if hasattr(cls, "decode_complete") else "decode"
    original = getattr(cls, name)

    @functools.wraps(original)
    def decode(
        self: Any, jwt: Any, key: Any = "", algorithms: Any = None, options: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        unchecked = (options or {}).get("verify_signature") is False

        def sign(claims: dict[str, Any], algorithm: str) -> Any:
            return self.encode(claims, _NO_KEY if unchecked and not key else key, algorithm)

        asked = _demanded(aud=kwargs.get("audience"), iss=kwargs.get("issuer"), sub=kwargs.get("subject"))
        jwt = _signed(jwt, algorithms, asked, sign, "PyJWT")
        return original(self, jwt, key, algorithms, options, *args, **kwargs)

    setattr(cls, name, decode)


def _patch_jose(module: Any) -> None:
    original, unverified = module.decode, module.get_unverified_claims

    @functools.wraps(original)
    def decode(token: Any, key: Any, algorithms: Any = None, *args: Any, **kwargs: Any) -> Any:
        def sign(claims: dict[str, Any], algorithm: str) -> Any:
            return module.encode(claims, key, algorithm)

        asked = _demanded(aud=kwargs.get("audience"), iss=kwargs.get("issuer"), sub=kwargs.get("subject"))
        token = _signed(token, algorithms, asked, sign, "python-jose")
        return original(token, key, algorithms, *args, **kwargs)

    @functools.wraps(unverified)
    def get_unverified_claims(token: Any) -> Any:
        def sign(claims: dict[str, Any], algorithm: str) -> Any:
            return module.encode(claims, _NO_KEY, algorithm)

        return unverified(_signed(token, None, {}, sign, "python-jose"))

    module.decode, module.get_unverified_claims = decode, get_unverified_claims


def _patch_authlib(module: Any) -> None:
    cls: Any = module.JsonWebToken
    original = cls.decode

    @functools.wraps(original)
    def decode(self: Any, s: Any, key: Any, claims_cls: Any = None, claims_options: Any = None, *args: Any) -> Any:
        def sign(claims: dict[str, Any], algorithm: str) -> Any:
            return self.encode({"alg": algorithm}, claims, key)

        s = _signed(s, None, _of_options(claims_options), sign, "authlib")
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
        def sign(claims: dict[str, Any], algorithm: str) -> Any:
            return module.encode({"alg": algorithm}, claims, key, algorithms)

        return original(_signed(value, algorithms, {}, sign, "joserfc"), key, algorithms, *args, **kwargs)

    module.decode = decode


HOOKS: dict[str, Callable[[ModuleType], None]] = {
    "jwt.api_jwt": _patch_pyjwt,
    "jose.jwt": _patch_jose,
    "authlib.jose.rfc7519.jwt": _patch_authlib,
    "joserfc.jwt": _patch_joserfc,
}
"""What to run after each of these modules has been executed."""
