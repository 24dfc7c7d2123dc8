"""Observes what web frameworks keep for an app: caches, sessions, and signatures of cookies that are not their own."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from .method_wrappers import Table, wrap_tree
from .recorder import RECORDER, TURN

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

CACHE = Table(
    "cache",
    reads=("get", "get_many", "get_dict", "aget", "aget_many"),
    writes=("set", "add", "set_many", "aset", "aadd", "aset_many"),
)
SESSION = Table(
    "session",
    reads=("__getitem__", "get", "pop", "setdefault", "aget", "apop", "asetdefault"),
    writes=("__setitem__", "update", "aset", "aupdate"),
)


def observe_tree(attribute: str, table: Table) -> Callable[[ModuleType], None]:
    """Return a patch that records the calls of a class of a module, and of all classes below it."""

    def patch(module: ModuleType) -> None:
        base = getattr(module, attribute, None)
        if base is not None:
            for name in table.actions():
                if name not in vars(base) and hasattr(base, name):  # a dict's own, which must not be wrapped for all
                    setattr(base, name, getattr(base, name))
            wrap_tree(base, table)

    return patch


def watch_signatures(error: str) -> Callable[[ModuleType], None]:
    """Return a patch that records where a signature is refused: by this error of the module's `Signer.unsign`."""

    def patch(module: ModuleType) -> None:
        signer = module.Signer
        unsign, refused = signer.unsign, getattr(module, error)

        @functools.wraps(unsign)
        def shown(self: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                return unsign(self, *args, **kwargs)
            except refused:
                if TURN.get():
                    RECORDER.emit("signature", type="fail", action="read", cls=type(self).__name__)
                raise

        signer.unsign = shown

    return patch


HOOKS: dict[str, Callable[[ModuleType], None]] = {
    "cachelib.base": observe_tree("BaseCache", CACHE),
    "itsdangerous.signer": watch_signatures("BadSignature"),
}
"""Of libraries that several frameworks build on; what a framework brings itself is with its adapter."""
