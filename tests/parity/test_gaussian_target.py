"""Targets, loss and training accuracy against recorded numbers of the published code."""

import re

import numpy as np
import pytest
import torch

from models.training.targets import accuracy, gaussian_targets, joint_mse

FAMILY = "gaussian_target"


def variants(case) -> dict[str, tuple[tuple[int, int], tuple[int, int], float]]:
    """Name to image size, map size (width, height) and sigma, read from the case's sentence."""
    words = case.text["input"].split("):")[0]
    two = re.findall(
        r"(\w+): (?:image )?(\d+)x(\d+),? (?:map )?(\d+)x(\d+),? (?:sigma )?(\d+)", words
    )
    one = re.findall(r"(\w+): image size = map size = (\d+)x(\d+),? sigma (\d+)", words)
    found = {name: ((int(w), int(h)), (int(v), int(u)), float(s)) for name, w, h, v, u, s in two}
    same = {name: ((int(w), int(h)), (int(w), int(h)), float(s)) for name, w, h, s in one}
    assert {k.split("_")[0] for k in case.expected} == found.keys() | same.keys()
    return found | same


@pytest.fixture
def targets(case) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Maps and weights of each variant, ours."""
    return {
        name: gaussian_targets(
            case.expected[f"{name}_joints"],
            case.expected[f"{name}_vis"],
            image_size=image,
            map_size=size,
            sigma=sigma,
        )
        for name, (image, size, sigma) in variants(case).items()
    }


def recorded_output(case, image: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """The random 'network output' of a variant, (2, J, h, w)."""
    words = case.text["input"]
    rng = np.random.default_rng([case.seed, *image])
    for low, high, count in re.findall(r"uniform\((-?[\d.]+),(-?[\d.]+),(\d+)\)", words):
        rng.uniform(float(low), float(high), int(count))
    batch, joints, factor = case.numbers(
        r"standard_normal\(\((\d+),(\d+),h,w\)\)\.astype\(float32\)\*([\d.]+)", words
    )
    shape = (int(batch), int(joints), size[1], size[0])
    return rng.standard_normal(shape).astype(np.float32) * np.float32(factor)


def test_maps_and_weights_are_the_recorded_ones(case, targets):
    absolute = case.number(r"^(\S+) absolute")

    for name, (maps, weights) in targets.items():
        part = maps[case.stored("NAME_target")]
        np.testing.assert_allclose(part, case.expected[f"{name}_target"], rtol=0, atol=absolute)
        sums = maps.sum((1, 2))
        np.testing.assert_allclose(sums, case.expected[f"{name}_sum"], rtol=1e-6, atol=absolute)
        np.testing.assert_array_equal(weights, case.expected[f"{name}_weight"])


def test_loss_and_accuracy_are_the_recorded_ones(case, targets):
    absolute = case.number(r"^(\S+) absolute")
    loss_absolute, relative = case.numbers(r"loss (\S+) relative (\S+)")
    (half,) = case.numbers(r"accuracy uses o\*([\d.]+)\+target", case.text["input"])

    for name, (image, size, _) in variants(case).items():
        maps, weights = targets[name]
        batch, weight = np.stack([maps, maps[::-1]]), np.stack([weights, weights[::-1]])
        output = recorded_output(case, image, size)
        loss = joint_mse(*map(torch.from_numpy, (output, batch, weight)))
        np.testing.assert_allclose(
            float(loss), case.expected[f"{name}_loss"], rtol=relative, atol=loss_absolute
        )
        found = accuracy(output * np.float32(half) + batch, batch)
        shares = [found.mean, *found.per_keypoint]
        np.testing.assert_allclose(
            shares, case.expected[f"{name}_acc"], rtol=0, atol=absolute, err_msg=name
        )
        mean, counted = case.expected[f"{name}_avg_cnt"]
        assert counted == found.counted
        np.testing.assert_allclose(found.mean, mean, rtol=0, atol=absolute)
