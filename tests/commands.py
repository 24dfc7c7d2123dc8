"""The command line in this process: quicker, where one of its own would show no more, and import everything anew."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from statecheck.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Answered:
    """A finished command."""

    code: int
    out: str
    err: str


def answer(
    folder: Path, *words: str, capture: pytest.CaptureFixture[str], environment: Mapping[str, str] | None = None
) -> Answered:
    """Run one command line in a folder; all variables are those of the environment, where one is given."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        if environment is not None:
            for name in os.environ.keys() - environment.keys():
                patch.delenv(name)
            for name, value in environment.items():
                patch.setenv(name, value)
            patch.setattr("tempfile.tempdir", None)
        capture.readouterr()
        code = main(words)
    said = capture.readouterr()
    return Answered(code, said.out, said.err)
