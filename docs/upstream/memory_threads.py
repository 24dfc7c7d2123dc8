"""A default `Memory` that several threads use at once breaks for good: some calls never return, all later ones raise.

Each blocking call starts an event loop of its own, and all of them share the locks of one connection. An asyncio lock
belongs to the loop that first waits for it: others are refused, and whoever waits in another thread is not woken.
"""

import threading

from llama_index.core.llms import ChatMessage
from llama_index.core.memory import Memory

memory = Memory.from_defaults(session_id="session")
memory.put(ChatMessage(role="user", content="first"))  # the table is there
errors: list[str] = []


def put() -> None:
    try:
        for number in range(50):
            memory.put(ChatMessage(role="user", content=str(number)))
    except RuntimeError as error:
        errors.append(str(error))


threads = [threading.Thread(target=put, daemon=True) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(1)
never = "some" if any(thread.is_alive() for thread in threads) else "none"
print(f"8 threads that put messages: {'some' if errors else 'none'} are refused, {never} never return")
errors.clear()
put()
print(f"later, alone: {(errors or ['stored'])[0][:22]}")
