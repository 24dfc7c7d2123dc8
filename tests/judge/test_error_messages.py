"""Messages and phrases that people paste, and what `explain` makes of them."""

from __future__ import annotations

import pytest

from statecheck.judge.error_messages import find_messages
from statecheck.report.explanation import render

# what is pasted: the causes of which the first row has to name one; none where it is a fault of another sort
PASTED: dict[str, tuple[str, ...]] = {
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'.": (),
    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.": (),
    "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after": (),
    "unexpected `tool_use_id` found in `tool_result` blocks": (),
    "prompt is too long: 210042 tokens > 200000 maximum": (),
    "ValueError: Initial token count exceeds token limit": (),
    "[] is too short - 'messages'": (),
    "Couldn't resume chat: Thread not found": ("SC102", "SC103"),
    '{"detail":"Run not found"}': ("SC102", "SC103"),
    '{"detail":"Session not found"}': ("SC102", "SC103"),
    "Conversation not found: conv_123": ("SC102", "SC103"),
    "No existing chat history found for key user-123": ("SC106",),
    "ValueError: No existing llama_index.core.vector_stores.simple found at ./v.json, skipping load.": ("SC103",),
    "No existing llama_index.core.storage.kvstore.simple_kvstore found at ./storage/docstore.json.": ("SC103",),
    "VectorStoreNotFoundError": ("SC103",),
    "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)": ("SC105", "SC107"),
    "WARNING:  StatReload detected changes in 'chat_store.json'. Reloading...": ("SC103",),
    "AttributeError: 'Context' object has no attribute 'state'": ("SC104",),
    "AttributeError: 'Context' object has no attribute 'get'": ("SC104",),
    "TypeError: 'InMemoryStateStore' object does not support item assignment": ("SC104",),
    "ValueError: Path 'approved' not found in state": ("SC104",),
    "ValueError: Attempt to deserialize context failed": ("SC104",),
    "TypeError: Workflow.__init__() got an unexpected keyword argument 'memory'": (),
    "ValueError: Unexpected kwargs: {'session_id': 'x'}": (),
    "workflows.errors.WorkflowTimeoutError: Operation timed out after 45.0 seconds": (),
    "KeyError: 'st.session_state has no key \"chat_engine\". Did you forget to initialize it?'": ("SC101", "SC103"),
    'AttributeError: st.session_state has no attribute "messages". Did you forget to initialize it?': (
        "SC101",
        "SC103",
    ),
    "missing ScriptRunContext! This warning can be ignored when running in bare mode.": (),
    "chainlit.context.ChainlitContextException: Chainlit context not found": (),
    "LookupError: <ContextVar name='chainlit' at 0x7f1b>": (),
    "SessionInterrupted: The request's session was deleted before the request completed.": ("SC105",),
    "InvalidRequestError: Table 'llama_index_memory' is already defined for this MetaData instance.": ("SC107",),
    "sqlalchemy.exc.MissingGreenlet: greenlet_spawn has not been called; can't call await_only() here.": (),
    "sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached, connection timed out": (),
    "asyncpg.exceptions._base.InterfaceError: cannot perform operation: another operation is in progress": ("SC105",),
    "Task <Task pending name='Task-5' coro=<...>> got Future <Future pending> attached to a different loop": (),
    "redis.exceptions.ResponseError: WRONGTYPE Operation against a key holding the wrong kind of value": ("SC106",),
    "redis.exceptions.ConnectionError: Error 111 connecting to localhost:6379. Connection refused.": (),
    "peer closed connection without sending complete message body (incomplete chunked read)": (),
    "the agent forgets the previous message": ("SC101", "SC104"),
    "users see each other's chat history": ("SC106",),
    "works locally but loses memory with several workers": ("SC102",),
    "chat history is gone after a restart": ("SC103",),
    "messages go missing when two are sent at the same time": ("SC105",),
    "history_msgs=0": ("SC101", "SC106"),
    "bot loses context between requests": ("SC101",),
    "user A can see user B's messages": ("SC106",),
    "conversation disappears after every deploy": ("SC103",),
    "memory lost with gunicorn -w 4": ("SC102",),
    "two messages sent quickly, one disappears": ("SC105",),
    "sometimes it remembers, sometimes not": ("SC102",),
    "customers get answers from other people's conversations": ("SC106",),
}
OF_OTHER_SORTS = (
    "what is the weather",
    "TypeError: unsupported operand type(s) for +: 'int' and 'str'",
    "KeyError: 'name'",
    "openai.RateLimitError: Error code: 429",
    "INFO user logged in, 12 other rows were noted",
)


@pytest.mark.parametrize("pasted", PASTED)
def test_what_is_pasted_names_its_cause_or_none(pasted: str) -> None:
    found = find_messages(pasted)

    assert found
    assert {message.cause for message in found} <= {*(PASTED[pasted] or (None,))}
    assert f"{found[0].cause or 'no cause of its own'}" in render(pasted, "full")


@pytest.mark.parametrize("pasted", OF_OTHER_SORTS)
def test_nothing_is_made_of_what_says_nothing_of_state(pasted: str) -> None:
    assert find_messages(pasted) == []


def test_words_that_stand_together_by_chance_are_no_phrase() -> None:
    said = "the agent forgets the previous message"

    assert find_messages(said)
    assert find_messages(said + " and" * 40) == []
