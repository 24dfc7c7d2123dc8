"""Apps that name MongoDB, diagnosed with a throwaway one; and that one itself, asked by MongoDB's own driver."""

from __future__ import annotations

import subprocess
from datetime import datetime
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from labs import User, diagnosed

from statecheck.lab.services.programs import find
from statecheck.options.config import Options

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BINARY = find("mongodb")
pytestmark = pytest.mark.skipif(BINARY is None, reason="no server here")

PUSHED = """\
    import os, uuid
    from pymongo import MongoClient

    said = MongoClient(os.environ["MONGODB_URI"])["chat"]["said"]


    def reply(session_id, text):
        {session}
        earlier = said.find_one({"_id": session}) or {"messages": []}
        said.update_one({"_id": session}, {"$push": {"messages": {"role": "user", "text": text}}}, upsert=True)
        return str([message["text"] for message in earlier["messages"]])
"""
REPLACED = """\
    from llama_index.core import Settings
    from llama_index.core.llms import ChatMessage
    from pymongo import AsyncMongoClient

    said = AsyncMongoClient("mongodb://db:27018/chat").get_default_database()["said"]


    async def reply(session_id, text):
        earlier = await said.find_one({"_id": session_id}) or {"texts": []}
        texts = [*earlier["texts"], text]
        answer = await Settings.llm.achat([ChatMessage(text) for text in texts])
        await said.replace_one({"_id": session_id}, {"texts": texts}, upsert=True)
        return answer.message.content
"""


@pytest.mark.parametrize(
    ("source", "only", "causes"),
    [
        (PUSHED.replace("{session}", "session = session_id"), (), []),
        (PUSHED.replace("{session}", "session = str(uuid.uuid4())"), (), [("SC106", "new-key", 10)]),
        pytest.param(
            REPLACED,
            ("concurrent",),
            [("SC105", "user-code", 12), ("SC107", "answers-missing", 11)],
            marks=pytest.mark.acceptance,
        ),
    ],
    ids=["kept", "new-key", "race"],
)
def test_a_conversation_in_mongodb(tmp_path: Path, source: str, only: tuple[str, ...], causes: list[object]) -> None:
    user = User(tmp_path)
    user.write(app=source)

    found = diagnosed(user, "app.py:reply", "namespace", Options(seed=1, only=only)).diagnosis

    assert [(one.code, one.kind, one.anchor.line) for one in found.causes] == causes
    assert any(note.startswith("provided: a throwaway MongoDB (mongomock") for note in found.notes)
    assert only or found.verdict == ("state-loss" if causes else "healthy")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Any]:
    """A database of a throwaway MongoDB, by its own driver."""
    import pymongo

    assert BINARY is not None
    with subprocess.Popen(BINARY.start, cwd=tmp_path, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert b"eady" in server.stdout.readline()
        path = str(tmp_path / BINARY.socket).replace("/", "%2F")
        client: Any = pymongo.MongoClient(f"mongodb://{path}")
        yield client["chat"]
        client.close()
        server.kill()


def test_what_the_driver_is_answered(database: Any) -> None:
    from pymongo import ReturnDocument, UpdateOne
    from pymongo.errors import DuplicateKeyError, OperationFailure

    said = database["said"]
    when = datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001 - as the driver gives it back
    said.insert_many([{"session": "a", "n": number, "when": when} for number in range(3)])
    assert [one["n"] for one in said.find({"session": "a"}).sort("n", -1).skip(1).limit(1)] == [1]
    assert said.find_one({"n": {"$in": [2]}}, {"_id": 0, "when": 1}) == {"when": when}
    assert said.update_many({}, {"$set": {"read": True}}).modified_count == 3
    assert said.update_one({"_id": "b"}, {"$push": {"m": {"$each": [{"x": 1}], "$slice": -9}}}, True).upserted_id == "b"
    assert said.replace_one({"_id": "b"}, {"m": [{"x": 2}]}).matched_count == 1
    assert said.find_one_and_update({"_id": "b"}, {"$inc": {"k": 1}}, return_document=ReturnDocument.AFTER) == {
        "_id": "b",
        "m": [{"x": 2}],
        "k": 1,
    }
    assert said.find_one_and_delete({"_id": "b"})["k"] == 1
    assert said.bulk_write([UpdateOne({"_id": "c"}, {"$set": {"v": 1}}, upsert=True)]).upserted_ids == {0: "c"}
    assert list(said.aggregate([{"$group": {"_id": "$session", "all": {"$sum": "$n"}}}, {"$match": {"_id": "a"}}])) == [
        {"_id": "a", "all": 3}
    ]
    assert (said.count_documents({}), said.distinct("session")) == (4, ["a"])
    assert said.create_index("n", unique=True) == "n_1"
    with pytest.raises(DuplicateKeyError):
        said.insert_one({"n": 1})
    with pytest.raises(OperationFailure, match="cannot do this"):
        list(said.aggregate([{"$search": {}}]))
    with pytest.raises(OperationFailure, match="cannot do this"):
        list(said.aggregate([{"$group": {"all": {"$sum": "$n"}}}]))
    with pytest.raises(OperationFailure, match="Transaction numbers"):
        database.command("find", "said", startTransaction=True)
    with pytest.raises(OperationFailure, match="no such command"):
        database.command("profile")
    assert said.delete_many({}).deleted_count == 4
    assert database.list_collection_names() == ["said"]
    said.drop_index("n_1")
    assert len(said.insert_many([{"n": 1}, {"n": 1}]).inserted_ids) == 2


def test_overlapping_updates_are_all_kept(database: Any) -> None:
    said = database["said"]
    said.insert_one({"_id": "a", "m": []})
    threads = [Thread(target=said.update_one, args=({"_id": "a"}, {"$push": {"m": n}})) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(said.find_one({})["m"]) == [*range(8)]
