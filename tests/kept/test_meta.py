"""A run's record: written and read again it is the same, and what does not fit is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from statecheck.kept.meta import HASH, RunMeta, decode_meta, encode_meta, hash_record
from statecheck.model import Anchor, Problem, TargetName
from statecheck.talk.plan import Plan

META = RunMeta(
    TargetName("app.py", "app", "fastapi"),
    Anchor("app.py", 9),
    Plan(
        path="/chat",
        query=(("v", "1"),),
        body={"message": "{message}", "tags": [1, None, True]},
        message_field="body message",
        session_form="uuid",
        handler=Anchor("app.py", 9),
        why=("named by the source",),
        opening=Plan(path="/open"),
    ),
    talk="POST /chat",
    skipped={"concurrent": "a page in a browser sends one message at a time"},
    problems={"": Problem("turn-refused", "text", "hint"), "new-process": Problem("run-too-long", "text", "hint")},
    notes=("isolated",),
    versions={"llama-index-core": "0.14.0"},
    seed=7,
    ops={"same-process": 12, "control": 3},
)


def written() -> Any:
    return json.loads(json.dumps(encode_meta(META)))


def signed(record: Any) -> Any:
    """A record that is damaged, but has the hash of what it is now."""
    return {**record, HASH: hash_record(record)}


def test_a_record_is_read_as_it_was_written() -> None:
    assert decode_meta(written()) == META


def test_a_record_says_whether_the_client_sent_all_again() -> None:
    assert not META.carries_history
    assert RunMeta(META.target, META.handler, Plan(carries_history=True)).carries_history
    assert not RunMeta(META.target, META.handler).carries_history


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema_version",), 1),
        (("seed",), "7"),
        (("seed",), True),
        (("notes",), "isolated"),
        (("notes",), [1]),
        (("target",), ["app.py", "app", "fastapi"]),
        (("target", "path"), None),
        (("handler", "column"), 3),
        (("plan", "kind"), "telnet"),
        (("plan", "turn_keys"), ["role"]),
        (("plan", "opening", "path"), 1),
        (("problems", "control", "slug"), "s"),
        (("skipped", "no-experiment"), "why"),
        (("ops", "no-experiment"), 1),
    ],
)
def test_what_does_not_fit_is_refused(path: tuple[str, ...], value: object) -> None:
    record = written()
    inner = record
    for name in path[:-1]:
        inner = inner.setdefault(name, {})
    inner[path[-1]] = value

    with pytest.raises(ValueError, match=r"record|experiment"):
        decode_meta(signed(record))
    with pytest.raises(ValueError, match="damaged" if path != ("schema_version",) else "version"):
        decode_meta(record)


@pytest.mark.parametrize("name", sorted(encode_meta(META)))
def test_what_is_missing_is_refused(name: str) -> None:
    record = written()
    del record[name]

    with pytest.raises(ValueError, match="record"):
        decode_meta(record)
    if name != HASH:
        with pytest.raises(ValueError, match="record"):
            decode_meta(signed(record))


def test_a_record_is_the_same_however_it_is_laid_out() -> None:
    meta = replace(META, plan=replace(META.plan or Plan(), body={"z": "\udc80", "b": [1.5, None], "a": {}}))
    laid_out = json.loads(json.dumps(encode_meta(meta), indent=3, ensure_ascii=False, sort_keys=True))

    assert decode_meta(laid_out).plan is not None
