"""What a plain callable's source says of its parameters: which one the model is given, which one finds state."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from statecheck.source.code.resolver import Definition
from statecheck.source.fields import Field, Json, Place
from statecheck.source.handlers.flow import Flow
from statecheck.source.handlers.handlers import fields_of, function_at
from statecheck.source.handlers.models import class_fields, constant, declare_field, strip_annotation
from statecheck.source.handlers.notes import Traced

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from statecheck.source.handlers.project_code import ProjectCode


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a callable.

    Attributes:
        fields: what is known of it as a field of a request, its place being its name alone; of a mapping, its parts.
        required: it has no default.
        default: what it takes if it is not given, where that is a literal.
        keyword: it can only be given by its name.
    """

    name: str
    fields: tuple[Field, ...]
    required: bool = True
    default: Json = None
    keyword: bool = False


def read_callable(
    code: ProjectCode, file: Path, line: int, name: str, names: Sequence[str]
) -> tuple[Parameter, ...] | None:
    """Read the parameters of the function that is defined at a line, or None where its source is not as expected.

    Args:
        code: the project's code.
        file: where the function is defined.
        line: its first line, or that of its first decorator.
        name: its name, or its attribute path.
        names: the parameters that can be given by position, as the running program tells them, without `self`.
    """
    tree = code.tree(file)
    node = function_at(tree, line, name, "") if tree is not None else None
    if node is None:
        return None
    positional = [*node.args.posonlyargs, *node.args.args]
    blanks: list[ast.expr | None] = [None] * (len(positional) - len(node.args.defaults))
    defaults = {a.arg: d for a, d in zip(positional, [*blanks, *node.args.defaults], strict=True)}
    if not set(names) <= set(defaults):
        return None
    given = [a for a in positional if a.arg in names]
    defaults |= {a.arg: d for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)}
    found, flow = Definition(file, node), Flow(code)
    places = {a.arg: Place("body", (a.arg,)) for a in [*given, *node.args.kwonlyargs]}
    for argument in [*given, *node.args.kwonlyargs]:
        place = places[argument.arg]
        plain = argument.annotation if argument.annotation is not None else ast.Name("Any")
        declared = declare_field(code, found, plain, defaults[argument.arg], place)
        flow.notes.declared[place] = replace(declared, place=place, required=defaults[argument.arg] is None)
        flow.notes.usage(place)
        kind = code.resolve(file, strip_annotation(plain))
        if kind is not None and next(class_fields(code, kind, place), None) is not None:  # a request's own class
            flow.notes.declare(class_fields(flow.code, kind, place))
    flow.enter(found, {name: Traced(at=place) for name, place in places.items()})
    fields = fields_of(flow)
    return tuple(
        Parameter(
            a.arg,
            tuple(field for field in fields if field.place.path[:1] == (a.arg,))
            or (flow.notes.declared[places[a.arg]],),
            (default := defaults[a.arg]) is None,
            constant(default) if default is not None else None,
            a in node.args.kwonlyargs,
        )
        for a in [*given, *node.args.kwonlyargs]
    )
