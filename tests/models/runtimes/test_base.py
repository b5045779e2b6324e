"""Which runtime a wish leads to."""

from __future__ import annotations

import pytest

from data.errors import ConfigError
from models.runtimes import base
from models.runtimes.base import FASTEST_FIRST, ON_CPU, PRECISIONS, choose, cores, installed

ABSENT = ("a_package_that_nobody_has",)


def test_torch_is_always_there():
    assert installed("torch")
    assert choose("torch", "cpu") == "torch"
    assert choose("torch", "cuda") == "torch"


@pytest.mark.parametrize("name", FASTEST_FIRST)
def test_a_runtime_that_is_not_installed_is_told_with_the_one_command(name, monkeypatch):
    monkeypatch.setitem(base.PACKAGES, name, ABSENT)

    with pytest.raises(
        ConfigError, match=rf"'{name}' is not installed.*pip install 'fspose\[{name}"
    ):
        choose(name, "cpu")


def test_auto_is_the_fastest_that_is_installed(monkeypatch):
    for name in FASTEST_FIRST:
        monkeypatch.setitem(base.PACKAGES, name, ("json",))

    assert choose("auto", "cpu") == FASTEST_FIRST[0]

    monkeypatch.setitem(base.PACKAGES, FASTEST_FIRST[0], ABSENT)
    assert choose("auto", "cpu") == FASTEST_FIRST[1]

    monkeypatch.setitem(base.PACKAGES, FASTEST_FIRST[1], ABSENT)
    assert choose("auto", "cpu") == "torch"


def test_auto_leaves_another_device_than_the_cpu_to_torch(monkeypatch):
    monkeypatch.setitem(base.PACKAGES, "onnx", ("json",))

    assert choose("auto", "cuda") == "torch"


def test_a_runtime_for_a_device_that_it_does_not_know_is_told():
    with pytest.raises(ConfigError, match=r"on the CPU, not on 'cuda:0'.*--device cpu"):
        choose("onnx", "cuda:0")


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", ON_CPU)
def test_a_runtime_calculates_in_what_it_knows_and_refuses_the_rest(name, precision, monkeypatch):
    monkeypatch.setitem(base.PACKAGES, name, ("json",))

    if precision in ON_CPU[name]:
        assert choose(name, "cpu", precision) == name
    else:
        with pytest.raises(ConfigError, match=precision):
            choose(name, "cpu", precision)


def test_half_is_for_cuda_and_told_elsewhere_in_one_line():
    assert choose("torch", "cuda", "half") == choose("auto", "cuda:1", "half") == "torch"
    for wish in ("torch", "auto", "onnx"):
        with pytest.raises(ConfigError, match="'half' is for CUDA devices, not for 'cpu'") as told:
            choose(wish, "cpu", "half")
        assert "\n" not in str(told.value)


def test_a_precision_for_another_device_than_cpu_and_cuda_is_told():
    assert choose("torch", "mps") == "torch"
    with pytest.raises(ConfigError, match="calculates in float32 on 'mps', not in bfloat16"):
        choose("torch", "mps", "bfloat16")


def test_auto_is_one_that_knows_the_precision(monkeypatch):
    for name in FASTEST_FIRST:
        monkeypatch.setitem(base.PACKAGES, name, ("json",))
    assert choose("auto", "cpu", "bfloat16") == "openvino"
    assert choose("auto", "cpu", "int8") == "openvino"

    monkeypatch.setitem(base.PACKAGES, "openvino", ABSENT)
    assert choose("auto", "cpu", "bfloat16") == "torch"
    assert choose("auto", "cpu", "int8") == "onnx"

    monkeypatch.setitem(base.PACKAGES, "onnx", ABSENT)
    with pytest.raises(ConfigError, match=r"not in int8\. Give it .*--runtime .*onnx"):
        choose("auto", "cpu", "int8")


def test_there_is_a_core():
    assert cores() >= 1
