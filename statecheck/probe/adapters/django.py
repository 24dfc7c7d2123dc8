"""Django projects, under WSGI or ASGI: their routes from the URL resolver, and what a client needs to be let in."""

from __future__ import annotations

import functools
import re
import sys
from typing import TYPE_CHECKING, Any

from .. import system
from ..caches import CACHE, SESSION, observe_tree, watch_signatures
from ..framework_state import KEEPERS, Keeper, note_line
from ..turns import note
from .offer import find_in, route
from .web import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from .offer import Loaded, Offer

_POSTGRES = 5432
_VERBS = ("get", "post", "put", "patch")
_CSRF = "django.middleware.csrf.CsrfViewMiddleware"
_TOKEN = "statecheck" + "0" * 22  # what Django asks of one: 32 letters and digits, in the cookie and sent along


def adapt(offer: Offer) -> Loaded | None:
    """Take one of Django's own handlers, and what wraps one."""
    if offer.framework == "callable":
        return None
    wsgi = find_in(offer.thing, "django.core.handlers.wsgi", "WSGIHandler")
    if wsgi is None and find_in(offer.thing, "django.core.handlers.asgi", "ASGIHandler") is None:
        return None
    settings = sys.modules["django.conf"].settings
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "127.0.0.1"]  # as Django's own test runner does with its host
    sys.modules["django.core.signals"].got_request_exception.connect(_note_raised, weak=False)
    _migrate()
    facts: dict[str, Any] = {"framework": "django", "routes": list(_routes(_patterns(), ""))}
    facts["openapi"] = _describe(_patterns())
    if _CSRF in settings.MIDDLEWARE and not settings.CSRF_USE_SESSIONS:
        header = settings.CSRF_HEADER_NAME.removeprefix("HTTP_").replace("_", "-").title()
        facts |= {"headers": [[header, _TOKEN]], "cookies": [[settings.CSRF_COOKIE_NAME, _TOKEN]]}
    return serve(offer, facts)


def _migrate() -> None:
    """Make the tables that are missing, as a deployment does before it serves, but in no database of the user's own.

    A file is on the worker's disk; a server is a throwaway one or is left alone.
    """
    from django.core.management import call_command
    from django.db import connections
    from django.db.migrations.executor import MigrationExecutor

    for alias in connections:
        connection = connections[alias]
        port = str(connection.settings_dict.get("PORT") or _POSTGRES)
        file = str(connection.settings_dict.get("NAME") or "")
        outside = system.SANDBOX and not file.startswith((*system.SANDBOX, ":memory:", "file:"))
        if outside if connection.vendor == "sqlite" else port not in system.PROVIDED:
            continue
        try:
            executor = MigrationExecutor(connection)
            if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                call_command("migrate", database=alias, interactive=False, verbosity=0)
        except Exception as error:  # noqa: BLE001 - the app finds out itself, and then it is for the lab to tell
            sys.stderr.write(f"statecheck: no tables were made in `{alias}` ({type(error).__name__}: {error})\n")
    connections.close_all()


def _note_raised(**_signal: Any) -> None:
    """Note what a view raises: Django answers 500, and in production logs it to nobody."""
    note(sys.exc_info()[1])


def _patterns() -> Any:
    from django.urls import get_resolver

    return get_resolver().url_patterns


def _routes(patterns: Any, prefix: str) -> Iterator[dict[str, Any]]:
    """Every view with its whole path, those of included URL configurations too."""
    for each in patterns:
        path = prefix + _path(each.pattern)
        if hasattr(each, "url_patterns"):
            if getattr(each, "app_name", None) != "admin":
                yield from _routes(each.url_patterns, path)
        else:
            yield from _views(each.callback, path)


def _views(view: Any, path: str) -> Iterator[dict[str, Any]]:
    """A function, whose methods its own code tells; a class, of which each verb is a method; Ninja's operations."""
    operations = _ninja_operations(view)
    for each in operations:
        yield route(path, list(each.methods), each.view_func.__name__, each.view_func)
    if operations:
        return
    of_class = getattr(view, "view_class", None) or getattr(view, "cls", None)  # Django's name, REST framework's
    if of_class is None:
        yield route(path, [], getattr(view, "__name__", type(view).__name__), view)
        return
    actions = getattr(view, "actions", None) or {verb: verb for verb in _VERBS}
    for verb, name in actions.items():
        method = getattr(of_class, name, None)
        if method is not None:
            yield route(path, [verb.upper()], of_class.__name__, method)


def _ninja_operations(view: Any) -> list[Any]:
    """What stands behind a view of django-ninja's, which closes over it; [] for any other."""
    held = (cell.cell_contents for cell in getattr(view, "__closure__", None) or ())
    return next((each.operations for each in held if type(each).__module__.partition(".")[0] == "ninja"), [])


def _describe(patterns: Any) -> dict[str, Any] | None:
    """What django-ninja's APIs say of their requests, or None where there are none."""
    apis = dict.fromkeys(each.api for view in _list_views(patterns) for each in _ninja_operations(view))
    documents = []
    for api in apis:
        try:
            documents.append(api.get_openapi_schema())
        except Exception as error:  # noqa: BLE001 - models that have no schema: the view's source must do
            sys.stderr.write(f"statecheck: no OpenAPI document ({type(error).__name__}: {error})\n")
    paths = {path: item for document in documents for path, item in document["paths"].items()}
    schemas = {name: one for document in documents for name, one in document["components"]["schemas"].items()}
    return {"paths": paths, "components": {"schemas": schemas}} if documents else None


def _list_views(patterns: Any) -> Iterator[Any]:
    for each in patterns:
        if hasattr(each, "url_patterns"):
            yield from _list_views(each.url_patterns)
        else:
            yield each.callback


def _path(pattern: Any) -> str:
    """A pattern's text, with each parameter as `<name>`, `<int:name>` or `<uuid:name>`."""
    text = str(pattern)
    if hasattr(pattern, "_route") or not hasattr(pattern, "_regex"):
        return text
    from django.utils.regex_helper import normalize

    shortest, names = normalize(text)[0]
    named = {name: f"<{_converter(text, name)}{name.lstrip('_')}>" for name in names}
    return str(shortest % named)


def _converter(regex: str, name: str) -> str:
    group = re.search(rf"\(\?P<{re.escape(name)}>([^)]*)\)", regex)
    digits = group is not None and re.fullmatch(r"(\\d|\[0-9\])([+*]|\{.*\})", group[1])
    return "int:" if digits else ""


_MEMORY = "cache"
_memory_caches: dict[str, Any] = {}


def _watch_memory(module: ModuleType) -> None:
    """Django's default cache is a dict of the module's own, which nothing of the app's leads to."""
    keep = module.LocMemCache._set  # noqa: SLF001 - through which all goes that it keeps

    @functools.wraps(keep)
    def kept(self: Any, key: str, *args: Any, **kwargs: Any) -> None:
        note_line(_MEMORY, key)
        keep(self, key, *args, **kwargs)

    module.LocMemCache._set = kept  # noqa: SLF001 - as above
    _memory_caches.update(module=module)


def _in_memory() -> Iterator[Keeper]:
    for module in _memory_caches.values():
        yield from (Keeper(cache, _MEMORY) for cache in module._caches.values())  # noqa: SLF001 - it has no other name


KEEPERS.append(_in_memory)
HOOKS: dict[str, Callable[[ModuleType], None]] = {
    "django.core.cache.backends.base": observe_tree("BaseCache", CACHE),
    "django.core.cache.backends.locmem": _watch_memory,
    "django.contrib.sessions.backends.base": observe_tree("SessionBase", SESSION),
    "django.core.signing": watch_signatures("BadSignature"),
}
