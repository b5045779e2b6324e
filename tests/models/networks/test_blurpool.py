"""ResNet's blurred parts by themselves; in a whole network they are compared in tests/parity."""

from pathlib import Path

import pytest
import torch

from data.errors import WeightsError
from models import detectron
from models.networks.blurpool import IMAGENET, Blur, BlurBottleneck, blurred
from models.networks.resnet import ResNet

SMALL = (8, 16, 16, 32)


def small(seed: int = 0) -> ResNet:
    torch.manual_seed(seed)
    return blurred((2, 1, 1, 1), widths=SMALL, stem_width=8).eval()


def test_the_filter_is_binomial_and_begins_in_the_first_cell() -> None:
    point = torch.zeros(1, 1, 6, 6)
    point[0, 0, 2, 2] = 16

    found = Blur(1)(point)[0, 0]

    assert found.tolist() == [[0, 0, 0], [0, 4, 0], [0, 0, 0]]


def test_a_point_between_two_cells_is_seen_by_both() -> None:
    point = torch.zeros(1, 1, 6, 6)
    point[0, 0, 2, 3] = 16

    found = Blur(1)(point)[0, 0]

    assert found.tolist() == [[0, 0, 0], [0, 2, 2], [0, 0, 0]]


def test_at_the_edge_the_image_is_mirrored() -> None:
    ramp = torch.arange(4.0).expand(1, 2, 4, 4)

    found = Blur(2)(ramp)

    assert found[0, 0, 0].tolist() == [0.5, 2]
    torch.testing.assert_close(found[0, 0], found[0, 1])


def test_every_channel_keeps_its_own() -> None:
    maps = torch.stack([torch.ones(4, 4), torch.full((4, 4), 5.0)])[None]

    assert Blur(2)(maps).flatten(2).unique(dim=2)[0].tolist() == [[1], [5]]


def test_only_halving_blocks_blur_and_their_convolutions_do_not_stride() -> None:
    halving, keeping = BlurBottleneck(16, 32, 2), BlurBottleneck(32, 32, 1)

    blurs = [name for name in halving.state_dict() if name.endswith("filt")]
    assert blurs == ["conv3.0.filt", "downsample.0.filt"]
    assert not [name for name in keeping.state_dict() if "filt" in name or "downsample" in name]
    strides = {m.stride for m in halving.modules() if isinstance(m, torch.nn.Conv2d)}
    assert strides == {(1, 1)}


def test_the_maps_have_strides_of_4_to_32() -> None:
    maps = small()(torch.zeros(2, 3, 64, 96))

    shapes = [tuple(x.shape) for x in maps]
    assert shapes == [(2, 8, 16, 24), (2, 16, 8, 12), (2, 16, 4, 6), (2, 32, 2, 3)]


def torchvisions(network: ResNet) -> dict[str, torch.Tensor]:
    """A trunk's entries as antialiased-cnns names them, and a classifier's."""
    names = {}
    for name, tensor in network.state_dict().items():
        stage, _, rest = name.partition(".")
        names[rest if stage == "stem" else f"layer{int(stage[3]) - 1}.{rest}"] = tensor
    return names | {"fc.weight": torch.zeros(1000, 32), "fc.bias": torch.zeros(1000)}


@pytest.mark.parametrize("start", ["", "module."])
def test_weights_of_imagenet_fill_a_trunk(tmp_path: Path, start: str) -> None:
    source = small(1)
    entries = {start + name: tensor for name, tensor in torchvisions(source).items()}
    torch.save({"state_dict": entries, "epoch": 90}, tmp_path / "resnet50_lpf3.pth")
    network = small()

    detectron.load(network, tmp_path / "resnet50_lpf3.pth", IMAGENET)

    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(source.state_dict()[name], tensor, msg=name)


def test_weights_with_another_filter_do_not_fit(tmp_path: Path) -> None:
    entries = torchvisions(small())
    wider = {n: torch.zeros(len(t), 1, 5, 5) for n, t in entries.items() if n.endswith("filt")}
    torch.save(entries | wider, tmp_path / "resnet50_lpf5.pth")

    with pytest.raises(WeightsError, match=r"7 misshapen .*\(8x1x5x5, not 8x1x3x3\)"):
        detectron.load(small(), tmp_path / "resnet50_lpf5.pth", IMAGENET)


def test_weights_of_a_network_that_does_not_blur_do_not_fit(tmp_path: Path) -> None:
    entries = {n: t for n, t in torchvisions(small()).items() if not n.endswith("filt")}
    torch.save(entries, tmp_path / "resnet50.pth")

    with pytest.raises(WeightsError, match=r"7 missing.*maxpool\.1\.filt"):
        detectron.load(small(), tmp_path / "resnet50.pth", IMAGENET)
