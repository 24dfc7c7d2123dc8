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

- `new-key`: a key is made anew for each request, or by each process: from `os.getpid()`, or by `hash()` of a text.
- `ignored-key`: the client's key never reaches the store. Known by messages; experiments show `new-key` or
  `shared-key`.
- `other-type`: what is stored comes back with keys of another type: `7` went into a JSON file, and `"7"` comes out.
- `shared-key`: all sessions use one key, and see each other's conversation.
- `shared-instance`: all sessions use one object (an engine, a workflow, a memory block), and see each other's
conversation.
- `swapped`: one after the other sessions are kept apart; at once one is given the other's. Each request puts its user,
  or its memory, into something that all share, and reads it again after it has waited for the model.

- `other-thread`: the client sends a user and a thread, and the conversation goes by the user: a new thread begins
  with the old one's. A warning, as it may be meant so.
- `keyless`: the key may be left out, and all who do so share one conversation. A warning; an error where they are
  given what somebody said who sends a key.

## See also

SC101 when nothing is left of the store, whatever the key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import (
    BASELINE,
    KEYLESS,
    NEW_PROCESS,
    OTHER_SESSION,
    OTHER_WORKER,
    SECOND_THREAD,
    TWO_SESSIONS,
)
from statecheck.judge.cause import KEPT, Cause, Example, Observation, Question, Symptom, Topic
from statecheck.judge.checks.mixing import find_leaks
from statecheck.judge.conversation.conversation import WRITES, service_key
from statecheck.judge.evidence.deployed import advise_per_tab
from statecheck.judge.evidence.intent import find_read_again, is_intended
from statecheck.judge.evidence.lines import anchor_of, anchors, find_builds
from statecheck.judge.evidence.services import asked_keys, is_query
from statecheck.judge.evidence.state_lines import find_related
from statecheck.judge.evidence.whereabouts import Whereabouts, database_of, find_mapping, find_whereabouts
from statecheck.model import Anchor

if TYPE_CHECKING:
    from collections.abc import Iterable

    from statecheck.history import Op
    from statecheck.judge.conversation import Conversation, Sent
    from statecheck.judge.evidence.case import Case


def find_leak(case: Case) -> Observation | None:
    """Was a client of another session given what this session said?"""
    conversation = case.conversations.get(OTHER_SESSION)
    if conversation is None or not case.leaked(OTHER_SESSION):
        return None
    first, second = conversation.turns[:2]
    baseline = case.conversations.get(BASELINE, conversation)
    kept = [place for turn in baseline.turns[:1] for place in find_whereabouts(baseline, turn.marker)]
    place = next((p for p in kept if p.anchor is not None and p.kind == "process"), None)
    builds = find_builds(conversation, first.marker, first)
    build = next((op for op in builds if op.frames and op.turn == first.number), None)
    if place is None and build is None:
        place = next((p for p in kept if p.anchor is not None), None)
    anchor = place.anchor if place else anchor_of(build)
    where = f", in `{place.text}`" if place else ""
    differ = "another session key" if first.key != second.key else "no session key at all"
    return Observation(
        f"one user's conversation is shown to another{where}: a client with {differ} was given turn 1",
        anchor,
        (case.reason(OTHER_SESSION),),
        kind="shared-instance" if _is_one_object(conversation, first, second, place) else "shared-key",
        related_to=find_related(conversation, first, first.marker, anchor or case.handler),
        fix=advise_per_tab(case),
    )


def _is_one_object(conversation: Conversation, first: Sent, second: Sent, place: Whereabouts | None) -> bool:
    """Whether both sessions used one memory object, and not two under one key."""
    ops = [conversation.state_ops(turn.number) for turn in (first, second)]
    used = [{op.obj for op in each if op.f == "memory" and op.obj} for each in ops]
    return bool(used[0] & used[1]) if any(used) else place is not None and place.kind == "process"


def find_swap(case: Case) -> Observation | None:
    """Was a session given what another said at the same time, though one after the other they are kept apart?"""
    conversation = case.conversations.get(TWO_SESSIONS)
    if conversation is None or not case.leaked(TWO_SESSIONS) or case.leaked(OTHER_SESSION):
        return None
    leak = next(find_leaks(conversation))
    turns = [turn.number for turn in conversation.overlap[1]]
    shared = _find_shared(conversation, turns)
    lines = shared.lines if shared is not None else ()
    written = next((Anchor(line.path, line.line) for line in lines if line.role == "written"), None)
    used = anchors(_find_used(conversation, turns), "used after the wait for the model")
    used += [Anchor(line.path, line.line, "read") for line in lines if line.role == "read"]
    anchor = written or next(iter(used), None)
    places = {(place.path, place.line): place for place in reversed(used)}
    if anchor is not None:
        places.pop((anchor.path, anchor.line), None)
    common = _find_common(conversation, turns)
    if shared is not None:
        what = f"`{shared.name}` is assigned by every request, and by the time it is used it may be another's"
    else:
        what = f"all requests change {f'one `{common}`' if common else 'something that they share'}"
    return Observation(
        f"two users at once are mixed up: {what}; turn {leak.turn.number} was given turn {leak.other.number}, "
        "which another user said",
        anchor,
        (case.reason(TWO_SESSIONS),),
        kind="swapped",
        related_to=tuple(places.values())[::-1],
        fix="keep what belongs to one request in local variables, arguments or a context variable, and build the "
        "engine in the request; or hold one lock from where it is set to where it is last used",
    )


def find_other_thread(case: Case) -> Observation | None:
    """Was a second thread of one user given what was said in the first?"""
    conversation = case.conversations.get(SECOND_THREAD)
    if conversation is None or not case.leaked(SECOND_THREAD) or case.leaked(OTHER_SESSION):
        return None
    anchor, related = _find_lookup(case, conversation, conversation.turns[1])
    return Observation(
        "a second thread of the same user is given what was said in the first thread: the thread that the client "
        "names does not choose the conversation",
        anchor,
        (case.reason(SECOND_THREAD),),
        kind="other-thread",
        severity="warning",
        related_to=related,
        fix="keep a conversation by user and thread; where all threads of a user are meant to share it, leave the "
        "thread out of the request",
    )


def find_keyless(case: Case) -> Observation | None:
    """Were clients that send no session key given each other's, or that of somebody who sends one?"""
    conversation = case.conversations.get(KEYLESS)
    if conversation is None or not case.leaked(KEYLESS) or case.leaked(OTHER_SESSION):
        return None
    leaks = list(find_leaks(conversation))
    keyed = next((leak for leak in leaks if leak.other.number == 1), None)
    leak = keyed or leaks[0]
    whose = "a user with a key said" if keyed else "others without one said: all of them share one conversation"
    anchor, related = _find_lookup(case, conversation, leak.turn)
    return Observation(
        f"a client that sends no session key is given what {whose}",
        anchor,
        (case.reason(KEYLESS),),
        kind=KEYLESS,
        severity="error" if keyed else "warning",
        related_to=related,
        fix="refuse a turn without a session key, or make a new key for it and return that",
    )


def _find_lookup(case: Case, conversation: Conversation, turn: Sent) -> tuple[Anchor | None, tuple[Anchor, ...]]:
    """Where a turn found the conversation, and what else concerns that."""
    builds = find_builds(conversation, turn.marker, turn)
    anchor = anchor_of(next((op for op in builds if op.frames and op.turn == turn.number), None))
    related = find_related(conversation, turn, turn.marker, anchor or case.handler)
    return anchor or next((place for place in related if place.text == "read"), None), related


def _find_used(conversation: Conversation, turns: Iterable[int]) -> list[Op]:
    """Ops of the user's code on what may have been exchanged meanwhile: writes to state, then calls of the model."""
    ops = [op for turn in turns for op in conversation.state_ops(turn) if op.action in WRITES]
    return [op for op in (*ops, *(op for turn in turns for op in conversation.select("model", turn))) if op.frames]


def _find_common(conversation: Conversation, turns: Iterable[int]) -> str:
    """The class of a state object that all of these turns wrote to, or ""."""
    written = [{(op.obj, op.cls) for op in conversation.state_ops(n) if op.obj and op.action in WRITES} for n in turns]
    return next((cls for _, cls in sorted(set.intersection(*written))), "") if written else ""


def _find_shared(conversation: Conversation, turns: Iterable[int]) -> Op | None:
    """What functions assign and share: of one that is seen to have run in these turns, else the first."""
    ran = {
        (frame.path, frame.function) for turn in turns for op in conversation.select(turn=turn) for frame in op.frames
    }
    known = [op for op in conversation.select("shared") if op.lines]
    return min(known, key=lambda op: (op.lines[0].path, op.method) not in ran, default=None)


def find_other_key(case: Case) -> Observation | None:
    """Is turn 1 kept where turn 2 could have reached it, under another key than turn 2 used?"""
    conversation = case.conversations.get(BASELINE)
    if conversation is None or not case.lost(BASELINE):
        return None
    first, second = conversation.turns[:2]
    finders = (_store_keys, _cache_keys, _place_keys)
    pair = next(filter(None, (find(conversation, first, second) for find in finders)), None)
    if pair is None:
        return _find_missed_read(case, conversation, first, second)
    return _report_keys(case, conversation, pair, "request")


def find_key_of_each_process(case: Case) -> Observation | None:
    """Did another process look for turn 1 in the store that both use, under a key of its own?"""
    for name in (OTHER_WORKER, NEW_PROCESS):
        conversation = case.conversations.get(name)
        if conversation is None or not case.lost(name) or find_mapping(conversation, conversation.turns[0]):
            continue  # what is looked up in memory is lost with that
        if conversation.find_refusal(conversation.turns[1]) is not None:
            continue  # it has no key because it cannot read the session that holds it: SC102 and SC103
        for find in (_store_keys, _place_keys):
            pair = find(conversation, *conversation.turns[:2])
            alone = case.conversations.get(BASELINE)  # what has another key for each turn there too is found by no key
            either = alone is not None and len(alone.turns) > 1 and find(alone, *alone.turns[:2]) is not None
            if pair is not None and pair[2].kind != "process" and not either:
                return _report_keys(case, conversation, pair, "process")
    return None


def find_key_read_back(case: Case) -> Observation | None:
    """Did a new process read turn 1 from where it was stored into memory, under another key than turn 2 looked under?

    Asked before it is said that the turn died with its process.
    """
    conversation = case.conversations.get(NEW_PROCESS)
    if conversation is None or not case.lost(NEW_PROCESS):
        return None
    first, second = conversation.turns[:2]
    mine = [p for p in find_whereabouts(conversation, second.marker) if p.kind == "process" and p.pid == second.pid]
    stored = next((p for p in find_whereabouts(conversation, first.marker) if p.kind != "process"), None)
    for place in find_whereabouts(conversation, first.marker):
        used = next((p for p in mine if _stem(p.text) == _stem(place.text) != p.text), None)
        if place.kind != "process" or place.pid != second.pid or used is None or used.text == place.text:
            continue
        old, new = (each.text.removeprefix(_stem(each.text)).strip("[]") for each in (place, used))
        retyped = place.key == used.key
        anchor = next(iter(used.uses), None) or place.anchor
        origin = f" from `{stored.text}`" if stored is not None else ""
        summary = f"a new process has turn 1{origin} in `{_stem(place.text)}` under the key `{old}`, and turn 2 looked "
        return Observation(
            f"{summary}under `{new}`" + (": the key comes back as another type" if retyped else ""),
            anchor,
            (case.reason(NEW_PROCESS),),
            kind="other-type" if retyped else "new-key",
            related_to=find_related(conversation, first, first.marker, anchor or case.handler),
            fix="look under what is stored: JSON, for one, has no keys but texts, so `str(key)` wherever it is used"
            if retyped
            else "",
        )
    return None


def _report_keys(case: Case, conversation: Conversation, pair: tuple[str, str, Whereabouts], anew: str) -> Observation:
    old, new, place = pair
    second = conversation.turns[1]
    builds = find_builds(conversation, second.marker, second)
    build = next((op for op in builds if op.frames and op.turn == second.number), None)
    anchor = anchor_of(build) or place.anchor
    return Observation(
        f"turn 1 is kept in `{place.text}` under the key `{old}`, turn 2 looked under `{new}`: "
        f"the key is made anew for each {anew}",
        anchor,
        (case.reason(conversation.experiment),),
        kind="new-key",
        related_to=find_related(conversation, second, second.marker, anchor or case.handler),
    )


def _find_missed_read(case: Case, conversation: Conversation, first: Sent, second: Sent) -> Observation | None:
    """Turn 2 read the very store that has turn 1, and did not find it there."""
    place = find_read_again(conversation, first, second)
    held = conversation.writes(first.number, first.marker)
    # a Context that a server keeps in a database is found by its run: SC104 where nobody comes back for it
    of_a_run = any(op.f == "ctx-store" and not op.cls.startswith("InMemory") for op in held)
    if place is None or of_a_run or (place.kind == "service" and held):
        return None
    if any(first.marker in op.markers for op in conversation.select("wire", second.number, "read")):
        return None  # it was found
    queries = (op for op in conversation.select("sql", second.number, "send") if op.frames and is_query(op.text))
    anchor = anchor_of(next(queries, None)) or place.anchor
    return Observation(
        f"turn 1 is kept in `{place.text}`, which turn 2 read without finding it: it was looked up under another key",
        anchor,
        (case.reason(BASELINE),),
        kind="new-key",
        related_to=find_related(conversation, second, second.marker, anchor or case.handler),
    )


def _store_keys(conversation: Conversation, first: Sent, second: Sent) -> tuple[str, str, Whereabouts] | None:
    """Keys that a store was used with, where the marker outlived its turn in some reachable place."""
    kept = find_whereabouts(conversation, first.marker)
    held = conversation.writes(first.number, first.marker)
    old, new = _keys_of(held), _keys_of(conversation.state_ops(second.number))
    asked = list(asked_keys(conversation, first, second))
    for place in kept:
        keys = [key for op, key in asked if (op.where, service_key(op.text)) == (place.text, place.key)]
        if place.kind == "service" and place.key is not None and keys and place.key not in keys:
            return place.key, keys[0], place
    reachable = [place for place in kept if _is_the_store(conversation, place, held, old)]
    return (min(old), min(new), reachable[0]) if reachable and old and new and not old & new else None


def _is_the_store(conversation: Conversation, place: Whereabouts, held: list[Op], keys: set[str]) -> bool:
    """Whether a place is the keyed store that took the turn, and not a log that the text went to as well."""
    if any(key in place.text or key == place.key or (place.key and key in place.key) for key in keys):
        return True
    if place.kind == "process":
        return any(op.f == "chat-store" and (op.generation, op.obj) not in conversation.gone for op in held)
    name = database_of(place.text).rpartition("/")[2]
    return any(name in op.where for op in held if "://" in op.where)


def _cache_keys(conversation: Conversation, first: Sent, second: Sent) -> tuple[str, str, Whereabouts] | None:
    """Keys of the framework's cache, where turn 1 went in under another than turn 2 asked for."""
    old = _keys_of(conversation.handed_over(first.marker, first.number))
    new = _keys_of(conversation.handed_back(second.number))
    place = next(iter(find_whereabouts(conversation, first.marker)), None)
    return (min(old), min(new), place) if place is not None and old and new and not old & new else None


def _keys_of(ops: Iterable[Op]) -> set[str]:
    """The keys that ops carry."""
    return {op.key for op in ops if op.key is not None}


def _place_keys(conversation: Conversation, first: Sent, second: Sent) -> tuple[str, str, Whereabouts] | None:
    """Keys of the app's own container, where both turns are in it under different ones."""
    later = {(p.kind, _stem(p.text)): p for p in find_whereabouts(conversation, second.marker) if p.kind != "service"}
    for place in find_whereabouts(conversation, first.marker):
        other = later.get((place.kind, _stem(place.text)))
        if other is None or other.text == place.text or _stem(place.text) == place.text:
            continue
        if place.kind == "process" and not is_intended(conversation):
            continue
        return place.key or place.text, other.key or other.text, place
    return None


def _stem(text: str) -> str:
    """A place without its key: the container's name, or a file's folder."""
    return text.partition("[")[0] if "[" in text else text.rpartition("/")[0] or text


_NEW_KEY = """
1a > s
1a memory build #1 key=u1 cls=Memory where=sqlite+aiosqlite:///chat.db @app.py:9
1a memory write #1 1 key=u1 cls=Memory where=sqlite+aiosqlite:///chat.db @app.py:12
1a model read 1
1a <
2a > s
2a memory build #2 key=u2 cls=Memory where=sqlite+aiosqlite:///chat.db @app.py:9
2a memory write #2 2 key=u2 cls=Memory where=sqlite+aiosqlite:///chat.db @app.py:12
2a model read 2
2a <
-a disk 1 2 where=chat.db
"""
_SAME_KEY = _NEW_KEY.replace("u2", "u1")
_SHOWN_TO_ANOTHER = """
1a > alice
1a memory write #1 1 key=chat cls=Memory @app.py:12
1a model read 1
1a <
2a > bob
2a memory read #2 1 key=chat cls=Memory @app.py:12
2a model read 1 2
2a <
"""
_SWAPPED = """
1a > alice
1a model read 1
1a <
2a > bob
2a model read 2
2a <
3a > alice
4a > bob
3a model read 1 3 @app.py:20/ask
4a model read 2 4 @app.py:20/ask
3a sql write 3 database=sqlite @app.py:21/ask
3a <
4a <
3 overlap info held=2
-a shared info name=service.user method=chat @app.py:12/written @app.py:21/read
5a > bob
5a model read 2 3 4 5
5a <
6a > alice
6a model read 1 6
6a <
"""
_KEPT_APART_AT_ONCE = _SWAPPED.replace("2 3 4 5", "2 4 5").replace("1 6", "1 3 6")
_KEPT_APART = _SHOWN_TO_ANOTHER.replace("read 1 2", "read 2").replace("read #2 1", "read #2")
_LOADED_WHOLE = """
1a > alice
1a chat-store write #1 1 key=alice cls=SimpleChatStore @app.py:12
1a model read 1
1a <
2a > bob
2a chat-store load #2 1 key=chats.json cls=SimpleChatStore @app.py:11
2a chat-store read #2 2 key=bob cls=SimpleChatStore @app.py:12
2a model read 2
2a <
"""
_OTHERS_TIDIED = _LOADED_WHOLE.replace("load #2 1 key=chats.json", "read #2 1 key=alice")
_RETYPED = """
1a > 7
1a model read 1
1a <
-a disk 1 where=talks.json
-a place 1 where=bot.talks[7] key=7 cls=talks is_text @bot.py:12
2b > 7
2b model read 2
2b <
-b place 1 where="bot.talks['7']" key=7 cls=talks is_text @bot.py:12
-b place 2 where=bot.talks[7] key=7 cls=talks is_text @bot.py:12
"""
_FILTERED = _RETYPED.replace("\"bot.talks['7']\"", "bot.talks[7]")
_OTHER_THREAD = _SHOWN_TO_ANOTHER.replace("alice", "t1").replace("bob", "t2")
_WITHOUT_KEYS = """
1a > alice
1a model read 1
1a <
2a > -
2a model read 2
2a <
3a > -
3a memory build #2 cls=Memory @app.py:9
3a memory write #2 3 cls=Memory @app.py:9
3a model read 2 3
3a <
"""
_ALONE_WITHOUT_KEYS = _WITHOUT_KEYS.replace("read 2 3", "read 3")

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
        Question(find_keyless, about=Topic.SHARING),
        # each process has a key of its own: where else the turn is not kept cannot be seen
        Question(find_key_of_each_process, masks=(Topic.PLACE,), order=70),
    ),
    rank=40,
    fix="take the session key from the client, hand it on to the memory or store, and let no two sessions share one",
    kinds=("new-key", "ignored-key", "other-type", "shared-key", "shared-instance", "swapped", "other-thread", KEYLESS),
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
                "user|customer|people|person|client|tenant|everyone|everybody|stranger|someone "
                "other|another|each|else|everyone|share|same|mix|mixed|mixes|leak|all|wrong|cross|different "
                "history|histories|conversation|chat|message|memory|session|context|answer",
                "see|sees|seen|shown|shows user|customer|people|other|another|someone "
                "history|histories|conversation|chat|message|session|answer",
            ),
            kind="shared-key",
        ),
    ),
    examples=(
        Example("the key is made in each request", {BASELINE: _NEW_KEY}, "new-key"),
        Example("a number went into JSON as a key", {BASELINE: KEPT, NEW_PROCESS: _RETYPED}, "other-type"),
        Example("two sessions share a key", {BASELINE: KEPT, OTHER_SESSION: _SHOWN_TO_ANOTHER}, "shared-key"),
        Example("a user's threads are one", {BASELINE: KEPT, SECOND_THREAD: _OTHER_THREAD}, "other-thread"),
        Example("all without a key share one", {BASELINE: KEPT, KEYLESS: _WITHOUT_KEYS}, KEYLESS),
        Example("two requests swap what they share", {BASELINE: KEPT, TWO_SESSIONS: _SWAPPED}, "swapped"),
    ),
    counterexamples=(
        Example("what is read back is not used", {BASELINE: KEPT, NEW_PROCESS: _FILTERED}),
        Example("a database is written to under one key, and never read", {BASELINE: _SAME_KEY}),
        Example("another session is given nothing", {BASELINE: KEPT, OTHER_SESSION: _KEPT_APART}),
        Example("a file that holds all sessions is loaded", {BASELINE: KEPT, OTHER_SESSION: _LOADED_WHOLE}),
        Example("a turn tidies up another session's store", {BASELINE: KEPT, OTHER_SESSION: _OTHERS_TIDIED}),
        Example("each thread has its own", {BASELINE: KEPT, SECOND_THREAD: _KEPT_APART}),
        Example("without a key each has its own", {BASELINE: KEPT, KEYLESS: _ALONE_WITHOUT_KEYS}),
        Example("nothing is mixed up", {BASELINE: KEPT, TWO_SESSIONS: _KEPT_APART_AT_ONCE}),
    ),
    doc=__doc__ or "",
    told=("ignored-key",),
)
