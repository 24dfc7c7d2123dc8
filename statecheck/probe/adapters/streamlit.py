"""Streamlit pages, run by Streamlit's own test harness: one `AppTest` is one browser tab at this server.

A tab that this process has not seen begins anew, as one does that reconnects to another server: its
`st.session_state` is lost, what `st.cache_resource` keeps is shared by all tabs of a process.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode

from ..framework_state import KEEPERS, Keeper, line_of, note_line
from ..frameworks import by_name
from ..offline import DUMMY, is_secret
from ..recorder import TURN
from . import labels
from .offer import NoApp, location
from .site import PageTarget, name_tab, page_call
from .streamlit_harness import Scripts
from .streamlit_visitor import arrive, read_page, read_question, say, takes_messages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .offer import Loaded, Offer

_SECONDS = 3600.0  # the lab has limits of its own
_NOBODY = "sc-nobody"
(_STATE,) = by_name("streamlit").tab_state
_CACHES = "streamlit cache"
_TOLD = page_call(
    "the page's input", "the browser tab", "the page is run by Streamlit's own test harness, one browser tab a session"
)


def adapt(offer: Offer) -> Loaded | None:
    """Take a script that Streamlit runs."""
    if offer.framework != "streamlit":
        return None
    try:
        from streamlit import config, logger
        from streamlit.testing.v1 import AppTest
    except ImportError as error:
        raise NoApp(f"Streamlit pages are driven by `streamlit.testing`, which 1.28 brought: {error}") from error
    config.set_option("logger.enableRich", False)
    logger.set_log_level("critical")  # errors are told when a turn ends, and that no browser is there is no news
    _find_pages()
    tabs = Tabs(AppTest, offer.thing)
    tabs.look()
    facts = {"framework": "streamlit", "object": offer.name, "routes": [], "told": [_TOLD]}
    return PageTarget(tabs.turn, facts)


def _find_pages() -> None:
    """Let the harness run the page that `st.navigation` chooses: in Streamlit 1.36 to 1.43 it finds an empty script."""
    try:
        from streamlit.runtime.pages_manager import PagesManager
        from streamlit.runtime.scriptrunner.script_cache import ScriptCache
    except ImportError:  # before there was such a thing
        return
    original: Any = getattr(PagesManager, "get_page_script_byte_code", None)
    if original is not None:
        scripts = ScriptCache()
        found: Any = lambda self, path: original(self, path) or scripts.get_bytecode(path)  # noqa: E731 - one line
        PagesManager.get_page_script_byte_code = found  # type: ignore[method-assign]


class Tabs:
    """The browser tabs that are open at this server."""

    def __init__(self, harness: Any, script: str) -> None:
        self.harness = harness
        self.script = script
        self.open: dict[str, Any] = {}
        self.asked: set[str] = set()
        self.scripts = Scripts()
        self.scripts.install()
        _fill_secrets()
        _note_state()
        _note_caches()
        _note_queries(self.asked)
        KEEPERS.append(self._keepers)

    def turn(self, session: str, message: str, kept: dict[str, str]) -> str:
        """Type a message into a tab, which is opened if it is new here; the texts that the page shows then.

        Args:
            kept: what the browser keeps: which `tab` it is of several, and its address' `query`.
        """
        tab = name_tab(session, kept)
        with self.scripts.run(tab):
            if tab not in self.open:
                self.open[tab] = self._open(session, kept)
            page = self.open[tab]
            say(page, message)
            self._check(page)
            kept["query"] = urlencode(page.query_params, doseq=True)
            return read_page(page)

    def look(self) -> None:
        """Visit the page once: what its script raises then is the failure of an import.

        Raises:
            NoApp: there is nowhere to type a message.
        """
        with self.scripts.run(_NOBODY):
            page = self._open(_NOBODY, {})
        if not takes_messages(page):
            raise NoApp(f"the page shows nowhere to type a message ({read_question(page)})")

    def _open(self, session: str, kept: dict[str, str]) -> Any:
        query: dict[str, Any] = parse_qs(kept.get("query", ""))
        page = self._visit(session, query)
        who = [name for name in self.asked if labels.is_visitor(labels.words(name)) and name not in page.query_params]
        if who:  # whoever visits such a page has followed a link that says who they are
            page = self._visit(session, {**page.query_params, **dict.fromkeys(who, session)})
        return page

    def _visit(self, session: str, query: dict[str, Any]) -> Any:
        page = self.harness.from_file(self.script, default_timeout=_SECONDS)
        page.query_params.update(query)
        page.run()
        self._check(page)
        arrive(page, session)
        self._check(page)
        for other in list(getattr(page, "_registered_pages", ())):
            if takes_messages(page):
                break
            page._page_hash = other  # noqa: SLF001 - a page that is a function has no path to switch to
            page.run()
            arrive(page, session)
            self._check(page)
        return page

    def _check(self, page: Any) -> None:
        """Raise what the page's script raised."""
        raised = self.scripts.raised.pop(TURN.get(), None)
        if raised is not None:
            raise raised
        if page.exception:
            raise RuntimeError(str(page.exception[0].value))

    def _keepers(self) -> Iterator[Keeper]:
        for page in list(self.open.values()):
            state = getattr(page.session_state, "_state", None)
            state = getattr(state, "_state", state)
            for part in ("_old_state", "_new_session_state"):
                yield Keeper(getattr(state, part, None), _STATE)
        for cache, name in _caches():
            line = line_of(_CACHES, name)
            if line is not None:
                yield Keeper(cache, f"{name.rpartition('.')[2]}()", line)


class _Secrets(dict[str, Any]):
    """The project's `secrets.toml`, and a dummy for each credential that it does not have."""

    def __missing__(self, name: str) -> str:
        if is_secret(name):
            return f"sk-{DUMMY}"
        raise KeyError(name)


def _fill_secrets() -> None:
    from streamlit import secrets

    secrets._secrets = _Secrets(secrets.to_dict() if secrets.load_if_toml_exists() else {})  # noqa: SLF001 - read only


def _note_state() -> None:
    """Note which line of the user's puts what into the session's state."""
    from streamlit.runtime.state.session_state_proxy import SessionStateProxy

    put: Any = SessionStateProxy.__setitem__

    @functools.wraps(put)
    def noted(self: Any, key: Any, value: Any) -> None:
        note_line(_STATE, str(key))
        put(self, key, value)

    SessionStateProxy.__setitem__ = noted  # type: ignore[method-assign]


def _note_caches() -> None:
    """Note where the functions are whose values are cached."""
    from streamlit.runtime.caching import cache_utils

    begin: Any = cache_utils.CachedFunc.__init__

    @functools.wraps(begin)
    def noted(self: Any, info: Any) -> None:
        begin(self, info)
        note_line(_CACHES, f"{info.func.__module__}.{info.func.__qualname__}", location(info.func))

    cache_utils.CachedFunc.__init__ = noted  # type: ignore[method-assign]


def _caches() -> Iterator[tuple[Any, str]]:
    """Every cached function's cache, and the function's name."""
    from streamlit.runtime.caching import cache_data_api, cache_resource_api

    for module, name in ((cache_resource_api, "_resource_caches"), (cache_data_api, "_data_caches")):
        level = list(getattr(getattr(module, name, None), "_function_caches", {}).values())
        for cache in (inner for each in level for inner in (each.values() if isinstance(each, dict) else (each,))):
            yield cache, cache.display_name


def _note_queries(asked: set[str]) -> None:
    """Note which parameters of its URL a page asks for."""
    try:
        from streamlit.runtime.state.query_params_proxy import QueryParamsProxy
    except ImportError:  # pages could not ask for one by itself before 1.30
        return

    get: Any = QueryParamsProxy.__getitem__

    @functools.wraps(get)
    def noted(self: Any, key: str) -> Any:
        asked.add(key)
        return get(self, key)

    QueryParamsProxy.__getitem__ = noted  # type: ignore[method-assign]
