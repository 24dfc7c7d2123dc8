"""Why no way to talk to an app was accepted, and which option would help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.errors import ExitCode, StatecheckError, more_time
from statecheck.lab.workers.worker import GARBLED_HINT
from statecheck.probe.notebooks import spell_line
from statecheck.probe.offline import is_secret
from statecheck.talk.plan_text import describe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from statecheck.lab.client import Answer
    from statecheck.lab.error_hints import Remedies
    from statecheck.lab.workers.readiness import Limits
    from statecheck.lab.workers.worker import Worker
    from statecheck.talk.plan import Plan

_CREDENTIALS = (401, 402, 403)
_SECONDS = 2.0  # until a worker says where it waits
_SHORT = 100
_SIGN_IN = (
    "say who may sign in, and how, in a template's `[[tool.statecheck.template.steps]]`, "
    "or give a token with `--header 'Authorization: Bearer …'`"
)
_OTHER_ENDPOINT = "name an endpoint whose answer ends with `--endpoint 'POST /path'`"
_BY_ERROR = {
    "it answers without end": ("answer-endless", _OTHER_ENDPOINT),
    "it redirects without end": ("answer-endless", _OTHER_ENDPOINT),
}
_BY_STATUS = {
    429: "it limits how often it may be asked: lift the limit for the run with `--env NAME=VALUE`",
    404: "name another endpoint with `--endpoint 'POST /path'`",
    405: "name the method too, with `--endpoint 'POST /path'`",
    400: "name the fields with `--message-field` and `--session-field`, or give a template in [tool.statecheck]",
    422: "name the fields with `--message-field` and `--session-field`, or give a template in [tool.statecheck]",
}


def _wanted(plan: Plan, answer: Answer) -> str:
    """What to give to an app that refuses a turn: the credential that it asks for, by the option that gives it."""
    sent = [name for name, _ in plan.headers if is_secret(name) or name.lower() == "authorization"]
    cookie = next((name for name, _ in plan.cookies if is_secret(name)), None)
    query = next((name for name, _ in plan.query if is_secret(name)), None)
    scheme = answer.headers.get("www-authenticate", "").split(" ")[0] or "Bearer"
    if sent and sent[0].lower() != "authorization":
        return f"it wants a key that it knows: give one with `--header '{sent[0]}: …'`"
    if cookie is not None and not sent:
        return f"it wants a cookie that it knows: give one with `--header 'Cookie: {cookie}=…'`"
    if query is not None and not sent:
        return f'it wants a `{query}` that it knows: give one in a template, `query = {{ {query} = "…" }}`'
    return f"it wants credentials that it knows: give them with `--header 'Authorization: {scheme} …'`"


def describe_unclear(tried: Sequence[Plan]) -> StatecheckError:
    """The error where a message was accepted in several fields, and in none was seen to arrive."""
    names = ", ".join(f"`{plan.message_field}`" for plan in tried)
    first = tried[0]
    return StatecheckError(
        "no-message-field",
        f"`{first.method} {first.path}` was tried with the message in {names}, and none was seen to reach a model",
        f"name it: `--message-field {first.message_field.rpartition(' ')[2]}`",
        ExitCode.INCONCLUSIVE,
    )


def _waits(worker: Worker) -> str:
    reply = worker.ask({"waits": True}, _SECONDS)
    found = (reply or {}).get("waits")
    return f": it waits in `{spell_line(*found[:2])}`" if found else ""


def describe_refusal(
    worker: Worker, tried: Sequence[tuple[Plan, Answer]], limits: Limits, remedies: Remedies
) -> StatecheckError:
    """The error where every plan was refused: what was answered, and what may help."""
    plan, answer = tried[-1]
    asked = describe(plan)
    if worker.garbled:
        return StatecheckError("channel-written", worker.fate, GARBLED_HINT, ExitCode.INCONCLUSIVE, worker.output())
    if worker.dead:
        return StatecheckError(
            "worker-died",
            f"the target's process died while it answered ({asked})",
            "look at its own last lines; a request must not end the process",
            ExitCode.INCONCLUSIVE,
            worker.output(),
        )
    if answer.status == 0:
        hangs = answer.error.endswith(f"within {limits.turn:g} s")
        more = f"give it what it waits for with `--env NAME=VALUE`, or more time with {more_time(limits.turn)}"
        slug, hint = _BY_ERROR.get(answer.error.partition(":")[0], ("no-answer", more))
        return StatecheckError(
            "turn-hangs" if hangs else slug,
            f"{answer.error} ({asked}){_waits(worker) if hangs else ''}",
            more if hangs else hint,
            ExitCode.INCONCLUSIVE,
            worker.output(),
        )
    failed = next((a.error for _, a in tried if a.error), "") or next(filter(None, worker.done.values()), "")
    body = " ".join((failed or answer.text).split())[:200].rstrip(": ")
    if plan.is_call:
        said = f"the target raised an exception ({asked})"
    else:
        said = "the target answered " + ", ".join(
            list(dict.fromkeys(f"{a.status} to {a.asked or describe(p)}" for p, a in tried))[:3]
        )
    first = tried[0][1].status
    hint = remedies.of(failed) or _BY_STATUS.get(first) or "see its own last lines; the same turn may be sent by hand"
    if tried[0][0].before and tried[0][1].asked:
        hint = _SIGN_IN
    elif first in _CREDENTIALS:
        hint = _wanted(*tried[0])
    blocked = [op for op in worker.ops() if op.f == "blocked" and op.turn and op.frames and not op.tool]
    if blocked:
        asks = f"`{spell_line(blocked[-1].frames[0].path, blocked[-1].frames[0].line)}` asks for {blocked[-1].where}"
        return StatecheckError(
            "turn-needs-network",
            f"{said}: {asks}, which was blocked",
            "hand over a service here with `--env NAME=URL`",
            ExitCode.INCONCLUSIVE,
            worker.output(),
        )
    return StatecheckError(
        "turn-refused",
        f"{said}{': ' + body if body else ''}",
        hint,
        ExitCode.INCONCLUSIVE,
        "\n".join(filter(None, (worker.output().rstrip(), list_tried(tried)))),
    )


def list_tried(tried: Sequence[tuple[Plan, Answer]]) -> str:
    """Return a line for each way that was tried, with what was answered; "" where that is one way alone."""
    said = [
        f"tried: {answer.asked or describe(plan)}: {answer.status} {_shorten(answer.error or answer.text)}"
        for plan, answer in tried
        if plan.kind != "callable"
    ]
    lines = list(dict.fromkeys(said))
    return "\n".join(lines) if len(lines) > 1 else ""


def _shorten(text: str) -> str:
    return " ".join(text.split())[:_SHORT]
