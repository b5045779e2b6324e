"""hpos's losses, but for those of keypoints, which are compared in tests/parity."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from models.networks import hpos
from models.networks.hpos import Hpos
from models.networks.rcnn import Anchored, BoxAnswer
from models.training.hpos_loss import (
    Looked,
    Losses,
    box_losses,
    keypoint_loss,
    losses,
    region_losses,
)
from models.training.hpos_targets import Labels, Truth

SIZE = (64, 96)
KEYPOINTS = 3


@pytest.fixture
def network() -> Hpos:
    torch.manual_seed(0)
    return hpos.over_resnet(
        (1, 1, 1, 1),
        keypoints=KEYPOINTS,
        widths=(8, 16, 16, 32),
        stem_width=8,
        channels=16,
        box_width=16,
        head_width=16,
    )


def person(x: float = 40, y: float = 30) -> Truth:
    """Somebody of 32 x 40 pixels around a point, with all keypoints there."""
    box = torch.tensor([[x - 16.0, y - 20, x + 16, y + 20]])
    return Truth(box, torch.tensor([[[x, y, 2.0]] * KEYPOINTS]), SIZE)


def nobody() -> Truth:
    return Truth(torch.zeros(0, 4), torch.zeros(0, KEYPOINTS, 3), SIZE)


def taught(network: Hpos, truths: list[Truth], seed: int = 0) -> Losses:
    torch.manual_seed(seed)
    answer = network(torch.rand(len(truths), 3, *SIZE) * 100)
    return losses(network, answer, truths, torch.Generator().manual_seed(seed))


def gradients(network: Hpos) -> dict[str, Tensor]:
    return {n: p.grad for n, p in network.named_parameters() if p.grad is not None}


def test_every_learnt_number_has_a_finite_gradient(network: Hpos) -> None:
    taught(network, [person(), person(60, 32), nobody()]).total.backward()

    found = gradients(network)
    learnt = {n for n, p in network.named_parameters() if p.requires_grad}
    assert learnt == set(found)
    assert all(bool(grad.isfinite().all()) for grad in found.values())
    for name in ("proposal_generator.rpn_head.conv", "roi_heads.box_head.fc1"):
        assert bool(found[f"{name}.weight"].any())
    assert bool(found["roi_heads.keypoint_head.MHSA_1.MHSA.pos_emb.rel_width"].any())


def test_a_batch_without_anybody_is_taught_that(network: Hpos) -> None:
    found = taught(network, [nobody(), nobody()])
    found.total.backward()

    rpn_cls, rpn_loc, cls, box, keypoint = (float(part.detach()) for part in found)
    assert (rpn_loc, box, keypoint) == (0, 0, 0)
    assert rpn_cls > 0
    assert cls > 0
    assert all(bool(grad.isfinite().all()) for grad in gradients(network).values())
    assert all(bool(tensor.isfinite().all()) for tensor in network.state_dict().values())


def test_a_person_without_keypoints_teaches_the_detector_only(network: Hpos) -> None:
    unseen = person()._replace(keypoints=torch.zeros(1, KEYPOINTS, 3))

    found = taught(network, [unseen])

    assert float(found.box.detach()) > 0
    assert float(found.keypoint.detach()) == 0


def test_the_third_image_of_a_batch_teaches_too(network: Hpos) -> None:
    """The published code ends with an error there."""
    found = taught(network, [nobody(), nobody(), person()])

    assert float(found.keypoint.detach()) > 0


def test_losses_of_anchors_are_shared_by_all_that_can_be_drawn() -> None:
    """Two anchors: one is the person's, and off by a tenth of its width; one is nobody's."""
    anchors = torch.tensor([[10.0, 0, 110, 100], [500, 500, 600, 600]])
    truth = Truth(torch.tensor([[0.0, 0, 100, 100]]), torch.zeros(1, 1, 3), (999, 999))
    level = Anchored(torch.zeros(1, 2), torch.zeros(1, 2, 4), anchors)

    cls, loc = region_losses([level], [truth], torch.Generator())

    assert float(cls) == pytest.approx(2 * math.log(2) / 256)
    assert float(loc) == pytest.approx(0.1 / 256)


def test_losses_of_boxes_are_shared_by_all_regions() -> None:
    """Of four regions one is a person's, and 0.4 off in the coder's units; 0.2 is 0.04 at BEND."""
    looked = Looked(torch.tensor([[4.0, 0, 104, 100]] * 4), torch.tensor([0]))
    said = BoxAnswer(torch.zeros(4, 2), torch.zeros(4, 4))
    truth = Truth(torch.tensor([[0.0, 0, 100, 100]]), torch.zeros(1, 1, 3), (999, 999))

    cls, box = box_losses([said], [looked], [truth])

    assert float(cls) == pytest.approx(math.log(2))
    assert float(box) == pytest.approx(0.5 * 0.4**2 / 0.5 / 4)


def test_the_keypoint_loss_is_the_mean_over_labelled_ones() -> None:
    logits = torch.zeros(2, 2, 56, 56)
    labels = Labels(torch.tensor([[5, 0], [7, 9]]), torch.tensor([[True, False], [True, True]]))

    assert float(keypoint_loss(logits, labels)) == pytest.approx(math.log(56 * 56))


def test_without_labelled_keypoints_the_loss_is_0_and_on_the_graph() -> None:
    logits = torch.ones(1, 2, 56, 56, requires_grad=True)
    labels = Labels(torch.zeros(1, 2, dtype=torch.int64), torch.zeros(1, 2, dtype=torch.bool))

    loss = keypoint_loss(logits, labels)
    loss.backward()

    assert float(loss.detach()) == 0
    assert logits.grad is not None
