"""Two first messages at once break a default `Memory` for good, about every second time.

`SQLAlchemyChatStore._initialize` (`llama_index/core/storage/chat_store/sql.py`) sets `_table` before it awaits the
statement that creates the table: whoever comes meanwhile finds no table. With `:memory:` it then never appears.
"""

import asyncio

from llama_index.core.llms import ChatMessage
from llama_index.core.memory import Memory


async def main() -> None:
    # which of the two is first at the database is a matter of chance: about every second memory is broken
    for number in range(100):
        memory = Memory.from_defaults(session_id=f"session {number}")
        puts = [memory.aput(ChatMessage(role="user", content=text)) for text in ("one", "two")]
        results = await asyncio.gather(*puts, return_exceptions=True)
        if all(isinstance(result, Exception) for result in results):
            break
    print("first two, at once:", [type(result).__name__ for result in results])
    try:
        await memory.aput(ChatMessage(role="user", content="later"))
        print("later: stored")
    except Exception as error:
        print(f"later, alone: {type(error).__name__}: {str(error).splitlines()[0]}")


asyncio.run(main())
