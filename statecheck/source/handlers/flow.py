"""Where the parts of a request go in the code: into a model call (the message) or into a key (the session).

A small abstract interpreter: it follows each part through assignments, f-strings and calls into the project's own
functions, and notes what is done with it at the places that speak. It never runs anything.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, ClassVar

from statecheck.source import weights
from statecheck.source.code.resolver import FUNCTIONS, Definition
from statecheck.source.fields import Place
from statecheck.source.handlers import field_constraints as constraints
from statecheck.source.handlers import sinks
from statecheck.source.handlers.dispatch import choose_function
from statecheck.source.handlers.models import class_fields, constant, find_own_attributes, makes_key
from statecheck.source.handlers.notes import WHOLE, Notes, Traced, element, merge
from statecheck.source.handlers.request_accessors import attribute_of, each_of, read_call, request_global, wrap_scope
from statecheck.source.handlers.site import Site
from statecheck.source.roles import name_evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from statecheck.source.code.scopes import Function
    from statecheck.source.handlers.project_code import ProjectCode

_DEEPEST = 5
_MOST = 300  # functions entered in one walk: far more than a handler needs, and an end to what fans out


class Flow:
    """One walk through a handler and what it calls.

    Attributes:
        notes: what was noted on the way.
    """

    def __init__(self, code: ProjectCode) -> None:
        self.code = code
        self.notes = Notes()
        self._stack: list[ast.AST] = []
        self._entered = 0

    @property
    def depth(self) -> int:
        """How many functions deep the walk is."""
        return len(self._stack)

    def enter(self, found: Definition, env: Mapping[str, Traced]) -> Traced:
        """Walk a function, given what its parameters are bound to; return what is known of its result."""
        if (
            not isinstance(found.node, FUNCTIONS)
            or len(self._stack) >= _DEEPEST
            or self._entered >= _MOST
            or found.node in self._stack
        ):
            return Traced()
        self._stack.append(found.node)
        self._entered += 1
        returned = _Frame(self, found.file, dict(env)).walk(found.node.body)
        self._stack.pop()
        returned = [traced for traced in returned if traced != Traced()]
        return returned[0] if len(returned) == 1 else merge(returned)

    def weigh(self, found: Definition) -> float:
        """Return how surely a function asks a model when it is called."""
        apart = Flow(self.code)
        apart._stack = [*self._stack]
        names = found.node.args.args if isinstance(found.node, FUNCTIONS) else []
        apart.enter(found, {name.arg: Traced(at=Place("body", (name.arg,))) for name in names})
        return apart.notes.model


class _Frame:
    """One function that is walked, with what its names are bound to."""

    def __init__(self, flow: Flow, file: Path, env: dict[str, Traced]) -> None:
        self.flow, self.notes = flow, flow.notes
        self.site = Site(flow.code, file)
        self.env = env
        self.shared: set[str] = set()  # names that are not the function's own
        self.returned: list[Traced] = []

    # ---------------------------------------------------------------------------------------------- statements

    def walk(self, body: Iterable[ast.stmt]) -> list[Traced]:
        """Walk statements in order; return what is known of the results that were returned."""
        for node in body:
            self._walk_statement(node)
        return self.returned

    def _walk_statement(self, node: ast.stmt) -> None:
        self._STATEMENTS.get(type(node), _Frame._trace_children)(self, node)
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            return
        for name in ("body", "orelse", "finalbody"):
            self.walk(getattr(node, name, ()))
        for inner in [*getattr(node, "handlers", ()), *getattr(node, "cases", ())]:
            self.walk(inner.body)

    def _walk_function(self, node: Function) -> None:
        self.env[node.name] = Traced(function=(Definition(self.site.file, node), self.env))
        if any(isinstance(inner, (ast.Yield, ast.YieldFrom)) for inner in ast.walk(node)):
            self.notes.streams = True
        hidden = {a.arg: Traced() for a in [*node.args.args, *node.args.kwonlyargs]}
        self.flow.enter(Definition(self.site.file, node), {**self.env, **hidden})

    def _walk_assignment(self, node: ast.Assign | ast.AnnAssign | ast.AugAssign) -> None:
        if isinstance(node, ast.Assign) and (pairs := _pairwise(node)):
            values = [self.trace(value) for _, value in pairs]
            for (target, _), traced in zip(pairs, values, strict=True):
                self._bind(target, traced)
            return
        traced = self.trace(node.value) if node.value else Traced()
        if isinstance(node, ast.AugAssign):
            traced = merge([self.trace(node.target), traced])
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            self._bind(target, traced)

    def _walk_declaration(self, node: ast.Global | ast.Nonlocal) -> None:
        self.shared.update(node.names)

    def _walk_return(self, node: ast.Return) -> None:
        traced = self.trace(node.value) if node.value else Traced()
        if self.flow.depth == 1:
            sinks.note_returned(self.notes, traced)
            self.notes.answers.update(_names_in(node))
        self.returned.append(traced)

    def _walk_branch(self, node: ast.If) -> None:
        self.trace(node.test)
        for demanded in constraints.demanded_by(node):
            if isinstance(demanded, ast.Call) and isinstance(demanded.func, ast.Attribute):
                constraints.note_text_check(self.notes, self.trace(demanded.func.value), demanded)
            if not isinstance(demanded, ast.Call) or getattr(demanded.func, "attr", "") == "get":
                constraints.demand(self.notes, self.trace(demanded))

    def _walk_loop(self, node: ast.For | ast.AsyncFor | ast.comprehension) -> None:
        words = tuple(word for word in self.site.keys(node.iter) if isinstance(word, str))
        traced = self.trace(node.iter)
        if words:
            traced = Traced(words=words)
        elif traced.root:  # the messages of a connection
            traced = Traced(root="raw")
        elif traced.at != WHOLE or not isinstance(node, ast.AsyncFor):
            traced = element(traced)
        self._bind(node.target, traced)

    def _walk_with(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            traced = self.trace(item.context_expr)
            if item.optional_vars:
                self._bind(item.optional_vars, traced)

    def _walk_match(self, node: ast.Match) -> None:
        """Walk the patterns of a `match`: their literals limit the values, their names hold them."""
        subject = self.trace(node.subject)
        subjects = [self.trace(each) for each in node.subject.elts] if isinstance(node.subject, ast.Tuple) else []
        for case in node.cases:
            if subjects and isinstance(case.pattern, ast.MatchSequence):
                for traced, pattern in zip(subjects, case.pattern.patterns, strict=False):
                    self._match(traced, pattern)
            else:
                self._match(subject, case.pattern)

    def _match(self, traced: Traced, pattern: ast.pattern) -> None:
        match pattern:
            case ast.MatchValue():
                constraints.note_equality(self.notes, traced, ast.Eq(), self.site.fixed(pattern.value))
            case ast.MatchOr():
                for each in pattern.patterns:
                    self._match(traced, each)
            case ast.MatchAs():
                if pattern.pattern is not None:
                    self._match(traced, pattern.pattern)
                if pattern.name is not None:
                    self._bind(ast.Name(pattern.name), traced)
            case ast.MatchMapping() | ast.MatchClass():
                for part, each in self._parts(traced, pattern):
                    self._match(part, each)

    def _parts(
        self, traced: Traced, pattern: ast.MatchMapping | ast.MatchClass
    ) -> Iterator[tuple[Traced, ast.pattern]]:
        """Yield the parts that a pattern takes a value apart into, each with its own pattern."""
        if isinstance(pattern, ast.MatchMapping):
            for key, each in zip(pattern.keys, pattern.patterns, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield self._read(traced, key.value, item=True), each
            return
        if getattr(pattern.cls, "id", "") in constraints.TYPES and pattern.patterns:  # str(text)
            yield traced, pattern.patterns[0]
        for name, each in zip(pattern.kwd_attrs, pattern.kwd_patterns, strict=True):
            yield self._read(traced, name), each

    # ------------------------------------------------------------------------------------------------- bindings

    def _bind(self, target: ast.expr, traced: Traced) -> None:
        """Bind a name, or a target's parts; what the name says is noted too."""
        self._keep_beyond(target, traced)
        if isinstance(target, ast.Name):
            self.env[target.id] = traced
            if traced.at is not None and traced.at.path:
                self.notes.weigh(traced.at, name_evidence(target.id, weights.VARIABLE))
        elif isinstance(target, ast.Attribute) and self._keeps_for_request(target.value):
            self.notes.kept[f".{target.attr}"] = traced
        elif isinstance(target, (ast.Tuple, ast.List)):
            listed = any(isinstance(inner, ast.Starred) for inner in target.elts)  # `*earlier, last = messages`
            for inner in target.elts:
                if isinstance(inner, ast.Starred):
                    self._bind(inner.value, traced)
                else:
                    self._bind(inner, element(traced) if listed else Traced(parts=traced.all))
        elif isinstance(target, ast.Subscript):
            self._bind_item(target, target.slice.value if isinstance(target.slice, ast.Constant) else None, traced)

    def _bind_item(self, target: ast.Subscript, key: object, traced: Traced) -> None:
        """Note what is put under a key: into a session, a cookie, or the request (aiohttp's is a dict)."""
        if isinstance(key, str) and self._keeps_for_request(target.value):
            self.notes.kept[f".{key}"] = traced
            return
        self.notes.begins |= self._is_client_session(target.value)
        if not ast.unparse(target.value).endswith("cookies"):
            self.trace(target)
        elif isinstance(key, str):
            self.notes.set_cookies.add(key)

    def _keep_beyond(self, target: ast.expr, traced: Traced) -> None:
        """Note what of the request outlives the call: a `global`, an attribute or an item of what is a module's."""
        if traced.at is not None and (self._is_free(target) or getattr(target, "id", "") in self.shared):
            self.notes.kept[ast.unparse(target)] = traced

    def _is_free(self, node: ast.expr) -> bool:
        """Whether this is an attribute, or an item under a fixed key, of a name that is not the function's own."""
        if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Constant):
            return False
        holder = node.value if isinstance(node, (ast.Attribute, ast.Subscript)) else None
        return isinstance(holder, ast.Name) and holder.id not in self.env and self._global(holder.id) is None

    def _taken(self, node: ast.expr) -> Traced | None:
        """Return what was put there of the request before, by middleware as a rule."""
        free = isinstance(node, ast.Name) or self._is_free(node)
        return self.notes.kept.get(ast.unparse(node)) if free and self.notes.kept else None

    def _global(self, name: str) -> str | None:
        """Return what a free name is of what frameworks have ready for the code of a request."""
        return None if name in self.env else request_global(self.flow.code, self.site.file, name)

    def _keeps_for_request(self, holder: ast.expr) -> bool:
        """Whether an attribute set on this is kept for the request: on its state or context, `g`, or itself."""
        if isinstance(holder, ast.Attribute):
            return holder.attr in ("state", "ctx")
        if not isinstance(holder, ast.Name):
            return False
        return self._global(holder.id) == "g" or self.trace(holder).root == "request"

    def _is_client_session(self, holder: ast.expr) -> bool:
        """Whether this is the session that a framework keeps for a client: Flask's, or that of the request."""
        if isinstance(holder, ast.Attribute):
            return holder.attr == "session" and self.trace(holder.value).root == "request"
        return isinstance(holder, ast.Name) and self._global(holder.id) == "session"

    def _add_to(self, container: ast.expr, traced: Traced) -> None:
        """Add a part to a list of the code's own."""
        if isinstance(container, ast.Name) and (mine := self.env.get(container.id, Traced())).at is None:
            self.env[container.id] = merge([mine, traced])

    # ---------------------------------------------------------------------------------------------- expressions

    def trace(self, node: ast.expr) -> Traced:
        """Return what is known of an expression; what it says of the request is noted on the way."""
        traced: Traced = self._EXPRESSIONS.get(type(node), _Frame._trace_children)(self, node)
        return traced

    def _trace_children(self, node: ast.AST) -> Traced:
        """Trace every expression directly below a node; return what they make together."""
        return merge([self.trace(child) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)])

    def _trace_name(self, node: ast.Name) -> Traced:
        if node.id in self.env:
            return self.env[node.id]
        taken = self._taken(node)
        if taken is not None:
            return taken
        ready = self._global(node.id)
        if ready == "g":
            return Traced(attrs=self.notes.kept_by_request())
        return Traced(root="request") if ready == "request" else Traced()

    def _trace_inner(self, node: ast.Await | ast.Starred | ast.FormattedValue) -> Traced:
        return self.trace(node.value)

    def _trace_attribute(self, node: ast.Attribute) -> Traced:
        return self._taken(node) or self._read(self.trace(node.value), node.attr)

    def _read(self, owner: Traced, name: str, *, item: bool = False) -> Traced:
        """Return an attribute or an item of a value; that it is read is noted."""
        return self.notes.read(attribute_of(self.notes, owner, name, item=item))

    def _trace_subscript(self, node: ast.Subscript) -> Traced:
        taken = self._taken(node)
        if taken is not None:
            return taken
        owner, key = self.trace(node.value), node.slice
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            return self._read(owner, key.value, item=True)
        if owner.at is not None and not isinstance(key, ast.Slice):
            return element(owner) if isinstance(key, (ast.Constant, ast.UnaryOp)) else owner
        inner = self.trace(key)
        dispatched = self._dispatch(node.value, inner)
        if dispatched is not None:
            return dispatched
        if inner.words and owner.at is not None:
            return each_of(self.notes, owner, inner.words)
        sinks.note_key(self.notes, self.site, node.value, inner)
        return Traced(parts=owner.all)

    def _trace_named(self, node: ast.NamedExpr) -> Traced:
        traced = self.trace(node.value)
        self._bind(node.target, traced)
        return traced

    def _trace_comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> Traced:
        for generator in node.generators:
            self._walk_loop(generator)
            for condition in generator.ifs:
                self.trace(condition)
        return self._trace_children(node)

    def _trace_lambda(self, node: ast.Lambda) -> Traced:
        hidden = {a.arg: Traced() for a in node.args.args}
        return _Frame(self.flow, self.site.file, {**self.env, **hidden}).trace(node.body)

    def _trace_choice(self, node: ast.BoolOp | ast.IfExp) -> Traced:
        """`sent or made_up`: what is sent; that it may be left out is noted."""
        options = node.values if isinstance(node, ast.BoolOp) else [node.body, node.orelse]
        values = [self.trace(option) for option in options]
        if isinstance(node, ast.IfExp):
            self.trace(node.test)
        sent = next((traced for traced in values if traced.at is not None), None)
        raw = next((traced for traced in values if traced.root), None)
        if raw is not None and (sent is None or sent.at is None or not sent.at.path):
            return raw
        if sent is None or sent.at is None or (isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And)):
            return merge(values)
        if sent.at.path:
            usage = self.notes.usage(sent.at)
            usage.optional = True
            usage.generated |= any(makes_key(option) for option in options)
        return sent

    def _trace_comparison(self, node: ast.Compare) -> Traced:
        """Trace a comparison: with literals it limits the values, with a container's keys it is a look-up."""
        left, before = self.trace(node.left), node.left
        result = merge([left])
        for operator, right in zip(node.ops, node.comparators, strict=False):
            traced = self.trace(right)
            self._compare(left, operator, right, traced)
            if isinstance(operator, (ast.Eq, ast.NotEq)):
                constraints.note_equality(self.notes, traced, operator, self.site.fixed(before))
            if isinstance(before, ast.Call) and getattr(before.func, "id", "") == "len" and before.args:
                constraints.note_length(self.notes, self.trace(before.args[0]), operator, constant(right))
            left, before = traced, right
        return result

    def _compare(self, left: Traced, operator: ast.cmpop, right: ast.expr, traced: Traced) -> None:
        """Note what a comparison says of its left side."""
        if left.words and isinstance(operator, (ast.In, ast.NotIn)) and traced.at is not None:
            for word in left.words:  # `for name in REQUIRED: if name not in data: …`
                constraints.demand(self.notes, self._read(traced, word, item=True))
        elif left.at is None or not left.at.path:
            return
        elif isinstance(operator, (ast.In, ast.NotIn)):
            among = constraints.note_membership(self.notes, self.site, left, operator, right)
            if not among and not traced.all:
                sinks.note_lookup(self.notes, left.at)
        elif isinstance(operator, (ast.Eq, ast.NotEq)):
            constraints.note_equality(self.notes, left, operator, self.site.fixed(right))

    def _trace_format(self, node: ast.JoinedStr) -> Traced:
        traced = merge([self.trace(part) for part in node.values if isinstance(part, ast.FormattedValue)])
        fixed = "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
        sinks.note_format(self.notes, fixed, traced)
        return traced

    def _trace_operation(self, node: ast.BinOp) -> Traced:
        left, right = self.trace(node.left), self.trace(node.right)
        if isinstance(node.op, ast.Div):
            sinks.note_joined_path(self.notes, right)
        return merge([left, right])

    def _trace_mapping(self, node: ast.Dict) -> Traced:
        names = [constant(key) if key is not None else None for key in node.keys]
        values = [self.trace(value) for value in node.values]
        named = {name: traced for name, traced in zip(names, values, strict=True) if isinstance(name, str)}
        sinks.note_mapping(self.notes, named)
        return merge(values)

    # ---------------------------------------------------------------------------------------------------- calls

    def _trace_call(self, node: ast.Call) -> Traced:
        """Return what a call gives, by what is called: the request, a class, a function, or outside code."""
        name = sinks.callee(node)
        owner = self.trace(node.func.value) if isinstance(node.func, ast.Attribute) else Traced()
        arguments = [self.trace(argument) for argument in node.args]
        keywords = {keyword.arg or "**": self.trace(keyword.value) for keyword in node.keywords}
        read = wrap_scope(name, [*arguments, *keywords.values()])
        read = read or read_call(self.notes, owner, name, node, arguments)
        if read is not None:
            return self.notes.read(read)
        if name == "get" and arguments and isinstance(node.func, ast.Attribute):
            dispatched = self._dispatch(node.func.value, arguments[0])
            if dispatched is not None:
                return dispatched
        made = self._make(node, name, arguments, keywords)
        if made is not None:
            return made
        entered = self._called(node)
        if entered is not None:
            found, seen = entered
            assert isinstance(found.node, FUNCTIONS)
            return self.flow.enter(found, {**seen, **self._bind_arguments(found.node, node, arguments, keywords)})
        opened = sinks.open_token(name, arguments)
        if opened is not None:
            return opened
        call = sinks.leaving_call(node, owner, arguments, keywords)
        if call.runs_workflow:
            for step, bound in sinks.workflow_steps(self.site, call):
                self.flow.enter(step, bound)
        sinks.note_call(self.notes, self.site, call)
        if call.stores and call.on is not None:
            self._add_to(call.on, call.arguments[-1])
        return call.carried()

    def _dispatch(self, table: ast.expr, key: Traced) -> Traced | None:
        """Return the function that is looked up by a part of the request, noting the names that may be sent."""
        if key.at is None or not key.at.path or not isinstance(table, (ast.Name, ast.Attribute, ast.Dict)):
            return None
        chosen = choose_function(self.site, table, self.flow.weigh)
        if chosen is None:
            return None
        names, function = chosen
        constraints.limit_values(self.notes, key.at, [*names])
        return Traced(function=(function, {}))

    def _make(self, node: ast.Call, name: str, arguments: list[Traced], keywords: dict[str, Traced]) -> Traced | None:
        """Return an object of one of the project's own classes, made from the request."""
        of = node.func.value if isinstance(node.func, ast.Attribute) and name in sinks.PARSERS else node.func
        kind = self.site.resolve(of)
        if isinstance(of, ast.Call) and kind is None:  # Schema().load(data)
            kind = self.site.resolve(of.func)
        if kind is None or not isinstance(kind.node, ast.ClassDef):
            return None
        member = constraints.convert_to_member(self.notes, kind, arguments)
        if member is not None:
            return member
        attributes = find_own_attributes(kind.node)
        for traced in [*arguments[:1], *[keywords[k] for k in keywords if k in ("**", "data")]]:
            if attributes is not None and traced.at is not None and traced.at.path:
                break  # an object of the code's own that a part was handed to: what else it has, no client sends
            if traced.root == "raw" or (traced.at is not None and traced.at.where in ("body", "event")):
                place = traced.at or WHOLE
                self.notes.declare(class_fields(self.flow.code, kind, place))
                return Traced(at=place)
        for keyword, traced in keywords.items():
            self.notes.note(traced, name_evidence(keyword, weights.PARAMETER))
        names = [field.name for field, _ in class_fields(self.flow.code, kind, WHOLE)]
        if attributes is None:
            return Traced(attrs=dict(zip(names, arguments, strict=False)) | keywords)
        given = dict(zip(attributes, arguments, strict=False)) | keywords
        kept = {name: traced for parameter, traced in given.items() for name in attributes.get(parameter, ())}
        return Traced(attrs=kept)

    def _called(self, node: ast.Call) -> tuple[Definition, Mapping[str, Traced]] | None:
        """Return the project's own function that a call enters, and what it sees."""
        if isinstance(node.func, ast.Name) and (here := self.env.get(node.func.id)) and here.function:
            return here.function
        if isinstance(node.func, (ast.Subscript, ast.Call)) and (here := self.trace(node.func)).function:
            return here.function
        found = self.site.resolve(node.func)
        if found is None and isinstance(node.func, ast.Attribute):
            found = self.flow.code.only_method(self.site.file, node.func.attr)
            if found is not None and not _accepts(found.node, node):
                found = None
        return (found, {}) if found is not None and isinstance(found.node, FUNCTIONS) else None

    def _bind_arguments(
        self, function: Function, node: ast.Call, arguments: list[Traced], keywords: dict[str, Traced]
    ) -> dict[str, Traced]:
        """Return what a call binds the parameters of a function to; what the parameters' names say is noted."""
        names = [a.arg for a in [*function.args.posonlyargs, *function.args.args]]
        if isinstance(node.func, ast.Attribute) and names[:1] in (["self"], ["cls"]):
            names = names[1:]
        spread = keywords.get("**", Traced())
        parts = {name: self._read(spread, name, item=True) for name in names if spread.at is not None}
        bound = parts | dict(zip(names, arguments, strict=False)) | keywords
        for name, traced in bound.items():
            if traced.at is not None and traced.at.path:
                self.notes.weigh(traced.at, name_evidence(name, weights.PARAMETER))
        return bound

    _STATEMENTS: ClassVar[dict[type[ast.AST], Callable[[_Frame, Any], object]]] = {
        ast.FunctionDef: _walk_function,
        ast.AsyncFunctionDef: _walk_function,
        ast.Assign: _walk_assignment,
        ast.AnnAssign: _walk_assignment,
        ast.AugAssign: _walk_assignment,
        ast.Return: _walk_return,
        ast.Global: _walk_declaration,
        ast.Nonlocal: _walk_declaration,
        ast.If: _walk_branch,
        ast.Match: _walk_match,
        ast.For: _walk_loop,
        ast.AsyncFor: _walk_loop,
        ast.With: _walk_with,
        ast.AsyncWith: _walk_with,
    }
    _EXPRESSIONS: ClassVar[dict[type[ast.AST], Callable[[_Frame, Any], Traced]]] = {
        ast.Name: _trace_name,
        ast.Await: _trace_inner,
        ast.Starred: _trace_inner,
        ast.FormattedValue: _trace_inner,
        ast.Attribute: _trace_attribute,
        ast.Subscript: _trace_subscript,
        ast.NamedExpr: _trace_named,
        ast.BoolOp: _trace_choice,
        ast.IfExp: _trace_choice,
        ast.Lambda: _trace_lambda,
        ast.Call: _trace_call,
        ast.Compare: _trace_comparison,
        ast.JoinedStr: _trace_format,
        ast.BinOp: _trace_operation,
        ast.Dict: _trace_mapping,
        **dict.fromkeys((ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp), _trace_comprehension),
    }


def _pairwise(node: ast.Assign) -> list[tuple[ast.expr, ast.expr]]:
    """Return what `a, b = x, y` binds to what, or nothing for any other assignment."""
    target, value = node.targets[0], node.value
    if len(node.targets) > 1 or not isinstance(target, (ast.Tuple, ast.List)) or not isinstance(value, ast.Tuple):
        return []
    starred = any(isinstance(inner, ast.Starred) for inner in [*target.elts, *value.elts])
    return [] if starred or len(target.elts) != len(value.elts) else list(zip(target.elts, value.elts, strict=True))


def _names_in(node: ast.Return) -> Iterator[str]:
    """Yield the names in an answer: the keys of its mappings, the keywords of its calls."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Dict):
            yield from (k.value for k in inner.keys if isinstance(k, ast.Constant) and isinstance(k.value, str))
        elif isinstance(inner, ast.Call):
            yield from (keyword.arg for keyword in inner.keywords if keyword.arg)


def _accepts(function: ast.AST, call: ast.Call) -> bool:
    """Whether a call could be one of this method."""
    if not isinstance(function, FUNCTIONS):
        return False
    names = [a.arg for a in [*function.args.args, *function.args.kwonlyargs]]
    given = len(call.args) + len(call.keywords)
    least = len(function.args.args) - len(function.args.defaults) - 1
    known = function.args.kwarg is not None or all(k.arg is None or k.arg in names for k in call.keywords)
    return known and least <= given <= max(len(names) - 1, 0)
