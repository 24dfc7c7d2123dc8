"""YAML, as the deployment files of a project have it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statecheck.source.project.documents import Node, Text, get, items, read_documents

DOCUMENTS = {
    "comments and quotes": ("a: 1\nb:\n  c: 'x # y'  # z\n", {"a": "1", "b": {"c": "x # y"}}),
    "lists": ("- a\n- b: 1\n  c: 2\n- - d\n", ("a", {"b": "1", "c": "2"}, ("d",))),
    "flow": ("a: [x, 'y, z']\nb: {k: v}\n", {"a": ("x", "y, z"), "b": {"k": "v"}}),
    "nested flow": ("a: {b: [1, {c: d}], e: {f: g}}\n", {"a": {"b": ("1", {"c": "d"}), "e": {"f": "g"}}}),
    "flow over lines": ("a: [\n  x,\n  y\n]\nb: 1\n", {"a": ("x", "y"), "b": "1"}),
    "a literal block": ("a: |\n  one: two\n  three\nb: 1\n", {"a": "one: two\nthree\n", "b": "1"}),
    "a folded block": ("a: >-\n  gunicorn\n  app:app\n", {"a": "gunicorn app:app"}),
    "a list at its key's depth": ("a:\n- x\n- y\nb: 1\n", {"a": ("x", "y"), "b": "1"}),
    "an anchor and its alias": (
        "a: &x\n  b: 1\nc: *x\nd: &y z\ne: *y\n",
        {"a": {"b": "1"}, "c": {"b": "1"}, "d": "z", "e": "z"},
    ),
    "an anchor in a list": ("- &x {a: b}\n- *x\n", ({"a": "b"}, {"a": "b"})),
    "merge keys": (
        "x: &x {a: 1, b: 2}\ny:\n  <<: *x\n  b: 3\n",
        {"x": {"a": "1", "b": "2"}, "y": {"a": "1", "b": "3"}},
    ),
    "a merge after its own key": ("x: &x {b: 2}\ny:\n  b: 3\n  <<: *x\n", {"x": {"b": "2"}, "y": {"b": "3"}}),
    "the first of several merges": (
        "- &x {a: 1}\n- &y {a: 2, b: 3}\n- <<: [*x, *y]\n",
        ({"a": "1"}, {"a": "2", "b": "3"}, {"a": "1", "b": "3"}),
    ),
    "a merge of a merge": ("- &x {a: 1}\n- &y {<<: *x}\n- {<<: *y}\n", ({"a": "1"}, {"a": "1"}, {"a": "1"})),
    "two ampersands": ("command: a && b\n", {"command": "a && b"}),
    "a URL": ("url: http://x:80/y\n", {"url": "http://x:80/y"}),
    "a quoted key": ("'a b': 1\n\"c\": 2\n", {"a b": "1", "c": "2"}),
    "nothing": ("a:\nb: ~\nc: null\nd: ''\n", {"a": None, "b": None, "c": None, "d": ""}),
    "tags": ("a: !Ref b\nc: !Join ['', [x]]\nd: !!python/name:os.system ''\n", {"a": "b", "c": ("", ("x",)), "d": ""}),
    "what contains itself": ("a: &x\n  b: *x\n", {"a": {"b": None}}),
    "a template's placeholders": (
        "a: {{ .Values.b }}-c\n{{- if .Values.d }}\ne: 1\n{{- end }}\n",
        {"a": "x-c", "e": "1"},
    ),
    "a byte order mark": ("\ufeffa: 1\n", {"a": "1"}),
}


@pytest.mark.parametrize(("text", "expected"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_yaml_is_read(text: str, expected: Node) -> None:
    assert read_documents(text.encode()) == (expected,)


def test_a_file_may_hold_several_documents_and_one_that_is_broken_ends_it() -> None:
    assert read_documents(b"a: 1\n---\n- b\n---\n") == ({"a": "1"}, ("b",), None)
    assert read_documents(b"a: 1\n---\nb: [\n---\nc: 1\n") == ({"a": "1"},)
    assert read_documents(b"a: 1\n   odd: 2\n") == ()


def test_a_value_knows_its_line_through_aliases_and_placeholders() -> None:
    (document,) = read_documents(b"# x\nx: &x\n  {{ y }}\n  n: 3\nz:\n  <<: *x\n  m: '4'\n")

    found = [get(document, "z", name) for name in ("n", "m")]
    assert [(value, value.line) for value in found if isinstance(value, Text)] == [("3", 4), ("4", 7)]


def test_aliases_of_aliases_cost_what_the_text_does() -> None:
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 60))
    started = time.perf_counter()
    (document,) = read_documents(f"a0: &a0 [x]\n{levels}".encode())

    assert time.perf_counter() - started < 5  # spelled out it would be 10 to the power of 59 texts
    assert items(get(document, "a59"))[0] is get(document, "a58")


def test_merge_keys_that_copy_too_much_are_left_out() -> None:
    levels = "".join(f"a{n}: &a{n}\n  <<: *a{n - 1}\n  k{n}: x\n" for n in range(1, 2000))

    assert read_documents(f"a: 1\n---\na0: &a0 {{}}\n{levels}".encode()) == ({"a": "1"},)
    assert read_documents(b"a: " + b"x" * 600_000) == ()


def test_nesting_without_end_says_nothing() -> None:
    assert read_documents(b"[" * 50_000) == ()


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab: -[]{}'\"#|>&*!<%\n\t,", max_size=60))
def test_no_yaml_is_an_error(text: str) -> None:
    read_documents(text.encode())


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_no_bytes_are_an_error(data: bytes) -> None:
    read_documents(data)
