"""The recording of one run: what was asked for, what is found out and what goes wrong."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from statecheck.errors import StatecheckError
from statecheck.lab.results import Results
from statecheck.lab.services.throwaway import Services
from statecheck.model import Problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from statecheck.model import Anchor
    from statecheck.options.config import Options
    from statecheck.talk.plan import Plan
    from statecheck.target.resolve import Target

_MOST_DETAIL = 4000


@dataclass
class Recording:
    """Filled while a run goes on, so that what was recorded before something went wrong is there too.

    A context: an error that ends the run becomes a problem of its own, to be judged with what there is.

    Attributes:
        progress: called with what is being done, a few words each time.
        framework, object: what was driven.
        plans: how it may be talked to, best first.
        plan: the one that was taken.
        results: what the experiments left; a problem of the run's own is there under "".
        outputs: {worker generation: what the target printed there}.
        notes: what a reader should know of how it was run.
        versions: of the packages that decide how state is kept.
        workers, own_disks, polls: how the project's files and code say that the app is deployed, as `RunMeta` has it.
        services: the throwaway servers.
        secrets: credentials of the user's for which the target was given dummies.
        seed: of the run's markers and keys.
    """

    target: Target
    options: Options
    progress: Callable[[str], None]
    framework: str = ""
    object: str = ""
    plans: tuple[Plan, ...] = ()
    plan: Plan | None = None
    results: Results = field(default_factory=Results)
    outputs: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    workers: int = 0
    own_disks: Anchor | None = None
    polls: bool = False
    services: Services = field(default_factory=Services)
    secrets: set[str] = field(default_factory=set)
    seed: int = field(init=False)

    def __post_init__(self) -> None:
        self.framework, self.object = self.target.framework, self.target.object or ""
        self.seed = self.options.seed if self.options.seed is not None else secrets.randbits(31)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        problems = self.results.problems
        if isinstance(error, StatecheckError):
            problems[""] = Problem(error.slug, error.text, error.hint, error.detail[-_MOST_DETAIL:])
        problems.update({name: self.services.explain(problem) for name, problem in problems.items()})
        self.services.close()
        return isinstance(error, StatecheckError)
