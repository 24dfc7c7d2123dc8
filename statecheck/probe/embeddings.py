"""Embeddings without a network: vectors made by hashing words, for providers and for what fails offline."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import echo
from .offline_objects import fall_back

if TYPE_CHECKING:
    from collections.abc import Callable

_PROVIDERS = ("llama_index.embeddings.", "llama_index.indices.managed.")
_SIZES = ("dimensions", "dimension", "embed_dim", "embedding_dim", "output_dimensionality", "output_dimension")
_ONE = ("_get_query_embedding", "_get_text_embedding", "_get_image_embedding")
_MANY = ("_get_text_embeddings", "_get_image_embeddings")
_PUBLIC = ("get_query_embedding", "get_text_embedding", "get_text_embedding_batch")


def is_provider(cls: type) -> bool:
    """Whether a class is an embedding provider's."""
    return cls.__module__.startswith(_PROVIDERS)


def size(model: Any) -> int:
    """Say how many numbers this model's vectors have: as it was told, as is known of its name, else 64."""
    for name in _SIZES:
        value = getattr(model, name, None)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    names = (getattr(model, name, None) for name in ("model_name", "model", "model_id", "_query_engine"))
    name = " ".join(str(getattr(one, "value", one)) for one in names if one)
    return echo.dimension(f"{name} {type(model).__name__}")


def _vector(model: Any, text: Any) -> list[float]:
    return echo.vector(str(text), size(model))


def _embed(self: Any, text: Any) -> list[float]:
    return _vector(self, text)


async def _aembed(self: Any, text: Any) -> list[float]:
    return _vector(self, text)


def _embed_all(self: Any, texts: Any) -> list[list[float]]:
    return [_vector(self, text) for text in texts]


async def _aembed_all(self: Any, texts: Any) -> list[list[float]]:
    return [_vector(self, text) for text in texts]


METHODS: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(_ONE, _embed),
    **dict.fromkeys([f"_a{name[1:]}" for name in _ONE], _aembed),
    **dict.fromkeys(_MANY, _embed_all),
    **dict.fromkeys([f"_a{name[1:]}" for name in _MANY], _aembed_all),
}


def patch_embedding_class(cls: type) -> None:
    """Answer for a provider's class below `BaseEmbedding`; catch what fails offline in any other's."""
    if is_provider(cls):
        base = import_module("llama_index.core.base.embeddings.base").BaseEmbedding
        for name, method in METHODS.items():
            if hasattr(cls, name):
                setattr(cls, name, method)
        for name in [*_PUBLIC, *(f"a{name}" for name in _PUBLIC)]:
            if name in cls.__dict__ and name in base.__dict__:
                setattr(cls, name, base.__dict__[name])
        return
    for name, method in METHODS.items():
        original = cls.__dict__.get(name)
        if (
            original is not None
            and inspect.isfunction(inspect.unwrap(original))
            and not getattr(original, "__isabstractmethod__", False)
        ):
            setattr(cls, name, fall_back(original, method))
