"""DirectPose's parts by themselves; the whole is compared with recorded numbers in tests/parity."""

from __future__ import annotations

import re

import pytest
import torch
from torch import Tensor

from data.skeleton import COCO_17
from models import layouts
from models.networks import directpose
from models.networks.directpose import GROUPS, KEYPOINTS, DirectPose, DirectPoseHead, sample

NARROW = {"widths": (8, 16, 16, 32), "stem_width": 8, "channels": 64, "group_width": 8}
GROUP_WIDTH = 8


def narrow(**more: int) -> DirectPose:
    torch.manual_seed(0)
    return directpose.over_resnet((1, 1, 1, 1), **NARROW, **{"heatmap_width": 8, **more}).eval()


def gluoncvs() -> DirectPose:
    return narrow(**directpose.GLUONCV, centerness_width=len(GROUPS) * GROUP_WIDTH)


def head(**more: int) -> DirectPoseHead:
    """Every predictor reads its first channel as x and its second as y, of each keypoint."""
    numbers = {"finest_groups": 1, "values": 2, "centerness_width": 32, **more}
    made = DirectPoseHead(32, group_width=GROUP_WIDTH, **numbers)
    with torch.no_grad():
        for predictor, members in zip(made.predictors, GROUPS, strict=True):
            predictor.weight.zero_()
            rows = predictor.weight.view(len(members), made.values, GROUP_WIDTH)
            rows[:, 0, 0] = rows[:, 1, 1] = 1
    return made


def aligned(made: DirectPoseHead, level: int, bases: Tensor, features: list[Tensor]) -> Tensor:
    with torch.no_grad():
        return made.aligned(level, bases, features)


def numbered(heights: list[int]) -> list[Tensor]:
    """Maps of all groups: channel 0 is the column, channel 1 the row, all others 0."""
    maps = []
    for height in heights:
        own = torch.zeros(1, len(GROUPS), GROUP_WIDTH, height, height)
        own[:, :, 0] = torch.arange(float(height))
        own[:, :, 1] = torch.arange(float(height))[:, None]
        maps.append(own.flatten(1, 2))
    return maps


def test_a_group_is_a_part_of_the_body() -> None:
    names = [tuple(COCO_17.keypoints[k] for k in members) for members in GROUPS]

    assert sorted(k for members in GROUPS for k in members) == list(range(17))
    assert all("_eye" in n or "_ear" in n or n == "nose" for n in names[0])
    assert names[2] == ("left_elbow", "left_wrist")
    assert names[8] == ("right_knee", "right_ankle")


def test_places_between_cells_are_read_linearly_and_0_lies_beyond() -> None:
    maps = torch.tensor([[1.0, 2], [3, 4]])[None, None]
    places = torch.tensor([[0.0, 0.5, 1, 1.5, -1, 0.25], [0, 0.5, 1, 1, 0, 2]])

    found = sample(maps, places.view(1, 2, 1, 6))

    torch.testing.assert_close(torch.tensor([1, 2.5, 4, 2, 0, 0]), found.flatten())


def test_a_map_of_one_cell_can_be_left() -> None:
    places = torch.tensor([0.0, 0.5, -1.0]).view(1, 1, 1, 3).expand(1, 2, 1, 3)

    found = sample(torch.full((1, 1, 1, 1), 8.0), places)

    assert found.flatten().tolist() == [8, 2, 0]


@pytest.mark.parametrize(("level", "ratio", "beside"), [(0, 1, 0), (1, 2, 1)])
def test_without_a_locator_a_cell_looks_at_its_own_place(
    level: int, ratio: int, beside: int
) -> None:
    """Of the cells that two by two make one, at the last: as published."""
    features = numbered([8, 4, 2])
    size = features[level].shape[2]

    found = aligned(head(), level, torch.zeros(1, 18, size, size), features)

    cells = torch.arange(float(size)) * ratio + beside
    torch.testing.assert_close(found[0, 12, 0, 0] * ratio, cells)
    torch.testing.assert_close(found[0, 12, 1, :, 0] * ratio, cells)


@pytest.mark.parametrize(("finest", "nose"), [(1, 6), (0, 3)])
def test_only_the_originals_head_is_looked_for_on_the_finest_level(finest: int, nose: int) -> None:
    features = numbered([8, 4, 2])

    found = aligned(head(finest_groups=finest), 2, torch.zeros(1, 18, 2, 2), features)

    ratio = 4 if finest else 2
    assert float(found[0, 0, 0, 0, 1] * ratio) == pytest.approx(nose)  # column 1 of 2
    assert float(found[0, 5, 0, 0, 1] * 2) == pytest.approx(3)


def test_the_locator_counts_in_the_cells_own_size_and_is_added() -> None:
    bases = torch.zeros(1, 18, 4, 4)
    bases[0, 2 * 5] = 1  # the left hip's, x
    bases[0, 2 * 5 + 1] = -0.5

    found = aligned(head(), 1, bases, numbered([8, 4]))

    hip = found[0, COCO_17.index("left_hip"), :, 2, 1]
    torch.testing.assert_close(hip, torch.tensor([1 + (3 + 2) / 2, -0.5 + (5 - 1) / 2]))
    shoulder = found[0, COCO_17.index("left_shoulder"), :, 2, 1]
    torch.testing.assert_close(shoulder, torch.tensor([3 / 2, 5 / 2]))


def test_without_a_predictor_a_groups_keypoints_are_where_its_locator_points() -> None:
    made = head()
    with torch.no_grad():
        for predictor in made.predictors:
            predictor.weight.zero_()
    bases = torch.randn(1, 18, 4, 4)

    found = aligned(made, 1, bases, numbered([8, 4]))

    for group, members in enumerate(GROUPS):
        for keypoint in members:
            torch.testing.assert_close(found[:, keypoint], bases[:, 2 * group : 2 * group + 2])


def test_the_locator_learns_from_what_is_seen() -> None:
    bases = torch.full((1, 18, 4, 4), 0.2, requires_grad=True)

    head().aligned(0, bases, numbered([4])).sum().backward()

    assert bases.grad is not None
    # A step beside changes the vector itself, and the number that is read there.
    assert float(bases.grad[0, 2 * 5, 1, 1]) == pytest.approx(2)


def test_gluoncvs_head_says_what_is_visible_and_the_originals_does_not() -> None:
    images = torch.rand(2, 3, 64, 96)
    with torch.inference_mode():
        theirs, own = gluoncvs()(images), narrow()(images)

    assert [level.visible.shape[1] for level in (theirs[0], own[0])] == [KEYPOINTS, 0]
    for level in (theirs[0], own[0]):
        assert level.vectors.shape == (2, 34, 8, 12)
        assert level.logits.shape == level.centerness.shape == (2, 1, 8, 12)
    assert [level.logits.shape[2:] for level in own] == [(8, 12), (4, 6), (2, 3), (1, 2), (1, 1)]


def test_two_images_are_answered_as_one_each() -> None:
    network, images = narrow(), torch.rand(2, 3, 64, 96)
    with torch.inference_mode():
        both, second = network(images), network(images[1:])

    for one, alone in zip(both, second, strict=True):
        torch.testing.assert_close(one.vectors[1:], alone.vectors, rtol=1e-4, atol=1e-5)


def test_the_heatmaps_are_beside() -> None:
    network, images = narrow(), torch.rand(1, 3, 64, 96)
    with torch.inference_mode():
        levels, heatmaps = network.supervised(images)
        alone = network(images)

    assert heatmaps.shape == (1, 17, 8, 12)
    torch.testing.assert_close(levels[2].vectors, alone[2].vectors)


def test_a_fresh_network_thinks_that_few_cells_hold_a_person() -> None:
    with torch.inference_mode():
        levels, heatmaps = narrow().supervised(torch.rand(1, 3, 64, 96))

    for logits in (levels[0].logits, heatmaps):
        assert 0.005 < float(logits.sigmoid().mean()) < 0.02


@pytest.mark.parametrize("network", [narrow, gluoncvs])
def test_a_networks_entries_say_how_to_build_it_again(network) -> None:
    own = network()

    found = layouts.directpose_arguments(own.state_dict())

    assert found is not None
    again = directpose.of_arguments(**found)
    shapes = ({n: t.shape for n, t in net.state_dict().items()} for net in (own, again))
    assert next(shapes) == next(shapes)
    assert layouts.looks_like(own.state_dict()) == "DirectPose"


def test_other_entries_are_no_directpose() -> None:
    entries = narrow().state_dict()
    less = {n: t for n, t in entries.items() if not re.match(r"head\.predictors", n)}

    assert layouts.directpose_arguments({}) is None
    assert layouts.directpose_arguments(less) is None
    assert layouts.directpose_arguments({n: torch.zeros(3) for n in entries}) is None


def test_the_renaming_leaves_the_networks_own_names_alone() -> None:
    for name in narrow().state_dict():
        for pattern, _ in directpose.RENAMES:
            assert not re.search(pattern, name), (name, pattern)


def test_the_networks_have_the_published_sizes() -> None:
    with torch.device("meta"):
        original, gluoncv = directpose.original_r50(), directpose.gluoncv_r50()

    counts = [sum(p.numel() for p in net.parameters()) / 1e6 for net in (original, gluoncv)]
    assert counts == pytest.approx([32.88, 32.42], abs=0.006)
