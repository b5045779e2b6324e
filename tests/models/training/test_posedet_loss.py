"""PoseDet's losses where the published code fails, and that they teach."""

import pytest
import torch

from data.skeleton import COCO_17
from models.networks.posedet import Level, posedet_dla
from models.training.posedet_loss import losses
from models.training.posedet_targets import Truth

SIGMAS = torch.from_numpy(COCO_17.sigmas)


def somebody() -> Truth:
    keypoints = torch.rand(1, 17, 3, generator=torch.Generator().manual_seed(0)) * 40 + 10
    keypoints[..., 2] = 2
    return Truth(keypoints, torch.tensor([[10.0, 10.0, 50.0, 50.0]]), torch.tensor([17]))


NOBODY = Truth(torch.zeros(0, 17, 3), torch.zeros(0, 4), torch.zeros(0))


def answer(batch: int) -> tuple[list[Level], list[torch.Tensor]]:
    shapes = [(8, 8, 8), (16, 4, 4)]
    levels = [
        Level(stride, *(torch.zeros(batch, c, h, w, requires_grad=True) for c in (1, 34, 34)))
        for stride, h, w in shapes
    ]
    return levels, [torch.zeros(batch, 17, h, w, requires_grad=True) for _, h, w in shapes]


@pytest.mark.parametrize("truths", [[NOBODY], [NOBODY, somebody()]], ids=["nobody", "one of two"])
def test_images_without_people_teach_what_is_no_person(truths):
    levels, heatmaps = answer(len(truths))

    told = losses(levels, heatmaps, truths, SIGMAS)
    told.total.backward()

    assert told.total.isfinite()
    assert levels[0].logits.grad[0].min() > 0  # every score is to fall
    assert levels[0].first.grad[0].abs().max() == 0


def test_a_pose_that_is_exactly_right_has_no_gradient_and_no_loss():
    one = somebody()
    levels, heatmaps = answer(1)
    offsets = [level.first for level in levels]
    with torch.no_grad():
        for level in levels:
            rows, columns = (torch.arange(n, dtype=torch.float32) for n in level.first.shape[2:])
            points = one.keypoints[0, :, :2] / level.stride
            level.first[0, 0::2] = points[:, 1, None, None] - rows[:, None]
            level.first[0, 1::2] = points[:, 0, None, None] - columns

    told = losses(levels, heatmaps, [one], SIGMAS)
    told.first.sum().backward()

    assert told.first.sum() < 1e-6
    assert all(part.grad.isfinite().all() for part in offsets)


def test_a_logit_of_any_size_has_a_finite_loss_and_gradient():
    levels, heatmaps = answer(1)
    with torch.no_grad():
        for maps in (*heatmaps, *(level.logits for level in levels)):
            maps[:] = 1000
            maps[..., 0] = -1000

    told = losses(levels, heatmaps, [somebody()], SIGMAS)
    told.total.backward()

    assert told.total.isfinite()
    assert all(maps.grad.isfinite().all() for maps in heatmaps)
    assert all(level.logits.grad.isfinite().all() for level in levels)


def test_a_batch_counts_every_image():
    """The mean of two equal images is the one's, whatever the batch."""
    one = losses(*answer(1), [somebody()], SIGMAS)
    two = losses(*answer(2), [somebody(), somebody()], SIGMAS)

    torch.testing.assert_close(one.scores, two.scores)
    torch.testing.assert_close(one.total, two.total)


def test_a_narrow_network_learns_an_image():
    torch.manual_seed(0)
    network = posedet_dla(keypoints=17, channels=64, widths=(4, 8, 16, 16, 16, 16))
    image, people = torch.randn(1, 3, 64, 64), [somebody()]
    steps = torch.optim.Adam(network.parameters(), 2e-3)
    values = []

    for _ in range(25):
        told = losses(*network.supervised(image), people, SIGMAS)
        steps.zero_grad()
        told.total.backward()
        steps.step()
        values.append(told)

    assert values[-1].first.sum() < 0.6 * values[0].first.sum()
    assert values[-1].heatmaps < 0.6 * values[0].heatmaps
    assert values[0].refined.sum() == 0 < values[-1].refined.sum()  # poses have come near
