"""A `VectorMemoryBlock` that several sessions share keeps the filter of the first one.

`_aget` (`llama_index/core/memory/memory_blocks/vector.py`) writes its session filter into `self.query_kwargs`, and
adds none when there is one: later sessions are shown what the first one said.
"""

import asyncio

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.memory import VectorMemoryBlock
from llama_index.core.vector_stores import SimpleVectorStore


class Store(SimpleVectorStore):
    stores_text: bool = True

    def query(self, query, **kwargs):
        asked = [given.value for given in query.filters.filters]
        print(f"asked for the session: {asked}")
        return super().query(query, **kwargs)


async def main() -> None:
    block = VectorMemoryBlock(vector_store=Store(), embed_model=MockEmbedding(embed_dim=4))
    for session in ("alice", "bob"):
        await block.aget([ChatMessage(role="user", content="hello")], session_id=session)


asyncio.run(main())
