"""FCPose's parts by themselves; the whole is compared with recorded numbers in tests/parity."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from models import cost, layouts
from models.networks import fcpose
from models.networks.fcos import Places
from models.networks.fcpose import FCPose, enlarged
from models.networks.fcpose_head import (
    KeypointHead,
    person_macs,
    read_keypoints,
    surroundings,
)

G = 1e9
NARROW = {"channels": 64, "basis_width": 16, "bases": 4, "hidden": 8}


def narrow(**more: int) -> FCPose:
    torch.manual_seed(0)
    widths = (8, 16, 16, 32)
    network = fcpose.over_resnet(
        (1, 1, 1, 1), widths=widths, stem_width=8, keypoints=17, **NARROW, **more
    )
    return network.eval()


def places(cells: list[int], points: list[list[float]], *, level: int = 0) -> Places:
    number = torch.tensor(cells)
    same = torch.zeros_like(number)
    return Places(same, same + level, number, torch.tensor(points))


@pytest.mark.parametrize("factor", [2, 4])
def test_enlarging_a_ramp_reads_it_at_the_published_places(factor: int) -> None:
    ramp = torch.arange(5.0).view(1, 1, 1, 5)

    found = enlarged(ramp, factor)

    places = (torch.arange(5 * factor) - factor // 2).clamp(min=0) / factor
    torch.testing.assert_close(places.clamp(max=4).expand(factor, -1), found[0, 0])


def test_offsets_of_a_keypoint_are_x_then_y() -> None:
    maps = torch.zeros(1, 17, 4, 5)
    maps[0, :, 2, 3] = 5
    offsets = torch.zeros(34, 4, 5)
    offsets[2 * 6] = 1.5
    offsets[2 * 6 + 1] = -2.5

    found = read_keypoints(maps, offsets.unflatten(0, (17, 2)))

    assert found.points[0, 6].tolist() == [8 * 3 + 4 + 1.5, 8 * 2 + 4 - 2.5]
    assert found.points[0, 5].tolist() == [28, 20]
    assert found.cells.unique().tolist() == [13]
    assert found.peaks.unique().tolist() == [5]


def test_a_keypoints_score_is_the_maps_share_around_its_peak() -> None:
    maps = torch.full((1, 3, 8, 8), 0.0)
    maps[0, 0, 4, 4] = 50  # sure
    maps[0, 1, 4, 4] = maps[0, 1, 4, 5] = 50  # sure but for a cell
    maps[0, 2, 1, 1] = maps[0, 2, 6, 6] = 50  # here or there

    scores = read_keypoints(maps, torch.zeros(3, 2, 8, 8)).scores[0]

    torch.testing.assert_close(scores, torch.tensor([1.0, 1.0, 0.5]))


def test_the_level_of_a_maps_answers_says_nothing() -> None:
    maps = torch.randn(2, 3, 6, 6, generator=torch.Generator().manual_seed(0))

    one, other = (read_keypoints(m, torch.zeros(3, 2, 6, 6)).scores for m in (maps, maps + 40))

    torch.testing.assert_close(one, other)


def test_the_controllers_numbers_are_weights_then_biases_layer_by_layer() -> None:
    head = KeypointHead(2, sizes=(64, 128), bases=1, hidden=2, keypoints=1)
    count = head.atten_producer.out_features
    assert count == (3 * 2 + 2) + (2 * 2 + 2) + (2 * 1 + 1)
    numbers = torch.zeros(1, count)
    numbers[0, :8] = torch.tensor([1.0, 0, 0, 0, 0, 1, 0, 7])  # x; the base and 7
    numbers[0, 8:14] = torch.tensor([1.0, 0, 0, 1, 0.25, 0])  # both, the first and a quarter
    numbers[0, 14:] = torch.tensor([2.0, 10, 0.5])
    base = torch.zeros(1, 2, 2)
    base[0, 1, 0] = 3

    maps = head.maps(numbers, places([0], [[68.0, 4.0]], level=1), base)

    x = (68 - torch.tensor([[4.0, 12], [4, 12]])) / 128  # from the cell to the finding one
    torch.testing.assert_close(maps[0, 0], 2 * (x + 0.25) + 10 * (base[0] + 7) + 0.5)


def test_the_surroundings_of_a_place_are_those_that_a_convolution_sees() -> None:
    torch.manual_seed(0)
    towers = [torch.randn(2, 3, 4, 5), torch.randn(2, 3, 2, 3)]
    linear = nn.Linear(27, 6)
    kernel = linear.weight.view(6, 3, 3, 3)
    maps = [nn.functional.conv2d(t, kernel, linear.bias, padding=1) for t in towers]
    images, levels = torch.tensor([0, 1, 1, 0]), torch.tensor([0, 0, 1, 1])
    cells = torch.tensor([0, 19, 2, 4])

    found = linear(surroundings(towers, Places(images, levels, cells, torch.zeros(4, 2))))

    rows = zip(images, levels, cells, strict=True)
    expected = torch.stack([maps[level][image].flatten(1)[:, cell] for image, level, cell in rows])
    torch.testing.assert_close(expected, found)


def test_many_people_are_read_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    network, images = narrow(), torch.rand(1, 3, 64, 96) * 255
    with torch.inference_mode():
        answer = network(images)
        some = places(list(range(7)), [[4.0 + 8 * i, 4] for i in range(7)])
        together = network.keypoints_of(answer, 0, some)
        monkeypatch.setattr(fcpose, "PEOPLE_AT_ONCE", 3)
        apart = network.keypoints_of(answer, 0, some)

    for one, other in zip(together, apart, strict=True):
        torch.testing.assert_close(one, other)


def test_two_images_of_one_size_are_answered_as_one_each() -> None:
    """The published code cannot read two at a time."""
    network, images = narrow(), torch.rand(2, 3, 64, 96) * 255
    wanted = {"least_score": 0.0, "overlap": 0.6, "most_people": 5}
    with torch.inference_mode():
        both = network(images)
        together = [network.people(both, i, **wanted) for i in (0, 1)]
        singles = [network.people(network(image[None]), 0, **wanted) for image in images]

    for one, alone in zip(together, singles, strict=True):
        assert len(alone.found.scores) == 5
        torch.testing.assert_close(alone.found.boxes, one.found.boxes, rtol=1e-4, atol=1e-3)
        torch.testing.assert_close(
            alone.keypoints.points, one.keypoints.points, rtol=1e-4, atol=1e-2
        )


def test_a_networks_entries_say_how_to_build_it_again() -> None:
    network = narrow()

    found = layouts.fcpose_arguments(network.state_dict())

    assert found is not None
    with torch.device("meta"):
        again = fcpose.of_arguments(**found)
    shapes = ({n: t.shape for n, t in net.state_dict().items()} for net in (network, again))
    assert next(shapes) == next(shapes)


@pytest.mark.parametrize(
    ("variant", "words"),
    [
        ("r50", "FCPose R-50 with 17 keypoints"),
        ("r101", "FCPose R-101 with 17 keypoints"),
        ("dla34", "FCPose DLA-34 with 17 keypoints"),
        ("dla34-shared", "FCPose DLA-34 (one tower) with 17 keypoints"),
    ],
)
def test_a_variant_is_known_by_its_entries(variant: str, words: str) -> None:
    with torch.device("meta"):
        network = fcpose.VARIANTS[variant](17)

    assert layouts.looks_like(network.state_dict()) == words


class Auxiliary(nn.Module):
    """What upstream computes besides, although nobody asks for it."""

    def __init__(self, network: FCPose) -> None:
        super().__init__()
        self.basis = network.basis

    def forward(self, joined: Tensor) -> Tensor:
        return self.basis.p3_logits(self.basis.seg_head(joined))


@pytest.mark.parametrize(
    ("variant", "parameters", "trainable", "trunk"),
    [("r50", 41.36, 41.14, 82.6), ("r101", 60.30, 60.08, 162.2)],
)
def test_the_published_variants_cost_what_the_specification_says(
    variant: str, parameters: float, trainable: float, trunk: float
) -> None:
    """FCPose specification 9, at 800 x 1344."""
    with torch.device("meta"):
        network = fcpose.VARIANTS[variant](17)
        images, joined = torch.empty(1, 3, 800, 1344), torch.empty(1, 128, 100, 168)
        levels = [torch.empty(1, 256, 100, 168)]
    resnet = network.backbone.bottom_up

    whole = cost.macs(network, images)
    auxiliary = cost.macs(Auxiliary(network), joined)

    count = sum(p.numel() for p in network.parameters())
    assert count / 1e6 == pytest.approx(parameters, abs=0.006)
    assert cost.macs(resnet, images) / G == pytest.approx(trunk, abs=0.06)
    assert (cost.macs(network.backbone, images) / G) == pytest.approx(trunk + 17.1, abs=0.1)
    assert auxiliary / G == pytest.approx(5.0, abs=0.06)
    assert whole / G == pytest.approx(trunk + 17.1 + 106.0 + 16.6, abs=0.2)
    assert (whole + auxiliary) / G == pytest.approx(trunk + 144.6, abs=0.2)
    assert person_macs(network.head, levels[0].shape[2] * levels[0].shape[3]) / 1e6 == (
        pytest.approx(44.6 + 6.3, abs=0.06)
    )
    resnet.freeze_first_stages()
    learnt = sum(p.numel() for p in network.parameters() if p.requires_grad)
    assert learnt / 1e6 == pytest.approx(trainable, abs=0.006)


@pytest.mark.parametrize(
    ("variant", "parameters", "published"), [("dla34", 31.3, 72.1), ("dla34-shared", 28.9, 53.9)]
)
def test_the_inferred_variants_cost_what_the_specification_says(
    variant: str, parameters: float, published: float
) -> None:
    """FCPose specification 10, at 512 x 736, where two unused projections of DLA count too."""
    with torch.device("meta"):
        network = fcpose.VARIANTS[variant](17)
        images, joined = torch.empty(1, 3, 512, 736), torch.empty(1, 128, 64, 92)

    unused = 64 * 128 * 64 * 92 + 128 * 256 * 32 * 46
    whole = cost.macs(network, images) + cost.macs(Auxiliary(network), joined) + unused

    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(parameters, abs=0.06)
    assert whole / G == pytest.approx(published, abs=0.06)
