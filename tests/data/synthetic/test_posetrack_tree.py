from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from data.errors import OutputError
from data.posetrack import Sequence
from data.posetrack_set import read_set, usable_box
from data.skeleton import POSETRACK_17
from data.synthetic.posetrack_tree import TreePlan, write_tree

PLAN = TreePlan(sequences=4, frames=12, size=(160, 120), seed=3)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tree")
    write_tree(folder, PLAN, lambda done: None)
    return folder


@pytest.fixture(scope="module")
def sequences(tree: Path) -> list[Sequence]:
    splits = [read_set(tree / "annotations" / split) for split in ("train", "val")]
    return [sequence for found in splits for sequence in found.sequences]


def test_the_tree_is_as_posetrack18_has_it(tree: Path, sequences: list[Sequence]) -> None:
    names = [sequence.name for sequence in sequences]
    assert names == [
        "000001_mpii_train",
        "000003_mpii_train",
        "000002_mpii_test",
        "000004_mpii_test",
    ]
    for sequence in sequences:
        split = "train" if sequence.name.endswith("train") else "val"
        assert len(sequence.frames) == 12
        for index, frame in enumerate(sequence.frames):
            assert frame.frame_name == f"images/{split}/{sequence.name}/{index:06d}.jpg"
            assert frame.id == 10**10 + int(sequence.name[:6]) * 10**4 + index
            image = cv2.imread(str(tree / frame.frame_name))
            assert image is not None
            assert image.shape == (120, 160, 3)
            assert frame.size == (160, 120)


def test_people_stay_come_and_go(sequences: list[Sequence]) -> None:
    comings = goings = 0
    for sequence in sequences:
        tracks = [{person.track for person in frame.people} for frame in sequence.frames]
        assert set.intersection(*tracks)
        comings += bool(tracks[-1] - tracks[0])
        goings += bool(tracks[0] - tracks[-1])
    assert min(comings, goings) >= 1


def test_people_are_labelled_as_in_the_official_files(sequences: list[Sequence]) -> None:
    ears = [POSETRACK_17.index("left_ear"), POSETRACK_17.index("right_ear")]
    for sequence in sequences:
        for frame in sequence.frames:
            for person in frame.people:
                assert not person.keypoints[ears].any()
                assert set(person.visibility) <= {0, 1}
                assert person.present.any()
                assert person.head is not None
                assert frame.size is not None
                assert usable_box(person, frame.size) is not None


def test_somebody_in_each_split_is_left_to_an_ignore_region(sequences: list[Sequence]) -> None:
    regions = {s.name: sum(len(frame.ignore) for frame in s.frames) for s in sequences}

    assert min(regions["000001_mpii_train"], regions["000002_mpii_test"]) > 0
    assert regions["000003_mpii_train"] == regions["000004_mpii_test"] == 0


def test_the_same_seed_draws_the_same_files(tree: Path, tmp_path: Path) -> None:
    write_tree(tmp_path, replace(PLAN, sequences=2), lambda done: None)

    files = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 2 * 12 + 2
    for file in files:
        assert (tree / file).read_bytes() == (tmp_path / file).read_bytes()


def test_only_every_so_manieth_frame_is_annotated(tmp_path: Path) -> None:
    plan = TreePlan(2, 9, (160, 120), seed=1, people=1, label_every=4)
    told: list[int] = []

    (sequence, _) = write_tree(tmp_path, plan, told.append)

    labelled = [index for index, frame in enumerate(sequence.frames) if frame.is_labeled]
    assert labelled == [0, 4, 8]
    assert [i for i, frame in enumerate(sequence.frames) if frame.people] == [0, 4, 8]
    assert told == list(range(1, 19))


def test_seeds_differ(tmp_path: Path) -> None:
    for seed in (1, 2):
        plan = TreePlan(2, 1, (160, 120), seed)
        write_tree(tmp_path / str(seed), plan, lambda done: None)

    one, two = (tmp_path / s / "images/train/000001_mpii_train/000000.jpg" for s in "12")
    assert one.read_bytes() != two.read_bytes()


def test_what_cannot_be_written_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "images").write_text("")

    with pytest.raises(OutputError, match="cannot be written"):
        write_tree(tmp_path, PLAN, lambda done: None)


def test_keypoints_lie_in_the_picture(sequences: list[Sequence]) -> None:
    for sequence in sequences:
        for frame in sequence.frames:
            for person in frame.people:
                points = person.keypoints[person.present]
                assert np.all(points >= -0.5)
                assert np.all(points <= [159.5, 119.5])
