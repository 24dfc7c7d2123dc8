"""What a turn leaves in whose midst a model's call fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import MODEL_FAILS
from statecheck.judge.cause import Observation
from statecheck.judge.checks.failed_call import find_failure, list_own_writes
from statecheck.judge.evidence.lines import anchor_of
from statecheck.model import Anchor

if TYPE_CHECKING:
    from statecheck.history import Op
    from statecheck.judge.checks.failed_call import Failure
    from statecheck.judge.conversation import Conversation
    from statecheck.judge.evidence.case import Case

_TOGETHER = "store question and answer together, once the model has answered"


def find_failed_turn(case: Case) -> Observation | None:
    """Does a call of a model that fails once double, break or lose what is stored of a conversation?"""
    conversation = case.conversations.get(MODEL_FAILS)
    outcome = case.outcomes.get(MODEL_FAILS)
    failure = find_failure(conversation) if conversation is not None else None
    if conversation is None or failure is None or outcome is None or outcome.outcome not in ("lost", "duplicated"):
        return None
    failed = next((op for op in conversation.select("outage") if op.frames), None)
    asks = {(frame.path, frame.function) for frame in failed.frames} if failed is not None else set()
    written = [_meet(op, asks) for op in list_own_writes(conversation, failure.turn)]
    if failed is not None and failure.left == "nothing-before":
        written = [*_find_emptying(conversation, failed), *written]
    ran = {frame.path for op in conversation.select(turn=failure.turn.number) for frame in op.frames}
    said = [(op.lines[0], "tries again" if op.name == "again" else "caught") for op in conversation.select("retry")]
    tried = [Anchor(line.path, line.line, text) for line, text in said if line.path in ran]
    called = anchor_of(failed)
    lines = list(dict.fromkeys([*written, *([called] if called is not None else []), *tried[:1]]))
    summary, fix = _say(failure)
    return Observation(
        summary,
        lines[0] if lines else None,
        (case.reason(MODEL_FAILS),),
        kind="failed-turn",
        severity="error" if failure.left == "nothing-before" and failure.turn.status == "ok" else "warning",
        related_to=tuple(lines[1:]),
        fix=fix,
    )


def _find_emptying(conversation: Conversation, failed: Op) -> list[Anchor]:
    """Where the app's code empties a memory or deletes what is stored in that turn, after the call that failed."""
    ops = (op for op in conversation.select(turn=failed.turn) if op.action in ("reset", "delete") and op.frames)
    after = (op for op in ops if op.time > failed.time)
    return [Anchor(op.frames[0].path, op.frames[0].line, "emptied") for op in after]


def _meet(write: Op, asks: set[tuple[str, str]]) -> Anchor:
    """The line at which what asks the model stores something, by whatever helper; else that of the helper."""
    frame = next((frame for frame in write.frames if (frame.path, frame.function) in asks), write.frames[0])
    return Anchor(frame.path, frame.line, "written")


def _say(failure: Failure) -> tuple[str, str]:
    """What is seen of a failure, and what to do."""
    once = "when a model's call fails once (a rate limit, a timeout)"
    if failure.left == "twice" and failure.again:
        return (
            f"{once} and is tried again, what the user said is stored twice: what is tried again stores it, too",
            f"try the model's call alone again, not what stores the question; or {_TOGETHER}",
        )
    if failure.left == "twice":
        return (
            f"{once}, the question stays stored without an answer: who sends it again has it in the conversation twice",
            f"{_TOGETHER}, or take the question back where that fails",
        )
    if failure.left == "unanswered":
        return (
            f"{once}, the question stays stored without an answer: later turns' models are given two of the user's "
            "messages in a row",
            f"{_TOGETHER}, or store what was answered in its place as well",
        )
    if failure.left == "refusals":
        return (
            f"{once}, the conversation is refused from then on: turn {failure.reader.number} was answered "
            f"`{failure.reader.note}`",
            "give back in `finally` what a turn takes (a lock, a mark that the conversation is busy), and store only "
            "what the next turn can read",
        )
    if failure.left == "nothing-before":
        return (
            f"{once}, later turns are given nothing of what was said before",
            "leave what is stored as it is until the model has answered: change a copy, and put that in its place then",
        )
    return (
        f"{once}, the turn is answered all the same, and given to no later one",
        "store what was asked and answered wherever an answer comes from: also behind the retry, or another model",
    )
