"""Edits that plant what needs a route or a cookie of its own, or long messages, or many; and edits that do no harm."""

from __future__ import annotations

from .mutations import PROCESS, RACE, Edit, Mutation

_TALKING = ("llm", "buffer")
_PLAIN = ("rows", "files", "redis")
_TOP = "from pathlib import Path\n"
_ENTER = " answer(session_id, message):\n"
_LOAD = "    turns = load(session_id)\n"
_SAVE = '    append(session_id, ("user", message), ("assistant", reply))\n'
_TURN = "class Turn(BaseModel):\n    session_id: str\n    message: str\n"
_ROUTE = '@app.post("/chat")\nasync def chat(turn: Turn):\n'
_ANSWER = '    return {"answer": await answer(turn.session_id, turn.message)}\n'
_STARLETTE = 'app = Starlette(routes=[Route("/ask", chat, methods=["POST"])])\n'
_PUSH = '    client.rpush(f"turns:{session_id}", *(json.dumps(turn) for turn in turns))\n\n'


def _on_top(text: str) -> Edit:
    return _TOP, f"{_TOP}{text}"


def _in_its_place(kept: str) -> tuple[Edit, ...]:
    """What is remembered in a module's dict, by whatever `kept` says beside."""
    return (
        (_LOAD, "    turns = list(talks.get(session_id, []))\n"),
        ("    append(session_id, (", "    remember(session_id, ("),
        (
            "\n\ndef append(",
            '\n\nSAVED = Path("data/talks.json")\nSAVED.parent.mkdir(exist_ok=True)\n'
            "talks = json.loads(SAVED.read_text()) if SAVED.exists() else {}\n\n\n"
            f"def remember(session_id, *turns):\n    talks.setdefault(session_id, []).extend(turns)\n{kept}"
            "\n\ndef append(",
        ),
    )


def _signed_with(key: str) -> tuple[Edit, ...]:
    """A session's id in a cookie that is signed with this key."""
    return (
        ('answer(form["user"], form["text"])', 'answer(form_of(request), form["text"])'),
        (
            "\n\nasync def chat(request):\n",
            '\n\ndef form_of(request):\n    return request.session.setdefault("id", str(uuid.uuid4()))\n'
            "\n\nasync def chat(request):\n",
        ),
        (
            _STARLETTE,
            'routes = [Route("/ask", chat, methods=["POST"])]\n'
            f"app = Starlette(routes=routes, middleware=[Middleware(SessionMiddleware, secret_key={key})])\n",
        ),
        _on_top(
            "import secrets\nimport uuid\n\nfrom starlette.middleware import Middleware\n"
            "from starlette.middleware.sessions import SessionMiddleware\n"
        ),
    )


def _handing_out(identity: str) -> tuple[Edit, ...]:
    """A route that opens a conversation, and one for its turns."""
    return (
        (_TURN, "class Turn(BaseModel):\n    message: str\n"),
        (
            _ROUTE,
            f'@app.post("/chats")\nasync def begin():\n    return {{"chat_id": {identity}}}\n\n\n'
            '@app.post("/chats/{chat_id}")\nasync def chat(chat_id: str, turn: Turn):\n',
        ),
        (_ANSWER, '    return {"answer": await answer(chat_id, turn.message)}\n'),
        _on_top("import itertools\nimport uuid\n\nnumbers = itertools.count(1)\n"),
    )


def _sent_whole(given: str) -> tuple[Edit, ...]:
    """A client that sends the whole conversation, of which the model is `given` this."""
    return (
        (
            _TURN,
            "class Said(BaseModel):\n    role: str\n    content: str\n\n\n"
            "class Turn(BaseModel):\n    messages: list[Said]\n",
        ),
        (_ROUTE, _ROUTE.replace('"/chat"', '"/v1/chat/completions"')),
        (
            _ANSWER,
            f"    said = [ChatMessage(role=each.role, content=each.content) for each in {given}]\n"
            "    reply = (await Settings.llm.achat(said)).message.content\n"
            '    return {"choices": [{"message": {"role": "assistant", "content": reply}}]}\n',
        ),
    )


def _streamed(sent: str) -> tuple[Edit, ...]:
    """An answer that is sent piece by piece, and stored where this says."""
    return (
        (
            _ANSWER,
            '    return StreamingResponse(pieces(turn.session_id, turn.message), media_type="text/plain")\n',
        ),
        (
            f"\n\n{_TURN}",
            "\n\nasync def pieces(session_id, message):\n"
            "    said = [ChatMessage(role=role, content=content) for role, content in load(session_id)]\n"
            '    said.append(ChatMessage(role="user", content=message))\n'
            f'    reply = ""\n{sent}\n\n{_TURN}',
        ),
        (
            "from fastapi import FastAPI\n",
            "from fastapi import FastAPI\nfrom fastapi.responses import StreamingResponse\n",
        ),
    )


_PIECES = "async for piece in await Settings.llm.astream_chat(said):\n"
_PIECE = 'reply += piece.delta or ""\n'

OF_HANDLERS: tuple[Mutation, ...] = (
    Mutation(
        "first-line",
        ((_SAVE, '    append(session_id, ("user", message.split("\\n")[0]), ("assistant", reply))\n'),),
        ("broken-store",),
        "cut-text",
        stores=_PLAIN,
        styles=_TALKING,
    ),
    Mutation(
        "first-characters",
        ((_SAVE, '    append(session_id, ("user", message[:200]), ("assistant", reply[:200]))\n'),),
        (),
        warning="cut-text",
        stores=_PLAIN,
        styles=_TALKING,
    ),
    Mutation(
        "full-store",
        (
            ("    append(session_id, (", "    if len(turns) < MAX_TURNS:\n        append(session_id, ("),
            _on_top("\nMAX_TURNS = 24\n"),
        ),
        ("broken-store",),
        "oldest-window",
        may=RACE,
        stores=_PLAIN,
        styles=_TALKING,
    ),
    Mutation(
        "dated-key",
        (
            (_ENTER, f'{_ENTER}    session_id = f"{{session_id}}-{{date.today()}}"\n'),
            _on_top("from datetime import date\n"),
        ),
        (),
        warning="dated-key",
        stores=_PLAIN,
    ),
    Mutation(
        "short-lived",
        ((_PUSH, f'{_PUSH[:-1]}    client.expire(f"turns:{{session_id}}", 20)\n\n'),),
        ("broken-store",),
        "short-lived",
        may=RACE,
        stores=("redis",),
    ),
    Mutation(
        "saved-at-exit",
        (
            *_in_its_place(""),
            (
                "\n\ndef overwrite(",
                "\n\natexit.register(lambda: SAVED.write_text(json.dumps(talks)))\n\n\ndef overwrite(",
            ),
            _on_top("import atexit\n"),
        ),
        PROCESS,
        may=RACE,
        stores=("files",),
        styles=_TALKING,
    ),
    Mutation(
        "number-as-text",
        (
            *_in_its_place("    SAVED.write_text(json.dumps(talks))\n"),
            (_TURN, _TURN.replace("session_id: str", "session_id: int")),
        ),
        ("session-key",),
        "other-type",
        may=frozenset({*PROCESS, *RACE}),
        stores=("files",),
        styles=_TALKING,
    ),
    Mutation(
        "own-secret",
        _signed_with("secrets.token_hex()"),
        PROCESS,
        "own-secret",
        stores=_PLAIN,
        styles=_TALKING,
    ),
    Mutation(
        "counted-ids",
        _handing_out("str(next(numbers))"),
        ("session-key",),
        "repeated-id",
        stores=_PLAIN,
        styles=_TALKING,
    ),
    Mutation(
        "last-message-alone",
        _sent_whole("turn.messages[-1:]"),
        ("request-scoped",),
        "history-dropped",
        stores=("rows",),
        styles=_TALKING,
    ),
    Mutation(
        "stored-when-sent",
        _streamed(f"    {_PIECES}        {_PIECE}        yield piece.delta\n{_SAVE}"),
        (),
        warning="stream-cut",
        stores=_PLAIN,
        styles=_TALKING,
    ),
)

LOOK_ALIKES: tuple[Mutation, ...] = (
    Mutation(
        "a-title",
        ((_SAVE, f'{_SAVE}    titles[session_id] = message.split("\\n")[0][:40]\n'), _on_top("\ntitles = {}\n")),
        (),
        stores=_PLAIN,
        styles=_TALKING,
    ),
    Mutation(
        "newest-window",
        ((_LOAD, "    turns = load(session_id)[-MAX_TURNS:]\n"), _on_top("\nMAX_TURNS = 24\n")),
        (),
        stores=_PLAIN,
        styles=_TALKING,
    ),
    Mutation(
        "a-log-by-day",
        (
            (_SAVE, f'{_SAVE}    logging.info("%s on %s", session_id, date.today())\n'),
            _on_top("import logging\nfrom datetime import date\n"),
        ),
        (),
        stores=_PLAIN,
        styles=_TALKING,
    ),
    Mutation(
        "long-lived",
        ((_PUSH, f'{_PUSH[:-1]}    client.expire(f"turns:{{session_id}}", 7 * 24 * 3600)\n\n'),),
        (),
        stores=("redis",),
    ),
    Mutation(
        "number-as-key",
        ((_TURN, _TURN.replace("session_id: str", "session_id: int")),),
        (),
        stores=_PLAIN,
        styles=_TALKING,
    ),
    Mutation("one-secret", _signed_with('"the same in every process"'), (), stores=_PLAIN, styles=_TALKING),
    Mutation("random-ids", _handing_out("str(uuid.uuid4())"), (), stores=_PLAIN, styles=_TALKING),
    Mutation(
        "all-that-is-sent", _sent_whole("turn.messages"), (), verdict="stateless", stores=("rows",), styles=_TALKING
    ),
    Mutation(
        "stored-whatever-comes",
        _streamed(
            f"    try:\n        {_PIECES}            {_PIECE}            yield piece.delta\n    finally:\n    {_SAVE}"
        ),
        (),
        stores=_PLAIN,
        styles=_TALKING,
    ),
    Mutation(
        "answers-of-a-session",
        (
            (
                _LOAD,
                f"{_LOAD}    asked = (session_id, len(turns), message)\n"
                "    if asked in answers:\n        return answers[asked]\n",
            ),
            (_SAVE, f"{_SAVE}    answers[asked] = reply\n"),
            _on_top("\nanswers = {}\n"),
        ),
        (),
        stores=_PLAIN,
        styles=_TALKING,
    ),
)
