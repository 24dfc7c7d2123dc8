"""How far a conversation has come, read off its answers: `step 2 of 3`, `your third request`.

Where an app keeps state but calls no model and shows no marker, its answers take their place. The answers of one
session in one process, one after the other, are the scale: `visit 1`, `visit 2`, `visit 3`. An answer that reads as the
first one does, where the second is due, shows that turn 1 is forgotten. An answer that is on no scale says nothing.

What varies by itself (a time, a process's number, an id, a counter that all sessions share) must not count. All first
answers of all sessions of a run are alike but for that, so where they differ is where nothing is compared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE, CONTROL, OTHER_SESSION
from statecheck.history import Op
from statecheck.judge.checks.reading import calls_model, turns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from statecheck.history import History

_TOKEN = re.compile(r"[^\s\"'{}\[\](),<>]+")
_OURS = re.compile(r"sc-m[0-9a-f]{8}|sc-[0-9a-f]{12}")
_FEWEST = 2  # first answers that must have been seen to say what varies by itself

Tokens = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scale:
    """The answers of one session, one turn after the other.

    Attributes:
        steps: the answers, from the first turn's.
        compared: the positions at which all first answers agree.
    """

    steps: tuple[Tokens, ...]
    compared: frozenset[int]

    def reached(self, answer: Tokens) -> list[int]:
        """The turns, from 1, that were answered so."""
        return [number for number, step in enumerate(self.steps, 1) if self._alike(step, answer)]

    def _alike(self, one: Tokens, other: Tokens) -> bool:
        return len(one) == len(other) and all(one[at] == other[at] for at in self.compared if at < len(one))


def told(histories: Mapping[str, History]) -> dict[str, History]:
    """The histories, with what the answers show of earlier turns added as ops (`progress`, with their markers)."""
    scale = _scale(histories)
    if scale is None:
        return dict(histories)
    return {name: _with_progress(history, scale) for name, history in histories.items()}


def _scale(histories: Mapping[str, History]) -> Scale | None:
    baseline = histories.get(CONTROL) or histories.get(BASELINE)
    if baseline is None:
        return None
    sent = turns(baseline)
    if len(sent) < 2 or any(turn.status != "ok" or calls_model(baseline, turn.number) for turn in sent):
        return None
    steps = tuple(tokens(turn.answer, turn.key) for turn in sent)
    firsts = [first for history in histories.values() for first in _firsts(history)]
    if len(firsts) < _FEWEST or len({len(first) for first in firsts}) != 1:
        return None
    compared = frozenset(at for at, column in enumerate(zip(*firsts, strict=True)) if len(set(column)) == 1)
    scale = Scale(steps, compared)
    return scale if 2 not in scale.reached(steps[0]) else None


def _firsts(history: History) -> Iterator[Tokens]:
    """Answers to the first turns of sessions: of throw-away ones, and of those of an experiment."""
    yield from (tokens(op.text, op.key) for op in history.select("warm-up") if op.type == "ok")
    sent = turns(history)
    firsts = sent[:2] if history.experiment == OTHER_SESSION else sent[:1]
    yield from (tokens(turn.answer, turn.key) for turn in firsts if turn.status == "ok")


def tokens(answer: str, key: str | None) -> Tokens:
    """An answer in words, without the signs between them; markers and session keys are alike for all."""
    return tuple(_TOKEN.findall(_OURS.sub("key", answer.replace(key, "key") if key else answer)))


def _with_progress(history: History, scale: Scale) -> History:
    """A history with what each later turn of its session shows by its answer. Off the scale, nothing is missing."""
    sent = turns(history)
    added = []
    for turn in sent[1:] if history.experiment != OTHER_SESSION else ():
        earlier = [other.marker for other in sent if other.number < turn.number]
        reached = scale.reached(tokens(turn.answer, turn.key)) if turn.status == "ok" else []
        before = [number for number in reached if number < turn.number]
        shown = earlier[: max(before) - 1] if before and turn.number not in reached else earlier
        added.append(Op(turn.ended, "ok", "progress", turn.pid, turn.generation, turn.number, markers=tuple(shown)))
    return replace(history, ops=tuple(sorted([*history.ops, *added], key=lambda op: op.time)))
