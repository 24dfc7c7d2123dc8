"""The examples of the causes, judged: the small runs that a cause must find, and must not. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.judge.language import read_history
from statecheck.judge.verdict import judge
from statecheck.kept.meta import RunMeta
from statecheck.model import Anchor, TargetName

if TYPE_CHECKING:
    from statecheck.judge.cause import Example
    from statecheck.model import Diagnosis


def judge_example(example: Example) -> Diagnosis:
    """Return the diagnosis of an example, as that of any recorded run.

    Raises:
        ValueError: a line of its histories is no op.
    """
    meta = RunMeta(TargetName("app.py", "app", ""), Anchor("app.py", 1))
    return judge(meta, {name: read_history(name, text) for name, text in example.histories.items()})
