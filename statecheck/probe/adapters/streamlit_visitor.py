"""What a visitor does on a Streamlit page: says who they are, finds where a message goes, and sends it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import labels

if TYPE_CHECKING:
    import re

_PASSWORD = 1  # a text input's type
_NOTES = b"These are notes."
_MOST_STEPS = 4  # that lead to where a message can be typed: a name, a key, a button, a file
_TEXTS = ("title", "header", "markdown", "text", "code", "json", "success", "info", "warning", "error", "caption")


def arrive(page: Any, who: str) -> None:
    """Do what a page asks for before it takes a message: a name, a key, a button that begins, a file.

    Args:
        page: an `AppTest` that has run.
        who: what is typed where the page asks who its visitor is.
    """
    for _ in range(_MOST_STEPS):
        if page.exception:
            return
        asked = [box for box in page.text_input if _text_to_type(box, who) not in (None, box.value)]
        for box in asked:
            box.set_value(_text_to_type(box, who))
        button = _button(page, asked[0], labels.BEGINS) if asked else None
        if asked:
            (button.click() if button is not None else asked[0]).run()
        elif _message_box(page) is not None or not _next_step(page):
            return


def takes_messages(page: Any) -> bool:
    """Whether there is a place on the page where a message can be typed."""
    return _message_box(page) is not None


def read_question(page: Any) -> str:
    """What a page asks for, where it is no message, and what it warns of."""
    widgets = ", ".join(f"{kind} `{e.label}`" for kind in ("text_input", "button") for e in page.get(kind)[:4])
    said = next((str(element.value) for kind in ("error", "warning", "info") for element in page.get(kind)), "")
    return (widgets or "no text input, no button") + (f", and says `{' '.join(said.split())[:100]}`" if said else "")


def say(page: Any, message: str) -> None:
    """Type a message where the page takes one, and send it.

    Raises:
        LookupError: there is no such place any more.
    """
    box = _message_box(page)
    if box is None:
        raise LookupError(f"the page shows nowhere to type a message any more ({read_question(page)})")
    box.set_value(message)
    button = None if box.type == "chat_input" else _button(page, box, labels.SENDS)
    (button.click() if button is not None else box).run()


def read_page(page: Any) -> str:
    """The texts on a page."""
    return "\n".join(str(element.value) for kind in _TEXTS for element in page.get(kind))


def _label(widget: Any) -> str:
    """Its label, else what stands in it, else the name by which the script knows it."""
    named = (getattr(widget, "label", ""), getattr(widget, "placeholder", ""), widget.key)
    return labels.words(next(filter(None, named), ""))


def _text_to_type(box: Any, who: str) -> str | None:
    """What a visitor types into a text input before any message, or None where a message goes or nobody knows."""
    if box.disabled:
        return None
    hidden = "password" if getattr(box.proto, "type", None) == _PASSWORD else ""
    text = labels.text_to_type(labels.words(_label(box), hidden), who)
    return text if text in (None, who) else box.value or text


def _message_box(page: Any) -> Any:
    """The chat input; else the text area or input whose label speaks of a message; else the only one left."""
    for chat in page.chat_input:
        if not chat.disabled:
            return chat
    boxes = [box for box in (*page.text_area, *page.text_input) if not box.disabled and _text_to_type(box, "") is None]
    return next((box for box in boxes if labels.is_message(_label(box))), boxes[0] if boxes else None)


def _button(page: Any, box: Any, words: re.Pattern[str]) -> Any:
    """The button that goes with a text box: of its form, else one whose label says so, else the only one."""
    form = getattr(box, "form_id", "")
    buttons = [b for b in page.button if not b.disabled and getattr(b, "form_id", "") == form]
    kept = [button for button in buttons if not labels.SPOILS.search(button.label)]
    named = next((button for button in kept if words.search(button.label)), None)
    return named or (kept[0] if form and kept else kept[0] if len(kept) == 1 else None)


def _next_step(page: Any) -> bool:
    """Press the button that begins, or give the page the file that it waits for; whether there was anything to do."""
    buttons = [b for b in page.button if not b.disabled and labels.BEGINS.search(b.label) and not b.value]
    if buttons:
        buttons[0].click().run()
        return True
    for uploader in page.get("file_uploader"):
        if not uploader.disabled and not uploader.value and hasattr(uploader, "set_value"):
            uploader.set_value(("notes.txt", _NOTES, "text/plain")).run()
            return True
    return False
