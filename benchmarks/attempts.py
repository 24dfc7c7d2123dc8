"""What programs share that try to break a promise many times: an attempt, and the table of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Attempt:
    """One try.

    Attributes:
        kind: what it is counted under.
        wrong: what was not as promised, or "".
    """

    kind: str
    name: str
    wrong: str = ""


def report(attempts: Iterable[Attempt]) -> int:
    """Print each attempt that failed as it comes, then a table of all, by kind; 1 if one failed."""
    tried: defaultdict[str, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        tried[attempt.kind].append(attempt)
        if attempt.wrong:
            print(f"FAILED {attempt.kind}: {attempt.name}: {attempt.wrong}", flush=True)
    width = max(map(len, tried), default=0)
    for kind, made in tried.items():
        print(f"{kind:{width}}  {len(made):5} tried, {sum(bool(one.wrong) for one in made):3} failed")
    failed = sum(bool(one.wrong) for made in tried.values() for one in made)
    print(f"all: {sum(map(len, tried.values()))} tried, {failed} failed")
    return int(failed > 0)
