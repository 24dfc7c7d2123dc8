"""`full`: the report for a person. The last line answers "am I good?" and names the next command."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from statecheck.model import CANNOT_PREVENT, ISOLATED_BY_COPIES
from statecheck.probe.frameworks import FRAMEWORKS
from statecheck.report import plans
from statecheck.report.format import Format
from statecheck.report.text import BAD, View, name_causes, plural, repeat_command, safe, select_applied, sort_findings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from statecheck.model import Diagnosis, ScenarioResult

_FIRST = (ISOLATED_BY_COPIES, CANNOT_PREVENT)
_SIDE_BY_SIDE = 200
"""Columns from which a scenario's broken and fixed app stand beside each other."""


def render(diagnosis: Diagnosis, view: View) -> str:
    """Return findings, what was done, and one closing line."""
    from statecheck.report import blocks

    if view.verbosity < -1:
        return ""
    shown = _list_found(diagnosis)
    if view.verbosity >= 0:
        shown[:0] = _caveats(diagnosis)
        shown += [*_record(diagnosis, _choose_shown(diagnosis, view), view), *_circumstances(diagnosis)]
    return blocks.draw([*shown, _closing(diagnosis)], view)


def render_scenarios(results: Sequence[ScenarioResult], view: View) -> str:
    """Every scenario, its broken apps and its fixed twins beside or under each other, and one closing line."""
    from statecheck.report import blocks

    if view.verbosity < -1:
        return ""
    shown = [block for result in results for block in _scenario(result, view)]
    return blocks.draw([*shown, _closing_run(results)], view)


def _list_found(diagnosis: Diagnosis) -> list[RenderableType]:
    """Return the findings, and what kept experiments from being judged."""
    from statecheck.report import blocks

    return [*map(blocks.finding, sort_findings(diagnosis.causes)), *map(blocks.problem, diagnosis.errors)]


def _record(diagnosis: Diagnosis, names: set[str], view: View) -> list[RenderableType]:
    """Return the outcome of every experiment, with the turns of those named; nothing if none was reached."""
    from statecheck.report import blocks

    room = view.width if view.wrap else None
    told = select_applied(diagnosis) or (diagnosis.experiments and diagnosis.verdict != "inconclusive")
    return [blocks.record(diagnosis.experiments, names, room)] if told else []


def _caveats(diagnosis: Diagnosis) -> list[RenderableType]:
    """What a reader must know before anything else."""
    from statecheck.report import blocks

    return [blocks.line("note: ", safe(note)) for note in diagnosis.notes if note.startswith(_FIRST)]


def _circumstances(diagnosis: Diagnosis) -> list[RenderableType]:
    """How it was run and where the run is kept."""
    from statecheck.report import blocks

    lines = [blocks.line("note: ", safe(note)) for note in diagnosis.notes if not note.startswith(_FIRST)]
    lines += [blocks.line("run: ", safe(diagnosis.run))] if diagnosis.run else []
    return [*lines, ""] if lines else []


def _choose_shown(diagnosis: Diagnosis, view: View) -> set[str]:
    """Experiments whose turns are shown: those that a reader has to look at, or all with -v."""
    return {outcome.name for outcome in diagnosis.experiments if view.verbosity > 0 or outcome.outcome in BAD}


def _scenario(result: ScenarioResult, view: View) -> list[RenderableType]:
    from statecheck.report import blocks

    title = f"{safe(result.label)}: {safe(result.what)}" if result.what else safe(result.label)
    shown: list[RenderableType] = [blocks.heading(title)]
    if result.look_at and view.verbosity >= 0:
        shown += [blocks.line("look at: ", safe(result.look_at), indent=2)]
    shown += ["", *_sides(result, view)] if view.verbosity >= 0 else []
    shown += [blocks.line(blocks.color_word("failed"), ": ", safe(failure)) for failure in result.failures]
    if result.passed:
        shown += [blocks.line(blocks.color_word("passed"), ": ", _describe_pass(result))]
    elif not result.failures:
        shown += [blocks.line(blocks.color_word("failed"), ": not the expected diagnosis")]
    return [*shown, ""]


def _sides(result: ScenarioResult, view: View) -> list[RenderableType]:
    """Both sides, with every turn."""
    from rich.console import Group

    from statecheck.report import blocks

    beside = view.width >= _SIDE_BY_SIDE
    seen = replace(view, width=blocks.half(view.width), wrap=True) if beside else view
    broken = [_side("broken", diagnosis, seen) for diagnosis in result.broken]
    fixed = [_side("fixed", diagnosis, seen) for diagnosis in result.fixed]
    if not beside:
        return [*broken, *fixed]
    return [blocks.place_beside(Group(*broken), Group(*fixed), view.width)]


def _side(word: str, diagnosis: Diagnosis, view: View) -> RenderableType:
    from rich.console import Group

    from statecheck.report import blocks

    title = blocks.heading(f"{word}: {safe(diagnosis.target.path)} -> {_gist(diagnosis)}")
    more = _circumstances(diagnosis) if view.verbosity > 0 else []
    names = {outcome.name for outcome in diagnosis.experiments}
    return Group(title, "", *_record(diagnosis, names, view), *_list_found(diagnosis), *more)


def _gist(diagnosis: Diagnosis) -> str:
    errors = [f"{f.code} {f.name}" for f in sort_findings(diagnosis.causes) if f.severity == "error"]
    return ", ".join(errors) or diagnosis.verdict


def _describe_pass(result: ScenarioResult) -> str:
    broken = plural(len(result.broken), "broken app")
    fixed = plural(len(result.fixed), "fixed twin")
    return f"{broken} got {name_causes(result)}; {fixed} got no error"


_OF_REQUESTS = frozenset(("turn-refused", "no-message-field", "message-not-seen", "refused-in-answer"))
"""Slugs of what a request of the user's own may mend."""


def _closing(diagnosis: Diagnosis) -> str:
    """Answer "am I good?" in one sentence and name the next command."""
    path = safe(diagnosis.target.path)
    command = repeat_command(diagnosis.target)
    found = sort_findings(diagnosis.causes)
    explain = f"statecheck explain {found[0].code}" if found else ""
    if diagnosis.verdict == "state-loss" and found:
        errors = sum(finding.severity == "error" for finding in found)
        mend = f"mend {found[0].code} first" if errors > 1 else f"mend {found[0].code}"
        return f"{path} loses state ({_facts(diagnosis, plural(errors, 'cause'))}): {mend}; next: {explain}"
    if diagnosis.verdict == "inconclusive":
        wrong = sum(outcome.outcome == "error" for outcome in diagnosis.experiments)
        what = f"{plural(wrong, 'experiment') if wrong else 'it'} could not be judged"
        then = f"follow the hint, then {command}" if _is_advised(diagnosis) else f"{command} --show-logs"
        if _is_of_requests(diagnosis):
            then = f"{command} --write-template"
        return f"{path} may or may not lose state ({_facts(diagnosis, what)}); next: {then}"
    if found:
        below = plural(len(found), "finding") + " below error"
        return f"{path} lost nothing, but see {found[0].code} ({_facts(diagnosis, below)}); next: {explain}"
    if diagnosis.verdict == "stateless":
        return f"{path} keeps no conversation, so it can lose none ({_facts(diagnosis)}); next: statecheck list"
    return f"{path} lost nothing ({_facts(diagnosis)}); next: let CI run {command}"


def _is_of_requests(diagnosis: Diagnosis) -> bool:
    """Whether other requests than those that were tried may help, and can be written down."""
    is_web = any(one.name == diagnosis.target.framework and one.is_web for one in FRAMEWORKS)
    return is_web and any(problem.slug in _OF_REQUESTS for problem in diagnosis.errors)


def _is_advised(diagnosis: Diagnosis) -> bool:
    """Whether every hint says what to do, and none to look at what the app printed."""
    hints = [problem.hint for problem in diagnosis.errors]
    return bool(hints) and not any(words in hint for hint in hints for words in ("last lines", "--show-logs"))


def _facts(diagnosis: Diagnosis, what: str = "") -> str:
    """Say what was found, or how many experiments were made, and how long it took."""
    ran = len(select_applied(diagnosis))
    skipped = len(diagnosis.experiments) - ran
    facts = [what] if what else [plural(ran, "experiment"), *([f"{skipped} skipped"] if skipped else [])]
    return ", ".join([*facts, *([f"{diagnosis.seconds:.1f} s"] if diagnosis.seconds else [])])


def _closing_run(results: Sequence[ScenarioResult]) -> str:
    failed = [result.label for result in results if not result.passed]
    if failed:
        some = f"{len(failed)} of {plural(len(results), 'scenario')} did not get the expected diagnosis"
        return f"{some}: {safe(', '.join(failed))}; next: statecheck run {safe(failed[0])} -v"
    what = "The scenario" if len(results) == 1 else f"All {len(results)} scenarios"
    return f"{what} got the expected diagnosis; next: statecheck diagnose app.py"


FORMAT = Format(render, render_scenarios, plans.full)
