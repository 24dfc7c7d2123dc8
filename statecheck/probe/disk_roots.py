"""A root of its own for each disk: the machine's folders lie in it below a layer each, or as they are, read-only.

What is not on the machine (`/data`, a Dockerfile's `/app`) can be made there, and is nowhere else.
"""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import kernel_folders, mounts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_DEEPEST = 3  # levels below a folder of the system's in which what the user may write to is looked for
_MOST_OWN = 300  # folders found so
_MOST_ENTRIES = 500  # of a folder that is made anew
_NOT_LOOKED_INTO = (".git", ".venv", "__pycache__", "node_modules", "venv")
_USER_MAY_WRITE = 0o222


@dataclass(frozen=True)
class Place:
    """Something of the machine's in a disk's root.

    Attributes:
        how: `layer` (below one), `bound` (as it is, read-only), `folder` (made anew, for what lies in it), `link`.
        target: where a link leads.
    """

    path: str
    how: str
    target: str = ""


@dataclass
class RootPlan:
    """What a disk's root is made of, parents first.

    Attributes:
        places: all but the kernel's own folders.
        links: {path: target} of those in /run.
        own: folders in which the app may write though folders above them are another user's, who is unknown in a
            user namespace: they are made in a layer beforehand, since the kernel copies nothing of his there.
        sockets: the machine's, which are covered where no layer does so: an overlay's are not those below it.
    """

    places: list[Place] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    own: list[str] = field(default_factory=list)
    sockets: list[str] = field(default_factory=list)
    unlayered: dict[str, str] = field(default_factory=dict)

    def place_of(self, path: str) -> Place | None:
        """The place that a path lies in, or is."""
        return max((place for place in self.places if is_below(path, place.path)), key=_depth, default=None)


def _depth(place: Place) -> int:
    return len(place.path)


def is_below(path: str, top: str) -> bool:
    """Whether a path is another one or lies below it."""
    return path == top or path.startswith(top.rstrip("/") + "/")


def plan_root(keep: Iterable[str], project: str, sockets: Iterable[str], apart: str) -> RootPlan:
    """Look at the machine, as yet writable, for what a disk's root is to be made of.

    Args:
        keep: folders in which the app must be able to write as it is on the machine.
        project: one of them, in which there may be folders of others: a container may have made them.
        sockets: paths of those of the machine's that it must not reach.
        apart: a folder that is left out.
    """
    points = sorted(dict.fromkeys(point.path for point in mounts.list_mounts()))
    rootless = mounts.is_rootless()
    planner = _Planner([path for path in points if path != "/" and not _is_special(path)], apart, rootless=rootless)
    with os.scandir("/") as entries:
        places = [place for entry in sorted(entries, key=lambda one: one.path) for place in planner.places(entry.path)]
    kept = [os.path.realpath(path) for path in keep]
    places += [Place(path, "layer") for path in dict.fromkeys(kept) if _is_special(path) and os.path.isdir(path)]
    links: dict[str, str] = {}
    with contextlib.suppress(OSError), os.scandir("/run") as entries:
        links = {entry.path: os.readlink(entry.path) for entry in entries if entry.is_symlink()}
    own: list[str] = []
    if rootless:
        foreign = [place.path for place in places if place.how == "layer" and not _is_own(place.path)]
        found = [*kept, *_list_writable_below(foreign), *_list_foreign_below(os.path.realpath(project))]
        own = [*dict.fromkeys(path for path in found if os.access(path, os.W_OK))]
    return RootPlan(places, links, own, [os.path.realpath(path) for path in sockets])


def _is_special(path: str) -> bool:
    return any(is_below(path, top) for top in kernel_folders.PATHS)


def _is_own(path: str) -> bool:
    return os.stat(path).st_uid == os.getuid()


@dataclass(frozen=True)
class _Planner:
    """Where an overlay can be laid: not over what has mounts below, in a user namespace that must not uncover them."""

    points: list[str]
    apart: str
    rootless: bool

    def places(self, path: str) -> Iterator[Place]:
        """Yield what stands for something in a disk's root: itself, then what lies below."""
        if _is_special(path) or path == self.apart:
            return
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode):
            yield Place(path, "link", os.readlink(path))
        elif stat.S_ISREG(mode):
            yield Place(path, "bound")
        elif stat.S_ISDIR(mode):
            below = [point for point in self.points if is_below(point, path) and point != path]
            if self.rootless and below:
                yield from self._split(path)
            else:
                yield Place(path, "layer")
                for point in filter(os.path.exists, below):
                    yield Place(point, "layer" if os.path.isdir(point) else "bound")

    def _split(self, path: str) -> Iterator[Place]:
        try:
            with os.scandir(path) as found:
                entries = sorted(entry.path for entry in found)
        except OSError:
            entries = []
        if 0 < len(entries) < _MOST_ENTRIES:
            yield Place(path, "folder")
            for entry in entries:
                yield from self.places(entry)
        else:
            yield Place(path, "bound")


def _list_writable_below(tops: list[str]) -> list[str]:
    """Folders that the user may write to below folders of others: `/opt/app`, `/var/tmp`."""
    found: list[str] = []
    for top in tops:
        for folder, names, _ in os.walk(top):
            deep = folder.count("/") - top.count("/") >= _DEEPEST
            mine = [name for name in names if os.access(f"{folder}/{name}", os.W_OK)]
            found += [f"{folder}/{name}" for name in mine if not os.path.islink(f"{folder}/{name}")]
            names[:] = [] if deep or len(found) > _MOST_OWN else [name for name in names if name not in mine]
    return found


def _list_foreign_below(project: str) -> list[str]:
    """Folders of others in the project."""
    found: list[str] = []
    for folder, names, _ in os.walk(project):
        names[:] = [name for name in names if name not in _NOT_LOOKED_INTO]
        found += [f"{folder}/{name}" for name in names if os.lstat(f"{folder}/{name}").st_uid != os.getuid()]
        if folder.count("/") - project.count("/") >= _DEEPEST or len(found) > _MOST_OWN:
            names.clear()
    return [path for path in found if os.path.isdir(path) and not os.path.islink(path)]


@dataclass(frozen=True)
class DiskRoot:
    """The root of one disk, under construction.

    Attributes:
        folder: a new one, on the run's own file system: the root is made in it, and a layer for each place.
    """

    plan: RootPlan
    folder: str

    @property
    def root(self) -> str:
        """Where it is made."""
        return f"{self.folder}/root"

    def build(self, wanted: Iterable[str], files: Iterable[str] = ()) -> None:
        """Mount all that the plan says, in a mount namespace of this disk's own.

        Args:
            wanted: folders that are made where they are not on the machine.
            files: the same of files, whose folders are among those.

        Raises:
            OSError: the kernel refused.
        """
        wanted = list(wanted)
        os.makedirs(self.root, 0o755)
        os.chmod(self.root, 0o755)  # noqa: S103 - a root is to be read
        mounts.bind(self.root, self.root)
        late = [place for place in self.plan.places if _is_special(place.path)]
        for place in self.plan.places:
            if place not in late:
                self._put(place, wanted)
        kernel_folders.mount(self.root, self.plan.links)
        for place in late:
            os.makedirs(self.root + place.path)
            self._put(place, wanted)
        for path in wanted:
            with contextlib.suppress(OSError):  # the app is told so itself, as it would be on the machine
                os.makedirs(self.root + path, exist_ok=True)
        for path in files:
            with contextlib.suppress(OSError):
                os.close(os.open(self.root + path, os.O_CREAT, 0o644))
        self._cover_sockets()

    def _put(self, place: Place, wanted: list[str]) -> None:
        here = self.root + place.path
        if place.how == "link":
            os.symlink(place.target, here)
            return
        if not os.path.lexists(here):
            if os.path.isdir(place.path):
                os.mkdir(here)
            else:
                os.close(os.open(here, os.O_CREAT | os.O_EXCL))
        if place.how == "folder":
            os.chmod(here, _mode_of(place.path))
        elif place.how == "bound" or place.path in self.plan.unlayered or not self._lay(place.path, here, wanted):
            mounts.bind(place.path, here)

    def _lay(self, path: str, here: str, wanted: list[str]) -> bool:
        """Mount a folder of the machine's below a layer; whether the kernel takes one there."""
        layer = f"{self.folder}/layers/{len(os.listdir(_made(f'{self.folder}/layers')))}"
        make_layer(layer, path)
        inside = [one for one in self.plan.own if is_below(one, path)]
        inside += [one for one in wanted if is_below(one, path)] if mounts.is_rootless() else []
        for folder in inside:
            _prepare_folders(f"{layer}/upper", path, folder)
        try:
            mounts.overlay(path, layer, here)
        except OSError as error:
            self.plan.unlayered[path] = str(error)
            return False
        return True

    def _cover_sockets(self) -> None:
        nothing = f"{self.folder}/nothing"
        os.close(os.open(nothing, os.O_CREAT, 0o444))
        for path in self.plan.sockets:
            place = self.plan.place_of(path)
            seen = place is not None and (place.how == "bound" or place.path in self.plan.unlayered)
            if seen and os.path.exists(self.root + path):
                mounts.bind(nothing, self.root + path)


def make_layer(layer: str, lower: str) -> None:
    """Make the folders of an overlay's layer: what is written goes to `upper`; `lower` says over what it lies."""
    for part in ("upper", "work"):
        os.makedirs(f"{layer}/{part}")
    with open(f"{layer}/lower", "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(lower)
    status = os.stat(lower)
    if not mounts.is_rootless():
        os.chown(f"{layer}/upper", status.st_uid, status.st_gid)
    os.chmod(f"{layer}/upper", _mode_of(lower))


def _made(folder: str) -> str:
    os.makedirs(folder, exist_ok=True)
    return folder


def _mode_of(path: str) -> int:
    """A folder's mode, for its stand-in: that is the user's own, who must not gain by it."""
    status = os.stat(path)
    others = mounts.is_rootless() and status.st_uid != os.getuid() and not status.st_mode & 0o022
    return stat.S_IMODE(status.st_mode) & (~_USER_MAY_WRITE if others else ~0)


def _prepare_folders(upper: str, top: str, path: str) -> None:
    """Make a path in a layer over `top` where a folder on the way is another user's, or is not there.

    The kernel copies a folder to the layer before anything is made in it, and cannot where it does not know its owner.
    """
    names = os.path.relpath(path, top).split("/")
    steps = [os.path.join(top, *names[: number + 1]) for number in range(len(names))] if path != top else []
    if all(os.path.isdir(step) and _is_own(step) for step in steps):
        return
    for step in steps:
        with contextlib.suppress(FileExistsError):
            os.mkdir(upper + step[len(top) :])
    for step in reversed(steps):
        os.chmod(upper + step[len(top) :], _mode_of(step) if os.path.isdir(step) else 0o755)
