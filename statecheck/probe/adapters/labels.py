"""What the labels on a page say: where a message goes, where it asks who its visitor is, which button sends."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..offline import DUMMY

if TYPE_CHECKING:
    from collections.abc import Sequence

_SECRET = re.compile(r"key|token|secret|password|passcode|credential", re.IGNORECASE)
_PASSWORD = re.compile(r"password|passcode|passphrase|\bpin\b", re.IGNORECASE)
_WHO = re.compile(
    r"\b(user|name|username|login|e ?mail|session|id|account|customer|client|patient|student|member|tenant|room|"
    r"conversation|thread|nickname|employee|who|visitor|guest|person|owner|pupil|learner|uid|sid|chat)\b",
    re.IGNORECASE,
)
_MESSAGE = re.compile(
    r"message|question|ask|quer|prompt|chat|say|tell|write|type|talk|request|input|help", re.IGNORECASE
)

SENDS = re.compile(r"send|ask|submit|chat|go|run|answer|reply|search|generate|query|ok|enter|➤|▶", re.IGNORECASE)
BEGINS = re.compile(
    r"start|begin|log ?in|sign ?in|continue|enter|join|open|load|set|save|connect|process", re.IGNORECASE
)
SPOILS = re.compile(
    r"clear|reset|delete|remove|new|forget|log ?out|sign ?out|stop|cancel|download|export", re.IGNORECASE
)

_passwords: list[str] = []


def configure(passwords: Sequence[str]) -> None:
    """Say what the app's code compares a password with; the first of them is typed where a page asks for one."""
    _passwords[:] = passwords


def words(*names: str | None) -> str:
    """Names as words: `user_id` and `userId` are `user id`."""
    return re.sub(r"[_\W]+|(?<=[a-z])(?=[A-Z])", " ", " ".join(name for name in names if name))


def is_secret(label: str) -> bool:
    """Whether a text box wants a credential."""
    return bool(_SECRET.search(label))


def is_visitor(label: str) -> bool:
    """Whether a text box, or a parameter of the page's address, wants to know who is talking."""
    return bool(_WHO.search(label))


def is_message(label: str) -> bool:
    """Whether a text box wants to know what the visitor has to say."""
    return bool(_MESSAGE.search(label))


def text_to_type(label: str, who: str) -> str | None:
    """What a visitor types into a text box beside the message, or None where the message goes or nobody knows."""
    if _PASSWORD.search(label) and _passwords:
        return _passwords[0]
    if is_secret(label):
        return f"sk-{DUMMY}"
    return who if is_visitor(label) and not is_message(label) else None
