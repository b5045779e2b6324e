"""ResNet in detectron2's layout, and the pyramids on it."""

import torch
from torch import nn

from models.networks.fpn import FPN, OneMore, TwoMore, p2_to_p6, p3_to_p7
from models.networks.resnet import Bottleneck, FrozenNorm, NormedConv, ResNet

SMALL = (8, 16, 16, 32)


def small() -> ResNet:
    torch.manual_seed(0)
    return ResNet((2, 1, 1, 1), widths=SMALL, stem_width=8).eval()


def test_the_maps_have_strides_of_4_to_32() -> None:
    maps = small()(torch.zeros(2, 3, 64, 96))

    shapes = [tuple(x.shape) for x in maps]
    assert shapes == [(2, 8, 16, 24), (2, 16, 8, 12), (2, 16, 4, 6), (2, 32, 2, 3)]


def test_a_stage_halves_in_its_first_1x1_convolution_and_its_shortcut() -> None:
    block = Bottleneck(16, 32, 2)

    assert isinstance(block.shortcut, NormedConv)
    strides = [c.stride[0] for c in (block.conv1, block.conv2, block.conv3, block.shortcut)]
    assert strides == [2, 1, 1, 2]


def test_a_shortcut_is_there_only_where_the_size_changes() -> None:
    network = small()

    first = network.get_submodule("res2.0")
    rest = network.get_submodule("res2.1")
    wider = network.get_submodule("res3.0")
    shortcuts = [block.shortcut for block in (first, rest, wider)]
    assert [shortcut is None for shortcut in shortcuts] == [True, True, False]


def test_frozen_normalisation_adds_epsilon_and_learns_nothing() -> None:
    norm = FrozenNorm(1)
    norm.weight.fill_(2)
    norm.bias.fill_(3)
    norm.running_mean.fill_(1)
    norm.running_var.fill_(4 - 1e-5)

    assert torch.allclose(norm(torch.tensor(5.0).view(1, 1, 1, 1)), torch.tensor(7.0))
    assert list(norm.parameters()) == []
    assert norm.state_dict()._metadata[""]["version"] == 3  # type: ignore[attr-defined]


def test_the_first_stages_learn_no_more_once_frozen() -> None:
    network = small()

    network.freeze_first_stages()

    learnt = {name.split(".")[0] for name, p in network.named_parameters() if p.requires_grad}
    assert learnt == {"res3", "res4", "res5"}


def test_the_stem_and_the_blocks_can_be_others() -> None:
    made: list[tuple[int, int, int]] = []

    def block(inputs: int, outputs: int, stride: int) -> nn.Module:
        made.append((inputs, outputs, stride))
        return nn.Conv2d(inputs, outputs, 1, stride)

    stem = nn.Conv2d(3, 8, 4, 4)
    network = ResNet((1, 2, 1, 1), widths=SMALL, stem_width=8, stem=stem, block=block)

    assert network.stem is stem
    assert made == [(8, 8, 1), (8, 16, 2), (16, 16, 1), (16, 16, 2), (16, 32, 2)]
    assert network(torch.zeros(1, 3, 32, 32))[-1].shape == (1, 32, 1, 1)


def test_the_pyramids_have_their_levels() -> None:
    images = torch.zeros(1, 3, 64, 96)

    seven = p3_to_p7(small(), {3: 16, 4: 16, 5: 32}, channels=8)(images)
    six = p2_to_p6(small(), {2: 8, 3: 16, 4: 16, 5: 32}, channels=8)(images)

    assert [x.shape[2:] for x in seven] == [(8, 12), (4, 6), (2, 3), (1, 2), (1, 1)]
    assert [x.shape[2:] for x in six] == [(16, 24), (8, 12), (4, 6), (2, 3), (1, 2)]
    assert {x.shape[1] for x in (*six, *seven)} == {8}


def test_a_level_hears_the_coarser_ones_by_their_nearest_cells() -> None:
    class Trunk(nn.Module):
        def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
            maps = [torch.zeros(1, 1, side, side) for side in (8, 4, 2, 1)]
            maps[3] += 1
            maps[2][0, 0, 0, 1] = 10
            return maps

    pyramid = FPN(Trunk(), {3: 1, 4: 1, 5: 1}, channels=1)
    with torch.no_grad():
        for level in (3, 4, 5):
            pyramid.get_parameter(f"fpn_lateral{level}.weight").fill_(1)
            output = pyramid.get_parameter(f"fpn_output{level}.weight")
            output.zero_()
            output[..., 1, 1] = 1

    third, fourth, fifth = (x[0, 0].tolist() for x in pyramid(torch.zeros(1)))

    assert fifth == [[1]]
    assert fourth == [[1, 11], [1, 1]]
    assert third == [[1, 1, 11, 11], [1, 1, 11, 11], [1, 1, 1, 1], [1, 1, 1, 1]]


def test_the_seventh_level_is_made_of_the_sixths_positive_part() -> None:
    top = TwoMore(1)
    with torch.no_grad():
        top.p6.weight.fill_(-1)
        top.p7.weight.fill_(1)

    sixth, seventh = top(torch.ones(1, 1, 2, 2))

    assert sixth.tolist() == [[[[-4]]]]
    assert seventh.tolist() == [[[[0]]]]


def test_the_extra_level_of_mask_rcnn_takes_every_second_cell() -> None:
    (sixth,) = OneMore()(torch.arange(9.0).view(1, 1, 3, 3))

    assert sixth.tolist() == [[[[0, 2], [6, 8]]]]
