"""Known people: the finder works, but is not listened to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data.crop import Crop
from data.frame import Frame, Image
from data.heatmaps import Heatmaps
from data.pose import Box
from data.skeleton import COCO_17
from fspose_app.bench.known import KnownFinder, KnownPeople
from pipelines.timing import Stopwatch

HERE, THERE = Box(0, 0, 20, 40), Box(30, 0, 50, 40)


def frame(index: int) -> Frame:
    return Frame(index, index / 10, np.zeros((60, 60, 3), np.uint8), str(index))


class Net:
    """Every keypoint in the middle of its crop."""

    skeleton = COCO_17

    def heatmaps(self, image: Image, boxes: Sequence[Box]) -> list[Heatmaps]:
        maps = np.zeros((17, 9, 9), np.float32)
        maps[:, 4, 4] = 1
        return [Heatmaps(maps, Crop.around(box, (9, 9), 1.0)) for box in boxes]


class Finder:
    def __init__(self) -> None:
        self.asked = 0

    def find(self, frame: Frame) -> list[Box]:
        self.asked += 1
        return [Box(1, 1, 2, 2)]


def test_a_finder_is_run_and_answered_for() -> None:
    finder = Finder()

    found = KnownFinder(finder, [[HERE], [HERE, THERE]]).find(frame(1))

    assert (finder.asked, found) == (1, [HERE, THERE])


def test_one_network_reads_everyone_on_every_frame() -> None:
    watch, looked = Stopwatch(), []
    pipeline = KnownPeople(lambda image: looked.append(image) or [], Net(), [[HERE], []], watch)

    results = list(pipeline([frame(0), frame(1), frame(2)]))

    assert [len(result.poses) for result in results] == [1, 0, 0]
    assert len(looked) == 3
    np.testing.assert_allclose(results[0].poses[0].keypoints.mean(0), (10, 20), atol=3)
    assert set(watch.seconds) == {"find", "slow", "decode"}
