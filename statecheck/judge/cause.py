"""What a cause is: data that reports, `explain` and the judges share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """A named reason why state is lost.

    Attributes:
        code, name: stable, both public (`SC102`, `multi-worker`).
        question: what is asked of a recorded history; the cause applies if the answer is yes.
        fix: one sentence that says what to change.
        kinds: finer names within the cause, each described in `doc`.
        told: those of them that only error messages tell of: no experiment shows them.
        doc: its documentation for users, in Markdown: the docstring of its module.
    """

    code: str
    name: str
    question: str
    fix: str
    kinds: tuple[str, ...]
    doc: str
    told: tuple[str, ...] = ()
