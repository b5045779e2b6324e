"""A network's passes in another runtime answer as torch does."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor, nn

from data.errors import ConfigError
from models.networks.finder import FinderNet, Found
from models.networks.mobilenet import FastOutput, MobileNet
from models.networks.plain import PlainNet
from models.networks.slim_transfer import SlimTransfer
from models.networks.transfer import TransferNet
from models.runtimes import base, passes
from models.runtimes.base import Runtime, Session, installed
from models.runtimes.cache import Cache
from models.runtimes.exported import graph_of
from models.runtimes.passes import Elsewhere, create, digest, placing
from models.runtimes.quantized import learnt, quantized
from models.runtimes.ranges import Ranges

TRUNK = {"width": 8, "keypoints": 1, "modules": [1, 1, 1], "blocks": 1, "stem": 8}


def shaken(network: nn.Module) -> nn.Module:
    """With weights under which an untrained transfer network does move its maps."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for entry in network.parameters():
            entry.copy_(torch.randn(entry.shape, generator=generator) * 0.2)
    return network.eval()


def maps(batch: int, seed: int = 0) -> Tensor:
    return torch.rand(batch, 5, 16, 12, generator=torch.Generator().manual_seed(seed))


def images(batch: int, height: int = 64, width: int = 96) -> Tensor:
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(batch))


class Counting:
    """A runtime that counts the graphs it is given, and hands them to another."""

    name = "onnx"

    def __init__(self, inner: Runtime) -> None:
        self.inner, self.count, self.read = inner, 0, 0
        self.form = inner.form

    def session(self, graph: bytes) -> Session:
        self.count += 1
        return self.inner.session(graph)

    def compiled(self, graph: bytes) -> tuple[Session, bytes]:
        self.count += 1
        return self.inner.compiled(graph)

    def unpacked(self, content: bytes) -> Session:
        session = self.inner.unpacked(content)
        self.read += 1
        return session


@pytest.mark.parametrize("batch", [1, 3, 8])
def test_one_map_per_keypoint_is_as_torchs_for_any_batch(name, batch):
    network = shaken(PlainNet(keypoints=5, widths=(8, 8), blocks=1))

    with torch.inference_mode():
        torch.testing.assert_close(
            placing(name, 1)(network)(images(batch)), network(images(batch)), atol=1e-3, rtol=1e-4
        )


@pytest.mark.parametrize(
    "network",
    [
        SlimTransfer(keypoints=5, channels=8, blocks=1),
        TransferNet(keypoints=5, blocks=1, channels=4, dilations=(1, 2)),
    ],
    ids=["slim", "deformable"],
)
def test_maps_are_carried_as_torch_carries_them(name, network):
    shaken(network)
    current, reference = maps(3), maps(3, seed=1)

    with torch.inference_mode():
        expected = network(current, reference)
        found = placing(name, 1)(network)(current, reference)

    assert expected.std() > 0.01
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_named_tuples_come_back_as_such_for_pictures_of_any_sides(name):
    network = FinderNet(trunk=TRUNK, head=8).eval()
    elsewhere = placing(name, 1)(network)

    with torch.inference_mode():
        for size in ((64, 96), (96, 64)):
            found, expected = elsewhere(images(1, *size)), network(images(1, *size))
            assert isinstance(found, Found)
            torch.testing.assert_close(found.quality, expected.quality, atol=1e-4, rtol=1e-4)
            torch.testing.assert_close(found.boxes, expected.boxes, atol=1e-3, rtol=1e-4)


def test_a_published_fast_net_keeps_its_three_answers(name):
    network = MobileNet(keypoints=5, width=4).eval()

    with torch.inference_mode():
        found = placing(name, 1)(network)(images(2, 64, 64))

        assert isinstance(found, FastOutput)
        torch.testing.assert_close(
            found.heatmaps, network(images(2, 64, 64)).heatmaps, atol=1e-5, rtol=1e-4
        )


def test_a_graph_is_made_once_per_size_of_picture_and_shared_by_networks_of_the_same_weights(name):
    counting, kept = Counting(create(name, 1)), {}
    networks = [shaken(PlainNet(keypoints=5, widths=(8, 8), blocks=1)) for _ in range(2)]

    for network in networks:
        elsewhere = Elsewhere(network, counting, kept)
        for batch in (1, 2, 1):
            elsewhere(images(batch))
    assert counting.count == 1

    elsewhere(images(1, 32, 32))
    assert counting.count == 2


@pytest.fixture
def kept_on_disk(tmp_path, name):
    """Runs networks as a fresh program would: the session's answer, the runtime, what was told."""

    def run(network: nn.Module) -> tuple[Tensor, Counting, list[str]]:
        told: list[str] = []
        counting = Counting(create(name, 1))
        elsewhere = Elsewhere(network, counting, {}, Cache(tmp_path, told.append))
        with torch.inference_mode():
            return elsewhere(images(3)), counting, told

    return run


def test_a_compiled_network_is_read_from_the_disk_by_the_next_program(kept_on_disk):
    network = shaken(PlainNet(keypoints=5, widths=(8, 8), blocks=1))

    first, made, _ = kept_on_disk(network)
    again, found, told = kept_on_disk(network)

    assert (made.count, made.read, found.count, found.read) == (1, 0, 0, 1)
    assert told == []
    torch.testing.assert_close(again, first, atol=0, rtol=0)


def test_what_is_read_from_the_disk_needs_no_pass_in_torch(kept_on_disk, monkeypatch):
    network = shaken(PlainNet(keypoints=5, widths=(8, 8), blocks=1))
    first, _, _ = kept_on_disk(network)

    def refuse(*_: object) -> Tensor:
        raise AssertionError("a pass in torch, which is slow")

    monkeypatch.setattr(PlainNet, "forward", refuse)
    again, _, _ = kept_on_disk(network)

    torch.testing.assert_close(again, first, atol=0, rtol=0)


def test_other_weights_and_another_form_of_the_runtime_are_compiled_anew(kept_on_disk, monkeypatch):
    network = shaken(PlainNet(keypoints=5, widths=(8, 8), blocks=1))
    kept_on_disk(network)

    with torch.no_grad():
        next(network.parameters()).add_(1)
    assert kept_on_disk(network)[1].count == 1

    monkeypatch.setattr(passes, "_code", lambda network: "another version")
    assert kept_on_disk(network)[1].count == 1


@pytest.mark.parametrize("whole_but_wrong", [True, False], ids=["no model", "cut off"])
def test_a_damaged_entry_is_compiled_again_with_a_line(kept_on_disk, tmp_path, whole_but_wrong):
    network = shaken(PlainNet(keypoints=5, widths=(8, 8), blocks=1))
    expected, _, _ = kept_on_disk(network)
    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    wrong = b"no model"
    path.write_bytes(hashlib.sha256(wrong).digest() + wrong if whole_but_wrong else content[:99])

    found, counting, told = kept_on_disk(network)

    assert counting.count == 1
    assert len(told) == 1
    assert "compiled again" in told[0]
    torch.testing.assert_close(found, expected, atol=0, rtol=0)
    assert kept_on_disk(network)[1].read == 1


def test_bfloat16_of_a_runtime_answers_nearly_as_float32():
    pytest.importorskip("openvino")
    network = shaken(PlainNet(keypoints=5, widths=(8, 8), blocks=1))
    try:
        coarse = placing("openvino", 1, "bfloat16")(network)
    except ConfigError as error:
        pytest.skip(str(error))

    with torch.inference_mode():
        found, expected = coarse(images(3)), network(images(3))

    error = float((found - expected).abs().max() / expected.abs().max())
    assert 1e-5 < error < 0.05


RANGES = Ranges("a", 1, {})


@pytest.fixture
def in_int8(name, monkeypatch):
    """A small network, its ranges, and how often a graph was brought to int8."""
    if not installed("onnx"):
        pytest.skip("the extra 'onnx' is not installed")
    network, counted = shaken(PlainNet(keypoints=5, widths=(8, 8), blocks=1)), []
    tensors = learnt(graph_of(network, ((3, 64, 96),))[0], (images(6).numpy(),))

    def counting(graph, ranges):
        counted.append(len(ranges))
        return quantized(graph, ranges)

    monkeypatch.setattr(passes, "quantized", counting)
    return network, Ranges("a", 6, tensors), counted


def test_int8_is_of_networks_that_have_ranges(name, in_int8):
    network, ranges, counted = in_int8
    place = placing(name, 1, "int8")

    with torch.inference_mode():
        expected = network(images(3))
        found, plain = place(network, lambda: ranges)(images(3)), place(network)(images(3))
        none = place(network, lambda: None)(images(3))

    assert counted == [len(ranges.tensors)]
    error, rest = ((each - expected).abs().max() / expected.abs().max() for each in (found, plain))
    assert rest < error < 0.2
    torch.testing.assert_close(none, plain)


def test_ranges_are_looked_for_in_int8_only(name):
    def looked() -> Ranges:
        raise AssertionError("nobody asked")

    network = shaken(PlainNet(keypoints=5, widths=(8, 8), blocks=1))

    placing(name, 1)(network, looked)(images(1))
    assert placing("torch", 1)(network, looked) is network


def test_other_ranges_are_compiled_anew_and_the_same_are_read_from_the_disk(
    name, in_int8, tmp_path
):
    network, ranges, counted = in_int8

    def run(ranges: Ranges | None) -> Tensor:
        cache = Cache(tmp_path, print)
        with torch.inference_mode():
            return Elsewhere(network, create(name, 1, "int8"), {}, cache, ranges)(images(3))

    first, again, plain = run(ranges), run(ranges), run(None)
    assert len(counted) == 1
    wide = {tensor: (3 * least, 3 * most) for tensor, (least, most) in ranges.tensors.items()}
    other = run(Ranges("a", 6, wide))

    assert len(counted) == 2
    torch.testing.assert_close(again, first, atol=0, rtol=0)
    assert not torch.equal(first, plain)
    assert not torch.equal(first, other)


def test_int8_without_onnx_runtime_is_told_before_the_first_pass(monkeypatch):
    pytest.importorskip("openvino")
    monkeypatch.setitem(base.PACKAGES, "onnx", ("a_package_that_nobody_has",))
    network = PlainNet(keypoints=5, widths=(8, 8), blocks=1)

    with pytest.raises(ConfigError, match=r"its help\. Install it: pip install 'fspose\[onnx\]'"):
        placing("openvino", 1, "int8")(network, lambda: RANGES)
    placing("openvino", 1, "int8")(network)


@pytest.mark.parametrize(("known", "hint"), [(True, "bf16"), (False, "f32")])
def test_what_has_no_ranges_is_in_bfloat16_where_the_processor_knows_it(monkeypatch, known, hint):
    monkeypatch.setattr(passes, "knows_bfloat16", lambda: known)
    monkeypatch.setattr(passes, "OpenVino", lambda *given: given)

    assert create("openvino", 1, "int8") == (1, hint)


def test_two_threads_get_their_own_answers(name):
    network = shaken(PlainNet(keypoints=5, widths=(8, 8), blocks=1))
    elsewhere = placing(name, 1)(network)
    asked = [images(batch) for batch in (1, 2, 3, 1, 2, 3)]
    with torch.no_grad():
        expected = [network(entry) for entry in asked]

    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(elsewhere, asked))

    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-4)


class Unwritable(nn.Module):
    """What ONNX has no operator for."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.linalg.svdvals(x)


def test_a_network_without_a_graph_is_told(name):
    with pytest.raises(ConfigError, match=r"Unwritable cannot be written .*--runtime torch"):
        placing(name, 1)(Unwritable())(images(1))


def test_torch_runs_the_network_itself():
    network = PlainNet(keypoints=5, widths=(8, 8), blocks=1)

    assert placing("torch", 1)(network) is network


def test_other_weights_are_another_network():
    first, again, other = (PlainNet(keypoints=k, widths=(8, 8), blocks=1) for k in (5, 5, 5))
    again.load_state_dict(first.state_dict())

    assert digest(first) == digest(again) != digest(other)
