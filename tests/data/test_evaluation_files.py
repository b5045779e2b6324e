"""Files read for evaluation: what counts as there, and one line for whatever is wrong."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.errors import AnnotationError
from data.evaluation_files import parse, read
from data.flat_sequence import MISSING_SCORE, FlatSequence, flat
from data.posetrack import read as read_posetrack
from data.skeleton import POSETRACK_15

Document = dict[str, Any]
Store = Callable[[str, Any], Path]

NOSE = POSETRACK_15.index("nose")
NECK = POSETRACK_15.index("head_bottom")
FIELDS = ("frame", "points", "present", "scores", "track", "has_track", "head", "listed")


def one18(**changes: Any) -> Document:
    """A PoseTrack18 document of one frame and one person whose keypoints are all absent."""
    person = {"image_id": 5, "track_id": 3, "keypoints": [0] * 51, **changes}
    return {"images": [{"id": 5, "file_name": "images/val/v/000000.jpg"}], "annotations": [person]}


def one17(**changes: Any) -> Document:
    """An annolist of one frame and one person who has a nose."""
    point = {"id": [13], "x": [4.5], "y": [6], "score": [0.5]}
    person = {"track_id": [3], "annopoints": [{"point": [point]}], **changes}
    return {"annolist": [{"image": [{"name": "images/bonn/v/00000001.jpg"}], "annorect": [person]}]}


def parsed(document: Any) -> FlatSequence:
    return parse(document, "v.json", "v")


def assert_told(document: Any, *words: str) -> None:
    with pytest.raises(AnnotationError) as caught:
        parsed(document)
    message = str(caught.value)
    assert message.startswith("v.json")
    assert "\n" not in message
    assert all(word in message for word in words), message


def test_posetrack18_reads_as_its_objects_do(posetrack18: Document, stored: Store) -> None:
    posetrack18["annotations"].reverse()  # by frame, but in a frame as listed
    posetrack18["annotations"][0]["scores"] = [k / 20 for k in range(17)]
    path = stored("000042_mpii_test.json", posetrack18)

    found, wanted = read(path), flat(read_posetrack(path))

    for name in FIELDS:
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), err_msg=name)
    for name in ("frame", "size", "vertices"):
        np.testing.assert_array_equal(getattr(found.regions, name), getattr(wanted.regions, name))
    assert (found.name, found.ids) == (wanted.name, wanted.ids)
    assert found.frame_names == wanted.frame_names
    assert found.is_labeled.tolist() == wanted.is_labeled.tolist()
    np.testing.assert_allclose(found.head, 0.6 * np.hypot(9, 11))


@pytest.mark.parametrize(
    ("numbers", "is_there"),
    [((0, 0, 0), False), ((0, 0, 1), True), ((3, 4, 0), True), ((0, 0, 0.2), True)],
)
def test_a_keypoint_is_absent_where_all_three_numbers_are_0(
    numbers: tuple[float, ...], is_there: bool
) -> None:
    found = parsed(one18(keypoints=[*numbers, *[0] * 48]))

    assert found.present[0, NOSE] == is_there
    assert found.present.sum() == is_there


def test_keypoints_follow_by_name_and_the_neck_has_two() -> None:
    names = ["nose", "right_ear", "neck", *POSETRACK_15.keypoints[:12]]
    document = one18(keypoints=[v for k in range(15) for v in (k + 1, 7, 1)], scores=[0.1] * 15)
    document["categories"] = [{"name": "person", "keypoints": names}]

    found = parsed(document)

    assert found.points[0, NOSE].tolist() == [1, 7]
    assert found.points[0, NECK].tolist() == [3, 7]
    assert found.points[0, 0].tolist() == [4, 7]
    assert np.flatnonzero(~found.present[0]).tolist() == [POSETRACK_15.index("head_top")]


def test_the_usual_names_are_taken_where_a_file_has_none() -> None:
    found = parsed(one18(keypoints=[0, 0, 0, 8, 9, 1, *[0] * 45]))

    assert found.points[0, NECK].tolist() == [8, 9]


def test_missing_scores_rank_last() -> None:
    with_some = parsed(one18(scores=[0.5] * 17))
    without = parsed(one18(scores=[]))

    assert with_some.scores.tolist() == [[0.5] * 15]
    assert without.scores.tolist() == [[MISSING_SCORE] * 15]


def test_an_annolist_is_read_with_lists_and_bare_values() -> None:
    bare = copy.deepcopy(one17(x1=1, y1=[2], x2=[4], y2=6))
    bare["annolist"][0]["image"] = {"name": "v/1.jpg"}
    bare["annolist"][0]["annorect"][0]["annopoints"][0]["point"][0]["x"] = 4.5

    found = parsed(bare)

    assert found.points[0, NOSE].tolist() == [4.5, 6]
    assert np.flatnonzero(found.present[0]).tolist() == [NOSE]
    assert (found.scores[0, NOSE], found.track[0], found.frame_names) == (0.5, 3, ("v/1.jpg",))
    np.testing.assert_allclose(found.head, [0.6 * 5])


def test_of_two_points_with_one_id_the_first_counts() -> None:
    points = [{"id": [13], "x": [x], "y": [1], "score": [x]} for x in (0.25, 0.75)]

    found = parsed(one17(annopoints=[{"point": points}]))

    assert (found.points[0, NOSE, 0], found.scores[0, NOSE]) == (0.25, 0.25)


@pytest.mark.parametrize(
    ("container", "is_listed"),
    [([], False), (None, False), ([{}], False), ([{"point": []}], True), ({"point": []}, True)],
)
def test_a_list_of_points_may_be_empty_or_missing_which_is_not_the_same(
    container: Any, is_listed: bool
) -> None:
    assert parsed(one17(annopoints=container)).listed.tolist() == [is_listed]


def test_frames_with_people_are_labelled_where_a_file_does_not_say() -> None:
    old, new = one17(), one18()
    old["annolist"] += [{"annorect": []}, {"is_labeled": [1]}, {}]
    new["images"] += [{"id": 6}, {"id": 7, "is_labeled": True}]

    assert parsed(old).is_labeled.tolist() == [True, False, True, False]
    assert parsed(new).is_labeled.tolist() == [True, False, True]


def test_ignore_regions_are_read_and_those_of_two_points_left_out_with_a_note() -> None:
    new, old = one18(), one17()
    new["images"][0] |= {"ignore_regions_x": [[0, 1, 2], [3]], "ignore_regions_y": [[4, 5, 6], [7]]}
    old["annolist"][0]["ignore_regions"] = [
        {"point": [{"x": [k], "y": [k + 4]} for k in range(3)]},
        {"point": [{"x": 1, "y": 2}]},
    ]

    for document in (new, old):
        found = parsed(document)
        assert found.regions.vertices.tolist() == [[0, 4], [1, 5], [2, 6]]
        assert found.notes == ("ignore regions of fewer than 3 points were left out",)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], ["expected an object, found list"]),
        ({}, ["'images' is missing"]),
        ({"images": [], "annotations": [3]}, ["annotations[0]", "expected an object, found int"]),
        (one18(keypoints=[1.0] * 50), ["annotations[0].keypoints", "51 numbers", "found 50"]),
        (one18(keypoints=[float("nan")] * 51), ["annotations[0].keypoints", "found nan"]),
        (one18(keypoints=None), ["annotations[0].keypoints", "NoneType"]),
        (one18(scores=[1] * 16), ["annotations[0].scores", "17 numbers", "found 16"]),
        (one18(scores=[None] * 17), ["annotations[0].scores", "found None"]),
        (one18(bbox_head=[1, 2, 3]), ["annotations[0].bbox_head", "4 numbers", "found 3"]),
        (one18(track_id="a"), ["annotations[0].track_id", "a whole number, found 'a'"]),
        (one18(track_id=2**70), ["annotations[0].track_id", "a number too large"]),
        (one18(image_id=6), ["annotations[0].image_id: 6 is not the id of an image"]),
        ({**one18(), "categories": [{}, {}]}, ["one category", "found 2"]),
        ({**one18(), "categories": [{"keypoints": ["toe"]}]}, ["found 'toe'", "nose, head_bottom"]),
        ({**one18(), "categories": [{"keypoints": ["nose"] * 2}]}, ["a name occurs twice"]),
        ({"images": [{"id": 1}] * 2, "annotations": []}, ["images: the id 1 occurs twice"]),
        (
            {"images": [{"id": k, "file_name": f"{k}/1.jpg"} for k in (1, 2)], "annotations": []},
            ["holds frames of '1' and '2'", "one video"],
        ),
        ({"images": [{"id": 1, "file_name": 7}], "annotations": []}, ["images[0].file_name"]),
        (
            {"images": [{"id": 1, "ignore_regions_x": [[1]]}], "annotations": []},
            ["images[0].ignore_regions_x, _y", "as many polygons"],
        ),
        (
            {
                "images": [{"id": 1, "ignore_regions_x": [[1, 2]], "ignore_regions_y": [[1]]}],
                "annotations": [],
            },
            ["images[0].ignore_regions_x, _y[0]", "as many numbers"],
        ),
        ({"annolist": {}}, ["annolist", "expected list, found dict"]),
        (one17(annopoints=[{"point": [{"id": [15], "x": [1], "y": [1]}]}]), ["found 15"]),
        (one17(annopoints=[{"point": [{"id": [1], "y": [1]}]}]), ["a point's x", "found None"]),
        (one17(annopoints=[1]), ["annorect[0].annopoints", "one object with a list 'point'"]),
        (one17(x1=[1], y1=[2], x2=[3]), ["annorect[0]: x1, y1, x2, y2", "found None"]),
        (one17(track_id=[1.5]), ["annorect[0].track_id", "found 1.5"]),
    ],
)
def test_a_fault_is_told_with_its_place(document: Any, words: list[str]) -> None:
    assert_told(document, *words)


def test_a_file_cut_in_the_middle_is_told(stored: Store) -> None:
    text = json.dumps(one18())

    for end in (0, 1, len(text) // 2, len(text) - 1):
        with pytest.raises(AnnotationError, match=r"v\.json: expected JSON .*seems to be cut off"):
            read(stored("v.json", text[:end]))


@pytest.mark.parametrize("text", ["nothing", "[" * 100_000, '{"images": 1' + "0" * 5000 + "}"])
def test_a_file_that_is_no_json_is_told(text: str, stored: Store) -> None:
    with pytest.raises(AnnotationError, match=r"v\.json: "):
        read(stored("v.json", text))


def test_a_token_that_json_does_not_know_is_told_with_its_place(stored: Store) -> None:
    text = json.dumps(one18(keypoints=[*[0] * 50, float("inf")]))

    with pytest.raises(AnnotationError, match=r"annotations\[0\]\.keypoints: .*found inf"):
        read(stored("v.json", text))


def test_a_folder_and_a_missing_file_are_told(tmp_path: Path) -> None:
    (tmp_path / "v.json").mkdir()

    with pytest.raises(AnnotationError, match="this is a folder, expected a JSON file"):
        read(tmp_path / "v.json")
    with pytest.raises(AnnotationError, match="cannot be read"):
        read(tmp_path / "gone.json")


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=6,
)
quiet = settings(
    database=None,
    derandomize=True,
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def outcome(made: Callable[[], FlatSequence]) -> FlatSequence | str:
    """What was read, or what was told instead; any other error is the reader's fault."""
    try:
        return made()
    except AnnotationError as error:
        return str(error)


def assert_sound(found: FlatSequence) -> None:
    """All arrays have the shapes and ranges that scores rely on."""
    count, frames = len(found.frame), len(found)
    assert np.isfinite(found.points).all()
    assert np.isfinite(found.scores).all()
    assert found.points.shape == (count, 15, 2)
    assert found.present.shape == found.scores.shape == (count, 15)
    assert found.track.shape == found.has_track.shape == found.head.shape == (count,)
    assert found.listed.shape == (count,)
    assert found.is_labeled.shape == (frames,)
    assert (np.diff(found.frame) >= 0).all()
    assert set(found.frame.tolist()) <= set(range(frames))
    assert found.regions.size.sum() == len(found.regions.vertices)
    assert (found.regions.size >= 3).all()
    assert all(name.isprintable() for name in found.frame_names)


@pytest.fixture
def rich(posetrack18: Document, posetrack17: Document) -> list[Document]:
    """Documents of both formats that have every field that is read."""
    for number, person in enumerate(posetrack18["annotations"]):
        person["scores"] = [(k + number) / 20 for k in range(17)]
    for frame in posetrack17["annolist"]:
        for person in frame["annorect"]:
            for points in person["annopoints"]:
                for point in points["point"]:
                    point["score"] = [0.25]
    return [posetrack18, posetrack17]


@pytest.mark.parametrize("kind", [0, 1], ids=["18", "17"])
@quiet
@given(data=st.data())
def test_a_damaged_document_is_read_or_told(
    kind: int,
    data: st.DataObject,
    rich: list[Document],
    damaged: Callable[[Any], st.SearchStrategy[Any]],
) -> None:
    document = data.draw(damaged(rich[kind]))

    found = outcome(lambda: parsed(document))

    if isinstance(found, FlatSequence):
        assert_sound(found)
    else:
        assert found.startswith("v.json")
        assert "\n" not in found
        assert len(found) < 1000


@quiet
@given(document=ANYTHING)
def test_any_document_is_read_or_told(document: Any) -> None:
    found = outcome(lambda: parsed(document))

    assert isinstance(found, FlatSequence) or found.startswith("v.json")


@quiet
@given(make=st.sampled_from([one18, one17]), data=st.data())
def test_damaged_bytes_are_read_or_told(
    make: Callable[..., Document], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    raw = bytearray(json.dumps(make()).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.json"
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])

    found = outcome(lambda: read(path))

    assert isinstance(found, FlatSequence) or str(path) in found
