from __future__ import annotations

from pathlib import Path

import pytest

from statecheck.model import Anchor
from statecheck.source.project.deploy import (
    count_threads,
    count_workers,
    find_container_folders,
    find_file_mounts,
    find_host_name,
    find_own_disks,
    find_volumes,
)
from statecheck.source.project.project_files import ProjectFiles
from statecheck.source.project.project_variables import find_variables
from statecheck.source.project.started import read_started

DOCKERFILE = "FROM python:3.12 AS base\nENV HOME_DIR=/srv\nWORKDIR ${HOME_DIR}/app\nCOPY . .\n"


def planted(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def files_of(root: Path, files: dict[str, str]) -> ProjectFiles:
    return ProjectFiles(planted(root, files))


def kept(root: Path, files: dict[str, str]) -> set[str]:
    planted(root, files)
    return {
        (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()
        for path in find_volumes(ProjectFiles(root))
    }


def compose(*lines: str, head: str = "    build: .\n") -> str:
    return (
        f"services:\n  web:\n{head}    volumes:\n"
        + "".join(f"      - {line}\n" for line in lines)
        + "volumes:\n  data:\n"
    )


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["data:/srv/app/data"], {"data"}),
        (['"data:/srv/app/data:rw"  # kept'], {"data"}),
        (["data:/data"], {"/data"}),
        (["./talks.db:/srv/app/talks.db"], {"talks.db"}),
        (["./there.json:/srv/app/there.json", "./code/x.py:/srv/app/code/x.py"], {"there.json"}),
        (["./storage:/srv/app/storage"], {"storage"}),
        (["./storage:/var/lib/chat:z"], {"/var/lib/chat"}),
        (["${DATA:-./storage}:/srv/app/storage"], {"storage"}),
        (["/srv/app/anonymous"], {"anonymous"}),
        ([".:/srv/app"], set()),
        (["./:/srv/app:ro"], set()),
        (["./code:/srv/app/code"], set()),
        (["data:/srv/app/data:ro"], set()),
        (["/var/run/docker.sock:/var/run/docker.sock"], set()),
        (["type: volume\n        source: data\n        target: /srv/app/data"], {"data"}),
        (["type: tmpfs\n        target: /srv/app/data"], set()),
        (["{type: volume, source: data, target: /srv/app/data}"], {"data"}),
        (["data:/srv/app/data", "more:/more"], {"data", "/more"}),
    ],
)
def test_compose_volumes(tmp_path: Path, lines: list[str], expected: set[str]) -> None:
    files = {"compose.yaml": compose(*lines), "Dockerfile": DOCKERFILE, "code/x.py": "", "there.json": ""}

    assert kept(tmp_path, files) == expected


def test_a_mount_of_a_file_is_a_file_and_a_named_volume_never_is(tmp_path: Path) -> None:
    (tmp_path / "folder.db").mkdir(parents=True)
    lines = ["./talks.db:/srv/app/talks.db", "./folder.db:/srv/app/folder.db", "./logs:/srv/app/logs"]
    lines += ["data:/srv/app/chroma.db"]
    files = files_of(tmp_path, {"compose.yaml": compose(*lines), "Dockerfile": DOCKERFILE})

    assert find_file_mounts(files) == (tmp_path / "talks.db",)


def test_the_volumes_of_other_services_do_not_count(tmp_path: Path) -> None:
    text = compose("data:/srv/app/data") + "  unused:\n"
    text = text.replace("volumes:\n  data:", "  redis:\n    image: redis\n    volumes: ['r:/data']\nvolumes:\n  data:")

    assert kept(tmp_path, {"docker-compose.yml": text, "Dockerfile": DOCKERFILE}) == {"data"}


ANCHORED = """\
x-service: &service
  build: {context: ., dockerfile: Dockerfile}
  command: &start sh -c "alembic upgrade head && gunicorn -w 2 app:app"
  volumes: &volumes
    - &data data:/srv/app/data
    - {type: bind, source: ./logs, target: /srv/app/logs, read_only: true}
services:
  web:
    <<: *service
    deploy: {replicas: 3, resources: {limits: {cpus: '1'}}}
  worker:
    <<: [*service]
    volumes: [*data, 'more:/more']
  helper:
    image: x
    volumes: *volumes
"""


def test_anchors_merges_and_nested_flow(tmp_path: Path) -> None:
    files = {"compose.yaml": ANCHORED, "Dockerfile": DOCKERFILE}
    found = count_workers(files_of(tmp_path, files))

    assert kept(tmp_path, files) == {"data", "/more"}
    assert (f"{found[0]} {found[1]}" if found else None) == "3 compose.yaml:10"


def test_a_service_that_is_built_elsewhere(tmp_path: Path) -> None:
    head = "    build:\n      context: ./backend\n      dockerfile: prod.Dockerfile\n"
    files = {
        "compose.yml": compose("d:/code/db", head=head),
        "backend/prod.Dockerfile": "FROM x\nWORKDIR /code\nCOPY . /code\n",
    }

    assert kept(tmp_path, files) == {"backend/db", "db"}


def test_without_dockerfile_the_working_directory_is_the_service_s_or_app(tmp_path: Path) -> None:
    assert kept(tmp_path, {"compose.yml": compose("d:/app/db")}) == {"db"}
    assert kept(tmp_path, {"compose.yml": compose("d:/w/db", head="    working_dir: /w\n")}) == {"db"}


def test_dockerfile_volumes(tmp_path: Path) -> None:
    text = DOCKERFILE + 'VOLUME ["/srv/app/data", \\\n  "/data"]\n# VOLUME /no\nVOLUME more\n'

    assert kept(tmp_path, {"Dockerfile": text}) == {"data", "/data", "more"}


KUBERNETES = """\
apiVersion: v1
kind: Service
---
apiVersion: apps/v1
kind: Deployment
spec:
  replicas: 3
  template:
    spec:
      containers:
      - name: web
        args: ["--workers", "2"]
        command: [gunicorn]
        volumeMounts:
        - mountPath: /app/data
          name: data
        - name: scratch
          mountPath: /scratch
      volumes:
      - name: data
        persistentVolumeClaim:
          claimName: chat
      - name: scratch
        emptyDir: {}
"""


def test_kubernetes_claims(tmp_path: Path) -> None:
    assert kept(tmp_path, {"k8s/web.yaml": KUBERNETES}) == {"data"}


def test_kubernetes_containers_may_say_where_they_run(tmp_path: Path) -> None:
    text = KUBERNETES.replace("[gunicorn]\n", "[gunicorn]\n        workingDir: /srv\n").replace("/app/data", "/srv/db")

    assert kept(tmp_path, {"k8s/web.yaml": text}) == {"db"}


def test_kubernetes_claim_templates(tmp_path: Path) -> None:
    text = (
        "spec:\n  template:\n    spec:\n      containers:\n        - volumeMounts:\n"
        "            - {name: d, mountPath: /data}\n  volumeClaimTemplates:\n    - metadata:\n        name: d\n"
    )
    assert kept(tmp_path, {"set.yml": text}) == {"/data"}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("Procfile", "web: gunicorn app:app -w 4 --bind :8000\n", "4 Procfile:1"),
        ("Procfile", "web: uvicorn app:app --workers=3\n", "3 Procfile:1"),
        ("Dockerfile", 'FROM x\nCMD ["gunicorn", "-w", "5", "app:app"]\n', "5 Dockerfile:2"),
        ("Dockerfile", "FROM x\nENV WEB_CONCURRENCY=6\nCMD uvicorn app:app\n", "6 Dockerfile:2"),
        ("Dockerfile", "FROM x\nCMD uvicorn app:app --workers ${N:-7}\n", "7 Dockerfile:2"),
        ("Dockerfile", "FROM x\n# CMD uvicorn app:app --workers 9\nCMD uvicorn app:app\n", None),
        ("compose.yml", "services:\n  a:\n    command: >\n      gunicorn a:b\n      --workers 8\n", "8 compose.yml:5"),
        ("compose.yml", "services:\n  a:\n    build: .\n    deploy:\n      replicas: 2\n", "2 compose.yml:5"),
        (
            "deploy.yaml",
            "spec:\n  containers:\n  - command:\n    - gunicorn\n    - --workers\n    - '4'\n",
            "4 deploy.yaml:5",
        ),
        ("web.yaml", KUBERNETES, "3 web.yaml:7"),
        ("web.yaml", "kind: List\n---\n# two\nspec: {replicas: 2}\n", "2 web.yaml:4"),
        ("web.yaml", "spec:\n  replicas: ²\n", None),
        ("hpa.yaml", "spec:\n  minReplicas: 1\n  maxReplicas: 5\n", "5 hpa.yaml:3"),
        ("fly.toml", "[http_service]\nmin_machines_running = 1\n", None),
        ("fly.toml", "[http_service]\nmin_machines_running = 2\n", "2 fly.toml:2"),
        ("start.sh", "\n\n# it\n\ngunicorn -w 4 a:b\n", "4 start.sh:5"),
        ("gunicorn.conf.py", "bind = ':8000'\nworkers = 4\n", "4 gunicorn.conf.py:2"),
        ("gunicorn.conf.py", "import os\nworkers = int(os.environ.get('N', '3'))\n", "3 gunicorn.conf.py:2"),
        ("gunicorn.conf.py", "import os\nworkers = os.cpu_count() * 2 + 1\n", None),
        ("gunicorn.conf.py", "workers = (\n", None),
        ("start.sh", "celery -A app worker -w 4\n", None),
        ("render.yaml", "services:\n  - type: web\n    numInstances: 3\n", "3 render.yaml:3"),
        ("README.md", "gunicorn -w 4\n", None),
    ],
)
def test_workers(tmp_path: Path, name: str, text: str, expected: str | None) -> None:
    found = count_workers(files_of(tmp_path, {name: text}))

    assert (f"{found[0]} {found[1]}" if found else None) == expected


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("Procfile", "web: gunicorn -w 2 --threads 4 app:app\n", "4 Procfile:1"),
        ("Dockerfile", 'FROM x\nCMD ["waitress-serve", "--threads=1", "app:app"]\n', "1 Dockerfile:2"),
        ("gunicorn.conf.py", "workers = 4\nthreads = int(os.environ.get('N', '3'))\n", "3 gunicorn.conf.py:2"),
        ("Procfile", "web: gunicorn -w 2 app:app\n", None),
        ("start.sh", "stress --threads 4\n", None),
    ],
)
def test_threads(tmp_path: Path, name: str, text: str, expected: str | None) -> None:
    found = count_threads(files_of(tmp_path, {name: text}))

    assert (f"{found[0]} {found[1]}" if found else None) == expected


def test_the_largest_number_wins(tmp_path: Path) -> None:
    found = count_workers(files_of(tmp_path, {"Procfile": "web: gunicorn -w 2 a:b\n", "deploy/k.yaml": KUBERNETES}))

    assert found is not None
    assert (found[0], found[1].path) == (3, "deploy/k.yaml")


def test_files_that_are_not_text_say_nothing(tmp_path: Path) -> None:
    for name in ("Dockerfile", "compose.yml", "Procfile", "gunicorn.conf.py", "x.yaml"):
        (tmp_path / name).write_bytes(bytes(range(256)) * 4)

    files = ProjectFiles(tmp_path)

    assert (find_volumes(files), count_workers(files)) == ((), None)


def test_a_project_that_is_gone_says_nothing() -> None:
    gone = ProjectFiles(Path("/nowhere/at/all"))

    assert (find_volumes(gone), count_workers(gone)) == ((), None)


def folders(root: Path, files: dict[str, str], target: str = "app.py") -> dict[str, str | None]:
    found = find_container_folders(files_of(root, files), root / target)
    return {inside: source.relative_to(root).as_posix() if source else None for inside, source in found.items()}


MADE = DOCKERFILE + "RUN apt-get update && mkdir -p /data state; mkdir /var/lib/desk\n"


def test_the_folders_that_a_dockerfile_makes(tmp_path: Path) -> None:
    found = folders(tmp_path, {"Dockerfile": MADE})

    assert found == {"/srv/app": ".", "/data": None, "/var/lib/desk": None, f"{tmp_path}/state": None}


def test_a_container_folder_stands_for_what_is_copied_there(tmp_path: Path) -> None:
    files = {
        "Dockerfile": "FROM x\nWORKDIR /code\nCOPY src /code\nCOPY assets /assets\n",
        "src/app.py": "",
        "assets/a": "",
    }

    assert folders(tmp_path, files, "src/app.py") == {"/code": "src", "/assets": "assets"}


def test_of_several_images_the_one_that_the_target_is_in(tmp_path: Path) -> None:
    files = {"web/Dockerfile": "FROM x\nWORKDIR /web\n", "bot/Dockerfile": "FROM x\nWORKDIR /bot\n", "bot/app.py": ""}

    assert folders(tmp_path, files, "bot/app.py") == {"/bot": "bot"}


def test_without_a_dockerfile_the_working_directory_or_the_usual_one(tmp_path: Path) -> None:
    mounted = compose("data:/app/data", head="    image: x\n")

    assert folders(tmp_path, {"compose.yaml": mounted}) == {"/app": "."}
    assert folders(tmp_path, {"compose.yaml": compose(head="    working_dir: /code\n")}) == {"/code": "."}
    (tmp_path / "compose.yaml").unlink()
    assert folders(tmp_path, {"app.py": ""}) == {}


ABOVE = """\
services:
  site:
    build: ./site
    command: serve --workers 9
    environment: {LEDGER: redis://site/3}
    volumes: [pages:/site/data]
  desk:
    build: {context: desk}
    command: uvicorn desk:app --workers 3
    environment: {LEDGER: redis://store/1}
    volumes: [talks:/srv/app/data]
  store:
    image: redis
volumes: {talks: {}, pages: {}}
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("compose.yaml", ABOVE),
        ("docker-compose.yml", ABOVE.replace("{context: desk}", "{context: ., dockerfile: desk/Dockerfile}")),
        ("../docker-compose.yml", ABOVE.replace("context: desk", "context: parts/desk")),
    ],
)
def test_a_compose_file_above_says_what_it_says_of_the_part_that_is_diagnosed(
    tmp_path: Path, name: str, text: str
) -> None:
    planted(tmp_path / "parts", {"desk/Dockerfile": DOCKERFILE, "desk/app.py": "", name: text})
    files = ProjectFiles(tmp_path / "parts" / "desk")

    assert {path.name for path in find_volumes(files)} == {"data"}
    workers, line = count_workers(files) or (0, Anchor("", 0))
    assert (workers, line.path, line.line) == (3, files.show(files.by_kind["compose"][0]), 9)
    assert find_variables(files)["LEDGER"].value == "redis://store/1"
    assert read_started(files)[0][0].module == "desk"
    assert files.show(files.by_kind["compose"][0]).startswith("../")


@pytest.mark.parametrize(
    "files",
    [
        {"compose.yaml": ABOVE.replace("{context: desk}", "other")},
        {"compose.yaml": ABOVE, "desk/.git/HEAD": ""},
        {"compose.yaml": ABOVE, "desk/compose.yml": "services: {web: {build: .}}\n"},
    ],
    ids=["of others", "of another repository", "beside one of its own"],
)
def test_a_compose_file_above_that_is_not_the_projects_says_nothing(tmp_path: Path, files: dict[str, str]) -> None:
    planted(tmp_path, {"desk/app.py": "", **files})

    assert "LEDGER" not in find_variables(ProjectFiles(tmp_path / "desk"))


POD = """\
kind: {kind}
metadata: {{name: chat}}
spec:
  template:
    spec:
      containers: [{{name: app, image: example.org/{image}}}]
"""


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("compose.yaml", "services: {app: {build: ., hostname: desk}, redis: {image: 'redis:7'}}", "desk"),
        ("compose.yaml", "services: {app: {build: .}, redis: {image: 'redis:7', hostname: cache}}", ""),
        ("compose.yaml", "services: {app: {image: desk, hostname: desk}, db: {image: 'postgres:16'}}", "desk"),
        ("k8s/app.yaml", POD.format(kind="StatefulSet", image="desk:2"), "chat-0"),
        ("k8s/app.yaml", POD.format(kind="Deployment", image="desk:2"), ""),
        ("k8s/app.yaml", POD.format(kind="StatefulSet", image="redis:7"), ""),
    ],
)
def test_containers_that_keep_their_name(tmp_path: Path, name: str, text: str, expected: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)

    assert find_host_name(ProjectFiles(tmp_path)) == expected


FLY = '[[mounts]]\nsource = "d"\ndestination = "/app/data"\n[http_service]\nmin_machines_running = {}\n'
PODS = (
    "kind: StatefulSet\nspec:\n  replicas: {}\n  template:\n    spec:\n      containers:\n"
    "        - image: {}\n          volumeMounts:\n            - {{name: d, mountPath: /data}}\n"
    "  volumeClaimTemplates:\n    - metadata: {{name: d}}\n"
)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"fly.toml": FLY.format(2)}, "fly.toml:5"),
        ({"fly.toml": FLY.format(2), "Dockerfile": "FROM x\nVOLUME /app/data\n"}, "fly.toml:5"),
        ({"fly.toml": FLY.format(1)}, None),
        ({"fly.toml": "[http_service]\nmin_machines_running = 2\n"}, None),
        ({"set.yaml": PODS.format(3, "desk:1")}, "set.yaml:3"),
        ({"set.yaml": PODS.format(1, "desk:1")}, None),
        ({"set.yaml": PODS.format(3, "postgres:16")}, None),
        ({"set.yaml": PODS.format(3, "desk:1"), "Dockerfile": "FROM x\nVOLUME /shared\n"}, None),
        (
            {"compose.yaml": "services:\n  a:\n    build: .\n    deploy: {replicas: 3}\n    volumes: ['d:/data']\n"},
            None,
        ),
    ],
)
def test_copies_with_a_disk_each(tmp_path: Path, given: dict[str, str], expected: str | None) -> None:
    found = find_own_disks(files_of(tmp_path, given))

    assert (str(found) if found else None) == expected
