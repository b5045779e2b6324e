from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.annolist import NO_SCORE, frame_number, read_annolist, write_annolist
from data.errors import AnnotationError
from data.pose import Box
from data.posetrack import Sequence, read, write
from data.skeleton import POSETRACK_17

Store = Callable[[str, Any], Path]


def assert_same(one: Sequence, other: Sequence) -> None:
    assert (one.name, len(one.frames)) == (other.name, len(other.frames))
    for before, after in zip(one.frames, other.frames, strict=True):
        assert (before.frame_name, before.id) == (after.frame_name, after.id)
        assert before.is_labeled == after.is_labeled
        for polygon, again in zip(before.ignore, after.ignore, strict=True):
            np.testing.assert_array_equal(polygon, again)
        for person, same in zip(before.people, after.people, strict=True):
            np.testing.assert_array_equal(person.keypoints, same.keypoints)
            np.testing.assert_array_equal(person.visibility, same.visibility)
            np.testing.assert_equal(person.scores, same.scores)
            assert (person.track, person.head) == (same.track, same.head)
            assert (person.score, person.has_points) == (same.score, same.has_points)


def test_joints_are_placed_by_their_ids(stored: Store, posetrack17: dict[str, Any]) -> None:
    sequence = read_annolist(stored("000342_mpii.json", posetrack17))

    first, without = sequence.frames[0].people
    present = [POSETRACK_17.keypoints[j] for j in np.flatnonzero(first.present)]
    assert present == ["head_bottom", "left_ankle", "right_ankle"]
    neck = POSETRACK_17.index("head_bottom")
    np.testing.assert_array_equal(first.keypoints[neck], [22.5, 44.25])
    assert first.visibility[POSETRACK_17.index("left_ankle")] == 1  # hidden
    assert first.visibility[neck] == 2
    assert (first.head, first.scores, first.box) == (Box(11, 20, 19, 30), None, None)
    assert (first.has_points, without.has_points) == (True, False)
    assert not without.present.any()
    assert [frame.is_labeled for frame in sequence.frames] == [True, False, True]
    np.testing.assert_array_equal(sequence.frames[2].ignore[0], [[0, 0], [8, 0], [8, 9]])
    assert (sequence.name, sequence.frames[1].id) == ("000342_mpii", 2)


def test_what_is_written_is_read_back(stored: Store, posetrack17: dict[str, Any]) -> None:
    before = read_annolist(stored("a/000342_mpii.json", posetrack17))

    path = stored("b/000342_mpii.json", "")
    write_annolist(before, path)

    assert_same(before, read_annolist(path))


def test_scores_are_written_and_read_back(stored: Store, posetrack17: dict[str, Any]) -> None:
    person = posetrack17["annolist"][0]["annorect"][0]
    person["score"] = [0.75]
    for point in person["annopoints"][0]["point"][:2]:
        point["score"] = [0.5]
    before = read_annolist(stored("a/x.json", posetrack17))

    path = stored("b/x.json", "")
    write_annolist(before, path)

    assert_same(before, read_annolist(path))
    scores = before.frames[0].people[0].scores
    assert scores is not None
    assert sorted(scores[scores != 0]) == [NO_SCORE, 0.5, 0.5]
    assert before.frames[0].people[0].score == 0.75


def test_matlab_files_say_the_same(stored: Store, posetrack17: dict[str, Any]) -> None:
    written = read_annolist(stored("json/000342_mpii.json", posetrack17))

    read_back = read_annolist(stored("mat/000342_mpii.mat", posetrack17))

    assert_same(written, read_back)


def test_images_of_matlab_files_are_renamed_in_numeric_order(
    stored: Store, posetrack17: dict[str, Any]
) -> None:
    for record, name in zip(posetrack17["annolist"], ["0002", "0010", "0001"], strict=True):
        record["image"][0]["name"] = f"bonn/000001_bonn/{name}_crop.jpg"

    sequence = read_annolist(stored("000001_bonn.mat", posetrack17))

    names = [frame.frame_name.rpartition("/")[2] for frame in sequence.frames]
    assert names == ["00000002.jpg", "00000003.jpg", "00000001.jpg"]


def test_a_matlab_file_of_one_frame_and_one_person_is_read(
    stored: Store, posetrack17: dict[str, Any]
) -> None:
    posetrack17["annolist"] = posetrack17["annolist"][2:]

    (frame,) = read_annolist(stored("x.mat", posetrack17)).frames

    assert [int(person.present.sum()) for person in frame.people] == [2]


def test_plain_values_in_place_of_lists_of_one_are_read(stored: Store) -> None:
    point = {"id": 0, "x": 0, "y": 0, "score": -100.0}
    person = {"annopoints": {"point": [point]}, "score": 0, "track_id": 0}
    record = {"image": {"name": "val/x/000003.jpg"}, "imgnum": 3, "annorect": [person]}

    (frame,) = read_annolist(stored("x.json", {"annolist": [record]})).frames

    assert (frame.id, frame.is_labeled, int(frame.people[0].present.sum())) == (3, True, 1)


def test_of_a_joint_that_occurs_twice_the_first_counts(
    stored: Store, posetrack17: dict[str, Any]
) -> None:
    points = posetrack17["annolist"][2]["annorect"][0]["annopoints"][0]["point"]
    points.append({**points[0], "x": [999]})

    (person,) = read_annolist(stored("x.json", posetrack17)).frames[2].people

    assert person.keypoints.max() < 999


def test_official_files_say_one_of_what_is_seen(
    stored: Store, posetrack18: dict[str, Any], tmp_path: Path
) -> None:
    sequence = read(stored("x.json", posetrack18))

    write_annolist(sequence, tmp_path / "y.json")

    people = read_annolist(tmp_path / "y.json").frames[0].people
    assert {float(value) for person in people for value in person.visibility} == {0, 2}


def test_an_annolist_becomes_a_posetrack18_file(
    stored: Store, posetrack17: dict[str, Any], tmp_path: Path
) -> None:
    before = read_annolist(stored("000342_mpii.json", posetrack17))

    write(before, tmp_path / "000342_mpii.json")
    after = read(tmp_path / "000342_mpii.json")

    for one, other in zip(before.frames, after.frames, strict=True):
        for person, same in zip(one.people, other.people, strict=True):
            np.testing.assert_array_equal(person.keypoints, same.keypoints)
            assert (person.track, person.head) == (same.track, same.head)


@pytest.mark.parametrize(
    ("name", "number"), [("a/000017.jpg", 17), ("a/0003_crop.jpg", 3), ("a/b.jpg", None)]
)
def test_the_number_of_a_frame_is_in_its_name(name: str, number: int | None) -> None:
    assert number == frame_number(name)


def change(**values: Any) -> Callable[[Any], None]:
    return lambda content: content["annolist"][0].update(values)


def change_person(**values: Any) -> Callable[[Any], None]:
    return lambda content: content["annolist"][0]["annorect"][0].update(values)


def change_point(**values: Any) -> Callable[[Any], None]:
    def spoil(content: Any) -> None:
        content["annolist"][0]["annorect"][0]["annopoints"][0]["point"][1].update(values)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda content: content.update(annolist=3), r"annolist: expected list, found int"),
        (lambda content: content.update(annolist=[4]), r"annolist\[0\]: expected an object"),
        (change(image=[]), r"annolist\[0\].image: expected an object, found NoneType"),
        (change(image=[{}]), r"annolist\[0\].image.name: expected an image's path, found None"),
        (change(image=[{"name": "a\x00b"}]), r"expected an image's path, found 'a\\x00b'"),
        (change(imgnum=[1, 2]), r"annolist\[0\].imgnum: expected one value, found 2"),
        (change(imgnum=[1.5]), r"annolist\[0\].imgnum: expected int, found 1.5"),
        (change(annorect=5), r"annolist\[0\].annorect: expected list, found int"),
        (change(annorect=[7]), r"annorect\[0\]: expected an object, found int"),
        (change(ignore_regions=[{"point": [{"x": [1]}]}]), r"point\[0\]: 'y' is missing"),
        (change_person(track_id=[]), r"annorect\[0\]: 'track_id' is missing"),
        (change_person(track_id=["one"]), r"annorect\[0\].track_id: expected 1 numbers"),
        (change_person(x2=[]), r"expected all of x1, y1, x2 and y2, found 3"),
        (change_person(annopoints=[3]), r"annorect\[0\].annopoints: expected an object"),
        (change_point(id=[15]), r"point\[1\].id: expected 0 to 14, found 15"),
        (change_point(x=[float("nan")]), r"point\[1\].x: expected 1 numbers, found nan"),
        (change_point(y=[]), r"point\[1\]: 'y' is missing"),
    ],
)
def test_a_malformed_file_is_named_with_place_and_expectation(
    stored: Store, posetrack17: dict[str, Any], spoil: Callable[[Any], None], told: str
) -> None:
    spoil(posetrack17)

    with pytest.raises(AnnotationError, match=r"x\.json.*" + told):
        read_annolist(stored("x.json", posetrack17))


def test_a_matlab_file_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.mat").write_bytes(b"no MATLAB file at all" * 20)

    with pytest.raises(AnnotationError, match=r"x\.mat: expected a MATLAB file"):
        read_annolist(tmp_path / "x.mat")
    with pytest.raises(AnnotationError, match=r"y\.mat: cannot be read"):
        read_annolist(tmp_path / "y.mat")


def test_a_matlab_file_of_something_else_is_told(tmp_path: Path) -> None:
    import scipy.io

    scipy.io.savemat(tmp_path / "x.mat", {"other": 3})

    with pytest.raises(AnnotationError, match=r"x\.mat: 'annolist' is missing"):
        read_annolist(tmp_path / "x.mat")


def test_a_matlab_file_of_the_newest_version_is_told(tmp_path: Path) -> None:
    head = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"  # how HDF5 files of MATLAB begin
    (tmp_path / "x.mat").write_bytes(head + bytes(400))

    with pytest.raises(AnnotationError, match="Save it as version 7"):
        read_annolist(tmp_path / "x.mat")
