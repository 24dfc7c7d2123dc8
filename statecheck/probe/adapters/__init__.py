"""How each kind of target is driven: one file a framework, asked in order, until one takes what is offered.

Which file that is stands in the framework's row. None of the frameworks is needed: an adapter is asked only about an
object that the target's own code has made.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from ..frameworks import FRAMEWORKS

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from ..frameworks import Framework
    from .offer import Loaded, Offer


class Adapter(Protocol):
    """A module of this package that drives targets.

    Attributes:
        HOOKS: patches of the framework's modules, by their names; may be left out.
    """

    HOOKS: dict[str, Callable[[ModuleType], None]]

    def adapt(self, offer: Offer) -> Loaded | None:
        """Take what is offered, or leave it to the next."""

    def prepare(self) -> None:
        """Make ready for the import of a target that is a module; may be left out."""


_LOADED = {
    framework.adapter: cast("Adapter", import_module(f".{framework.adapter}", __name__))
    for framework in FRAMEWORKS
    if framework.adapter
}
ADAPTERS = tuple(_LOADED.values())


def hooks() -> list[dict[str, Callable[[ModuleType], None]]]:
    """Return the patches that adapters have for their frameworks' modules."""
    return [adapter.HOOKS for adapter in ADAPTERS if hasattr(adapter, "HOOKS")]


def prepare(framework: Framework) -> None:
    """Let a framework's adapter make ready for the import of its target."""
    adapter: Any = _LOADED[framework.adapter]
    if hasattr(adapter, "prepare"):
        adapter.prepare()
