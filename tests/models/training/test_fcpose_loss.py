"""What the recorded case of FCPose's losses does not show: the defects that are not here."""

from __future__ import annotations

import pytest
import torch

from models.networks import fcpose
from models.networks.fcos import LevelAnswer
from models.networks.fcpose import FCPose
from models.training.fcos_loss import BACKGROUND, assigned
from models.training.fcpose_loss import Truth, drawn_keypoints, keypoint_cells, losses

SIZE = (64, 96)
KEYPOINTS = 3


@pytest.fixture
def network() -> FCPose:
    torch.manual_seed(0)
    return fcpose.over_resnet(
        (1, 1, 1, 1),
        widths=(8, 16, 16, 32),
        stem_width=8,
        keypoints=KEYPOINTS,
        channels=64,
        basis_width=16,
        bases=4,
        hidden=8,
    )


def person(x: float = 40, y: float = 30) -> Truth:
    """Somebody of 32 x 40 pixels around a point, with all keypoints there."""
    box = torch.tensor([[x - 16.0, y - 20, x + 16, y + 20]])
    return Truth(box, torch.tensor([[[x, y, 2.0]] * KEYPOINTS]), SIZE)


def nobody() -> Truth:
    return Truth(torch.zeros(0, 4), torch.zeros(0, KEYPOINTS, 3), SIZE)


def gradients(network: FCPose) -> dict[str, torch.Tensor]:
    return {n: p.grad for n, p in network.named_parameters() if p.grad is not None}


def taught(network: FCPose, truths: list[Truth], seed: int = 0, **more: float) -> torch.Tensor:
    torch.manual_seed(seed)
    images = torch.rand(len(truths), 3, *SIZE) * 100
    answer, auxiliary = network.with_auxiliary(images)
    return losses(network, answer, auxiliary, truths, **more).total


def test_every_learnt_number_has_a_finite_gradient(network: FCPose) -> None:
    taught(network, [person(), person(60, 32)]).backward()

    found = gradients(network)
    learnt = {n for n, p in network.named_parameters() if p.requires_grad}
    unused = {n for n in learnt if ".scales." in n}  # of levels on which nobody is
    assert learnt - unused <= set(found)
    assert all(bool(grad.isfinite().all()) for grad in found.values())
    assert bool(found["proposal_generator.fcpose_head.atten_producer.weight"].any())


def test_a_batch_without_anybody_is_taught_that(network: FCPose) -> None:
    """The published code divides by zero."""
    total = taught(network, [nobody(), nobody()])
    total.backward()

    found = gradients(network)
    assert bool(total.isfinite())
    assert all(bool(grad.isfinite().all()) for grad in found.values())
    assert bool(found["proposal_generator.fcos.fcos_head.cls_logits.weight"].any())
    assert not found["proposal_generator.fcpose_head.atten_producer.weight"].any()


def test_a_cell_that_lies_on_the_keypoint_has_a_gradient(network: FCPose) -> None:
    """The published code's is not a number there."""
    with torch.no_grad():
        last = network.basis.tower[4]
        last.weight.zero_()
        last.bias.zero_()

    total = taught(network, [person(36, 28)])  # a cell's own point, and offsets of 0
    total.backward()

    assert all(bool(grad.isfinite().all()) for grad in gradients(network).values())


def test_the_keypoints_of_the_third_image_count_too(network: FCPose) -> None:
    """The published code looks at two images of a batch."""
    network.eval()
    with torch.no_grad():
        torch.manual_seed(0)
        answer, auxiliary = network.with_auxiliary(torch.rand(3, 3, *SIZE) * 100)
        found = losses(network, answer, auxiliary, [nobody(), nobody(), person()])

    assert float(found.keypoint) > 0
    assert float(found.direction) > 0


def test_a_person_without_keypoints_teaches_the_detector_only(network: FCPose) -> None:
    network.eval()
    torch.manual_seed(0)
    with torch.no_grad():
        answer, auxiliary = network.with_auxiliary(torch.rand(1, 3, *SIZE))
        unseen = person()._replace(keypoints=torch.zeros(1, KEYPOINTS, 3))
        found = losses(network, answer, auxiliary, [unseen])

    assert float(found.fcos.loc) > 0
    assert (float(found.keypoint), float(found.direction)) == (0, 0)


def test_the_keypoint_losses_can_be_shared_among_processes(network: FCPose) -> None:
    network.eval()
    torch.manual_seed(0)
    with torch.no_grad():
        answer, auxiliary = network.with_auxiliary(torch.rand(1, 3, *SIZE))
        whole = losses(network, answer, auxiliary, [person()])
        eighth = losses(network, answer, auxiliary, [person()], keypoint_share=1 / 8)

    torch.testing.assert_close(whole.keypoint / 8, eighth.keypoint)
    torch.testing.assert_close(whole.direction / 8, eighth.direction)
    torch.testing.assert_close(whole.p1, eighth.p1)


def test_a_drawn_map_ends_where_its_own_image_does() -> None:
    """Padded to the batch's size afterwards."""
    truth = Truth(torch.zeros(1, 4), torch.tensor([[[31.0, 5.0, 1.0]]]), (20, 30))

    (maps,) = drawn_keypoints([truth], 2, (32, 48))

    assert maps.shape == (1, 32, 48)
    assert float(maps[0, 2, 15]) == 1
    assert float(maps[0, :, 16:].sum()) == float(maps[0, 16:].sum()) == 0
    assert float(maps[0, 2, 15 - 6]) > 0
    assert float(maps[0, 2, 15 - 7]) == 0


def test_a_keypoint_outside_the_image_is_nowhere() -> None:
    keypoints = torch.tensor([[[-9.0, 5, 1], [5, 5, 0], [33, 5, 1], [1.9, 3.9, 2]]])
    truth = Truth(torch.zeros(1, 4), keypoints, (20, 30))

    assert keypoint_cells(truth, 48).tolist() == [[-1, -1, -1, 48 + 0]]
    assert float(drawn_keypoints([truth], 2, (16, 16))[0, :3].sum()) == 0


def test_of_several_people_a_cell_answers_for_the_smallest() -> None:
    maps = torch.zeros(1, 1, 8, 8)
    level = LevelAnswer(maps, maps.expand(1, 4, 8, 8), maps, maps)
    boxes = torch.tensor([[4.0, 4, 60, 60], [20, 20, 40, 40]])

    found = assigned([level], (8,), [boxes], [64])

    people = found.people.view(8, 8)
    assert people[3, 3] == 1
    assert people[0, 0] == BACKGROUND
    assert {0, 1} >= set(people[people != BACKGROUND].tolist())
