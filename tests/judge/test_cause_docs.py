"""The documentation of the causes: its form, and that its code does on today's LlamaIndex what it says.

Two copies of a module on one disk stand for two workers, or for two lives of one. The echo model answers with every
message it was given, so an answer that holds turn 1 proves that turn 1 was remembered.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from statecheck.errors import StatecheckError
from statecheck.judge.causes import CAUSES, Cause, find_cause
from statecheck.judge.error_messages import MESSAGES, find_messages

if TYPE_CHECKING:
    from pathlib import Path

SECTIONS = ["What it means", "Why it happens", "How statecheck shows it", "Example", "Fix", "Kinds", "See also"]

causes = pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.name)


def snippets(cause: Cause, section: str) -> list[str]:
    text = cause.doc.partition(f"## {section}\n")[2].partition("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


@causes
def test_documentation_has_the_fixed_sections(cause: Cause) -> None:
    assert re.findall(r"^## (.*)$", cause.doc, re.MULTILINE) == SECTIONS
    assert cause.doc.startswith(f"{cause.code} {cause.name}: ")


@causes
def test_every_kind_is_documented(cause: Cause) -> None:
    section = cause.doc.partition("## Kinds\n")[2].partition("\n## ")[0]

    assert tuple(re.findall(r"^- `([a-z-]+)`: ", section, re.MULTILINE)) == cause.kinds


def test_codes_and_names_are_unique_and_found() -> None:
    for cause in CAUSES:
        assert find_cause(cause.code.lower()) is cause
        assert find_cause(cause.name.replace("-", "_").upper()) is cause
    assert len({cause.code for cause in CAUSES}) == len({cause.name for cause in CAUSES}) == 7


def test_a_misspelt_cause_is_answered_with_the_nearest() -> None:
    with pytest.raises(StatecheckError, match="unknown cause `multi-wroker`") as caught:
        find_cause("multi-wroker")

    assert caught.value.hint == "did you mean `multi-worker`?"


def test_messages_point_to_causes_and_kinds_that_exist() -> None:
    for message in MESSAGES:
        kinds = find_cause(message.cause).kinds if message.cause else ()
        assert message.kind is None or message.kind in kinds, message.text
        assert (
            find_messages(message.text.replace("*", "x"))[0].advice == message.advice
            or len(find_messages(message.text)) > 1
        )


def test_a_message_is_found_in_the_middle_of_a_log_line() -> None:
    line = "WARN 12:00 Failed to serialize state value for key lock: Failed to serialize value: <class '_thread.lock'>"

    assert {message.cause for message in find_messages(line)} == {"SC104"}


def test_half_of_a_message_is_enough() -> None:
    assert [m.cause for m in find_messages("Skipping serialization of known unserializable key")] == ["SC107"]


Say = Callable[..., str]


@contextmanager
def worker(code: str) -> Iterator[Say]:
    """One copy of a snippet's module, answering turns on a loop of its own, as a server's worker does."""
    names: dict[str, Any] = {"__name__": "app"}
    exec(compile(code, "app.py", "exec"), names)
    loop = asyncio.new_event_loop()

    async def post(text: str, session: str, times: int) -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(names["app"]), base_url="http://app") as client:
            turns = [{"session_id": session, "message": f"{text}{n or ''}"} for n in range(times)]
            return await asyncio.gather(*[client.post("/chat", json=turn) for turn in turns])

    def say(text: str, session: str = "s1", times: int = 1) -> str:
        answers = loop.run_until_complete(post(text, session, times))
        assert [answer.status_code for answer in answers] == [200] * times, answers[0].text
        return str(answers[0].json()["answer"])

    yield say
    if "engine" in names:
        loop.run_until_complete(names["engine"].dispose())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A model that answers with everything that the user said, in a fresh folder that is also the volume."""
    from llama_index.core import Settings
    from llama_index.core.base.llms.types import ChatMessage, ChatResponse
    from llama_index.core.llms.mock import MockFunctionCallingLLM

    class Echo(MockFunctionCallingLLM):
        def chat(self, messages: Any, **_: Any) -> ChatResponse:
            said = " ".join(str(message.content) for message in messages if message.role == "user")
            return ChatResponse(message=ChatMessage(role="assistant", content=f"heard: {said}"))

        async def achat(self, messages: Any, **_: Any) -> ChatResponse:
            await asyncio.sleep(0.05)
            return self.chat(messages)

        async def astream_chat(self, messages: Any, **_: Any) -> Any:
            response = self.chat(messages)

            async def stream() -> Any:
                yield response

            return stream()

        async def astream_chat_with_tools(self, tools: Any, *_: Any, chat_history: Any = None, **__: Any) -> Any:
            return await self.astream_chat(chat_history)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setattr(Settings, "_llm", Echo())


def remembers(code: str, workers: int) -> bool:
    """Whether turn 2 knows turn 1, on the same worker or on another."""
    with ExitStack() as stack:
        pool = [stack.enter_context(worker(code)) for _ in range(workers)]
        pool[0]("ABC1")
        return "ABC1" in pool[-1]("ABC2")


def hears(code: str, text: str, session: str = "s1") -> str:
    """What a fresh worker answers to one turn."""
    with worker(code) as say:
        return say(text, session)


@causes
@pytest.mark.usefixtures("echo")
@pytest.mark.filterwarnings("ignore")
def test_every_fix_is_remembered_by_another_worker_and_kept_from_other_sessions(cause: Cause) -> None:
    for code in snippets(cause, "Fix"):
        assert remembers(code, workers=1), code
        assert remembers(code, workers=2), code
        assert "ABC1" not in hears(code, "XYZ", session="s2")


@pytest.mark.usefixtures("echo")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["request-scoped", "unsaved-ctx", "session-key"])
def test_examples_that_forget_in_one_process(name: str) -> None:
    assert not remembers(snippets(find_cause(name), "Example")[0], workers=1)


@pytest.mark.usefixtures("echo")
@pytest.mark.filterwarnings("ignore")
def test_the_broken_store_forgets_with_todays_pydantic() -> None:
    import pydantic

    version = tuple(map(int, pydantic.VERSION.split(".")[:2]))
    assert remembers(snippets(find_cause("broken-store"), "Example")[0], workers=1) == (version < (2, 14))


@pytest.mark.usefixtures("echo")
@pytest.mark.filterwarnings("ignore")
def test_the_example_that_forgets_on_another_worker() -> None:
    code = snippets(find_cause("multi-worker"), "Example")[0]

    assert (remembers(code, workers=1), remembers(code, workers=2)) == (True, False)


@pytest.mark.usefixtures("echo")
@pytest.mark.filterwarnings("ignore")
def test_the_example_that_forgets_on_a_fresh_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code = snippets(find_cause("container-restart"), "Example")[0]
    assert remembers(code, workers=2)

    (tmp_path / "fresh").mkdir()
    monkeypatch.chdir(tmp_path / "fresh")
    assert "ABC1" not in hears(code, "ABC3")


@pytest.mark.usefixtures("echo")
@pytest.mark.filterwarnings("ignore")
def test_overlapping_turns_are_lost_by_the_race_and_kept_by_its_fix() -> None:
    def kept(code: str) -> int:
        with worker(code) as say:
            say("first")
            say("turn-", times=5)
            return say("last").count("turn-")

    assert kept(snippets(find_cause("async-race"), "Example")[0]) == 1
    assert kept(snippets(find_cause("async-race"), "Fix")[0]) == 5
