"""SC106 session-key: the conversation is kept, but under another key.

## What it means

The conversation is in a store that the next message could reach, but under another key. Or everybody has the same
key, and one user is shown another user's conversation.

## Why it happens

The server makes a new id for every request and never tells it to the client; the client's id is ignored, or gets
lost between the handler and the memory. `Memory.from_defaults()` without `session_id` takes a random one each time,
so even rows in a good database are never found again. The other way round, `ChatMemoryBuffer` without
`chat_store_key` uses the constant `"chat_history"`: all users of one chat store share it. So do all users of one
module-level engine or workflow, of a `Memory` in a cached `Resource`, and of one `VectorMemoryBlock`, whose session
filter sticks to the first session that used it.

## How statecheck shows it

Every turn shows the key that was sent and the key under which the app looked. Lost: in `same-process` the two
differ, or the key looked up changes from turn to turn. Leaked: in `other-session` a second client, without cookies
and with another key, has its model given the first one's marker. Swapped: in `two-sessions` a turn of each of two
sessions is held at its model call while the other comes, and then each is asked again: one is given what the other
said.

## Example

```python
import uuid

from fastapi import FastAPI
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.memory import Memory
from sqlalchemy.ext.asyncio import create_async_engine

app = FastAPI()
engine = create_async_engine("sqlite+aiosqlite:///conversations.db")


@app.post("/chat")
async def chat(payload: dict):
    session_id = str(uuid.uuid4())  # nobody ever hears of it
    memory = Memory.from_defaults(session_id=session_id, async_engine=engine)
    chat_engine = SimpleChatEngine.from_defaults(memory=memory)
    return {"answer": str(await chat_engine.achat(payload["message"]))}
```

## Fix

Take the key from the client, refuse a turn without one (or make one and return it), and hand it on to the memory.
In a real app the key also has to belong to the user who is signed in.

```python
from fastapi import FastAPI
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.memory import Memory
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import create_async_engine

app = FastAPI()
engine = create_async_engine("sqlite+aiosqlite:///conversations.db")


class Turn(BaseModel):
    session_id: str  # required: without it the answer is 422, not a silent new conversation
    message: str


@app.post("/chat")
async def chat(turn: Turn):
    memory = Memory.from_defaults(session_id=turn.session_id, async_engine=engine)
    chat_engine = SimpleChatEngine.from_defaults(memory=memory)
    return {"session_id": turn.session_id, "answer": str(await chat_engine.achat(turn.message))}
```

## Kinds

- `new-key`: a key is made anew for each request, by each process (from `os.getpid()`, or by `hash()` of a text), or in
  each container (from `socket.gethostname()`).
- `dated-key`: the day is a part of the key, of a folder's name or a file's (`f"{user}:{date.today()}"`): at midnight
  every conversation begins anew. A warning; not where a turn looks at other days too.
- `ignored-key`: the client's key never reaches the store. Known by messages; experiments show `new-key` or
  `shared-key`.
- `other-type`: what is stored comes back with keys of another type: `7` went into a JSON file, and `"7"` comes out.
- `shared-key`: all sessions use one key, or all of one company do, and see each other's conversation.
- `shared-instance`: all sessions use one object (an engine, a workflow, a memory block), and see each other's
conversation.
- `swapped`: one after the other sessions are kept apart; at once one is given the other's. Each request puts its user,
  or its memory, into something that all share, and reads it again after it has waited for the model.

- `folded-key`: keys that differ become one on the way to the store: by `lower()`, by a pattern that leaves letters
  alone, by the first eight characters, by `LIKE`. Two users whose ids are spelled alike share one conversation.
- `repeated-id`: one id is handed out twice. By two processes: a counter in memory begins again with each process, after
  a restart too, and so does `random` with a seed of its own, while the conversations are in a database that all share.
  Or to two users who come at the same time: `len(chats) + 1`, `max(id) + 1`, the time in whole seconds.
- `other-thread`: the client sends a user and a thread, and the conversation goes by the user: a new thread begins
  with the old one's. A warning, as it may be meant so.
- `other-tenant`: the client names a tenant (a school, a company, a shop) beside its key, and the conversation goes by
  the key alone: pupil 7 of one school is given what pupil 7 of another one said. A warning where nothing shows that
  two tenants may give one key, as they do with numbers.
- `shared-answer`: answers are kept by the question's text, whoever asks (a dict, a table, `lru_cache`, Redis): who
  says what another user has said is sent that one's answer, made of that one's conversation.
- `keyless`: the key may be left out, and all who do so share one conversation. A warning; an error where they are
  given what somebody said who sends a key.

## See also

SC101 when nothing is left of the store, whatever the key.
"""

from __future__ import annotations

from statecheck.experiments import KEYLESS, OTHER_TENANT
from statecheck.judge.cause import Cause, Question, Symptom, Topic
from statecheck.judge.causes.session_key.answers import find_shared_cache
from statecheck.judge.causes.session_key.days import find_dated_key
from statecheck.judge.causes.session_key.examples import COUNTEREXAMPLES, EXAMPLES
from statecheck.judge.causes.session_key.handed_out import find_repeated_id
from statecheck.judge.causes.session_key.keys import (
    find_key_of_each_container,
    find_key_of_each_process,
    find_key_read_back,
    find_other_key,
)
from statecheck.judge.causes.session_key.sharing import (
    find_folded_key,
    find_keyless,
    find_leak,
    find_other_tenant,
    find_other_thread,
)
from statecheck.judge.causes.session_key.swapping import find_swap

CAUSE = Cause(
    code="SC106",
    name="session-key",
    question="Is turn 1 in a store that turn 2 could reach, under another key, or shown to another session?",
    questions=(
        Question(
            find_other_key,
            baseline="not-kept",
            about=Topic.FORGETTING,
            masks=(Topic.FORGETTING, Topic.WAITING),
            order=30,
        ),
        Question(find_leak, baseline="any", about=Topic.SHARING),
        Question(find_swap, about=Topic.SHARING),
        Question(find_key_read_back, masks=(Topic.PLACE,), order=65),
        Question(find_other_thread, about=Topic.SHARING),
        Question(find_other_tenant, about=Topic.SHARING),
        Question(find_keyless, about=Topic.SHARING),
        Question(find_folded_key, about=Topic.SHARING),
        Question(find_repeated_id, about=Topic.SHARING),
        Question(find_shared_cache, about=Topic.SHARING),
        Question(find_dated_key),
        # each process has a key of its own: where else the turn is not kept cannot be seen
        Question(find_key_of_each_process, masks=(Topic.PLACE,), order=70),
        Question(find_key_of_each_container, masks=(Topic.PLACE,), order=75),
    ),
    rank=40,
    fix="take the session key from the client, hand it on to the memory or store, and let no two sessions share one",
    kinds=(
        "new-key",
        "dated-key",
        "ignored-key",
        "other-type",
        "shared-key",
        "shared-instance",
        "swapped",
        "folded-key",
        "repeated-id",
        "other-thread",
        OTHER_TENANT,
        "shared-answer",
        KEYLESS,
    ),
    symptoms=(
        Symptom(
            "no session key reached the store; hand the client's key on",
            (
                "requires one or more of the following 'configurable' keys: thread_id",
                "No session ID found",
                "KeyError: 'session_id'",
                "KeyError: session_id",
            ),
            "ignored-key",
        ),
        Symptom(
            "the store was asked under a key that nothing was written to; compare what is written with what is read",
            ("No existing chat history found for key", "No chat history found for"),
            "new-key",
        ),
        Symptom(
            "two parts of the app use one key for different things; give each a prefix of its own",
            ("WRONGTYPE Operation against a key holding the wrong kind of value",),
        ),
        Symptom(
            "one key, or one object, serves all users",
            phrases=(
                "$user other|another|else|everyone|share|same|mix|mixed|mixes|leak|wrong|cross|different|bleed|all "
                "$thing|name|data",
                "see|sees|saw|seen|shown|shows|gets|answers $user|other|another "
                "history|histories|conversation|chat|message|session|answer|name|data",
                "leak|mixed|mixes|bleed|crossed|swapped|confuses $user|session|threads|chats",
                "another name|data|answer|history|conversation|chat",
                "wrong name|user|person|customer|conversation|history|session|account|tenant",
                "default|static|constant|hardcoded|fixed.|single. session|key|thread|conversation $user",
            ),
            kind="shared-key",
        ),
        Symptom(
            "the client is not known again: its cookie is not set, or under another name, or signed with a secret that "
            "each process makes for itself",
            phrases=(
                "cookie|secret|logout not|isnt|wasnt|never|different|differs|another|each|every|new|changes|$forgets",
                "login again|each|every|lost|forgets",
                "session|thread|key|id changes|changing|new|different|regenerated|random every|each|always",
            ),
        ),
    ),
    examples=EXAMPLES,
    counterexamples=COUNTEREXAMPLES,
    doc=__doc__ or "",
    told=("ignored-key",),
)
