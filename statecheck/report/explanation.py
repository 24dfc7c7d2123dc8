"""What `explain` prints: a cause's documentation, the list of causes, or what an error message points to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.errors import StatecheckError
from statecheck.judge.causes import CAUSES, Cause, find_cause, look_up_cause
from statecheck.report import catalogue
from statecheck.report.json import document, dumps

if TYPE_CHECKING:
    from statecheck.judge.error_messages import Message


def render(topic: str | None, style: str) -> str:
    """Return the text for a code, a name, an error message, or nothing (the list).

    Args:
        topic: what was asked for.
        style: full or json.
    """
    if topic is None:
        return dumps(document({"causes": [_json(cause) for cause in CAUSES]})) if style == "json" else _list()
    from statecheck.judge.error_messages import find_messages

    named = look_up_cause(topic)
    messages = find_messages(topic) if named is None else []
    if messages:
        return dumps(document({"messages": list(map(_message, messages))})) if style == "json" else _points(messages)
    if named is None and len(topic.split()) != 1:
        raise StatecheckError(
            "unknown-message",
            "no cause is known for this message",
            "let statecheck find it: statecheck diagnose app.py",
        )
    cause = find_cause(topic)
    return dumps(document(_json(cause))) if style == "json" else plain(cause)


def plain(cause: Cause) -> str:
    """Return the documentation for a terminal: headings in capitals, code indented, no marks; and what to run."""
    lines = [f"{cause.code} {cause.name}: {cause.question}"]
    code = False
    for line in cause.doc.strip().split("\n")[1:]:
        if line.startswith("```"):
            code = not code
        elif line.startswith("## ") and not code:
            lines.append(line[3:].upper())
        else:
            lines.append(f"    {line}" if code and line else line)
    commands = catalogue.list_commands(cause)
    lines += ["", "RUN IT", "", *(f"    {command}" for command in commands)] if commands else []
    return "\n".join(lines) + "\n"


def _list() -> str:
    width = max(len(cause.name) for cause in CAUSES)
    rows = [f"{cause.code}  {cause.name:{width}}  {cause.question}" for cause in CAUSES]
    return "\n".join([*rows, "", "next: statecheck explain CODE"]) + "\n"


def _points(messages: list[Message]) -> str:
    """Return what each matching row says, the longest match first."""
    lines: list[str] = []
    for message in messages:
        cause = find_cause(message.cause) if message.cause else None
        lines += [f"{cause.code} {cause.name}: {message.advice}" if cause else f"no cause of its own: {message.advice}"]
    known = next((find_cause(message.cause) for message in messages if message.cause), None)
    return "\n".join([*lines, *(["", f"next: statecheck explain {known.code}"] if known else [])]) + "\n"


def _json(cause: Cause) -> dict[str, object]:
    return {
        "code": cause.code,
        "name": cause.name,
        "question": cause.question,
        "fix": cause.fix,
        "kinds": list(cause.kinds),
        "told": list(cause.told),
        "runnable": catalogue.list_runnable_kinds(cause.name),
        "text": cause.doc.strip(),
    }


def _message(message: Message) -> dict[str, object]:
    return {"message": message.text, "code": message.cause, "kind": message.kind, "advice": message.advice}
