"""Pages that a framework runs and serves itself, Streamlit, Chainlit and Gradio: each cause beside its fixed twin."""

from __future__ import annotations

from pathlib import Path

import pytest
from labs import Ran, User, diagnosed, diagnosed_in_turn

from statecheck.options.config import Options

STREAMLIT = """\
    import asyncio

    import streamlit as st
    from llama_index.core.chat_engine import SimpleChatEngine
    from llama_index.core.memory import ChatMemoryBuffer, Memory

    st.session_state.setdefault("shown", [])
    {keep}
    if prompt := st.chat_input("Ask"):
        st.session_state.shown.append(prompt)
        st.chat_message("assistant").write(str(asyncio.run(engine.achat(prompt))))
    for text in st.session_state.shown:
        st.write(text)
"""
RERUN = {"keep": "engine = SimpleChatEngine.from_defaults(memory=ChatMemoryBuffer.from_defaults())"}
IN_SESSION = {
    "keep": """\
if "engine" not in st.session_state:
        st.session_state.engine = SimpleChatEngine.from_defaults(memory=ChatMemoryBuffer.from_defaults())
    engine = st.session_state.engine"""
}
CACHED = {
    "keep": """\
@st.cache_resource
    def load():
        return SimpleChatEngine.from_defaults(memory=ChatMemoryBuffer.from_defaults())
    engine = load()"""
}
STORED = {
    "keep": """\
database = "sqlite+aiosqlite:////tmp/chats/chats.db"
    memory = Memory.from_defaults(session_id=st.query_params.get("user"), async_database_uri=database)
    engine = SimpleChatEngine.from_defaults(memory=memory)"""
}
EXCHANGED = {
    "keep": """\
@st.cache_resource
    def load():
        return SimpleChatEngine.from_defaults()
    st.session_state.setdefault("memory", ChatMemoryBuffer.from_defaults())
    engine = load()
    engine._memory = st.session_state.memory"""
}
IN_A_FILE = """\
    import json
    import pathlib

    import streamlit as st
    from llama_index.core import Settings
    from llama_index.core.llms import ChatMessage

    file = pathlib.Path(f"/tmp/chats/{st.query_params.get('user')}.json")
    if prompt := st.chat_input("Ask"):
        said = [*(json.loads(file.read_text()) if file.exists() else []), ["user", prompt]]
        answer = Settings.llm.chat([ChatMessage(role=role, content=text) for role, text in said]).message.content
        file.write_text(json.dumps([*said, ["assistant", answer]]))
        st.write(answer)
"""
LOGIN = """\
    import streamlit as st
    from llama_index.core.chat_engine import SimpleChatEngine
    from llama_index.core.memory import Memory

    key = st.sidebar.text_input("OpenAI API key", type="password")
    name = st.sidebar.text_input("Your name")
    if not key.startswith("sk-") or not name:
        st.info("Who are you?")
        st.stop()
    st.session_state.token = st.secrets["OPENAI_API_KEY"]
    with st.form("turn"):
        question = st.text_area("Your question")
        sent = st.form_submit_button("Send")
    if sent:
        memory = Memory.from_defaults(session_id=name)
        st.write(str(SimpleChatEngine.from_defaults(memory=memory).chat(question)))
"""
FORGETS = """\
    import streamlit as st

    if prompt := st.chat_input("Ask"):
        raise ValueError(f"no answer to {prompt}")
"""


CHAINLIT = """\
    import chainlit as cl
    from llama_index.core.chat_engine import SimpleChatEngine
    from llama_index.core.memory import ChatMemoryBuffer, Memory

    def build(**memory):
        return SimpleChatEngine.from_defaults(**memory)


    @cl.on_chat_start
    async def start():
        name = await cl.AskUserMessage(content="Who are you?").send()
        {start}
        await cl.Message("Hello " + name["output"]).send()


    @cl.on_message
    async def main(message: cl.Message):
        engine = {engine}
        await cl.Message(str(await engine.achat(message.content))).send()
"""
OF_SESSION = {
    "start": 'cl.user_session.set("engine", build(memory=ChatMemoryBuffer.from_defaults()))',
    "engine": 'cl.user_session.get("engine")',
}
OF_MESSAGE = {"start": "pass", "engine": "build()"}
OF_DATABASE = {
    "start": "pass",
    "engine": """build(
            memory=Memory.from_defaults(
                session_id=cl.user_session.get("id"), async_database_uri="sqlite+aiosqlite:////tmp/chats/chats.db"
            )
        )""",
}


GRADIO = """\
    import gradio as gr
    from llama_index.core.chat_engine import SimpleChatEngine
    from llama_index.core.memory import ChatMemoryBuffer, Memory

    DATABASE = "sqlite+aiosqlite:////tmp/chats/chats.db"

    with gr.Blocks() as demo:
        chatbot = gr.Chatbot()
        kept = gr.State()
        box = gr.Textbox(label="Message")

        async def respond(message, history, engine, request: gr.Request):
            {engine}
            answer = str(await engine.achat(message))
            history = [*history, dict(role="user", content=message), dict(role="assistant", content=answer)]
            return "", history, {kept}

        box.submit(respond, [box, chatbot, kept], [box, chatbot, kept])

    demo.launch()
"""
IN_STATE = {
    "engine": "engine = engine or SimpleChatEngine.from_defaults(memory=ChatMemoryBuffer.from_defaults())",
    "kept": "engine",
}
OF_HASH = {
    "engine": """engine = SimpleChatEngine.from_defaults(
                memory=Memory.from_defaults(session_id=request.session_hash, async_database_uri=DATABASE)
            )""",
    "kept": "None",
}
CHAT = """\
    import gradio as gr
    from llama_index.core.chat_engine import SimpleChatEngine


    def build():
        engine = SimpleChatEngine.from_defaults()

        def reply(message, history):
            return str(engine.chat(message))

        return gr.ChatInterface(reply)


    demo = build()
"""


def page(tmp_path: Path, source: str, *only: str, **parts: str) -> tuple[str, dict[str, str], list[tuple[str, int]]]:
    user = User(tmp_path)
    user.write(page=source.format(**parts) if parts else source)
    return said_of(diagnosed_in_turn(user, "page.py", Options(seed=1, only=only, volumes=(Path("/tmp/chats"),))))


def said_of(ran: Ran) -> tuple[str, dict[str, str], list[tuple[str, int]]]:
    found = [(cause.code + "W" * (cause.severity == "warning"), cause.anchor.line) for cause in ran.diagnosis.causes]
    return ran.diagnosis.verdict, {name: what for name, what in ran.outcomes().items() if what != "skipped"}, found


def test_what_a_page_builds_anew_in_every_run_is_request_scoped(tmp_path: Path) -> None:
    _, outcomes, found = page(tmp_path, STREAMLIT, "same-process", **RERUN)

    assert (outcomes, found) == ({"same-process": "lost"}, [("SC101", 8)])


@pytest.mark.acceptance
def test_session_state_is_the_memory_of_one_server(tmp_path: Path) -> None:
    _, outcomes, found = page(
        tmp_path, STREAMLIT, "same-process", "other-worker", "new-process", "other-session", **IN_SESSION
    )

    assert outcomes == {
        "same-process": "kept",
        "other-worker": "lost",
        "new-process": "lost",
        "other-session": "isolated",
    }
    assert found == [("SC102W", 9), ("SC103W", 9)]


@pytest.mark.acceptance
def test_a_cached_resource_is_shared_by_all_tabs(tmp_path: Path) -> None:
    _, outcomes, found = page(tmp_path, STREAMLIT, "same-process", "other-session", **CACHED)

    assert (outcomes["other-session"], found) == ("leaked", [("SC106", 8)])


@pytest.mark.acceptance
def test_what_two_tabs_exchange_at_once_is_found_with_both_lines(tmp_path: Path) -> None:
    _, outcomes, found = page(tmp_path, STREAMLIT, "same-process", "other-session", "two-sessions", **EXCHANGED)

    assert (outcomes["other-session"], outcomes["two-sessions"]) == ("isolated", "leaked")
    assert found == [("SC106", 13)]


@pytest.mark.acceptance
def test_a_page_keeps_two_tabs_apart_that_have_an_engine_each(tmp_path: Path) -> None:
    _, outcomes, found = page(tmp_path, STREAMLIT, "same-process", "concurrent", "two-sessions", **IN_SESSION)

    assert (outcomes, found) == ({"same-process": "kept", "two-sessions": "isolated"}, [])


@pytest.mark.acceptance
def test_several_tabs_of_one_user_overwrite_a_file_that_they_share(tmp_path: Path) -> None:
    _, outcomes, found = page(tmp_path, IN_A_FILE, "same-process", "concurrent")

    assert (outcomes["concurrent"], found) == ("lost", [("SC105", 12)])


@pytest.mark.acceptance
def test_a_store_under_the_name_in_the_pages_url_is_healthy(tmp_path: Path) -> None:
    names = ("same-process", "other-worker", "new-container", "other-session")
    _, outcomes, found = page(tmp_path, STREAMLIT, *names, **STORED)

    assert (outcomes, found) == (dict(zip(names, ("kept", "kept", "kept", "isolated"), strict=True)), [])


@pytest.mark.acceptance
def test_a_visitor_gives_a_key_and_a_name_before_a_form_takes_the_message(tmp_path: Path) -> None:
    _, outcomes, found = page(tmp_path, LOGIN, "same-process")

    assert (outcomes, found) == ({"same-process": "lost"}, [("SC101", 15)])


def test_a_page_that_raises_is_inconclusive(tmp_path: Path) -> None:
    user = User(tmp_path)
    user.write(page=FORGETS)
    verdict, outcomes, found = said_of(diagnosed(user, "page.py", "namespace", Options(seed=1, only=("same-process",))))

    assert (verdict, outcomes, found) == ("inconclusive", {}, [])


@pytest.mark.acceptance
def test_a_page_without_an_input_is_told_with_what_it_says(tmp_path: Path) -> None:
    user = User(tmp_path)
    user.write(
        app="import llama_index.core, streamlit as st\nst.navigation([st.Page('chat.py')]).run()\n",
        chat="import streamlit as st\nst.warning('Configure a model first.')\n",
    )

    (problem,) = diagnosed_in_turn(user, "app.py", Options(only=("same-process",))).diagnosis.errors

    assert (problem.slug, problem.text) == (
        "not-driven",
        "the page shows nowhere to type a message (no text input, no button, and says `Configure a model first.`)",
    )


@pytest.mark.acceptance
def test_a_chainlit_session_is_the_memory_of_one_server(tmp_path: Path) -> None:
    _, outcomes, found = page(
        tmp_path, CHAINLIT, "same-process", "other-worker", "new-process", "other-session", **OF_SESSION
    )

    assert outcomes == {
        "same-process": "kept",
        "other-worker": "lost",
        "new-process": "lost",
        "other-session": "isolated",
    }
    assert found == [("SC102W", 12), ("SC103W", 12)]


@pytest.mark.acceptance
def test_what_a_chainlit_message_builds_is_request_scoped(tmp_path: Path) -> None:
    _, outcomes, found = page(tmp_path, CHAINLIT, "same-process", **OF_MESSAGE)

    assert (outcomes, found) == ({"same-process": "lost"}, [("SC101", 6)])


@pytest.mark.acceptance
@pytest.mark.parametrize(("shared", "what"), [(True, "leaked"), (False, "isolated")])
def test_two_chats_at_once_exchange_what_a_module_has_of_them(tmp_path: Path, shared: bool, what: str) -> None:
    source = f"""\
    import chainlit as cl
    from llama_index.core.chat_engine import SimpleChatEngine
    from llama_index.core.memory import ChatMemoryBuffer

    engine = SimpleChatEngine.from_defaults()


    @cl.on_message
    async def main(message: cl.Message):
        memory = cl.user_session.get("memory") or ChatMemoryBuffer.from_defaults()
        cl.user_session.set("memory", memory)
        {"pass" if shared else "engine = SimpleChatEngine.from_defaults()"}
        engine._memory = memory
        await cl.Message(str(await engine.achat(message.content))).send()
    """
    _, outcomes, found = page(tmp_path, source, "same-process", "concurrent", "two-sessions")

    assert (outcomes["two-sessions"], found) == (what, [("SC106", 13)] if shared else [])


@pytest.mark.acceptance
@pytest.mark.parametrize(("shared", "what"), [(True, "leaked"), (False, "isolated")])
def test_two_pages_at_once_exchange_what_a_global_has_of_them(tmp_path: Path, shared: bool, what: str) -> None:
    source = f"""\
    import gradio as gr
    from llama_index.core.chat_engine import SimpleChatEngine
    from llama_index.core.memory import ChatMemoryBuffer

    engine = SimpleChatEngine.from_defaults()

    with gr.Blocks() as demo:
        kept = gr.State()
        box = gr.Textbox(label="Message")
        said = gr.Textbox(label="Answer", interactive=False)

        async def respond(message, memory):
            memory = memory or ChatMemoryBuffer.from_defaults()
            {"pass" if shared else "engine = SimpleChatEngine.from_defaults()"}
            engine._memory = memory
            return str(await engine.achat(message)), memory

        box.submit(respond, [box, kept], [said, kept], concurrency_limit=8)

    demo.launch()
    """
    _, outcomes, found = page(tmp_path, source, "same-process", "concurrent", "two-sessions")

    assert (outcomes["two-sessions"], found) == (what, [("SC106", 15)] if shared else [])


@pytest.mark.acceptance
def test_a_database_under_a_chainlit_sessions_id_is_healthy(tmp_path: Path) -> None:
    names = ("same-process", "other-worker")
    _, outcomes, found = page(tmp_path, CHAINLIT, *names, **OF_DATABASE)

    assert (outcomes, found) == (dict.fromkeys(names, "kept"), [])


@pytest.mark.acceptance
def test_gradios_state_is_the_memory_of_one_server(tmp_path: Path) -> None:
    _, outcomes, found = page(tmp_path, GRADIO, "same-process", "other-worker", "new-process", **IN_STATE)

    assert outcomes == {"same-process": "kept", "other-worker": "lost", "new-process": "lost"}
    assert found == [("SC102W", 9), ("SC103W", 9)]


@pytest.mark.acceptance
def test_a_database_under_a_gradio_pages_hash_is_healthy(tmp_path: Path) -> None:
    names = ("same-process", "other-worker")
    _, outcomes, found = page(tmp_path, GRADIO, *names, **OF_HASH)

    assert (outcomes, found) == (dict.fromkeys(names, "kept"), [])


@pytest.mark.acceptance
def test_an_engine_that_a_chat_interface_calls_is_shared_by_all_its_pages(tmp_path: Path) -> None:
    _, outcomes, found = page(tmp_path, CHAT, "same-process", "other-session")

    assert (outcomes["other-session"], found) == ("leaked", [("SC106", 6)])


@pytest.mark.acceptance
def test_gradio_and_chainlit_are_driven_where_another_app_mounts_them(tmp_path: Path) -> None:
    user = User(tmp_path)
    user.write(
        chat=CHAT,
        front="""\
        import gradio as gr
        from chat import demo
        from fastapi import FastAPI

        app = gr.mount_gradio_app(FastAPI(), demo, path="/chat")
        """,
        talk=CHAINLIT.format(**OF_MESSAGE),
        door="""\
        from chainlit.utils import mount_chainlit
        from fastapi import FastAPI

        app = FastAPI()
        mount_chainlit(app=app, target="talk.py", path="/talk")
        """,
    )
    one = Options(seed=1, only=("same-process",))

    assert diagnosed_in_turn(user, "front.py", one).outcomes()["same-process"] == "kept"
    assert diagnosed_in_turn(user, "door.py", one).outcomes()["same-process"] == "lost"
