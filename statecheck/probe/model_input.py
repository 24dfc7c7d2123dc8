"""Reading what a model call is given: messages as texts, tools as names and schemas."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .echo import ASSISTANT_ROLES, RESULT_ROLES, Messages, Tool

if TYPE_CHECKING:
    from collections.abc import Sequence


def types() -> Any:
    """LlamaIndex's message and response classes."""
    return import_module("llama_index.core.base.llms.types")


def read_messages(messages: Sequence[Any]) -> Messages:
    """(role, text) of every message: text blocks, tool calls with their arguments, and tool results."""
    return [(_role(message), _text(message)) for message in messages]


def read_shapes(messages: Sequence[Any]) -> tuple[str, ...]:
    """Say of every message who speaks, by a letter, and which text it is, by a checksum.

    `u` for the user, `a` for the assistant, `c` for its call of a tool, `t` for what a tool returned, `s` for the rest.
    """
    return tuple(
        f"{_letter(message)}{zlib.crc32(_text(message).encode('utf-8', 'replace')):08x}" for message in messages
    )


def _letter(message: Any) -> str:
    role = _role(message)
    if role in ASSISTANT_ROLES:
        return "c" if _calls_tool(message) else "a"
    return "u" if role == "user" else "t" if role in RESULT_ROLES else "s"


def _calls_tool(message: Any) -> bool:
    if (getattr(message, "additional_kwargs", None) or {}).get("tool_calls"):
        return True
    return any(hasattr(block, "tool_kwargs") for block in getattr(message, "blocks", None) or ())


def _role(message: Any) -> str:
    role = getattr(message, "role", "user")
    return str(getattr(role, "value", role))


def _text(message: Any) -> str:
    if isinstance(message, str):
        return message
    parts = [_block_text(block) for block in getattr(message, "blocks", None) or ()]
    if not any(parts):
        parts = [str(getattr(message, "content", None) or "")]
    calls = (getattr(message, "additional_kwargs", None) or {}).get("tool_calls")
    if calls:
        parts.append(str(calls))
    return "\n".join(part for part in parts if part)


def _block_text(block: Any) -> str:
    if isinstance(getattr(block, "text", None), str):
        return str(block.text)
    if hasattr(block, "tool_name"):
        return f"{block.tool_name}({getattr(block, 'tool_kwargs', '')})"
    content = getattr(block, "content", None)
    if isinstance(content, list):
        return "\n".join(map(_block_text, content))
    return content if isinstance(content, str) else ""


def read_tools(offered: Any) -> list[Tool]:
    """List the tools that a call offers: LlamaIndex tools, or specifications in OpenAI's or Anthropic's form."""
    return [tool for one in offered or () if (tool := _tool(one)) is not None]


def _tool(offered: Any) -> Tool | None:
    metadata = getattr(offered, "metadata", None)
    if metadata is not None:
        return Tool(str(metadata.name), _parameters(metadata), bool(getattr(metadata, "return_direct", False)))
    if not isinstance(offered, Mapping):
        return None
    spec = offered.get("function", offered)
    if not isinstance(spec, Mapping) or not spec.get("name"):
        return None
    parameters = spec.get("parameters") or spec.get("input_schema") or {}
    return Tool(str(spec["name"]), dict(parameters), bool(offered.get("return_direct", False)))


def _parameters(metadata: Any) -> dict[str, Any]:
    try:
        return dict(metadata.get_parameters_dict())
    except Exception:  # noqa: BLE001 - a schema that pydantic cannot express: call it without arguments
        return {}
