from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from data.annolist import read_annolist
from data.annorect import (
    NECK,
    annorects,
    annorects_as_published,
    joints,
    joints_as_published,
    write_results,
)
from data.errors import AnnotationError
from data.posetrack import Annotated, Person, Sequence
from data.skeleton import POSETRACK_15, POSETRACK_17


def person(track: int = 7) -> Person:
    rng = np.random.default_rng(track)
    scores = rng.uniform(0.1, 1, 17)
    return Person(rng.uniform(1, 99, (17, 2)), np.ones(17), track, scores=scores, score=0.5)


def sequence(names: list[str], nframes: int | None = None) -> Sequence:
    frames = [Annotated(name, (person(),), id) for id, name in enumerate(names)]
    return Sequence("x", tuple(frames), nframes)


def test_joints_are_the_same_named_keypoints_and_count_by_the_boxs_score() -> None:
    someone = person()

    points = joints(someone)

    assert someone.scores is not None
    for joint, name in enumerate(POSETRACK_15.keypoints):
        place = POSETRACK_17.index(name)
        np.testing.assert_allclose(points[joint, :2], someone.keypoints[place])
        np.testing.assert_allclose(points[joint, 2], someone.scores[place] * 0.5)


def test_the_published_neck_is_between_the_shoulders() -> None:
    someone = person()
    pair = [POSETRACK_17.index("left_shoulder"), POSETRACK_17.index("right_shoulder")]

    points, own = joints_as_published(someone), joints(someone)

    assert someone.scores is not None
    np.testing.assert_allclose(points[NECK, :2], someone.keypoints[pair].mean(0))
    np.testing.assert_allclose(points[NECK, 2], someone.scores[pair].mean() * 0.5)
    np.testing.assert_array_equal(np.delete(points, NECK, 0), np.delete(own, NECK, 0))


def test_real_tracks_are_ours_alone() -> None:
    assert [record["track_id"] for record in annorects([person(7), person(9)])] == [[7], [9]]
    assert [r["track_id"] for r in annorects_as_published([person(7), person(9)])] == [[1], [1]]
    assert annorects([]) == []


def test_a_published_result_file_lists_every_frame_of_the_video(tmp_path: Path) -> None:
    names = [f"images/val/000042_mpii_test/{number:06d}.jpg" for number in (1, 3)]

    write_results(sequence(names, nframes=5), tmp_path / "x.json", annorects_as_published)

    records = json.loads((tmp_path / "x.json").read_text())["annolist"]
    assert [record["imgnum"] for record in records] == [[0], [1], [2], [3], [4]]
    assert records[2]["image"] == {"name": "val/000042_mpii_test/000002.jpg"}
    scores = [record["annorect"][0]["score"] for record in records]
    assert scores == [[0], [0.5], [0], [0.5], [0]]


def test_frames_of_posetrack17_count_from_one(tmp_path: Path) -> None:
    names = [f"bonn_5sec/000342_mpii/{number:08d}.jpg" for number in (1, 2)]

    write_results(sequence(names), tmp_path / "x.json", annorects)

    read_back = read_annolist(tmp_path / "x.json")
    assert [(frame.id, frame.frame_name) for frame in read_back.frames] == [
        (1, names[0]),
        (2, names[1]),
    ]
    assert read_back.frames[0].people[0].track == 7


def test_a_video_without_frames_is_an_empty_list(tmp_path: Path) -> None:
    write_results(Sequence("x", ()), tmp_path / "x.json", annorects)

    assert read_annolist(tmp_path / "x.json").frames == ()


@pytest.mark.parametrize(
    ("names", "told"),
    [(["a/b.jpg"], "no frame number"), (["a/1.jpg", "a/01.jpg"], "another one's frame number")],
)
def test_frames_that_cannot_be_ordered_are_told(
    tmp_path: Path, names: list[str], told: str
) -> None:
    with pytest.raises(AnnotationError, match=told):
        write_results(sequence(names), tmp_path / "x.json", annorects)

    assert list(tmp_path.iterdir()) == []
