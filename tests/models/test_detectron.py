"""detectron2's checkpoints in every form that is known of them."""

from __future__ import annotations

import pickle
import re
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from data.errors import WeightsError
from models import detectron
from models.networks import fcpose
from models.networks.fcpose import FCPose
from models.networks.resnet import ResNet

Entries = dict[str, Tensor]
NORM = "backbone.bottom_up.res3.0.conv2.norm"


def narrow(seed: int = 0) -> FCPose:
    torch.manual_seed(seed)
    network = fcpose.over_resnet(
        (1, 1, 1, 1),
        widths=(8, 16, 16, 32),
        stem_width=8,
        keypoints=5,
        channels=32,
        basis_width=16,
        bases=4,
        hidden=8,
    )
    for tensor in network.state_dict().values():
        if tensor.is_floating_point() and seed:
            tensor.copy_(torch.rand(tensor.shape) + 0.5)
    return network


def trunk(seed: int = 0) -> ResNet:
    torch.manual_seed(seed)
    return ResNet((2, 1, 1, 1), widths=(8, 16, 16, 32), stem_width=8)


def assert_same(one: torch.nn.Module, other: torch.nn.Module) -> None:
    for name, tensor in one.state_dict().items():
        torch.testing.assert_close(tensor, other.state_dict()[name], msg=name)


def bare(network: torch.nn.Module) -> Entries:
    """Without what torch notes beside."""
    return dict(network.state_dict())


@pytest.mark.parametrize(
    "form",
    [
        lambda own: own.state_dict(),
        lambda own: {"model": own.state_dict(), "optimizer": {}, "iteration": 3},
        lambda own: bare(own),
        lambda own: {f"module.{name}": tensor for name, tensor in bare(own).items()},
        lambda own: {"model": {name: t.numpy() for name, t in bare(own).items()}},
        lambda own: bare(own) | {n: torch.zeros(3, 1, 1) for n in ("pixel_mean", "pixel_std")},
        lambda own: {n: t for n, t in bare(own).items() if "num_batches_tracked" not in n},
    ],
    ids=["bare", "model", "names only", "module", "arrays", "pixel_mean", "no counters"],
)
def test_every_form_of_a_whole_checkpoint_is_loaded(
    tmp_path: Path, form: Callable[[FCPose], object]
) -> None:
    torch.save(form(narrow(1)), tmp_path / "model_final.pth")
    network = narrow()

    detectron.load(network, tmp_path / "model_final.pth", fcpose.RENAMES)

    assert_same(narrow(1), network)


def test_a_pickle_of_the_model_zoo_is_loaded(tmp_path: Path) -> None:
    arrays = {name: tensor.numpy() for name, tensor in bare(narrow(1)).items()}
    content = {"model": arrays, "__author__": "them"}
    (tmp_path / "zoo.pkl").write_bytes(pickle.dumps(content, protocol=2))
    network = narrow()

    detectron.load(network, tmp_path / "zoo.pkl", fcpose.RENAMES)

    assert_same(narrow(1), network)


def test_safetensors_are_loaded(tmp_path: Path) -> None:
    save_file(bare(narrow(1)), tmp_path / "net.safetensors")
    network = narrow()

    detectron.load(network, tmp_path / "net.safetensors")

    assert_same(narrow(1), network)


def with_version(entries: Entries, version: int) -> OrderedDict[str, Tensor]:
    """As torch saves a state dict, with a version noted of one frozen normalisation."""
    noted: OrderedDict[str, Tensor] = OrderedDict(entries)
    noted._metadata = OrderedDict({NORM: {"version": version}})  # type: ignore[attr-defined]
    return noted


@pytest.mark.parametrize(("version", "less"), [(3, 0.0), (2, 1e-5), (1, 1e-5)])
@pytest.mark.parametrize("start", ["", "module."])
def test_an_older_frozen_variance_is_meant_without_epsilon(
    tmp_path: Path, version: int, less: float, start: str
) -> None:
    entries = with_version(bare(narrow(1)), version)
    entries[f"{NORM}.running_var"] = torch.full_like(entries[f"{NORM}.running_var"], 1e-4)
    named = OrderedDict((start + name, tensor) for name, tensor in entries.items())
    named._metadata = OrderedDict({start + NORM: {"version": version}})  # type: ignore[attr-defined]
    torch.save({"model": named}, tmp_path / "old.pth")
    network = narrow()

    detectron.load(network, tmp_path / "old.pth")

    found = network.state_dict()[f"{NORM}.running_var"]
    torch.testing.assert_close(torch.full_like(found, 1e-4 - less), found, rtol=1e-6, atol=0)


def test_a_normalisation_that_was_trained_is_frozen_as_it_was(tmp_path: Path) -> None:
    """Its own version is 2, which does not mean the frozen one's: a counter tells them apart."""
    entries = with_version(bare(narrow(1)), 2)
    entries[f"{NORM}.num_batches_tracked"] = torch.tensor(7)
    torch.save(entries, tmp_path / "trained.pth")
    network = narrow()

    detectron.load(network, tmp_path / "trained.pth")

    assert_same(narrow(1), network)


def test_without_statistics_a_frozen_normalisation_has_mean_0_and_variance_1(
    tmp_path: Path,
) -> None:
    entries = bare(narrow(1))
    frozen = {n: t for n, t in entries.items() if n.startswith("backbone.") and ".running_" in n}
    torch.save({n: t for n, t in entries.items() if n not in frozen}, tmp_path / "old.pth")
    network = narrow(1)

    detectron.load(network, tmp_path / "old.pth")

    found = network.state_dict()
    assert frozen
    for name in frozen:
        assert found[name].unique().tolist() == [float("var" in name)]


def test_what_this_program_saves_it_reads_again(tmp_path: Path) -> None:
    torch.save(narrow(1).state_dict(), tmp_path / "mine.pth")
    with torch.device("meta"):
        network = narrow()

    detectron.load(network, tmp_path / "mine.pth")

    assert_same(narrow(1), network)
    assert not network.head.sizes_of_interest.requires_grad


@pytest.mark.parametrize("entry", [f"{NORM}.weight", "backbone.fpn_lateral3.bias"])
def test_an_entry_too_few_is_told(tmp_path: Path, entry: str) -> None:
    entries = bare(narrow(1))
    del entries[entry]
    torch.save(entries, tmp_path / "net.pth")

    with pytest.raises(WeightsError, match=rf"FCPose: 1 missing, 0 unex.*{re.escape(entry)}"):
        detectron.load(narrow(), tmp_path / "net.pth")


def caffe2(network: ResNet) -> dict[str, Tensor]:
    """A trunk's entries under Caffe2's names, which has scales and biases only."""
    names = {}
    for name, tensor in network.state_dict().items():
        if ".running_" in name:
            continue
        stage = re.match(r"res(\d)\.(\d)\.(\w+?)(\d?)\.", name)
        if stage is None:
            start = "conv1" if name.endswith("conv1.weight") else "res_conv1"
        else:
            branch = "1" if stage[3] == "shortcut" else "2" + "abc"[int(stage[4]) - 1]
            start = f"res{stage[1]}_{stage[2]}_branch{branch}"
        end = {"norm.weight": "bn_s", "norm.bias": "bn_b"}
        names[f"{start}_{end.get('.'.join(name.split('.')[-2:]), 'w')}"] = tensor
    return names


@pytest.mark.parametrize("wrapped", [lambda e: {"blobs": e}, lambda e: e], ids=["blobs", "bare"])
def test_msras_imagenet_weights_fill_a_trunk(tmp_path: Path, wrapped: Callable[..., object]):
    source = trunk(1)
    arrays = {name: tensor.numpy() for name, tensor in caffe2(source).items()}
    beside = {"fc1000_w": arrays["conv1_w"], "conv1_w_momentum": arrays["conv1_w"]}
    content = wrapped({**arrays, **beside, "weight_order": "NCHW"})
    (tmp_path / "R-50.pkl").write_bytes(pickle.dumps(content, protocol=2))
    network = trunk()

    detectron.load_trunk(network, tmp_path / "R-50.pkl")

    x = torch.rand(1, 8, 4, 4)
    norm = network.get_submodule("res2.1.conv1.norm")
    expected = source.state_dict()
    for name, tensor in network.state_dict().items():
        if ".running_" not in name:
            torch.testing.assert_close(expected[name], tensor)
    # Nothing but scale and bias is done in use.
    scale, bias = (expected[f"res2.1.conv1.norm.{part}"] for part in ("weight", "bias"))
    torch.testing.assert_close(
        (x[:, :2] * scale[:, None, None] + bias[:, None, None]), norm(x[:, :2]), rtol=0, atol=0
    )


@pytest.mark.parametrize("start", ["", "bottom_up.", "backbone.bottom_up."])
def test_names_that_end_a_trunks_own_are_taken(tmp_path: Path, start: str) -> None:
    source = trunk(1)
    entries = {f"{start}{name}": t.numpy() for name, t in source.state_dict().items()}
    entries["stem.fc.weight"] = entries[f"{start}stem.conv1.weight"]
    content = {"model": entries, "__author__": "them", "matching_heuristics": True}
    (tmp_path / "R-50.pkl").write_bytes(pickle.dumps(content))
    network = trunk()

    detectron.load_trunk(network, tmp_path / "R-50.pkl")

    assert_same(source, network)


def test_a_trunk_is_filled_whole_or_not_at_all(tmp_path: Path) -> None:
    entries = bare(trunk(1))
    del entries["res2.0.conv1.weight"]
    torch.save(entries, tmp_path / "half.pth")

    with pytest.raises(WeightsError, match=r"ResNet: 1 missing.*res2\.0\.conv1\.weight"):
        detectron.load_trunk(trunk(), tmp_path / "half.pth")


def test_another_trunks_weights_are_told(tmp_path: Path) -> None:
    arrays = {name: tensor.numpy() for name, tensor in caffe2(trunk(1)).items()}
    (tmp_path / "R-50.pkl").write_bytes(pickle.dumps(arrays))
    deeper = ResNet((2, 2, 1, 1), widths=(8, 16, 16, 32), stem_width=8)

    with pytest.raises(WeightsError, match=r"does not fit ResNet: \d+ missing, 0 unexpected"):
        detectron.load_trunk(deeper, tmp_path / "R-50.pkl")
