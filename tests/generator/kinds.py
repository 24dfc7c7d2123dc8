"""Edits that plant a kind of which the causes have one finding each: in the app's store, and in what a client sends."""

from __future__ import annotations

from .handlers import LOOK_ALIKES, OF_HANDLERS
from .mutations import OF_CAUSES, PROCESS, RACE, Edit, Mutation

_PLAIN = ("rows", "files", "redis")
_TALKING = ("llm", "buffer")
_TOP = "from pathlib import Path\n"
_LOAD = "    turns = load(session_id)\n"
_SAVE = '    append(session_id, ("user", message), ("assistant", reply))\n'
_ADDED = '        db.executemany("{} INTO turns (session, role, content) VALUES (?, ?, ?)", values)'
_QUERY = "WHERE session = ? ORDER BY id"
_TURN = "    session_id: str\n    message: str\n"


def _on_top(text: str) -> Edit:
    return _TOP, f"{_TOP}{text}"


def _of_rows(name: str, query: str, **more: object) -> Mutation:
    return Mutation(name, ((_QUERY, query),), stores=("rows",), **more)  # type: ignore[arg-type]  # of a dataclass


OF_STORES: tuple[Mutation, ...] = (
    Mutation(
        "not-committed",
        (
            (
                "def append(session_id, *turns):\n    with closing(connect()) as db, db:\n",
                "def append(session_id, *turns):\n    with closing(connect()) as db:\n",
            ),
        ),
        ("broken-store",),
        "not-committed",
        stores=("rows",),
    ),
    _of_rows(
        "filtered-out",
        "WHERE session = ? AND role = 'approved' ORDER BY id",
        must=("broken-store",),
        kind="filtered-out",
    ),
    _of_rows(
        "oldest-window", f"{_QUERY} LIMIT 6", must=("broken-store",), kind="oldest-window", may=RACE, styles=_TALKING
    ),
    _of_rows("newest-first", f"{_QUERY} DESC", must=(), warning="newest-first", may=RACE, styles=_TALKING),
    Mutation(
        "never-read",
        (("[ChatMessage(role=role, content=content) for role, content in turns]", "[]"),),
        ("broken-store",),
        "never-read",
        stores=_PLAIN,
        styles=_TALKING,
    ),
    Mutation(
        "read-once",
        (("def load(session_id):\n", "@functools.cache\ndef load(session_id):\n"), _on_top("import functools\n")),
        ("broken-store",),
        "read-once",
        stores=("rows",),
    ),
    Mutation(
        "failed-save",
        (
            ("    append(session_id, (", "    save_later(session_id, ("),
            _on_top(
                "from threading import Thread\n\n\ndef save_later(session_id, *turns):\n"
                "    Thread(target=lambda: append(session_id, *map(dict, turns))).start()\n"
            ),
        ),
        ("broken-store",),
        "failed-save",
        stores=_PLAIN,
        styles=_TALKING,
    ),
    Mutation(
        "guarded-save",
        (("    append(session_id, (", "    if turns:\n        append(session_id, ("),),
        ("broken-store",),
        "guarded-save",
        stores=_PLAIN,
        styles=_TALKING,
    ),
    Mutation(
        "emptied-at-start",
        (
            (
                "\n\ndef load(session_id):\n",
                "\n\nwith closing(connect()) as db, db:\n"
                '    db.execute("DELETE FROM turns")\n\n\ndef load(session_id):\n',
            ),
        ),
        ("container-restart",),
        "emptied-at-start",
        may=frozenset({"multi-worker"}),
        stores=("rows",),
    ),
    Mutation(
        "not-put-back",
        (
            (_LOAD, "    turns = conversations.get(session_id, [])\n"),
            ("    append(session_id, (", "    remember(turns, ("),
            _on_top("\nconversations = {}\n\n\ndef remember(said, *turns):\n    said.extend(turns)\n"),
        ),
        ("request-scoped",),
        "not-put-back",
        stores=_PLAIN,
        styles=("llm",),
    ),
    Mutation(
        "evicted",
        (
            (_LOAD, "    turns = conversations.get(session_id, [])\n"),
            ("    append(session_id, (", "    remember(session_id, ("),
            _on_top(
                "from collections import OrderedDict\n\nMOST = 4\nconversations = OrderedDict()\n\n\n"
                "def remember(session_id, *turns):\n    conversations.setdefault(session_id, []).extend(turns)\n"
                "    conversations.move_to_end(session_id)\n    while len(conversations) > MOST:\n"
                "        conversations.popitem(last=False)\n"
            ),
        ),
        PROCESS,
        may=RACE,
        warning="evicted",
        stores=("files",),
        styles=_TALKING,
    ),
    Mutation(
        "answers-missing",
        ((_SAVE, '    append(session_id, ("user", message))\n'),),
        (),
        warning="answers-missing",
        stores=_PLAIN,
        styles=_TALKING,
    ),
    Mutation(
        "given-twice",
        (
            (_LOAD, f'    append(session_id, ("user", message))\n{_LOAD}'),
            (_SAVE, '    append(session_id, ("assistant", reply))\n'),
        ),
        (),
        warning="given-twice",
        may=RACE,
        stores=_PLAIN,
        styles=_TALKING,
    ),
    Mutation(
        "repeat-dropped",
        (
            (
                "PRIMARY KEY, session, role, content)",
                "PRIMARY KEY, session, role, content, UNIQUE (session, role, content))",
            ),
            (
                f"{_ADDED.format('INSERT')}\n\n\ndef overwrite",
                f"{_ADDED.format('INSERT OR IGNORE')}\n\n\ndef overwrite",
            ),
        ),
        ("broken-store",),
        "repeat-dropped",
        may=RACE,
        stores=("rows",),
        styles=_TALKING,
    ),
    Mutation(
        "shared-answer",
        (
            (_LOAD, f"{_LOAD}    if message in answers:\n        return answers[message]\n"),
            (_SAVE, f"{_SAVE}    answers[message] = reply\n"),
            _on_top("\nanswers = {}\n"),
        ),
        ("session-key",),
        "shared-answer",
        may=RACE,
        stores=_PLAIN,
        styles=_TALKING,
    ),
    Mutation(
        "interleaved",
        (
            (_LOAD, f'{_LOAD}    append(session_id, ("user", message))\n'),
            (_SAVE, '    append(session_id, ("assistant", reply))\n'),
        ),
        (),
        warning="interleaved",
        stores=_PLAIN,
        styles=_TALKING,
    ),
    Mutation(
        "tools-orphaned",
        ((_SAVE, '    append(session_id, ("user", message), ("tool", "It is sunny."), ("assistant", reply))\n'),),
        (),
        warning="tools-orphaned",
        stores=_PLAIN,
        styles=("llm",),
    ),
    Mutation(
        "reverses",
        (
            (
                "    engine = SimpleChatEngine",
                "    if chat_store.get_messages(session_id):\n        chat_store.delete_message(session_id, 0)\n"
                "    engine = SimpleChatEngine",
            ),
        ),
        ("broken-store",),
        "reverses",
        may=RACE,
        stores=("redis-store",),
        styles=("engine",),
    ),
    Mutation(
        "unset-mutation",
        (
            ("        said = [*said, ev.message]\n", "        said.append(ev.message)\n"),
            ('        await ctx.store.set("said", said)\n', ""),
        ),
        ("unsaved-ctx",),
        "unset-mutation",
        styles=("context",),
    ),
    Mutation(
        "unawaited-write",
        (("        await ctx.store.set(", "        ctx.store.set("),),
        ("unsaved-ctx",),
        "unawaited-write",
        styles=("context",),
    ),
)

OF_REQUESTS: tuple[Mutation, ...] = (
    Mutation(
        "resent",
        ((_TURN, f"    message_id: str\n{_TURN}"),),
        (),
        warning="resent",
        stores=_PLAIN,
        styles=_TALKING,
    ),
    Mutation(
        "keyless",
        (("    session_id: str\n", '    session_id: str = "main"\n'),),
        (),
        warning="keyless",
        stores=_PLAIN,
        styles=_TALKING,
    ),
    Mutation(
        "other-thread",
        (
            ("    session_id: str\n", "    user_id: str\n    thread_id: str\n"),
            ("answer(turn.session_id,", "answer(turn.user_id,"),
        ),
        (),
        warning="other-thread",
        stores=_PLAIN,
        styles=_TALKING,
    ),
    Mutation(
        "other-way",
        (
            (_TURN, f"{_TURN}    stream: bool = False\n"),
            (
                "await answer(turn.session_id, turn.message)}",
                "await (passed_on if turn.stream else answer)(turn.session_id, turn.message)}",
            ),
            (
                "\n\nclass Turn(",
                "\n\nasync def passed_on(session_id, message):\n"
                "    earlier = [ChatMessage(role=role, content=content) for role, content in load(session_id)]\n"
                '    asked = [*earlier, ChatMessage(role="user", content=message)]\n'
                "    return (await Settings.llm.achat(asked)).message.content\n\n\nclass Turn(",
            ),
        ),
        ("request-scoped",),
        "other-way",
        stores=_PLAIN,
        styles=_TALKING,
    ),
    Mutation(
        "per-connection",
        (
            (
                '@app.post("/chat")\nasync def chat(turn: Turn):\n',
                (
                    '@app.websocket("/chat")\nasync def chat(socket: WebSocket):\n    await socket.accept()\n'
                    "    said = []\n"
                    '    async for message in socket.iter_json():\n        said.append(message["text"])\n'
                    '        await socket.send_text(str(await Settings.llm.acomplete("\\n".join(said))))\n'
                ),
            ),
            ('    return {"answer": await answer(turn.session_id, turn.message)}\n', ""),
            ("from fastapi import FastAPI\n", "from fastapi import FastAPI, WebSocket\n"),
        ),
        ("request-scoped",),
        "per-connection",
        stores=("rows",),
        styles=("llm",),
    ),
)

MUTATIONS = (*OF_CAUSES, *OF_STORES, *OF_REQUESTS, *OF_HANDLERS, *LOOK_ALIKES)
"""All of them."""
