"""Error messages that state loss leaves behind, and what they point to: the table behind `explain "MESSAGE"`.

Those of a cause are declared with it; here are those that are faults of another sort. Collected from public threads
and from runs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from statecheck.judge.cause import Symptom
from statecheck.judge.causes import CAUSES
from statecheck.judge.phrases import is_said, split_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Message:
    """A message and what it points to.

    Attributes:
        text: the constant core of the message; `*` stands for anything.
        cause: code of the cause, or None if it is a fault of another sort.
        kind: kind within the cause, or None.
        advice: one sentence.
        general: as `Symptom` has it.
    """

    text: str
    cause: str | None
    kind: str | None
    advice: str
    general: bool = False


_OF_NO_CAUSE: tuple[Symptom, ...] = (
    Symptom(
        "the memory's token_limit is smaller than what always precedes the history; raise it",
        ("Initial token count exceeds token limit",),
    ),
    Symptom(
        "a tool's call and its result were parted: one of them was cut off by a limit, never stored, or taken by an "
        "overlapping turn; cut and store them in pairs",
        (
            "must be followed by tool messages responding to each 'tool_call_id'",
            "messages with role 'tool' must be a response to a prec*ing message with 'tool_calls'",
            "not found in 'tool_calls' of previous message",
            "`tool_use` ids were found without `tool_result` blocks",
            "unexpected `tool_use_id` found in `tool_result` blocks",
            "No tool call found for function call output",
            "No tool output found for function call",
            "function response parts is equal to the number of function call parts",
        ),
    ),
    Symptom(
        "the history is longer than the model can take: give the memory a `token_limit` below the model's",
        (
            "prompt is too long: * tokens",
            "maximum context length is",
            "context_length_exceeded",
            "exceeds the context window",
            "exceeds the maximum number of tokens",
            "input length and `max_tokens` exceed context limit",
        ),
    ),
    Symptom(
        "the model was given no message at all: the history came back empty, and the new message was not added to it",
        (
            "[] is too short - 'messages'",
            "messages: at least one message is required",
            "contents is not specified",
            "messages must not be empty",
            "'messages' must contain at least one",
        ),
    ),
    Symptom(
        "the history has two messages of one side in a row, or begins with an answer: a turn was lost, stored twice or "
        "cut in half; cut and store question and answer together",
        (
            "roles must alternate",
            "first message must use the * role",
            "history must alternate",
            "alternating user/assistant",
            "alternate between user and model",
            "Conversation roles must alternate",
        ),
    ),
    Symptom(
        "a workflow takes no memory when it is built: give `memory=` to `run`",
        ("Workflow.__init__() got an unexpected keyword argument",),
    ),
    Symptom(
        "this memory takes no such argument: `chat_store_key=` of `ChatMemoryBuffer`, or `session_id=` of `Memory`",
        ("Unexpected kwargs: {", "got an unexpected keyword argument 'session_id'"),
    ),
    Symptom(
        "the run took longer than its timeout: one that waits for a person needs `timeout=None`, and its Context saved",
        ("Operation timed out after * seconds",),
    ),
    Symptom(
        "the page's state is asked for in a thread that has no session, or the script was not started by its server",
        ("missing ScriptRunContext",),
    ),
    Symptom(
        "the chat's session is asked for outside of a chat: in a thread, or while the module is imported",
        ("Chainlit context not found", "<ContextVar name='chainlit'"),
    ),
    Symptom(
        "an async engine is used from code that is not: use the async methods, or an engine that is sync",
        ("greenlet_spawn has not been called",),
    ),
    Symptom(
        "connections are not given back, or each request makes an engine of its own; make one for all",
        ("QueuePool limit of size * overflow * reached", "remaining connection slots are reserved", "too many clients"),
    ),
    Symptom(
        "no server is there; in a container `localhost` is the container itself: name the service",
        (
            "Error * connecting to *",
            "Connection refused",
            "Connect call failed",
            "could not translate host name",
            "Name or service not known",
        ),
    ),
    Symptom(
        "a stream broke off at the server: an error after its first piece, after which nothing is saved",
        (
            "peer closed connection without sending complete message body",
            "incomplete chunked read",
            "ClientPayloadError",
        ),
    ),
    Symptom(
        "give the memory a token_limit above 0",
        ("Token limit must be set and greater than 0",),
    ),
    Symptom(
        "a client or memory is used from another event loop; use the async API from end to end",
        (
            "attached to a different loop",
            "Event loop is closed",
            "Detected nested async",
            "asyncio.run() cannot be called from a running event loop",
            "Can't patch loop of type <class 'uvloop.Loop'>",
            "There is no current event loop in thread",
        ),
    ),
    Symptom(
        "a database connection idled too long or outlived its pool; check it when it is taken",
        (
            "the connection is closed",
            "SSL connection has been closed unexpectedly",
        ),
    ),
)


def _flatten(cause: str | None, symptoms: Iterable[Symptom], *, said: bool = False) -> Iterator[Message]:
    for symptom in symptoms:
        for text in symptom.phrases if said else symptom.messages:
            yield Message(text, cause, symptom.kind, symptom.advice, symptom.general)


MESSAGES: tuple[Message, ...] = (
    *(message for cause in CAUSES for message in _flatten(cause.code, cause.symptoms)),
    *_flatten(None, _OF_NO_CAUSE),
)
PHRASES: tuple[Message, ...] = tuple(
    message for cause in CAUSES for message in _flatten(cause.code, cause.symptoms, said=True)
)
"""What people say where there is no error message: `text` is as `Symptom.phrases` has it."""


def find_messages(text: str) -> list[Message]:
    """Return the rows whose message stands in a text, or whose core the text is a part of; the longest first.

    Where there are none: what is said in the text in other words, once for each cause.
    """
    plain = _plain(text)
    found = [message for message in MESSAGES if _stands_in(message, plain)]
    if not found and len(plain) >= 12 and " " in plain:
        found = [message for message in MESSAGES if plain in _plain(message.text)]
    found = found or _find_said(plain)
    unique = {message.advice: message for message in sorted(found, key=lambda message: len(message.text))}
    return sorted(unique.values(), key=lambda message: -len(message.text))


def _find_said(plain: str) -> list[Message]:
    words = split_words(plain)
    found = [message for message in PHRASES if is_said(message.text, words)]
    return [message for message in found if not message.general] or found


def _stands_in(message: Message, plain: str) -> bool:
    parts = [re.escape(part) for part in _plain(message.text).split("*")]
    return re.search(".*".join(parts), plain) is not None


def _plain(text: str) -> str:
    """A text in lower case, without quotes: they are other ones, or escaped, where a message was copied from."""
    return " ".join(re.sub(r"[`'\"\\\\]", "", text).lower().split())
