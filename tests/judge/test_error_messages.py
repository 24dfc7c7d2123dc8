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
    "bot starts from scratch on every message": ("SC101",),
    "chat engine forgets context between API calls": ("SC101",),
    "memory is empty on the second request": ("SC101",),
    "history randomly disappears with gunicorn -w 4": ("SC102",),
    "works with one worker, fails with two": ("SC102",),
    "after scaling to 3 replicas the bot forgets": ("SC102",),
    "everything is forgotten when the container restarts": ("SC103",),
    "lambda cold start loses the chat history": ("SC103",),
    "workflow context is not persisted between runs": ("SC104",),
    "state in the Context is lost between workflow.run calls": ("SC104",),
    "race condition in chat history": ("SC105",),
    "user A sees user B's messages": ("SC106",),
    "sessions are mixed up between tenants": ("SC106",),
    "bot answers with somebody else's name": ("SC106",),
    "chat store reverses the order of messages": ("SC107",),
    "messages appear twice in the history": ("SC107",),
    "TypeError: Object of type ChatMessage is not JSON serializable": ("SC104", "SC107"),
    "KeyError: 'session_id'": ("SC102", "SC106"),
    "sqlite3.OperationalError: database is locked": ("SC105",),
    "OSError: [Errno 30] Read-only file system: 'chat_store.json'": ("SC103",),
    "PermissionError: [Errno 13] Permission denied: '/app/storage'": ("SC103",),
    "psycopg2.errors.UniqueViolation: duplicate key value violates unique constraint": ("SC105",),
    "RuntimeError: dictionary changed size during iteration": ("SC105",),
    "llama_index.core.workflow.errors.ContextSerdeError: Failed to serialize value": ("SC104",),
    "ValidationError: 1 validation error for ChatMessage": ("SC107",),
    "404: Unknown session": ("SC102", "SC103"),
    "400: Invalid session ID": ("SC102", "SC106"),
    "gradio state resets on refresh": ("SC101",),
    "set session_state in streamlit gets lost with multiple replicas": ("SC102",),
    "kombu.exceptions.EncodeError: Object of type ChatMessage is not JSON serializable": ("SC107",),
    "botocore.errorfactory.ValidationException: Item size has exceeded the maximum allowed size": ("SC107",),
    "human in the loop response is never received": ("SC102", "SC104"),
    "the session cookie isn't set": ("SC106",),
    "why does my RAG chatbot not remember what I said before?": ("SC101",),
    "follow-up questions don't work after deploying to heroku": ("SC101", "SC103"),
    "condense question engine ignores the conversation": ("SC101",),
    "my ReActAgent resets between endpoint calls": ("SC101", "SC104"),
    "sticky sessions fix it but why": ("SC102",),
    "global dict sessions not shared between gunicorn workers": ("SC102",),
    "with k8s HPA my chat bot forgets users": ("SC102", "SC103"),
    "sqlite file disappears on render.com after deploy": ("SC103",),
    "azure app service restarts and history is wiped": ("SC103",),
    "Context.from_dict doesn't restore memory": ("SC104", "SC107"),
    "AgentWorkflow state not saved": ("SC104",),
    "lost update in chat history json": ("SC105",),
    "last write wins on the session": ("SC105",),
    "bot mixes up users": ("SC106",),
    "privacy issue: I saw a stranger's conversation": ("SC106",),
    "default session_id used for everybody": ("SC106",),
    "SQLiteChatStore duplicates messages": ("SC107",),
    "tool messages missing after loading from the store": ("SC101", "SC103", "SC107"),
    "streaming response: history is not saved after the stream": ("SC101",),
    "workflow handler is None after restart": ("SC103", "SC104"),
    "it says it has no record of our earlier conversation": ("SC101",),
    "context window seems empty on turn 2": ("SC101",),
    "chat_engine.chat_history is always empty": ("SC101", "SC106"),
    "history only remembers the last message": ("SC101",),
    "flaky memory behind nginx with 3 upstreams": ("SC102",),
    "Hugging Face space sleeps and conversation is lost": ("SC103",),
    "conversation history lost when pod is evicted": ("SC103",),
    "data in /tmp vanishes between lambda invocations": ("SC103",),
    "workflow state resets each time I call run": ("SC104",),
    "my workflow never continues after HumanResponseEvent is sent": ("SC102", "SC104"),
    "history interleaved when users type at the same time": ("SC105",),
    "asyncio gather on the same memory drops messages": ("SC105",),
    "another person's documents appear in my chat": ("SC106",),
    "everyone is in the same conversation": ("SC106",),
    "session id changes on every request": ("SC106",),
    "PostgresChatStore stores each message twice": ("SC107",),
    "UnpicklingError: invalid load key": ("SC103", "SC105", "SC107"),
}
OF_OTHER_SORTS = (
    "openai.BadRequestError: Error code: 400 - {'error': {'message': \"Invalid value: 'tool'. ",
    "memory leak, RSS grows with each request",
    "CUDA out of memory",
    "TypeError: 'NoneType' object is not iterable",
    "how do I install llama-index",
    "openai.AuthenticationError: Incorrect API key provided",
    "ModuleNotFoundError: No module named 'llama_index'",
    "ImportError: cannot import name 'ServiceContext'",
    "ratelimit reached for gpt-4",
    "pip install fails with dependency conflict",
    "docker build fails",
    "the answer is wrong",
    "embedding dimension mismatch",
    "uvicorn not found",
    "server returned 500",
    "RuntimeError: Cannot run the event loop while another loop is running",
    "redis.exceptions.TimeoutError: Timeout reading from socket",
    "the GPU is too slow",
    "retrieval returns wrong documents",
    "how to change the system prompt",
    "agent does not call the tool",
    "streaming is slow",
    "the user interface is ugly",
    "json schema validation of tool arguments fails",
    "deploy to kubernetes how",
    "my login page does not load",
    "which database should I use",
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


def test_a_single_word_is_a_cause_s_name_before_it_is_a_message() -> None:
    assert render("async_race", "full").startswith("SC105 async-race")
    assert render("pymongo.errors.DocumentTooLarge", "full").startswith("SC107")
