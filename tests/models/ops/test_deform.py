"""Deformable convolution: where its taps look."""

import pytest
import torch
from torchvision.ops import deform_conv2d

from models.ops.deform import DeformConv, sampled_conv


def test_without_offsets_it_is_a_dilated_convolution():
    torch.manual_seed(0)
    module = DeformConv(4, 6, kernel=3, dilation=2)
    maps = torch.rand(2, 4, 9, 7)

    warped = module(maps, torch.zeros(2, 2 * 9, 9, 7))

    expected = torch.nn.functional.conv2d(maps, module.weight, padding=2, dilation=2)
    torch.testing.assert_close(expected, warped)


def test_each_groups_offsets_are_y_then_x_and_move_its_own_map():
    module = DeformConv(2, 2, kernel=3, dilation=1)
    with torch.no_grad():
        module.weight.zero_()
        module.weight[0, 0, 1, 1] = module.weight[1, 1, 1, 1] = 1  # the centre tap, number 4
    maps = torch.rand(1, 2, 8, 8)
    offsets = torch.zeros(1, 2 * 2 * 9, 8, 8)
    offsets[:, 2 * (9 + 4)] = 1  # the second map looks one cell down
    offsets[:, 2 * (9 + 4) + 1] = 2  # and two to the right

    warped = module(maps, offsets)

    torch.testing.assert_close(maps[:, 0], warped[:, 0])
    torch.testing.assert_close(maps[:, 1, 1:, 2:], warped[:, 1, :-1, :-2])
    assert warped[:, 1, -1].abs().max() == 0


def test_a_row_of_taps_looks_where_its_offsets_say():
    module = DeformConv(1, 1, kernel=(1, 3), dilation=1)
    with torch.no_grad():
        module.weight[:] = torch.tensor([0.0, 0.0, 1.0])  # the right tap, one to the right
    maps = torch.rand(1, 1, 5, 6)
    offsets = torch.zeros(1, 6, 5, 6)
    offsets[:, 4] = 1  # and one down

    warped = module(maps, offsets)

    assert warped.shape == maps.shape
    torch.testing.assert_close(maps[:, :, 1:, 1:], warped[:, :, :-1, :-1])


@pytest.mark.parametrize(("kernel", "dilation"), [((1, 5), 1), ((3, 3), 2)])
def test_what_learns_on_a_cpu_has_the_same_values_and_gradients(kernel, dilation):
    torch.manual_seed(0)
    module = DeformConv(4, 6, kernel=kernel, dilation=dilation)
    taps = kernel[0] * kernel[1]
    maps = torch.rand(2, 4, 9, 7, dtype=torch.float64, requires_grad=True)
    offsets = 4 * torch.randn(2, 2 * taps, 9, 7, dtype=torch.float64)  # some lead out of the map
    offsets.requires_grad_()
    weight = module.weight.detach().double().requires_grad_()

    own = sampled_conv(maps, offsets, weight, module.padding, dilation)
    other = deform_conv2d(maps, offsets, weight, padding=module.padding, dilation=dilation)

    torch.testing.assert_close(own, other)
    given = (maps, offsets, weight)
    for one, expected in zip(
        torch.autograd.grad(own.square().sum(), given),
        torch.autograd.grad(other.square().sum(), given),
        strict=True,
    ):
        torch.testing.assert_close(one, expected)
