"""What code means to keep and does not: a container that nothing fills, a list that is dropped when it is filled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from statecheck.source.code.dropped_lists import find_dropped_lists
from statecheck.source.code.request_copies import find_request_copies
from statecheck.source.code.slips import Callers
from statecheck.source.code.tree import SourceTree
from statecheck.source.code.unfilled import find_unfilled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from statecheck.source.code.slips import Slip

ASK = "    answer = llm.chat(log)\n"
PUT = "    log.append(answer)\n"


def found(folder: Path, code: str, find: Callable[..., Iterator[Slip]]) -> list[Slip]:
    (folder / "app.py").write_text(code, "utf-8")
    modules = SourceTree(folder, folder, folder / "app.py").modules()
    return list(find(modules, Callers(modules)))


@pytest.mark.parametrize(
    "code",
    [
        "rooms = {}\ndef chat(key):\n    log = rooms.get(key, [])\n",
        "rooms = defaultdict(list)\ndef chat(key):\n    log = list(rooms[key])\n",
        "rooms = {}\ndef chat(key):\n    return (rooms.get(key) or []) + [key]\n",
        "rooms = []\ndef chat(key):\n    return ask([*rooms, key])\n",
        "class Desk:\n    def __init__(self):\n        self.rooms = {}\n"
        "    def chat(self, key):\n        return self.rooms.get(key, [])\n",
    ],
)
def test_a_container_that_nothing_fills_is_found_with_who_asks_it(tmp_path: Path, code: str) -> None:
    (slip,) = found(tmp_path, f"{code}def handle(key):\n    return desk.chat(key)\n", find_unfilled)

    assert (slip.name, slip.function, slip.callers) == ("rooms", "chat", ("chat", "handle"))
    assert "rooms" in code.splitlines()[slip.used[0].line - 1]


@pytest.mark.parametrize(
    "code",
    [
        "rooms = {}\ndef chat(key):\n    log = rooms.setdefault(key, [])\n    rooms.get(key, [])\n",
        "rooms = {}\ndef chat(key):\n    log = rooms.get(key, [])\n    rooms[key] = log\n",
        "rooms = {'a': 1}\ndef chat(key):\n    log = rooms.get(key, [])\n",
        "rooms = {}\nfill(rooms)\ndef chat(key):\n    log = rooms.get(key, [])\n",
        "rooms = defaultdict(list)\ndef chat(key):\n    rooms[key].append(1)\n    return list(rooms[key])\n",
        "styles = {}\ndef chat(key):\n    return styles.get(key, 'plain')\n",
        "flags = {}\ndef chat(key):\n    return flags.get('on', [])\n",
        "def chat(key):\n    rooms = {}\n    return rooms.get(key, [])\n",
    ],
)
def test_one_that_is_filled_or_asked_for_no_list_is_not(tmp_path: Path, code: str) -> None:
    assert found(tmp_path, code, find_unfilled) == []


@pytest.mark.parametrize(
    ("code", "made"),
    [
        (f"def chat(key):\n    log = rooms.get(key, [])\n{ASK}{PUT}    return answer\n", 2),
        (f"def chat(key):\n    log = []\n{ASK}    log += [answer]\n    return len(log)\n", 2),
        (f"def chat(key):\n    log = copy(rooms)\n{ASK}    log = [*log, answer]\n", 2),
        ("def chat(self):\n    answer = llm.chat(self.log)\n    self.log.append(answer)\n", 1),
        (
            "def chat(k):\n    log = new()\n    async def go():\n"
            "        a = llm.chat(log)\n        log.append(a)\n    return go\n",
            2,
        ),
        ("def chat(k):\n    log = {'m': []}\n    a = llm.chat(log['m'])\n    log['m'].append(a)\n", 2),
    ],
)
def test_a_list_that_is_filled_and_left_at_that_is_found(tmp_path: Path, code: str, made: int) -> None:
    (slip,) = found(tmp_path, code, find_dropped_lists)

    assert slip.name in ("log", "self.log")
    assert slip.made.line == made
    assert slip.used[-1].text == "written"


@pytest.mark.parametrize(
    "code",
    [
        f"def chat(key):\n    log = []\n{ASK}{PUT}    return log\n",
        f"def chat(key):\n    log = []\n{ASK}{PUT}    save(key, log)\n",
        f"def chat(key):\n    log = []\n    for _ in range(3):\n    {ASK}    {PUT}",
        "def chat(key):\n    log = []\n    answer = llm.chat(key)\n    log.append(answer)\n",
        f"log = []\ndef chat(key):\n{ASK}{PUT}",
    ],
)
def test_one_that_is_used_again_is_not(tmp_path: Path, code: str) -> None:
    assert found(tmp_path, code, find_dropped_lists) == []


COPIED = "async def ask(request):\n    {}\n    answer = await llm.achat(talks)\n    {}\n"


@pytest.mark.parametrize(
    ("gets", "puts"),
    [
        ("talks = request.state.talks", "request.state.talks = {**request.state.talks, 'a': answer}"),
        ("talks = request.state.talks.get('a', ())", "request.state.talks = (*talks, answer)"),
        ("talks = g.get('talks', [])", "g.talks = [*talks, answer]"),
        ("talks = getattr(self.request.ctx, 'talks', [])", "self.request.ctx.talks = talks + [answer]"),
    ],
)
def test_what_is_put_back_into_a_request_s_own_state_is_found(tmp_path: Path, gets: str, puts: str) -> None:
    (slip,) = found(tmp_path, COPIED.format(gets, puts), find_request_copies)

    assert (slip.kind, slip.name.endswith(".talks"), slip.function, slip.made.line) == ("copied", True, "ask", 4)
    assert slip.used[0].line == 2


@pytest.mark.parametrize(
    "code",
    [
        COPIED.format("talks = request.state.talks", "request.state.talks['a'] = answer"),
        COPIED.format("talks = request.app.state.talks", "request.app.state.talks = [*talks, answer]"),
        COPIED.format("talks = []", "request.state.user = who(answer)"),
        COPIED.format("talks = g.get('talks', [])", "g.talks = [*talks, answer]")
        + "def load():\n    g.talks = read()\n",
    ],
)
def test_what_is_changed_in_place_kept_on_the_app_or_set_elsewhere_is_not(tmp_path: Path, code: str) -> None:
    assert found(tmp_path, code, find_request_copies) == []
