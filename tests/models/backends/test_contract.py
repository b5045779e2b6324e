"""What every backend keeps; a new file in the folder is tested the day it appears."""

import importlib
import inspect

import numpy as np
import pytest
import torch

from data.pose import Pose
from models import backends
from models.backends.base import PoseBackend

# Options, where a backend has them, that make random numbers answer quickly and with somebody.
QUICK = {"side": 128, "least_score": 0.0, "most_people": 5}


@pytest.fixture(scope="module", params=backends.names())
def backend(request: pytest.FixtureRequest) -> PoseBackend:
    torch.manual_seed(0)
    known = {option.name for option in backends.describe(request.param).options}
    options = {name: value for name, value in QUICK.items() if name in known}
    return backends.create(request.param, weights=None, device="cpu", **options)


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def people(backend, image) -> list[Pose]:
    before = image.copy()
    people = backend.poses(image)
    np.testing.assert_array_equal(before, image)
    return people


def assert_same(expected: list[Pose], actual: list[Pose]) -> None:
    assert len(expected) == len(actual)
    for one, other in zip(expected, actual, strict=True):
        np.testing.assert_array_equal(one.keypoints, other.keypoints)
        np.testing.assert_array_equal(one.scores, other.scores)
        assert (one.box, one.score) == (other.box, other.score)


def test_poses_have_the_keypoints_of_the_skeleton_and_only_finite_numbers(backend, people):
    assert isinstance(people, list)
    joints = len(backend.skeleton)
    for pose in people:
        assert pose.keypoints.shape == (joints, 2)
        assert pose.scores.shape == (joints,)
        assert pose.keypoints.dtype == pose.scores.dtype == np.float32
        corners = (pose.box.left, pose.box.top, pose.box.right, pose.box.bottom)
        for numbers in (pose.keypoints, pose.scores, corners, pose.score):
            assert np.isfinite(numbers).all()


def test_people_come_best_first_and_without_a_track(people):
    assert sorted((pose.score for pose in people), reverse=True) == [p.score for p in people]
    assert {pose.track for pose in people} <= {None}


def test_the_same_image_gets_the_same_answer_twice(backend, image, people):
    assert_same(people, backend.poses(image))


def test_a_view_with_negative_strides_is_read_as_it_is_seen(backend, image, people):
    """Torch cannot take such an array as it is."""
    view = np.ascontiguousarray(image[:, ::-1])[:, ::-1]

    assert_same(people, backend.poses(view))


@pytest.mark.parametrize("size", [(0, 0), (0, 9), (9, 0)])
def test_an_image_without_pixels_has_nobody(backend, size):
    assert backend.poses(np.zeros((*size, 3), np.uint8)) == []


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (200, 3)])
def test_a_tiny_or_narrow_image_is_answered(backend, size):
    assert isinstance(backend.poses(np.zeros((*size, 3), np.uint8)), list)


@pytest.mark.parametrize("name", backends.names())
def test_the_description_read_from_the_text_is_what_the_module_says(name):
    module = importlib.import_module(f"models.backends.{name}")
    parameters = inspect.signature(module.build).parameters.values()
    keywords = [p for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY]

    description = backends.describe(name)

    assert description.summary == (module.__doc__ or "").partition("\n")[0] != ""
    assert [p.name for p in keywords] == [option.name for option in description.options]
    assert [str(p.annotation) for p in keywords] == [o.kind for o in description.options]
    assert not [p.name for p in keywords if p.default is p.empty]
