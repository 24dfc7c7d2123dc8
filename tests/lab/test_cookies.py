"""A client keeps a browser's rules for the cookies that it is given."""

from __future__ import annotations

import httpx
import pytest

from statecheck.lab.cookies import cookies_for, keep_cookies


def answer(*cookies: str) -> httpx.Response:
    request = httpx.Request("POST", "http://127.0.0.1:8000/api/visitor/hello")
    return httpx.Response(200, headers=[("set-cookie", each) for each in cookies], request=request)


@pytest.mark.parametrize(
    ("cookie", "path", "sent"),
    [
        ("visit=1; Path=/", "/ask", {"visit": "1"}),
        ("visit=1; Path=/api/visitor", "/api/questions", {}),
        ("visit=1; Path=/api/visitor", "/api/visitors", {}),
        ("visit=1; Path=/api/visitor", "/api/visitor/ask?q=1", {"visit": "1"}),
        ("visit=1", "/api/visitor/ask", {"visit": "1"}),
        ("visit=1", "/ask", {}),
        ("visit=1; Path=/; Secure", "/ask", {"visit": "1"}),
        ("visit=1; Path=/; Domain=shop.example", "/ask", {}),
    ],
)
def test_a_cookie_goes_to_the_paths_that_it_is_for(cookie: str, path: str, sent: dict[str, str]) -> None:
    jar: dict[str, str] = {}

    keep_cookies(jar, answer(cookie))

    assert cookies_for(jar, path) == sent


def test_the_longest_path_wins() -> None:
    jar: dict[str, str] = {}

    keep_cookies(jar, answer("visit=near; Path=/api", "visit=far; Path=/"))

    assert (cookies_for(jar, "/api/ask"), cookies_for(jar, "/ask")) == ({"visit": "near"}, {"visit": "far"})


def test_what_expires_is_gone() -> None:
    jar = {"visit": "1", "other": "2"}

    keep_cookies(jar, answer('visit=""; Max-Age=0; Path=/'))

    assert jar == {"other": "2"}


def test_a_cookie_that_is_too_long_for_a_browser_leaves_the_one_before_it() -> None:
    jar = {"basket": "bread", "visit": "1"}

    ignored = keep_cookies(jar, answer(f"basket={'b' * 4091}; Path=/", f"visit={'v' * 4091}; Path=/; HttpOnly"))

    assert jar == {"basket": "bread", "visit": "v" * 4091}
    assert ignored == ("basket 4097",)
