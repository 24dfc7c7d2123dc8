"""tiktoken's encodings without a network: their tables are downloaded when one is first asked for."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

from .guard import refusals
from .offline import is_offline
from .offline_objects import report_stand_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

_PIECES = re.compile(r"\s?\w{1,5}|\s+|[^\w\s]")  # about as many as a real encoding makes of English text


def _encode(_: Any, text: str, **__: Any) -> list[int]:
    return [int.from_bytes(piece.encode("utf-8", "replace"), "big") for piece in _PIECES.findall(text)]


def _decode_bytes(_: Any, tokens: Any) -> bytes:
    return b"".join(token.to_bytes((token.bit_length() + 7) // 8, "big") for token in tokens)


def _decode(self: Any, tokens: Any, errors: str = "replace") -> str:
    return _decode_bytes(self, tokens).decode("utf-8", errors)


_METHODS: dict[str, Any] = {
    "encode": _encode,
    "encode_ordinary": _encode,
    "decode": _decode,
    "decode_bytes": _decode_bytes,
    "_special_tokens": {},
    "max_token_value": 2**31 - 1,
}


def _patch(module: ModuleType) -> None:
    original: Callable[[str], Any] = module.get_encoding

    @functools.wraps(original)
    def get_encoding(encoding_name: str) -> Any:
        before = refusals()
        try:
            return original(encoding_name)
        except Exception as error:
            if not (is_offline(error) or refusals() > before):
                raise
        made: Any = type(f"tiktoken {encoding_name}", (module.Encoding,), _METHODS)
        instead = made.__new__(made)
        instead.name = encoding_name
        module.ENCODINGS[encoding_name] = instead
        report_stand_in(instead, "build")
        return instead

    module.get_encoding = get_encoding  # type: ignore[attr-defined]  # before others import it from here


HOOKS: dict[str, Callable[[ModuleType], None]] = {"tiktoken.registry": _patch}
"""What to run after each of these modules has been executed."""
