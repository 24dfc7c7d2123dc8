"""Telegram bots of pyTelegramBotAPI, python-telegram-bot and aiogram: a turn is an update, handed to the library.

No more updates are under way at once than the library would work on; what the bot sends is the answer.
"""

from __future__ import annotations

import asyncio
import importlib
import itertools
import sys
import threading
from typing import TYPE_CHECKING, Any

from ..apis.telegram import message
from ..chat_posts import POSTED
from ..recorder import RECORDER, TURN
from .callables import CallableTarget, Refused
from .offer import route

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from ..channel import Channel
    from .offer import Loaded, Offer

_numbers = itertools.count(1)


def adapt(offer: Offer) -> Loaded | None:
    """Take a bot of one of the three libraries."""
    if offer.made_by("telebot", "TeleBot"):
        return _telebot(offer)
    if offer.made_by("telebot.async_telebot", "AsyncTeleBot"):
        return _async_telebot(offer)
    if offer.made_by("telegram.ext._application", "Application"):
        return _application(offer)
    if offer.made_by("aiogram.dispatcher.dispatcher", "Dispatcher"):
        return _dispatcher(offer)
    return None


class BotTarget(CallableTarget):
    """A bot, by what gives it an update; `failures` are noted where its library hands them to no caller.

    The functions that take a text come first, those that take a command after them.
    """

    def __init__(self, offer: Offer, take: Callable[..., Any], functions: list[Any], commands: list[str]) -> None:
        facts = {
            "framework": "telegram",
            "object": offer.name,
            "routes": [route("", [], getattr(function, "__name__", ""), function) for function in functions],
            "told": [_update_call(command) for command in ("", *commands)],
        }
        super().__init__(take, facts)
        self.failures: dict[int, BaseException] = {}
        self.starting: Callable[[], Any] | None = None

    def serve(self, sock: socket.socket | None, channel: Channel) -> None:
        """Start what the library starts before its first update, then take them."""
        if self.starting is not None:
            asyncio.set_event_loop(self.loop)
            self.loop.run_until_complete(self.starting())
        super().serve(sock, channel)

    def handle(self, exception: BaseException) -> bool:
        """Note what a handler raised, by the name under which pyTelegramBotAPI asks."""
        self.failures[TURN.get()] = exception
        return True

    def begin(self, command: str, chat: int, text: str) -> dict[str, Any]:
        """Begin a turn: the update, as Telegram sends it."""
        POSTED.begin([])
        number, who = next(_numbers), {"id": chat, "is_bot": False, "first_name": "Sam", "username": f"sam_{chat}"}
        said = message(str(chat), f"/{command} {text}" if command else text, who, number)
        if command:
            said["entities"] = [{"type": "bot_command", "offset": 0, "length": len(command) + 1}]
        return {"update_id": number, "message": said}

    def end(self) -> str:
        """End a turn: what the bot sent.

        Raises:
            BaseException: what a handler raised, or `Refused` where none answered.
        """
        said = [post.text for post in POSTED.end()]
        failure = self.failures.pop(TURN.get(), None)
        if failure is not None:
            raise failure
        if not said:
            raise Refused("no handler of the bot answered")
        return "\n".join(said)


def _update_call(command: str) -> dict[str, Any]:
    return {
        "args": (command, "{session}", "{message}"),
        "message_field": "message text",
        "session_field": "chat id",
        "session_form": "integer",
        "why": (f"somebody sends it {f'`/{command}` and ' if command else ''}a text",),
    }


def _telebot(offer: Offer) -> BotTarget:
    bot = offer.thing
    room = threading.Semaphore(bot.worker_pool.num_threads if bot.threaded else 1)
    bot.threaded = False  # by its own threads nobody would know when a turn has ended

    def take(command: str, chat: int, text: str) -> str:
        with room:
            update = target.begin(command, chat, text)
            bot.process_new_updates([importlib.import_module("telebot.types").Update.de_json(update)])
            return target.end()

    target = BotTarget(offer, take, *_of_telebot(bot))
    bot.exception_handler = bot.exception_handler or target
    return target


def _async_telebot(offer: Offer) -> BotTarget:
    bot = offer.thing

    async def take(command: str, chat: int, text: str) -> str:
        update = target.begin(command, chat, text)
        await bot.process_new_updates([importlib.import_module("telebot.types").Update.de_json(update)])
        return target.end()

    target = BotTarget(offer, take, *_of_telebot(bot))
    bot.exception_handler = bot.exception_handler or target
    return target


def _of_telebot(bot: Any) -> tuple[list[Any], list[str]]:
    handlers = sorted(bot.message_handlers, key=lambda handler: bool(handler["filters"].get("commands")))
    commands = [name for handler in handlers for name in handler["filters"].get("commands") or ()]
    return [handler["function"] for handler in handlers], commands


def _application(offer: Offer) -> BotTarget:
    app = offer.thing
    room = asyncio.Semaphore(max(1, app.concurrent_updates))

    async def take(command: str, chat: int, text: str) -> str:
        async with room:
            update = target.begin(command, chat, text)
            made = importlib.import_module("telegram").Update.de_json(update, app.bot)
            await app.process_update(made)
            return target.end()

    async def start() -> None:
        await app.initialize()
        if app.post_init is not None:
            await app.post_init(app)
        await app.start()

    async def failed(_update: Any, context: Any) -> None:
        target.handle(context.error)

    handlers = [handler for group in app.handlers.values() for handler in group]
    handlers.sort(key=lambda handler: bool(getattr(handler, "commands", ())))
    commands = [name for handler in handlers for name in getattr(handler, "commands", ())]
    target = BotTarget(offer, take, [handler.callback for handler in handlers], commands)
    target.starting = start
    app.add_error_handler(failed)
    return target


def _dispatcher(offer: Offer) -> BotTarget:
    dispatcher, aiogram = offer.thing, importlib.import_module("aiogram")
    bots = [
        value for module in _list_own_modules() for value in vars(module).values() if isinstance(value, aiogram.Bot)
    ]
    bot = bots[0] if bots else aiogram.Bot("1000000001:sc-dummy")

    async def take(command: str, chat: int, text: str) -> str:
        update = target.begin(command, chat, text)
        await dispatcher.feed_update(bot, aiogram.types.Update.model_validate(update, context={"bot": bot}))
        return target.end()

    async def start() -> None:
        await dispatcher.emit_startup(bot=bot, **dispatcher.workflow_data)

    def commands_of(handler: Any) -> list[str]:
        return [str(name) for part in handler.filters or () for name in getattr(part.callback, "commands", ())]

    handlers = [handler for router in dispatcher.chain_tail for handler in router.message.handlers]
    handlers.sort(key=lambda handler: bool(commands_of(handler)))
    commands = [name for handler in handlers for name in commands_of(handler)]
    target = BotTarget(offer, take, [handler.callback for handler in handlers], commands)
    target.starting = start
    return target


def _list_own_modules() -> list[Any]:
    """The modules of the user's own code."""
    return [module for module in list(sys.modules.values()) if RECORDER.relative(getattr(module, "__file__", "") or "")]
