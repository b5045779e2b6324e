"""PoseDet as a backend: what the network reads, and what becomes of its answer."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from data.errors import ConfigError
from data.skeleton import COCO_17, CROWDPOSE_14
from models.backends.posedet import PoseDetPeople, Settings, build
from models.networks.posedet import Level, posedet_dla

WIDTHS = (4, 4, 8, 8, 16, 16)
SHAPE = np.random.default_rng(5).uniform(-1, 1, (17, 2)).astype(np.float32)  # of whoever is found
ONE = Settings(
    sizes=((64, 96),), flip=False, least_score=0.5, overlap=0.2, most_people=9, most_per_level=50
)


class Marks(torch.nn.Module):
    """Finds somebody at each white pixel that lies on a cell of 8 pixels, right ankle on it."""

    def forward(self, images):
        self.seen = images
        seen = images[:, :1, ::8, ::8]
        offsets = torch.from_numpy(SHAPE - SHAPE[16]).flip(1).reshape(1, 34, 1, 1)
        offsets = offsets.expand(len(images), -1, *seen.shape[2:])
        return [Level(8, torch.where(seen > 2, 2.0, -9.0) + seen.cumsum(3) / 100, offsets, offsets)]


def people(network, **changed) -> PoseDetPeople:
    values = {name: getattr(ONE, name) for name in Settings.__slots__} | changed
    return PoseDetPeople(network, COCO_17, Settings(**values), "cpu")


def marked(height: int, width: int, *places: tuple[int, int]) -> np.ndarray:
    """A black image with white squares around the places (x, y)."""
    image = np.zeros((height, width, 3), np.uint8)
    for x, y in places:
        image[max(0, y - 4) : y + 5, max(0, x - 4) : x + 5] = 255
    return image


def test_an_images_short_side_is_brought_to_the_side_and_filled_to_multiples_of_32():
    network = Marks()

    people(network).poses(np.full((50, 60, 3), 255, np.uint8))

    assert network.seen.shape == (1, 3, 64, 96)  # 64 x 77 is what the image takes of it
    assert network.seen[..., 77:].abs().max() == 0
    assert network.seen[..., :77].min() > 2


def test_the_longer_side_is_bounded():
    network = Marks()

    people(network).poses(np.zeros((20, 400, 3), np.uint8))

    assert network.seen.shape == (1, 3, 32, 96)


def test_people_are_found_in_pixels_of_the_image():
    (pose,) = people(Marks()).poses(marked(128, 160, (64, 80)))

    np.testing.assert_allclose(pose.keypoints[16], [64, 80])
    np.testing.assert_allclose(pose.keypoints, [64, 80] + 16 * (SHAPE - SHAPE[16]), rtol=1e-5)


def test_every_keypoint_has_its_poses_score_and_the_box_is_around_them():
    (pose,) = people(Marks()).poses(marked(128, 160, (64, 80)))

    assert 0.5 < pose.score < 1
    assert pose.scores.tolist() == [np.float32(pose.score)] * 17
    assert pose.box.score == pose.score
    low, high = pose.keypoints.min(0), pose.keypoints.max(0)
    assert pose.box.left < low[0] < high[0] < pose.box.right
    assert pose.box.top < low[1] < high[1] < pose.box.bottom


def test_a_box_lies_within_the_image_and_has_room_even_where_all_keypoints_coincide():
    (pose,) = people(Marks(), least_score=0.1).poses(marked(64, 90, (0, 0)))

    assert (pose.box.left, pose.box.top) == (0, 0)
    assert pose.box.width >= 1
    assert pose.box.height >= 1


def test_a_mirrored_reading_finds_people_where_they_are_and_sides_keep_their_names():
    """At any scale: the published code turns back by the resized width."""
    image = marked(128, 160, (48, 80))

    both = people(Marks(), overlap=1.0, flip=True).poses(image)

    found = [pose.keypoints for pose in both]
    assert len(found) == 2
    plain = [48, 80] + 16 * (SHAPE - SHAPE[16])
    seen = [160 - 48, 80] + 16 * (SHAPE - SHAPE[16])  # in the mirrored image
    turned = np.stack([160 - seen[:, 0], seen[:, 1]], 1)[list(COCO_17.mirror)]
    for expected in (plain, turned):
        assert min(np.abs(points - expected).max() for points in found) < 1e-3


def test_several_readings_are_judged_together():
    image = marked(128, 160, (64, 80))
    sizes = ((64, 96), (66, 99))

    apart = people(Marks(), overlap=1.0, sizes=sizes).poses(image)
    joined = people(Marks(), overlap=0.2, sizes=sizes).poses(image)

    assert len(apart) == 2
    (best,) = joined
    assert best.score == max(pose.score for pose in apart)


def test_a_batch_gives_each_image_the_answer_it_has_alone():
    torch.manual_seed(0)
    network = posedet_dla(keypoints=17, channels=64, widths=WIDTHS)
    with torch.no_grad():
        network.bbox_head.cls_out.bias.fill_(2)
    backend = people(network, overlap=0.9)
    rng = np.random.default_rng(0)
    sizes = [(50, 60), (50, 60), (100, 120), (0, 7), (30, 90)]
    images = [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes]

    together = backend.batch(images)

    assert together[3] == []
    for image, found in zip(images, together, strict=True):
        alone = backend.poses(image)
        assert len(alone) == len(found)
        for one, other in zip(alone, found, strict=True):
            np.testing.assert_allclose(one.keypoints, other.keypoints, atol=1e-3)
            np.testing.assert_allclose(one.score, other.score, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "sizes", "overlap", "skeleton"),
    [
        ({}, ((512, 800),), 0.2, COCO_17),
        ({"keypoint_set": "crowdpose"}, ((512, 800),), 0.3, CROWDPOSE_14),
        ({"side": 640}, ((640, 1000),), 0.2, COCO_17),
        (
            {"side": 500, "longest": 833, "scales": "0.6,1,1.6", "overlap": 0.5},
            ((300, 500), (500, 833), (800, 1333)),
            0.5,
            COCO_17,
        ),
    ],
)
def test_the_published_settings_are_the_defaults(options, sizes, overlap, skeleton):
    backend = build(None, "cpu", **options)

    assert backend.skeleton is skeleton
    settings = backend._settings
    assert sizes == settings.sizes
    assert (overlap, 0.05, 100, 500, False) == (
        *(settings.overlap, settings.least_score, settings.most_people),
        *(settings.most_per_level, settings.flip),
    )


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("variant", "dla43"),
        ("keypoint_set", "mpii"),
        ("least_score", 1.5),
        ("overlap", -0.1),
        ("most_people", 0),
        ("most_per_level", 0),
        ("side", 8),
        ("longest", 9000),
        ("scales", "1;2"),
    ],
)
def test_an_option_out_of_range_is_refused(option, value):
    with pytest.raises(ConfigError, match=rf"'{option}' of posedet is {value!r}"):
        build(None, "cpu", **{option: value})
