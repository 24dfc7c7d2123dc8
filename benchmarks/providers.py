"""Asks every model provider's LlamaIndex package that is installed, without keys and network, and says what fails.

    python benchmarks/providers.py [WORD ...]     those whose module has one of these words in its name

For each class: chat, streams, completions, tools by an agent, structured output, all from the echo model; embeddings.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import os
import pkgutil
import sys
import time
import traceback
from typing import TYPE_CHECKING, Any

from statecheck.probe import hooks, models, system

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MARKER = "sc-m0000000a"
NOTED = f"Noted: {MARKER}."
# What a user must give too: a constructor that lacks it would fail online as well.
NEEDED: dict[str, dict[str, Any]] = {
    "AzureOpenAI": {"engine": "deployment"},
    "AzureOpenAIEmbedding": {"deployment_name": "deployment"},
    "OllamaEmbedding": {"model_name": "nomic-embed-text"},
    "Ollama": {"model": "llama3.2"},
}


def classes(package: str, base: type) -> Iterator[type]:
    """The public classes below `base` of the installed packages below a namespace package."""
    namespace = importlib.import_module(package)
    for found in pkgutil.iter_modules(namespace.__path__, f"{package}."):
        if sys.argv[1:] and not any(word in found.name for word in sys.argv[1:]):
            continue
        try:
            module = importlib.import_module(found.name)
        except Exception as error:  # noqa: BLE001 - a package that cannot be imported is told and passed over
            print(f"{found.name}: cannot be imported ({type(error).__name__}: {error})"[:150])
            continue
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name)
            if inspect.isclass(thing) and issubclass(thing, base) and not inspect.isabstract(thing):
                yield thing


def built(cls: type) -> Any:
    """An instance, as a user would make it: with a model's name where one must be given."""
    given = dict(NEEDED.get(cls.__name__, {}))
    for name, parameter in inspect.signature(cls).parameters.items():
        if name in ("model", "model_name", "model_id") and parameter.default is parameter.empty:
            given.setdefault(name, "some-model")
    return cls(**given)


def llm_checks(llm: Any) -> dict[str, Callable[[], Any]]:
    """What is asked of a model, and must answer with the marker."""
    from llama_index.core.agent.workflow import AgentWorkflow
    from llama_index.core.bridge.pydantic import BaseModel
    from llama_index.core.llms import ChatMessage
    from llama_index.core.prompts import PromptTemplate

    class Reply(BaseModel):
        text: str

    said = [ChatMessage(role="user", content=MARKER)]
    called: list[str] = []

    def note(text: str) -> str:
        """Note a text."""
        called.append(text)
        return "done"

    async def streamed() -> str:
        return "".join([str(part.delta or "") async for part in await llm.astream_chat(said)])

    async def agent() -> str:
        workflow = AgentWorkflow.from_tools_or_functions([note], llm=llm)
        answer = str(await workflow.run(MARKER))
        return answer if called == [MARKER] else f"called {called}"

    return {
        "chat": lambda: llm.chat(said).message.content,
        "achat": lambda: asyncio.run(llm.achat(said)).message.content,
        "stream": lambda: "".join(part.delta or "" for part in llm.stream_chat(said)),
        "astream": lambda: asyncio.run(streamed()),
        "complete": lambda: llm.complete(MARKER).text,
        "agent": lambda: asyncio.run(agent()),
        "structured": lambda: llm.structured_predict(Reply, PromptTemplate("{it}"), it=MARKER).text,
    }


def embedding_checks(model: Any) -> dict[str, Callable[[], Any]]:
    """What is asked of an embedding model; NOTED where it answers with vectors."""

    def fits(vectors: list[list[float]]) -> str:
        return NOTED if vectors and all(len(one) > 1 for one in vectors) else str(vectors)

    return {
        "text": lambda: fits([model.get_text_embedding("a")]),
        "batch": lambda: fits(model.get_text_embedding_batch(["a", "b"])),
        "query": lambda: fits([asyncio.run(model.aget_query_embedding("a"))]),
    }


def ask(cls: type, checks: Callable[[Any], dict[str, Callable[[], Any]]]) -> bool:
    """Build one class, ask it everything and print a line; whether all was well."""
    started = time.monotonic()
    wrong = []
    try:
        for name, check in checks(built(cls)).items():
            try:
                answer = check()
                wrong += [] if answer == NOTED else [f"{name}: {answer!r}"[:90]]
            except Exception as error:  # noqa: BLE001 - any provider, any error: it is what is looked for
                if os.getenv("VERBOSE"):
                    traceback.print_exc()
                wrong.append(f"{name}: {type(error).__name__}: {error}"[:90])
    except Exception as error:  # noqa: BLE001 - as above
        wrong.append(f"cannot be built: {type(error).__name__}: {error}"[:120])
    print(f"{cls.__module__.removeprefix('llama_index.')}.{cls.__name__}: {'; '.join(wrong) or 'ok'}", end="")
    print(f" ({time.monotonic() - started:.1f} s)")
    return not wrong


def main() -> int:
    """Ask all; 1 if any fails."""
    os.environ.update(models.dummy_credentials(os.environ))
    hooks.install()
    system.install()
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.base.llms.base import BaseLLM

    results = [ask(cls, llm_checks) for cls in classes("llama_index.llms", BaseLLM)]
    results += [ask(cls, embedding_checks) for cls in classes("llama_index.embeddings", BaseEmbedding)]
    print(f"{sum(results)} of {len(results)} answer")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
