"""What a disk's root is made of, and how the kernel's calls are done without, where it lacks one."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from statecheck.lab.workers.namespaces import list_commands
from statecheck.probe.disk_roots import Place, RootPlan, _Planner

ROOT = Path(__file__).parents[2]


def inside(program: str, *words: str) -> Any:
    """What a program prints that is run in the namespaces of a run."""
    done = subprocess.run(
        [*list_commands()[0], sys.executable, "-c", textwrap.dedent(program), *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    for name in ("plain/deep", "busy/mounted", "busy/beside"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "busy" / "file").touch()
    (tmp_path / "link").symlink_to("plain")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


def planned(machine: Path, name: str, *, rootless: bool) -> list[tuple[str, str]]:
    planner = _Planner([str(machine / "busy" / "mounted")], str(machine / "apart"), rootless=rootless)
    return [(str(Path(one.path).relative_to(machine)), one.how) for one in planner.places(str(machine / name))]


def test_a_folder_gets_a_layer_and_a_link_stays_one(machine: Path) -> None:
    assert planned(machine, "plain", rootless=True) == [("plain", "layer")]
    assert planned(machine, "link", rootless=True) == [("link", "link")]
    assert planned(machine, "pipe", rootless=True) == [], "who opens it would be heard outside"


def test_what_is_mounted_below_gets_a_layer_of_its_own(machine: Path) -> None:
    assert planned(machine, "busy", rootless=False) == [("busy", "layer"), ("busy/mounted", "layer")]


def test_a_folder_that_must_not_be_uncovered_is_made_anew_around_its_mounts(machine: Path) -> None:
    assert planned(machine, "busy", rootless=True) == [
        ("busy", "folder"),
        ("busy/beside", "layer"),
        ("busy/file", "bound"),
        ("busy/mounted", "layer"),
    ]


def test_a_path_lies_in_the_deepest_place_above_it() -> None:
    plan = RootPlan([Place("/var", "layer"), Place("/var/lib", "bound"), Place("/opt", "layer")])

    assert [plan.place_of(path) for path in ("/var/lib/app", "/var/library", "/srv")] == [
        Place("/var/lib", "bound"),
        Place("/var", "layer"),
        None,
    ]


def test_everything_is_read_only_without_the_newer_call_too(tmp_path: Path) -> None:
    found = inside(
        """
        import errno, json, sys
        from statecheck.probe import mounts

        mounts._set_attributes = lambda *_: False
        mounts.keep_to_itself()
        mounts.make_read_only("/")
        mounts.make_writable("/proc")
        said = []
        for path in (sys.argv[1] + "/new", "/dev/shm/new", "/proc/self/comm"):
            try:
                open(path, "w").close()
                said.append("done")
            except OSError as error:
                said.append(errno.errorcode[error.errno])
        print(json.dumps(said))
        """,
        str(tmp_path),
    )

    assert found == ["EROFS", "EROFS", "done"]


@pytest.mark.parametrize("known", [True, False])
def test_sockets_are_covered_where_no_layer_can_be_laid(tmp_path: Path, known: bool) -> None:
    path = str(tmp_path / "door")
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(path)
        door.listen()
        found = inside(
            """
            import json, socket, sys
            from statecheck.probe import mounts
            from statecheck.probe.disk_roots import DiskRoot, plan_root

            mounts.keep_to_itself()
            plan = plan_root([], sys.argv[1], sys.argv[2:], "/run")
            mounts.make_read_only("/")
            mounts.mount_memory("/run", 0o700)
            plan.unlayered.update({place.path: "no layer" for place in plan.places})
            new = DiskRoot(plan, "/run/disk")
            new.build([])
            mounts.make_root(new.root)
            print(json.dumps(socket.socket(socket.AF_UNIX).connect_ex(sys.argv[1] + "/door")))
            """,
            str(tmp_path),
            *([path] if known else []),
        )

    assert (found == 0) == (not known)
