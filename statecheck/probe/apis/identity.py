"""What who issues tokens publishes (OpenID Connect): where its keys are, and the keys, which are ours."""

from __future__ import annotations

import re
from typing import Any

from ..lent_keys import ALGORITHM, list_keys
from .exchange import Exchange, as_json

PATHS = re.compile(
    r"/\.well-known/(?P<facts>openid-configuration|oauth-authorization-server)|/jwks(\.json|_uri)?/?$"
    r"|/(openid-connect|oauth2/v\d)/certs$|/(discovery|oauth2)/(\S+/)?keys$",
    re.IGNORECASE,
)
_ISSUER = "https://sc-dummy.invalid"


def exchange(method: str, path: str, body: dict[str, Any]) -> Exchange | None:  # noqa: ARG001 - one takes no fields
    """As `apis.exchange`, for the documents of an issuer that an app without a network cannot reach."""
    found = PATHS.search(path)
    keys = list_keys() if found is not None and method == "GET" else []
    if found is None or not keys:
        return None
    return Exchange(lambda: as_json(_facts() if found["facts"] else {"keys": keys}))


def _facts() -> dict[str, Any]:
    return {
        "issuer": _ISSUER,
        "authorization_endpoint": f"{_ISSUER}/authorize",
        "token_endpoint": f"{_ISSUER}/token",
        "userinfo_endpoint": f"{_ISSUER}/userinfo",
        "jwks_uri": f"{_ISSUER}/.well-known/jwks.json",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
    }
