"""OKS NMS: which of several poses stay."""

import pytest
import torch

from models.ops.oks_nms import oks_nms

SIGMAS = torch.tensor([0.1, 0.05])


def kept(points, scores, **changed):
    settings = {"overlap": 0.5, "most": 10, "least_area": 1.0} | changed
    points = torch.tensor(points, dtype=torch.float32)
    return oks_nms(points, torch.tensor(scores), SIGMAS, **settings).tolist()


def test_the_weaker_of_two_alike_goes_and_the_best_comes_first():
    pose, beside, far = [[0, 0], [40, 40]], [[1, 0], [40, 41]], [[300, 0], [340, 40]]

    assert kept([pose, far, beside], [0.5, 0.7, 0.9]) == [2, 1]


def test_whoever_is_exactly_as_alike_as_allowed_stays():
    one, other = [[0.0, 0.0], [40.0, 40.0]], [[0.0, 0.0], [40.0, 4000.0]]
    points = torch.tensor([one, other])
    areas = [1600.0, 40.0 * 4000]
    squared = torch.tensor([0.0, 3960.0**2])
    alike = torch.exp(-squared / ((2 * SIGMAS) ** 2 * sum(areas) / 2)).mean().item()

    assert kept(points.tolist(), [0.9, 0.8], overlap=alike) == [0, 1]
    assert kept(points.tolist(), [0.9, 0.8], overlap=alike - 1e-3) == [0]


def test_tiny_poses_are_compared_as_if_they_were_larger():
    poses = [[[0, 0], [1, 1]], [[3, 0], [4, 1]]]

    assert kept(poses, [0.9, 0.8]) == [0, 1]
    assert kept(poses, [0.9, 0.8], least_area=1024.0) == [0]


def test_no_more_stay_than_wanted():
    poses = [[[500 * n, 0], [500 * n + 40, 40]] for n in range(5)]

    assert kept(poses, [0.1, 0.5, 0.3, 0.4, 0.2], most=2) == [1, 3]


def test_of_nobody_nobody_stays():
    none = oks_nms(
        torch.empty(0, 2, 2), torch.empty(0), SIGMAS, overlap=0.5, most=3, least_area=1.0
    )

    assert none.tolist() == []


@pytest.mark.parametrize("seed", range(3))
def test_of_those_that_stay_no_two_are_more_alike_than_allowed(seed):
    """Against the plain definition, pair by pair."""
    torch.manual_seed(seed)
    points, scores = torch.rand(40, 2, 2) * 100, torch.rand(40)

    places = oks_nms(points, scores, SIGMAS, overlap=0.3, most=40, least_area=1.0).tolist()

    def alike(a, b):
        areas = [(p.amax(0) - p.amin(0)).prod().clamp(min=1.0) for p in (points[a], points[b])]
        squared = ((points[a] - points[b]) ** 2).sum(1)
        return torch.exp(-squared / ((2 * SIGMAS) ** 2 * sum(areas) / 2)).mean()

    chosen: list[int] = []
    for place in scores.argsort(descending=True).tolist():
        if all(alike(place, other) <= 0.3 for other in chosen):
            chosen.append(place)
    assert chosen == places
