"""What a reader should know of what the app did beside answering: its tools' effects, blocked addresses, stand-ins."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from statecheck.judge.causes import find_cause
from statecheck.model import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from statecheck.history import Op
    from statecheck.judge.conversation import Conversation
    from statecheck.model import Finding

_MOST = 8  # addresses, effects or stand-ins in one note
_HINT = "hand over a service here with `--env NAME=URL`"
_DONE = {"run": "ran", "delete": "removed", "rename": "renamed", "write": "wrote"}


def notes(conversations: Mapping[str, Conversation]) -> tuple[str, ...]:
    """One sentence for each tool with effects, and one each for what else was done, blocked or stood in for."""
    ops = [op for conversation in conversations.values() for op in conversation.ops]
    return (*_tools(ops), *_effects(ops), *_blocked(ops), *_substituted(ops))


def unjudged(conversation: Conversation, findings: Sequence[Finding]) -> Problem | None:
    """Why a loss cannot be judged: turn 1 told it to a stand-in, which keeps nothing, or failed, or came to no model.

    Args:
        conversation: the baseline's, which forgets.
        findings: what would explain it.
    """
    told = {marker for op in conversation.select("turn", 1) for marker in op.markers}
    for op in conversation.select("substituted", 1):
        if op.method in ("add", "async_add") and told & set(op.markers):
            text = f"the conversation goes to `{op.cls}`{_at(op)}, which cannot be reached, so it cannot be judged"
            return Problem("substituted-store", text, _HINT)
    asked = [op for op in conversation.select("blocked", 1) if op.frames and not op.tool]
    if asked and not findings and not any(conversation.select("model", 1)):
        text = f"a turn asks for {asked[0].where}{_at(asked[0])}, which was blocked: what it remembers cannot be seen"
        return Problem("turn-needs-network", text, _HINT)
    calls = [op for op in conversation.select("engine", 1, "call") if told & set(op.markers)]
    if calls and calls[-1].type == "fail" and not any(find_cause(one.code).explains_failures for one in findings):
        failed = f"`{calls[-1].cls}`{_at(calls[-1])} raised {calls[-1].error.strip(': ')[:160]}"
        text = f"turn 1 was answered, but {failed}, which the app caught: what it would remember cannot be seen"
        return Problem("caught-failure", text, "mend that first; `--show-logs` shows what the app wrote")
    return None


def _at(op: Op) -> str:
    return f" ({op.frames[0].path}:{op.frames[0].line})" if op.frames else ""


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
    called = {op.tool: _at(op) for op in reversed(ops) if op.f == "tool"}
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
        return f"asked for {op.where}, which was blocked{_at(op)}"
    if op.f == "effect" or (op.f == "file" and op.action == "write"):
        what = op.text if op.action == "run" else PurePath(op.where).name
        return f"{_DONE[op.action]} `{what}`{_at(op)}"
    return ""


def _effects(ops: list[Op]) -> list[str]:
    """What the app did outside of tools that cannot be undone."""
    done = [_effect(op) for op in ops if op.f == "effect" and not op.tool and op.action != "rename"]
    return [f"done in turns: {_listed(done)}"] if done else []


def _blocked(ops: list[Op]) -> list[str]:
    refused = [op for op in ops if op.f == "blocked" and not op.tool]
    asked = list(dict.fromkeys(f"{op.where}{_at(op)}{_when(op)}" for op in refused if op.frames))
    named, others = " ".join(asked), dict.fromkeys(op.where for op in refused if not op.frames)
    alone = [where for where in others if where not in named]
    found = [f"blocked, as nothing leaves this machine: {_listed(asked)}"] if asked else []
    return found + ([f"blocked, asked for by libraries on their own: {_listed(alone)}"] if alone else [])


def _substituted(ops: list[Op]) -> list[str]:
    """What stood in: for documents that are not there, and for what the network has."""
    told = [op for op in ops if op.f == "substituted"]
    absent = {op.cls for op in told if op.where}
    documents = [f"`{op.where}`{_at(op)}" for op in told if op.where]
    replaced: dict[str, Op] = {}
    for op in told:
        if op.cls not in absent and (op.cls not in replaced or not replaced[op.cls].frames):
            replaced[op.cls] = op
    others = [f"`{cls}`{_at(op)}" for cls, op in replaced.items()]
    found = [f"a text stands in for documents that are not there: {_listed(documents)}"] if documents else []
    text = "stood in for, as they need the network: {}; what they would have given or kept is not judged"
    return found + ([text.format(_listed(others))] if others else [])
