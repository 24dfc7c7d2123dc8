"""Functions of a cloud: the volumes, variables and working folders that their templates give them."""

from __future__ import annotations

from pathlib import Path

import pytest

from statecheck.source.project.deploy import find_mount_points, find_volumes, find_working_folder
from statecheck.source.project.project_files import ProjectFiles
from statecheck.source.project.project_variables import find_variables

SAM = """\
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Environment:
      Variables: {STAGE: live, SEATS_DB: seats.db}
Resources:
  Seats:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/seats
      Handler: desk.answer
      FileSystemConfigs:
        - {Arn: !GetAtt Access.Arn, LocalMountPath: /mnt/seats}
      Environment:
        Variables:
          SEATS_DB: /mnt/seats/chat.db
          REGION: !Sub "${AWS::Region}"
"""
SERVERLESS = """\
provider:
  name: aws
  environment: {STAGE: live}
functions:
  seats:
    handler: functions/seats/desk.answer
    environment: {SEATS_DB: /mnt/seats/chat.db, TABLE: "${self:custom.table}"}
    fileSystemConfig: {localMountPath: /mnt/seats, arn: "${self:custom.arn}"}
"""


@pytest.mark.parametrize(
    ("name", "text", "folder"),
    [("template.yaml", SAM, "functions/seats"), ("serverless.yml", SERVERLESS, ".")],
    ids=["sam", "serverless"],
)
def test_functions(tmp_path: Path, name: str, text: str, folder: str) -> None:
    (tmp_path / name).write_text(text)
    files = ProjectFiles(tmp_path)
    target = tmp_path / "functions/seats/desk.py"

    assert find_volumes(files) == (Path("/mnt/seats"),)
    assert [str(point) for point in find_mount_points(files)] == ["/mnt/seats"]
    assert {name: (each.value, each.example) for name, each in find_variables(files).items()} == {
        "STAGE": ("live", False),
        "SEATS_DB": ("/mnt/seats/chat.db", False),
    }
    assert find_working_folder(files, target) == tmp_path / folder
    assert find_working_folder(files, tmp_path / "other.py") is None


def test_variables_of_kubernetes_containers(tmp_path: Path) -> None:
    (tmp_path / "k8s.yaml").write_text(
        "kind: Deployment\nspec: {template: {spec: {containers: [{name: web, env: [{name: SEATS_DB, value: /data/a.db},"
        " {name: KEY, valueFrom: {secretKeyRef: {name: a, key: b}}}]}]}}}\n"
    )

    assert {name: each.value for name, each in find_variables(ProjectFiles(tmp_path)).items()} == {
        "SEATS_DB": "/data/a.db"
    }
