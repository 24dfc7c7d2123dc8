"""What users of a page or of a bot do not meet while there is one replica of it: a warning, and what to do says how."""

from __future__ import annotations

import pytest

from statecheck.experiments import BASELINE, CONCURRENT, CONCURRENT_WORKERS, NEW_CONTAINER, NEW_PROCESS, OTHER_WORKER
from statecheck.judge.cause import KEPT
from statecheck.judge.language import read_history
from statecheck.judge.verdict import judge
from statecheck.kept.meta import RunMeta
from statecheck.model import Anchor, Diagnosis, TargetName

LOST = """
1a > s
1a model read 1
1a <
2b > s
2b model read 2
2b <
-a place 1 where="{where}" cls=engine is_text @app.py:9
"""


def diagnosis(where: str, *, framework: str = "", workers: int = 0, polls: bool = False) -> Diagnosis:
    lost = LOST.format(where=where)
    texts = {BASELINE: KEPT, OTHER_WORKER: lost, NEW_PROCESS: lost, NEW_CONTAINER: lost}
    meta = RunMeta(TargetName("app.py", "", framework), Anchor("app.py", 1), workers=workers, polls=polls)
    return judge(meta, {name: read_history(name, text) for name, text in texts.items()})


KEPT_BY_A_TAB_S_ID = """
1a > s
1a model read 1
1a <
2a > s
3a > s
2a model read 2
3a model read 3
2a <
3a <
2 overlap info held=2 tabs
4a > s
4a model read 2 4
4a <
"""


@pytest.mark.parametrize(("workers", "severity"), [(0, "warning"), (2, "error")])
def test_what_is_stored_under_an_id_of_the_tab_is_the_tab_s(workers: int, severity: str) -> None:
    lost = "\n".join(LOST.splitlines()[:-1])
    texts = {BASELINE: KEPT, OTHER_WORKER: lost, NEW_PROCESS: lost, NEW_CONTAINER: lost, CONCURRENT: KEPT_BY_A_TAB_S_ID}
    meta = RunMeta(TargetName("app.py", "", "streamlit"), Anchor("app.py", 1), workers=workers)
    found = judge(meta, {name: read_history(name, text) for name, text in texts.items()})

    assert severities(found) == {"SC102": severity, "SC103": severity}
    assert all("known to one streamlit tab" in cause.summary for cause in found.causes)


def severities(found: Diagnosis) -> dict[str, str]:
    return {cause.code: cause.severity for cause in found.causes}


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("st.session_state['engine']", "st.query_params"),
        ("cl.user_session['engine']", "on_chat_resume"),
        ("gr.State", "gr.BrowserState"),
    ],
)
def test_what_a_tab_has_is_right_for_one_replica(where: str, says: str) -> None:
    found = diagnosis(where, workers=1)

    assert (found.verdict, severities(found)) == ("healthy", {"SC102": "warning", "SC103": "warning"})
    assert all(says in cause.fix for cause in found.causes)


def test_what_a_tab_has_is_lost_between_replicas() -> None:
    found = diagnosis("st.session_state['engine']", workers=2)

    assert (found.verdict, severities(found)) == ("state-loss", {"SC102": "error", "SC103": "error"})


def test_a_page_may_keep_things_elsewhere_too() -> None:
    found = diagnosis("app.engines['s']", framework="streamlit")

    assert severities(found) == {"SC102": "error", "SC103": "error"}


@pytest.mark.parametrize(("workers", "severity"), [(0, "warning"), (2, "error")])
def test_a_bot_that_polls_has_one_process_that_may_end(workers: int, severity: str) -> None:
    found = diagnosis("bot.talks[7]", framework="telegram", workers=workers, polls=True)

    assert (found.verdict, severities(found)) == ("state-loss", {"SC102": severity, "SC103": "error"})


LOCKED = """
1a > s
1a model read 1
1a <
2a > s
2a model read 1 2
2a <
3a > s
3a model read 1 2 3
3a <
2 overlap info held=1
4a > s
4a model read 1 2 3 4
4a <
"""
OVERWRITTEN = """
1a > s
1a model read 1
1a <
2a > s
3b > s
2a model read 1 2
3b model read 1 3
2a file write where=data/s.json @app.py:14
2a <
3b <
2 overlap info held=2
4a > s
4a model read 1 3 4
4a <
"""


@pytest.mark.parametrize(
    ("within_one", "workers", "severity"),
    [(LOCKED, 1, "warning"), (LOCKED, 0, "error"), (LOCKED, 2, "error"), (OVERWRITTEN.replace("3b", "3a"), 1, "error")],
)
def test_one_worker_needs_no_lock_for_several(within_one: str, workers: int, severity: str) -> None:
    texts = {BASELINE: KEPT, CONCURRENT: within_one, CONCURRENT_WORKERS: OVERWRITTEN}
    meta = RunMeta(TargetName("app.py", "", ""), Anchor("app.py", 1), workers=workers)
    found = judge(meta, {name: read_history(name, text) for name, text in texts.items()})

    assert found.verdict == ("healthy" if severity == "warning" else "state-loss")
    assert severities(found) == {"SC105": severity}
    assert ("while there is one worker" in found.causes[0].summary) is (severity == "warning")


IN_A_FILE = """
1a > s
1a model read 1
1a sql write 1 database=sqlite @app.py:12
1a <
2b > s
2b sql read 1 database=sqlite @app.py:9
2b model read 1 2
2b <
-a disk 1 where=data/talk.db
"""
MACHINES = Anchor("fly.toml", 16)


@pytest.mark.parametrize(
    ("asked", "elsewhere", "expected"),
    [
        (MACHINES, IN_A_FILE, {"SC102": "error"}),
        (None, IN_A_FILE, {}),
        (MACHINES, IN_A_FILE.replace("database=sqlite", "database=postgresql"), {}),
        (MACHINES, IN_A_FILE.replace("2b sql read 1 database=sqlite @app.py:9\n", ""), {}),
    ],
)
def test_machines_with_a_disk_each_do_not_share_a_file(
    asked: Anchor | None, elsewhere: str, expected: dict[str, str]
) -> None:
    texts = {BASELINE: KEPT, OTHER_WORKER: elsewhere, NEW_PROCESS: elsewhere, NEW_CONTAINER: elsewhere}
    meta = RunMeta(TargetName("app.py", "", ""), Anchor("app.py", 1), workers=2, own_disks=asked)
    found = judge(meta, {name: read_history(name, text) for name, text in texts.items()})

    assert severities(found) == expected
    assert all(cause.kind == "own-disk" and "fly.toml:16" in cause.summary for cause in found.causes)
