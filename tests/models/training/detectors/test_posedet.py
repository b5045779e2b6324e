"""PoseDet as it is trained: its views, and what the published code cannot learn from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from data.scenes import Scene, ScenePeople
from data.skeleton import CROWDPOSE_14
from models.networks.posedet import PoseDet
from models.training import detectors
from models.training.detection import SceneBatch, read
from models.training.detectors.posedet import PoseDetDetector, with_abdomen

SMALL: dict[str, Any] = {
    "network": "dla34",
    "keypoint_set": "coco",
    "width": 4,
    "trunk": None,
    "patch": 128,
    "augment": True,
}


def detector(**more: Any) -> PoseDetDetector:
    made = detectors.create("posedet", **{**SMALL, **more})
    assert isinstance(made, PoseDetDetector)
    return made


def crowd(boxes: list[list[float]], known: list[int], keypoints: int = 17) -> ScenePeople:
    """People with so many known keypoints each, from the middle of the box on to the right."""
    points = np.zeros((len(boxes), keypoints, 3), np.float32)
    for person, (box, count) in enumerate(zip(boxes, known, strict=True)):
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        for keypoint in range(count):
            points[person, keypoint] = x + keypoint, y, 1
    labelled = np.array(known, np.float32)
    return ScenePeople(
        np.array(boxes, np.float32).reshape(-1, 4), points, np.full(len(boxes), 400.0), labelled
    )


def scene(people: ScenePeople | None = None, size: tuple[int, int] = (200, 300)) -> Scene:
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    if people is None:
        people = crowd([[20, 30, 80, 130], [200, 20, 260, 120]], [17, 17])
    return Scene(image, people)


def taught(own: PoseDetDetector, scenes: list[Scene]) -> tuple[PoseDet, dict[str, Tensor]]:
    """A fresh network's losses of a batch."""
    torch.manual_seed(0)
    network = own.network().train()
    batch = SceneBatch.of(scenes, own.multiple)
    return network, dict(own.loss(network, read(batch, own, "cpu"), batch.people("cpu")))


def test_squares_show_somebody_with_many_keypoints_in_their_middle() -> None:
    """Of three people the one with the fewest keypoints is never the middle."""
    people = crowd([[0, 0, 40, 40], [100, 100, 140, 140], [200, 60, 240, 100]], [3, 9, 17])
    own, rng = detector(), np.random.default_rng(0)
    for _ in range(30):
        image, seen = own.varied(scene(people), rng)

        assert image.shape == (128, 128, 3)
        middles = (seen.boxes[:, :2] + seen.boxes[:, 2:]) / 2
        central = np.abs(middles - 64).max(1) < 1.5
        assert central.any()
        assert (seen.labelled[central] >= 9).all()
        assert (seen.boxes >= 0).all()
        assert (seen.boxes <= 128).all()


def test_who_is_outside_the_square_goes_and_keypoints_outside_stay() -> None:
    people = crowd([[20, 30, 80, 130]], [17])
    people.keypoints[0, 0, :2] = 299, 199
    far = crowd([[270, 0, 280, 10]], [2])
    both = ScenePeople(*(np.concatenate(pair) for pair in zip(people, far, strict=True)))

    _, seen = detector(patch=64).varied(scene(both), np.random.default_rng(1))

    assert len(seen.boxes) == 1
    assert seen.keypoints[0, 0, 2] == 1
    assert np.abs(seen.keypoints[0, 0, :2]).max() > 64


def test_without_variation_an_image_is_seen_as_the_backend_sees_it() -> None:
    own = detector(augment=False)

    image, people = own.varied(scene(), np.random.default_rng(0))

    assert image.shape == (128, 192, 3)
    np.testing.assert_allclose(people.boxes, scene().people.boxes * 0.64, rtol=1e-5)
    assert own.backend(own.network(), "cpu")._settings.sizes == ((128, 200),)


def test_the_abdomen_is_the_mean_of_three_corners_or_four() -> None:
    people = crowd([[0, 0, 9, 9]] * 3, [0] * 3, keypoints=14)
    corners = [
        CROWDPOSE_14.index(f"{side}_{part}")
        for side in ("left", "right")
        for part in ("shoulder", "hip")
    ]
    for person, count in enumerate((2, 3, 4)):
        people.keypoints[person, corners[:count]] = [[8 * n, 4 * n, 1] for n in range(count)]

    abdomen = with_abdomen(people).keypoints[:, 14]

    assert abdomen.tolist() == [[0, 0, 0], [8, 4, 1], [12, 6, 1]]


def test_crowdposes_people_have_fifteen_keypoints_and_the_abdomen_has_no_other_side() -> None:
    own = detector(keypoint_set="crowdpose")
    people = crowd([[20, 30, 80, 130]], [14], keypoints=14)

    _, seen = own.varied(scene(people), np.random.default_rng(0))
    _, parts = taught(own, [Scene(scene().image, with_abdomen(people))])

    assert seen.keypoints.shape == (1, 15, 3)
    assert own._mirror[14] == 14
    assert all(bool(part.isfinite()) for part in parts.values())


def test_colours_are_imagenets() -> None:
    pixels = torch.tensor([123.675, 116.28, 103.53]).view(1, 3, 1, 1) + 58.395

    torch.testing.assert_close(
        detector().normalised(pixels)[0, :, 0, 0],
        torch.tensor([1, 58.395 / 57.12, 58.395 / 57.375]),
        rtol=1e-4,
        atol=1e-4,
    )


@pytest.mark.parametrize("count", [1, 3])
def test_a_batch_of_images_is_learnt(count: int) -> None:
    own = detector()
    rng = np.random.default_rng(0)
    scenes = [own.varied(scene(), rng) for _ in range(count)]

    network, parts = taught(own, scenes)
    torch.stack(list(parts.values())).sum().backward()

    assert set(parts) == {"scores", "first", "refined", "heatmaps"}
    assert all(part.item() > 0 for name, part in parts.items() if name != "refined")
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    assert all(bool(gradient.isfinite().all()) for gradient in gradients)


def test_an_image_without_anybody_is_learnt() -> None:
    network, parts = taught(detector(), [scene(crowd([], []))])
    torch.stack(list(parts.values())).sum().backward()

    assert parts["scores"].item() > 0
    assert parts["first"].item() == parts["refined"].item() == 0
    assert network.bbox_head.cls_out.bias.grad is not None


def test_every_image_of_a_batch_counts() -> None:
    nobody = scene(crowd([], []))

    _, parts = taught(detector(), [nobody, nobody, scene()])

    assert parts["first"].item() > 0


@pytest.mark.parametrize("network", ["dla34", "hrnet_w32"])
def test_a_trunk_is_loaded(network: str, tmp_path: Path) -> None:
    torch.manual_seed(3)
    trunk = detector(network=network).network().backbone.state_dict()
    torch.save(trunk, tmp_path / "trunk.pth")

    made = detector(network=network, trunk=tmp_path / "trunk.pth").network()

    for name, entry in made.backbone.state_dict().items():
        assert torch.equal(entry, trunk[name])
