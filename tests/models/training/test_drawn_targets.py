"""Targets and loss of the embedded family."""

import numpy as np
import pytest
import torch

from models.training.drawn_targets import (
    distillation_loss,
    gaussians,
    keypoint_loss,
    log_probabilities,
)


def test_a_drawn_map_sums_to_one_and_peaks_at_its_point() -> None:
    maps = gaussians(torch.tensor([[[5.0, 9.0]]]), (12, 16), 1.5)

    assert float(maps.sum()) == pytest.approx(1, abs=1e-5)
    assert divmod(int(maps.argmax()), 12) == (9, 5)


def test_cells_and_nowhere_share_the_probability() -> None:
    cells, nowhere = log_probabilities(torch.randn(2, 3, 4, 5))

    total = cells.exp().sum((2, 3)) + nowhere.exp()
    np.testing.assert_allclose(total.numpy(), 1, rtol=1e-5)


def truth(x: float, y: float, flag: float) -> torch.Tensor:
    return torch.tensor([[[x, y, flag]]])


def loss_of(logits: torch.Tensor, keypoints: torch.Tensor, *, absent: bool) -> float:
    known = torch.tensor([absent])
    return float(keypoint_loss(logits, keypoints, known, stride=4.0, sigma=1.5))


def test_the_right_place_costs_less_than_a_wrong_one() -> None:
    right = 8 * gaussians(torch.tensor([[[5.0, 9.0]]]), (12, 16), 1.5) / 0.07
    wrong = 8 * gaussians(torch.tensor([[[2.0, 3.0]]]), (12, 16), 1.5) / 0.07

    keypoints = truth(20, 36, 2)

    assert loss_of(right, keypoints, absent=False) < loss_of(wrong, keypoints, absent=False) - 1


@pytest.mark.parametrize(
    ("keypoints", "absent"), [(truth(500, 36, 2), False), (truth(0, 0, 0), True)]
)
def test_a_keypoint_outside_or_known_to_be_absent_is_nowhere(
    keypoints: torch.Tensor, absent: bool
) -> None:
    silent, loud = torch.full((1, 1, 16, 12), -9.0), torch.full((1, 1, 16, 12), 9.0)

    assert loss_of(silent, keypoints, absent=absent) < 0.1
    assert loss_of(loud, keypoints, absent=absent) > 3


def test_an_unlabelled_keypoint_teaches_nothing() -> None:
    assert loss_of(torch.randn(1, 1, 16, 12), truth(0, 0, 0), absent=False) == 0


def test_a_student_that_says_what_its_teacher_says_cannot_do_better() -> None:
    torch.manual_seed(0)
    teacher = 3 * torch.randn(2, 3, 6, 5)

    alike = distillation_loss(teacher, teacher)

    for _ in range(20):
        assert distillation_loss(teacher + torch.randn_like(teacher), teacher) > alike


def test_a_teacher_learns_nothing_from_its_student() -> None:
    teacher = torch.randn(1, 2, 4, 4, requires_grad=True)
    student = torch.randn(1, 2, 4, 4, requires_grad=True)

    torch.autograd.backward(distillation_loss(student, teacher))

    assert teacher.grad is None
    assert student.grad is not None
