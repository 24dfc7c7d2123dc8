"""With pydantic 2.14, no chat message of a `SimpleChatStore` can be serialized, and `persist()` empties the file first.

`llama_index/core/storage/chat_store/simple_chat_store.py` calls `handler(chat_message, info)`; since 2.14 the second
argument of a serializer's handler has to be an index or a key. Also hit: `ChatMemoryBuffer.to_dict()` and
`to_string()`, and every second `agent.run(ctx=ctx)`, where the memory is then dropped with a warning.
"""

import tempfile
from pathlib import Path

from llama_index.core.llms import ChatMessage
from llama_index.core.storage.chat_store import SimpleChatStore

path = Path(tempfile.mkdtemp()) / "chat_store.json"
SimpleChatStore().persist(str(path))
before = path.stat().st_size

store = SimpleChatStore()
store.add_message("session", ChatMessage(role="user", content="hello"))
try:
    store.persist(str(path))
except Exception as error:
    print(f"{type(error).__name__}: {str(error).splitlines()[0][:120]}")
print(f"the file had {before} bytes, and now has {path.stat().st_size}")
