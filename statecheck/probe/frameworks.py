"""The frameworks that statecheck knows: all that is known of one stands in its row here and in its adapter.

The lowest module: it is read in the target's processes, where its adapters are, and by everything outside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

Kind = Literal["bot", "web", "interface", "task", "handler", "callable", "workflow", "console", ""]
RANKS: dict[Kind, int] = {
    "bot": 5,
    "web": 4,
    "interface": 3,
    "task": 3,
    "handler": 3,
    "callable": 2,
    "workflow": 1,
    "console": 0,
    "": 0,
}
"""Which kind is driven where a module offers several: the one of the highest rank."""


@dataclass(frozen=True)
class Framework:
    """What statecheck knows of a framework. All of it but its name and kind may be left out.

    Attributes:
        name: as reports give it.
        kind: what a turn is: a message to a bot, a request to a web app, a visit to an interface, a task, an event
            that a handler takes, the call of a callable, the run of a workflow, or what is typed at a console.
        adapter: the module in `adapters/` that drives it; several frameworks may share one.
        undriven: why it cannot be driven, after the object's name ("is a job of rq, …").
        packages: its top-level modules.
        opened_by: of a server that the user's code opens itself, with no app to be had: what it calls for that, or
            what the class that it calls is derived from, as `package:name`.

        constructors: what is called in source to build an app, or is a base of the class that is.
        vague: these names say little: the file has to import one of `packages` too.
        builders: names of which one stands in a chain of calls that ends in `.build()`.
        signature: the names of the parameters of an app that is a function, alternatives between `|`; a last `*`
            stands for any more.
        wrappers: names of what is called with a web app to wrap it.
        served: the attribute of an app that a server is given.
        same: attributes of an app that stand for the app.
        routed: an app has its routes from elsewhere in the project.
        router: what routes are put on beside an app, with the keyword that says below what they lie: `Router(prefix)`.
            An app and its routers get all routes by decorators, as far as nothing else is seen.
        single: a project has one app, wherever it is asked for.
        offered: what is driven: the object, or its whole module, imported or as a path.
        app_classes: classes of running apps that have no attribute `routes`, and of their parts.

        protocol: by which a server calls it.
        served_with: modules that serving it imports, beside what the app imports itself.
        starts: functions that serve an app, as `module:function` or `module:Class.method`; it is their first argument,
            or what stands behind them: `(self.app)`. A worker of the lab serves in their place. ` returns`: they do so
            at once, and the app's own loop serves.
        command: a pattern of the command that starts it with a number of workers.
        reruns: its script is run from the top for each turn.
        settings_variable: names the project's settings, in the package beside which the app is.
        resaves: where it says whether it saves each session at the end of a request, changed or not.
        environment: variables that keep it from reporting home.
        secrets: variables that it reads by itself, with a dummy for each in the form that it asks for.

        distributions: by which `doctor` looks for it, where they are not called as its packages are.
        forgets: what it keeps in memory where it is not told otherwise.
        tab_state: what it keeps for one tab of a browser, in the memory of its server, as apps call it.
        per_tab: what to do where tabs share something, or each message makes it anew.
        beyond_tab: what to do where a conversation should outlive its tab, or its server.
        keeps_runs: what to do where a run that waits for a person should outlive its server.
        polls: methods by which a bot asks for its messages: only one process of it may run.
    """

    name: str
    kind: Kind
    adapter: str = ""
    undriven: str = ""
    packages: tuple[str, ...] = ()
    opened_by: tuple[str, ...] = ()

    constructors: tuple[str, ...] = ()
    vague: bool = False
    builders: frozenset[str] = frozenset()
    signature: tuple[str, ...] = ()
    wrappers: tuple[str, ...] = ()
    served: str = ""
    same: tuple[str, ...] = ()
    routed: bool = False
    router: str = ""
    single: bool = False
    offered: Literal["object", "module", "path"] = "object"
    app_classes: tuple[str, ...] = ()

    protocol: Literal["asgi", "wsgi", "either", ""] = ""
    served_with: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    command: str = ""
    reruns: bool = False
    settings_variable: str = ""
    resaves: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    secrets: tuple[tuple[str, str], ...] = ()

    distributions: tuple[str, ...] = ()
    forgets: str = ""
    tab_state: tuple[str, ...] = ()
    per_tab: str = ""
    beyond_tab: str = ""
    keeps_runs: str = ""
    polls: tuple[str, ...] = ()

    @property
    def installed_as(self) -> tuple[str, ...]:
        """The distributions that bring it."""
        return self.distributions or self.packages

    @property
    def rank(self) -> int:
        """Its kind's."""
        return RANKS[self.kind]

    @property
    def is_web(self) -> bool:
        """Whether an app is sent requests over HTTP by its own clients."""
        return self.kind == "web"

    @property
    def has_threads(self) -> bool:
        """Whether a worker of its server may be deployed with several threads."""
        return self.protocol in ("wsgi", "either")


CALLABLE = Framework("callable", "callable", adapter="callables")
CONSOLE = Framework(
    "console", "console", undriven="talks to one person at its terminal: a program of one process, on purpose"
)
UNKNOWN = Framework("", "")
"""What source cannot tell: the running target is asked."""

FRAMEWORKS: tuple[Framework, ...] = (
    Framework(
        "streamlit",
        "interface",
        adapter="streamlit",
        packages=("streamlit",),
        offered="path",
        served_with=("streamlit.testing.v1",),
        reruns=True,
        environment=(("STREAMLIT_BROWSER_GATHER_USAGE_STATS", "false"),),
        tab_state=("st.session_state",),
        per_tab='make it once for each tab: `if "engine" not in st.session_state: st.session_state.engine = …`',
        beyond_tab="`st.session_state` ends with its tab and its server: to keep a conversation longer, load "
        "it from a database under a key of the user's (`st.user`, `st.query_params`)",
    ),
    Framework(
        "chainlit",
        "interface",
        adapter="chainlit",
        packages=("chainlit",),
        offered="module",
        served_with=("chainlit.server", "chainlit.socket", "socketio", "aiohttp", "websockets.legacy.server"),
        tab_state=("cl.user_session", "cl.chat_context"),
        per_tab='make it once for each chat, in `@cl.on_chat_start`, and keep it: `cl.user_session.set("engine", …)`',
        beyond_tab="`cl.user_session` ends with its chat and its server: to keep a conversation longer, save "
        "it under the thread's id (a data layer), and load it in `@cl.on_chat_resume`",
    ),
    Framework(
        "gradio",
        "interface",
        adapter="gradio",
        packages=("gradio",),
        constructors=("Interface", "ChatInterface", "Blocks", "TabbedInterface"),
        vague=True,
        app_classes=("Block",),
        served_with=("gradio.routes", "httpx"),
        starts=("gradio.blocks:Blocks.launch",),
        environment=(("GRADIO_ANALYTICS_ENABLED", "False"),),
        tab_state=("gr.State",),
        per_tab="keep it in a `gr.State`, which each page has of its own, as an input and an output of the function",
        beyond_tab="`gr.State` ends with its page and its server: to keep a conversation longer, load it from "
        "a database under a key of the user's (`gr.BrowserState`, `request.username`)",
    ),
    Framework(
        "workflow-server",
        "web",
        adapter="workflow_server",
        constructors=("WorkflowServer",),
        served="app",
        protocol="asgi",
        starts=("llama_agents.server.server:WorkflowServer.serve",),
        distributions=("llama-agents-server",),
        forgets="`WorkflowServer`",
        keeps_runs="give the server a store that outlives it and that all replicas share, on a volume: "
        '`WorkflowServer(workflow_store=SqliteWorkflowStore("/data/runs.db"))`',
    ),
    Framework(
        "workflow",
        "workflow",
        adapter="workflows",
        constructors=(
            *("Workflow", "AgentWorkflow", "FunctionAgent", "ReActAgent", "CodeActAgent"),
            *("FunctionCallingAgent", "OpenAIAgent"),
        ),
    ),
    Framework(
        "lambda",
        "handler",
        adapter="aws_lambda",
        packages=("mangum",),
        signature=("event|evt", "context|ctx|lambda_context|"),
        wrappers=("Mangum",),
    ),
    Framework(
        "celery",
        "task",
        adapter="celery",
        packages=("celery",),
        constructors=("Celery",),
    ),
    Framework(
        "slack",
        "bot",
        adapter="slack",
        packages=("slack_bolt",),
        constructors=("App", "AsyncApp"),
        vague=True,
        starts=(
            "slack_bolt.app.app:App.start",
            "slack_bolt.app.async_app:AsyncApp.start",
            "slack_bolt.adapter.socket_mode.base_handler:BaseSocketModeHandler.start(self.app)",
            "slack_bolt.adapter.socket_mode.base_handler:BaseSocketModeHandler.connect(self.app)",
            "slack_bolt.adapter.socket_mode.async_base_handler:AsyncBaseSocketModeHandler.start_async(self.app)",
            "slack_bolt.adapter.socket_mode.async_base_handler:AsyncBaseSocketModeHandler.connect_async(self.app)",
        ),
        secrets=(
            ("SLACK_BOT_TOKEN", "xoxb-sc-dummy"),
            ("SLACK_APP_TOKEN", "xapp-sc-dummy"),
            ("SLACK_SIGNING_SECRET", "sc-dummy"),
        ),
        distributions=("slack-bolt",),
    ),
    Framework(
        "telegram",
        "bot",
        adapter="telegram",
        packages=("telebot", "telegram", "aiogram"),
        constructors=("TeleBot", "AsyncTeleBot", "Dispatcher"),
        vague=True,
        builders=frozenset(("ApplicationBuilder", "builder")),
        starts=(
            "telegram.ext._application:Application.run_polling",
            "telegram.ext._application:Application.run_webhook",
            "aiogram.dispatcher.dispatcher:Dispatcher.run_polling",
            "aiogram.dispatcher.dispatcher:Dispatcher.start_polling",
            *(f"telebot:TeleBot.{name}" for name in ("polling", "infinity_polling", "run_webhooks")),
            *(f"telebot.async_telebot:AsyncTeleBot.{name}" for name in ("polling", "infinity_polling", "run_webhooks")),
        ),
        distributions=("pyTelegramBotAPI", "python-telegram-bot", "aiogram"),
        polls=("polling", "infinity_polling", "run_polling", "start_polling"),
    ),
    Framework(
        "django",
        "web",
        adapter="django",
        packages=("django",),
        constructors=("get_wsgi_application", "get_asgi_application", "WSGIHandler", "ASGIHandler"),
        wrappers=("ProtocolTypeRouter",),
        routed=True,
        single=True,
        app_classes=("WSGIHandler", "ASGIHandler"),
        protocol="either",
        settings_variable="DJANGO_SETTINGS_MODULE",
        resaves="django.conf:settings.SESSION_SAVE_EVERY_REQUEST",
    ),
    Framework(
        "flask-socketio",
        "web",
        adapter="flask_socketio",
        packages=("flask_socketio",),
        protocol="wsgi",
        starts=("flask_socketio:SocketIO.run(app)",),
        distributions=("Flask-SocketIO",),
    ),
    Framework(
        "flask",
        "web",
        adapter="flask",
        packages=("flask",),
        constructors=("Flask",),
        router="Blueprint(url_prefix)",
        same=("wsgi_app",),
        app_classes=("Flask",),
        protocol="wsgi",
        starts=("flask.app:Flask.run",),
    ),
    Framework(
        "quart",
        "web",
        adapter="flask",
        packages=("quart",),
        constructors=("Quart",),
        router="Blueprint(url_prefix)",
        app_classes=("Quart",),
        protocol="asgi",
        starts=("quart.app:Quart.run", "quart.app:Quart.run_task"),
    ),
    Framework(
        "sanic",
        "web",
        adapter="sanic",
        packages=("sanic",),
        constructors=("Sanic",),
        app_classes=("Sanic",),
        protocol="asgi",
        starts=tuple(
            f"sanic.mixins.startup:StartupMixin.{name}" for name in ("run", "serve(primary)", "serve_single(primary)")
        ),
        command="sanic",
    ),
    Framework(
        "aiohttp",
        "web",
        adapter="aiohttp",
        packages=("aiohttp",),
        constructors=("Application",),
        vague=True,
        app_classes=("Application",),
        served_with=("aiohttp.web",),
        starts=(
            "aiohttp.web:run_app",
            "aiohttp.web_runner:TCPSite.start(self._runner) returns",
            "aiohttp.web_runner:UnixSite.start(self._runner) returns",
        ),
    ),
    Framework(
        "tornado",
        "web",
        adapter="tornado",
        packages=("tornado",),
        constructors=("Application",),
        vague=True,
        app_classes=("Application",),
        served_with=("tornado.httpserver", "tornado.websocket"),
        starts=(
            "tornado.web:Application.listen(self) returns",
            *(
                f"tornado.httpserver:HTTPServer.{name}(self.request_callback) returns"
                for name in ("listen", "start", "add_sockets")
            ),
        ),
    ),
    Framework(
        "bottle",
        "web",
        adapter="bottle",
        packages=("bottle",),
        constructors=("Bottle",),
        app_classes=("Bottle",),
        protocol="wsgi",
        starts=("bottle:Bottle.run", "bottle:run(app)"),
    ),
    Framework(
        "falcon",
        "web",
        adapter="falcon",
        packages=("falcon",),
        constructors=("App", "API"),
        vague=True,
        app_classes=("App",),
        protocol="either",
    ),
    Framework(
        "litestar",
        "web",
        adapter="litestar",
        packages=("litestar",),
        constructors=("Litestar",),
        protocol="asgi",
    ),
    Framework(
        "fastapi",
        "web",
        adapter="fastapi",
        packages=("fastapi",),
        constructors=("FastAPI",),
        router="APIRouter(prefix)",
        protocol="asgi",
        command=r"fastapi\s+run",
    ),
    Framework(
        "fastapi-jsonrpc",
        "web",
        adapter="fastapi",
        packages=("fastapi_jsonrpc",),
        constructors=("API",),
        vague=True,
        protocol="asgi",
        distributions=("fastapi-jsonrpc",),
    ),
    Framework(
        "starlette",
        "web",
        adapter="fastapi",
        packages=("starlette",),
        constructors=("Starlette",),
        protocol="asgi",
    ),
    Framework(
        "asgi",
        "web",
        adapter="asgi",
        constructors=("ASGIApp",),
        signature=("scope", "receive", "send"),
        wrappers=("WsgiToAsgi", "ASGIApp"),
        routed=True,
        protocol="asgi",
    ),
    Framework(
        "wsgi",
        "web",
        adapter="wsgi",
        constructors=("WSGIApp",),
        signature=("environ", "start_response", "*"),
        wrappers=("AsgiToWsgi", "ProxyFix", "WSGIApp"),
        routed=True,
        protocol="wsgi",
    ),
    CALLABLE,
    CONSOLE,
    Framework(
        "discord",
        "interface",  # below all that can be driven, as it cannot be
        undriven="is a Discord bot, which cannot be driven yet: its messages come over a connection to Discord",
        packages=("discord",),
        constructors=("Client", "Bot"),
        vague=True,
    ),
    *(
        Framework(name, "", undriven=f"{what}, which cannot be driven: {why}", opened_by=opened_by)
        for name, opened_by, what, why in (
            (
                "http-server",
                ("http:HTTPServer", "http:ThreadingHTTPServer"),
                "is a server of `http.server`",
                "its handler writes its answers to a socket by itself",
            ),
            (
                "websockets",
                ("websockets:serve", "websockets:unix_serve"),
                "is a server of `websockets`",
                "it is handed connections, and there is no app that another server could serve",
            ),
            ("grpc", ("grpc:server",), "is a gRPC server", "its messages are known by generated code alone"),
            (
                "socket-server",
                tuple(f"socketserver:{kind}Server" for kind in ("TCP", "UDP", "ThreadingTCP", "ThreadingUDP")),
                "is a server of `socketserver`",
                "it speaks a protocol of its own",
            ),
            (
                "streams",
                ("asyncio:start_server", "asyncio:start_unix_server", "asyncio:create_server"),
                "is a server of asyncio's streams",
                "it speaks a protocol of its own",
            ),
            (
                "queue",
                ("kafka:KafkaConsumer", "aiokafka:AIOKafkaConsumer", "pika:basic_consume", "nats:subscribe"),
                "takes its messages from a queue",
                "a server of that queue would have to hand them out",
            ),
        )
    ),
    Framework("dramatiq", "task", undriven="is a dramatiq actor, which cannot be driven yet", packages=("dramatiq",)),
    Framework("rq", "task", undriven="is a job of rq, which cannot be driven yet", packages=("rq",)),
    Framework("huey", "task", undriven="is a task of huey, which cannot be driven yet", packages=("huey",)),
    *(
        Framework(
            title.lower(),
            "interface",
            undriven=f"is a user interface of {title}, which cannot be driven yet: {why}",
            packages=(title.lower(),),
            offered="module",
        )
        for title, why in (
            ("Dash", "its callbacks are known by the parts of a page"),
            ("Flet", "its events come from a program of its own"),
            ("Mesop", "its events come from a page of its own"),
            ("NiceGUI", "its events come over a connection of its page's"),
            ("Panel", "its page speaks a protocol of Bokeh's"),
            ("Reflex", "its events come from a page that it compiles"),
            ("Shiny", "its events come over a connection of its page's"),
            ("Solara", "its events come over a connection of its page's"),
            ("Taipy", "its events come over a connection of its page's"),
        )
    ),
)
"""All of them. Their adapters are asked in this order, until one takes what is driven: the particular come first."""

_BY_NAME = {framework.name: framework for framework in FRAMEWORKS}
_BY_CONSTRUCTOR: dict[str, tuple[Framework, ...]] = {}
for _framework in FRAMEWORKS:
    for _name in _framework.constructors:
        _BY_CONSTRUCTOR[_name] = (*_BY_CONSTRUCTOR.get(_name, ()), _framework)


def by_name(name: str) -> Framework:
    """Return the row of this name, or `UNKNOWN`."""
    return _BY_NAME.get(name, UNKNOWN)


def find_tab(place: str) -> Framework | None:
    """Return the framework that keeps what is at this place (`st.session_state['engine']`) for one tab, or None."""
    return next((one for one in FRAMEWORKS if any(place.startswith(name) for name in one.tab_state)), None)


def by_constructor(name: str) -> tuple[Framework, ...]:
    """Return the frameworks of which a constructor has this name."""
    return _BY_CONSTRUCTOR.get(name, ())


def by_signature(names: Sequence[str]) -> Framework | None:
    """Return the framework whose apps are functions of parameters of these names, or None."""
    names = [name.strip("_") for name in names]
    return next((one for one in FRAMEWORKS if one.signature and _fits(names, one.signature)), None)


def _fits(names: list[str], signature: tuple[str, ...]) -> bool:
    if signature[-1] == "*":
        signature = signature[:-1]
        names = names[: len(signature)]
    return len(names) == len(signature) and all(
        name in wanted.split("|") for name, wanted in zip(names, signature, strict=True)
    )
