"""The places in code that tell what a value is: model calls and messages on one side, keys and paths on the other."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from statecheck.source.code.lookup import FUNCTIONS, Found
from statecheck.source.handlers.constants import keys_of
from statecheck.source.handlers.field_constraints import checked, limit
from statecheck.source.handlers.models import constant
from statecheck.source.handlers.traces import Value, merge
from statecheck.source.roles import as_set, leaning

if TYPE_CHECKING:
    from statecheck.source.handlers.flow import Block

PARSERS = as_set("model_validate model_validate_json parse_obj parse_raw from_dict load loads validate_python decode")
_MODEL_CALLS = {
    name: weight
    for weight, spelled in {
        3.0: "chat achat stream_chat astream_chat complete acomplete stream_complete astream_complete predict apredict "
        "structured_predict astructured_predict stream astream chat_with_tools achat_with_tools predict_and_call",
        2.0: "run arun query aquery run_step send_event run_workflow run_agent kickoff",
        1.0: "put aput put_messages aput_messages add_message async_add_message retrieve aretrieve synthesize",
    }.items()
    for name in spelled.split()
}
_NOT_MODELS = as_set("asyncio uvicorn subprocess anyio loop trio app server db session cursor conn connection")
_SAID = as_set("message user_msg user_message prompt query input str_or_query_bundle messages content query_str")
_NOT_SAID = as_set("memory ctx context session_id thread_id chat_history handler_id max_iterations stream")
_KEYED = as_set(
    "get aget setdefault pop set aset setex psetex lpush rpush lrange llen ltrim hget hset hgetall hmget delete exists "
    "expire append_to get_messages set_messages aget_messages aset_messages add_message async_add_message "
    "delete_messages get_or_create zadd zrange xadd incr sadd smembers lock load save fetch touch acquire"
)
_STORED = as_set("append extend insert add put write appendleft put_nowait rpush lpush aput")
_SILENT = as_set("logger logging log print console structlog warnings metrics")
_PASSING = as_set("str int dict list tuple wait_for run gather to_thread run_sync shield create_task jsonify copy")
_LOOPS = as_set(
    "asyncio anyio trio uvloop runner"
)  # what else is run (an agent, a workflow) gives something of its own
_CARRYING = as_set("join format replace dumps escape sub strip concat render format_map from_str user user_message")
_MESSAGES = as_set("ChatMessage HumanMessage UserMessage TextBlock")
_STREAMS = as_set("StreamingResponse EventSourceResponse StreamingHttpResponse ServerSentEvent")
_FINDS = -4  # evidence that state is found by a value: it is not what is said
_PATHS = as_set("open Path joinpath PurePath sha256 md5 sha1")


@dataclass(frozen=True, slots=True)
class Leaving:
    """A call that leaves the project's own code: its last name, and what it is made with.

    Attributes:
        receiver: the last name of what the method is called on, or "".
        on: the same as an expression, or None for a plain function.
    """

    node: ast.Call
    name: str
    receiver: str
    on: ast.expr | None
    arguments: list[Value]
    keywords: dict[str, Value]


def called(block: Block, node: ast.Call, owner: Value, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    """Weigh a call that leaves the project's own code; what of the request its result still carries."""
    on = node.func.value if isinstance(node.func, ast.Attribute) else None
    receiver = ast.unparse(on).split(".")[-1] if on is not None else ""
    call = Leaving(node, callee(node), receiver, on, arguments, keywords)
    if receiver.lower() in _SILENT or call.name in _SILENT:
        return owner
    for sign in (
        _to_model,
        _by_keyword,
        _by_key,
        _stored,
        _as_path,
        _checked,
        _to_message,
        _to_sql,
        _answering,
    ):
        sign(block, call)
    everything = [*arguments, *keywords.values()]
    passing = call.name in _PASSING and (call.name != "run" or call.receiver in _LOOPS)
    if passing and len(everything) == 1 and everything[0].at is not None:
        return everything[0]
    if call.name in _CARRYING or passing or call.name[:1].isupper():
        return merge([owner, *everything])
    return owner if owner.at is None else Value(parts=owner.all)


def callee(node: ast.Call) -> str:
    """Return the last name of what is called."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else str(getattr(node.func, "id", ""))


def _to_model(block: Block, call: Leaving) -> None:
    if call.name not in _MODEL_CALLS or call.on is None or call.receiver in _NOT_MODELS:
        return
    flow, template = block.flow, call.name in ("predict", "apredict")
    flow.model = max(flow.model, _MODEL_CALLS[call.name])
    for value in call.arguments[1:] if template else call.arguments[:1]:
        flow.note(value, 9, part=0.7)
    if call.name in ("run", "arun"):
        _to_workflow(block, call.on, call.keywords)
    for keyword, value in call.keywords.items():
        found_by = any(entry.session <= _FINDS for place in value.all if (entry := flow.evidence.get(place)))
        if keyword in _SAID:
            flow.note(value, 9, part=0.7)
        elif keyword not in _NOT_SAID and (template or call.name in ("run", "arun", "kickoff")) and not found_by:
            flow.note(value, 3)


def _to_workflow(block: Block, on: ast.expr, keywords: dict[str, Value]) -> None:
    """Follow what a workflow's run() is given: it arrives as the event of the workflow's steps."""
    modules = block.flow.modules
    found = modules.class_of(modules.resolve(block.file, on))
    made = on if isinstance(on, ast.Call) else _made_as(block, on)
    if found is None and made is not None:
        found = modules.resolve(block.file, made.func)
    if found is None or not isinstance(found.node, ast.ClassDef):
        return
    event = keywords.get("start_event", Value(attrs=keywords))
    for step in found.node.body:
        if isinstance(step, FUNCTIONS) and any("step" in ast.unparse(mark) for mark in step.decorator_list):
            given = [a.arg for a in step.args.args[1:] if "Context" not in ast.unparse(a.annotation or ast.Constant(0))]
            block.flow.enter(Found(found.file, step), {name: event for name in given if name != "ctx"})


def _made_as(block: Block, on: ast.expr) -> ast.Call | None:
    """The call that makes `self.flow`, in the class or one of its methods, in the same file."""
    if not isinstance(on, ast.Attribute) or not isinstance(on.value, ast.Name) or on.value.id not in ("self", "cls"):
        return None
    for node in ast.walk(block.flow.modules.tree(block.file) or ast.Module([], [])):
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Call):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(getattr(target, "attr", getattr(target, "id", "")) == on.attr for target in targets):
                return node.value
    return None


def _by_keyword(block: Block, call: Leaving) -> None:
    for keyword, value in call.keywords.items():
        if keyword != "**":
            weight = 0.6 * leaning(keyword)
            block.flow.note(value, weight, part=1 if weight < 0 else 0.6)


def _by_key(block: Block, call: Leaving) -> None:
    if call.name in _KEYED and call.on is not None and call.arguments:
        keyed(block, call.on, call.arguments[0])


def _stored(block: Block, call: Leaving) -> None:
    if call.name in _STORED and call.on is not None and call.arguments:
        block.flow.note(call.arguments[-1], 3)
        block.grow(call.on, call.arguments[-1])


def _as_path(block: Block, call: Leaving) -> None:
    if call.name in _PATHS or call.receiver == "path":
        for argument in call.arguments:
            block.flow.note(argument, -4, part=1)


def _checked(block: Block, call: Leaving) -> None:
    checked(block, call.name, call.node, call.arguments)
    if call.name == "set" and isinstance(call.on, ast.Name) and len(call.arguments) == 1 and not call.keywords:
        block.flow.kept[call.on.id] = call.arguments[0]
    if call.name == "len" and call.arguments:
        block.flow.note(call.arguments[0], 0.5)


def _to_message(block: Block, call: Leaving) -> None:
    if call.name in _MESSAGES:
        for value in call.arguments[-1:] or call.keywords.values():
            block.flow.note(value, 5)


def _to_sql(block: Block, call: Leaving) -> None:
    if call.name not in ("execute", "fetchrow", "fetch", "fetchone", "fetchall", "scalar") or not call.node.args:
        return
    statement = ast.unparse(call.node.args[0]).lower().removeprefix("sa.").removeprefix("text(")
    if statement.lstrip("'\"( fr\\n").startswith(("select", "delete")):
        for value in call.arguments[1:]:
            block.flow.note(value, -4, part=1)


def _answering(block: Block, call: Leaving) -> None:
    first = constant(call.node.args[0]) if call.node.args else None
    if call.name == "set_cookie" and isinstance(first, str):
        block.flow.set_cookies.add(first)
    if call.name in _STREAMS:
        block.flow.streams = True


def keyed(block: Block, container: ast.expr, key: Value) -> None:
    """Weigh a value used as a key: of a table of constants it is one of those keys, else it finds a session's state."""
    options = keys_of(block, container)
    for place in key.all:
        if options and place == key.at:
            limit(block, place, options)
        else:
            block.flow.weigh(place, -5)


def formatted(block: Block, node: ast.JoinedStr) -> Value:
    """Weigh an f-string: one without blanks looks like a key, one with many like a prompt."""
    values = [block.value(part) for part in node.values if isinstance(part, ast.FormattedValue)]
    fixed = "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
    result = merge(values)
    if fixed:
        block.flow.note(result, 0.0 if " " in fixed.strip() or "\n" in fixed else -2, part=1)
    return result


def joined(block: Block, node: ast.BinOp) -> Value:
    """Weigh an operation on two values: a `/` joins a path."""
    left, right = block.value(node.left), block.value(node.right)
    if isinstance(node.op, ast.Div):
        block.flow.note(right, -4, part=1)
    return merge([left, right])


def displayed(block: Block, node: ast.Dict) -> Value:
    """Weigh a dict display: `{"role": "user", "content": x}` makes a message, other keys speak by their names."""
    pairs = {
        constant(key): block.value(value) for key, value in zip(node.keys, node.values, strict=False) if key is not None
    }
    spread = [block.value(value) for key, value in zip(node.keys, node.values, strict=False) if key is None]
    for name, value in pairs.items():
        if isinstance(name, str):
            chat = name in ("content", "text") and "role" in pairs
            block.flow.note(value, 5 if chat else 0.3 * leaning(name))
    return merge([*pairs.values(), *spread])
