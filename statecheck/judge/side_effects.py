"""What a reader should know of what the app did beside answering: its tools' effects, blocked addresses, stand-ins."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from statecheck.probe.notebooks import spell_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from statecheck.history import Op
    from statecheck.judge.conversation import Conversation

_MOST = 8  # addresses, effects or stand-ins in one note
_DONE = {"run": "ran", "delete": "removed", "rename": "renamed", "write": "wrote"}


def notes(conversations: Mapping[str, Conversation]) -> tuple[str, ...]:
    """One sentence for each tool with effects, and one each for what else was done, blocked or stood in for."""
    ops = [op for conversation in conversations.values() for op in conversation.ops]
    return (*_tools(ops), *_effects(ops), *_blocked(ops), *_substituted(ops), *_signed(ops))


def show_line(op: Op) -> str:
    """Return the user's line of an op in brackets, or ""."""
    return f" ({spell_line(op.frames[0].path, op.frames[0].line)})" if op.frames else ""


def _when(op: Op) -> str:
    return " at import" if any(frame.function == "<module>" for frame in op.frames) else ""


def _listed(found: Iterable[str]) -> str:
    """Each once, in their order, cut where they are many."""
    once = list(dict.fromkeys(found))
    return "; ".join(once[:_MOST]) + (f"; and {len(once) - _MOST} more" if len(once) > _MOST else "")


def _tools(ops: list[Op]) -> list[str]:
    """Each tool that was seen to have effects, then the names of the others that were called.

    Effects are on the run's own disk and within its own network; without namespaces a program may reach further.
    """
    called = {op.tool: show_line(op) for op in reversed(ops) if op.f == "tool"}
    effects: dict[str, list[str]] = {}
    for op in ops:
        if op.tool in called and (text := _effect(op)):
            effects.setdefault(op.tool, []).append(text)
    found = [f"tool `{name}`{called[name]} was called and {_listed(done)}" for name, done in effects.items()]
    others = sorted(f"`{name}`{place}" for name, place in called.items() if name not in effects)
    return found + ([f"tools called, without an effect that was seen: {', '.join(others)}"] if others else [])


def _effect(op: Op) -> str:
    """What an op did to the world, in words, or ""."""
    if op.f == "blocked":
        return f"asked for {op.where}, which was blocked{show_line(op)}"
    if op.f == "effect" or (op.f == "file" and op.action == "write"):
        what = op.text if op.action == "run" else PurePath(op.where).name
        return f"{_DONE[op.action]} `{what}`{show_line(op)}"
    return ""


def _effects(ops: list[Op]) -> list[str]:
    """What the app did outside of tools that cannot be undone."""
    done = [_effect(op) for op in ops if op.f == "effect" and not op.tool and op.action != "rename"]
    return [f"done in turns: {_listed(done)}"] if done else []


def _blocked(ops: list[Op]) -> list[str]:
    refused = [op for op in ops if op.f == "blocked" and not op.tool]
    asked = list(dict.fromkeys(f"{op.where}{show_line(op)}{_when(op)}" for op in refused if op.frames))
    named, others = " ".join(asked), dict.fromkeys(op.where for op in refused if not op.frames)
    alone = [where for where in others if where not in named]
    found = [f"blocked, as nothing leaves this machine: {_listed(asked)}"] if asked else []
    return found + ([f"blocked, asked for by libraries on their own: {_listed(alone)}"] if alone else [])


def _substituted(ops: list[Op]) -> list[str]:
    """What stood in: for documents that are not there, and for what the network has."""
    told = [op for op in ops if op.f == "substituted"]
    absent = {op.cls for op in told if op.where}
    documents = [f"`{op.where}`{show_line(op)}" for op in told if op.where]
    replaced: dict[str, Op] = {}
    for op in told:
        if op.cls not in absent and (op.cls not in replaced or not replaced[op.cls].frames):
            replaced[op.cls] = op
    others = [f"`{cls}`{show_line(op)}" for cls, op in replaced.items()]
    found = [f"a text stands in for documents that are not there: {_listed(documents)}"] if documents else []
    text = "stood in for, as they need the network: {}; what they would have given or kept is not judged"
    return found + ([text.format(_listed(others))] if others else [])


def _signed(ops: list[Op]) -> list[str]:
    """Where tokens that another service would issue were made."""
    places = [f"{op.name}{show_line(op)}" for op in ops if op.f == "signed"]
    text = "tokens that another service would issue were signed with the app's own key, where it checks them: {}"
    return [text.format(_listed(places))] if places else []
