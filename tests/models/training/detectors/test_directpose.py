"""DirectPose as it is trained: its views, its boxes, and the published numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from data.scenes import Scene, ScenePeople
from data.skeleton import COCO_17
from models.networks.directpose import DirectPose
from models.training import detectors
from models.training.detection import SceneBatch, read
from models.training.detectors.directpose import (
    DirectPoseDetector,
    around_keypoints,
    cropped,
)

SMALL: dict[str, Any] = {
    "network": "r50",
    "width": 4,
    "trunk": None,
    "least_side": 64,
    "most_side": 128,
    "longest": 200,
    "crop": 96,
    "augment": True,
    "heatmaps_weight": 4.0,
}


def detector(**more: Any) -> DirectPoseDetector:
    made = detectors.create("directpose", **{**SMALL, **more})
    assert isinstance(made, DirectPoseDetector)
    return made


def scene(seed: int = 0, size: tuple[int, int] = (60, 80), people: int = 2) -> Scene:
    """Noise, and people of 20 x 30 pixels whose keypoints lie in their boxes."""
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, (size[1] - 20, size[0] - 30), (people, 2))
    boxes = np.concatenate([corners, corners + np.array([20, 30])], 1).astype(np.float32)
    points = corners[:, None] + rng.uniform(0, (20, 30), (people, 17, 2))
    keypoints = np.concatenate([points, np.ones((people, 17, 1))], -1).astype(np.float32)
    image = rng.integers(0, 256, (*size, 3), np.uint8)
    areas, labelled = np.full(people, 300, np.float32), np.full(people, 17, np.float32)
    return Scene(image, ScenePeople(boxes, keypoints, areas, labelled))


def test_a_box_is_what_lies_around_the_labelled_keypoints_and_who_has_none_goes() -> None:
    before = scene(people=3)
    before.people.keypoints[1] = 0
    before.people.keypoints[2, 5:] = 0
    before.people.keypoints[2, 0] = [0.5, 12, 1]

    people = around_keypoints(before).people

    assert len(people.boxes) == 2
    points = before.people.keypoints[0, :, :2]
    np.testing.assert_allclose(people.boxes[0, 2:], points.max(0) + 1)
    assert people.boxes[1, 0] == 0
    assert people.boxes[1, 3] == before.people.keypoints[2, :5, 1].max() + 1


def test_a_square_begins_at_most_half_a_side_before_somebody_and_is_filled_with_black() -> None:
    plain = scene(size=(40, 300), people=1)
    plain.image[:] = 255
    plain.people.boxes[0] = [250.5, 7.5, 270, 30]
    plain.people.keypoints[0] = [260, 20, 1]
    rng, lefts = np.random.default_rng(0), set()
    for _ in range(300):
        image, people = cropped(plain, 64, rng)

        assert image.shape == (64, 64, 3)
        lefts.add(260 - int(people.keypoints[0, 0, 0]))
        top = 20 - int(people.keypoints[0, 0, 1])
        assert 0 <= top <= 7
        assert (image[: 40 - top] == 255).any()
        assert not image[40 - top :].any()
    assert lefts == set(range(250 - 32, 251))


def test_views_are_squares_that_show_somebody_within() -> None:
    own, rng = detector(), np.random.default_rng(0)
    for _ in range(60):
        image, people = own.varied(scene(), rng)

        assert image.shape == (96, 96, 3)
        assert len(people.boxes) > 0
        assert ((people.boxes >= 0) & (people.boxes <= 95)).all()
        assert (people.boxes[:, 2:] > people.boxes[:, :2]).all()
        points = people.keypoints[people.keypoints[..., 2] > 0, :2]
        assert ((points >= 0) & (points <= 95)).all()


def test_without_squares_whole_images_of_the_drawn_sizes_are_seen() -> None:
    own, rng = detector(crop=0), np.random.default_rng(0)

    shapes = {own.varied(scene(), rng).image.shape[:2] for _ in range(60)}

    shorter = {min(shape) for shape in shapes}
    assert len(shorter) > 20
    assert min(shorter) >= 64
    assert max(shorter) <= 128
    assert all(width == int(height * 80 / 60) for height, width in shapes)


@pytest.mark.parametrize("seed", range(4))
def test_a_mirrored_image_mirrors_the_last_pixel_onto_the_first(seed: int) -> None:
    """Boxes too: the published code moves them a pixel to the left."""
    before = scene(people=1)
    before.people.keypoints[:, :, 0] = np.linspace(30, 50, 17)
    whole = detector(crop=0, least_side=64, most_side=64)

    image, people = whole.varied(before, np.random.default_rng(seed))

    zoom = image.shape[1] / 80
    left, right = (COCO_17.index(f"{side}_ankle") for side in ("left", "right"))
    x = float(people.keypoints[0, left, 0])
    plain = float(before.people.keypoints[0, left, 0]) * zoom
    other = image.shape[1] - 1 - float(before.people.keypoints[0, right, 0]) * zoom
    assert x == pytest.approx(plain) or x == pytest.approx(other)
    last = people.keypoints[0, :, 0].max()
    assert people.boxes[0, 2] == pytest.approx(last + zoom, abs=1e-3)


def test_both_ways_of_looking_into_the_mirror_are_drawn() -> None:
    own, plain = detector(crop=0, least_side=64, most_side=64), scene(people=1)

    images = {own.varied(plain, np.random.default_rng(n)).image.tobytes() for n in range(20)}

    assert len(images) == 2


def test_without_variation_an_image_is_seen_as_the_backend_sees_it() -> None:
    own = detector(augment=False)
    plain = scene()

    image, people = own.varied(plain, np.random.default_rng(0))

    assert image.shape == (128, 170, 3)  # 170.67, cut off
    expected = plain.people.keypoints[..., 1] * 128 / 60
    np.testing.assert_allclose(people.keypoints[..., 1], expected, rtol=1e-5)
    settings = own.backend(own.network(), "cpu")._settings
    assert settings.size(1.0) == (128, 200)
    assert own.input == (3, 128, 224)
    assert detector().input == (3, 96, 96)


def test_colours_are_blue_first_and_less_their_mean() -> None:
    pixels = torch.zeros(1, 3, 2, 2)
    pixels[:, 0] = 200  # red

    found = detector().normalised(pixels)[0, :, 0, 0]

    torch.testing.assert_close(found, torch.tensor([-102.9801, -115.9465, 200 - 122.7717]))


def test_a_batch_is_learnt_with_somebody_and_with_nobody() -> None:
    own = detector()
    torch.manual_seed(0)
    network = own.network().train()
    scenes = [scene(), scene(1, people=0)]
    batch = SceneBatch.of([own.varied(scenes[0], np.random.default_rng(0)), scenes[1]], 32)

    parts = own.loss(network, read(batch, own, "cpu"), batch.people("cpu"))
    torch.stack(list(parts.values())).sum().backward()

    assert list(parts) == ["cls", "centerness", "keypoints", "heatmaps"]
    assert all(part.item() > 0 for part in parts.values())
    gradients = [p.grad for p in network.parameters()]
    assert all(g is not None and bool(g.isfinite().all()) for g in gradients)


def test_a_trunk_is_loaded(tmp_path: Path) -> None:
    torch.manual_seed(3)
    trunk = detector().network().backbone.bottom_up.state_dict()
    names = {f"res{n}": f"layer{n - 1}" for n in (2, 3, 4, 5)}
    entries = {"module.fc.weight": torch.zeros(1000, 128)}
    for name, tensor in trunk.items():
        stage, _, rest = name.partition(".")
        entries[f"module.{names[stage]}.{rest}" if stage in names else f"module.{rest}"] = tensor
    torch.save({"state_dict": entries}, tmp_path / "resnet50_lpf3.pth.tar")

    network = detector(trunk=tmp_path / "resnet50_lpf3.pth.tar").network()

    for name, entry in network.backbone.bottom_up.state_dict().items():
        assert torch.equal(entry, trunk[name])


def test_what_it_writes_it_begins_with(tmp_path: Path) -> None:
    torch.manual_seed(1)
    source, own = detector().network(), detector()
    torch.save(source.state_dict(), tmp_path / "mine.pth")
    network = own.network()

    own.start(network, tmp_path / "mine.pth")

    assert isinstance(network, DirectPose)
    for name, entry in network.state_dict().items():
        torch.testing.assert_close(source.state_dict()[name], entry, msg=name)
