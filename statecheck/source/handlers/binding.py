"""What a framework binds a handler's parameters to: parts of the request, dependencies, schemes, middleware."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from statecheck.source.code.resolver import FUNCTIONS, Definition
from statecheck.source.fields import BASIC, Field, Place, Where
from statecheck.source.handlers.flow import Flow
from statecheck.source.handlers.models import class_fields, declare_field, strip_annotation
from statecheck.source.handlers.notes import Traced
from statecheck.source.handlers.request_accessors import header_name
from statecheck.source.roles import as_set

if TYPE_CHECKING:
    from statecheck.source.handlers.project_code import ProjectCode

_MARKERS: dict[str, Where] = {
    "Header": "header",
    "Cookie": "cookie",
    "Query": "query",
    "Path": "path",
    "Form": "body",
    "File": "body",
    "Body": "body",
    "Parameter": "query",
}
_SCALARS = as_set("str int float bool UUID UUID4 Literal date datetime EmailStr list List")
_BODIES = as_set("dict Dict Any Mapping Json JSON object TypedDict")
_REQUESTS = as_set("Request HttpRequest HTTPConnection ASGIRequest WebSocket Websocket WebSocketConnection")
_NAMED_REQUESTS = as_set("request req _request websocket ws socket")
_TAKES_MESSAGE = {"on_receive": 3, "on_message": 2}
"""Methods that get a connection's message last, and how many parameters they have: Starlette's, Tornado's."""
_OF_ONE_REQUEST = ("RequestHandler", "WebSocketHandler")
"""Classes of which an object is made for each request, which is what it speaks for: Tornado's."""
_EARLIER = ("initialize", "prepare", "open")
"""Their methods that are called before the one of the request's verb."""
_SCHEMES: dict[str, Where] = {
    "HTTPBearer": "header",
    "HTTPBasic": "header",
    "OAuth2PasswordBearer": "header",
    "APIKeyHeader": "header",
    "APIKeyCookie": "cookie",
    "APIKeyQuery": "query",
}


_LOGIN = "login_required"
_LOGINS = {"HTTPBasicAuth": BASIC, "HTTPTokenAuth": "{session}"}


def bind_parameters(flow: Flow, found: Definition, path_parameters: tuple[str, ...]) -> dict[str, Traced]:
    """Tell what a framework binds a handler's parameters to, dependencies followed."""
    function = found.node
    if not isinstance(function, FUNCTIONS):
        return {}
    arguments = [*function.args.posonlyargs, *function.args.args]
    defaults: list[ast.expr | None] = [None] * (len(arguments) - len(function.args.defaults))
    pairs = list(zip(arguments, [*defaults, *function.args.defaults], strict=False))
    pairs += list(zip(function.args.kwonlyargs, function.args.kw_defaults, strict=False))
    bodies = [a.arg for a, default in pairs if _is_body(flow.code, found, a, default, path_parameters)]
    if len(arguments) == _TAKES_MESSAGE.get(function.name) and arguments[0].arg == "self":
        connection = {each.arg: Traced(root="request") for each in arguments[1:-1]}
        return {**connection, arguments[-1].arg: Traced(root="raw")}
    bound = {}
    for argument, default in pairs:
        embed = len(bodies) > 1 and argument.arg in bodies
        bound[argument.arg] = _parameter(flow, found, argument, default, path_parameters, embed=embed)
    return bound


def bind_instance(flow: Flow, found: Definition, path_parameters: tuple[str, ...]) -> dict[str, Traced]:
    """Tell what `self` is in a handler that is made for one request: the request, with what was put aside before."""
    tree = flow.code.tree(found.file) or ast.Module([], [])
    owners = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and found.node in node.body)
    owner = next((Definition(found.file, node) for node in owners), None)
    if owner is None or not _is_of_one_request(flow.code, owner):
        return {}
    itself = {"self": Traced(root="request")}
    for name in _EARLIER:
        method = flow.code.method(owner, name)
        if method is not None and method.node is not found.node:
            flow.enter(method, {**bind_parameters(flow, method, path_parameters), **itself})
    return itself


def _is_of_one_request(code: ProjectCode, kind: Definition) -> bool:
    bases = kind.node.bases if isinstance(kind.node, ast.ClassDef) else []
    parents = (code.resolve(kind.file, base) for base in bases)
    return any(_last(base) in _OF_ONE_REQUEST for base in bases) or any(
        _is_of_one_request(code, parent) for parent in parents if parent is not None and parent.node is not kind.node
    )


def _resolve_annotation(code: ProjectCode, found: Definition, argument: ast.arg) -> tuple[Definition, ast.expr | None]:
    """Return a parameter's annotation with a name like `PupilMemory = Annotated[…]` replaced, and where it stands."""
    annotation = argument.annotation
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        annotation = strip_annotation(annotation)
    if isinstance(annotation, (ast.Name, ast.Attribute)):
        meant = code.resolve(found.file, annotation)
        if meant is not None and isinstance(meant.node, (ast.Subscript, ast.BinOp)):
            return meant, meant.node
    return found, annotation


def _marker(annotation: ast.expr | None, default: ast.expr | None) -> ast.Call | None:
    """Return the `Header()`, `Depends(…)` of a parameter, as its default or in its `Annotated`."""
    inside = list(annotation.slice.elts) if _is_annotated(annotation) else []  # type: ignore[union-attr]
    for node in [default, *inside]:
        if isinstance(node, ast.Call) and _last(node.func) in (*_MARKERS, "Depends", "Security"):
            return node
    return None


def _is_annotated(annotation: ast.expr | None) -> bool:
    return (
        isinstance(annotation, ast.Subscript)
        and _last(annotation.value) == "Annotated"
        and isinstance(annotation.slice, ast.Tuple)
    )


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _head(annotation: ast.expr | None) -> str:
    core = strip_annotation(annotation) if annotation is not None else None
    return _last(core.value if isinstance(core, ast.Subscript) else core) if core is not None else ""


def _is_body(
    code: ProjectCode, found: Definition, argument: ast.arg, default: ast.expr | None, path_parameters: tuple[str, ...]
) -> bool:
    where, annotation = _resolve_annotation(code, found, argument)
    marker = _marker(annotation, default)
    if marker is not None:
        return _last(marker.func) == "Body"
    if annotation is None or argument.arg in path_parameters:
        return False
    kind = code.resolve(where.file, strip_annotation(annotation))
    return _head(annotation) in _BODIES or (kind is not None and _is_model(code, kind))


def _is_model(code: ProjectCode, kind: Definition) -> bool:
    """Whether a class, or a base of it in the project, declares data."""
    if not isinstance(kind.node, ast.ClassDef):
        return False
    if any(isinstance(node, ast.AnnAssign) for node in kind.node.body):
        return True
    bases = (code.resolve(kind.file, base) for base in kind.node.bases)
    return any(_is_model(code, base) for base in bases if base is not None and base.node is not kind.node)


def _parameter(
    flow: Flow,
    found: Definition,
    argument: ast.arg,
    default: ast.expr | None,
    path_parameters: tuple[str, ...],
    *,
    embed: bool,
) -> Traced:
    name = argument.arg
    where, annotation = _resolve_annotation(flow.code, found, argument)
    marker = _marker(annotation, default)
    kind = _last(marker.func) if marker is not None else ""
    if kind in ("Depends", "Security") and marker is not None:
        return bind_dependency(flow, where if default is not marker else found, marker, annotation)
    if name in path_parameters or name in ("self", "cls"):
        return (
            Traced(at=_declare(flow, where, argument, annotation, default, "path"))
            if name in path_parameters
            else Traced()
        )
    if _head(annotation) in _REQUESTS or (annotation is None and name in _NAMED_REQUESTS):
        return Traced(root="request")
    model = flow.code.resolve(where.file, strip_annotation(annotation)) if annotation is not None else None
    if model is not None and _is_model(flow.code, model) and kind in ("", "Body", "Form", "Query"):
        whole = Place("query", ()) if kind == "Query" else Place("body", (name,) if embed else ())
        flow.notes.encoding = flow.notes.encoding or ("form" if kind == "Form" else "json" if kind != "Query" else "")
        flow.notes.declare(class_fields(flow.code, model, whole))
        return Traced(at=whole)
    if kind:
        alone = kind == "Body" and not embed and not any(k.arg == "embed" for k in marker.keywords)  # type: ignore[union-attr]
        flow.notes.encoding = flow.notes.encoding or {"Form": "form", "File": "multipart", "Body": "json"}.get(kind, "")
        if alone:
            return Traced(at=Place("body", ()))
        return Traced(at=_declare(flow, where, argument, annotation, default, _MARKERS[kind]))
    if _head(annotation) in _BODIES:
        flow.notes.encoding = flow.notes.encoding or "json"
        return Traced(at=Place("body", (name,) if embed else ()))
    if _head(annotation) in _SCALARS:
        return Traced(at=_declare(flow, where, argument, annotation, default, "query"))
    return Traced()


def _declare(
    flow: Flow,
    where: Definition,
    argument: ast.arg,
    annotation: ast.expr | None,
    default: ast.expr | None,
    place: Where,
) -> Place:
    name = header_name(argument.arg) if place == "header" else argument.arg
    plain = annotation if annotation is not None else ast.Name("str")
    declared = declare_field(flow.code, where, plain, default, Place(place, (name,)))
    flow.notes.declared.setdefault(declared.place, declared)
    flow.notes.usage(declared.place)
    return declared.place


def take_over_middleware(flow: Flow) -> None:
    """Take over what the project's middleware demands of a request, and what it keeps of it for the handlers."""
    for found in flow.code.middlewares():
        ahead = Flow(flow.code)
        assert isinstance(found.node, FUNCTIONS)
        names = [a.arg for a in found.node.args.args if a.arg != "self"]
        given = Traced(at=Place("header", ())) if names[:1] == ["environ"] else Traced(root="request")
        ahead.enter(found, dict.fromkeys(names[:1], given))
        _take_over(flow, ahead)


def take_over_decorators(flow: Flow, found: Definition) -> None:
    """Take over what the project's decorators demand of a request before a handler is called, and what they keep."""
    for mark in getattr(found.node, "decorator_list", ()):
        maker = flow.code.resolve(found.file, mark.func if isinstance(mark, ast.Call) else mark)
        if maker is None or not isinstance(maker.node, FUNCTIONS):
            continue
        inner = [node for node in ast.walk(maker.node) if isinstance(node, FUNCTIONS) and node is not maker.node]
        for wrapper in inner[-1:]:
            ahead = Flow(flow.code)
            names = {argument.arg for argument in (*wrapper.args.args, *wrapper.args.kwonlyargs)} & _NAMED_REQUESTS
            ahead.enter(Definition(maker.file, wrapper), dict.fromkeys(names, Traced(root="request")))
            _take_over(flow, ahead)


def _take_over(flow: Flow, ahead: Flow) -> None:
    """Take over what is demanded of a request, and kept of it, by what is called before its handler."""
    flow.notes.kept |= ahead.notes.kept
    used = {place for value in ahead.notes.kept.values() for place in value.all}
    flow.notes.earlier |= {place: entry for place, entry in ahead.notes.usages.items() if place in used}
    always = {place for place, e in ahead.notes.usages.items() if place.where == "header" and not e.optional}
    known = used | always | {place for place, entry in ahead.notes.usages.items() if entry.demanded}
    flow.notes.usages |= {place: ahead.notes.usages[place] for place in known if place in ahead.notes.usages}


def find_guards(flow: Flow, found: Definition) -> list[ast.Call]:
    """Return the dependencies that a handler's decorator, or the app or router it belongs to, asks for."""
    marks = [mark for mark in getattr(found.node, "decorator_list", ()) if isinstance(mark, ast.Call)]
    calls = list(marks)
    for mark in marks:
        owner = flow.code.resolve(found.file, mark.func.value) if isinstance(mark.func, ast.Attribute) else None
        if owner is not None and owner.file == found.file and isinstance(owner.node, ast.Call):
            calls.append(owner.node)
    listed = [keyword.value for call in calls for keyword in call.keywords if keyword.arg == "dependencies"]
    inside = (inner for value in listed for inner in ast.walk(value))
    return [i for i in inside if isinstance(i, ast.Call) and i.args and _last(i.func) in ("Depends", "Security")]


def bind_login(flow: Flow, found: Definition) -> None:
    """Note the credentials without which a decorator of Flask-HTTPAuth's lets nobody in."""
    for mark in getattr(found.node, "decorator_list", ()):
        guard = mark.func if isinstance(mark, ast.Call) else mark
        named = isinstance(guard, ast.Attribute) and guard.attr == _LOGIN
        owner = flow.code.resolve(found.file, guard.value) if named else None  # type: ignore[union-attr]
        kind = _last(owner.node.func) if owner is not None and isinstance(owner.node, ast.Call) else ""
        if kind in _LOGINS:
            place = Place("header", ("Authorization",))
            flow.notes.declared.setdefault(place, Field(place, type="string", dress=_LOGINS[kind]))
            flow.notes.usage(place)


def _credentials(flow: Flow, found: Definition) -> Traced | None:
    """Tell what one of FastAPI's security schemes gives: what travels in the place that it reads."""
    call = found.node
    kind = _last(call.func) if isinstance(call, ast.Call) else ""
    if kind not in _SCHEMES:
        return None
    where = _SCHEMES[kind]
    named = next((k.value for k in call.keywords if k.arg == "name"), None)  # type: ignore[attr-defined]
    name = named.value if isinstance(named, ast.Constant) else "Authorization"
    place = Place(where, (str(name),))
    required = not any(k.arg == "auto_error" for k in call.keywords)  # type: ignore[attr-defined]
    field = Field(place, type="string", required=required)
    flow.notes.declared.setdefault(place, replace(field, dress=BASIC) if kind == "HTTPBasic" else field)
    flow.notes.usage(place)
    value = Traced(at=place)
    named_by = {"HTTPBearer": "credentials", "HTTPBasic": "username"}
    return Traced(attrs={named_by[kind]: value}) if kind in named_by else value


def bind_dependency(flow: Flow, where: Definition, marker: ast.Call, annotation: ast.expr | None) -> Traced:
    """Tell what a dependency gives: its own parameters come from the request too."""
    target = marker.args[0] if marker.args else strip_annotation(annotation) if annotation is not None else None
    if target is not None and _last(target).startswith("OAuth2PasswordRequestForm"):
        flow.notes.encoding = flow.notes.encoding or "form"
        return Traced(at=Place("body", ()))
    found = flow.code.resolve(where.file, target) if target is not None else None
    if isinstance(target, ast.Call):
        found = Definition(where.file, target)
    if found is None:
        return Traced()
    scheme = _credentials(flow, found)
    if scheme is not None:
        return scheme
    if isinstance(found.node, ast.ClassDef):
        init = flow.code.method(found, "__init__")
        return Traced(attrs=bind_parameters(flow, init, ())) if init is not None else Traced()
    return flow.enter(found, bind_parameters(flow, found, ()))
