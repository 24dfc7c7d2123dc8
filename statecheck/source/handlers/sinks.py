"""The places in code that tell what a value is: model calls and messages on one side, keys and paths on the other."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from statecheck.source import weights
from statecheck.source.code.resolver import FUNCTIONS, Definition
from statecheck.source.handlers.field_constraints import limit_values, note_check
from statecheck.source.handlers.models import constant
from statecheck.source.handlers.notes import Traced, merge
from statecheck.source.roles import as_set, name_evidence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from statecheck.source.code.scopes import Function
    from statecheck.source.fields import Place
    from statecheck.source.handlers.notes import Notes, Usage
    from statecheck.source.handlers.site import Site

PARSERS = as_set("model_validate model_validate_json parse_obj parse_raw from_dict load loads validate_python decode")
_MODEL_CALLS = {
    name: weight
    for weight, spelled in {
        weights.CHAT_CALL: "chat achat stream_chat astream_chat complete acomplete stream_complete astream_complete "
        "predict apredict structured_predict astructured_predict stream astream chat_with_tools achat_with_tools "
        "predict_and_call",
        weights.RUN_CALL: "run arun query aquery run_step send_event run_workflow run_agent kickoff",
        weights.STORE_CALL: "put aput put_messages aput_messages add_message async_add_message retrieve aretrieve "
        "synthesize",
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
_QUERIES = as_set(
    "execute execute_fetchall fetchrow fetch fetchone fetchall fetchval fetch_all fetch_one fetch_val scalar scalars"
)
_PATHS = as_set("open Path joinpath PurePath sha256 md5 sha1")
_OPENING = as_set("decode decode_complete get_unverified_claims verify_id_token verify_token decode_token loads unsign")
_SIGNED = ("header", "cookie", "query")


def open_token(name: str, arguments: list[Traced]) -> Traced | None:
    """Return what a call takes out of a token that travels by itself, which says what the token says; or None."""
    travels = [place for place in arguments[0].all if place.where in _SIGNED] if arguments else []
    return Traced(at=travels[0]) if name in _OPENING and len(travels) == 1 else None


@dataclass(frozen=True, slots=True)
class Leaving:
    """A call that leaves the project's own code: its last name, and what it is made with.

    Attributes:
        receiver: the last name of what the method is called on, or "".
        on: the same as an expression, or None for a plain function.
        owner: what is known of it.
    """

    node: ast.Call
    name: str
    receiver: str
    on: ast.expr | None
    owner: Traced
    arguments: list[Traced]
    keywords: dict[str, Traced]

    @property
    def silent(self) -> bool:
        """It says nothing of what it is given: a log, a print."""
        return self.receiver.lower() in _SILENT or self.name in _SILENT

    @property
    def asks_model(self) -> bool:
        """It asks a model, or runs what asks one."""
        return self.name in _MODEL_CALLS and self.on is not None and self.receiver not in _NOT_MODELS

    @property
    def runs_workflow(self) -> bool:
        """It may run a workflow, which gets the keywords as its start event."""
        return self.asks_model and self.name in ("run", "arun")

    @property
    def stores(self) -> bool:
        """It adds its last argument to what it is called on."""
        return self.name in _STORED and self.on is not None and bool(self.arguments)

    def carried(self) -> Traced:
        """Return what of the request its result still carries."""
        everything = [*self.arguments, *self.keywords.values()]
        passing = self.name in _PASSING and (self.name != "run" or self.receiver in _LOOPS)
        if self.silent:
            return self.owner
        if passing and len(everything) == 1 and everything[0].at is not None:
            return everything[0]
        if self.name in _CARRYING or passing or self.name[:1].isupper():
            return merge([self.owner, *everything])
        return self.owner if self.owner.at is None else Traced(parts=self.owner.all)


def leaving_call(node: ast.Call, owner: Traced, arguments: list[Traced], keywords: dict[str, Traced]) -> Leaving:
    """Return a call that leaves the project's own code, with what it is made with."""
    on = node.func.value if isinstance(node.func, ast.Attribute) else None
    receiver = ast.unparse(on).split(".")[-1] if on is not None else ""
    return Leaving(node, callee(node), receiver, on, owner, arguments, keywords)


def callee(node: ast.Call) -> str:
    """Return the last name of what is called."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else str(getattr(node.func, "id", ""))


def note_call(notes: Notes, site: Site, call: Leaving) -> None:
    """Note what a call that leaves the project's own code says of what it is given."""
    if call.silent:
        return
    _note_model_call(notes, call)
    _note_keywords(notes, call)
    if call.name in _KEYED and call.on is not None and call.arguments:
        note_key(notes, site, call.on, call.arguments[0])
    if call.stores:
        notes.note(call.arguments[-1], weights.STORED)
    if call.name in _PATHS or call.receiver == "path":
        for argument in call.arguments:
            notes.note(argument, weights.PATH, weights.WHOLE)
    note_check(notes, site, call.name, call.node, call.arguments)
    if call.name == "set" and isinstance(call.on, ast.Name) and len(call.arguments) == 1 and not call.keywords:
        notes.kept[call.on.id] = call.arguments[0]
    if call.name == "len" and call.arguments:
        notes.note(call.arguments[0], weights.MEASURED)
    if call.name in _MESSAGES:
        for traced in call.arguments[-1:] or call.keywords.values():
            notes.note(traced, weights.CHAT_MESSAGE)
    _note_query(notes, call)
    _note_answer(notes, call)


def _note_model_call(notes: Notes, call: Leaving) -> None:
    if not call.asks_model:
        return
    template = call.name in ("predict", "apredict")
    notes.model = max(notes.model, _MODEL_CALLS[call.name])
    for traced in call.arguments[1:] if template else call.arguments[:1]:
        notes.note(traced, weights.ASKED, weights.PART_OF_PROMPT)
    for keyword, traced in call.keywords.items():
        found_by = any(_finds(usage) for place in traced.all if (usage := notes.usages.get(place)))
        if keyword in _SAID:
            notes.note(traced, weights.ASKED, weights.PART_OF_PROMPT)
        elif keyword not in _NOT_SAID and (template or call.name in ("run", "arun", "kickoff")) and not found_by:
            notes.note(traced, weights.RUN_INPUT)


def _finds(usage: Usage) -> bool:
    """Whether the code has been seen to find state by a part of the request."""
    return any(each.weight <= weights.FOUND_BY for each in usage.decision.session)


def workflow_steps(site: Site, call: Leaving) -> Iterator[tuple[Definition, dict[str, Traced]]]:
    """Yield the steps of the workflow that a call runs, each with what its parameters are bound to.

    What `run()` is given arrives as the event of the workflow's steps.
    """
    assert call.on is not None
    found = site.code.class_of(site.resolve(call.on))
    made = call.on if isinstance(call.on, ast.Call) else _maker_of(site, call.on)
    if found is None and made is not None:
        found = site.resolve(made.func)
    if found is None or not isinstance(found.node, ast.ClassDef):
        return
    event = call.keywords.get("start_event", Traced(attrs=call.keywords))
    for step in found.node.body:
        if isinstance(step, FUNCTIONS) and any("step" in ast.unparse(mark) for mark in step.decorator_list):
            yield Definition(found.file, step), dict.fromkeys(_event_parameters(step), event)


def _event_parameters(step: Function) -> Iterator[str]:
    for argument in step.args.args[1:]:
        if argument.arg != "ctx" and "Context" not in ast.unparse(argument.annotation or ast.Constant(0)):
            yield argument.arg


def _maker_of(site: Site, on: ast.expr) -> ast.Call | None:
    """Return the call that makes `self.flow`, in the class or one of its methods, in the same file."""
    if not isinstance(on, ast.Attribute) or not isinstance(on.value, ast.Name) or on.value.id not in ("self", "cls"):
        return None
    for node in ast.walk(site.code.tree(site.file) or ast.Module([], [])):
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Call):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(getattr(target, "attr", getattr(target, "id", "")) == on.attr for target in targets):
                return node.value
    return None


def _note_keywords(notes: Notes, call: Leaving) -> None:
    for keyword, traced in call.keywords.items():
        if keyword != "**":
            named = name_evidence(keyword, weights.KEYWORD)
            notes.note(traced, named, weights.WHOLE if named.weight < 0 else weights.PART)


def _note_query(notes: Notes, call: Leaving) -> None:
    if call.name not in _QUERIES or not call.node.args:
        return
    statement = ast.unparse(call.node.args[0]).lower().removeprefix("sa.").removeprefix("text(")
    if statement.lstrip("'\"( fr\\n").startswith(("select", "delete")):
        for traced in call.arguments[1:]:
            notes.note(traced, weights.QUERIED, weights.WHOLE)


def _note_answer(notes: Notes, call: Leaving) -> None:
    first = constant(call.node.args[0]) if call.node.args else None
    if call.name == "set_cookie" and isinstance(first, str):
        notes.set_cookies.add(first)
    if call.name in _STREAMS:
        notes.streams = True


def note_key(notes: Notes, site: Site, container: ast.expr, key: Traced) -> None:
    """Note a value used as a key: of a table of constants it is one of those keys, else it finds a session's state."""
    options = site.keys(container)
    for place in key.all:
        if options and place == key.at:
            limit_values(notes, place, options)
        else:
            notes.weigh(place, weights.KEY)


def note_lookup(notes: Notes, place: Place) -> None:
    """Note that a value is looked for in a container that changes."""
    notes.weigh(place, weights.LOOKED_FOR)


def note_format(notes: Notes, fixed: str, made: Traced) -> None:
    """Note what an f-string is made of, by its fixed text: one without blanks is a key."""
    if fixed and " " not in fixed.strip() and "\n" not in fixed:
        notes.note(made, weights.KEY_TEXT, weights.WHOLE)


def note_joined_path(notes: Notes, name: Traced) -> None:
    """Note what a `/` joins to a path."""
    notes.note(name, weights.PATH, weights.WHOLE)


def note_mapping(notes: Notes, pairs: Mapping[str, Traced]) -> None:
    """Note a mapping's values: `{"role": "user", "content": x}` is a message, other keys speak by their names."""
    for name, traced in pairs.items():
        chat = name in ("content", "text") and "role" in pairs
        notes.note(traced, weights.CHAT_MESSAGE if chat else name_evidence(name, weights.ENTRY))


def note_returned(notes: Notes, traced: Traced) -> None:
    """Note what an answer repeats: a client gets its session back more often than its words."""
    notes.note(traced, weights.REPEATED)
