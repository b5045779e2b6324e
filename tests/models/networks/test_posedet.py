"""PoseDet: where its cells stand and look, and what it costs."""

import pytest
import torch
from torch import nn

from models import cost
from models.networks.posedet import Level, PoseDet, points_of, posedet_dla, posedet_hrnet
from models.ops.deform import DeformConv

WIDTHS = (4, 4, 8, 8, 16, 16)
TRUNK = {"modules": (1, 1, 1), "blocks": 1, "stem": 8, "first_blocks": 1}
NARROW = {
    "dla": lambda keypoints: posedet_dla(keypoints=keypoints, channels=64, widths=WIDTHS),
    "hrnet": lambda keypoints: posedet_hrnet(width=4, keypoints=keypoints, channels=64, **TRUNK),
}


@pytest.fixture(params=NARROW)
def network(request) -> PoseDet:
    torch.manual_seed(0)
    return NARROW[request.param](15).eval()


def test_every_level_has_logits_and_offsets_of_its_stride(network):
    with torch.inference_mode():
        levels = network(torch.rand(2, 3, 96, 64))

    for level in levels:
        height, width = -(-96 // level.stride), -(-64 // level.stride)
        assert (2, 1, height, width) == level.logits.shape
        assert (2, 30, height, width) == level.first.shape == level.refined.shape
    assert network.strides == tuple(level.stride for level in levels)


def test_the_heatmap_branch_is_run_in_training_only(network):
    calls = []
    network.bbox_head.heatmap_out.register_forward_hook(lambda *_: calls.append(1))
    image = torch.rand(1, 3, 64, 64)

    with torch.inference_mode():
        plain = network(image)
        assert calls == []
        levels, heatmaps = network.supervised(image)

    assert len(calls) == len(heatmaps) == len(levels)
    for one, other, heatmap in zip(plain, levels, heatmaps, strict=True):
        torch.testing.assert_close(one, other)
        assert (1, 15, *one.logits.shape[2:]) == heatmap.shape


def test_points_are_cells_and_offsets_in_strides_x_before_y():
    offsets = torch.zeros(1, 4, 2, 3)
    offsets[0, 2, 1, 2] = 0.5  # the second keypoint's y at row 1, column 2
    offsets[0, 3, 1, 2] = -1

    points = points_of(offsets, 8)

    assert points.shape == (1, 6, 2, 2)
    assert points[0, 5].tolist() == [[16, 8], [8, 12]]
    assert points[0, 1].tolist() == [[8, 0], [8, 0]]


def test_an_embedding_looks_where_the_first_pose_is():
    """One tap's weight is 1: the embedding is the feature at that keypoint."""
    head = NARROW["dla"](17).bbox_head.eval()
    features = torch.rand(1, 64, 9, 9)
    with torch.no_grad():
        head.init_out.weight.zero_()
        head.init_out.bias.zero_()
        head.init_out.bias[2 * 5], head.init_out.bias[2 * 5 + 1] = 2, -1  # y, x of keypoint 5
        head.cls_pre_convs = nn.Identity()
        head.cls_embedding_conv.weight.zero_()
        head.cls_embedding_conv.weight[0, 0, 0, 5] = 1
        head.cls_out.weight.zero_()
        head.cls_out.weight[0, 0] = 1
        head.cls_out.bias.zero_()

        level = head(features, 8)

    torch.testing.assert_close(level.logits[0, 0, :7, 1:], features[0, 0, 2:, :8])
    assert level.logits[0, 0, 7:].abs().max() == 0  # beyond the map there is nothing


def test_gradients_reach_the_first_pose_by_itself_and_a_tenth_through_where_is_looked():
    torch.manual_seed(0)
    network = NARROW["dla"](17)
    features = torch.rand(1, 64, 8, 8)

    def slope(level: Level, part: torch.Tensor) -> torch.Tensor:
        (gradient,) = torch.autograd.grad(part.sum(), level.first, retain_graph=True)
        return gradient

    level = network.bbox_head(features, 8)
    through = slope(level, level.logits)
    moved = level.first.detach().requires_grad_()
    network.bbox_head._taps = lambda _: moved - own_places(17)
    again = network.bbox_head(features, 8)
    (whole,) = torch.autograd.grad(again.logits.sum(), moved)

    torch.testing.assert_close(through, 0.1 * whole)
    assert whole.abs().max() > 0
    (refined,) = torch.autograd.grad(level.refined.sum(), level.first)
    assert not torch.allclose(refined, torch.ones_like(refined), atol=0.5)  # the sum is detached


def own_places(keypoints: int) -> torch.Tensor:
    own = torch.zeros(keypoints, 2)
    own[:, 1] = torch.arange(keypoints) - (keypoints - 1) / 2
    return own.reshape(1, -1, 1, 1)


class Supervised(nn.Module):
    """The network with its heatmap branch, as the specification counts."""

    def __init__(self, network: PoseDet) -> None:
        super().__init__()
        self.network = network

    def forward(self, images):
        return self.network.supervised(images)


SIZES = ((512, 512), (704, 512), (800, 512), (1024, 640))
NEAR = 0.055  # of 1e9 multiply-adds, which are specified to a tenth


@pytest.mark.parametrize(
    ("keypoints", "parameters", "expected"),
    [(17, 18_169_350, (26.5, 36.5, 41.4, 66.3)), (15, 18_102_524, (26.1, 36.0, 40.9, 65.4))],
)
def test_over_dla_it_costs_what_is_specified(keypoints, parameters, expected):
    """The specification counts the idle projections, but no bilinear samples; we, vice versa."""
    with torch.device("meta"):
        network = posedet_dla(keypoints=keypoints)

    assert parameters == sum(p.numel() for p in network.parameters())
    for (width, height), macs in zip(SIZES, expected, strict=True):
        idle = width * height // 8**2 * 64 * 128 + width * height // 16**2 * 128 * 256
        assert macs == pytest.approx(
            (without_samples(network, width, height) + idle) / 1e9, abs=NEAR
        )


@pytest.mark.parametrize(
    ("trunk", "parameters", "expected"),
    [
        (32, 38_171_926, (83.9, 115.3, 131.1, 209.7)),
        (48, 74_252_950, (128.4, 176.5, 200.6, 320.9)),
    ],
)
def test_over_hrnet_it_costs_what_is_specified(trunk, parameters, expected):
    with torch.device("meta"):
        network = posedet_hrnet(width=trunk, keypoints=17)
    counted = without_samples(network, 256, 256)

    assert parameters == sum(p.numel() for p in network.parameters())
    for (width, height), macs in zip(SIZES, expected, strict=True):
        share = width * height / 256**2  # every side is a multiple of every stride
        assert macs == pytest.approx(counted * share / 1e9, abs=NEAR)


def test_the_heatmap_branch_is_saved():
    with torch.device("meta"):
        network = posedet_dla(keypoints=17)
    image = torch.empty(1, 3, 512, 512, device="meta")

    saved = cost.macs(Supervised(network), image) - cost.macs(network, image)

    cells = sum((512 // stride) ** 2 for stride in network.strides)
    assert saved == cells * (128 * 128 * 9 + 128 * 17)


def without_samples(network: PoseDet, width: int, height: int) -> int:
    """Multiply-adds with the heatmap branch, without the deformable convolutions' samples."""
    image = torch.empty(1, 3, height, width, device="meta")
    return cost.macs(Supervised(network), image) - samples(network, width, height)


def samples(network: PoseDet, width: int, height: int) -> int:
    """What the counter adds for the bilinear samples of the deformable convolutions."""
    taps = [m.weight[0].numel() for m in network.modules() if isinstance(m, DeformConv)]
    cells = sum(-(-width // stride) * -(-height // stride) for stride in network.strides)
    return cost.SAMPLE * cells * sum(taps)
