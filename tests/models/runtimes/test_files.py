"""Exported files: written whole or not at all, and read back with suspicion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from data.errors import ConfigError, OutputError, WeightsError
from models.runtimes import base, drift, files, stamp
from models.runtimes.base import SUFFIXES, Target, installed
from models.runtimes.files import check, opened, write
from models.runtimes.onnx import OnnxRuntime
from models.runtimes.openvino import OpenVino
from models.runtimes.stamp import Stamp
from models.runtimes.whole import Whole


def _or_skipped(target: Target) -> object:
    there = target == "torchscript" or installed(target)
    absent = pytest.mark.skipif(not there, reason=f"the extra '{target}' is not installed")
    return pytest.param(target, marks=absent)


@pytest.fixture(params=[_or_skipped(target) for target in SUFFIXES])
def target(request: pytest.FixtureRequest) -> Target:
    return request.param


@pytest.fixture
def path(target: Target, tmp_path: Path) -> Path:
    return tmp_path / f"net{SUFFIXES[target]}"


class Fickle(nn.Module):
    """Answers bright pictures otherwise than dark ones, which a traced graph cannot."""

    def forward(self, images: Tensor) -> Tensor:
        shrunk = nn.functional.avg_pool2d(images[:, :1], 4)
        return shrunk if bool(images.mean() > 0) else shrunk * 2


def fickle(whole: Whole) -> Whole:
    """Traced on bright pictures, tried on dark ones."""
    return replace(whole, network=Fickle(), samples=(-abs(whole.samples[0]) - 1,))


def left_behind(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]


def test_what_is_written_answers_as_torch_and_is_known_again(whole, target, path):
    written = write(path, target, "net", whole, 1)

    assert written.largest < 1e-4
    assert written.counted > 0
    assert check(path, target, "net", whole, 1) == (written, "float32")
    ends = {path.suffix, ".bin"} if target == "openvino" else {path.suffix}
    assert {Path(name).suffix for name in left_behind(path.parent)} == ends


def test_what_drifts_is_not_written(whole, target, path):
    with pytest.raises(ConfigError, match="drifts from torch"):
        write(path, target, "net", fickle(whole), 1)

    assert left_behind(path.parent) == []


def test_a_file_that_was_there_stays_where_the_new_one_drifts(whole, target, path):
    path.write_text("before")

    with pytest.raises(ConfigError, match="drifts"):
        write(path, target, "net", fickle(whole), 1)

    assert path.read_text() == "before"


def test_a_folder_that_is_not_there_is_told(whole, target, tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        write(tmp_path / "gone" / f"net{SUFFIXES[target]}", target, "net", whole, 1)


@pytest.mark.parametrize("content", [b"", b"garbage" * 100, b"<?xml version='1.0'?><net/>"])
def test_garbage_is_told(whole, target, path, content):
    path.write_bytes(content)

    with pytest.raises(WeightsError, match=r"net\.\w+ (is no|was not written by)"):
        check(path, target, "net", whole, 1)


def test_half_a_file_is_told(whole, target, path):
    write(path, target, "net", whole, 1)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])

    with pytest.raises(WeightsError, match="net"):
        check(path, target, "net", whole, 1)


def test_a_file_of_another_version_is_told(whole, target, path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(stamp, "VERSION", 7)
        write(path, target, "net", whole, 1)

    with pytest.raises(WeightsError, match="another version of fspose: its form is 7"):
        check(path, target, "net", whole, 1)


def test_a_file_of_another_network_is_told(whole, target, path):
    write(path, target, "net", whole, 1)
    other = replace(whole, samples=(whole.samples[0][..., :32],))
    with torch.no_grad():
        with pytest.raises(WeightsError, match="of 'net', not 'slow'"):
            check(path, target, "slow", whole, 1)
        with pytest.raises(WeightsError, match="takes inputs of"):
            check(path, target, "net", other, 1)
        next(iter(whole.network.parameters())).add_(1)
        with pytest.raises(WeightsError, match="of other weights"):
            check(path, target, "net", whole, 1)


@pytest.mark.skipif(not installed("onnx"), reason="the extra 'onnx' is not installed")
def test_an_opset_that_the_runtime_does_not_know_is_told(whole, tmp_path):
    import onnx

    path = tmp_path / "net.onnx"
    write(path, "onnx", "net", whole, 1)
    model = onnx.load(path)
    model.opset_import[0].version = 900
    onnx.save(model, path)

    with pytest.raises(ConfigError, match=r"net\.onnx \(opset 900\): ONNX Runtime cannot run"):
        check(path, "onnx", "net", whole, 1)


@pytest.mark.skipif(not installed("openvino"), reason="the extra 'openvino' is not installed")
def test_a_model_without_its_weights_is_told(whole, tmp_path):
    path = tmp_path / "net.xml"
    write(path, "openvino", "net", whole, 1)
    (tmp_path / "net.bin").unlink()

    with pytest.raises(WeightsError, match=r"lacks its \.bin file"):
        check(path, "openvino", "net", whole, 1)


@pytest.mark.parametrize("kind", ["onnx", "openvino"])
def test_what_is_not_installed_is_told_before_any_work(kind, whole, tmp_path, monkeypatch):
    monkeypatch.setitem(base.PACKAGES, kind, ("a_package_that_nobody_has",))

    with pytest.raises(ConfigError, match="pip install"):
        write(tmp_path / "net", kind, "net", whole, 1)


def test_sessions_that_answer_otherwise_are_told(whole, path, target, monkeypatch):
    write(path, target, "net", whole, 1)

    def fewer(inputs: Sequence[object]) -> list[object]:
        return [answer[:, :1] for answer in whole.reference(inputs)]

    own = Stamp.of("net", whole, "float32")
    monkeypatch.setitem(files._READERS, target, lambda path, threads: (own, fewer))

    with pytest.raises(WeightsError, match="does not answer as net does"):
        check(path, target, "net", whole, 1)


NEEDS_BOTH = pytest.mark.skipif(
    not (installed("onnx") and installed("openvino")), reason="onnx and openvino are not installed"
)


@NEEDS_BOTH
@pytest.mark.parametrize("target", ["onnx", "openvino"])
def test_int8_is_written_with_its_loss_and_known_again(whole, target, tmp_path, monkeypatch):
    # The maps of an untrained network are full of ties, which decide where a keypoint is.
    monkeypatch.setitem(drift.BOUNDS, "int8", drift.Bounds(0.1, 5))
    path = tmp_path / f"net{SUFFIXES[target]}"

    written = write(path, target, "net", whole, 1, "int8")

    assert written.largest > 1e-4  # it drifts, which float32 may not
    assert check(path, target, "net", whole, 1) == (written, "int8")


def test_a_finder_is_written_for_pictures_of_any_sides(whole_finder, target, path):
    written = write(path, target, "finder", whole_finder, 1)

    assert written.largest < 1e-4
    assert written.counted > 0
    assert check(path, target, "finder", whole_finder, 1) == (written, "float32")
    turned = replace(whole_finder, samples=whole_finder.others[0], others=())
    assert check(path, target, "finder", turned, 1)[0].largest < 1e-4


def test_there_is_no_int8_of_torchscript(whole, tmp_path):
    with pytest.raises(ConfigError, match="TorchScript is written in float32 only"):
        write(tmp_path / "net.pt", "torchscript", "net", whole, 1, "int8")


@NEEDS_BOTH
def test_an_onnx_file_runs_in_both_runtimes_and_an_openvino_one_in_its_own(whole, tmp_path):
    for target in ("onnx", "openvino"):
        write(tmp_path / f"net{SUFFIXES[target]}", target, "net", whole, 1)

    for runtime in (OnnxRuntime(1), OpenVino(1)):
        found, session = opened(tmp_path / "net.onnx", runtime)
        assert (found.kind, found.precision) == ("topdown", "float32")
        assert whole.drift(session).largest < 1e-4
    assert opened(tmp_path / "net.xml", OpenVino(1))[0] == found
    with pytest.raises(ConfigError, match=r"net\.xml does not run in 'onnx'"):
        opened(tmp_path / "net.xml", OnnxRuntime(1))
