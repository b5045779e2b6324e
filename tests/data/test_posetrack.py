from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.errors import AnnotationError, OutputError
from data.pose import Box, Pose
from data.posetrack import Annotated, Person, Sequence, box_around, image_ids, read, write
from data.skeleton import FSPOSE_19, POSETRACK_15, POSETRACK_17


def person(track: int, *, predicted: bool = False, seed: int = 0) -> Person:
    rng = np.random.default_rng(seed)
    return Person(
        keypoints=rng.uniform(1, 300, (17, 2)),
        visibility=rng.integers(0, 3, 17).astype(np.float64),
        track=track,
        box=Box(10.5, 20.25, 60.5, 140.75),
        head=None if predicted else Box(20.0, 22.0, 44.0, 50.5),
        scores=rng.uniform(0, 1, 17) if predicted else None,
        score=0.5 if predicted else None,
    )


def sequence(*, predicted: bool = False) -> Sequence:
    people = (person(3, predicted=predicted), person(7, predicted=predicted, seed=1))
    triangle = np.array([[0.0, 0.0], [30.5, 0.0], [0.0, 40.25]])
    first, second = image_ids("003418_mpii_test", 2)
    return Sequence(
        "003418_mpii_test",
        (
            Annotated("images/a/000000.jpg", people, first, (triangle,), (640, 360)),
            Annotated("images/a/000001.jpg", (), second, is_labeled=False),
        ),
    )


def document() -> dict[str, Any]:
    """A small file as PoseTrack18 has them."""
    return {
        "images": [{"id": 5, "file_name": "images/val/x/000000.jpg"}],
        "annotations": [{"image_id": 5, "track_id": 1, "keypoints": [4, 8, 1] * 17}],
        "categories": [{"name": "person", "keypoints": list(POSETRACK_17.keypoints)}],
    }


def stored(folder: Path, content: Any) -> Path:
    path = folder / "clip.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.mark.parametrize("predicted", [False, True])
def test_what_is_written_is_read_back(tmp_path: Path, predicted: bool) -> None:
    before = sequence(predicted=predicted)
    path = tmp_path / "003418_mpii_test.json"

    write(before, path)
    after = read(path)

    assert (before.name, before.nframes) == (after.name, after.nframes)
    for one, other in zip(before.frames, after.frames, strict=True):
        assert (one.frame_name, one.id) == (other.frame_name, other.id)
        assert (one.size, one.is_labeled) == (other.size, other.is_labeled)
        for polygon, again in zip(one.ignore, other.ignore, strict=True):
            np.testing.assert_array_equal(polygon, again)
        for someone, same in zip(one.people, other.people, strict=True):
            np.testing.assert_array_equal(someone.keypoints, same.keypoints)
            np.testing.assert_array_equal(someone.visibility, same.visibility)
            np.testing.assert_equal(someone.scores, same.scores)
            assert (someone.track, someone.score) == (same.track, same.score)
            assert (someone.box, someone.head) == (same.box, same.head)
    assert list(tmp_path.iterdir()) == [path]


def test_the_length_of_the_whole_video_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "x.json"

    write(Sequence("x", sequence().frames, nframes=149), path)

    assert read(path).nframes == 149


def test_image_ids_follow_the_published_rule() -> None:
    assert image_ids("003418_mpii_test", 2) == [10034180000, 10034180001]
    assert image_ids("024817_bonn_test", 1) == [20248170000]
    assert image_ids("002277_mpiinew_test", 1) == [30022770000]


def test_keypoints_are_placed_by_name(tmp_path: Path) -> None:
    content = document()
    content["categories"][0]["keypoints"] = ["left_wrist", "nose"]
    content["annotations"][0] |= {"keypoints": [1, 2, 2, 3, 4, 1], "scores": [0.5, 0.25]}

    (someone,) = read(stored(tmp_path, content)).frames[0].people

    wrist, nose = POSETRACK_17.index("left_wrist"), POSETRACK_17.index("nose")
    assert someone.scores is not None
    assert [
        *someone.keypoints[wrist],
        someone.visibility[wrist],
        someone.scores[wrist],
    ] == [1, 2, 2, 0.5]
    assert [
        *someone.keypoints[nose],
        someone.visibility[nose],
        someone.scores[nose],
    ] == [3, 4, 1, 0.25]
    assert int(someone.present.sum()) == 2


def test_a_point_at_the_origin_is_absent_only_without_visibility(tmp_path: Path) -> None:
    content = document()
    content["annotations"][0]["keypoints"][:9] = [0, 0, 0, 0, 0, 1, 6, 7, 0]

    (someone,) = read(stored(tmp_path, content)).frames[0].people

    assert someone.present[:3].tolist() == [False, True, True]


def test_a_file_without_categories_is_taken_as_the_seventeen_names(tmp_path: Path) -> None:
    content = document()
    del content["categories"]

    assert len(read(stored(tmp_path, content)).frames[0].people) == 1


def test_fifteen_names_in_any_order_are_enough(tmp_path: Path) -> None:
    names = list(POSETRACK_15.keypoints)
    content = document()
    content["categories"][0]["keypoints"] = names
    content["annotations"][0]["keypoints"] = [v for j in range(15) for v in (j, 2 * j, 1)]

    (someone,) = read(stored(tmp_path, content)).frames[0].people

    for joint, name in enumerate(names):
        assert someone.keypoints[POSETRACK_17.index(name)].tolist() == [joint, 2 * joint]
    assert int(someone.present.sum()) == 15


def test_people_are_known_over_several_videos_in_posetrack21(tmp_path: Path) -> None:
    content = document()
    content["annotations"][0]["person_id"] = 77
    path = stored(tmp_path, content)

    before = read(path)
    write(before, path)

    assert [p.person_id for p in before.frames[0].people] == [77]
    assert [p.person_id for p in read(path).frames[0].people] == [77]


def test_ids_of_predictions_mean_nothing(tmp_path: Path) -> None:
    content = document()
    predicted = content["annotations"][0] | {"id": 0, "scores": [0.5] * 17}
    content["annotations"] = [predicted, predicted]

    assert len(read(stored(tmp_path, content)).frames[0].people) == 2


def test_a_person_is_a_pose_with_a_track() -> None:
    someone = person(9)

    pose = someone.pose

    np.testing.assert_allclose(someone.keypoints, pose.keypoints, atol=1e-4)
    assert (9, someone.box) == (pose.track, pose.box)


def test_a_person_without_a_box_gets_one_around_its_keypoints() -> None:
    points = np.zeros((17, 2))
    points[:2] = [[10, 10], [20, 30]]
    someone = Person(points, (points[:, 0] > 0).astype(np.float64), 1)

    box = someone.pose.box

    assert pytest.approx((box.left, box.top, box.right, box.bottom)) == (9.0, 8.0, 21.0, 32.0)
    assert box_around(np.zeros((0, 2), np.float32)).area == 0


def test_a_pose_of_the_embedded_skeleton_becomes_a_predicted_person() -> None:
    rng = np.random.default_rng(4)
    points = rng.uniform(0, 100, (19, 2)).astype(np.float32)
    pose = Pose(points, np.full(19, 0.5, np.float32), Box(0, 0, 100, 100), 0.75, track=2)

    someone = Person.of(FSPOSE_19.convert(pose, POSETRACK_17), track=2)

    top = POSETRACK_17.index("head_top")
    np.testing.assert_array_equal(points[FSPOSE_19.index("head_top")], someone.keypoints[top])
    assert someone.scores is not None
    assert someone.present.all()
    assert (someone.scores[top], someone.score, someone.track) == (0.5, 0.75, 2)


def change(**values: Any) -> dict[str, Any]:
    content = document()
    content["annotations"][0] |= values
    return content


def change_image(**values: Any) -> dict[str, Any]:
    content = document()
    content["images"][0] |= values
    return content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no json", "expected JSON"),
        ([], "expected an object, found list"),
        ({"annolist": []}, "PoseTrack17 annolist"),
        ({"images": []}, "'annotations' is missing"),
        (change(track_id="one"), r"annotations\[0\].track_id: expected int, found str"),
        (change(keypoints=[1, 2]), r"annotations\[0\].keypoints: expected a list of 51 numbers"),
        (change(keypoints=["x"] * 51), r"annotations\[0\].keypoints: expected 51 numbers"),
        (change(keypoints=[float("nan")] * 51), "found nan"),
        (change(image_id=6), "6 is not the id of an image"),
        (change(scores=[1]), r"scores: expected a list of 17 numbers, found 1"),
        (change(bbox_head=[1, 2, 3]), "bbox_head: expected a list of 4 numbers"),
        (document() | {"images": document()["images"] * 2}, "5 occurs twice"),
        (
            document() | {"annotations": [document()["annotations"][0] | {"id": 3}] * 2},
            r"annotations\[1\].id: 3 occurs twice",
        ),
        (change(id="3"), r"annotations\[0\].id: expected int, found str"),
        (change(bbox=5), r"annotations\[0\].bbox: expected a list of 4 numbers, found int"),
        (change_image(file_name=""), r"images\[0\].file_name: expected an image's path"),
        (change_image(file_name="a\ud800/0.jpg"), r"file_name: expected an image's path"),
        (change_image(width=640), r"images\[0\]: expected both width and height, found 640, None"),
        (change_image(width=640, height=-1), "expected both width and height"),
        (change_image(width="640", height=1), r"images\[0\].width: expected int, found str"),
        (
            document() | {"images": [*document()["images"], {"id": 6, "file_name": "y/0.jpg"}]},
            "expected one video",
        ),
        (document() | {"categories": [{"keypoints": ["tail"]}]}, "found 'tail'"),
        (document() | {"images": [{"id": 5}]}, r"images\[0\]: 'file_name' is missing"),
        (
            document() | {"images": [{**document()["images"][0], "ignore_regions_x": [[1]]}]},
            "as many polygons",
        ),
    ],
)
def test_a_malformed_file_is_named_with_place_and_expectation(
    tmp_path: Path, content: Any, message: str
) -> None:
    path = stored(tmp_path, content)

    with pytest.raises(AnnotationError, match=message) as caught:
        read(path)

    assert str(path) in str(caught.value)


def test_a_missing_file_is_an_annotation_error(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="cannot be read"):
        read(tmp_path / "none.json")


def test_a_folder_that_is_not_there_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write(sequence(), tmp_path / "none" / "x.json")
