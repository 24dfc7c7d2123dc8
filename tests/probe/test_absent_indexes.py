"""What an app looks for in vain while it starts, and the index that is made where it has none."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from statecheck.lab.conversation import find_index_folders
from statecheck.probe.absent_indexes import HOOKS, list_missed, make_indexes

if TYPE_CHECKING:
    from pathlib import Path


def test_the_folder_of_an_index_is_told_by_the_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OSError) as raised:  # noqa: PT011 - its words are the system's
        (tmp_path / "vectors" / "docstore.json").open()
    wrapped = RuntimeError("no index")
    wrapped.__cause__ = raised.value

    assert list_missed(wrapped) == [str(tmp_path / "vectors")]
    assert list_missed(FileNotFoundError(2, "No such file", str(tmp_path / "rules.json"))) == []


def test_what_is_there_of_an_index_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "vectors").mkdir()
    (tmp_path / "vectors" / "docstore.json").write_text("mine")

    make_indexes([str(tmp_path / "vectors"), str(tmp_path / "new")])

    assert (tmp_path / "vectors" / "docstore.json").read_text() == "mine"
    assert (tmp_path / "new" / "docstore.json").read_text() == "{}"
    assert (tmp_path / "vectors" / "index_store.json").exists()


def test_a_folder_of_an_index_lies_in_the_project_and_has_none(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "docstore.json").touch()
    missed = ["vectors", "vectors/docstore.json", "full/graph_store.json", ".env", "rules.txt", "", "../elsewhere"]

    assert find_index_folders([str((tmp_path / name).resolve()) for name in missed], tmp_path.resolve()) == (
        str(tmp_path.resolve() / "vectors"),
    )


@pytest.mark.parametrize("error", [KeyError("default"), ValueError("No index in storage context")], ids=["none", "all"])
def test_an_index_whose_vectors_alone_are_not_there_is_one_of_a_text(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    from llama_index.core.embeddings import MockEmbedding

    monkeypatch.setattr("statecheck.probe.absent_indexes._made", [])

    def load(*_: Any, **__: Any) -> None:
        raise error

    module: Any = ModuleType("llama_index.core.indices.loading")
    module.load_index_from_storage = load
    HOOKS[module.__name__](module)

    if isinstance(error, KeyError):
        index = module.load_index_from_storage(None, embed_model=MockEmbedding(3))
        assert len(index.docstore.docs) == 1
    else:
        with pytest.raises(ValueError, match="No index"):
            module.load_index_from_storage(None)
