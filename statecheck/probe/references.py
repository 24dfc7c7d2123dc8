"""Models of pydantic 1, which LlamaIndex before 0.11 is made of: made so that they can be referred to weakly.

The recorder tells objects apart by weak references, which those models' slots leave no room for.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


def _patch(module: ModuleType) -> None:
    meta = vars(module).get("ModelMetaclass")  # which pydantic 2 has elsewhere, and whose models need nothing
    if meta is None:
        return
    original: Callable[..., type] = meta.__new__

    @functools.wraps(original)
    def __new__(mcs: type, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any) -> type:  # noqa: N807 - it is set as one
        if not any(base.__weakrefoffset__ for base in bases):
            slots = namespace.get("__slots__", ())
            namespace["__slots__"] = (*((slots,) if isinstance(slots, str) else slots), "__weakref__")
        return original(mcs, name, bases, namespace, **kwargs)

    meta.__new__ = __new__


HOOKS: dict[str, Callable[[ModuleType], None]] = dict.fromkeys(("pydantic.v1.main", "pydantic.main"), _patch)
"""What to run after each of these modules has been executed: pydantic 1 within pydantic 2, and by itself."""
