"""A throwaway MongoDB: its wire protocol in front of mongomock, run as a program of its own beside the app.

MongoDB itself comes in no wheel. Commands are carried out one after the other, so each is atomic, as there; one that
mongomock cannot carry out is an error with a name, never an answer that is not so.
"""

from __future__ import annotations

import asyncio
import struct
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import bson
import mongomock
from pymongo.errors import DuplicateKeyError, PyMongoError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Document = dict[str, Any]
    Collection = Any  # of mongomock, as the client is

_HEAD = struct.Struct("<iiii")  # length, request, response to, kind of message
_REPLY, _QUERY, _MESSAGE = 1, 2004, 2013
_CHECKSUM, _MORE_TO_COME = 1, 2
_MOST = 48_000_000
_VERSION, _WIRE = "7.0.0", 21
_HELLO = {
    "helloOk": True, "ismaster": True, "isWritablePrimary": True, "maxBsonObjectSize": 1 << 24,
    "maxMessageSizeBytes": _MOST, "maxWriteBatchSize": 100_000, "logicalSessionTimeoutMinutes": 30,
    "minWireVersion": 0, "maxWireVersion": _WIRE, "readOnly": False,
}  # fmt: skip
_BAD_VALUE, _ILLEGAL, _NO_SUCH_COMMAND, _NOT_IMPLEMENTED, _DUPLICATE = 2, 20, 59, 238, 11000


def _batch(documents: Iterable[Document], collection: Collection) -> Document:
    """A cursor that is at its end with the first batch."""
    return {"cursor": {"id": 0, "ns": collection.full_name, "firstBatch": list(documents)}}


def _find(collection: Collection, said: Document) -> Document:
    found = collection.find(said.get("filter") or {}, said.get("projection") or None)
    if said.get("sort"):
        found = found.sort(list(said["sort"].items()))
    return _batch(found.skip(said.get("skip", 0)).limit(abs(said.get("limit", 0))), collection)


def _insert(collection: Collection, said: Document) -> Document:
    def apply(one: Document) -> int:
        collection.insert_one(one)
        return 1

    return _each(said, said["documents"], apply)


def _update(collection: Collection, said: Document) -> Document:
    modified: list[int] = []
    upserted: list[Document] = []

    def apply(one: Document) -> int:
        act = collection.replace_one
        if isinstance(one["u"], list) or next(iter(one["u"]), "").startswith("$"):
            act = collection.update_many if one.get("multi") else collection.update_one
        filters = {"array_filters": one["arrayFilters"]} if one.get("arrayFilters") else {}
        done = act(one["q"], one["u"], upsert=bool(one.get("upsert")), **filters)
        modified.append(done.modified_count)
        if done.upserted_id is None:
            return int(done.matched_count)
        upserted.append({"index": len(modified) - 1, "_id": done.upserted_id})
        return 1

    answer = _each(said, said["updates"], apply)
    return {**answer, "nModified": sum(modified), **({"upserted": upserted} if upserted else {})}


def _delete(collection: Collection, said: Document) -> Document:
    def apply(one: Document) -> int:
        act = collection.delete_one if one.get("limit") else collection.delete_many
        return int(act(one["q"]).deleted_count)

    return _each(said, said["deletes"], apply)


def _each(said: Document, parts: list[Document], apply: Callable[[Document], int]) -> Document:
    """Carry out the parts of a write; one that is refused ends an ordered one."""
    count, errors = 0, []
    for index, part in enumerate(parts):
        try:
            count += apply(part)
        except DuplicateKeyError as error:
            errors.append({"index": index, "code": _DUPLICATE, "errmsg": str(error)})
            if said.get("ordered", True):
                break
    return {"n": count, **({"writeErrors": errors} if errors else {})}


def _find_and_modify(collection: Collection, said: Document) -> Document:
    asked: Document = {"projection": said.get("fields"), "sort": list((said.get("sort") or {}).items()) or None}
    query, change = said.get("query") or {}, said.get("update") or {}
    before = collection.find_one(query, sort=asked["sort"])
    if said.get("remove"):
        value = collection.find_one_and_delete(query, **asked)
    else:
        operators = isinstance(change, list) or next(iter(change), "").startswith("$")
        act = collection.find_one_and_update if operators else collection.find_one_and_replace
        value = act(query, change, upsert=bool(said.get("upsert")), return_document=bool(said.get("new")), **asked)
    told = {"n": int(before is not None or value is not None), "updatedExisting": before is not None}
    return {"value": value, "lastErrorObject": told}


def _aggregate(collection: Collection, said: Document) -> Document:
    return _batch(collection.aggregate(said["pipeline"]), collection)


def _count(collection: Collection, said: Document) -> Document:
    return {"n": collection.count_documents(said.get("query") or {})}


def _distinct(collection: Collection, said: Document) -> Document:
    return {"values": collection.distinct(said["key"], said.get("query") or {})}


def _create_indexes(collection: Collection, said: Document) -> Document:
    for index in said["indexes"]:
        options = {name: index[name] for name in ("unique", "sparse", "expireAfterSeconds", "name") if name in index}
        collection.create_index(list(index["key"].items()), **options)
    return {}


def _drop(collection: Collection, _: Document) -> Document:
    collection.drop()
    return {}


def _drop_indexes(collection: Collection, said: Document) -> Document:
    if said.get("index") == "*":
        collection.drop_indexes()
    else:
        collection.drop_index(said.get("index"))
    return {}


def _list_indexes(collection: Collection, _: Document) -> Document:
    known = collection.index_information().items()
    return _batch(({"v": 2, "name": name, "key": dict(index["key"])} for name, index in known), collection)


_COLLECTION: dict[str, Callable[[Collection, Document], Document]] = {
    "find": _find, "insert": _insert, "update": _update, "delete": _delete, "findAndModify": _find_and_modify,
    "findandmodify": _find_and_modify, "aggregate": _aggregate, "count": _count, "distinct": _distinct,
    "createIndexes": _create_indexes, "drop": _drop, "listIndexes": _list_indexes,
    "dropIndexes": _drop_indexes,
}  # fmt: skip
_NOTHING_TO_DO = frozenset(("ping", "endSessions", "refreshSessions", "killCursors", "create"))


def answer(client: Any, said: Document) -> Document:
    """Carry out a command; what MongoDB would say."""
    name = next(iter(said))
    database = client[said.get("$db") or "admin"]
    if name in ("hello", "isMaster", "ismaster"):
        return {**_HELLO, "localTime": datetime.now(timezone.utc), "ok": 1.0}
    if name in _NOTHING_TO_DO:
        return {"ok": 1.0}
    if name in ("buildInfo", "buildinfo"):
        return {"version": _VERSION, "versionArray": [*map(int, _VERSION.split(".")), 0], "ok": 1.0}
    if name == "listCollections":
        names = [{"name": each, "type": "collection", "options": {}} for each in database.list_collection_names()]
        return {"cursor": {"id": 0, "ns": f"{database.name}.$cmd.listCollections", "firstBatch": names}, "ok": 1.0}
    if name == "listDatabases":
        return {"databases": [{"name": each} for each in client.list_database_names()], "ok": 1.0}
    if name == "dropDatabase":
        client.drop_database(database.name)
        return {"ok": 1.0}
    if "startTransaction" in said or "autocommit" in said:
        return _refused(_ILLEGAL, "Transaction numbers are only allowed on a replica set member or mongos")
    if name not in _COLLECTION or not isinstance(said[name], str):
        return _refused(_NO_SUCH_COMMAND, f"no such command: {name}")
    return _carried_out(database, name, said)


def _carried_out(database: Any, name: str, said: Document) -> Document:
    try:
        return {**_COLLECTION[name](database[said[name]], said), "ok": 1.0}
    except NotImplementedError as error:
        return _refused(_NOT_IMPLEMENTED, f"the throwaway MongoDB cannot do this: {error}")
    except (PyMongoError, ValueError, TypeError) as error:
        return _refused(getattr(error, "code", None) or _BAD_VALUE, str(error))
    except Exception as error:  # noqa: BLE001 - mongomock stumbles over what it does not know; the app must be told
        return _refused(_NOT_IMPLEMENTED, f"the throwaway MongoDB cannot do this: {type(error).__name__}: {error}")


def _refused(code: int, why: str) -> Document:
    return {"ok": 0.0, "code": code, "errmsg": why}


def _parsed(kind: int, body: bytes) -> tuple[Document, int]:
    """A command, and the flags it came with."""
    if kind == _QUERY:
        start = body.index(b"\0", 4) + 9
        length = int.from_bytes(body[start : start + 4], "little")
        return {**bson.decode(body[start : start + length]), "$db": "admin"}, 0
    flags = int.from_bytes(body[:4], "little")
    end = len(body) - (4 if flags & _CHECKSUM else 0)
    said: Document = {}
    more: Document = {}
    at = 4
    while at < end:
        section, length = body[at], int.from_bytes(body[at + 1 : at + 5], "little")
        part = body[at + 1 : at + 1 + length]
        at += 1 + length
        if section == 0:
            said = bson.decode(part)
        else:
            name, _, documents = part[4:].partition(b"\0")
            more[name.decode()] = bson.decode_all(documents)
    return {**said, **more}, flags


async def _serve(client: Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            length, request, _, kind = _HEAD.unpack(await reader.readexactly(_HEAD.size))
            said, flags = _parsed(kind, await reader.readexactly(length - _HEAD.size))
            document = bson.encode(answer(client, said))
            if flags & _MORE_TO_COME:  # nobody waits for an answer
                continue
            if kind == _QUERY:
                kind, body = _REPLY, struct.pack("<iqii", 8, 0, 0, 1) + document
            else:
                body = struct.pack("<iB", 0, 0) + document
            writer.write(_HEAD.pack(_HEAD.size + len(body), 0, request, kind) + body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main(path: str) -> None:
    """Serve on a Unix socket until killed."""
    client: Any = mongomock.MongoClient()
    server = await asyncio.start_unix_server(lambda *streams: _serve(client, *streams), path)
    print("Ready to accept connections", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
