"""Devices by name."""

from __future__ import annotations

import pytest
import torch

from data.errors import ConfigError
from models.device import choose, one_thread, present, use_threads
from models.runtimes.base import cores


def test_auto_is_a_device_that_is_there() -> None:
    assert choose("auto") in {*present(), "cuda"}


def test_the_cpu_is_always_there() -> None:
    assert choose("cpu") == "cpu"
    assert "cpu" in present()


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "", "meta:x"])
def test_a_device_that_is_not_there_is_told_with_those_that_are(name: str) -> None:
    with pytest.raises(ConfigError, match=r"There is no device .* Choose --device cpu"):
        choose(name)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_without_a_gpu_is_told() -> None:
    with pytest.raises(ConfigError, match="no device 'cuda' here"):
        choose("cuda")


def test_more_threads_than_cores_are_told() -> None:
    before = torch.get_num_threads()

    with pytest.raises(ConfigError, match=rf"there are {cores()} cores here. Choose --threads"):
        use_threads(cores() + 1)

    assert torch.get_num_threads() == before


def test_threads_are_given_back_after_an_error_too(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = [2]
    monkeypatch.setattr(torch, "get_num_threads", lambda: counts[-1])
    monkeypatch.setattr(torch, "set_num_threads", counts.append)

    with pytest.raises(ConfigError), one_thread():
        raise ConfigError("Weights that do not fit.")

    assert counts == [2, 1, 2]
