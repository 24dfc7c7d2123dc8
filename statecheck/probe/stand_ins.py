"""The methods that answer in place of a model provider: chat, complete, tools, structured output and embeddings.

They are plain functions that are set on the providers' classes, and that a failing model of the app falls back to.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from . import echo
from .model_input import read_messages, read_tools, types
from .recorder import TURN
from .schema_values import fake

if TYPE_CHECKING:
    from .echo import Messages, ToolCall

Method = Callable[..., Any]
_asked: dict[tuple[int, Any], Iterator[int]] = {}  # how often a turn asked for an object of a class
RAW = {"statecheck": True}
"""`response.raw` of every answer that the echo model gave."""


def _decide(messages: Messages, kwargs: Mapping[str, Any]) -> ToolCall | None:
    choice = kwargs.get("tool_choice")
    named = choice.get("function", choice).get("name", "") if isinstance(choice, Mapping) else choice or ""
    if choice == "none":
        return None
    required = bool(kwargs.get("tool_required")) or named in ("required", "any")
    return echo.choose(messages, read_tools(kwargs.get("tools")), required=required, named=str(named))


def _call_response(self: Any, call: ToolCall) -> Any:
    """Write an assistant's message that calls a tool, in the form that this version of LlamaIndex has."""
    call_id = f"call_{uuid4().hex[:12]}"
    block = getattr(types(), "ToolCallBlock", None)
    if block is not None:
        blocks = [block(tool_call_id=call_id, tool_name=call.name, tool_kwargs=call.arguments)]
        return types().ChatMessage(role="assistant", blocks=blocks)
    function = {"name": call.name, "arguments": json.dumps(call.arguments)}
    called: Any = {"id": call_id, "type": "function", "function": function}
    if type(self).__module__.startswith("llama_index.llms.openai."):  # whose agents demand the class of its client
        called = import_module("openai.types.chat").ChatCompletionMessageToolCall(**called)
    return types().ChatMessage(role="assistant", content="", additional_kwargs={"tool_calls": [called]})


def _text_response(text: str) -> Any:
    return types().ChatMessage(role="assistant", content=text)


def chat(self: Any, messages: Sequence[Any], **kwargs: Any) -> Any:
    """`LLM.chat`."""
    given = read_messages(messages)
    call = _decide(given, kwargs)
    message = _text_response(echo.answer(given)) if call is None else _call_response(self, call)
    return types().ChatResponse(message=message, raw=RAW)


def stream_chat(self: Any, messages: Sequence[Any], **kwargs: Any) -> Iterator[Any]:
    """`LLM.stream_chat`; a tool call comes in one piece."""
    response = chat(self, messages, **kwargs)

    def stream() -> Iterator[Any]:
        text = response.message.content or ""
        if not text:
            response.delta = ""
            yield response
            return
        for so_far, piece in echo.chunks(text):
            yield types().ChatResponse(message=_text_response(so_far), delta=piece, raw=RAW)

    return stream()


def complete(self: Any, prompt: str, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG001 - the interface of LlamaIndex
    """`LLM.complete`."""
    return types().CompletionResponse(text=echo.answer([("prompt", str(prompt))]), raw=RAW)


def stream_complete(self: Any, prompt: str, *args: Any, **kwargs: Any) -> Iterator[Any]:  # noqa: ARG001 - as above
    """`LLM.stream_complete`."""
    text = echo.answer([("prompt", str(prompt))])

    def stream() -> Iterator[Any]:
        for so_far, piece in echo.chunks(text):
            yield types().CompletionResponse(text=so_far, delta=piece, raw=RAW)

    return stream()


async def achat(self: Any, messages: Sequence[Any], **kwargs: Any) -> Any:
    """`LLM.achat`."""
    return chat(self, messages, **kwargs)


async def astream_chat(self: Any, messages: Sequence[Any], **kwargs: Any) -> AsyncIterator[Any]:
    """`LLM.astream_chat`."""
    return iterate_async(stream_chat(self, messages, **kwargs))


async def acomplete(self: Any, prompt: str, *args: Any, **kwargs: Any) -> Any:
    """`LLM.acomplete`."""
    return complete(self, prompt, *args, **kwargs)


async def astream_complete(self: Any, prompt: str, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
    """`LLM.astream_complete`."""
    return iterate_async(stream_complete(self, prompt, *args, **kwargs))


async def iterate_async(items: Iterator[Any]) -> AsyncIterator[Any]:
    """Give an iterator's items to an asynchronous loop."""
    for item in items:
        yield item


def prompt_messages(llm: Any, prompt: Any, prompt_args: Mapping[str, Any]) -> list[Any]:
    """Format the messages that `structured_predict` would send."""
    messages = list(prompt.format_messages(llm=llm, **prompt_args))
    extend = getattr(llm, "_extend_messages", None)
    return list(extend(messages)) if extend is not None else messages


def structured_predict(
    self: Any,
    output_cls: Any,
    prompt: Any,
    llm_kwargs: Any = None,  # noqa: ARG001 - the interface of LlamaIndex
    **prompt_args: Any,
) -> Any:
    """`LLM.structured_predict`: an object whose texts carry the echo model's answer."""
    text = echo.note_markers(read_messages(prompt_messages(self, prompt, prompt_args)))
    asked = _asked.setdefault((TURN.get(), output_cls), itertools.count())
    value = fake(output_cls.model_json_schema(), text, next(asked) if TURN.get() else 0)
    try:
        return output_cls.model_validate(value)
    except ValueError:  # pydantic's ValidationError: the class checks more than its schema says
        return output_cls.model_construct(**value)


async def astructured_predict(self: Any, output_cls: Any, prompt: Any, llm_kwargs: Any = None, **kwargs: Any) -> Any:
    """`LLM.astructured_predict`."""
    return structured_predict(self, output_cls, prompt, llm_kwargs, **kwargs)


def stream_structured_predict(
    self: Any, output_cls: Any, prompt: Any, llm_kwargs: Any = None, **kwargs: Any
) -> Iterator[Any]:
    """`LLM.stream_structured_predict`: the whole object at once."""
    return iter([structured_predict(self, output_cls, prompt, llm_kwargs, **kwargs)])


async def astream_structured_predict(
    self: Any, output_cls: Any, prompt: Any, llm_kwargs: Any = None, **kwargs: Any
) -> AsyncIterator[Any]:
    """`LLM.astream_structured_predict`."""
    return iterate_async(stream_structured_predict(self, output_cls, prompt, llm_kwargs, **kwargs))


def prepare_chat_with_tools(
    self: Any,  # noqa: ARG001 - the interface of LlamaIndex, which looks for `tool_required` in the signature
    tools: Sequence[Any],
    user_msg: Any = None,
    chat_history: Sequence[Any] | None = None,
    verbose: bool = False,  # noqa: ARG001
    allow_parallel_tool_calls: bool = False,  # noqa: ARG001
    tool_required: bool = False,
    **kwargs: Any,
) -> dict[str, Any]:
    """`FunctionCallingLLM._prepare_chat_with_tools`: what `chat` is called with."""
    messages = list(chat_history or ())
    if user_msg is not None:
        messages.append(types().ChatMessage(role="user", content=user_msg) if isinstance(user_msg, str) else user_msg)
    specs = [
        {
            "type": "function",
            "function": {"name": tool.name, "parameters": tool.parameters},
            "return_direct": tool.return_direct,
        }
        for tool in read_tools(tools)
    ]
    return {"messages": messages, "tools": specs, "tool_required": tool_required, **kwargs}


def get_tool_calls_from_response(
    self: Any,  # noqa: ARG001 - the interface of LlamaIndex
    response: Any,
    error_on_no_tool_call: bool = True,
    **kwargs: Any,  # noqa: ARG001 - as above
) -> list[Any]:
    """`FunctionCallingLLM.get_tool_calls_from_response`."""
    selection = import_module("llama_index.core.llms.llm").ToolSelection
    message = response.message
    found = [
        selection(
            tool_id=block.tool_call_id or "", tool_name=block.tool_name, tool_kwargs=_parse_arguments(block.tool_kwargs)
        )
        for block in getattr(message, "blocks", None) or ()
        if hasattr(block, "tool_name")
    ]
    for call in () if found else message.additional_kwargs.get("tool_calls") or ():
        said = call if isinstance(call, Mapping) else call.model_dump()
        if "function" in said:
            function = said["function"]
            arguments = _parse_arguments(function["arguments"])
            found.append(selection(tool_id=said["id"], tool_name=function["name"], tool_kwargs=arguments))
    if not found and error_on_no_tool_call:
        raise ValueError("Expected at least one tool call, but got 0 tool calls.")
    return found


def _parse_arguments(arguments: Any) -> Any:
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments)
    except ValueError:
        return {}


def validate_chat_with_tools_response(self: Any, response: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG001
    """`FunctionCallingLLM._validate_chat_with_tools_response`."""
    return response


CHATS: dict[str, Method] = {f.__name__: f for f in (chat, achat, stream_chat, astream_chat)}
COMPLETIONS: dict[str, Method] = {f.__name__: f for f in (complete, acomplete, stream_complete, astream_complete)}
STRUCTURED: dict[str, Method] = {
    f.__name__: f
    for f in (structured_predict, astructured_predict, stream_structured_predict, astream_structured_predict)
}
TOOLING: dict[str, Method] = {
    "_prepare_chat_with_tools": prepare_chat_with_tools,
    "get_tool_calls_from_response": get_tool_calls_from_response,
    "_validate_chat_with_tools_response": validate_chat_with_tools_response,
}


def instrument() -> dict[str, Method]:
    """Build the answering methods with the spans and events that a provider's own methods send."""
    span = import_module("llama_index.core.instrumentation").get_dispatcher("llama_index.llms").span
    callbacks = import_module("llama_index.core.llms.callbacks")
    methods: dict[str, Method] = {}
    methods.update({name: span(callbacks.llm_chat_callback()(method)) for name, method in CHATS.items()})
    methods.update({name: span(callbacks.llm_completion_callback()(method)) for name, method in COMPLETIONS.items()})
    methods.update({name: span(method) for name, method in STRUCTURED.items()})
    return methods
