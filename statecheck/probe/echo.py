"""The echo model: what it answers to what it is given, as pure functions that know nothing of LlamaIndex.

It names the markers that it was given, so the answer shows what the app remembers; assistant turns are skipped,
since an answer that repeats its own answers proves nothing.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .markers import read_markers
from .prompt_schema import answer_as_shown
from .schema_values import fake, properties, required_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Messages = list[tuple[str, str]]
"""What a model is given: (role, text) of every message; a bare prompt has the role `prompt`."""

ASSISTANT_ROLES = frozenset({"assistant", "model", "chatbot"})
RESULT_ROLES = frozenset({"tool", "function"})

_TEXT_LIMIT = 400
_CHUNK = re.compile(r"\S+\s*|\s+")
_WORD = re.compile(r"\w[\w-]*")
_SCHEMA = re.compile(r"JSON schema to follow:\s*(\{.*\})\s*Output a valid JSON", re.DOTALL)

_REACT_TOOL = re.compile(
    r"^> Tool Name: (\S+)\nTool Description: .*?\nTool Args: (\{[^\n]*\})$", re.DOTALL | re.MULTILINE
)
_FIRST_TOOL = re.compile(r"<Tools>\s*```json\s*\{\s*\"([^\"]+)\"")

# A text parameter whose name says that it selects rather than tells is a poor place for a marker.
_SELECTING = re.compile(r"(^|_)(id|ids|key|user|username|session|thread|file|filename|path|url|uri|date|time|lang\w*)$")
_CONSTANT = "sc"  # what such parameters get: the same in every turn, so that state under it is found again

_DIMENSIONS = (
    (r"text-embedding-3-large", 3072),
    (
        r"text-embedding-(3-small|ada-002)|embed-v4|similarity-\w+-001|voyage-(code-2|large-2$)|titan-embed-text-v1",
        1536,
    ),
    (r"gemini-embedding", 3072),
    (r"minilm|bge-(micro|small)|e5-small|gte-small|embed-.*light", 384),
    (r"bge-base|e5-base|gte-base|mpnet|nomic-embed|text-embedding-00[45]|embedding-001|gecko|embeddinggemma", 768),
    (r"bge-large|bge-m3|e5-large|gte-large|mistral-embed|voyage|embed-.*v3|titan-embed|mxbai|snowflake-arctic", 1024),
)


@dataclass(frozen=True)
class Tool:
    """A tool on offer: its name, the JSON schema of its parameters, and whether its result ends the turn."""

    name: str
    parameters: dict[str, Any]
    return_direct: bool = False


@dataclass(frozen=True)
class ToolCall:
    """The call that the echo model makes."""

    name: str
    arguments: dict[str, Any]


def note_markers(messages: Messages) -> str:
    """Answer in the plain form, `Noted: sc-m11111111, sc-m22222222.`, with what is not an assistant's turn."""
    found = read_markers("\n".join(text for role, text in messages if role not in ASSISTANT_ROLES))
    return f"Noted: {', '.join(found)}." if found else "Noted."


def answer(messages: Messages) -> str:
    """Answer in the form that the prompt demands: ReAct, a choice, a JSON object, facts; else plain text."""
    text = note_markers(messages)
    asked = "\n".join(body for role, body in messages[:-1] if role in ("system", "developer"))
    asked = "\n".join([asked, messages[-1][1]]) if messages else asked
    if "Thought:" in asked and "Action Input" in asked:
        return _thought(messages, asked, text)
    if (schema := _SCHEMA.search(asked)) and (value := _fake_json(schema[1], text)):
        return value
    if "ONLY JSON" in asked and "choice" in asked and "reason" in asked:  # LLMSingleSelector, LLMMultiSelector
        return json.dumps([{"choice": 1, "reason": text}])
    if "<facts>" in asked and "<fact>" in asked:  # FactExtractionMemoryBlock
        return f"<facts><fact>{text}</fact></facts>"
    if "Relevance:" in asked and "Doc:" in asked:  # LLMRerank
        return "Doc: 1, Relevance: 9"
    if "in a line with only the score" in asked:  # CorrectnessEvaluator
        return f"4.0\n{text}"
    if "sub-questions in json markdown" in asked and (tool := _FIRST_TOOL.findall(asked)):  # LLMQuestionGenerator
        return json.dumps({"items": [{"sub_question": text, "tool_name": tool[-1]}]})
    return answer_as_shown(asked, text) or text


def _thought(messages: Messages, asked: str, text: str) -> str:
    """Answer a ReAct prompt: call a tool that stands in it, or answer where its result has come."""
    call = None
    with suppress(ValueError):  # a schema that was cut
        tools = [Tool(name, json.loads(schema)) for name, schema in _REACT_TOOL.findall(asked)]
        call = None if messages[-1][1].startswith("Observation:") else choose(messages, tools)
    if call is None:
        return f"Thought: I can answer without using any more tools.\nAnswer: {text}"
    return f"Thought: I need to use a tool.\nAction: {call.name}\nAction Input: {json.dumps(call.arguments)}"


def _fake_json(schema: str, text: str) -> str:
    """Write a JSON object for a schema that stands in a prompt, where its braces may be doubled; "" if it is none."""
    with suppress(ValueError):
        return json.dumps(fake(json.loads(schema), text))
    with suppress(ValueError):
        return json.dumps(fake(json.loads(schema.replace("{{", "{").replace("}}", "}")), text))
    return ""


def choose(messages: Messages, tools: Sequence[Tool], *, required: bool = False, named: str = "") -> ToolCall | None:
    """Choose the tool call to make first, or None to answer in text.

    Args:
        messages: what the model was given.
        tools: the tools on offer.
        required: only a tool call will do (structured output by function calling).
        named: the one tool that must be called, or "".
    """
    role, text = messages[-1] if messages else ("", "")
    if not tools or role in RESULT_ROLES:
        return None
    if role not in ("user", "prompt") and not (required or named):
        return None
    told = (read_markers(text) or [text.strip()[:_TEXT_LIMIT] or _CONSTANT])[-1]
    if any(_has_called(body, tools, told) for before, body in messages[:-1] if before in ASSISTANT_ROLES):
        return None
    wanted = [tool for tool in tools if tool.name == named]
    if wanted:
        return _call(wanted[0], told, note_markers(messages) if required else told)
    usable = [tool for tool in tools if tool.name != "handoff"]
    usable.sort(key=lambda tool: (_text_parameter(tool.parameters) is None, tool.return_direct))
    if usable and (required or _text_parameter(usable[0].parameters) is not None):
        return _call(usable[0], told, note_markers(messages) if required else told)
    return None


def _has_called(said: str, tools: Sequence[Tool], told: str) -> bool:
    """Whether an assistant's turn is a call with this text: its result then came in another role than a tool's."""
    return told in said and any(tool.name in said for tool in tools)


def _call(tool: Tool, told: str, text: str) -> ToolCall:
    faked = fake(tool.parameters, text) if tool.parameters else {}
    arguments: dict[str, Any] = faked if isinstance(faked, dict) else {}
    strings = [name for name, schema in properties(tool.parameters).items() if _is_text(schema)]
    place = _text_parameter(tool.parameters)
    for name in strings:
        if name == place:
            arguments[name] = told if text == told else text
        elif name in arguments and _SELECTING.search(name.lower()):
            arguments[name] = _CONSTANT
    return ToolCall(tool.name, arguments)


def _text_parameter(parameters: dict[str, Any]) -> str | None:
    """Find the parameter that takes the marker: a required one that tells, before any other."""
    needed = required_names(parameters)
    names = [name for name, schema in properties(parameters).items() if _is_text(schema)]
    names.sort(key=lambda name: (bool(_SELECTING.search(name.lower())), name not in needed))
    return names[0] if names else None


def _is_text(schema: Any) -> bool:
    if not isinstance(schema, dict) or "enum" in schema or "const" in schema or "format" in schema:
        return False
    return schema.get("type") == "string" or any(map(_is_text, schema.get("anyOf", ())))


def chunks(text: str) -> Iterator[tuple[str, str]]:
    """Cut a text as a stream gives it: (all so far, the piece that is new)."""
    so_far = ""
    for piece in _CHUNK.findall(text) or [""]:
        so_far += piece
        yield so_far, piece


def dimension(model_name: str) -> int:
    """Say how many numbers a vector of this embedding model has; 64 where it is not known."""
    return next((size for pattern, size in _DIMENSIONS if re.search(pattern, model_name.lower())), 64)


def vector(text: str, size: int) -> list[float]:
    """Make a unit vector from the hashes of a text's words: the same anywhere, nearer for texts that share words."""
    sums = [0.0] * size
    for word in _WORD.findall(text.lower()) or [text]:
        digest = hashlib.sha512(word.encode("utf-8", "replace")).digest()
        sums[int.from_bytes(digest[:8], "big") % size] += 1.0 if digest[8] & 1 else -1.0
    length = math.sqrt(sum(value * value for value in sums))
    if not length:  # all words cancelled each other out
        sums[0] = length = 1.0
    return [value / length for value in sums]
