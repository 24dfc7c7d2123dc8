"""Why a loss in the baseline cannot be judged: what hid the conversation from view. Pure.

A clean verdict is earned: that nothing was seen to be kept says nothing where the message was never seen to arrive.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from statecheck.judge.causes import find_cause
from statecheck.judge.evidence.whereabouts import find_whereabouts
from statecheck.judge.side_effects import show_line
from statecheck.model import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from statecheck.judge.conversation import Conversation, Sent
    from statecheck.model import Finding

_HINT = "hand over a service here with `--env NAME=URL`"
_NAME_ENDPOINT = "name what takes the message with `--endpoint` and `--message-field`"
_NAME_FUNCTION = "name the function that answers a text, by its file: `statecheck diagnose FILE.py:FUNCTION`"
_ERRORS = ("error", "errors", "exception")
"""By which the body of an answer says that it refuses, whatever its status: GraphQL, JSON-RPC and many apps."""
_LONGEST = 160  # characters of an answer that are quoted


def find_blind_spot(
    conversation: Conversation, findings: Sequence[Finding], *, is_called: bool = False
) -> Problem | None:
    """Return why nothing can be said of a loss, or None.

    Args:
        conversation: the baseline's, which forgets.
        findings: what would explain it.
        is_called: the app is a function, a bot or a page, and has no endpoint that could be named.
    """
    first = next(iter(conversation.turns), None)
    if first is None:
        return None
    found = next(filter(None, (find(conversation, first, findings) for find in BLIND_SPOTS)), None)
    if is_called and found is not None and found.hint == _NAME_ENDPOINT:
        return replace(found, hint=_NAME_FUNCTION)
    return found


def find_substituted_store(conversation: Conversation, first: Sent, _: Sequence[Finding]) -> Problem | None:
    """Did turn 1 go to a stand-in, which keeps nothing?"""
    told = _markers_of(conversation, first)
    for op in conversation.select("substituted", first.number):
        if op.method in ("add", "async_add") and told & set(op.markers):
            text = (
                f"the conversation goes to `{op.cls}`{show_line(op)}, which cannot be reached, so it cannot be judged"
            )
            return Problem("substituted-store", text, _HINT)
    return None


def find_blocked_address(conversation: Conversation, first: Sent, findings: Sequence[Finding]) -> Problem | None:
    """Did turn 1 ask for an address that is blocked, and no model?"""
    asked = [op for op in conversation.select("blocked", first.number) if op.frames and not op.tool]
    if not asked or findings or conversation.calls_model(first.number):
        return None
    where = f"{asked[0].where}{show_line(asked[0])}"
    text = f"a turn asks for {where}, which was blocked: what it remembers cannot be seen"
    return Problem("turn-needs-network", text, _HINT)


def find_caught_failure(conversation: Conversation, first: Sent, findings: Sequence[Finding]) -> Problem | None:
    """Did an engine raise an exception at turn 1 that the app caught?"""
    told = _markers_of(conversation, first)
    calls = [op for op in conversation.select("engine", first.number, "call") if told & set(op.markers)]
    if not calls or calls[-1].type != "fail" or any(find_cause(one.code).explains_failures for one in findings):
        return None
    failed = f"`{calls[-1].cls}`{show_line(calls[-1])} raised {calls[-1].error.strip(': ')[:_LONGEST]}"
    text = f"turn 1 was answered, but {failed}, which the app caught: what it would remember cannot be seen"
    return Problem("caught-failure", text, "mend that first; `--show-logs` shows what the app wrote")


def find_late_failure(conversation: Conversation, first: Sent, findings: Sequence[Finding]) -> Problem | None:
    """Did work go on after turn 1 was answered, or beside all turns, and end with an exception?"""
    raised = [op for op in conversation.select("error", first.number) if op.type == "fail"]
    if findings or first.status != "ok":
        return None
    later = next(iter(conversation.turns[1:]), None)
    ended = (op for op in conversation.select("error", 0) if op.method and later is not None and op.time < later.sent)
    lasting = None if raised else next(ended, None)
    if lasting is not None:
        text = (
            f"`{lasting.method}`, which the app began to go on beside its turns, ended with "
            f"{lasting.error.strip(': ')[:_LONGEST]}{show_line(lasting)}: what it would remember cannot be seen"
        )
        return Problem("failed-after-answer", text, "fix that first; `--show-logs` shows what the app wrote")
    if not raised:
        return None
    failed = f"{raised[-1].error.strip(': ')[:_LONGEST]}{show_line(raised[-1])}"
    text = f"turn 1 was answered, but what the app did for it raised {failed}: what it would remember cannot be seen"
    return Problem("failed-after-answer", text, "fix that first; `--show-logs` shows what the app wrote")


def find_unanswered_question(conversation: Conversation, first: Sent, findings: Sequence[Finding]) -> Problem | None:
    """Does the run of turn 1 wait for a person, and did nobody answer?"""
    asked = conversation.find_request(first)
    if asked is None or findings or any(turn.answers for turn in conversation.turns):
        return None
    text = (
        f"the run of turn 1 waits for a person (`{asked.cls}`{show_line(asked)}), and nothing was found that answers it"
    )
    return Problem("question-not-answered", text, "name what begins a run with `--endpoint`, or let the app answer it")


def find_unheard_message(conversation: Conversation, first: Sent, findings: Sequence[Finding]) -> Problem | None:
    """Was a turn answered though its text was seen to reach no model and no store, or refused in its answer's body?"""
    later = [turn for turn in conversation.turns[1:2] if turn.key == first.key]
    return next(filter(None, (_find_unheard(conversation, turn) for turn in (first, *later) if not findings)), None)


def _find_unheard(conversation: Conversation, turn: Sent) -> Problem | None:
    if turn.status != "ok":
        return None
    said = " ".join(turn.answer.split())[:_LONGEST]
    kept = any(turn.marker in op.markers for op in conversation.ops if op.f not in ("turn", "warm-up"))
    answered = f"turn {turn.number} was answered {turn.code}"
    if conversation.calls_model(turn.number):
        if kept or turn.marker in turn.answer:
            return None
        asked = next(conversation.select("model", turn.number))
        text = f"{answered}, but the model was not given its text{show_line(asked)}: what becomes of it cannot be seen"
        return Problem(
            "message-not-seen", text, "does the app change what users say? `-v` shows what the model was given"
        )
    if is_refusal(turn.answer) and not kept:
        text = f"{answered} with an error, and no model was asked: {said}"
        return Problem("refused-in-answer", text, "make the app answer here as it does for its users; see `--env`")
    if kept or turn.marker in turn.answer or next(iter(conversation.state_ops(turn.number)), None) is not None:
        return None
    text = f"{answered}, but its message was seen in no model, no store and no answer: {said}"
    hint = _NAME_ENDPOINT
    if turn.number > 1:
        hint = (
            "is it taken for one that came before? `[tool.statecheck.template]` can give each message an id of its own"
        )
    return Problem("message-not-seen", text, hint)


def find_empty_file(conversation: Conversation, first: Sent, findings: Sequence[Finding]) -> Problem | None:
    """Was a file of this session's name written in turn 1 and read in turn 2, without what was said in it?"""
    second = next(iter(conversation.turns[1:]), None)
    key = _letters(first.key or "")
    if findings or second is None or not key or first.key != second.key:
        return None
    for op in conversation.select("file", first.number, "write"):
        read = any(each.where == op.where for each in conversation.select("file", second.number, "read"))
        if op.frames and read and key in _letters(op.where):
            text = (
                f"turn 1 writes `{op.where}`{show_line(op)} and turn 2 reads it, and what was said was not seen in it"
            )
            return Problem("empty-file", text, "compare what is saved with what the model is given: is it a copy?")
    return None


def find_unread_place(conversation: Conversation, first: Sent, findings: Sequence[Finding]) -> Problem | None:
    """Is turn 1 in the app's own memory under this session's key, where turn 2's model was not given it?"""
    second = next(iter(conversation.turns[1:]), None)
    key = _letters(first.key or "")
    if findings or second is None or not key or first.key != second.key or second.status != "ok":
        return None
    for place in find_whereabouts(conversation, first.marker):
        own = place.kind == "process" and place.is_text and place.anchor is not None
        if own and key in _letters(place.key or "") and conversation.calls_model(second.number):
            where = f" ({place.anchor.path}:{place.anchor.line})" if place.anchor else ""
            text = f"turn 1 is kept in `{place.text}`{where}, and turn 2's model was not given it"
            return Problem("kept-unread", text, "compare what is kept there with what the model is given")
    return None


BLIND_SPOTS: tuple[Callable[[Conversation, Sent, Sequence[Finding]], Problem | None], ...] = (
    find_substituted_store,
    find_blocked_address,
    find_caught_failure,
    find_late_failure,
    find_unanswered_question,
    find_unheard_message,
    find_empty_file,
    find_unread_place,
)
"""Asked in this order; the first that finds something is reported."""


def is_refusal(answer: str) -> bool:
    """Whether the body of an answer is an error: JSON that has one and no answer beside it."""
    try:
        body = json.loads(answer)
    except ValueError:
        return False
    if not isinstance(body, dict):
        return False
    has_error = any(body.get(name) for name in _ERRORS) or body.get("status") in _ERRORS or body.get("ok") is False
    return has_error and not any(body.get(name) for name in ("answer", "data", "result", "response", "reply"))


def _letters(text: str) -> str:
    """A text's letters and digits: what a key keeps when it is made a file's name."""
    return "".join(filter(str.isalnum, text)).lower()


def _markers_of(conversation: Conversation, turn: Sent) -> set[str]:
    return {marker for op in conversation.select("turn", turn.number) for marker in op.markers}
