"""SC102 and SC103: turn 1 is in another process's memory, died with its process, or is on a disk that is dropped."""

from __future__ import annotations

import pytest
from cases import codes, findings, run, table

from statecheck.model import Anchor

MEMORY = """-a place 1 where="app.sessions['s']" key=s cls=sessions @app.py:6"""
DISK = """
-a disk 1 where=data/chat.db"""
KEPT = """
1a > s
1a memory build #1 cls=ChatMemoryBuffer @app.py:9
1a memory write #1 1 cls=ChatMemoryBuffer @app.py:12
1a file database where=data/chat.db @app.py:3
1a model read 1
1a <
2{again} > s
2{again} memory read #1 1 @app.py:12
2{again} model read 1 2
2{again} <
{seen}
"""
LOST = """
1a > s
1a memory build #1 cls=ChatMemoryBuffer @app.py:9
1a memory write #1 1 cls=ChatMemoryBuffer @app.py:12
1a file database where=data/chat.db @app.py:3
1a model read 1
1a <
{seen}
2b > s
2b memory write #2 2 @app.py:12
2b model read 2
2b <
"""
# A, B, A: the cache in front of the store shows only on the way back
STALE = """
1a > s
1a memory write #1 1 @app.py:12
1a wire write 1 where=127.0.0.1:5432 @app.py:14
1a model read 1
1a <
2b > s
2b model read 1 2
2b wire write 2 where=127.0.0.1:5432 @app.py:14
2b <
-a place 1 where="app.cache['s']" key=s cls=cache @app.py:6
3a > s
3a model read 1 3
3a <
"""
BASE = KEPT.format(again="a", seen=MEMORY)
ON_DISK = KEPT.format(again="a", seen=DISK)
ELSEWHERE = KEPT.format(again="b", seen="")
GONE = LOST.format(seen="")
LOADED = "-a chat-store load #9 cls=SimpleChatStore @app.py:5\n" + GONE
SAVED = LOADED.replace("2b > s", "1a chat-store persist #9 @app.py:20\n2b > s")
REFUSED = """
1a > s
1a model read 1
1a <
2b > s
2b x "HTTP 404"
"""
DIED = """
1a > s
1a model read 1
1a <
2b > s
2b ? the worker died while it answered
"""


UNSEEN = """
-a file database where=:memory: @app.py:3
1a > s
1a sql write 1 database=sqlite @app.py:12
1a model read 1 @app.py:14
1a <
2{again} > s
2{again} model read {read} @app.py:14
2{again} <
"""


@table(
    process_memory=(
        {"same_process": BASE, "other_worker": GONE, "new_process": GONE, "new_container": GONE},
        ["SC102", "SC103"],
    ),
    process_memory_and_a_log_file=(
        {"same_process": BASE, "other_worker": LOST.format(seen=DISK), "new_process": GONE, "new_container": GONE},
        ["SC102", "SC103"],
    ),
    only_the_disk=(
        {"same_process": ON_DISK, "other_worker": ELSEWHERE, "new_process": ELSEWHERE, "new_container": GONE},
        ["SC103"],
    ),
    stale_cache=(
        {"same_process": BASE, "other_worker": STALE, "new_process": ELSEWHERE, "new_container": ELSEWHERE},
        ["SC102 stale-cache"],
    ),
    stale_cache_over_the_container_s_disk=(
        {"same_process": BASE, "other_worker": STALE, "new_process": ELSEWHERE, "new_container": GONE},
        ["SC102 stale-cache", "SC103"],
    ),
    never_persisted=(
        {"same_process": BASE, "other_worker": LOADED, "new_process": LOADED, "new_container": LOADED},
        ["SC102", "SC103 never-persisted"],
    ),
    persisted_too_late=(
        {"same_process": BASE, "other_worker": SAVED, "new_process": SAVED, "new_container": SAVED},
        ["SC102", "SC103"],
    ),
    external_store=(
        {"same_process": BASE, "other_worker": ELSEWHERE, "new_process": ELSEWHERE, "new_container": ELSEWHERE},
        [],
    ),
    unknown_session_there=({"same_process": BASE, "other_worker": REFUSED, "new_process": REFUSED}, ["SC102", "SC103"]),
    died_while_it_answered=({"same_process": BASE, "other_worker": DIED, "new_process": DIED}, []),
)
def test_table(given: dict[str, str], expected: list[str]) -> None:
    assert expected == codes(*run(**given))


def test_process_memory_is_named_and_anchored_where_it_is_defined() -> None:
    lost = LOST.format(seen=MEMORY)
    workers, restart = findings(*run(same_process=BASE, other_worker=lost, new_process=lost))

    assert (workers.primary, restart.primary) == (True, False)
    for found in (workers, restart):
        assert (Anchor("app.py", 6), "certain") == (found.anchor, found.confidence)
        assert "PID 7" in found.summary
        assert "`app.sessions['s']`" in found.summary
        assert (Anchor("app.py", 12, "written"),) == found.related
    assert "PID 8" in workers.summary


def test_the_file_that_a_redeploy_drops_is_named() -> None:
    told = run(same_process=ON_DISK, new_process=ELSEWHERE, new_container=LOST.format(seen=DISK))
    (found,) = findings(*told)

    assert "`data/chat.db`" in found.summary
    assert found.anchor in (Anchor("app.py", 9), Anchor("app.py", 3))
    assert found.confidence == "certain"


def test_a_restart_that_loses_is_not_told_twice_for_the_redeploy() -> None:
    assert codes(*run(same_process=BASE, new_process=GONE, new_container=GONE)) == ["SC103"]


def test_a_database_in_memory_is_blamed_where_it_is_opened_and_else_the_call_of_the_model() -> None:
    base, gone = UNSEEN.format(again="a", read="1 2"), UNSEEN.format(again="b", read="2")
    for same, other, line in ((base, gone, 3), (without_sql(base), without_sql(gone), 14)):
        found = findings(*run(same_process=same, other_worker=other, new_process=other))
        assert [(one.code, one.anchor) for one in found] == [
            (code, Anchor("app.py", line)) for code in ("SC102", "SC103")
        ]


def without_sql(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if " sql " not in line)


PAUSED = """
1a > s
1a workflow build #1 cls=Approval @app.py:20
1a ctx-store write #2 1 name=asked @app.py:12
{asks}
1a context to_dict #3 cls=Context {state}
1a <
2a > t
2a <
{seen}
"""


ASKED = "1a asks cls=InputRequiredEvent"
IN_A_FILE = "-a disk 1 where=output/s.json"
ON_A_VOLUME = "-a disk 1 on_volume where=data/s.json"


@table(
    on_the_disk=(PAUSED.format(asks=ASKED, state="running", seen=IN_A_FILE), ["SC103 paused-run"]),
    on_a_volume=(PAUSED.format(asks=ASKED, state="running", seen=ON_A_VOLUME), []),
    on_a_volume_and_in_a_log=(PAUSED.format(asks=ASKED, state="running", seen=f"{IN_A_FILE}\n{ON_A_VOLUME}"), []),
    where_a_redeploy_loses_nothing=(PAUSED.format(asks=ASKED, state="running", seen=""), []),
    after_its_end=(PAUSED.format(asks=ASKED, state="", seen=IN_A_FILE), []),
    of_a_run_that_asks_nobody=(PAUSED.format(asks="", state="running", seen=IN_A_FILE), []),
)
def test_a_run_that_waits_is_lost_with_the_disk_that_it_is_saved_on(given: str, expected: list[str]) -> None:
    ran = run(other_session=given)

    assert codes(*ran) == expected
    assert [(one.anchor, one.primary) for one in findings(*ran)] == [(Anchor("app.py", 12), True)] * len(expected)


@pytest.mark.parametrize(("kept", "says"), [(" on_volume", "named after the host"), ("", "no volume holds it")])
def test_a_file_on_a_volume_is_named_after_the_host(kept: str, says: str) -> None:
    lost = (
        "1a host name=desk-7\n1a > s\n1a model read 1\n1a <\n2b > s\n2b model read 2\n2b <\n"
        f"-a disk 1 where=state/talk-desk-7.db{kept}\n"
    )
    (found,) = findings(*run(same_process=BASE, new_container=lost))

    assert (found.code, says in found.summary) == ("SC103", True)
