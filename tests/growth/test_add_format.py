"""A format is added by its file and a line of the registry: it is offered, checked and written."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

from histories import history
from package_copy import PackageCopy

from statecheck.kept.meta import RunMeta
from statecheck.kept.runs import KeptRun, keep_run
from statecheck.model import Anchor, TargetName

if TYPE_CHECKING:
    from pathlib import Path

VERSE = '''\
    """A report in verse."""

    from __future__ import annotations

    from typing import TYPE_CHECKING

    from statecheck.report.format import Format

    if TYPE_CHECKING:
        from collections.abc import Sequence

        from statecheck.model import Diagnosis, ScenarioResult
        from statecheck.report.text import View
        from statecheck.talk.plan import Proposal


    def render(diagnosis: Diagnosis, view: View) -> str:
        """Return a line of verse."""
        return f"O {diagnosis.verdict}, O {diagnosis.target.path}!\\n"


    def render_scenarios(results: Sequence[ScenarioResult], view: View) -> str:
        """Return a line of verse for each scenario."""
        return "".join(f"O {result.label}!\\n" for result in results)


    def render_proposal(proposal: Proposal, view: View) -> str:
        """Return a line of verse."""
        return f"O {proposal.target.path}!\\n"


    FORMAT = Format(render, render_scenarios, render_proposal)
'''
KEPT = "1a > s\n1a model read 1\n1a <\n2a > s\n2a model read 1 2\n2a <"


def test_a_format_is_one_file_and_one_line(tmp_path: Path) -> None:
    package = PackageCopy(tmp_path)
    package.write("report/made_up.py", dedent(VERSE))
    package.replace("report/__init__.py", '    "json",\n', '    "json",\n    "made-up",\n')
    kept = history("same-process", KEPT)
    meta = RunMeta(TargetName("app.py", "app", "fastapi"), Anchor("app.py", 4), ops={"same-process": len(kept.ops)})
    keep_run(KeptRun(meta, {"same-process": kept}), tmp_path)

    assert package.changed() == ["report/__init__.py", "report/made_up.py"]

    written, offered, mistaken = package.answer(
        ["analyze", "--format", "made-up"], ["analyze", "--help"], ["analyze", "--format", "made-upp"], cwd=tmp_path
    )
    assert (written.code, written.out) == (0, "O healthy, O app.py!\n"), written.err
    assert "full (default), concise, json or made-up." in offered.out
    assert mistaken.code == 2
    assert "made-up" in mistaken.err
