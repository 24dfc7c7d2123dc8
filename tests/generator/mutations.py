"""Small edits that plant a cause, and a kind of it, into a correct app.

An edit replaces text that stands exactly once in the app's source; an app without that text is none that it applies to.
What a mutant must be diagnosed with is known by construction.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Edit = tuple[str, str]


@dataclass(frozen=True)
class Mutation:
    """One way to break an app.

    Attributes:
        name: what is done.
        edits: (text, what takes its place) each.
        must: causes that the mutant has, the primary one first.
        kind: the kind of the primary cause, or "" where it has none of its own.
        warning: the kind of a finding that is a warning, and the mutant's too.
        may: causes that are right to name too.
        stores, styles: the parts that it is for; empty for all.
        verdict: of what is harmless.
    """

    name: str
    edits: tuple[Edit, ...]
    must: tuple[str, ...]
    kind: str = ""
    warning: str = ""
    may: frozenset[str] = field(default_factory=frozenset)
    stores: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    verdict: str = "healthy"

    @property
    def harmless(self) -> bool:
        """Whether it only looks as if it broke the app: nothing may be found in it."""
        return not self.must and not self.warning

    def apply(self, source: str, store: str, style: str) -> str | None:
        """Return the mutant's source, or None where an edit has no place in it."""
        if (self.stores and store not in self.stores) or (self.styles and style not in self.styles):
            return None
        for old, new in self.edits:
            if source.count(old) != 1:
                return None
            source = source.replace(old, new)
        return source


PROCESS = ("multi-worker", "container-restart")
RACE = frozenset({"async-race"})
_PLAIN = ("rows", "files", "redis")
_DATABASES = ("engine-db", "uri-db")
_ENTER = " answer(session_id, message):\n"

OF_CAUSES: tuple[Mutation, ...] = (
    Mutation("off-the-volume", (('"data/', '"'),), ("container-restart",), stores=("rows", "files", "database")),
    Mutation("off-the-volume", (("///data/", "///"),), ("container-restart",), stores=_DATABASES),
    Mutation(
        "module-dict",
        (
            ("    turns = load(session_id)\n", "    turns = conversations.setdefault(session_id, [])\n"),
            ("    append(session_id, (", "    remember(session_id, ("),
            (
                "from pathlib import Path\n",
                "from pathlib import Path\n\nconversations = {}\n\n\n"
                "def remember(session_id, *turns):\n    conversations[session_id].extend(turns)\n",
            ),
        ),
        PROCESS,
        may=RACE,
        stores=_PLAIN,
        styles=("llm", "buffer", "cart"),
    ),
    Mutation(
        "cache-in-front",
        (
            (
                "    turns = load(session_id)\n",
                (
                    "    if session_id not in cache:\n        cache[session_id] = load(session_id)\n"
                    "    turns = list(cache[session_id])\n"
                ),
            ),
            ("    append(session_id, (", "    remember(session_id, ("),
            (
                "from pathlib import Path\n",
                (
                    "from pathlib import Path\n\ncache = {}\n\n\ndef remember(session_id, *turns):\n"
                    "    cache[session_id].extend(turns)\n    append(session_id, *turns)\n"
                ),
            ),
        ),
        ("multi-worker",),
        "stale-cache",
        may=RACE,
        stores=_PLAIN,
    ),
    Mutation(
        "new-key",
        (
            (_ENTER, f"{_ENTER}    session_id = str(uuid.uuid4())\n"),
            ("from pathlib import Path\n", "import uuid\nfrom pathlib import Path\n"),
        ),
        ("session-key",),
        "new-key",
        stores=_PLAIN,
    ),
    Mutation(
        "key-without-case",
        ((_ENTER, f"{_ENTER}    session_id = session_id.lower()\n"),),
        ("session-key",),
        "folded-key",
        may=RACE,
        stores=_PLAIN,
    ),
    Mutation("constant-key", ((_ENTER, f'{_ENTER}    session_id = "default"\n'),), ("session-key",), "shared-key"),
    Mutation(
        "swapped-user",
        (
            (_ENTER, f"{_ENTER}    global user\n    user = session_id\n"),
            ("    append(session_id, (", "    append(user, ("),
            ("from pathlib import Path\n", "from pathlib import Path\n\nuser = None\n"),
        ),
        ("session-key",),
        "swapped",
        may=RACE,
        stores=_PLAIN,
        styles=("llm", "buffer"),
    ),
    Mutation(
        "swapped-memory",
        (
            (
                "    engine = SimpleChatEngine.from_defaults(llm=Settings.llm, memory=memory_of(session_id))\n",
                "    engine._memory = memory_of(session_id)\n",
            ),
            (
                "\n\n{def} answer".replace("{def}", "async def"),
                "\nengine = SimpleChatEngine.from_defaults(llm=Settings.llm)\n\n\nasync def answer",
            ),
        ),
        ("session-key",),
        "swapped",
        may=RACE,
        stores=_DATABASES,
        styles=("engine",),
    ),
    Mutation(
        "load-model-save",
        (
            ("    append(session_id, (", "    overwrite(session_id, [*turns, ("),
            ("reply))\n    return", "reply)])\n    return"),
        ),
        ("async-race",),
        "user-code",
        stores=_PLAIN,
        styles=("llm", "buffer"),
    ),
    # nothing is awaited in between: an event loop's turns do not get there, but those of threads and other processes do
    Mutation(
        "load-again-and-save",
        (
            ("    append(session_id, (", "    overwrite(session_id, [*load(session_id), ("),
            ("reply))\n    return", "reply)])\n    return"),
        ),
        ("async-race",),
        "user-code",
        stores=_PLAIN,
        styles=("llm", "buffer"),
    ),
    Mutation(
        "memory-database",
        (("sqlite3.connect(DATABASE, timeout=30)", 'sqlite3.connect(":memory:")'),),
        ("request-scoped",),
        "memory-database",
        stores=("rows",),
    ),
    Mutation("no-database", ((", async_engine=database", ""),), ("request-scoped",), stores=("engine-db",)),
    Mutation("no-database", ((", async_database_uri=DATABASE", ""),), ("request-scoped",), stores=("uri-db",)),
    Mutation("no-store", (("chat_store=chat_store, ", ""),), ("request-scoped",), stores=("redis-store",)),
    Mutation("no-session-id", (("session_id=session_id, ", ""),), ("session-key",), "new-key", stores=_DATABASES),
    Mutation(
        "no-store-key", ((", chat_store_key=session_id", ""),), ("session-key",), "shared-key", stores=("redis-store",)
    ),
    Mutation(
        "kept-in-a-dict",
        (
            ("memory=memory_of(session_id)", "memory=memories[session_id]"),
            (
                _ENTER,
                (
                    f"{_ENTER}    if session_id not in memories:\n"
                    "        memories[session_id] = Memory.from_defaults(session_id=session_id)\n"
                ),
            ),
            ("from pathlib import Path\n", "from pathlib import Path\n\nmemories = {}\n"),
        ),
        PROCESS,
        may=RACE,
        stores=_DATABASES,
    ),
    Mutation("no-memory", ((", memory=memory_of(session_id)", ""),), ("unsaved-ctx",), styles=("agent",)),
    Mutation(
        "memory-of-the-agent",
        (
            (", memory=memory_of(session_id)", ""),
            ("tools=[], llm=Settings.llm", "tools=[], llm=Settings.llm, memory=memory_of(session_id)"),
        ),
        ("unsaved-ctx",),
        "ignored-memory",
        styles=("agent",),
    ),
    Mutation(
        "one-engine",
        (
            (
                "    engine = SimpleChatEngine.from_defaults(llm=Settings.llm, memory=memory_of(session_id))\n",
                "    global engine\n    engine = engine or SimpleChatEngine.from_defaults(llm=Settings.llm)\n",
            ),
            ("from pathlib import Path\n", "from pathlib import Path\n\nengine = None\n"),
        ),
        ("session-key", *PROCESS),
        "shared-instance",
        may=RACE,
        stores=_DATABASES,
        styles=("engine",),
    ),
    Mutation("no-context", (("ctx=ctx, ", ""),), ("unsaved-ctx",), styles=("context",)),
    Mutation(
        "never-loaded",
        (("Context.from_dict(flow, json.loads(row[0])) if row else Context(flow)", "Context(flow)"),),
        ("unsaved-ctx",),
        "stale-snapshot",
        styles=("context",),
    ),
    Mutation(
        "saved-before-the-run",
        (
            (", json.dumps(ctx.to_dict())]", ", saved]"),
            (
                "            reply = await flow.run(",
                "            saved = json.dumps(ctx.to_dict())\n            reply = await flow.run(",
            ),
        ),
        ("unsaved-ctx",),
        "stale-snapshot",
        styles=("context",),
    ),
    Mutation(
        "to-dict-into-a-dict",
        (
            (
                "            row = db.execute(SELECT, [session_id]).fetchone()\n",
                "            row = snapshots.get(session_id)\n",
            ),
            ("json.loads(row[0])", "row"),
            (
                "            db.execute(REPLACE, [session_id, json.dumps(ctx.to_dict())])\n",
                "            snapshots[session_id] = ctx.to_dict()\n",
            ),
            ("lock = asyncio.Lock()\n", "lock = asyncio.Lock()\nsnapshots = {}\n"),
        ),
        PROCESS,
        styles=("context",),
    ),
    Mutation(
        "state-of-the-workflow",
        (
            ('said = await ctx.store.get("said", default=[])', 'said = getattr(self, "said", [])'),
            ('await ctx.store.set("said", said)', "self.said = said"),
        ),
        ("session-key", *PROCESS),
        "shared-instance",
        styles=("context",),
    ),
    Mutation(
        "no-transaction",
        (
            (
                "    async with lock:\n        with transaction() as db:\n",
                "    if True:\n        with transaction() as db:\n",
            ),
            (
                "            ctx = Context.from_dict(",
                '            db.execute("COMMIT")\n            ctx = Context.from_dict(',
            ),
            (
                "            db.execute(REPLACE",
                '            db.execute("BEGIN IMMEDIATE")\n            db.execute(REPLACE',
            ),
        ),
        ("async-race",),
        "user-code",
        styles=("context",),
    ),
)
