"""`SQLAlchemyChatStore.set_messages` deletes and commits before it inserts: if the insert fails, nothing is left."""

import asyncio
import tempfile

from llama_index.core.llms import ChatMessage
from llama_index.core.storage.chat_store.sql import SQLAlchemyChatStore


class Unserializable:
    """What a provider may leave in `additional_kwargs`."""


async def main() -> None:
    store = SQLAlchemyChatStore("messages", async_database_uri=f"sqlite+aiosqlite:///{tempfile.mkdtemp()}/chat.db")
    await store.add_messages("session", [ChatMessage(role="user", content="kept until now")])
    bad = ChatMessage(role="user", content="next", additional_kwargs={"raw": Unserializable()})
    try:
        await store.set_messages("session", [bad])
    except Exception as error:
        print(f"set_messages: {type(error).__name__}")
    print(f"messages afterwards: {len(await store.get_messages('session'))}")


asyncio.run(main())
