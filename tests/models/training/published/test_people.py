"""Who of an annotated set is learned from."""

from dataclasses import replace

import numpy as np
import pytest

from data.errors import AnnotationError, SourceError
from data.pose import Box
from data.posetrack import Annotated, Person, Sequence
from data.posetrack_set import AnnotatedSet
from data.skeleton import POSETRACK_17
from models.training.published.people import require_images, subjects


def one(person: Person, size: tuple[int, int] | None = (100, 80)) -> AnnotatedSet:
    frame = Annotated("images/train/a/000003.jpg", (person,), 1, size=size)
    return AnnotatedSet((Sequence("a", (frame,)),), "0" * 64)


def someone(**changes: object) -> Person:
    points = np.full((17, 2), 30.0)
    return replace(Person(points, np.full(17, 2.0), 5, Box(-10, 10, 60, 95)), **changes)


def test_a_box_is_cleaned_and_visibility_is_one_at_most():
    (found,) = subjects(one(someone()))

    assert found.box.xywh == (0, 10, 69, 69)
    assert found.visible.tolist() == [1] * 17
    assert str(found.key) == "train/a/000003, track 5"


def test_ears_of_a_drawn_set_teach_nothing(people):
    ears = [POSETRACK_17.index(f"{side}_ear") for side in ("left", "right")]

    assert not any(subject.visible[ears].any() for subject in people)
    assert np.mean([subject.visible.mean() for subject in people]) > 0.6


@pytest.mark.parametrize(
    "changes",
    [
        {"box": None},
        {"box": Box(200, 10, 260, 60)},
        {"keypoints": np.zeros((17, 2)), "visibility": np.zeros(17)},
    ],
)
def test_who_has_no_keypoint_or_no_box_in_the_picture_is_left_out(changes):
    with pytest.raises(AnnotationError, match="Nobody in the annotations"):
        subjects(one(someone(**changes)))


def test_a_frame_of_unknown_size_is_told_with_what_mends_it():
    with pytest.raises(AnnotationError, match=r"000003\.jpg: width and height .* prepare"):
        subjects(one(someone(), size=None))


def test_missing_images_are_counted_before_anything_is_learned(people, locate, tmp_path):
    require_images(people, locate)
    first = people[0].frame_name

    def elsewhere(name):
        return tmp_path / name if name == first else locate(name)

    with pytest.raises(SourceError, match=r"^1 of 6 images are missing, the first is .*000000"):
        require_images(people, elsewhere)
