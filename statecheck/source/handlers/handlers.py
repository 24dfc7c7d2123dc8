"""What a handler's source says of the requests it takes: the fields it reads, and what it does with each.

The general evidence of how a client talks: it holds for any framework, with or without an OpenAPI document.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from statecheck.source import weights
from statecheck.source.code.resolver import FUNCTIONS, Definition
from statecheck.source.fields import ELEMENT, Field, Place
from statecheck.source.handlers.binding import (
    bind_dependency,
    bind_instance,
    bind_login,
    bind_parameters,
    find_guards,
    take_over_decorators,
    take_over_middleware,
)
from statecheck.source.handlers.flow import Flow
from statecheck.source.handlers.notes import Traced
from statecheck.source.openapi import form_of, is_file, sample_of
from statecheck.source.roles import is_history, is_token

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from statecheck.source.code.scopes import Function
    from statecheck.source.handlers.notes import Usage
    from statecheck.source.handlers.project_code import ProjectCode

_NO_ARGUMENTS = ("self", "cls", "root", "parent", "info", "_", "_info")
"""Parameters of a resolver that are none of the request."""
_METHODS = ("POST", "PUT", "PATCH", "GET")


@dataclass(frozen=True, slots=True)
class Handler:
    """What is known of one handler.

    Attributes:
        fields: what it reads of a request, with the evidence of what it does with it.
        encoding: `json` or `form` if it reads a body, else "".
        model: how surely it talks to a model: 0 (no sign) to 3 (a chat or completion call).
        streams: it answers in pieces.
        answers: names in what it returns.
        sets_cookies: names of the cookies that it sets.
        begins: it puts something into the framework's session.
        methods: the methods that its own code asks for, where the route does not say.
    """

    fields: tuple[Field, ...] = ()
    encoding: str = ""
    model: float = 0.0
    streams: bool = False
    answers: frozenset[str] = frozenset()
    sets_cookies: frozenset[str] = frozenset()
    begins: bool = False
    methods: tuple[str, ...] = ()


def read_handler(
    code: ProjectCode, file: Path, line: int, name: str, path_parameters: tuple[str, ...] = (), method: str = "POST"
) -> Handler | None:
    """Read the handler that is defined at a line of a file, or None if there is none.

    Args:
        code: the project's code.
        file: where the endpoint's function or class is defined.
        line: its first line, or that of its first decorator.
        name: its name, for when the line belongs to a wrapper.
        path_parameters: the names in the route's path.
        method: which method of a class-based view is meant.
    """
    tree = code.tree(file)
    node = function_at(tree, line, name, method) if tree is not None else None
    if node is None:
        return None
    flow = Flow(code)
    found = Definition(file, node)
    take_over_middleware(flow)
    take_over_decorators(flow, found)
    bind_login(flow, found)
    for guard in find_guards(flow, found):
        bind_dependency(flow, found, guard, None)
    itself = bind_instance(flow, found, path_parameters)
    flow.enter(found, {**bind_parameters(flow, found, path_parameters), **itself})
    return Handler(
        fields=fields_of(flow),
        encoding=flow.notes.encoding,
        model=flow.notes.model,
        streams=flow.notes.streams,
        answers=frozenset(flow.notes.answers),
        sets_cookies=frozenset(flow.notes.set_cookies),
        begins=flow.notes.begins,
        methods=_asked_methods(node, flow),
    )


def read_step(
    code: ProjectCode, file: Path, line: int, name: str, event: str, below: tuple[str, ...] = ()
) -> Handler | None:
    """Read the step of a workflow that gets a request as its start event, or None if there is none.

    Args:
        code: the project's code.
        file: where the step is defined.
        line: its first line, or that of its decorator.
        name: its name.
        event: the parameter that gets the event.
        below: where the event's fields lie in the request's body.
    """
    tree = code.tree(file)
    node = function_at(tree, line, name, "") if tree is not None else None
    if node is None:
        return None
    flow = Flow(code)
    flow.enter(Definition(file, node), {event: Traced(at=Place("body", below))})
    return Handler(fields=fields_of(flow), encoding="json", model=flow.notes.model)


def read_resolver(code: ProjectCode, file: Path, line: int, name: str, below: tuple[str, ...]) -> Handler | None:
    """Read the function that gets parts of a request's body as arguments, or None if there is none.

    Args:
        code: the project's code.
        file: where the function is defined.
        line: its first line, or that of its decorator.
        name: its name.
        below: where the arguments lie in the body, each under its parameter's name.
    """
    tree = code.tree(file)
    node = function_at(tree, line, name, "") if tree is not None else None
    if node is None:
        return None
    flow = Flow(code)
    names = [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)]
    given = {each: Traced(at=Place("body", (*below, each))) for each in names if each not in _NO_ARGUMENTS}
    flow.enter(Definition(file, node), given)
    return Handler(fields=fields_of(flow), encoding="json", model=flow.notes.model)


def read_listener(code: ProjectCode, file: Path, line: int, name: str) -> Handler | None:
    """Read the function that takes an event's data, or None if there is none.

    What it takes is the body; where it takes several things, each under its parameter's name.
    """
    tree = code.tree(file)
    node = function_at(tree, line, name, "") if tree is not None else None
    if node is None:
        return None
    flow = Flow(code)
    names = [argument.arg for argument in node.args.args if argument.arg not in _NO_ARGUMENTS]
    places = {each: Place("body", (each,) if names[1:] else ()) for each in names}
    if names[1:]:
        flow.notes.declare((Field(place), place) for place in places.values())
    flow.enter(Definition(file, node), {each: Traced(at=place) for each, place in places.items()})
    return Handler(fields=fields_of(flow), encoding="json" if names else "", model=flow.notes.model)


def function_at(tree: ast.Module, line: int, name: str, method: str) -> Function | None:
    """Return the function at a line, or of a name; of a class, the method that serves this HTTP method."""
    named = name.rsplit(".", 1)[-1]
    candidates = [n for n in ast.walk(tree) if isinstance(n, (*FUNCTIONS, ast.ClassDef))]
    here = [n for n in candidates if min([n.lineno, *(d.lineno for d in n.decorator_list)]) <= line <= n.lineno]
    found = next((n for n in here if n.name == named), None) or next(iter(here), None)
    found = found or next((n for n in candidates if n.name == named), None)
    if isinstance(found, ast.ClassDef):
        methods = {n.name: n for n in found.body if isinstance(n, FUNCTIONS)}
        return methods.get(method.lower()) or methods.get("post") or methods.get("get") or methods.get("__call__")
    return found


def fields_of(flow: Flow) -> tuple[Field, ...]:
    """Tell what was read and declared, as fields; lists by the way their elements are read."""
    merged: dict[Place, Field] = dict(flow.notes.declared)
    own = {place.path for place, entry in flow.notes.usages.items() if entry.own}
    for read_as, entry in flow.notes.usages.items():
        place = flow.notes.alias.get(read_as, read_as)
        if any(read_as.path[:n] in own for n in range(1, len(read_as.path) + 1)):
            continue  # the code makes it where nobody sends it
        if place.path and is_token(place.path[-1]):  # a page gives it, and says nothing of who is talking
            continue
        cut = place.path.index(ELEMENT) if ELEMENT in place.path else None
        whole = Place(place.where, place.path[:cut]) if cut is not None else place
        if not whole.path and cut is None and not _is_message(entry):
            continue
        field = merged.get(whole) or Field(whole, required=not entry.optional or entry.demanded)
        if cut is not None:
            field = _as_list(
                field, [p.path[cut + 1 :] for p in flow.notes.usages if p.path[: cut + 1] == place.path[: cut + 1]]
            )
        if cut is None or field.turn_keys is None:
            field = replace(field, evidence=(*field.evidence, *entry.evidence))
        merged[whole] = _demanded(field, entry)
    inner = {Place(p.where, p.path[:n]) for p in merged for n in range(1, len(p.path))}
    return tuple(field for place, field in merged.items() if place not in inner)


def _is_message(entry: Usage) -> bool:
    """Whether the code is seen to take a whole body for the message."""
    return any(each.weight >= weights.WHOLE_BODY for each in entry.decision.message)


def _demanded(field: Field, entry: Usage) -> Field:
    """Return a field with what the code demands of it: some values, a format, that it is there."""
    options = [*entry.options, *([entry.default] if entry.default is not None else [])]
    if options:
        field = replace(field, value=options[0], known=True, options=tuple(options))
    elif entry.schema and not field.known:
        field = replace(field, value=sample_of(entry.schema), known=True)
    if is_file(entry.schema):
        field = replace(field, type="file")
    form = form_of(entry.schema) if entry.schema else None
    if form is not None:
        field = replace(field, form=form[0], dress=form[1])
    elif entry.schema and not _is_message(entry):
        field = replace(field, limited=True)
    return replace(
        field,
        limited=entry.limited or field.limited,
        demanded=entry.demanded,
        required=field.required or entry.demanded,
        generated=field.generated or (entry.generated and entry.optional),
    )


def _as_list(field: Field, steps: list[tuple[str, ...]]) -> Field:
    names = [step[0] for step in steps if step]
    role = next((n for n in names if n in ("role", "author", "sender", "type", "speaker", "from")), None)
    content = next((n for n in names if n in ("content", "text", "message", "body", "value") and n != role), None)
    keys = (role or "role", content or "content") if role or content or is_history(field.name) else None
    return replace(field, type="array", turn_keys=field.turn_keys if not names else keys)


def _asked_methods(node: Function, flow: Flow) -> tuple[str, ...]:
    """Return the methods that the code asks for, where the route leaves it open (Django)."""
    decorators = " ".join(ast.unparse(d) for d in node.decorator_list)
    asked: Mapping[str, str] = {"require_POST": "POST", "require_GET": "GET", "require_safe": "GET"}
    for name, method in asked.items():
        if name in decorators:
            return (method,)
    spelled = decorators + " ".join(
        ast.unparse(n) for n in ast.walk(node) if isinstance(n, ast.Compare) and "method" in ast.unparse(n)
    )
    found = tuple(method for method in _METHODS if f"'{method}'" in spelled)
    return found or (("POST",) if flow.notes.encoding else ("GET",))
