"""Plain callables: which parameter is the message and which the session, by what is done with them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import pytest

from statecheck.source.code.tree import SourceTree
from statecheck.talk.plan import AppFacts, Overrides, Plan, Route
from statecheck.talk.planning import candidates
from statecheck.talk.requests import render

if TYPE_CHECKING:
    from pathlib import Path

FLOW = """\
class Votes(Workflow):
    @step
    async def count(self, ev: StartEvent) -> StopEvent:
        self.votes[ev.request_id].append(ev.why)
        return StopEvent(result=len(self.votes[ev.request_id]))

{}

async def reply(request_id, why):
    return await {}.run(request_id=request_id, why=why)
"""


def planned(folder: Path, source: str, *names: str) -> Plan:
    file = folder / "bot.py"
    file.write_text(source)
    node = next(n for n in ast.walk(ast.parse(source)) if getattr(n, "name", "") == "reply")
    route = Route("", (), "reply", str(file), node.lineno)  # type: ignore[attr-defined]
    facts = AppFacts("callable", "bot.reply", (route,), (), names)
    return candidates(facts, SourceTree(folder, folder), Overrides())[0]


@pytest.mark.parametrize(
    ("source", "args"),
    [
        (
            "def reply(a, b):\n    past = S.setdefault(a, [])\n    return llm.chat([*past, b])",
            ("{session}", "{message}"),
        ),
        ("def reply(b, a):\n    past = S[a]\n    return engine(past).chat(b)", ("{message}", "{session}")),
        (
            "def reply(text, heat=0.2, session_id=None):\n    return S[session_id].chat(text)",
            ("{message}", 0.2, "{session}"),
        ),
        (
            "def reply(text, history=None, user_id='x'):\n    return S[user_id].chat(text)",
            ("{message}", None, "{session}"),
        ),
        (
            "def reply(event: dict):\n    return S[event['user']].chat(event['text'])",
            ({"user": "{session}", "text": "{message}"},),
        ),
        (
            "class Req(Model):\n    whose: str\n    words: str\n\ndef reply(r: Req):\n    S[r.whose].chat(r.words)",
            ({"whose": "{session}", "words": "{message}"},),
        ),
        (FLOW.format("flow = Votes()", "flow"), ("{session}", "{message}")),
        (
            FLOW.format("class Bot:\n    def __init__(self):\n        self.flow = Votes()", "self.flow"),
            ("{session}", "{message}"),
        ),
        (
            "def reply(payload):\n    *earlier, last = payload['turns']\n    "
            "return llm.chat([M(t['role'], t['content']) for t in earlier], last['content'])",
            ({"turns": "{messages}"},),
        ),
        ("def reply(person, said, lang='en'):\n    return S[person].chat(said)", ("{session}", "{message}")),
    ],
)
def test_a_callable_is_called_by_what_it_does(tmp_path: Path, source: str, args: tuple[Any, ...]) -> None:
    names = [a.arg for a in ast.parse(source).body[-1].args.args]  # type: ignore[attr-defined]

    assert planned(tmp_path, source, *names).args == args


def test_parameters_that_only_have_a_name_are_given_by_it(tmp_path: Path) -> None:
    plan = planned(tmp_path, "def reply(*, thread, prompt, brief=False):\n    return S[thread].chat(prompt)")

    assert (plan.args, dict(plan.keywords)) == ((), {"thread": "{session}", "prompt": "{message}"})
    assert dict(render(plan, "sc-1", "hello").keywords) == {"thread": "sc-1", "prompt": "hello"}


@pytest.mark.parametrize(
    ("source", "args", "keywords"),
    [
        ("def reply(desk):\n    return f'number {next(COUNTERS[desk])}'", ("{session}",), {}),
        ("def reply(*, desk):\n    return len(COUNTERS.setdefault(desk, []))", (), {"desk": "{session}"}),
        ("def reply(event):\n    return next(COUNTERS[event['desk']])", ({"desk": "{session}"},), {}),
        ("def reply(word):\n    return SEEN[word] or llm.complete(word)", ("{message}",), {}),
    ],
)
def test_what_takes_a_key_alone_is_sent_no_message(
    tmp_path: Path, source: str, args: tuple[Any, ...], keywords: dict[str, str]
) -> None:
    names = [a.arg for a in ast.parse(source).body[-1].args.args]  # type: ignore[attr-defined]

    plan = planned(tmp_path, source, *names)

    assert (plan.args, dict(plan.keywords)) == (args, keywords)


def test_a_number_finds_state_as_a_number(tmp_path: Path) -> None:
    plan = planned(tmp_path, "def reply(whose: int, words: str):\n    return S[whose].chat(words)", "whose", "words")

    assert plan.session_form == "integer"
    assert render(plan, "77", "hi").args == (77, "hi")
