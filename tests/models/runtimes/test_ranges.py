"""Ranges as files beside weights, and that those shipped are of the networks shipped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from data.errors import WeightsError
from models import archives, zoo
from models.runtimes.base import installed
from models.runtimes.exported import graph_of
from models.runtimes.ranges import FORM, Ranges, beside, path_beside

TENSORS = {"/a/Conv_output_0": (-1.5, 2.25), "/b/Relu_output_0": (0.0, 17.125)}


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "slow.safetensors"
    path.write_bytes(b"weights")
    return path


def write(weights: Path, **changes: object) -> Path:
    """Ranges beside the weights, with something else in them."""
    path = path_beside(weights)
    said = json.loads(Ranges(archives.sha256(weights), 24, TENSORS).text)
    path.write_text(json.dumps(said | changes))
    return path


def test_ranges_are_read_as_they_were_written(weights: Path) -> None:
    ranges = Ranges(archives.sha256(weights), 24, TENSORS)
    path_beside(weights).write_text(ranges.text)

    assert path_beside(weights).name == "slow.ranges.json"
    assert beside(weights) == ranges
    assert len(ranges.text.splitlines()) == 8 + len(TENSORS)  # a line for each


def test_weights_without_ranges_have_none(weights: Path) -> None:
    assert beside(weights) is None


def test_ranges_of_other_weights_are_told(weights: Path) -> None:
    write(weights)
    weights.write_bytes(b"other weights")

    with pytest.raises(WeightsError, match=r"slow\.ranges\.json was learnt with other weights"):
        beside(weights)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"form": FORM + 1}, f"has the form {FORM + 1}, this version reads {FORM}"),
        ({"form": "a"}, "holds no ranges"),
        ({"tensors": []}, "holds no ranges"),
        ({"tensors": {"a": [1]}}, "holds no ranges"),
        ({"tensors": {"a": [0, float("inf")]}}, "holds no ranges"),
        ({"tensors": {"a": "12"}}, "holds no ranges"),
    ],
)
def test_a_file_of_something_else_is_told(
    weights: Path, changes: dict[str, object], told: str
) -> None:
    path = write(weights, **changes)

    with pytest.raises(WeightsError, match=f"{path.name} {told}"):
        beside(weights)


@pytest.mark.parametrize(
    "tensors",
    [
        dict(list(TENSORS.items())[:1]),
        dict.fromkeys(TENSORS, (0.0, 0.0)),
        {},
    ],
)
def test_ranges_that_were_changed_afterwards_are_told(
    weights: Path, tensors: dict[str, tuple[float, float]]
) -> None:
    write(weights, tensors=tensors)

    with pytest.raises(WeightsError, match="damaged ones"):
        beside(weights)


def test_a_range_upside_down_is_told(weights: Path) -> None:
    path_beside(weights).write_text(Ranges(archives.sha256(weights), 24, {"a": (2, 1)}).text)

    with pytest.raises(WeightsError, match="damaged ones"):
        beside(weights)


def test_a_folder_in_their_place_is_told(weights: Path) -> None:
    path_beside(weights).mkdir()

    with pytest.raises(WeightsError, match="cannot be read"):
        beside(weights)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff\xfe"])
def test_garbage_is_told(weights: Path, content: bytes) -> None:
    path_beside(weights).write_bytes(content)

    with pytest.raises(WeightsError, match="holds no ranges"):
        beside(weights)


def test_another_range_is_another_digest() -> None:
    one, other = Ranges("a", 1, TENSORS), Ranges("a", 1, TENSORS | {"/a/Conv_output_0": (-1, 2)})

    assert one.digest == Ranges("b", 2, TENSORS).digest != other.digest


@pytest.mark.parametrize("role", ["slow", "fast", "finder"])
def test_the_shipped_ranges_belong_to_the_shipped_weights(role: zoo.Role) -> None:
    found = beside(zoo.of_role(role).path)

    assert found is not None
    assert found.learnt_from >= 16


@pytest.mark.skipif(not installed("onnx"), reason="the extra 'onnx' is not installed")
@pytest.mark.parametrize(
    ("role", "sides"),
    [("slow", None), ("fast", None), ("finder", (128, 192)), ("finder", (192, 160))],
)
def test_the_shipped_ranges_know_every_tensor_that_int8_asks_for(
    role: zoo.Role, sides: tuple[int, int] | None
) -> None:
    """The finder's tensors bear the same names whatever the picture's sides are."""
    from models.runtimes.quantized import quantized

    found = beside(zoo.of_role(role).path)
    if sides is None:
        width, height = zoo.of_role(role).description.input["size"]
        network, sides = zoo.topdown(role, "cpu").network, (height, width)
    else:
        network = zoo.finder("cpu").finder.network
    graph, _ = graph_of(network, ((3, *sides),))

    assert found is not None
    assert b"QuantizeLinear" in quantized(graph, found.tensors)
