"""The echo model and its hooks, in real processes that have the probe loaded as a target has it, without a network."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from statecheck.probe import echo
from statecheck.probe.offline import dummy_credentials, is_offline, is_secret
from statecheck.probe.prompt_schema import answer_as_shown
from statecheck.probe.schema_values import fake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Run = Callable[[str], dict[str, Any]]

PROBE = Path(__file__).parents[2] / "statecheck" / "probe"

BOOTSTRAP = f"""
import asyncio, importlib.abc, json, os, socket, sys, types
package = types.ModuleType("statecheck_probe")
package.__path__ = [{str(PROBE)!r}]
sys.modules["statecheck_probe"] = package
from statecheck_probe import executors, models
executors.install()

class Loader(importlib.abc.Loader):
    def __init__(self, inner): self.inner = inner
    def __getattr__(self, name): return getattr(self.inner, name)
    def create_module(self, spec): return self.inner.create_module(spec)
    def exec_module(self, module):
        self.inner.exec_module(module)
        models.HOOKS[module.__name__](module)

class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name not in models.HOOKS: return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None:
                spec.loader = Loader(spec.loader)
                return spec

def guard(address):
    if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise ConnectionRefusedError(f"blocked: {{address}}")
connect = socket.socket.connect
socket.socket.connect = lambda self, address: (guard(address), connect(self, address))[1]
resolve = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **more: (guard((host,)), resolve(host, *rest, **more))[1]

calls, held, result = [], [], {{}}
async def ahold(): held.append("async")
models.configure(calls.append, lambda: held.append("sync"), ahold)
if not os.environ.get("LATE"): sys.meta_path.insert(0, Finder())
if not os.environ.get("NO_KEYS"): os.environ.update(models.dummy_credentials(os.environ))

def seen(text):
    \"\"\"The answer, then what was observed and held since the last time.\"\"\"
    entry = [str(text), [[c.method, c.cls, c.tools, c.messages] for c in calls], list(held)]
    calls.clear(); held.clear()
    return entry
"""


@cache
def _isolation() -> tuple[str, ...]:
    tried = subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False)
    return ("unshare", "-rn") if tried.returncode == 0 else ()


# Imports once what every script does, then runs one script at a time in a child of its own.
SERVER = """
import llama_index.core.agent.workflow, llama_index.llms.openai
for line in sys.stdin:
    script, output = json.loads(line)
    child = os.fork()
    if not child:
        sys.stdout = open(output, "w")
        sys.stderr = sys.stdout
        try:
            exec(compile(script, "app.py", "exec"), globals())
            status = 0
        except BaseException:
            import traceback
            traceback.print_exc()
            status = 1
        sys.stdout.flush()
        os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def _start(folder: Path, source: str, **environ: str) -> subprocess.Popen[str]:
    app = folder / "app.py"
    app.write_text(source)
    return subprocess.Popen(
        [*_isolation(), sys.executable, "-W", "ignore", str(app)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        # each client would read all certificates of this machine
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "SSL_CERT_DIR": str(folder), **environ},
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    with _start(tmp_path_factory.mktemp("server"), BOOTSTRAP + SERVER) as process:
        yield process
        process.kill()


@pytest.fixture
def run(server: subprocess.Popen[str], tmp_path: Path) -> Run:
    """What a script leaves in `result`, in a process that has imported the libraries before."""

    def run(script: str) -> dict[str, Any]:
        output = tmp_path / "output"
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps([f"{script}\nprint(json.dumps(result))", str(output)]) + "\n")
        server.stdin.flush()
        status = server.stdout.readline()
        assert status == "0\n", output.read_text()
        found: dict[str, Any] = json.loads(output.read_text().splitlines()[-1])
        return found

    return run


def run_alone(tmp_path: Path, script: str, **environ: str) -> dict[str, Any]:
    """What a script leaves in `result`, in a process of its own with this environment."""
    process = _start(tmp_path, f"{BOOTSTRAP}\n{script}\nprint(json.dumps(result))\n", **environ)
    said, errors = process.communicate()
    assert process.returncode == 0, errors
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


CHAT = """
from llama_index.core.chat_engine import SimpleChatEngine
def chats(name, llm):
    async def asynchronous():
        engine = SimpleChatEngine.from_defaults(llm=llm)
        result[name, "achat"] = seen(await engine.achat("a sc-m0000000a"))
        stream = await engine.astream_chat("b sc-m0000000b")
        text = "".join([piece async for piece in stream.async_response_gen()])
        result[name, "astream"] = seen(text)
    engine = SimpleChatEngine.from_defaults(llm=llm)
    result[name, "chat"] = seen(engine.chat("a sc-m0000000a"))
    pieces = list(engine.stream_chat("b sc-m0000000b").response_gen)
    result[name, "stream"] = seen("".join(pieces)) + [len(pieces)]
    asyncio.run(asynchronous())
"""
ANTHROPIC = "from llama_index.llms.anthropic import Anthropic\n"
# A second provider; its library takes longer to import than LlamaIndex.
providers = pytest.mark.parametrize(
    "provider", ["", pytest.param("anthropic", marks=pytest.mark.acceptance)], ids=["openai", "and anthropic"]
)
JOIN_KEYS = "\nresult = {' '.join(key) if isinstance(key, tuple) else key: value for key, value in result.items()}"


@providers
def test_providers_and_an_unset_llm_answer_with_what_they_are_given(run: Run, provider: str) -> None:
    script = """
from llama_index.llms.openai import OpenAI
from llama_index.core import Settings
class Mine(OpenAI):
    def chat(self, messages, **kwargs): return super().chat(messages, **kwargs)
    async def achat(self, messages, **kwargs): return await super().achat(messages, **kwargs)
chats("openai", OpenAI(model="gpt-99"))
chats("unset", Settings.llm)
chats("mine", Mine())
result["window"] = OpenAI(model="gpt-99").metadata.context_window
"""
    classes = {"openai": "OpenAI", "unset": "EchoLLM", "mine": "Mine"}
    if provider:
        script += f'{ANTHROPIC}chats("anthropic", Anthropic())'
        classes["anthropic"] = "Anthropic"
    result = run(CHAT + script + JOIN_KEYS)
    for name, cls in classes.items():
        for prefix, hold in (("", "sync"), ("a", "async")):
            first, second = result[f"{name} {prefix}chat"], result[f"{name} {prefix}stream"]
            assert first == ["Noted: sc-m0000000a.", [[f"{prefix}chat", cls, [], [["user", "a sc-m0000000a"]]]], [hold]]
            assert second[0] == "Noted: sc-m0000000a, sc-m0000000b."
            assert second[1] == [
                [
                    f"{prefix}stream_chat",
                    cls,
                    [],
                    [["user", "a sc-m0000000a"], ["assistant", "Noted: sc-m0000000a."], ["user", "b sc-m0000000b"]],
                ]
            ]
            assert second[2] == [hold]
        assert result[f"{name} stream"][3] > 1, "a stream has several pieces"
    assert result["window"] > 100_000


def test_a_model_of_the_apps_own_answers_for_itself_and_is_counted_once(run: Run) -> None:
    script = """
from llama_index.core.llms import CustomLLM, LLMMetadata, CompletionResponse, MockLLM, ChatMessage
class Own(CustomLLM):
    @property
    def metadata(self): return LLMMetadata()
    def complete(self, prompt, formatted=False, **kwargs): return CompletionResponse(text="mine")
    def stream_complete(self, prompt, formatted=False, **kwargs):
        for so_far, piece in (("mi", "mi"), ("mine", "ne")): yield CompletionResponse(text=so_far, delta=piece)
class Threads(Own):
    async def achat(self, messages, **kwargs):
        return await asyncio.get_running_loop().run_in_executor(None, self.chat, messages)
    async def acomplete(self, prompt, formatted=False, **kwargs): return await asyncio.to_thread(self.complete, prompt)
class Router(Own):
    def complete(self, prompt, formatted=False, **kwargs): return Own().complete(prompt)
class Iterates(Own):
    async def astream_chat(self, messages, **kwargs):
        yield self.chat(messages)
for name, llm in {"own": Own(), "mock": MockLLM(max_tokens=2), "router": Router()}.items(): chats(name, llm)
asked = [ChatMessage(role="user", content="sc-m0000000a")]
async def more():
    result["executor"] = seen((await Threads().achat(asked)).message.content)
    result["to_thread"] = seen((await Threads().acomplete("x")).text)
    result["generator"] = seen([item.message.content async for item in Iterates().astream_chat(asked)])
asyncio.run(more())
"""
    result = run(CHAT + script + JOIN_KEYS)
    for name, answer in {"own": "mine", "mock": "text text", "router": "mine"}.items():
        for method in ("chat", "stream", "achat", "astream"):
            text, calls, held, *_ = result[f"{name} {method}"]
            assert text == answer
            assert [call[0] for call in calls] == [method.replace("stream", "stream_chat")]
            assert held == ["async" if method.startswith("a") else "sync"]
    assert [result[key][2] for key in ("executor", "to_thread", "generator")] == [["async"]] * 3
    assert [len(result[key][1]) for key in ("executor", "to_thread", "generator")] == [1, 1, 1]
    assert result["generator"][0] == "['mine']"


def test_the_echo_model_steps_in_where_an_own_model_finds_no_network(run: Run) -> None:
    script = """
import urllib.request, httpx, openai
from llama_index.core.llms import CustomLLM, LLMMetadata, CompletionResponse
from llama_index.core.embeddings import BaseEmbedding, MockEmbedding
class Own(CustomLLM):
    how: str
    @property
    def metadata(self): return LLMMetadata()
    def _ask(self):
        if self.how == "httpx": httpx.post("https://llm.example/")
        if self.how == "urllib": urllib.request.urlopen("https://llm.example/")
        if self.how == "sdk": openai.OpenAI(max_retries=0).chat.completions.create(model="x", messages=[])
        if self.how == "key": os.environ["MY_LLM_API_KEY"]
        if self.how == "cause":
            try: httpx.get("https://llm.example/")
            except httpx.HTTPError as error: raise RuntimeError("the model is down") from error
        if self.how == "bug": raise RuntimeError("a bug")
    def complete(self, prompt, formatted=False, **kwargs): self._ask()
    def stream_complete(self, prompt, formatted=False, **kwargs):
        self._ask()
        yield CompletionResponse(text="never")
for how in ("httpx", "urllib", "sdk", "key", "cause"): chats(how, Own(how=how))
try: Own(how="bug").complete("x")
except RuntimeError as error: result["bug"] = str(error)
class Embedding(BaseEmbedding):
    def _get_query_embedding(self, query): httpx.get("https://llm.example/")
    async def _aget_query_embedding(self, query): return self._get_query_embedding(query)
    def _get_text_embedding(self, text): return self._get_query_embedding(text)
class Loads(Embedding):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._model = httpx.get("https://weights.example/")
    def _get_query_embedding(self, query): return self._model.encode(query)
result["vectors"] = [len(Embedding().get_text_embedding("x")), len(Loads().get_query_embedding("x"))]
result["mock"] = MockEmbedding(embed_dim=2).get_text_embedding("x")
"""
    result = run(CHAT + script + JOIN_KEYS)
    for how in ("httpx", "urllib", "sdk", "key", "cause"):
        for method in ("chat", "stream", "achat", "astream"):
            text, calls, held, *_ = result[f"{how} {method}"]
            assert text == ("Noted: sc-m0000000a." if "chat" in method else "Noted: sc-m0000000a, sc-m0000000b.")
            assert len(calls) == len(held) == 1
    assert result["bug"] == "a bug"
    assert result["vectors"] == [64, 64]
    assert result["mock"] == [0.5, 0.5]


@providers
def test_agents_call_the_tool_that_takes_text_and_then_answer(run: Run, provider: str) -> None:
    script = f"{ANTHROPIC}more = {{'anthropic': Anthropic()}}\n" if provider else "more = {}\n"
    script += """
from llama_index.llms.openai import OpenAI
from llama_index.core import Settings
from llama_index.core.agent.workflow import AgentWorkflow, CodeActAgent, FunctionAgent, ReActAgent
from llama_index.core.tools import FunctionTool
got = []
def count(number: int) -> int: return number
def remember(user_id: str, note: str, times: int, mood: str = "") -> str:
    got.append([user_id, note, times])
    return f"kept {note}"
def execute(code: str) -> str: return ""
async def agents(name, llm):
    tools = [count, remember]
    result[name, "function"] = seen(await FunctionAgent(tools=tools, llm=llm).run("a sc-m0000000a"))
    result[name, "quiet"] = seen(await FunctionAgent(tools=tools, llm=llm, streaming=False).run("a sc-m0000000a"))
    result[name, "react"] = seen(await ReActAgent(tools=tools, llm=llm).run("a sc-m0000000a"))
    result[name, "code"] = seen(await CodeActAgent(code_execute_fn=execute, llm=llm).run("a sc-m0000000a"))
    one = FunctionAgent(name="one", description="1", tools=tools, llm=llm, can_handoff_to=["two"])
    two = FunctionAgent(name="two", description="2", tools=tools, llm=llm)
    result[name, "workflow"] = seen(await AgentWorkflow(agents=[one, two], root_agent="one").run("a sc-m0000000a"))
for name, llm in {"openai": OpenAI(), "unset": Settings.llm, **more}.items():
    asyncio.run(agents(name, llm))
    tools = [FunctionTool.from_defaults(remember)]
    result[name, "predict"] = seen(llm.predict_and_call(tools, "a sc-m0000000a"))
    response = llm.chat_with_tools(tools, "a sc-m0000000a")
    result[name, "calls"] = [call.tool_kwargs for call in llm.get_tool_calls_from_response(response)]
    calls.clear(); held.clear()
result["got"] = got
"""
    result = run(script + JOIN_KEYS)
    for name in filter(None, ("openai", "unset", provider)):
        for kind, turns in {"function": 2, "quiet": 2, "react": 2, "code": 1, "workflow": 2}.items():
            text, calls, held = result[f"{name} {kind}"]
            assert text == "Noted: sc-m0000000a."
            assert len(calls) == turns
            assert held == ["async"] * turns
        first, second = result[f"{name} function"][1]
        assert first[2] == ["count", "remember"]
        assert ["tool", "kept sc-m0000000a"] in second[3]
        assert result[f"{name} predict"][0] == "kept sc-m0000000a"
        assert result[f"{name} calls"] == [
            {"user_id": "sc", "note": "sc-m0000000a", "times": 1, "mood": "sc-m0000000a"}
        ]
    assert set(map(tuple, result["got"])) == {("sc", "sc-m0000000a", 1)}


def test_structured_output_selectors_and_retrieval_work(run: Run) -> None:
    script = """
from pydantic import BaseModel
from llama_index.llms.openai import OpenAI
from llama_index.core import Document, Settings, VectorStoreIndex
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.llms import ChatMessage
from llama_index.core.program import FunctionCallingProgram, LLMTextCompletionProgram
from llama_index.core.prompts import PromptTemplate
from llama_index.core.selectors import LLMMultiSelector, LLMSingleSelector, PydanticSingleSelector
from llama_index.core.tools import ToolMetadata
class Part(BaseModel):
    tags: list[str]
class Out(BaseModel):
    text: str
    size: int
    part: Part
    more: str | None = None
events = []
class Handler(BaseEventHandler):
    def handle(self, event, **kwargs): events.append(event.class_name())
get_dispatcher().add_event_handler(Handler())
llm, prompt = OpenAI(), PromptTemplate("about {it}")
async def asynchronous():
    result["apredict"] = seen((await llm.astructured_predict(Out, prompt, it="sc-m0000000a")).text)
    stream = await llm.astream_structured_predict(Out, prompt, it="sc-m0000000a")
    result["astream"] = seen([out async for out in stream][-1].text)
result["predict"] = seen(llm.structured_predict(Out, prompt, it="sc-m0000000a").part.tags[0])
result["stream"] = seen(list(llm.stream_structured_predict(Out, prompt, it="sc-m0000000a"))[-1].text)
asyncio.run(asynchronous())
asked = [ChatMessage(role="user", content="sc-m0000000a")]
text_program = LLMTextCompletionProgram.from_defaults(output_cls=Out, prompt_template_str="sc-m0000000a", llm=llm)
result["as_structured"] = seen(llm.as_structured_llm(Out).chat(asked).raw.text)
result["calling"] = seen(FunctionCallingProgram.from_defaults(Out, "sc-m0000000a", llm=llm)().text)
result["text"] = seen(text_program().text)
result["plain"] = seen(llm.predict(prompt, it="sc-m0000000a"))
choices = [ToolMetadata("one", "one"), ToolMetadata("two", "two")]
for cls in (LLMSingleSelector, LLMMultiSelector, PydanticSingleSelector):
    result[cls.__name__] = cls.from_defaults(llm=llm).select(choices, "which").selections[0].index
seen("")
events.clear()
llm.chat(asked)
result["events"] = list(events)
index = VectorStoreIndex.from_documents([Document(text="red cats"), Document(text="blue dogs")])
result["size"] = len(Settings.embed_model.get_text_embedding("x"))
result["nearest"] = index.as_retriever(similarity_top_k=1).retrieve("cats that are red")[0].text
seen("")
engine = index.as_chat_engine(chat_mode="condense_plus_context", llm=llm)
engine.chat("a sc-m0000000a")
seen("")
result["engine"] = seen(engine.chat("b sc-m0000000b"))
"""
    result = run(script)
    for name in ("predict", "stream", "apredict", "astream", "as_structured", "calling", "text", "plain"):
        text, calls, held = result[name]
        assert text == "Noted: sc-m0000000a."
        assert len(calls) == len(held) == 1
    assert [result[name] for name in ("LLMSingleSelector", "LLMMultiSelector", "PydanticSingleSelector")] == [0, 0, 0]
    assert result["events"] == ["LLMChatStartEvent", "LLMChatEndEvent"]
    assert result["size"] == 1536
    assert result["nearest"] == "red cats"
    assert result["engine"][0] == "Noted: sc-m0000000a, sc-m0000000b."
    assert len(result["engine"][1]) == 2, "one call condenses, one answers"


def test_before_there_were_blocks_a_tool_call_had_the_form_of_its_provider(run: Run) -> None:
    """Stand-ins answer in the form of the LlamaIndex that is installed, also of one that is not installed here."""
    script = """
from pkgutil import resolve_name
from llama_index.core.base.llms.types import ChatMessage, ChatResponse
from statecheck_probe import stand_ins
stand_ins.types = lambda: types.SimpleNamespace(ChatMessage=ChatMessage, ChatResponse=ChatResponse)
asked = [ChatMessage(role="user", content="My word is sc-m00000001.")]
tool = {"function": {"name": "note", "parameters": {"properties": {"text": {"type": "string"}}}}}
for provider, form in {
    "openai": "openai.types.chat.ChatCompletionMessageToolCall",
    "mistralai": "builtins.dict",
}.items():
    model = type("Model", (), {"__module__": f"llama_index.llms.{provider}.base"})()
    response = stand_ins.chat(model, asked, tools=[tool])
    (call,) = response.message.additional_kwargs["tool_calls"]
    (read,) = stand_ins.get_tool_calls_from_response(model, response)
    result[provider] = [type(call) is resolve_name(form), read.tool_name, "sc-m00000001" in read.tool_kwargs["text"]]
"""
    assert run(script) == {"openai": [True, "note", True], "mistralai": [True, "note", True]}


@pytest.mark.acceptance
def test_constructors_that_fail_offline_are_filled_and_mistakes_still_fail(tmp_path: Path) -> None:
    script = """
from llama_index.llms.openai import OpenAI, OpenAIResponses
from llama_index.core.llms import ChatMessage
asked = [ChatMessage(role="user", content="sc-m0000000a")]
class Mine(OpenAIResponses):
    note: str = ""
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.note = "built"
llm = Mine(model="gpt-99", temperature=0.5)
result["filled"] = [llm.model, llm.temperature, llm.note, llm.chat(asked).message.content]
for name, make in {"wrong": lambda: OpenAI(temperature="hot"), "missing": lambda: OpenAI.from_dict()}.items():
    try: make()
    except Exception as error: result[name] = type(error).__name__
import gc
del llm
gc.collect()
from statecheck_probe import offline_objects
result["kept"] = len(offline_objects._hollow)
"""
    result = run_alone(tmp_path, script, NO_KEYS="1")
    assert result["filled"] == ["gpt-99", 0.5, "built", "Noted: sc-m0000000a."]
    assert result["wrong"] == "ValidationError"
    assert result["missing"] == "TypeError"
    assert result["kept"] == 0


def test_hooks_reach_what_was_imported_before_them(tmp_path: Path) -> None:
    script = """
import llama_index.core.multi_modal_llms
from llama_index.llms.openai import OpenAI
from llama_index.core.llms import MockLLM
from llama_index.core import Settings
for name, patch in models.HOOKS.items(): patch(sys.modules[name])
for name, patch in models.HOOKS.items(): patch(sys.modules[name])
for llm in (OpenAI(), Settings.llm, MockLLM(max_tokens=1)):
    result[llm.class_name()] = seen(llm.complete("sc-m0000000a"))
result["embedding"] = Settings.embed_model.class_name()
"""
    result = run_alone(tmp_path, script, LATE="1")
    assert result["openai_llm"][0] == result["EchoLLM"][0] == "Noted: sc-m0000000a."
    assert result["MockLLM"][0] == "text"
    assert [len(result[name][1]) for name in ("openai_llm", "EchoLLM", "MockLLM")] == [1, 1, 1]
    assert result["embedding"] == "EchoEmbedding"


@pytest.mark.acceptance
def test_is_testing_and_explicit_models_are_respected(tmp_path: Path) -> None:
    script = """
from llama_index.core import Settings
from llama_index.core.embeddings import resolve_embed_model
from llama_index.core.llms.utils import resolve_llm
result["testing"] = [Settings.llm.class_name(), Settings.embed_model.class_name()]
result["none"] = [resolve_llm(None).class_name(), resolve_embed_model(None).class_name()]
result["local"] = [
    resolve_llm("local:x").class_name(),
    len(resolve_embed_model("local:bge-small").get_text_embedding("x")),
]
try: resolve_llm("nonsense")
except ValueError: result["nonsense"] = "ValueError"
"""
    result = run_alone(tmp_path, script, IS_TESTING="1")
    assert result["testing"] == result["none"] == ["MockLLM", "MockEmbedding"]
    assert result["local"] == ["EchoLLM", 384]
    assert result["nonsense"] == "ValueError"


@pytest.mark.parametrize(
    ("messages", "answer"),
    [
        ([], "Noted."),
        ([("user", "hello")], "Noted."),
        ([("user", "sc-m0000000b sc-m0000000a sc-m0000000b")], "Noted: sc-m0000000b, sc-m0000000a."),
        ([("assistant", "sc-m0000000a"), ("tool", "sc-m0000000b")], "Noted: sc-m0000000b."),
        (
            [("system", "Thought: … Action Input: …"), ("user", "x")],
            "Thought: I can answer without using any more tools.\nAnswer: Noted.",
        ),
    ],
)
def test_the_answer_names_the_markers_of_all_but_the_assistant(messages: echo.Messages, answer: str) -> None:
    assert echo.answer(messages) == answer


def _tool(name: str, *, direct: bool = False, **parameters: str) -> echo.Tool:
    properties = {parameter: {"type": kind} for parameter, kind in parameters.items()}
    return echo.Tool(name, {"type": "object", "properties": properties, "required": list(properties)}, direct)


@pytest.mark.parametrize(
    ("tools", "options", "expected"),
    [
        ([], {}, None),
        ([_tool("handoff", to_agent="string")], {}, None),
        ([_tool("count", number="integer")], {}, None),
        ([_tool("count", number="integer")], {"required": True}, ("count", {"number": 1})),
        (
            [_tool("end", direct=True, text="string"), _tool("add", text="string")],
            {},
            ("add", {"text": "sc-m0000000a"}),
        ),
        ([_tool("add", key="string", text="string")], {}, ("add", {"key": "sc", "text": "sc-m0000000a"})),
        (
            [_tool("add", text="string"), _tool("other", text="string")],
            {"named": "other"},
            ("other", {"text": "sc-m0000000a"}),
        ),
    ],
)
def test_the_tool_that_is_called(
    tools: list[echo.Tool], options: dict[str, Any], expected: tuple[str, dict[str, Any]] | None
) -> None:
    call = echo.choose([("user", "keep sc-m0000000a")], tools, **options)
    assert (call and (call.name, call.arguments)) == expected


def test_a_tool_is_not_called_again_for_its_result() -> None:
    tools = [_tool("add", text="string")]
    asked = ("user", "keep sc-m0000000a")
    called = ("assistant", "add({'text': 'sc-m0000000a'})")
    assert echo.choose([asked, called, ("tool", "done")], tools) is None
    assert echo.choose([asked, called, ("user", "result: sc-m0000000a")], tools) is None
    assert echo.choose([asked, called, ("tool", "done"), ("user", "keep sc-m0000000b")], tools) is not None


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string", "maxLength": 3}, "abc"),
        ({"type": "string", "minLength": 6}, "abcd.."),
        ({"type": "string", "format": "date"}, "2025-01-01"),
        ({"enum": ["x", "y"]}, "x"),
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": "integer", "exclusiveMaximum": 1}, 0),
        ({"type": "number", "maximum": 0.5}, 0.5),
        ({"anyOf": [{"type": "null"}, {"type": "boolean"}]}, False),
        ({"type": "array", "items": {"type": "string"}, "minItems": 2}, ["abcd", "abcd"]),
        ({"$defs": {"A": {"properties": {"a": {"type": "string"}}}}, "$ref": "#/$defs/A"}, {"a": "abcd"}),
    ],
)
def test_a_faked_value_fits_its_schema(schema: dict[str, Any], value: object) -> None:
    assert fake(schema, "abcd") == value


def test_what_is_asked_again_gets_another_choice_and_an_optional_list_of_texts_is_filled() -> None:
    parts = {
        "next": {"enum": ["search", "write"]},
        "done": {"type": "boolean"},
        "more": {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]},
        "limits": {"type": "array", "items": {"type": "integer"}},
    }
    schema = {"type": "object", "properties": parts, "required": ["next", "done"]}

    assert fake(schema, "x") == {"next": "search", "done": False, "more": ["x"]}
    assert fake(schema, "x", 1) == {"next": "write", "done": True, "more": ["x"]}


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [
        (
            'Reply in JSON:\n```json\n{"next": "code" | "talk", "n": number, "requirement": string,}\n```',
            '```json\n{"next": "code", "n": 1, "requirement": "Noted."}\n```',
        ),
        (
            'Return json like ```json\n{"a": "one", "reply": ""}\n``` or ```json\n{"a": "two", "reply": "Hi."}\n```',
            '```json\n{"a": "two", "reply": "Noted."}\n```',
        ),
        ('Return only JSON: {"intent": "order", "say": "one two"}', '{"intent": "order", "say": "Noted."}'),
        ('Return only JSON: {"intent": <one of them>, "sure": bool}', '{"intent": "text", "sure": true}'),
        ('The order is {"id": "7", "text": "a cup"}. When does it come?', ""),
        ("Return JSON.", ""),
    ],
)
def test_an_answer_has_the_form_that_the_prompt_shows(prompt: str, answer: str) -> None:
    assert answer_as_shown(prompt, "Noted.") == answer


def test_a_schema_that_contains_itself_ends() -> None:
    node = {
        "type": "object",
        "properties": {"next": {"type": "array", "items": {"$ref": "#/$defs/N"}}},
        "required": ["next"],
    }
    assert fake({"$defs": {"N": node}, "$ref": "#/$defs/N"}, "x")["next"]


def test_vectors_are_units_the_same_anywhere_and_nearer_for_shared_words() -> None:
    def near(a: str, b: str) -> float:
        return sum(x * y for x, y in zip(echo.vector(a, 256), echo.vector(b, 256), strict=True))

    assert near("red cats", "red cats") == pytest.approx(1)
    assert near("red cats", "cats that are red") > near("red cats", "blue dogs")
    assert echo.vector("x", 64) == echo.vector("x", 64)


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("OPENAI_API_KEY", True),
        ("HF_TOKEN", True),
        ("DB_PASSWORD", True),
        ("MYSQL_PWD", True),
        ("GOOGLE_APPLICATION_CREDENTIALS", True),
        ("AWS_ACCESS_KEY_ID", True),
        ("openaiApiKey", True),
        ("PWD", False),
        ("MAX_TOKENS", False),
        ("TOKENIZERS_PARALLELISM", False),
        ("REDIS_KEY_PREFIX", False),
        ("KEYBOARD", False),
    ],
)
def test_secrets_are_known_by_name(name: str, secret: bool) -> None:
    assert is_secret(name) is secret


def test_dummies_are_only_for_what_is_missing() -> None:
    assert dummy_credentials({})["OPENAI_API_KEY"] == "sc-dummy"
    assert "OPENAI_API_KEY" not in dummy_credentials({"OPENAI_API_KEY": "x"})


@pytest.mark.parametrize(
    ("error", "offline"),
    [
        (ConnectionRefusedError(), True),
        (TimeoutError(), True),
        (KeyError("SOME_API_KEY"), True),
        (ValueError("Missing credentials. Please pass an `api_key`"), True),
        (TypeError("Could not resolve authentication method"), True),
        (KeyError("user"), False),
        (ValueError("no such user"), False),
        (FileNotFoundError(2, "x"), False),
        (ValueError("too many tokens needed"), False),
    ],
)
def test_what_counts_as_offline(error: Exception, offline: bool) -> None:
    assert is_offline(error) is offline
