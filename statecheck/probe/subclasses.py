"""Visits every class below a base, those that exist and those that will be made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def visit_subclasses(base: type[Any], visit: Callable[[type[Any]], None]) -> None:
    """Call `visit` with every class below `base`, parents first, now and whenever one is made."""

    def below(cls: type[Any]) -> None:
        for subclass in cls.__subclasses__():
            visit(subclass)
            below(subclass)

    below(base)
    hook = "__pydantic_init_subclass__" if hasattr(base, "__pydantic_init_subclass__") else "__init_subclass__"
    before = base.__dict__.get(hook)

    def made(cls: type[Any], /, **kwargs: Any) -> None:
        if before is not None:
            before.__func__(cls, **kwargs)
        else:
            getattr(super(base, cls), hook)(**kwargs)
        visit(cls)

    setattr(base, hook, classmethod(made))
