"""Crops and decoding against recorded matrices, pixels and keypoints of the published code."""

import re
from dataclasses import replace

import numpy as np
import pytest

from data.crop import Crop
from data.heatmaps import Heatmaps
from data.pose import Box
from models.decode import decode, peaks

FAMILY = "crop_affine"
PADDING = 1.25  # the published 1.25 of FSPose specification 1.3
NUMBER = r"(-?[\d.]+)"


@pytest.fixture
def crops(case) -> list[list[Crop]]:
    """A crop per box and size."""
    given = case.text["input"]
    return [
        [
            replace(Crop.around(Box.from_xywh(*box), (width, height), PADDING), rotation=rotation)
            for width, height in given["sizes_wh"]
        ]
        for *box, rotation in given["boxes_xywh_rotation"]
    ]


@pytest.fixture
def maps(case, drawn) -> np.ndarray:
    """The heatmaps (N, J, h, w) that the case describes in words."""
    words = case.text["input"]["heatmaps"]
    height, width = map(int, case.numbers(r"gaussians\((\d+), *(\d+)", words))
    seed, step, low, high = case.numbers(
        rf"unit_joints\((\d+)\*(\d+)\+i, *{NUMBER}, *{NUMBER}\)", words
    )
    scale = case.numbers(r"\* \((\d+), *(\d+)\)", words)
    sigma, peak, less = case.numbers(rf"\), {NUMBER}, *{NUMBER}\) - float32\({NUMBER}\)", words)
    samples = []
    for sample in range(len(case.expected["max_preds"])):
        centers = drawn.unit_joints(int(seed * step) + sample, low, high) * np.array(scale)
        samples.append(drawn.gaussians(height, width, centers, sigma, peak) - np.float32(less))
    edit(samples[0], words)
    return np.stack(samples)


def edit(maps: np.ndarray, words: str) -> None:
    """Obey sentences like 'joint 0 all -1' and 'joint 3 zero with [y=1,x=1]=1,[1,2]=.5'."""
    sentences = re.findall(r"joint (\d+) (all|zero with) ([^;]+)", words)
    assert sentences
    for joint, kind, what in sentences:
        if kind == "all":
            maps[int(joint)] = float(what)
            continue
        maps[int(joint)] = 0
        for y, x, value in re.findall(r"\[(?:y=)?(\d+), *(?:x=)?(\d+)\]=([\d.]+)", what):
            maps[int(joint), int(y), int(x)] = float(value)


def test_centers_and_scales_are_the_recorded_ones(case, crops):
    relative = case.number(r"center/scale: (\S+) relative")

    centers = [[crop.center for crop in row] for row in crops]
    scales = [[crop.scale for crop in row] for row in crops]

    np.testing.assert_allclose(centers, case.expected["center"], rtol=relative)
    np.testing.assert_allclose(scales, case.expected["scale"], rtol=relative)


@pytest.mark.parametrize(("way", "method"), [("forward", Crop.matrix), ("inverse", Crop.inverse)])
def test_matrices_are_the_recorded_ones(case, crops, way, method):
    absolute, linear = case.numbers(r"matrices: absolute (\S+) \((\S+) for the linear part\)")

    matrices = np.array([[method(crop) for crop in row] for row in crops])

    expected = case.expected[way]
    np.testing.assert_allclose(matrices, expected, rtol=0, atol=absolute)
    np.testing.assert_allclose(matrices[..., :2], expected[..., :2], rtol=0, atol=linear)


def test_crops_are_the_recorded_ones(case, crops, fill):
    words = case.text["input"]["image"]
    image = fill.image(*map(int, case.numbers(r"fill\.image\((\d+), (\d+), (\d+)\)", words)))
    share, levels, most = case.numbers(
        r"at least (\d+)% of the values within (\d+) grey levels and none beyond (\d+)"
    )
    sizes = [tuple(size) for size in case.text["input"]["sizes_wh"]]
    part = case.stored("crop_i_WxH")
    names = [name for name in case.expected if name.startswith("crop_")]

    assert names
    for name in names:
        box, width, height = map(int, re.fullmatch(r"crop_(\d+)_(\d+)x(\d+)", name).groups())
        cut = crops[box][sizes.index((width, height))].cut(image)[part].astype(int)
        error = np.abs(cut - case.expected[name].astype(int))
        assert error.max() <= most, name
        assert (error <= levels).mean() >= share / 100, name


def test_peaks_are_the_recorded_ones(case, maps):
    cells, scores = peaks(maps)

    np.testing.assert_array_equal(cells, case.expected["max_preds"])
    np.testing.assert_allclose(scores, case.expected["maxval"][..., 0], rtol=1e-6)


def test_keypoints_are_the_recorded_ones(case, crops, maps):
    size = [*map(int, case.numbers(r"of the (\d+)x(\d+) column", words_of_refinement(case)))]
    column = case.text["input"]["sizes_wh"].index(size)
    upright = [replace(row[column], rotation=0.0) for row in crops]
    absolute = case.number(r"decode: (\S+) px")

    found = decode([Heatmaps(m, crop) for m, crop in zip(maps, upright, strict=True)])

    points = np.stack([points for points, _ in found])
    np.testing.assert_allclose(points, case.expected["xy_refined"], rtol=0, atol=absolute)
    plain = [c.to_image(cells) for c, cells in zip(upright, peaks(maps)[0], strict=True)]
    np.testing.assert_allclose(plain, case.expected["xy_plain"], rtol=0, atol=absolute)


def words_of_refinement(case) -> str:
    return case.text["outputs"]["xy_refined"]
