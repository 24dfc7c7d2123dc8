"""What an app posts to a chat platform in a turn, and what was said in the chat before: its answer is not returned."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from .recorder import TURN


@dataclass(frozen=True)
class Post:
    """One message that the app posts.

    Attributes:
        chat: the channel or chat that it goes to.
        text: what it says.
        thread: the message in whose thread it is, or "".
        edited: it replaces the last one.
    """

    chat: str
    text: str
    thread: str = ""
    edited: bool = False


@dataclass
class Posted:
    """The chats of the turns under way in this process."""

    posts: dict[int, list[Post]] = field(default_factory=dict)
    before: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, before: list[dict[str, Any]]) -> None:
        """A turn begins, after these messages in its chat (as the platform would tell of them)."""
        with self.lock:
            self.posts[TURN.get()], self.before[TURN.get()] = [], before

    def note(self, post: Post) -> None:
        """The app posts this; outside a turn nobody reads it."""
        with self.lock:
            mine = self.posts.get(TURN.get())
            if mine is not None:
                mine[-1:] = [post] if post.edited and mine else [*mine[-1:], post]

    def said(self) -> list[dict[str, Any]]:
        """What was said in this turn's chat before, and its own message."""
        return self.before.get(TURN.get(), [])

    def end(self) -> list[Post]:
        """A turn is over: what was posted in it."""
        with self.lock:
            self.before.pop(TURN.get(), None)
            return self.posts.pop(TURN.get(), [])


POSTED = Posted()
