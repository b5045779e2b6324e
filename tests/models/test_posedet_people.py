"""From PoseDet's maps to people: what the recorded cases do not show."""

import torch

from data.skeleton import COCO_17, CROWDPOSE_14
from models.networks.posedet import Level
from models.posedet_people import Candidates, candidates, people, turned_back

LOUD = 4.0  # a logit


def level(stride: int, height: int, width: int, *, keypoints: int = 17, batch: int = 1) -> Level:
    quiet = torch.full((batch, 1, height, width), -LOUD)
    offsets = torch.zeros(batch, 2 * keypoints, height, width)
    return Level(stride, quiet, offsets, offsets.clone())


def test_each_image_of_a_batch_has_its_own_people():
    cells = level(8, 4, 4, batch=2)
    cells.logits[1, 0, 2, 3] = LOUD

    first, second = candidates([cells], size=(32, 32), most=5, least_score=0.5)

    assert len(first.scores) == 0
    assert second.points[:, 0].tolist() == [[24, 16]]


def test_only_the_strongest_of_a_level_are_taken():
    fine, coarse = level(8, 4, 4), level(16, 2, 2)
    fine.logits[0, 0, 0] = torch.tensor([1.0, 4.0, 2.0, 3.0])
    coarse.logits[:] = 0.5

    (found,) = candidates([fine, coarse], size=(32, 32), most=2, least_score=0.5)

    assert found.points[:, 0].tolist() == [[8, 0], [24, 0], [0, 0], [16, 0]]


def test_points_stay_within_the_part_of_the_input_that_is_the_image():
    cells = level(8, 4, 4)
    cells.logits[0, 0, 3, 3] = LOUD
    cells.refined[0, 0, 3, 3] = -100  # y of the first keypoint
    cells.refined[0, 1, 3, 3] = 100

    (found,) = candidates([cells], size=(30, 25), most=2, least_score=0.5)

    assert found.points[0, :2].tolist() == [[30, 0], [24, 24]]


def test_a_mirrored_image_is_turned_back_by_the_images_own_width():
    points = torch.rand(3, 17, 2) * 50
    view = Candidates(points, torch.rand(3))

    back = turned_back(view, 64.0, COCO_17.mirror)

    left, right = COCO_17.index("left_knee"), COCO_17.index("right_knee")
    torch.testing.assert_close(back.points[:, left, 0], 64 - points[:, right, 0])
    torch.testing.assert_close(back.points[:, left, 1], points[:, right, 1])
    again = turned_back(back, 64.0, COCO_17.mirror)
    torch.testing.assert_close(again.points, points)


def test_crowdposes_abdomen_is_dropped_and_has_no_say():
    points = torch.rand(1, 15, 2).repeat(2, 1, 1) * 200
    points[1, 14] += 4000

    found = people(
        [Candidates(points, torch.tensor([0.5, 0.9]))], CROWDPOSE_14, overlap=0.3, most=9
    )

    assert found.points.shape == (1, 14, 2)
    assert found.scores.tolist() == torch.tensor([0.9]).tolist()
