"""Apps that need the network: driven with stand-ins where LlamaIndex allows it, else told what they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from labs import User, diagnosed

from statecheck.options.config import Options

if TYPE_CHECKING:
    from pathlib import Path

ONE = Options(only=("same-process",), seed=1)
STORE = """\
import urllib.request

from llama_index.core.vector_stores.types import BasePydanticVectorStore


class CloudStore(BasePydanticVectorStore):
    stores_text: bool = True

    def _ask(self):
        return urllib.request.urlopen("https://vectors.example.com/")

    @property
    def client(self):
        return None

    def add(self, nodes, **kwargs):
        return self._ask()

    def delete(self, ref_doc_id, **kwargs):
        self._ask()

    def delete_nodes(self, node_ids=None, filters=None, **kwargs):
        self._ask()

    def query(self, query, **kwargs):
        return self._ask()
"""
AGENT = """\
import asyncio
import urllib.request

from llama_index.core import Document, StorageContext, VectorStoreIndex
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.readers.base import BaseReader
from llama_index.core.tools import QueryEngineTool

from cloud import CloudStore


class Pages(BaseReader):
    def load_data(self, url):
        return [Document(text=urllib.request.urlopen(url).read().decode())]


storage = StorageContext.from_defaults(vector_store=CloudStore())
index = VectorStoreIndex.from_documents(Pages().load_data("https://pages.example.com/"), storage)


def save_note(text: str) -> str:
    with open("notes.txt", "w") as file:
        file.write(text)
    return index.as_retriever().retrieve(text)[0].text


agent = FunctionAgent(tools=[save_note])
memories = {}


async def reply(session_id: str, text: str) -> str:
    memory = memories.setdefault(session_id, ChatMemoryBuffer.from_defaults())
    return str(await agent.run(text, memory=memory))
"""
MEMORY = """\
from llama_index.core.memory import VectorMemory
from llama_index.core.llms import ChatMessage
from llama_index.core import Settings

from cloud import CloudStore

memory = VectorMemory.from_defaults(vector_store=CloudStore())


def reply(text):
    memory.put(ChatMessage(role="user", content=text))
    return str(Settings.llm.chat(memory.get(text)))
"""
COUNTING = """\
import tiktoken
from llama_index.core import Settings
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.memory import ChatMemoryBuffer

encoding = tiktoken.encoding_for_model("gpt-4o")
assert encoding.decode(encoding.encode("Grüße, 世界!")) == "Grüße, 世界!"
assert tiktoken.get_encoding(encoding.name) is encoding
memory = ChatMemoryBuffer.from_defaults(token_limit=200, tokenizer_fn=encoding.encode)


def reply(text):
    return str(SimpleChatEngine.from_defaults(memory=memory).chat(text))
"""
NEEDY = """\
import asyncio
import httpx


async def load():
    async with httpx.AsyncClient() as client:
        return (await client.get("https://settings.example.com/")).json()


settings = asyncio.run(load())


def reply(text):
    return text
"""


@pytest.fixture
def user(tmp_path: Path) -> User:
    user = User(tmp_path)
    user.write(cloud=STORE, agent=AGENT, remembering=MEMORY, counting=COUNTING, needy=NEEDY)
    return user


@pytest.mark.acceptance
def test_an_agent_with_a_cloud_store_is_driven_and_the_report_says_what_stood_in(user: User) -> None:
    ran = diagnosed(user, "agent.py:reply", "namespace", ONE)
    assert ran.outcomes()["same-process"] == "kept"
    notes = [note for note in ran.diagnosis.notes if not note.startswith(("how it talks", "run by"))]
    assert notes == [
        "tool `save_note` (agent.py:22) was called and wrote `notes.txt` (agent.py:23); asked for "
        "vectors.example.com:443, which was blocked (cloud.py:10)",
        "blocked, as nothing leaves this machine: pages.example.com:443 (agent.py:15) at import; "
        "vectors.example.com:443 (cloud.py:10) at import",
        "stood in for, as they need the network: `Pages` (agent.py:19); `CloudStore` (agent.py:19); "
        "what they would have given or kept is not judged",
    ]
    assert not (user.project / "notes.txt").exists()


@pytest.mark.acceptance
def test_a_memory_in_a_cloud_store_is_inconclusive(user: User) -> None:
    diagnosis = diagnosed(user, "remembering.py:reply", "namespace", ONE).diagnosis
    assert (diagnosis.verdict, [problem.slug for problem in diagnosis.errors]) == (
        "inconclusive",
        ["substituted-store"],
    )
    assert "`CloudStore` (remembering.py:11)" in diagnosis.errors[0].text


@pytest.mark.acceptance
def test_an_app_that_counts_tokens_needs_no_network_for_it(user: User) -> None:
    ran = diagnosed(user, "counting.py:reply", "namespace", ONE)
    assert ran.outcomes()["same-process"] == "kept"
    assert "`tiktoken o200k_base` (counting.py:6)" in " ".join(ran.diagnosis.notes)


def test_a_target_that_fails_for_want_of_the_network_is_told_so(user: User) -> None:
    problem = diagnosed(user, "needy.py:reply", "namespace", ONE).diagnosis.errors[0]
    assert problem.slug == "needs-network"
    assert "`needy.py:7` asks for settings.example.com:443" in problem.text


PAST = """\
import os
import urllib.request

try:
    urllib.request.urlopen("https://news.example.com/")
except OSError:
    pass
def find_key():
    raise RuntimeError("the access token must be set for this shop")
find_key()


def reply(session_id, text):
    return text
"""


def test_the_exception_that_ended_an_import_is_told_and_not_an_address_that_it_did_without(user: User) -> None:
    user.write(past=PAST)
    problem = diagnosed(user, "past.py:reply", "namespace", ONE).diagnosis.errors[0]

    assert problem.slug == "import-failed"
    assert "`past.py:9`: RuntimeError: the access token must be set" in problem.text


INDEXED = """\
from llama_index.core import SimpleDirectoryReader, VectorStoreIndex

engine = VectorStoreIndex.from_documents(SimpleDirectoryReader("docs").load_data()).as_chat_engine("context")


def reply(session_id, text):
    return str(engine.chat(text))
"""


@pytest.mark.acceptance
def test_documents_that_are_not_in_the_repository_are_stood_in_for(user: User) -> None:
    user.write(indexed=INDEXED)
    ran = diagnosed(user, "indexed.py:reply", "namespace", ONE)

    assert ran.outcomes()["same-process"] == "kept"
    notes = [note for note in ran.diagnosis.notes if not note.startswith(("how it talks", "run by"))]
    assert notes == ["a text stands in for documents that are not there: `docs` (indexed.py:3)"]
    assert not (user.project / "docs").exists()


STORED = """\
import os
from llama_index.core import StorageContext, load_index_from_storage

if not os.path.isdir("vectors"):
    raise RuntimeError("run fill.py first")
engine = load_index_from_storage(StorageContext.from_defaults(persist_dir="vectors")).as_chat_engine("context")


def reply(session_id, text):
    return str(engine.chat(text))
"""


@pytest.mark.acceptance
def test_a_persisted_index_that_is_not_in_the_repository_is_stood_in_for(user: User) -> None:
    user.write(stored=STORED)
    ran = diagnosed(user, "stored.py:reply", "namespace", ONE)

    assert ran.outcomes()["same-process"] == "kept"
    assert ran.diagnosis.notes[-1].endswith("stands in for what the app loads and what is not there: `vectors`")
    assert not (user.project / "vectors").exists()
