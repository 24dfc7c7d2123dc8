"""Observes what web frameworks keep for an app: caches, sessions, and signatures of cookies that are not their own."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from .framework_state import KEEPERS, Keeper, given
from .method_wrappers import Table, wrap_tree
from .recorder import RECORDER, TURN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

_CACHE = Table(
    "cache",
    reads=("get", "get_many", "get_dict", "aget", "aget_many"),
    writes=("set", "add", "set_many", "aset", "aadd", "aset_many"),
)
_SESSION = Table(
    "session",
    reads=("__getitem__", "get", "pop", "setdefault", "aget", "apop", "asetdefault"),
    writes=("__setitem__", "update", "aset", "aupdate"),
)


def _tree(attribute: str, table: Table) -> Callable[[ModuleType], None]:
    def patch(module: ModuleType) -> None:
        base = getattr(module, attribute, None)
        if base is not None:
            for name in table.actions():
                if name not in vars(base) and hasattr(base, name):  # a dict's own, which must not be wrapped for all
                    setattr(base, name, getattr(base, name))
            wrap_tree(base, table)

    return patch


def _watch_signatures(error: str) -> Callable[[ModuleType], None]:
    """A patch that records where a signature is refused: by this error of the module's `Signer.unsign`."""

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


_MEMORY = "cache"
_memory_caches: dict[str, Any] = {}


def _watch_memory(module: ModuleType) -> None:
    """Django's default cache is a dict of the module's own, which nothing of the app's leads to."""
    keep = module.LocMemCache._set  # noqa: SLF001 - through which all goes that it keeps

    @functools.wraps(keep)
    def kept(self: Any, key: str, *args: Any, **kwargs: Any) -> None:
        given(_MEMORY, key)
        keep(self, key, *args, **kwargs)

    module.LocMemCache._set = kept  # noqa: SLF001 - as above
    _memory_caches.update(module=module)


def _in_memory() -> Iterator[Keeper]:
    for module in _memory_caches.values():
        yield from (Keeper(cache, _MEMORY) for cache in module._caches.values())  # noqa: SLF001 - it has no other name


KEEPERS.append(_in_memory)
HOOKS: dict[str, Callable[[ModuleType], None]] = {
    "django.core.cache.backends.base": _tree("BaseCache", _CACHE),
    "django.core.cache.backends.locmem": _watch_memory,
    "cachelib.base": _tree("BaseCache", _CACHE),
    "django.contrib.sessions.backends.base": _tree("SessionBase", _SESSION),
    "flask.sessions": _tree("SecureCookieSession", _SESSION),
    "flask_session.base": _tree("ServerSideSession", _SESSION),
    "starlette.middleware.sessions": _tree("Session", _SESSION),
    "itsdangerous.signer": _watch_signatures("BadSignature"),
    "django.core.signing": _watch_signatures("BadSignature"),
}
