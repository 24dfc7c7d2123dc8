"""Requests that no LlamaIndex class sends: raw SDKs and HTTP clients are answered in this process and recorded."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from importlib import import_module
from typing import TYPE_CHECKING, Any

import httpx
import pydantic
import pytest
import requests

from statecheck.probe import apis, http_clients, model_calls

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SAID: Any = [{"role": "user", "content": "hello sc-m0000000a"}]
PARAMETERS = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
TOOL: Any = {"type": "function", "function": {"name": "note", "parameters": PARAMETERS}}
NOTED = "Noted: sc-m0000000a."
OPENAI = "https://api.openai.com/v1/chat/completions"
ENTRIES = (
    ("httpx._transports.default", "HTTPTransport", "handle_request"),
    ("httpx._transports.default", "AsyncHTTPTransport", "handle_async_request"),
    ("httpx2._transports.default", "HTTPTransport", "handle_request"),
    ("httpx2._transports.default", "AsyncHTTPTransport", "handle_async_request"),
    ("urllib3.connectionpool", "HTTPConnectionPool", "urlopen"),
    ("urllib.request", "AbstractHTTPHandler", "do_open"),
    ("aiohttp.client", "ClientSession", "_request"),
)


def sdk(name: str) -> Any:
    """An SDK, imported where a test needs it: each process of the suite reads this file, and some take seconds."""
    return import_module(name)


class Seen:
    """What was observed and held."""

    def __init__(self) -> None:
        self.calls: list[model_calls.Call] = []
        self.held: list[str] = []

    async def ahold(self) -> None:
        self.held.append("async")


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Seen:
    """The HTTP clients of this process, patched until the end of the test."""
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))  # each client would read all certificates of this machine
    for module, cls, method in ENTRIES:
        owner = getattr(import_module(module), cls)
        monkeypatch.setattr(owner, method, getattr(owner, method))  # put back by the end
    for module, patch in http_clients.HOOKS.items():
        patch(import_module(module))
    seen = Seen()
    monkeypatch.setattr(model_calls.CALLBACKS, "observe", seen.calls.append)
    monkeypatch.setattr(model_calls.CALLBACKS, "hold", lambda: seen.held.append("sync"))
    monkeypatch.setattr(model_calls.CALLBACKS, "ahold", seen.ahold)
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "sc-dummy")
    return seen


def chat(**more: Any) -> Any:
    client: Any = sdk("openai").OpenAI()
    return client.chat.completions.create(model="gpt-4o", messages=SAID, **more)


def completion_stream() -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chat(stream=True))


async def async_stream() -> str:
    client: Any = sdk("openai").AsyncOpenAI(base_url="https://api.groq.com/openai/v1")
    stream = await client.chat.completions.create(model="m", messages=SAID, stream=True)
    return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])


def parsed() -> str:
    class Reply(pydantic.BaseModel):
        text: str

    client: Any = sdk("openai").OpenAI()
    return str(
        client.chat.completions.parse(model="m", messages=SAID, response_format=Reply).choices[0].message.parsed.text
    )


IMPORTED_FOR_SECONDS = pytest.mark.acceptance
MESSAGES = "https://api.anthropic.com/v1/messages"


def message_text() -> str:
    response = httpx.post(MESSAGES, json={"model": "m", "max_tokens": 9, "messages": SAID})
    return str(response.json()["content"][0]["text"])


def anthropic_text() -> str:
    client: Any = sdk("anthropic").Anthropic()
    return str(client.messages.create(model="m", max_tokens=9, messages=SAID).content[0].text)


def message_stream() -> str:
    client: Any = sdk("anthropic").Anthropic()
    with client.messages.stream(model="m", max_tokens=9, messages=SAID) as stream:
        return "".join(stream.text_stream)


def converse_stream() -> str:
    client = import_module("boto3").client("bedrock-runtime", "us-east-1")
    messages = [{"role": "user", "content": [{"text": SAID[0]["content"]}]}]
    stream = client.converse_stream(modelId="amazon.nova-pro-v1:0", messages=messages)["stream"]
    return "".join(event["contentBlockDelta"]["delta"]["text"] for event in stream if "contentBlockDelta" in event)


BODY: Any = {"model": "gpt-4o", "messages": SAID}


def by_urllib() -> str:
    request = urllib.request.Request(OPENAI, json.dumps(BODY).encode())
    with urllib.request.urlopen(request) as response:
        return str(json.load(response)["choices"][0]["message"]["content"])


async def by_aiohttp() -> str:
    import aiohttp

    async with aiohttp.ClientSession() as session, session.post(OPENAI, json=BODY) as response:
        return str((await response.json())["choices"][0]["message"]["content"])


def by_hand(response: Any) -> str:
    return str(response.json()["choices"][0]["message"]["content"])


def hosted_llama() -> str:
    answer = requests.post("http://llama.internal/generate", json={"inputs": SAID[0]["content"]}, timeout=9).json()
    return str(answer["generated_text"])


@pytest.mark.parametrize(
    ("ask", "api", "host"),
    [
        (lambda: chat().choices[0].message.content, "chat/completions", "api.openai.com"),
        (completion_stream, "chat/completions", "api.openai.com"),
        (async_stream, "chat/completions", "api.groq.com"),
        (
            lambda: sdk("openai").OpenAI().responses.create(model="m", input=SAID[0]["content"]).output_text,
            "responses",
            None,
        ),
        pytest.param(anthropic_text, "messages", "api.anthropic.com", marks=IMPORTED_FOR_SECONDS),
        pytest.param(message_stream, "messages", "api.anthropic.com", marks=IMPORTED_FOR_SECONDS),
        (message_text, "messages", "api.anthropic.com"),
        (lambda: sdk("ollama").Client("http://ollama:11434").chat("m", SAID).message.content, "chat", "ollama"),
        (lambda: sdk("ollama").generate("m", SAID[0]["content"]).response, "generate", "127.0.0.1"),
        (converse_stream, "converse", "bedrock-runtime.us-east-1.amazonaws.com"),
        (lambda: by_hand(httpx.post(OPENAI, json=BODY)), "chat/completions", "api.openai.com"),
        (lambda: by_hand(requests.post(OPENAI, json=BODY, timeout=9)), "chat/completions", "api.openai.com"),
        (hosted_llama, "generate", "llama.internal"),
        (by_urllib, "chat/completions", "api.openai.com"),
        (by_aiohttp, "chat/completions", "api.openai.com"),
    ],
)
def test_a_client_is_answered_with_what_it_gave(seen: Seen, ask: Callable[[], Any], api: str, host: str | None) -> None:
    answer = ask()
    held = "async" if asyncio.iscoroutine(answer) else "sync"
    assert (asyncio.run(answer) if held == "async" else answer) == NOTED
    assert [(call.method, call.cls) for call in seen.calls] == [(api, host or "api.openai.com")]
    assert [text for _, text in seen.calls[0].messages] == ["hello sc-m0000000a"]
    assert seen.held == [held]


def test_tools_are_called_with_the_marker_and_their_results_end_the_turn(seen: Seen) -> None:
    call = chat(tools=[TOOL]).choices[0].message.tool_calls[0]
    assert (call.function.name, json.loads(call.function.arguments)) == ("note", {"text": "sc-m0000000a"})
    called = {"role": "assistant", "content": None, "tool_calls": [call.model_dump()]}
    answered = {"role": "tool", "tool_call_id": call.id, "content": "done"}
    client: Any = sdk("openai").OpenAI()
    again = client.chat.completions.create(model="m", messages=[*SAID, called, answered], tools=[TOOL])
    assert again.choices[0].message.content == NOTED
    assert [call.tools for call in seen.calls] == [["note"]] * 2


NOTE: Any = {"name": "note", "input_schema": PARAMETERS}


def used_by_hand() -> dict[str, Any]:
    asked = {"model": "m", "max_tokens": 9, "messages": SAID, "tools": [NOTE]}
    use: dict[str, Any] = httpx.post(MESSAGES, json=asked).json()["content"][0]
    return use


def used_by_the_sdk() -> dict[str, Any]:
    client: Any = sdk("anthropic").Anthropic()
    use: dict[str, Any] = (
        client.messages.create(model="m", max_tokens=9, messages=SAID, tools=[NOTE]).content[0].model_dump()
    )
    return use


@pytest.mark.parametrize("use", [used_by_hand, pytest.param(used_by_the_sdk, marks=IMPORTED_FOR_SECONDS)])
def test_a_tool_of_a_messages_api_is_used_with_the_marker(seen: Seen, use: Callable[[], dict[str, Any]]) -> None:
    used = use()
    assert (used["type"], used["name"], used["input"]) == ("tool_use", "note", {"text": "sc-m0000000a"})
    assert [call.tools for call in seen.calls] == [["note"]]


def test_structured_output_and_embeddings_fit_what_was_asked(seen: Seen) -> None:
    assert parsed() == NOTED
    client = sdk("openai").OpenAI()
    small, large = (
        client.embeddings.create(model=f"text-embedding-3-{size}", input=["a", "b"]).data for size in ("small", "large")
    )
    assert [(len(one), len(one[0].embedding)) for one in (small, large)] == [(2, 1536), (2, 3072)]
    assert len(seen.calls) == 1, "an embedding is not a model call"


def test_a_response_is_found_again_by_its_identifier(seen: Seen) -> None:
    client = sdk("openai").OpenAI()
    first = client.responses.create(model="m", input="a sc-m0000000a")
    second = client.responses.create(model="m", input="b sc-m0000000b", previous_response_id=first.id)
    third = client.responses.create(model="m", input="c", previous_response_id=second.id)
    assert third.output_text == "Noted: sc-m0000000a, sc-m0000000b."


def test_a_server_on_loopback_answers_for_itself_and_is_recorded(seen: Seen) -> None:
    import aiohttp.web

    async def serve() -> str:
        async def answer(_request: aiohttp.web.Request) -> aiohttp.web.Response:
            return aiohttp.web.json_response({"choices": [{"message": {"content": "mine"}}]})

        app = aiohttp.web.Application()
        app.router.add_post("/v1/chat/completions", answer)
        runner = aiohttp.web.AppRunner(app)
        await runner.setup()
        site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0]
        try:
            async with httpx.AsyncClient() as client:
                return by_hand(await client.post(f"http://{host}:{port}/v1/chat/completions", json=BODY))
        finally:
            await runner.cleanup()

    assert asyncio.run(serve()) == "mine"
    assert [call.cls for call in seen.calls] == ["127.0.0.1"]


def test_what_is_no_model_api_is_left_alone() -> None:
    assert apis.exchange("POST", "/api/chat", b'{"message": "hi"}') is None
    assert apis.exchange("POST", "/v1/messages", b"not json") is None
    assert apis.exchange("GET", "/v1/chat/completions", b"") is None
    assert not apis.may_be("POST", "/v1/orders")
