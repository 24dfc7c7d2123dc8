"""The places in code that tell what a value is: model calls and messages on one side, keys and paths on the other."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from statecheck.source.fields import Json, Place
from statecheck.source.lookup import FUNCTIONS, Found
from statecheck.source.models import constant
from statecheck.source.roles import leaning
from statecheck.source.traces import Evidence, Value, merge

if TYPE_CHECKING:
    from statecheck.source.flow import Block

PARSERS = frozenset(
    "model_validate model_validate_json parse_obj parse_raw from_dict load loads validate_python decode".split()
)
_MODEL_CALLS = {
    name: weight
    for weight, names in {
        3.0: "chat achat stream_chat astream_chat complete acomplete stream_complete astream_complete predict apredict "
        "structured_predict astructured_predict stream astream chat_with_tools achat_with_tools predict_and_call",
        2.0: "run arun query aquery run_step send_event run_workflow run_agent kickoff",
        1.0: "put aput put_messages aput_messages add_message async_add_message retrieve aretrieve synthesize",
    }.items()
    for name in names.split()
}
_NOT_MODELS = frozenset(
    "asyncio uvicorn subprocess anyio loop trio app server db session cursor conn connection".split()
)
_SAID = frozenset(
    "message user_msg user_message prompt query input str_or_query_bundle messages content query_str".split()
)
_NOT_SAID = frozenset("memory ctx context session_id thread_id chat_history handler_id max_iterations stream".split())
_KEYED = frozenset(
    "get aget setdefault pop set aset setex psetex lpush rpush lrange llen ltrim hget hset hgetall hmget delete exists "
    "expire append_to get_messages set_messages aget_messages aset_messages add_message async_add_message delete_messages "
    "get_or_create zadd zrange xadd incr sadd smembers lock load save fetch touch acquire".split()
)
_STORED = frozenset("append extend insert add put write appendleft put_nowait rpush lpush aput".split())
_SILENT = frozenset("logger logging log print console structlog warnings metrics".split())
_PASSING = frozenset(
    "str int dict list tuple wait_for run gather to_thread run_sync shield create_task jsonify copy".split()
)
_CARRYING = frozenset(
    "join format replace dumps escape sub strip concat render format_map from_str user user_message".split()
)
_PATHS = frozenset("open Path joinpath PurePath sha256 md5 sha1".split())


def called(block: Block, node: ast.Call, owner: Value, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    """A call that leaves the project's own code."""
    flow, name = block.flow, callee(node)
    receiver = ast.unparse(node.func.value).split(".")[-1] if isinstance(node.func, ast.Attribute) else ""
    everything = [*arguments, *keywords.values()]
    if receiver.lower() in _SILENT or name in _SILENT:
        return owner
    if name in _MODEL_CALLS and isinstance(node.func, ast.Attribute) and receiver not in _NOT_MODELS:
        flow.model = max(flow.model, _MODEL_CALLS[name])
        _to_model(block, node, name, arguments, keywords)
    for keyword, value in keywords.items():
        if keyword != "**":
            flow.note(value, 0.6 * leaning(keyword))
    if name in _KEYED and isinstance(node.func, ast.Attribute) and arguments:
        keyed(block, node.func.value, arguments[0])
    if name in _STORED and isinstance(node.func, ast.Attribute) and arguments:
        flow.note(arguments[-1], 3)
        block.grow(node.func.value, arguments[-1])
    if (name in _PATHS or receiver == "path") and arguments:
        for argument in arguments:
            flow.note(argument, -4, part=1)
    if name in ("UUID", "int") and arguments and (place := arguments[0].at) and place in flow.evidence:
        flow.evidence[place].form = "uuid" if name == "UUID" else "integer"
        flow.weigh(place, -4 if name == "UUID" else -1)
    if name in ("fullmatch", "match") and len(arguments) > 1:
        flow.note(arguments[1], -1)
    if name == "len" and arguments:
        flow.note(arguments[0], 0.5)
    if name in ("ChatMessage", "HumanMessage", "UserMessage", "TextBlock") and everything:
        flow.note(arguments[-1] if arguments else merge(everything), 5)
    if name == "set_cookie" and node.args:
        flow.set_cookies.update(str(node.args[0].value) for _ in "x" if isinstance(node.args[0], ast.Constant))
    if name in ("execute", "fetchrow", "fetch", "fetchone", "fetchall", "scalar"):
        _to_sql(block, node, arguments)
    if name in ("StreamingResponse", "EventSourceResponse", "StreamingHttpResponse", "ServerSentEvent"):
        flow.streams = True
    if name in _PASSING and len(everything) == 1 and everything[0].at is not None:
        return everything[0]

    carries = name in _CARRYING or name in _PASSING or name[:1].isupper()
    return merge([owner, *everything]) if carries else owner if owner.at is None else Value(parts=owner.all)


def callee(node: ast.Call) -> str:
    """The last name of what is called."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _to_model(block: Block, node: ast.Call, name: str, arguments: list[Value], keywords: dict[str, Value]) -> None:
    flow = block.flow
    for value in arguments[:1] if name not in ("predict", "apredict") else arguments[1:]:
        flow.note(value, 9, part=0.7)
    for keyword, value in keywords.items():
        if keyword in _SAID:
            flow.note(value, 9, part=0.7)
        elif keyword not in _NOT_SAID and name in ("run", "arun", "predict", "apredict", "kickoff"):
            flow.note(value, 3)
    if name not in ("run", "arun") or not isinstance(node.func, ast.Attribute):
        return

    found = flow.modules.class_of(flow.modules.resolve(block.file, node.func.value))
    if found is None and isinstance(node.func.value, ast.Call):
        found = flow.modules.resolve(block.file, node.func.value.func)
    if found is None or not isinstance(found.node, ast.ClassDef):
        return
    event = keywords.get("start_event", Value(attrs=keywords))
    for step in found.node.body:  # a workflow: what run() was given arrives as the event of its steps
        if isinstance(step, FUNCTIONS) and any("step" in ast.unparse(d) for d in step.decorator_list):
            names = [a.arg for a in step.args.args[1:] if "Context" not in ast.unparse(a.annotation or ast.Constant(0))]
            flow.enter(Found(found.file, step), {name: event for name in names if name != "ctx"})


def _to_sql(block: Block, node: ast.Call, arguments: list[Value]) -> None:
    statement = constant(node.args[0]) if node.args else None
    text = statement if isinstance(statement, str) else ast.unparse(node.args[0]) if node.args else ""
    if text.lstrip("'\"( ").lower().startswith(("select", "delete", "text('select", "sa.text('select")):
        for value in arguments[1:]:
            block.flow.note(value, -4, part=1)


def keyed(block: Block, container: ast.expr, key: Value) -> None:
    """A value used as a key: of a table of constants it is one of those keys, else it finds a session's state."""
    options = _keys(block, container)
    for place in key.all:
        if options and place == key.at:
            _limited(block, place, options)
        else:
            block.flow.weigh(place, -5)


def compared(block: Block, node: ast.Compare) -> Value:
    """A comparison: with literals it limits the values, with a container's keys it is a look-up."""
    left = block.value(node.left)
    for operator, right in zip(node.ops, node.comparators):
        value = block.value(right)
        literal = constant(right)
        if left.at is None or not left.at.path:
            continue
        if isinstance(operator, (ast.In, ast.NotIn)):
            options = literal if isinstance(literal, list) else _keys(block, right)
            if options:
                _limited(block, left.at, options)
            elif not value.all:
                block.flow.weigh(left.at, -4)
        elif isinstance(operator, (ast.Eq, ast.NotEq)) and literal not in (None, ""):
            _limited(block, left.at, [literal], weight=1)
    return merge([left])


def _limited(block: Block, place: Place, options: list[Json], weight: float = 3) -> None:
    from statecheck.source.flow import Evidence

    entry = block.flow.evidence.setdefault(place, Evidence())
    if weight > 1:
        entry.options[:0] = options
        entry.limited = True
    else:
        entry.options.extend(options)


def _keys(block: Block, container: ast.expr) -> list[Json]:
    """The keys of a module's table of constants, or the members of its set of constants."""
    found = block.flow.modules.resolve(block.file, container)
    if found is not None and isinstance(container, ast.Name) and _written(block, found, container.id):
        return []
    node = found.node if found is not None else container
    if isinstance(node, ast.Call) and node.args and callee(node) in ("MappingProxyType", "dict", "frozenset", "set"):
        node = node.args[0]
    if isinstance(node, ast.Dict):
        return [constant(key) for key in node.keys if isinstance(key, ast.Constant)]
    if isinstance(node, (ast.Set, ast.Tuple, ast.List)):
        return [constant(item) for item in node.elts if isinstance(item, ast.Constant)]
    return []


def _written(block: Block, found: Found, name: str) -> bool:
    """Whether a module's table gets new keys while the app runs."""
    tree = block.flow.modules.tree(found.file)
    return tree is not None and any(
        (isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store) and ast.unparse(n.value) == name)
        or (isinstance(n, ast.Attribute) and n.attr in ("setdefault", "update", "add") and ast.unparse(n.value) == name)
        for n in ast.walk(tree)
    )


def formatted(block: Block, node: ast.JoinedStr) -> Value:
    """An f-string: one without blanks looks like a key, one with many like a prompt."""
    values = [block.value(part) for part in node.values if isinstance(part, ast.FormattedValue)]
    fixed = "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
    result = merge(values)
    if fixed:
        block.flow.note(result, 0.0 if " " in fixed.strip() or "\n" in fixed else -2, part=1)
    return result


def joined(block: Block, node: ast.BinOp) -> Value:
    """An operation on two values: a `/` joins a path."""
    left, right = block.value(node.left), block.value(node.right)
    if isinstance(node.op, ast.Div):
        block.flow.note(right, -4, part=1)
    return merge([left, right])


def displayed(block: Block, node: ast.Dict) -> Value:
    """A dict display: `{"role": "user", "content": x}` makes a message, other keys speak by their names."""
    pairs = {constant(key): block.value(value) for key, value in zip(node.keys, node.values) if key is not None}
    spread = [block.value(value) for key, value in zip(node.keys, node.values) if key is None]
    for name, value in pairs.items():
        if isinstance(name, str):
            chat = name in ("content", "text") and "role" in pairs
            block.flow.note(value, 5 if chat else 0.3 * leaning(name))
    return merge([*pairs.values(), *spread])
