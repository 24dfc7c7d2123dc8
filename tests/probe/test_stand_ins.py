"""What stands in answers in the form of the LlamaIndex that is installed, also of one that is not installed here."""

from __future__ import annotations

from pkgutil import resolve_name
from types import SimpleNamespace
from typing import Any

import pytest

from statecheck.probe import stand_ins

TOOL = {"function": {"name": "note", "parameters": {"properties": {"text": {"type": "string"}}}}}


@pytest.mark.parametrize(
    ("provider", "form"),
    [
        ("llama_index.llms.openai.base", "openai.types.chat.ChatCompletionMessageToolCall"),
        ("llama_index.llms.mistralai.base", "builtins.dict"),
    ],
)
def test_before_there_were_blocks_a_tool_call_had_the_form_of_its_provider(
    provider: str, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from llama_index.core.base.llms.types import ChatMessage, ChatResponse

    monkeypatch.setattr(stand_ins, "types", lambda: SimpleNamespace(ChatMessage=ChatMessage, ChatResponse=ChatResponse))
    model: Any = type("Model", (), {"__module__": provider})()
    response = stand_ins.chat(model, [ChatMessage(role="user", content="My word is sc-m00000001.")], tools=[TOOL])
    calls = response.message.additional_kwargs["tool_calls"]
    assert [type(call) for call in calls] == [resolve_name(form)]
    (read,) = stand_ins.get_tool_calls_from_response(model, response)
    assert (read.tool_name, "sc-m00000001" in read.tool_kwargs["text"]) == ("note", True)
