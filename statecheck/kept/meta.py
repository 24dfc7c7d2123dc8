"""A run's record: all that is judged beside its histories."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from statecheck.experiments import find_experiment
from statecheck.kept.records import decode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statecheck.model import Anchor, Problem, TargetName
    from statecheck.talk.plan import Plan

_VERSION = 5
"""Of the record's form: a run that was kept in another one is not judged again."""
HASH = "sha256"
"""The name under which a record has its own hash."""


@dataclass(frozen=True, slots=True)
class RunMeta:
    """What is known of a run beside its histories.

    Attributes:
        handler: where the endpoint is, the last resort for an anchor.
        plan: how a client talked, without secrets; None if no way was found.
        talk: the same in words.
        skipped: {experiment: why it did not apply}.
        problems: why an experiment that applies could not be run, by experiment; "" is the run's own.
        notes: what a reader should know of how it was run.
        versions: of the packages that decide how state is kept, in the target's environment.
        workers: the largest number of workers or replicas that the project's files ask for; 0 where none does.
        own_disks: the line of a file that asks for several copies of which each has the volumes to itself, or None.
        polls: the app is a bot that asks for its messages, of which only one process may run.
        seed: makes the markers and keys of another run the same.
        ops: how many ops each history has, by experiment.
        files: the SHA-256 of each file that was kept beside the record, by its name; known once they are written.
    """

    target: TargetName
    handler: Anchor
    plan: Plan | None = None
    talk: str = ""
    skipped: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, Problem] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    workers: int = 0
    own_disks: Anchor | None = None
    polls: bool = False
    seed: int = 0
    ops: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def carries_history(self) -> bool:
        """Whether the client sent the whole conversation with every turn."""
        return self.plan is not None and self.plan.carries_history


def encode_meta(meta: RunMeta) -> dict[str, Any]:
    """Return a record as JSON, with a hash of all that is in it."""
    record = {"schema_version": _VERSION, **asdict(meta)}
    return {**record, HASH: hash_record(record)}


def decode_meta(value: object) -> RunMeta:
    """Return the record that JSON holds.

    Raises:
        ValueError: it is of another version, is not what was written, does not fit or names an experiment that there
            is not.
    """
    if not isinstance(value, dict) or value.get("schema_version") != _VERSION:
        raise ValueError(f"its record is not of version {_VERSION}")
    if value.get(HASH) != hash_record(value):
        raise ValueError("its record is damaged: it is not as it was written")
    fields = {name: each for name, each in value.items() if name not in ("schema_version", HASH)}
    meta = decode(RunMeta, fields, "its record")
    for name in (*meta.ops, *meta.skipped, *filter(None, meta.problems)):
        find_experiment(name)
    return meta


def hash_record(record: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a record without its hash, however it is laid out in its file."""
    plain = json.loads(json.dumps({name: value for name, value in record.items() if name != HASH}))
    return sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
