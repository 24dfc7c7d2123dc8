"""Values for the variables that a target cannot do without and that nothing sets.

A dummy for a secret; else what the project's own files say, its examples too; else one made up by type and name.
"""

from __future__ import annotations

import base64
import re
import socket
from itertools import chain
from typing import TYPE_CHECKING

from statecheck.lab.environment.variables import scrub_value
from statecheck.probe.offline import DUMMY, dummy_for, is_secret, secrets_read_by
from statecheck.source.project.deploy import find_mount_points
from statecheck.source.project.project_variables import find_variables
from statecheck.source.project.settings import read_settings
from statecheck.source.project.value_choices import find_choices

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from statecheck.source.code.tree import SourceTree
    from statecheck.source.project.project_files import ProjectFiles
    from statecheck.source.project.project_variables import ProjectVariable
    from statecheck.source.project.settings import Setting

_MOST_TRIED = 3  # values of one variable, where the first is refused
_URL, _HOST, _MAIL, _NUMBER = "http://127.0.0.1/", "127.0.0.1", "somebody@example.com", "1024"
_KEY_BYTES = b"sc-dummy-key-of-thirty-two-bytes"  # the length that ciphers take; the same for all workers
_BASE64 = base64.urlsafe_b64encode(_KEY_BYTES).decode()
_BY_TYPE = {
    "bool": "false",
    "float": "1",
    **dict.fromkeys(("int", "PositiveInt"), _NUMBER),  # large, so that no history is cut on its account
    **dict.fromkeys(("AnyUrl", "HttpUrl", "AnyHttpUrl"), _URL),
    **dict.fromkeys(("EmailStr", "NameEmail"), _MAIL),
}
_BY_CIPHER = {
    **dict.fromkeys(("Fernet", "MultiFernet"), _BASE64),
    **dict.fromkeys(("AESGCM", "AESSIV", "ChaCha20Poly1305", "SecretBox"), _KEY_BYTES.decode()),
}
_BY_USE = {
    **dict.fromkeys(("b64decode", "urlsafe_b64decode", "standard_b64decode"), _BASE64),
    **dict.fromkeys(("fromhex", "unhexlify"), _KEY_BYTES.hex()),
    **dict.fromkeys(("loads", "literal_eval"), "{}"),
    **dict.fromkeys(("urlparse", "urlsplit", "base_url", "url"), _URL),
    "UUID": "00000000-0000-4000-8000-000000000000",
    "Decimal": "1",
    "strtobool": "false",
    "fromisoformat": "2024-01-01",
    "ZoneInfo": "UTC",
    "ip_address": _HOST,
}
"""What a variable's text is given to, and a value that it takes."""
_ANY = frozenset((*_BY_TYPE, "str", "Optional", "Annotated", "Path"))
"""Types for which a value can be made up; a choice of a few values decides what the app does, and is not made here."""
_BY_WORD = {
    **dict.fromkeys(("URL", "URI", "ENDPOINT", "ORIGIN"), _URL),
    **dict.fromkeys(("HOST", "HOSTNAME", "SERVER"), _HOST),
    **dict.fromkeys(("EMAIL", "MAIL"), _MAIL),
    "PORT": _NUMBER,
}

_HOST_NAME = "HOSTNAME"


def fill_placeholders(
    read: Iterable[Setting],
    modules: Iterable[str],
    environment: Mapping[str, str],
    files: ProjectFiles,
    left: Sequence[str],
) -> tuple[dict[str, str], list[str]]:
    """Return values for what is lacking, and what the report should say of them.

    Args:
        read: what the code reads.
        modules: what it imports, which may read more.
        environment: what is set.
        files: those of the project that may set more.
        left: variables of services that could not be had; they stay unset.
    """
    packages = {module.partition(".")[0] for module in modules}
    by_libraries = [name for package in packages for name in secrets_read_by(package) if not environment.get(name)]
    lacking = [one for one in read if _is_lacking(one) and one.name not in environment]
    secrets = [one for one in lacking if any(map(is_secret, (one.name, *one.handed))) and not _by_type(one.types)]
    values = {name: dummy_for(name) for name in by_libraries}
    values |= {one.name: _by_use(one) or dummy_for(one.name) for one in secrets}
    wanted = [one for one in lacking if one.required and one.name not in values and one.name not in left]
    given, notes = _give(wanted, files, "as the app needs them")
    return values | given, notes


def _give(wanted: Sequence[Setting], files: ProjectFiles, why: str) -> tuple[dict[str, str], list[str]]:
    """Give each variable what the project's files say of it, else what is made up; say where that is from, and why."""
    if not wanted:
        return {}, []
    in_files = find_variables(files)
    told = {one.name: in_files[one.name] for one in wanted if one.name in in_files}
    made = {one.name: value for one in wanted if one.name not in told and (value := _made_up(one))}
    values = {name: scrub_value(name, each.value) for name, each in told.items()} | made
    notes = [_taken(path, told) for path in dict.fromkeys(each.anchor.path for each in told.values())]
    if made:
        notes.append(f"made up, {why} and nothing sets them: {', '.join(made)}; `--env` sets them")
    return values, notes


def take_kept_paths(
    read: Iterable[Setting], environment: Mapping[str, str], files: ProjectFiles
) -> tuple[dict[str, str], list[str]]:
    """Return the variables by which a deployment leads the app to a volume of its, and what the report says of them.

    Without them the app would keep its data where its code does when nothing is deployed.

    Args:
        read: what the code reads.
        environment: what is set, and stays.
        files: those of the project.
    """
    points = find_mount_points(files)
    if not points:
        return {}, []
    inside = re.compile(rf"(?:^|[^\w.-]/*)(?:{'|'.join(re.escape(str(point)) for point in points)})(?:/|$)")
    known = find_variables(files)
    names = [one.name for one in read if one.name in known and one.name not in environment]
    told = {name: known[name] for name in names if not known[name].example and inside.search(known[name].value)}
    values = {name: scrub_value(name, each.value) for name, each in told.items()}
    return values, [_led(path, told) for path in dict.fromkeys(each.anchor.path for each in told.values())]


def name_host(read: Iterable[Setting], environment: Mapping[str, str], files: ProjectFiles) -> dict[str, str]:
    """Return the variable by which a container is told its own name, where the code reads that and nothing sets it.

    Args:
        read: what the code reads.
        environment: what is set, and stays.
        files: those of the project that may set it.
    """
    if _HOST_NAME in environment or all(one.name != _HOST_NAME for one in read):
        return {}
    told = find_variables(files).get(_HOST_NAME)
    return {_HOST_NAME: told.value if told is not None else socket.gethostname()}


def fill_unset(
    read: Iterable[Setting], environment: Mapping[str, str], files: ProjectFiles, left: Sequence[str]
) -> tuple[dict[str, str], list[str]]:
    """Return values to try where the app fails: for all that it hands on unset, which a library may refuse as None.

    `create_client(os.getenv("SHOP_URL"))`: only when that fails is it known that it needs a value.

    Args:
        read: what the code reads.
        environment: what is set, and stays.
        files: those of the project that may set more.
        left: variables of services that could not be had; they stay unset.
    """
    unset = [one for one in read if _is_lacking(one) and one.handed and not environment.get(one.name)]
    return _give([one for one in unset if one.name not in left], files, "as the app fails without them")


def find_choices_to_try(
    tree: SourceTree, environment: Mapping[str, str], left: Sequence[str]
) -> tuple[dict[str, str], ...]:
    """Return values to try, one set after another, where the app refuses what was made up: those that its code knows.

    Args:
        tree: the target's files.
        environment: what is set; dummies count as lacking.
        left: variables of services that could not be had; they stay unset.
    """
    lacking = {one.name for one in read_settings(tree) if one.required and one.name not in left}
    lacking = {name for name in lacking if environment.get(name, DUMMY) == DUMMY}
    known = {name: texts for name, texts in find_choices(tree.modules()).items() if name in lacking}
    rounds = min(_MOST_TRIED, max(map(len, known.values()), default=0))
    return tuple({name: texts[min(at, len(texts) - 1)] for name, texts in known.items()} for at in range(rounds))


def _is_lacking(setting: Setting) -> bool:
    """Whether code may fail, or do nothing of use, where a variable is unset."""
    return setting.default is None and not setting.optional and not setting.replaced


def _made_up(setting: Setting) -> str:
    """A value that its type takes, or "" if that is not known."""
    known = _by_type(setting.types) or _by_use(setting) or _by_type(setting.handed)
    if known or not setting.types <= _ANY:
        return known
    return _BY_WORD.get(setting.name.upper().rpartition("_")[2], DUMMY)


def _by_type(names: frozenset[str]) -> str:
    return next((value for name, value in _BY_TYPE.items() if name in names), "")


def _by_use(setting: Setting) -> str:
    """A value of the form that what gets a setting's value takes, or "" if that is not known."""
    ciphers = (value for name, value in _BY_CIPHER.items() if name in setting.handed)
    others = (value for name, value in _BY_USE.items() if name in setting.uses)
    return next(chain(ciphers, others), "") or _by_type(setting.uses)


def _taken(path: str, told: Mapping[str, ProjectVariable]) -> str:
    return f"taken from `{path}`, as nothing else sets them: {_listed(path, told)}"


def _led(path: str, told: Mapping[str, ProjectVariable]) -> str:
    return f"taken from `{path}`, as they name places on volumes: {_listed(path, told)}"


def _listed(path: str, told: Mapping[str, ProjectVariable]) -> str:
    return ", ".join(name for name, each in told.items() if each.anchor.path == path)
