"""What a route's path says of the keys that it takes, in the spelling of any framework."""

from __future__ import annotations

import re
from random import Random

import pytest

from statecheck.talk.endpoints import brace_path
from statecheck.talk.requests import session_key


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/rooms/{room}", "token"),
        ("/rooms/<room>/say", "token"),
        (r"/rooms/(?P<room>[^/]+)", "token"),
        (r"/rooms/(?P<room>[a-z0-9]+)", "word"),
        (r"^rooms/(?P<room>\w+)/$", "word"),
        ("/rooms/{room:[a-z0-9]+}", "word"),
        (r"/rooms/(?P<room>[A-Z]+)", "capitals"),
        (r"/rooms/(?P<room>\d+)", "integer"),
        ("/rooms/<int:room>", "integer"),
        ("/rooms/{room:int}", "integer"),
        ("/rooms/<uuid:room>", "uuid"),
        (r"/rooms/(?P<room>[0-9a-f-]{36})", "uuid"),
        ("/rooms/{room:path}", "token"),
        (r"/rooms/(?P<room>[+*])", "token"),
    ],
)
def test_a_key_is_made_as_the_path_takes_it(path: str, form: str) -> None:
    found, forms = brace_path(path)

    assert "{room}" in found
    assert forms == {"room": form}
    pattern = re.search(r"P<room>([^)]*)\)", path)
    if pattern is not None and form != "token":
        assert re.fullmatch(pattern[1], session_key(forms["room"], Random(1)))
