"""Ranges learnt from samples: written where int8 answers well with them, else not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.errors import ConfigError
from models.runtimes import base, drift
from models.runtimes.base import installed
from models.runtimes.learning import write_ranges
from models.runtimes.passes import placing
from models.runtimes.ranges import beside, path_beside

pytestmark = pytest.mark.skipif(not installed("onnx"), reason="the extra 'onnx' is not installed")


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "slow.safetensors"
    path.write_bytes(b"weights")
    return path


@pytest.fixture
def _lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The maps of an untrained network are full of ties, which decide where a keypoint is."""
    monkeypatch.setitem(drift.BOUNDS, "int8", drift.Bounds(0.1, 5))


@pytest.mark.usefixtures("_lenient")
def test_what_is_learnt_lies_beside_the_weights_and_is_run_with(net, whole, picture, weights):
    told = write_ranges(path_beside(weights), whole, weights, 1)

    ranges = beside(weights)
    assert ranges is not None
    assert ranges.learnt_from == 3  # of five people; the other two are compared
    place = placing("onnx", 1, "int8")
    again = whole.halves()[1]
    assert again.drift(again.placed(place, ranges).reference) == told
    assert told.largest > 1e-4  # it drifts, which float32 does not
    plain, coarse = net.heatmaps(*picture), net.placed(lambda n, _: place(n, lambda: ranges))
    for one, other in zip(coarse.heatmaps(*picture), plain, strict=True):
        assert 0 < np.abs(one.maps - other.maps).max() <= told.largest + 1e-6


def test_what_drifts_is_not_written(whole, weights, monkeypatch):
    monkeypatch.setitem(drift.BOUNDS, "int8", drift.Bounds(0, 0))

    with pytest.raises(ConfigError, match=r"slow\.ranges\.json drifts from torch"):
        write_ranges(path_beside(weights), whole, weights, 1)

    assert [path.name for path in weights.parent.iterdir()] == [weights.name]


@pytest.mark.usefixtures("_lenient")
def test_pictures_of_several_sides_are_learnt_together(whole, weights):
    large = np.concatenate([whole.samples[0] * 2] * 2, axis=3)[:2]

    write_ranges(path_beside(weights), replace(whole, others=((large,),)), weights, 1)
    both = beside(weights)
    write_ranges(path_beside(weights), whole, weights, 1)
    one = beside(weights)

    assert (one.learnt_from, both.learnt_from) == (3, 4)
    assert list(both.tensors) == list(one.tensors)
    spans = [[most - least for least, most in each.tensors.values()] for each in (one, both)]
    assert all(wide > 1.5 * narrow for narrow, wide in zip(*spans, strict=True))


def test_what_is_not_installed_is_told(whole, weights, monkeypatch):
    monkeypatch.setitem(base.PACKAGES, "onnx", ("a_package_that_nobody_has",))

    with pytest.raises(ConfigError, match=r"pip install 'fspose\[onnx"):
        write_ranges(path_beside(weights), whole, weights, 1)
