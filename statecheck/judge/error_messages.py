"""Error messages that state loss leaves behind, and what they point to: the table behind `explain "MESSAGE"`.

Collected from public threads and from runs. A `*` in a pattern stands for whatever the message names there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """A message and what it points to.

    Attributes:
        text: the constant core of the message; `*` stands for anything.
        cause: code of the cause, or None if it is a fault of another sort.
        kind: kind within the cause, or None.
        advice: one sentence.
    """

    text: str
    cause: str | None
    kind: str | None
    advice: str


def _all(points_to: str, advice: str, *texts: str) -> tuple[Message, ...]:
    """Several messages that point to the same: a code, with a kind behind it, or "" for neither."""
    cause, _, kind = points_to.partition(" ")
    return tuple(Message(text, cause or None, kind or None, advice) for text in texts)


MESSAGES: tuple[Message, ...] = (
    *_all(
        "SC107 dropped-memory",
        "the agent's memory was left out of the Context; pass `memory=` on every run",
        "Skipping serialization of known unserializable key: memory",
        "will require this item to be set manually after deserialization",
    ),
    *_all(
        "SC107 refused-write",
        "chat messages cannot be serialised with pydantic 2.14 or newer; pin pydantic<2.14 or keep messages"
        " in `Memory` on a database",
        "'index_key' is expected to be an integer or a string",
        "Error calling function `chat_message_serialization`",
    ),
    *_all(
        "SC104",
        "a value in the Context cannot be saved; store plain data, and open clients and locks elsewhere",
        "Failed to serialize state value for key *:",
        "Failed to serialize value: <class",
        "Can't pickle local object *<lambda>",
        "keys must be str, int, float, bool or None, not ModelMetaclass",
    ),
    *_all(
        "SC107 dropped-memory",
        "the memory in a saved Context cannot be loaded; pass `memory=` on every run",
        "Failed to deserialize value for key memory",
        "Can't instantiate abstract class BaseMemory",
        "Can't instantiate abstract class BaseChatStore",
    ),
    *_all(
        "SC104 stale-snapshot",
        "the app swallows the error and forgets; the error before it says why",
        "Failed to restore context, starting fresh",
    ),
    *_all(
        "SC104",
        "a saved Context does not fit the code that loads it; save the version beside it and start anew "
        "where it differs",
        "the provided payload has a wrong or old format",
        "Context dict specified in an invalid format:",
        "Cannot load serialized workflow context with version=",
        "1 validation error for AgentStream",
        "Worker * not found in in_progress",
        "Cannot parse store_type '*' as InMemorySerializedState",
        "Stored handler result cannot be decoded",
    ),
    *_all("SC104", "name the class in the serializer's allowed_types", "is not in the serializer's allowed types"),
    *_all(
        "SC105",
        "two turns share one Context; one is refused, so lock the session or give each run its own",
        "Cannot start a new run while context is already running",
    ),
    *_all(
        "SC104",
        "this run's Context is not the one that was written to; load the saved one, and give `get` a default",
        "Path '*' not found in state",
    ),
    *_all("SC104", "use `await ctx.store.get` and `await ctx.store.set`", "'Context' object has no attribute 'state'"),
    *_all(
        "SC104",
        "the app's own message: nothing was saved for this run, or another worker holds it",
        "No existing state found for workflow_id",
    ),
    *_all("SC104", "the app's own message: save `Context.to_dict()` after the run", "Workflow state was not persisted"),
    *_all(
        "SC104",
        "read a durable Context inside a step, or after run() was called",
        "Context.store cannot be accessed before workflow start for durable state store",
    ),
    *_all("SC105", "change the state that edit_state yields instead", "writer called inside edit_state"),
    *_all(
        "SC103",
        "the WorkflowServer's memory was lost with its process, or is in another replica; give it a "
        "SqliteWorkflowStore",
        "Handler not found",
    ),
    *_all(
        "SC102",
        "the session is in one worker's memory and the request reached another; share the store between workers",
        "Session not found",
        "Session already exists:",
        "Conversation not found: conv_",
        "Invalid session",
        "Session ID unknown",
    ),
    *_all(
        "SC105",
        "two turns of one session overlap; let them run one after the other",
        "last_update_time provided in the session object * is earlier than the update_time",
    ),
    *_all(
        "SC106 ignored-key",
        "no session key reached the store; hand the client's key on",
        "requires one or more of the following 'configurable' keys: thread_id",
        "No session ID found",
        "KeyError: 'session_id'",
        "KeyError: session_id",
    ),
    *_all(
        "",
        "the memory's token_limit is smaller than what always precedes the history; raise it",
        "Initial token count exceeds token limit",
    ),
    *_all("", "give the memory a token_limit above 0", "Token limit must be set and greater than 0"),
    *_all(
        "SC105",
        "a tool call and its result were parted, by a token limit or by overlapping turns; cut in pairs, "
        "one turn at a time",
        "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'",
        "not found in 'tool_calls' of previous message",
    ),
    *_all(
        "SC107 several-threads",
        "threads share a store by its blocking methods, which start an event loop each; use `achat` in `async def`"
        " handlers, or let one thread at a time use it",
        "is bound to a different event loop",
    ),
    *_all(
        "",
        "a client or memory is used from another event loop; use the async API from end to end",
        "attached to a different loop",
        "Event loop is closed",
        "Detected nested async",
        "asyncio.run() cannot be called from a running event loop",
        "Can't patch loop of type <class 'uvloop.Loop'>",
        "There is no current event loop in thread",
    ),
    *_all(
        "SC105",
        "two tasks share one database connection; take one from a pool for each turn",
        "cannot perform operation: another operation is in progress",
    ),
    *_all("SC104 unset-mutation", "a write was never awaited, so it never happened", "coroutine '*' was never awaited"),
    *_all(
        "SC101 stream-cut",
        "a background write died before it was done; keep a reference to its task and await it",
        "Task was destroyed but it is pending",
    ),
    *_all(
        "SC107 refused-write",
        "the table was asked for before it was made: two first uses at once, or a fresh `:memory:` database",
        "no such table:",
    ),
    *_all(
        "SC105 library-store",
        "several writers share one SQLite file; give it WAL mode and a busy timeout, or use a server",
        "database is locked",
        "UNIQUE constraint failed: agent_sessions.session_id",
    ),
    *_all(
        "",
        "a database connection idled too long or outlived its pool; check it when it is taken",
        "the connection is closed",
        "SSL connection has been closed unexpectedly",
    ),
    *_all(
        "SC102 forked-connection",
        "a connection was opened before the fork; connect in each worker",
        "SSL error: decryption failed or bad record mac",
        "SSL SYSCALL error: EOF detected",
        "threads can only be started once",
    ),
    *_all(
        "SC107 refused-write",
        "a message holds a provider's object and was not stored; store its plain fields",
        "is not JSON serializable",
        "Unable to serialize unknown type:",
    ),
    *_all(
        "SC107 refused-write",
        "a message could not be stored; upgrade llama-index-core and pydantic together",
        "'MockValSer' object cannot be converted to 'SchemaSerializer'",
    ),
    *_all(
        "SC107 refused-write",
        "the Redis chat store refused a message; upgrade it",
        "Invalid input of type: '*'. Convert to a bytes, string, int or float first",
    ),
    *_all(
        "SC103", "the persist_dir is missing or not on the volume", "No existing llama_index*simple_kvstore found at"
    ),
    *_all(
        "SC103 worker-recycle",
        "the server replaced the worker, and what it held in memory is gone; keep conversations outside the process",
        "WORKER TIMEOUT (pid:*)",
        "was sent SIGKILL! Perhaps out of memory",
        "was terminated due to signal",
        "Autorestarting worker after current request",
        "Booting worker with pid:",
        "Child process [*] died",
        "Maximum request limit of * exceeded. Terminating process",
        "WorkerLostError: Worker exited prematurely",
    ),
    *_all(
        "SC103 worker-recycle",
        "the server reloads when the app writes its own store; write outside the watched folder",
        "detected changes in '*'. Reloading",
    ),
    *_all("SC102", "several workers serve the app; share the store between them", "Started parent process [*]"),
)


def matching(text: str) -> list[Message]:
    """Return the rows whose message stands in a text, or whose core the text is a part of; the longest first."""
    plain = _plain(text)
    found = [message for message in MESSAGES if _stands_in(message, plain)]
    if not found and len(plain) >= 12 and " " in plain:
        found = [message for message in MESSAGES if plain in _plain(message.text)]
    return sorted(found, key=lambda message: -len(message.text))


def _stands_in(message: Message, plain: str) -> bool:
    parts = [re.escape(part) for part in _plain(message.text).split("*")]
    return re.search(".*".join(parts), plain) is not None


def _plain(text: str) -> str:
    return " ".join(text.lower().split())
