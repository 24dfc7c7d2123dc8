"""Volumes, variables and numbers of machines, as files of platforms and commands that start containers give them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from statecheck.model import Anchor
from statecheck.source.project.deploy import count_workers, find_volumes
from statecheck.source.project.project_files import ProjectFiles
from statecheck.source.project.project_variables import find_variables

if TYPE_CHECKING:
    from pathlib import Path

DOCKERFILE = "FROM python:3.12\nWORKDIR /code\nCOPY . .\n"
FLY = """\
app = "choir"
[env]
  CHATS = "/code/data"
[mounts]
  source = "chats"
  destination = "/code/data"
[http_service]
  min_machines_running = 2
"""
POD = """\
kind: Deployment
spec:
  template:
    spec:
      volumes: [{{name: chats, {kind}}}]
      containers: [{{volumeMounts: [{{name: chats, mountPath: /code/data}}]}}]
"""


def kept(root: Path, files: dict[str, str]) -> set[str]:
    for name, text in files.items():
        (root / name).write_text(text)
    return {
        str(path.relative_to(root) if path.is_relative_to(root) else path) for path in find_volumes(ProjectFiles(root))
    }


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("fly.toml", FLY, {"data"}),
        ("fly.production.toml", '[[mounts]]\nsource = "a"\ndestination = "/data"\n', {"/data"}),
        ("railway.toml", '[deploy]\nrequiredMountPath = "/code/data"\n', {"data"}),
        ("render.yaml", "services:\n  - type: web\n    disk: {name: d, mountPath: /code/data, sizeGB: 1}\n", {"data"}),
        ("pod.yaml", POD.format(kind="csi: {driver: gcsfuse.csi.storage.gke.io}"), {"data"}),
        ("pod.yaml", POD.format(kind="emptyDir: {}"), set()),
        ("run.sh", "docker run -d -p 80:80 -v chats:/code/data choir\n", {"data"}),
        (
            "README.md",
            "```\ndocker run --rm \\\n  --mount type=volume,source=chats,target=/code/data \\\n  choir\n```\n",
            {"data"},
        ),
        ("README.md", "Start it by `podman run --volume=chats:/data:Z choir`.\n", {"/data"}),
        ("Makefile", "up:\n\tdocker run -v $(PWD)/chats:/code/data:ro choir\n", set()),
        ("README.md", "docker run -v $(pwd):/code choir\n", set()),
        ("README.md", "First `docker run -v kept:/code/data redis:7`, then start it.\n", set()),
        ("README.md", "docker run --mount type=tmpfs,target=/code/data choir\n", set()),
        ("README.md", 'docker run -v "not closed choir\n', set()),
        ("fly.toml", "[mounts\n", set()),
        ("fly.toml", 'mounts = "chats"\nenv = 3\nservices = [1]\n', set()),
    ],
)
def test_what_is_mounted_outlives_its_container(tmp_path: Path, name: str, text: str, expected: set[str]) -> None:
    assert kept(tmp_path, {"Dockerfile": DOCKERFILE, name: text}) == expected


def test_machines_and_variables_are_read_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "fly.toml").write_text(FLY)
    files = ProjectFiles(tmp_path)

    assert count_workers(files) == (2, Anchor("fly.toml", 8))
    assert "/code/data" in str(find_variables(files))
