"""What a store that loses by its own code leaves behind: messages of errors, and what people say."""

from __future__ import annotations

from statecheck.judge.cause import Symptom

SYMPTOMS = (
    Symptom(
        "the agent's memory was left out of the Context; pass `memory=` on every run",
        (
            "Skipping serialization of known unserializable key: memory",
            "will require this item to be set manually after deserialization",
        ),
        "dropped-memory",
    ),
    Symptom(
        "chat messages cannot be serialised with pydantic 2.14 or newer; pin pydantic<2.14 or keep "
        "messages in `Memory` on a database",
        (
            "'index_key' is expected to be an integer or a string",
            "Error calling function `chat_message_serialization`",
        ),
        "refused-write",
    ),
    Symptom(
        "the memory in a saved Context cannot be loaded; pass `memory=` on every run",
        (
            "Failed to deserialize value for key memory",
            "Can't instantiate abstract class BaseMemory",
            "Can't instantiate abstract class BaseChatStore",
        ),
        "dropped-memory",
    ),
    Symptom(
        "threads share a store by its blocking methods, which start an event loop each; use `achat` "
        "in `async def` handlers, or let one thread at a time use it",
        ("is bound to a different event loop",),
        "several-threads",
    ),
    Symptom(
        "the table was asked for before it was made: two first uses at once, or a fresh `:memory:` database",
        ("no such table:",),
        "refused-write",
    ),
    Symptom(
        "two memories declare one table in one metadata; let them share one engine or chat store",
        ("is already defined for this MetaData instance",),
        "refused-write",
    ),
    Symptom(
        "a message holds a provider's object and was not stored; store its plain fields",
        (
            "is not JSON serializable",
            "Unable to serialize unknown type:",
        ),
        "refused-write",
    ),
    Symptom(
        "a message could not be stored; upgrade llama-index-core and pydantic together",
        ("'MockValSer' object cannot be converted to 'SchemaSerializer'",),
        "refused-write",
    ),
    Symptom(
        "what is stored does not fit the class that reads it: another version wrote it, or a field was lost",
        (
            "validation error for ChatMessage",
            "validation errors for ChatMessage",
            "validation error for Memory",
            "validation error for ChatMemoryBuffer",
            "validation error for SimpleChatStore",
            "validation errors for SimpleChatStore",
            "'dict' object has no attribute 'role'",
            "'dict' object has no attribute 'content'",
            "'str' object has no attribute 'role'",
        ),
    ),
    Symptom(
        "the conversation has outgrown what the store takes as one value: keep its messages one by one",
        (
            "DocumentTooLarge",
            "Item size has exceeded the maximum",
            "value too long for type character varying",
            "Data too long for column",
            "object too large for cache",
            "cookie is too large",
        ),
    ),
    Symptom(
        "the store adds what it already has, changes the order, or refuses: look which version it is, and what its "
        "methods do",
        phrases=(
            "duplicat|doubled|doubles|repeated|twice history|message|conversation|chats|turns",
            "revers|reorder|order|unordered|shuffl history|messages|conversation|store|turns",
            "serializ|serialis|pydantic|validation history|messages|memory|chatmessage|store",
            "refus|reject store|redischatstore|chatstore message|messages|history|block|blocks",
            "tool|image|block|blocks|metadata|kwargs $forgets|stripped "
            "load|loads|loading|loaded|store|stored|save|saved|saving|reload",
            "cookie large|big|size|limit|grows|4096|4kb|long",
        ),
    ),
    Symptom(
        "the Redis chat store refused a message; upgrade it",
        ("Invalid input of type: '*'. Convert to a bytes, string, int or float first",),
        "refused-write",
    ),
)
