"""Every model of the app: providers are answered for by the echo model, the app's own models answer for themselves.

What is patched are the classes below `BaseLLM` and `BaseEmbedding`, those that exist and those to come. LlamaIndex is
never imported by this module before the app has imported it.
"""

from __future__ import annotations

import functools
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import stand_ins
from .embeddings import METHODS, patch_embedding_class
from .embeddings import is_provider as is_embedding_provider
from .model_calls import CALLBACKS, MARK, Call, observe_method
from .model_input import types
from .offline import dummy_credentials, is_offline, is_secret
from .offline_objects import guard_constructor, is_hollow, report_stand_in
from .subclasses import visit_subclasses

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import ModuleType

__all__ = ["HOOKS", "Call", "configure", "dummy_credentials", "is_secret"]

_PROVIDERS = ("llama_index.llms.", "llama_index.multi_modal_llms.")
_DEFAULT_EMBEDDING = "text-embedding-ada-002"  # LlamaIndex's own
_CONTEXT_WINDOW = 128_000  # of a model that is not known: large, so that no history is cut on its account
_CALLS = (*stand_ins.CHATS, *stand_ins.COMPLETIONS)
_LIBRARY_TOOLING = (
    "chat_with_tools",
    "achat_with_tools",
    "stream_chat_with_tools",
    "astream_chat_with_tools",
    "predict_and_call",
    "apredict_and_call",
    "_prepare_chat_with_tools_compat",
)


def configure(
    observe: Callable[[Call], None],
    hold: Callable[[], None],
    ahold: Callable[[], Awaitable[None]],
    fail: Callable[[Any], None] = CALLBACKS.fail,
) -> None:
    """Set what is done at every outermost model call, before it is answered.

    Args:
        observe: is given the call.
        hold: holds a synchronous call, after `observe`.
        ahold: holds an asynchronous one.
        fail: is given the model then, and raises what the call is to fail with, if it is.
    """
    CALLBACKS.observe, CALLBACKS.hold, CALLBACKS.ahold, CALLBACKS.fail = observe, hold, ahold, fail


def _patch_multi_modal(module: ModuleType) -> None:
    if not issubclass(module.MultiModalLLM, import_module("llama_index.core.base.llms.base").BaseLLM):
        _patch_llms(module.MultiModalLLM)


def _patch_llms(base: type[Any]) -> None:
    visit_subclasses(base, lambda cls: _patch_llm(cls, base))


def _is_provider(cls: type) -> bool:
    return cls.__module__.startswith(_PROVIDERS) or cls.__module__ == __name__  # a provider's, or `EchoLLM`


def _is_cores(cls: type) -> bool:
    return cls.__module__.startswith("llama_index.core.")


def _patch_llm(cls: type, base: type) -> None:
    if _is_provider(cls):
        _answer_for(cls, base)
        guard_constructor(cls, lambda _: True)
    else:
        names = _CALLS if _is_cores(cls) else (*_CALLS, *stand_ins.STRUCTURED)
        for name in names:
            if (original := _find_own(cls, name, base)) is not None:
                setattr(cls, name, observe_method(name, original, _can_answer))
        if not _is_cores(cls):
            _read_echoed_tool_calls(cls)
            guard_constructor(cls, is_offline)


def _patch_embedding(cls: type) -> None:
    patch_embedding_class(cls)
    if not _is_cores(cls):
        guard_constructor(cls, (lambda _: True) if is_embedding_provider(cls) else is_offline)


def _can_answer(model: Any, error: BaseException) -> bool:
    """Whether the echo model answers in place of a call that failed."""
    answers = is_hollow(model) or is_offline(error)
    if answers:
        report_stand_in(model, "answer")
    return answers


def _find_own(cls: type, name: str, base: type) -> Any:
    """Return the function that this class brings into the tree, itself or by a mixin from outside, or None."""
    definer = next((one for one in cls.__mro__ if name in one.__dict__), None)
    if definer is None or (definer is not cls and issubclass(definer, base)):
        return None
    found = definer.__dict__[name]
    if not callable(found) or getattr(found, "__isabstractmethod__", False) or getattr(found, MARK, False):
        return None
    return found


@functools.cache
def _observe_stand_ins(*, plain: bool) -> dict[str, Callable[..., Any]]:
    methods = {**stand_ins.CHATS, **stand_ins.COMPLETIONS} if plain else stand_ins.instrument()
    return {name: observe_method(name, method, None) for name, method in methods.items()}


def _answer_for(cls: type, base: type) -> None:
    """Let the echo model answer for a provider's class; the old `MultiModalLLM` tree has no events of its own."""
    for name, method in _observe_stand_ins(plain=base.__name__ == "MultiModalLLM").items():
        setattr(cls, name, method)
    metadata = cls.__dict__.get("metadata")
    if isinstance(metadata, property) and metadata.fget is not None and not hasattr(metadata.fget, MARK):
        cls.metadata = property(_metadata(metadata.fget))  # type: ignore[attr-defined]
    calling = sys.modules.get("llama_index.core.llms.function_calling")
    if calling is not None and issubclass(cls, calling.FunctionCallingLLM):
        for name, method in stand_ins.TOOLING.items():
            setattr(cls, name, method)
        for name in _LIBRARY_TOOLING:
            if name in cls.__dict__ and name in calling.FunctionCallingLLM.__dict__:
                setattr(cls, name, calling.FunctionCallingLLM.__dict__[name])


def _metadata(getter: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Make a `metadata` that knows a model that the provider does not, or cannot look up."""

    @functools.wraps(getter)
    def metadata(self: Any) -> Any:
        try:
            return getter(self)
        except Exception:  # noqa: BLE001 - any provider, any error: the echo model has an answer
            return _default_metadata(self)

    setattr(metadata, MARK, True)
    return metadata


def _default_metadata(model: Any) -> Any:
    calling = sys.modules.get("llama_index.core.llms.function_calling")
    name = getattr(model, "model", None) or getattr(model, "model_name", None) or type(model).__name__
    return types().LLMMetadata(
        context_window=_CONTEXT_WINDOW,
        num_output=1024,
        is_chat_model=True,
        is_function_calling_model=calling is not None and isinstance(model, calling.FunctionCallingLLM),
        model_name=str(name),
    )


def _read_echoed_tool_calls(cls: type) -> None:
    """Where the echo model answered for an app's own function-calling model, read its tool calls as it wrote them."""
    original = cls.__dict__.get("get_tool_calls_from_response")
    if original is None or hasattr(original, MARK):
        return

    @functools.wraps(original)
    def get_tool_calls_from_response(self: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        if response.raw is stand_ins.RAW:
            return stand_ins.get_tool_calls_from_response(self, response, *args, **kwargs)
        return original.__get__(self, type(self))(response, *args, **kwargs)

    setattr(get_tool_calls_from_response, MARK, True)
    cls.get_tool_calls_from_response = get_tool_calls_from_response  # type: ignore[attr-defined]


@functools.cache
def _echo_llm() -> Any:
    """Make the class of the model that an app gets that names none."""
    base = import_module("llama_index.core.llms.function_calling").FunctionCallingLLM
    body: dict[str, Any] = {
        "__module__": __name__,
        "__doc__": "Answers with the markers that it was given.",
        "class_name": classmethod(lambda _: "EchoLLM"),
        "metadata": property(_default_metadata),
        **stand_ins.CHATS,
        **stand_ins.COMPLETIONS,
        **stand_ins.TOOLING,
    }
    return type(base)("EchoLLM", (base,), body)


@functools.cache
def _echo_embedding() -> Any:
    """Make the class of the embedding model that an app gets that names none."""
    base = import_module("llama_index.core.base.embeddings.base").BaseEmbedding
    body: dict[str, Any] = {
        "__module__": __name__,
        "__doc__": "Makes vectors by hashing words.",
        "class_name": classmethod(lambda _: "EchoEmbedding"),
        **{name: method for name, method in METHODS.items() if "image" not in name},
    }
    return type(base)("EchoEmbedding", (base,), body)


def _resolve_llm(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def resolve_llm(llm: Any = None, callback_manager: Any = None) -> Any:
        if isinstance(llm, str):
            if llm != "default" or os.getenv("IS_TESTING"):
                try:
                    return original(llm, callback_manager)
                except ImportError:
                    pass
            llm = _echo_llm()()
        return original(llm, callback_manager)

    return resolve_llm


def _resolve_embed_model(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def resolve_embed_model(embed_model: Any = None, callback_manager: Any = None) -> Any:
        if isinstance(embed_model, str):
            name = embed_model.partition(":")[2] or _DEFAULT_EMBEDDING
            if embed_model != "default" or os.getenv("IS_TESTING"):
                try:
                    return original(embed_model, callback_manager)
                except ImportError:
                    pass
            embed_model = _echo_embedding()(model_name=name)
        return original(embed_model, callback_manager)

    return resolve_embed_model


def _replace(module: ModuleType, name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Wrap a module's function wherever it has been imported to."""
    original = getattr(module, name)
    wrapped = wrap(original)
    for other in list(sys.modules.values()):
        if getattr(other, "__dict__", {}).get(name) is original:
            setattr(other, name, wrapped)


HOOKS: dict[str, Callable[[ModuleType], None]] = {
    "llama_index.core.base.llms.base": lambda module: _patch_llms(module.BaseLLM),
    "llama_index.core.multi_modal_llms.base": _patch_multi_modal,
    "llama_index.core.base.embeddings.base": lambda module: visit_subclasses(module.BaseEmbedding, _patch_embedding),
    "llama_index.core.llms.utils": lambda module: _replace(module, "resolve_llm", _resolve_llm),
    "llama_index.core.embeddings.utils": lambda module: _replace(module, "resolve_embed_model", _resolve_embed_model),
}
"""What to run after each of these modules has been executed."""
