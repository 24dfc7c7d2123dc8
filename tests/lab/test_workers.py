"""What a lab says of a warm parent that does not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from statecheck.errors import ExitCode, StatecheckError
from statecheck.lab.workers.pool import Lab
from statecheck.probe.channel import Closed

if TYPE_CHECKING:
    from statecheck.lab.workers.launch import Launched


class Silent:
    """A run whose process does not answer, and its own channel."""

    isolation, error = "namespace", cast("Exception", TimeoutError("timed out"))

    @property
    def channel(self) -> Any:
        return self

    def send(self, message: object, descriptors: object) -> None: ...

    def receive(self, seconds: float) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "slug", "code"),
    [
        (TimeoutError("timed out"), "libraries-hang", ExitCode.INCONCLUSIVE),
        (Closed(), "lab-lost", ExitCode.INTERNAL),
    ],
)
def test_libraries_that_take_long_are_no_fault_of_ours(error: Exception, slug: str, code: ExitCode) -> None:
    silent = Silent()
    silent.error = error
    lab = Lab(cast("Launched", silent), {"roots": []}, 60.0, "run")

    with pytest.raises(StatecheckError) as raised:
        lab.warm(("numpy",))

    assert (raised.value.slug, raised.value.exit_code) == (slug, code)
