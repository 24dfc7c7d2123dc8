"""Handlers that a service calls: each is called as its service does, and diagnosed with its fixed twin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from labs import Ran, User, diagnosed, diagnosed_in_turn

from statecheck.model import Anchor
from statecheck.options.config import Options

if TYPE_CHECKING:
    from pathlib import Path

LAMBDA = """\
    import json
    from llama_index.core.chat_engine import SimpleChatEngine
    from llama_index.core.memory import ChatMemoryBuffer

    memories = {}


    def lambda_handler(event, context):
        body = json.loads(event["body"])
        memory = memories.get(body["session"])
        if memory is None:
            memory = memories[body["session"]] = ChatMemoryBuffer.from_defaults()
        answer = SimpleChatEngine.from_defaults(memory=memory).chat(body["text"])
        return {"statusCode": 200, "body": json.dumps({"answer": str(answer), "id": context.aws_request_id})}
"""
LAMBDA_FIXED = """\
    import asyncio, json
    from stored import answer


    def lambda_handler(event, context):
        body = json.loads(event.get("body") or "{}")
        loop = asyncio.get_event_loop()
        return {"statusCode": 200, "body": loop.run_until_complete(answer(body["session"], body["text"]))}
"""
REFUSING = """\
    import json


    def handler(event, context):
        text = json.loads(event["body"])["text"]
        return {"statusCode": 503, "body": f"closed for today, {text}"}
"""

SLACK = """\
    import os
    from llama_index.core.chat_engine import SimpleChatEngine
    from llama_index.core.memory import ChatMemoryBuffer
    from slack_bolt import App
    from slack_bolt.adapter.socket_mode import SocketModeHandler

    app = App(token=os.environ["SLACK_BOT_TOKEN"])
    memories = {}


    @app.event("app_mention")
    def mention(event, client):
        key = event.get("thread_ts") or event["channel"]
        memory = memories.setdefault(key, ChatMemoryBuffer.from_defaults())
        text = str(SimpleChatEngine.from_defaults(memory=memory).chat(event["text"]))
        client.chat_postMessage(channel=event["channel"], thread_ts=event.get("thread_ts", event["ts"]), text=text)


    SocketModeHandler(app, os.environ["SLACK_APP_TOKEN"]).start()
"""
STORED = """\
    import sqlite3
    from llama_index.core import Settings
    from llama_index.core.llms import ChatMessage


    async def answer(session, text):
        with sqlite3.connect("data/said.db", timeout=20) as db:
            db.execute("create table if not exists said (id integer primary key, session, role, text)")
            rows = db.execute("select role, text from said where session = ? order by id", (session,)).fetchall()
        said = [*(ChatMessage(text, role=role) for role, text in rows), ChatMessage(text)]
        reply = (await Settings.llm.achat(said)).message.content
        with sqlite3.connect("data/said.db", timeout=20) as db:
            rows = [(session, "user", text), (session, "assistant", reply)]
            db.executemany("insert into said (session, role, text) values (?, ?, ?)", rows)
        return reply
"""
SLACK_FIXED = """\
    import os
    from slack_bolt.async_app import AsyncApp
    from stored import answer

    app = AsyncApp(token=os.environ["SLACK_BOT_TOKEN"])


    @app.event("app_mention")
    async def mention(event, say):
        thread = event.get("thread_ts") or event["ts"]
        await say(await answer(thread, event["text"]), thread_ts=thread)
"""

TELEGRAM = """\
    import os
    import telebot
    from llama_index.core.chat_engine import SimpleChatEngine
    from llama_index.core.memory import ChatMemoryBuffer

    bot = telebot.TeleBot(os.environ["FRONT_DESK_BOT_TOKEN"])
    memories = {}


    @bot.message_handler(commands=["start"])
    def start(message):
        bot.reply_to(message, "Ask me anything")


    @bot.message_handler(func=lambda message: True)
    def chat(message):
        bot.send_chat_action(message.chat.id, "typing")
        memory = memories.setdefault(message.chat.id, ChatMemoryBuffer.from_defaults())
        bot.reply_to(message, str(SimpleChatEngine.from_defaults(memory=memory).chat(message.text)))


    bot.infinity_polling()
"""
TELEGRAM_FIXED = """\
    import os
    from telebot.async_telebot import AsyncTeleBot
    from stored import answer

    bot = AsyncTeleBot(os.environ["TELEGRAM_BOT_TOKEN"])


    @bot.message_handler(commands=["ask"])
    async def ask(message):
        await bot.send_message(message.chat.id, await answer(message.from_user.id, message.text.partition(" ")[2]))
"""
TELEGRAM_IN_MAIN = """\
    import os
    from telegram.ext import Application, MessageHandler, filters
    from llama_index.core.chat_engine import SimpleChatEngine
    from llama_index.core.memory import ChatMemoryBuffer


    async def chat(update, context):
        engine = SimpleChatEngine.from_defaults(memory=ChatMemoryBuffer.from_defaults())
        await update.message.reply_text(str(await engine.achat(update.message.text)))


    def main():
        app = Application.builder().token(os.environ["TELEGRAM_BOT_TOKEN"]).build()
        app.add_handler(MessageHandler(filters.TEXT, chat))
        app.run_polling()


    if __name__ == "__main__":
        main()
"""
TELEGRAM_STATES = """\
    from aiogram import Dispatcher
    from llama_index.core import Settings
    from llama_index.core.llms import ChatMessage

    dp = Dispatcher()


    @dp.message()
    async def chat(message, state):
        said = (await state.get_data()).get("said", [])
        answer = await Settings.llm.achat([ChatMessage(text) for text in [*said, message.text]])
        await state.update_data(said=[*said, message.text])
        await message.answer(answer.message.content)
"""

CELERY = """\
    import os
    from celery import Celery
    from kombu import Queue
    from llama_index.core.chat_engine import SimpleChatEngine
    from llama_index.core.memory import ChatMemoryBuffer

    os.environ["CELERY_BROKER_URL"] = "redis://localhost:6379/0"
    app = Celery("desk", task_queues=[Queue("letters")])
    memories = {}


    @app.task
    def reply(session, text):
        if session not in memories:
            memories[session] = ChatMemoryBuffer.from_defaults()
        return str(SimpleChatEngine.from_defaults(memory=memories[session]).chat(text))
"""
CELERY_FIXED = """\
    import asyncio
    from celery import Celery
    from stored import answer

    app = Celery("desk")


    @app.task(bind=True, ignore_result=True)
    def reply(self, session, text):
        return asyncio.run(answer(session, text))
"""


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path)


def found(ran: Ran) -> list[tuple[str, Anchor]]:
    return [(one.code, one.anchor) for one in ran.diagnosis.causes]


def with_a_volume(user: User) -> Options:
    (user.project / "data").mkdir()
    return Options(seed=1, volumes=(user.project / "data",))


def test_a_lambda_handler_keeps_its_globals_in_one_environment(user: User) -> None:
    user.write(app=LAMBDA)

    ran = diagnosed_in_turn(user, "app.py")

    assert ran.diagnosis.target.framework == "lambda"
    assert found(ran) == [("SC102", Anchor("app.py", 5)), ("SC103", Anchor("app.py", 5))]
    ids = [answer.rpartition('"id"')[2] for answer in ran.answers("same-process")]
    assert len(set(ids)) == len(ids) == 2, "each invocation has a context of its own"
    assert ran.outcomes()["concurrent"] == "kept", "an environment takes one event at a time"


@pytest.mark.acceptance
def test_a_lambda_handler_with_a_store_outside_is_healthy(user: User) -> None:
    user.write(app=LAMBDA_FIXED, stored=STORED)

    ran = diagnosed_in_turn(user, "app.py", with_a_volume(user))

    assert (found(ran), ran.diagnosis.verdict) == ([], "healthy")


def test_the_status_of_an_error_refuses_the_turn(user: User) -> None:
    user.write(app=REFUSING)

    ran = diagnosed(user, "app.py", "namespace", Options(seed=1, only=("same-process",)))

    (problem,) = ran.diagnosis.errors
    assert (ran.diagnosis.verdict, problem.slug) == ("inconclusive", "turn-refused")
    assert "503: closed for today" in problem.text


@pytest.mark.acceptance
def test_a_slack_app_that_answers_in_a_thread_is_mentioned_there_again(user: User) -> None:
    user.write(bot=SLACK)

    ran = diagnosed_in_turn(user, "bot.py", Options(seed=1, only=("same-process",)))

    assert ran.diagnosis.target.framework == "slack"
    assert [(one.code, one.kind, one.anchor) for one in ran.diagnosis.causes] == [
        ("SC106", "new-key", Anchor("bot.py", 14))
    ]
    assert [answer.startswith("in thread ") for answer in ran.answers("same-process")] == [True, True]


@pytest.mark.acceptance
def test_a_slack_app_with_one_key_and_a_store_outside_is_healthy(user: User) -> None:
    user.write(bot=SLACK_FIXED, stored=STORED)

    ran = diagnosed_in_turn(user, "bot.py", with_a_volume(user))

    assert (found(ran), ran.diagnosis.verdict) == ([], "healthy")


@pytest.mark.acceptance
def test_a_telegram_bot_is_given_updates_by_its_own_library(user: User) -> None:
    user.write(bot=TELEGRAM)

    ran = diagnosed_in_turn(user, "bot.py", Options(seed=1, skip=("concurrent", "concurrent-workers")))

    assert ran.diagnosis.target.framework == "telegram"
    assert found(ran) == [("SC103", Anchor("bot.py", 7)), ("SC102", Anchor("bot.py", 7))]
    assert [cause.severity for cause in ran.diagnosis.causes] == ["error", "warning"]  # one process polls, by design


@pytest.mark.acceptance
def test_a_telegram_bot_that_takes_commands_and_has_a_store_outside_is_healthy(user: User) -> None:
    user.write(bot=TELEGRAM_FIXED, stored=STORED)

    ran = diagnosed_in_turn(user, "bot.py", with_a_volume(user))

    assert (found(ran), ran.diagnosis.verdict) == ([], "healthy")


@pytest.mark.parametrize(
    ("library", "app", "code", "line"),
    [
        pytest.param("telegram", TELEGRAM_IN_MAIN, "SC101", 8, marks=pytest.mark.acceptance),
        ("aiogram", TELEGRAM_STATES, "SC102", 5),
    ],
)
def test_bots_of_other_libraries(user: User, library: str, app: str, code: str, line: int) -> None:
    pytest.importorskip(library, reason=f"{library} is not in the lock: it forbids the pydantic there")
    user.write(bot=app)

    ran = diagnosed_in_turn(user, "bot.py", Options(seed=1, only=("same-process", "other-worker")))

    assert found(ran)[0] == (code, Anchor("bot.py", line))


@pytest.mark.acceptance
def test_a_celery_task_remembers_in_the_child_of_its_worker(user: User) -> None:
    user.write(tasks=CELERY)

    ran = diagnosed(user, "tasks.py", "namespace", Options(seed=1, skip=("concurrent", "new-container")))

    assert ran.diagnosis.target.framework == "celery"
    assert found(ran) == [("SC102", Anchor("tasks.py", 9)), ("SC103", Anchor("tasks.py", 9))]
    assert user.left() == []


@pytest.mark.acceptance
def test_a_child_that_takes_one_task_forgets_with_it(user: User) -> None:
    user.write(tasks=CELERY.replace("memories = {}", "memories = {}\n    app.conf.worker_max_tasks_per_child = 1"))

    ran = diagnosed_in_turn(user, "tasks.py", Options(seed=1, only=("same-process",)))

    assert [(one.code, one.kind, one.anchor) for one in ran.diagnosis.causes] == [
        ("SC103", "worker-recycle", Anchor("tasks.py", 16))
    ]


@pytest.mark.acceptance
def test_a_celery_task_with_a_store_outside_is_healthy(user: User) -> None:
    user.write(tasks=CELERY_FIXED, stored=STORED)

    ran = diagnosed_in_turn(user, "tasks.py", with_a_volume(user))

    assert (found(ran), ran.diagnosis.verdict) == ([], "healthy")
    (overlap,) = ran.histories()["concurrent-workers"].select("overlap")
    assert overlap.held == 2, "one in the child of each worker is held"
