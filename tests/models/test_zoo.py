"""The bundled networks: reading, verifying, building and writing them."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from data.crop import Crop
from data.errors import WeightsError
from data.heatmaps import Heatmaps
from data.pose import Box
from data.skeleton import FSPOSE_19
from models import zoo
from models.networks.plain import PlainNet
from models.networks.transfer import TransferNet

FAST_ARGUMENTS = {"keypoints": 19, "widths": [8, 12], "blocks": 1}
FAST = zoo.Description(
    network="plain",
    arguments=FAST_ARGUMENTS,
    skeleton="fspose-19",
    role="fast",
    input={"size": [32, 64], "padding": 1.25, "sigma": 2},
)
TRANSFER_ARGUMENTS = {"keypoints": 19, "blocks": 1, "channels": 4, "dilations": [1, 2]}
TRANSFER = zoo.Description("transfer", TRANSFER_ARGUMENTS, "fspose-19", "transfer", {})


@pytest.fixture
def fast() -> nn.Module:
    torch.manual_seed(0)
    return PlainNet(**FAST_ARGUMENTS)


@pytest.fixture
def folder(tmp_path, fast):
    """A family of two: a tiny fast net with a card, and a tiny transfer net without."""
    zoo.save_bundled(fast, "tiny-fast", FAST, tmp_path)
    (tmp_path / "tiny-fast.md").write_text("# tiny-fast\n")
    zoo.save_bundled(TransferNet(**TRANSFER_ARGUMENTS), "tiny-transfer", TRANSFER, tmp_path)
    return tmp_path


def test_every_bundled_network_is_listed_by_name_with_all_that_its_file_says(folder, fast):
    first, second = zoo.bundled(folder)

    content = (folder / "tiny-fast.safetensors").read_bytes()
    assert (first.name, second.name) == ("tiny-fast", "tiny-transfer")
    assert first.description == FAST
    assert (first.role, first.network) == ("fast", "plain")
    assert len(content) == first.bytes
    assert hashlib.sha256(content).hexdigest() == first.sha256
    assert sum(p.numel() for p in fast.parameters()) == first.parameters
    assert (first.card, second.card) == ("# tiny-fast\n", "")


def test_an_empty_folder_holds_no_networks(tmp_path):
    assert zoo.bundled(tmp_path) == []


def test_a_built_network_is_the_saved_one_to_half_precision(folder, fast):
    built = zoo.build("tiny-fast", "cpu", folder)

    assert not built.training
    for name, tensor in fast.state_dict().items():
        found = built.state_dict()[name]
        assert found.dtype == tensor.dtype
        torch.testing.assert_close(tensor, found, rtol=1e-3, atol=1e-6)


def test_the_files_entries_are_half_precision(folder, fast):
    floats = sum(t.numel() for t in fast.state_dict().values() if t.is_floating_point())
    first = zoo.find("tiny-fast", folder)

    assert 2 * floats < first.bytes < 3 * floats + 8000


def test_a_role_becomes_a_working_top_down_network(folder):
    fast = zoo.topdown("fast", "cpu", folder)

    (heatmaps,) = fast.heatmaps(np.zeros((90, 90, 3), np.uint8), [Box(10, 10, 50, 80)])

    assert fast.skeleton is FSPOSE_19
    assert heatmaps.maps.shape == (19, 16, 8)
    assert Crop.around(Box(10, 10, 50, 80), (32, 64), 1.25).sized((8, 16)) == heatmaps.crop


def test_the_transfer_network_becomes_a_working_warp(folder):
    maps = np.random.default_rng(0).random((19, 16, 8), np.float32)
    heatmaps = Heatmaps(maps, Crop.around(Box(10, 10, 50, 80), (8, 16), 1.25))

    (warped,) = zoo.warp("cpu", folder)([heatmaps], [heatmaps])

    np.testing.assert_allclose(maps, warped.maps, rtol=1e-6)


def test_an_intact_file_passes_and_one_changed_byte_does_not(folder):
    model = zoo.find("tiny-fast", folder)
    zoo.verify(model)
    content = bytearray(model.path.read_bytes())
    content[-1] ^= 1
    model.path.write_bytes(content)

    with pytest.raises(WeightsError, match=r"tiny-fast\.safetensors has SHA-256 .* recorded"):
        zoo.verify(model)
    with pytest.raises(WeightsError, match=r"tiny-fast\.safetensors has SHA-256 .* recorded"):
        zoo.build("tiny-fast", "cpu", folder)


def test_a_file_without_checksum_or_without_bytes_does_not_pass(folder):
    model = zoo.find("tiny-fast", folder)

    with pytest.raises(WeightsError, match=r"has no checksum in checksums\.json"):
        zoo.verify(replace(model, sha256=None))
    model.path.unlink()
    with pytest.raises(WeightsError, match=r"tiny-fast\.safetensors cannot be read"):
        zoo.verify(model)


def test_an_unknown_name_lists_the_known_ones(folder):
    with pytest.raises(WeightsError, match="'slow'; there are: tiny-fast, tiny-transfer"):
        zoo.find("slow", folder)


def test_a_role_that_nobody_plays_or_several_do_is_refused(folder, fast):
    with pytest.raises(WeightsError, match=r"One bundled slow network .* found: none"):
        zoo.topdown("slow", "cpu", folder)
    zoo.save_bundled(fast, "other-fast", FAST, folder)
    with pytest.raises(WeightsError, match="found: other-fast, tiny-fast"):
        zoo.topdown("fast", "cpu", folder)


@pytest.mark.parametrize(
    "change",
    [{"skeleton": "cat-40"}, {"input": {}}, {"input": {"size": 3, "padding": 1, "sigma": 2}}],
)
def test_a_header_that_describes_no_top_down_network_is_refused(tmp_path, fast, change):
    zoo.save_bundled(fast, "tiny-fast", replace(FAST, **change), tmp_path)

    with pytest.raises(WeightsError, match="its header describes no top-down network"):
        zoo.topdown("fast", "cpu", tmp_path)


def test_arguments_of_another_network_are_refused(tmp_path, fast):
    zoo.save_bundled(fast, "a", replace(FAST, network="quantum"), tmp_path)
    with pytest.raises(WeightsError, match="Unknown network 'quantum'; known are: finder"):
        zoo.build("a", "cpu", tmp_path)
    zoo.save_bundled(fast, "a", replace(FAST, arguments=FAST_ARGUMENTS | {"blocks": 2}), tmp_path)
    with pytest.raises(WeightsError, match=r"a\.safetensors does not fit PlainNet"):
        zoo.build("a", "cpu", tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello", bytes(100)])
def test_a_file_that_is_no_bundled_network_is_refused(tmp_path, content):
    (tmp_path / "odd.safetensors").write_bytes(content)

    with pytest.raises(WeightsError, match=r"odd\.safetensors is no bundled network"):
        zoo.bundled(tmp_path)


def test_a_broken_list_of_checksums_is_refused(folder):
    (folder / "checksums.json").write_text("{")

    with pytest.raises(WeightsError, match=r"checksums\.json is no list of checksums"):
        zoo.bundled(folder)


def test_saving_again_replaces_file_and_checksum_and_leaves_nothing_else(folder, fast):
    torch.nn.init.zeros_(fast.final_layer.weight)

    zoo.save_bundled(fast, "tiny-fast", FAST, folder)

    zoo.verify(zoo.find("tiny-fast", folder))
    zoo.verify(zoo.find("tiny-transfer", folder))
    assert sorted(json.loads((folder / "checksums.json").read_text())) == [
        "tiny-fast.safetensors",
        "tiny-transfer.safetensors",
    ]
    assert not list(folder.glob("*.new"))


def test_an_entry_beyond_half_precision_is_not_saved(tmp_path, fast):
    with torch.no_grad():
        fast.final_layer.weight[0] = 1e6

    with pytest.raises(ValueError, match=r"final_layer\.weight does not fit half precision"):
        zoo.save_bundled(fast, "tiny-fast", FAST, tmp_path)

    assert not list(tmp_path.iterdir())


def test_what_is_bundled_is_intact():
    """Every network that is shipped: recorded checksum, known skeleton, a card, at most 25 MB."""
    models = zoo.bundled()

    assert sorted(model.role for model in models) == ["fast", "finder", "slow", "transfer"]
    for model in models:
        zoo.verify(model)
        assert model.card, model.name
        assert model.description.skeleton == "fspose-19"
    assert sum(model.bytes for model in models) <= 25e6
