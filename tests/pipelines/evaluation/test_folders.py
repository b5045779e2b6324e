"""Which files are a pair, and what is told where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import AnnotationError
from pipelines.evaluation.folders import file_pairs


def filled(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        (folder / name).write_text("{}")
    return folder


def test_files_of_one_name_are_pairs_in_name_order_and_further_predictions_are_told(
    tmp_path: Path,
) -> None:
    truth = filled(tmp_path / "t", "b.json", "a.json", "notes.txt")
    predictions = filled(tmp_path / "p", "a.json", "c.json", "b.json")

    pairs, notes = file_pairs(truth, predictions)

    assert [(one.name, other.parent.name, other.name) for one, other in pairs] == [
        ("a.json", "p", "a.json"),
        ("b.json", "p", "b.json"),
    ]
    assert [note.place for note in notes] == ["c.json"]


def test_two_files_are_a_pair_and_a_file_finds_its_own_in_a_folder(tmp_path: Path) -> None:
    truth = filled(tmp_path / "t", "a.json") / "a.json"
    predictions = filled(tmp_path / "p", "a.json", "other.json")

    assert file_pairs(truth, predictions / "other.json")[0] == [(truth, predictions / "other.json")]
    assert file_pairs(truth, predictions)[0] == [(truth, predictions / "a.json")]


def test_missing_predictions_are_named_and_counted(tmp_path: Path) -> None:
    truth = filled(tmp_path / "t", "a.json", "b.json", "c.json")
    predictions = filled(tmp_path / "p", "b.json")

    with pytest.raises(
        AnnotationError, match=r"a\.json: the prediction file is missing, and 1 more"
    ):
        file_pairs(truth, predictions)
    with pytest.raises(AnnotationError, match=r"a\.json: the prediction file is missing\. "):
        file_pairs(truth / "a.json", predictions)


def test_what_cannot_be_paired_is_told(tmp_path: Path) -> None:
    truth = filled(tmp_path / "t", "a.json")
    twins = filled(tmp_path / "twins", "a.json", "a.old.json")

    with pytest.raises(AnnotationError, match="this is a file, but the truth is a folder"):
        file_pairs(truth, truth / "a.json")
    with pytest.raises(AnnotationError, match="a folder without JSON files"):
        file_pairs(filled(tmp_path / "empty"), truth)
    with pytest.raises(AnnotationError, match="no such file or folder"):
        file_pairs(tmp_path / "gone", truth)
    with pytest.raises(AnnotationError, match=r"a sequence 'a' like a\.json"):
        file_pairs(twins, twins)
