"""With SQLAlchemy 2.1, a default `Memory` loses messages that are put at once, and reports no error.

Its `:memory:` database is one connection (`StaticPool`) that all sessions share: what one begins, another commits or
rolls back. With SQLAlchemy 2.0 all ten are stored.
"""

import asyncio

from llama_index.core.llms import ChatMessage
from llama_index.core.memory import Memory


async def main() -> None:
    memory = Memory.from_defaults(session_id="session")
    await memory.aget_all()  # the table is there
    puts = [memory.aput(ChatMessage(role="user", content=str(number))) for number in range(10)]
    results = await asyncio.gather(*puts, return_exceptions=True)
    failed = [result for result in results if result is not None]
    print(f"10 messages put at once: {len(failed)} errors, {len(await memory.aget_all())} stored")


asyncio.run(main())
