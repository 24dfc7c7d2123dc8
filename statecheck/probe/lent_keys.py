"""Key pairs that stand for those of who issues tokens: made here, thrown away with the process, the public half lent.

An app that checks tokens by a public key (RS256, ES256, EdDSA) has nothing to sign one with. So a token is signed by
a pair of our own, and its public half is put where the app would have the issuer's: in the check itself, in the key
set that it fetches, and in what stands for a key that nobody set.
"""

from __future__ import annotations

import functools
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .offline import DUMMY

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

KEY_ID = "sc-key"
"""By which the header of a token names our key."""
ALGORITHM = "RS256"
"""What tokens are signed by where nothing says otherwise."""
_SIZE = 2048
_CURVES = {"ES256": "SECP256R1", "ES384": "SECP384R1", "ES512": "SECP521R1", "ES256K": "SECP256K1"}
_PRIMITIVES = "cryptography.hazmat.primitives"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A pair of keys, each as text in PEM."""

    private: str
    public: str


def find_pair(algorithm: str) -> KeyPair | None:
    """Return the pair for an algorithm; None for one that shares its key, or where the target lacks `cryptography`."""
    kind = "RSA" if algorithm[:2] in ("RS", "PS") else algorithm
    if kind != "RSA" and kind != "EdDSA" and kind not in _CURVES:
        return None
    try:
        return _make_pair(kind)
    except ImportError:
        return None


def list_keys() -> list[dict[str, str]]:
    """Return the set of public keys (JWKS) as who issues tokens publishes it; none where no pair can be made."""
    pair = find_pair(ALGORITHM)
    if pair is None:
        return []
    numbers = _load(pair.public.encode()).public_numbers()
    return [
        {
            "kty": "RSA",
            "use": "sig",
            "alg": ALGORITHM,
            "kid": KEY_ID,
            "n": _spell_number(numbers.n),
            "e": _spell_number(numbers.e),
        }
    ]


@functools.cache
def _make_pair(kind: str) -> KeyPair:
    asymmetric = f"{_PRIMITIVES}.asymmetric"
    if kind == "RSA":
        private: Any = import_module(f"{asymmetric}.rsa").generate_private_key(65537, _SIZE)
    elif kind == "EdDSA":
        private = import_module(f"{asymmetric}.ed25519").Ed25519PrivateKey.generate()
    else:
        ec = import_module(f"{asymmetric}.ec")
        private = ec.generate_private_key(getattr(ec, _CURVES[kind])())
    forms: Any = import_module(f"{_PRIMITIVES}.serialization")
    secret = private.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption())
    public = private.public_key().public_bytes(forms.Encoding.PEM, forms.PublicFormat.SubjectPublicKeyInfo)
    return KeyPair(secret.decode(), public.decode())


def _load(pem: bytes) -> Any:
    return import_module(f"{_PRIMITIVES}.serialization").load_pem_public_key(pem)


def _spell_number(number: int) -> str:
    return urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()


def _patch_serialization(module: Any) -> None:
    """Let a dummy, where a public key is read at import, be ours."""
    original = module.load_pem_public_key

    @functools.wraps(original)
    def load_pem_public_key(data: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return original(data, *args, **kwargs)
        except ValueError:
            pair = find_pair(ALGORITHM) if DUMMY.encode() in bytes(data) else None
            if pair is None:
                raise
            return original(pair.public.encode(), *args, **kwargs)

    module.load_pem_public_key = load_pem_public_key


HOOKS: dict[str, Callable[[ModuleType], None]] = {f"{_PRIMITIVES}.serialization.base": _patch_serialization}
"""What to run after this module has been executed."""
