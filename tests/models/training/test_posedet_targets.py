"""PoseDet's targets: what the recorded case does not show."""

import torch

from data.skeleton import COCO_17, CROWDPOSE_14
from models.training.posedet_targets import (
    LEFT_OUT,
    NOBODY,
    Truth,
    assigned,
    heatmap_targets,
    similarities,
)

MAPS = ((8, 8, 8), (16, 4, 4))  # of an image of 64 x 64
CELLS = 8 * 8 + 4 * 4
SIGMAS = torch.from_numpy(COCO_17.sigmas)


def person(left: float, top: float, side: float, keypoints: int = 17) -> torch.Tensor:
    """Keypoints on the diagonal of a square."""
    steps = torch.linspace(0, side, keypoints)
    return torch.stack([left + steps, top + steps, torch.full((keypoints,), 2.0)], 1)


def truth(*people: torch.Tensor) -> Truth:
    keypoints = torch.stack(people) if people else torch.zeros(0, 17, 3)
    low, high = keypoints[..., :2].amin(1), keypoints[..., :2].amax(1)
    return Truth(keypoints, torch.cat([low, high], 1), (keypoints[..., 2] > 0).sum(1))


def test_an_image_without_people_is_all_background():
    found = assigned(truth(), torch.zeros(CELLS, 17, 2), MAPS, SIGMAS)

    assert [part.unique().tolist() for part in found] == [[NOBODY]] * 3


def test_an_image_whose_people_have_too_few_keypoints_is_left_out_of_the_scores():
    few = person(10, 10, 30)
    few[2:, 2] = 0

    found = assigned(truth(few), torch.zeros(CELLS, 17, 2), MAPS, SIGMAS)

    assert found.first.unique().tolist() == [NOBODY]
    assert found.scored.unique().tolist() == [LEFT_OUT]


def test_a_person_is_the_level_s_whose_stride_is_a_quarter_of_it():
    small, large = person(8, 8, 32), person(0, 0, 64)

    found = assigned(truth(small, large), torch.zeros(CELLS, 17, 2), MAPS, SIGMAS).first

    assert found[3 * 8 + 3] == 1  # (24, 24) in cells of 8
    assert found[64 + 2 * 4 + 2] == 2  # (32, 32) in cells of 16
    assert (found > 0).sum() == 2


def test_whoever_is_nearer_in_their_own_measure_has_the_cell_both_want():
    off, on = person(10, 10, 32), person(8, 8, 32)

    first = assigned(truth(off, on), torch.zeros(CELLS, 17, 2), MAPS, SIGMAS).first
    other = assigned(truth(on, off), torch.zeros(CELLS, 17, 2), MAPS, SIGMAS).first

    assert (first[27], other[27]) == (2, 1)


def test_a_pose_that_is_the_persons_own_is_refined_and_scored():
    one = person(8, 8, 40)
    poses = torch.zeros(CELLS, 17, 2)
    poses[5] = one[:, :2]

    found = assigned(truth(one), poses, MAPS, SIGMAS)

    assert found.refined[5] == found.scored[5] == 1
    assert (found.refined > 0).sum() == (found.scored > 0).sum() == 1


def test_the_abdomen_has_no_say_in_how_alike_poses_are():
    one = person(8, 8, 40, keypoints=15)
    poses = one[None, :, :2].clone()
    poses[0, 14] += 1000

    alike = similarities(truth(one), poses, torch.from_numpy(CROWDPOSE_14.sigmas))

    assert alike.tolist() == [[1.0]]


def test_a_keypoint_just_outside_the_image_is_drawn_at_its_edge_as_published():
    """Cells are cut toward zero, so the first cell reaches a stride beyond the image."""
    one = person(20, 20, 20)
    one[0, :2] = torch.tensor([-5.0, 20.0])
    one[1, :2] = torch.tensor([-9.0, 20.0])

    target, _ = heatmap_targets(truth(one), 8, 8, 8)

    assert target[0, 2, 0] == 1
    assert target[1].max() == 0


def test_two_peaks_of_a_keypoint_are_joined_by_the_higher():
    target, weights = heatmap_targets(truth(person(16, 16, 0), person(32, 16, 0)), 8, 8, 8)

    assert target[0, 2, 2] == target[0, 2, 4] == 1
    assert torch.isclose(target[0, 2, 3], torch.tensor(-1 / 8).exp())
    assert weights.min() == 1
