import numpy as np
import pytest

from data.errors import AnnotationError
from data.frame import Frame
from data.pose import Box, Pose
from data.posetrack import Annotated, Person, Sequence
from data.skeleton import COCO_17
from pipelines.people import FromAnnotations, FromBackend, FromDetector


def frame(index=0):
    return Frame(index, 0.0, np.full((4, 6, 3), 7, np.uint8), "0")


def test_a_detector_gets_the_image_and_its_boxes_are_the_people():
    box = Box(0, 0, 3, 4)

    found = FromDetector(lambda image: [box] if image[0, 0, 0] == 7 else []).find(frame())

    assert found == [box]


def test_a_backend_gives_the_boxes_of_its_poses():
    class Backend:
        skeleton = COCO_17

        def poses(self, image):
            points = np.zeros((17, 2), np.float32)
            return [Pose(points, np.ones(17, np.float32), Box(1, 1, 2, 3), 0.5)]

    assert FromBackend(Backend()).find(frame()) == [Box(1, 1, 2, 3)]


def test_a_backends_guesses_are_not_taken_for_people():
    class Backend:
        skeleton = COCO_17

        def poses(self, image):
            points, sure = np.zeros((17, 2), np.float32), np.ones(17, np.float32)
            scores = (0.9, 0.3, 0.29)
            return [Pose(points, sure, Box(i, 1, 9, 9), s) for i, s in enumerate(scores)]

    boxes = FromBackend(Backend(), 0.3).find(frame())

    assert [box.left for box in boxes] == [0, 1]


def annotated(*people):
    return Sequence("clip", (Annotated("0.jpg", people, 1), Annotated("1.jpg", (), 2)))


def test_annotated_people_have_their_boxes_or_those_of_their_keypoints():
    points, visible = np.zeros((17, 2)), np.zeros(17)
    points[:2], visible[:2] = [(10, 20), (20, 40)], 1
    boxed = Person(points, visible, track=1, box=Box(0, 0, 50, 60))
    bare, empty = Person(points, visible, track=2), Person(points * 0, visible * 0, track=3)

    finder = FromAnnotations(annotated(boxed, bare, empty))

    first, second = finder.find(frame())
    assert first == Box(0, 0, 50, 60)
    assert (second.left <= 10, second.bottom >= 40) == (True, True)
    assert finder.find(frame(1)) == []


def test_a_video_longer_than_its_annotations_is_an_error_that_says_so():
    with pytest.raises(AnnotationError, match=r"Frame 2 .* clip ends after 2 frames"):
        FromAnnotations(annotated()).find(frame(2))
