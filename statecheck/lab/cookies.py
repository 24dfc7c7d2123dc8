"""What a browser does with the cookies that it is given: which it keeps, and to which paths it returns them.

A jar is a plain dict, as other kinds of clients keep something else in its place: a cookie that is not for all paths
has its path in its name there, in the words of `Set-Cookie`: `visit; Path=/shop`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

_PATH = "; Path="
_MOST_BYTES = 4096
"""Of a cookie's name and value together: what is longer browsers ignore (RFC 6265bis, 5.6)."""


def keep_cookies(jar: dict[str, str], response: httpx.Response) -> tuple[str, ...]:
    """Add what an answer sets to a jar, and take out what it makes expire.

    What is too long is not kept: the jar still has the one before it. A cookie for another host is not kept either. One
    that is `Secure` is: a browser takes this machine for safe.

    Returns:
        What was too long: names, each with its size.
    """
    from http.cookies import CookieError, SimpleCookie

    kept, ignored = [], []
    for each in response.cookies.jar:
        value = each.value or ""
        size = len(f"{each.name}{value}".encode())
        if size > _MOST_BYTES:
            ignored.append(f"{each.name} {size}")
        else:
            kept.append((_name_in_jar(each.name, each.path), value))
    for header in response.headers.get_list("set-cookie"):
        try:
            parsed = SimpleCookie(header)
        except CookieError:
            continue
        for name, morsel in parsed.items():
            if morsel["max-age"].strip() in ("0", "-1") or (not morsel.value and morsel["expires"]):
                jar.pop(_name_in_jar(name, morsel["path"] or "/"), None)
    jar.update(kept)
    return tuple(ignored)


def cookies_for(jar: dict[str, str], path: str) -> dict[str, str]:
    """Return the cookies that a browser sends to a path: of those of one name, that of the longest path."""
    found: dict[str, str] = {}
    for name, value in sorted(jar.items(), key=lambda item: len(item[0].partition(_PATH)[2])):
        own, _, of = name.partition(_PATH)
        if _covers(of, path.partition("?")[0]):
            found[own] = value
    return found


def _name_in_jar(name: str, path: str) -> str:
    return name if path in ("", "/") else f"{name}{_PATH}{path}"


def _covers(of: str, path: str) -> bool:
    """Whether a cookie of this path goes to another: to it, and to what lies below it (RFC 6265, 5.1.4)."""
    return of in ("", path) or path.startswith(of if of.endswith("/") else f"{of}/")
