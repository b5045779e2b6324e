"""Checkpoints: what is opened, what is refused, and in which words."""

import contextlib
import json
import os
import re
import shutil
import sys
import warnings
from collections import OrderedDict
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from data.errors import WeightsError
from models.networks import hrnet, transfer
from models.networks.hrnet import HRNet
from models.networks.mobilenet import MobileNet
from models.networks.transfer import TransferNet
from models.weights import adopt, load, read, renamed

MANIFEST = Path(__file__).parents[1] / "parity/cases/hrnet_w32/manifest.json"


def tiny(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3))


def small_hrnet(width: int = 4) -> HRNet:
    torch.manual_seed(0)
    sizes = {"modules": (1, 1, 1), "blocks": 1, "stem": 8, "first_blocks": 1}
    return HRNet(width=width, keypoints=17, **sizes)


def assert_equal(one: nn.Module, other: nn.Module) -> None:
    for name, tensor in one.state_dict().items():
        torch.testing.assert_close(tensor, other.state_dict()[name], msg=name)


def message_of(network: nn.Module, path: Path) -> str:
    """What the user reads; always one line that begins with the path."""
    with pytest.raises(WeightsError) as caught:
        load(network, path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    assert len(message) < 600
    return message


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda entries: entries,
        lambda entries: {"state_dict": entries, "epoch": 3},
        lambda entries: {"best_state_dict": entries, "perf": 0.5},
        lambda entries: {"model": entries, "optimizer": {}},
        lambda entries: {"model": {"state_dict": entries}},
        lambda entries: {f"module.{name}": tensor for name, tensor in entries.items()},
        lambda entries: {"state_dict": {f"module.{name}": t for name, t in entries.items()}},
    ],
)
@pytest.mark.parametrize("new_form", [True, False])
def test_a_checkpoint_is_loaded_in_whatever_wrapper_it_comes(tmp_path, wrapped, new_form):
    path, network = tmp_path / "net.pth", tiny(1)
    torch.save(wrapped(tiny(0).state_dict()), path, _use_new_zipfile_serialization=new_form)

    load(network, path)

    assert_equal(tiny(0), network)


def test_half_precision_safetensors_fill_a_float_network(tmp_path):
    path, network = tmp_path / "net.safetensors", tiny(1)
    save_file({name: t.half() for name, t in tiny(0).float().state_dict().items()}, path)

    load(network, path)

    assert network[0].weight.dtype == torch.float32
    torch.testing.assert_close(tiny(0)[0].weight.half().float(), network[0].weight)


def test_entries_are_renamed_and_known_unused_ones_dropped(tmp_path):
    path, network = tmp_path / "net.pth", tiny(1)
    entries = {f"backbone.{name}": tensor for name, tensor in tiny(0).state_dict().items()}
    torch.save(entries | {"classifier.weight": torch.zeros(1)}, path)

    load(network, path, [(r"^backbone\.", ""), (r"^classifier\.", None)])

    assert_equal(tiny(0), network)


def test_two_entries_that_become_one_are_refused(tmp_path):
    path = tmp_path / "net.pth"
    torch.save({"a.weight": torch.zeros(1), "b.weight": torch.zeros(1)}, path)

    with pytest.raises(WeightsError, match=r"two entries become weight, the second being b\."):
        load(tiny(), path, [(r"^[ab]\.", "")])


def test_what_differs_is_counted_and_the_first_five_are_named(tmp_path):
    path = tmp_path / "net.pth"
    entries = dict(tiny().state_dict())
    entries["0.weight"] = torch.zeros(4, 2, 1, 1)
    for name in ("1.bias", "1.running_mean"):
        entries[f"old.{name}"] = entries.pop(name)
    entries |= {f"more.{place}": torch.zeros(1) for place in range(9)}
    torch.save(entries, path)

    message = message_of(tiny(), path)

    assert "does not fit Sequential: 2 missing, 11 unexpected, 1 misshapen" in message
    assert "missing 1.bias, missing 1.running_mean, unexpected old.1.bias" in message
    assert len(re.findall(r"(?:missing|unexpected|misshapen) \S*\.", message)) == 5


def test_a_misshapen_entry_shows_both_shapes(tmp_path):
    path = tmp_path / "net.pth"
    torch.save(MobileNet(17).state_dict(), path)

    message = message_of(MobileNet(19), path)

    assert "0 missing, 0 unexpected, 1 misshapen" in message
    assert "misshapen hm_conv.weight (17x32x1x1, not 19x32x1x1)" in message
    assert message.endswith("It looks like the MobileNet fast network with 17 keypoints.")


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_no_finite_number_is_refused_and_named(tmp_path, number):
    network = nn.Linear(3, 2)
    entries = network.state_dict()
    entries["bias"] = torch.tensor([1.0, number])
    path = tmp_path / "spoilt.pth"
    torch.save(entries, path)

    with pytest.raises(WeightsError, match=r"spoilt\.pth: bias holds what is no finite number"):
        load(nn.Linear(3, 2), path)


def test_a_refused_checkpoint_leaves_the_network_as_it_was(tmp_path):
    path, network = tmp_path / "net.pth", tiny(1)
    torch.save(dict(list(tiny(0).state_dict().items())[:-1]), path)

    message_of(network, path)

    assert_equal(tiny(1), network)


def test_another_networks_checkpoint_says_which_it_looks_like(tmp_path):
    path = tmp_path / "net.pth"
    torch.save(MobileNet().state_dict(), path)

    words = "It looks like the MobileNet fast network with 17 keypoints."
    assert message_of(tiny(), path).endswith(words)


def test_the_other_width_of_one_network_is_named(tmp_path):
    path = tmp_path / "net.pth"
    torch.save(small_hrnet(6).state_dict(), path)

    message = message_of(small_hrnet(4), path)

    assert message.endswith("It looks like HRNet-W6 with 17 keypoints, a slow network.")


def test_a_missing_file_is_named(tmp_path):
    assert "no such checkpoint" in message_of(tiny(), tmp_path / "net.pth")
    assert "no such checkpoint" in message_of(tiny(), tmp_path)


@pytest.mark.parametrize("name", ["net.pth", "net.safetensors"])
@pytest.mark.parametrize(
    "content",
    [b"", b"hello, I am a text file\n" * 20, b"\x80\x02}q\x00.", b"PK\x03\x04", bytes(300)],
)
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)

    assert re.search(r"is no checkpoint|holds no network", message_of(tiny(), path))


@pytest.mark.parametrize("form", ["new", "old", "safetensors"])
def test_a_cut_or_damaged_checkpoint_is_refused_or_whole_never_a_traceback(tmp_path, form):
    path = tmp_path / ("net.safetensors" if form == "safetensors" else "net.pth")
    if form == "safetensors":
        save_file(tiny().state_dict(), path)
    else:
        torch.save(tiny().state_dict(), path, _use_new_zipfile_serialization=form == "new")
    whole = path.read_bytes()
    rng = np.random.default_rng(0)

    for share in (0.001, 0.1, 0.5, 0.9, 0.999):
        path.write_bytes(whole[: int(share * len(whole))])
        message_of(tiny(), path)
    for _ in range(150):
        damaged = bytearray(whole)
        for place in rng.integers(0, min(len(whole), 800), 3):
            damaged[place] = rng.integers(0, 256)
        path.write_bytes(damaged)
        with warnings.catch_warnings(), contextlib.suppress(WeightsError):
            warnings.simplefilter("ignore")
            load(tiny(), path)


def test_a_checkpoint_with_foreign_objects_is_never_unpickled(tmp_path):
    path = tmp_path / "net.pth"
    torch.save({"state_dict": tiny().state_dict(), "home": Path("a")}, path)

    assert "holds Python objects beside its tensors" in message_of(tiny(), path)


@pytest.mark.parametrize("content", [{}, [torch.zeros(1)], torch.zeros(3), {"state_dict": {}}])
def test_a_checkpoint_without_entries_is_refused(tmp_path, content):
    path = tmp_path / "net.pth"
    torch.save(content, path)

    assert "holds no network's entries" in message_of(tiny(), path)


def test_an_entry_that_is_no_tensor_is_named(tmp_path):
    path = tmp_path / "net.pth"
    torch.save({"epoch": 3}, path)

    assert "entry 'epoch' is a int" in message_of(tiny(), path)


def test_reading_gives_the_entries_as_they_are_called(tmp_path):
    path = tmp_path / "net.pth"
    torch.save(tiny().state_dict(), path)
    shutil.copy(path, tmp_path / "copy.tar")

    assert list(tiny().state_dict()) == list(read(tmp_path / "copy.tar"))


def mmpose(entries: dict[str, torch.Tensor], head: str) -> dict[str, torch.Tensor]:
    """HRNet's entries under the names that MMPose gives them."""
    return {
        f"{head}.{name}" if name.startswith("final_layer") else f"backbone.{name}": tensor
        for name, tensor in entries.items()
    }


@pytest.mark.parametrize(
    ("head", "beside"),
    [
        ("keypoint_head", {}),
        ("head", {}),
        ("head", {"data_preprocessor.mean": torch.zeros(3, 1, 1)}),
    ],
)
def test_mmposes_names_are_hrnets(tmp_path, head, beside):
    path, network = tmp_path / "net.pth", small_hrnet()
    entries = mmpose(network.state_dict(), head) | beside
    torch.save({"meta": {"epoch": 210}, "state_dict": entries}, path)
    torch.nn.init.zeros_(network.final_layer.weight)

    load(network, path, hrnet.RENAMES)

    assert_equal(small_hrnet(), network)


def test_posewarpers_file_holds_an_hrnet_and_a_transfer_network(tmp_path):
    path = tmp_path / "net.pth"
    slow, warp = small_hrnet(), TransferNet(blocks=2, channels=4)
    torch.save({**slow.state_dict(), **warp.state_dict()}, path)
    other_slow, other_warp = small_hrnet(), TransferNet(blocks=2, channels=4)

    load(other_slow, path, hrnet.RENAMES)
    load(other_warp, path, transfer.RENAMES)

    assert_equal(slow, other_slow)
    assert_equal(warp, other_warp)


def test_fsposes_own_training_checkpoint_is_read(tmp_path):
    """`{n}_ckpt.pth`: epoch, entries with `module.`, optimizer and scheduler (section 7)."""
    path, network = tmp_path / "20_ckpt.pth", tiny(0)
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.ones(2, 2, 4, 4)).sum().backward()
    optimizer.step()
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [5, 7])
    entries = {f"module.{name}": tensor for name, tensor in network.state_dict().items()}
    whole = {"epoch": 20, "state_dict": entries, "optimizer": optimizer.state_dict()}
    torch.save({**whole, "lr_scheduler": scheduler.state_dict()}, path)
    filled = tiny(1)

    load(filled, path)

    assert_equal(network, filled)


class HistoryBuffer:
    """Stands for MMEngine's class of this name, which its 1.x checkpoints hold."""

    opened = 0

    def __init__(self) -> None:
        self.values = np.arange(3.0)
        self.smallest = getattr(HistoryBuffer, "smallest_of")  # noqa: B009  # pickled by name

    def __setstate__(self, state: dict[str, object]) -> None:
        HistoryBuffer.opened += 1

    def smallest_of(self) -> None: ...


@pytest.mark.parametrize("new_form", [True, False])
def test_what_mmpose_leaves_beside_the_tensors_is_passed_over(tmp_path, monkeypatch, new_form):
    module = ModuleType("mmengine.logging.history_buffer")
    module.HistoryBuffer = HistoryBuffer
    monkeypatch.setitem(sys.modules, "mmengine", ModuleType("mmengine"))
    monkeypatch.setitem(sys.modules, "mmengine.logging", ModuleType("mmengine.logging"))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(HistoryBuffer, "__module__", module.__name__)
    beside = {
        "meta": {"best": np.float32(0.7), "colors": np.zeros((17, 3)), "epoch": 210},
        "message_hub": {"log_scalars": OrderedDict(loss=HistoryBuffer())},
    }
    path, network = tmp_path / "net.pth", tiny(1)
    content = {**beside, "state_dict": tiny(0).state_dict()}
    torch.save(content, path, _use_new_zipfile_serialization=new_form)
    assert b"HistoryBuffer" in path.read_bytes()

    load(network, path)

    assert_equal(tiny(0), network)
    assert HistoryBuffer.opened == 0


def test_entries_that_are_no_arrays_of_numbers_are_told_with_the_network_they_are_of(tmp_path):
    path = tmp_path / "model_final.pth"
    entry = "proposal_generator.fcpose_head.atten_producer.weight"
    torch.save({"model": {entry: np.zeros(3, "U1")}, "iteration": 9}, path)

    message = message_of(tiny(), path)

    assert f"entry '{entry}' is a NumPy array or the like" in message
    assert message.endswith("It looks like FCPose.")


def test_a_foreign_object_is_named_and_what_to_do(tmp_path):
    path = tmp_path / "net.pth"
    torch.save({"state_dict": tiny().state_dict(), "home": Path("a")}, path)

    message = message_of(tiny(), path)

    assert "pathlib" in message
    assert "torch.save(network.state_dict(), FILE)" in message


def test_a_pickle_that_would_run_something_is_refused_and_does_not(tmp_path):
    path, witness = tmp_path / "net.pth", tmp_path / "witness"

    class Trap:
        def __reduce__(self):
            return (os.mkdir, (str(witness),))

    torch.save({"state_dict": tiny().state_dict(), "trap": Trap()}, path)

    assert "holds Python objects" in message_of(tiny(), path)
    assert not witness.exists()


def test_adopted_entries_are_the_networks_own_without_a_copy(tmp_path):
    entries = dict(tiny(0).state_dict())
    with torch.device("meta"):
        network = tiny(1)

    adopt(network, entries, tmp_path / "net.pth")

    assert_equal(tiny(0), network)
    assert network[0].weight.data_ptr() == entries["0.weight"].data_ptr()


def test_the_published_slow_networks_entries_are_all_known(tmp_path):
    """The recorded list of HRNet-W32's entries, bare and in both of MMPose's namings."""
    recorded = json.loads(MANIFEST.read_text())
    with torch.device("meta"):
        own = hrnet.hrnet_w32(17).state_dict()
        bare = {name: torch.empty(shape) for name, shape in recorded.items()}

    for entries in (bare, mmpose(bare, "keypoint_head"), mmpose(bare, "head")):
        found = renamed(entries, hrnet.RENAMES, tmp_path)
        assert {n: t.shape for n, t in own.items()} == {n: t.shape for n, t in found.items()}


def test_names_that_become_one_are_refused_with_the_file(tmp_path):
    path = tmp_path / "net.pth"
    torch.save(dict.fromkeys(["final_layer.bias", "head.final_layer.bias"], torch.zeros(1)), path)

    with pytest.raises(WeightsError, match=r"two entries become final_layer\.bias"):
        load(tiny(), path, hrnet.RENAMES)
