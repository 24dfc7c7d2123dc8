"""The fields that a class declares: pydantic models, dataclasses, TypedDicts, attrs, workflow start events, forms."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from statecheck.source.code.reading import parse_expression
from statecheck.source.code.scopes import dotted, parameters
from statecheck.source.fields import Field, Form, Json, Place
from statecheck.source.roles import is_history

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statecheck.source.code.resolver import Definition
    from statecheck.source.handlers.project_code import ProjectCode

_TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "list": "array", "List": "array"}
_TYPES |= {"UUID": "string", "UUID4": "string", "dict": "object", "Dict": "object", "EmailStr": "string"}
_TYPES |= {"Sequence": "array", "tuple": "array", "Any": "", "SecretStr": "string", "UploadFile": "file"}
_FORM_FIELDS = {
    "CharField": "string",
    "SlugField": "string",
    "UUIDField": "string",
    "EmailField": "string",
    "IntegerField": "integer",
    "FloatField": "number",
    "BooleanField": "boolean",
    "JSONField": "object",
    "ListField": "array",
}
_DEEPEST = 4


def class_fields(code: ProjectCode, kind: Definition, place: Place, deep: int = 0) -> Iterator[tuple[Field, Place]]:
    """Return the fields of a class below a place, each with the place where the code reads it (aliases differ)."""
    if not isinstance(kind.node, ast.ClassDef) or deep > _DEEPEST:
        return
    for base in kind.node.bases:
        parent = code.resolve(kind.file, base)
        if parent is not None and parent.node is not kind.node:
            yield from class_fields(code, parent, place, deep + 1)
    for node in kind.node.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and isinstance(node.targets[0], ast.Name):
            here = Place(place.where, (*place.path, node.targets[0].id))
            yield from ((field, here) for field in _of_form(node.value, here))
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        name, annotation = node.target.id, node.annotation
        if name.startswith("_") or name == "model_config" or "ClassVar" in ast.dump(annotation):
            continue
        field = declare_field(code, kind, annotation, node.value, Place(place.where, (*place.path, name)))
        inner = code.class_of(code.resolve(kind.file, strip_annotation(annotation)))
        if inner is not None and inner.node is not kind.node and not _is_enum(inner):
            yield from class_fields(code, inner, field.place, deep + 1)
        else:
            yield field, Place(place.where, (*place.path, name))


def find_own_attributes(kind: ast.ClassDef) -> dict[str, list[str]] | None:
    """Return the attributes in which a class's `__init__` keeps each of its parameters, by their order.

    None of a class without one, and of one that takes a parameter apart: that is a request's part in other words.
    """
    made = next((node for node in kind.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"), None)
    if made is None:
        return None
    names = [arg.arg for arg in parameters(made)[1:]]
    found: dict[str, list[str]] = {name: [] for name in names}
    for node in ast.walk(made):
        if isinstance(node, (ast.Subscript, ast.Attribute)) and getattr(node.value, "id", "") in found:
            return None
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            named = [target.attr for target in targets if isinstance(target, ast.Attribute)]
            for name in {*_kept_names(node.value)} & found.keys():
                found[name] += named
    return found


def _kept_names(value: ast.expr | None) -> Iterator[str]:
    """Yield the names whose value this is: `room`, `str(room)`, `room or "lobby"`."""
    if isinstance(value, ast.Name):
        yield value.id
    elif isinstance(value, ast.BoolOp):
        yield from (name for each in value.values for name in _kept_names(each))
    elif isinstance(value, ast.Call) and getattr(value.func, "id", "") in ("str", "int"):
        yield from (name for each in value.args for name in _kept_names(each))


def _of_form(call: ast.Call, place: Place) -> Iterator[Field]:
    """Yield the field that Django's or REST framework's `CharField(required=False)` declares."""
    kind = ast.unparse(call.func).rpartition(".")[2]
    if kind in _FORM_FIELDS:
        given = {keyword.arg: constant(keyword.value) for keyword in call.keywords}
        yield Field(
            place,
            _FORM_FIELDS[kind],
            form="uuid" if kind == "UUIDField" else "integer" if kind == "IntegerField" else "token",
            required=given.get("required") is not False and "default" not in given,
        )


def declare_field(
    code: ProjectCode, kind: Definition, annotation: ast.expr, default: ast.expr | None, place: Place
) -> Field:
    """Return the field that an annotation and a default declare."""
    spelled = ast.unparse(annotation)
    core = strip_annotation(annotation)
    head = ast.unparse(core.value if isinstance(core, ast.Subscript) else core).split(".")[-1]
    form: Form = "integer" if head == "int" else "uuid" if head.startswith("UUID") else "token"
    dress = "{session}@example.com" if head == "EmailStr" else "{session}"
    field = Field(place, _TYPES.get(head, ""), form=form, dress=dress, required="NotRequired" not in spelled)
    if field.type == "array" and is_history(field.name):
        field = replace(field, turn_keys=("role", "content"))
    if head == "Literal" and isinstance(core, ast.Subscript):
        options = core.slice.elts if isinstance(core.slice, ast.Tuple) else [core.slice]
        field = replace(field, value=constant(options[0]), known=True, limited=True, type="string")
    enum = code.resolve(kind.file, core)
    if enum is not None and _is_enum(enum):
        values = enum_values(enum)
        field = replace(field, value=values[0] if values else None, known=bool(values), limited=bool(values))
    for call in (node for node in ast.walk(annotation) if isinstance(node, ast.Call)):
        field = _declared(field, call)
    if default is None:
        return field
    if isinstance(default, ast.Call):
        return _declared(field, default)
    if isinstance(default, ast.Constant) and default.value is Ellipsis:
        return field
    known = isinstance(default, ast.Constant) and default.value is not None
    return replace(field, required=False, value=constant(default), known=known or field.known)


def _declared(field: Field, call: ast.Call) -> Field:
    """Return a field with what `Field(...)`, `Header(...)`, `field(...)` say of it."""
    first = [("default", argument) for argument in call.args[:1]]
    for position, (name, value) in enumerate([*first, *((keyword.arg, keyword.value) for keyword in call.keywords)]):
        if name == "default" and not (isinstance(value, ast.Constant) and value.value is Ellipsis):
            if position < len(first) and not isinstance(
                value, (ast.Constant, ast.List, ast.Dict, ast.Tuple, ast.UnaryOp)
            ):
                continue
            known = isinstance(value, ast.Constant) and value.value is not None
            field = replace(field, required=False, value=constant(value), known=known or field.known)
        elif name in ("default_factory", "factory"):
            field = replace(field, required=False, generated=makes_key(value))
        elif name in ("alias", "validation_alias") and isinstance(value, ast.Constant):
            field = replace(field, place=Place(field.place.where, (*field.place.path[:-1], str(value.value))))
        elif name == "examples" and isinstance(value, ast.List) and value.elts:
            field = replace(field, value=constant(value.elts[0]), known=True)
        elif name in ("ge", "gt") and isinstance(value, ast.Constant) and isinstance(value.value, (int, float)):
            field = replace(field, value=value.value + (name == "gt"), known=True)
    return field


def strip_annotation(annotation: ast.expr) -> ast.expr:
    """Return an annotation without `Optional`, `Annotated`, `| None`, `Required` around it."""
    if isinstance(annotation, ast.BinOp):
        sides = (annotation.left, annotation.right)
        return strip_annotation(
            next((s for s in sides if not (isinstance(s, ast.Constant) and s.value is None)), annotation.left)
        )
    if isinstance(annotation, ast.Subscript):
        head = ast.unparse(annotation.value).split(".")[-1]
        inner = annotation.slice.elts[0] if isinstance(annotation.slice, ast.Tuple) else annotation.slice
        if head in ("Optional", "Annotated", "Required", "NotRequired", "Union", "Form", "ReadOnly"):
            return strip_annotation(inner)
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        meant = parse_expression(annotation.value)
        return strip_annotation(meant) if meant is not None else annotation
    return annotation


def makes_key(value: ast.AST) -> bool:
    """Whether an expression makes a new value each time: `uuid4()`, `lambda: str(uuid4())`, `token_hex`, a clock."""
    return makes_key_text(ast.unparse(value))


def makes_key_text(spelled: str) -> bool:
    """Return the same for an expression's spelling, in any language."""
    return (
        re.search(r"uuid|token_|secrets|urandom|nanoid|ulid|random|time|Date\.now", spelled, re.IGNORECASE) is not None
    )


def makes_object(value: ast.expr) -> bool:
    """Whether an expression makes what no client could send: `OpenAI(model=...)`, `Memory.from_defaults(...)`.

    A class is known by its capital. What a function gives may be a text: `str(uuid4())`, `os.getenv("ROOM", "1")`.
    """
    if not isinstance(value, ast.Call) or not (value.args or value.keywords):
        return False
    return any(name[:1].isupper() for name in dotted(value.func).split(".")[-2:])


def constant(node: ast.AST) -> Json:
    """Return a literal's value, or None."""
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    return (
        list(value) if isinstance(value, tuple) else value if isinstance(value, (str, int, float, list, dict)) else None
    )


def enum_values(kind: Definition) -> list[Json]:
    """Return the values of an enumeration's members, or none for anything else."""
    if not isinstance(kind.node, ast.ClassDef) or not _is_enum(kind):
        return []
    pairs = [(n.targets[0], n.value) for n in kind.node.body if isinstance(n, ast.Assign)]
    return [constant(value) if not _is_auto(value) else ast.unparse(name).lower() for name, value in pairs]


def _is_auto(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and ast.unparse(value.func).split(".")[-1] == "auto"


def _is_enum(kind: Definition) -> bool:
    return isinstance(kind.node, ast.ClassDef) and any("Enum" in ast.unparse(base) for base in kind.node.bases)
