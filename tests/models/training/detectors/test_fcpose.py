"""FCPose as it is trained: its views, and the published code's defects that are not here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from data.scenes import Scene, ScenePeople
from models.networks.fcpose import FCPose
from models.training import detectors
from models.training.detection import SceneBatch, read
from models.training.detectors.fcpose import FCPoseDetector

SMALL: dict[str, Any] = {
    "network": "dla34",
    "width": 4,
    "trunk": None,
    "frozen": False,
    "least_side": 64,
    "most_side": 96,
    "longest": 128,
    "augment": True,
    "keypoint_share": 1.0,
}


def detector(**more: Any) -> FCPoseDetector:
    made = detectors.create("fcpose", **{**SMALL, **more})
    assert isinstance(made, FCPoseDetector)
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


def taught(own: FCPoseDetector, scenes: list[Scene]) -> tuple[FCPose, dict[str, Tensor]]:
    """A fresh network's losses of a batch."""
    torch.manual_seed(0)
    network = own.network().train()
    batch = SceneBatch.of(scenes, own.multiple)
    return network, dict(own.loss(network, read(batch, own, "cpu"), batch.people("cpu")))


@pytest.mark.parametrize(
    ("network", "sides", "longest"),
    [("r50", (320, 800, 1), 1333), ("dla34-shared", (256, 608, 32), 900)],
)
def test_the_published_sizes_are_the_defaults(
    network: str, sides: tuple[int, int, int], longest: int
) -> None:
    own = detector(network=network, least_side=None, most_side=None, longest=None)

    assert (own.sides, own.longest) == (sides, longest)
    assert own.input == (3, -(-sides[1] // 32) * 32, -(-longest // 32) * 32)


def test_views_vary_within_the_sizes_and_always_show_somebody() -> None:
    own, rng = detector(), np.random.default_rng(0)
    shorter = set()
    for _ in range(60):
        image, people = own.varied(scene(), rng)
        height, width = image.shape[:2]

        assert len(people.boxes) > 0
        assert max(height, width) <= 128
        assert (people.boxes[:, 2:] - people.boxes[:, :2]).min() > 0
        assert (people.boxes >= 0).all()
        assert (people.boxes <= [width, height] * 2).all()
        points = people.keypoints[people.keypoints[..., 2] > 0, :2]
        assert ((points >= 0) & (points <= [width, height])).all()
        shorter.add(min(height, width))
    assert len(shorter) > 10
    assert max(shorter) <= 96


def test_without_variation_an_image_is_seen_as_the_backend_sees_it() -> None:
    own = detector(augment=False)
    plain = scene()

    image, people = own.varied(plain, np.random.default_rng(0))

    assert image.shape == (96, 128, 3)
    np.testing.assert_allclose(people.boxes, plain.people.boxes * 1.6, rtol=1e-5)
    settings = own.backend(own.network(), "cpu")._settings
    assert settings.size(1.0) == (96, 128)


def test_colours_are_blue_first_and_less_their_mean() -> None:
    pixels = torch.zeros(1, 3, 2, 2)
    pixels[:, 0] = 200  # red

    red_last = detector().normalised(pixels)[0, :, 0, 0]

    torch.testing.assert_close(red_last, torch.tensor([-103.530, -116.280, 200 - 123.675]))


def test_a_batch_of_four_images_of_any_sizes_is_learnt() -> None:
    """The published code ends with an error where it reads more than one image."""
    own = detector()
    scenes = [scene(n, size) for n, size in enumerate([(60, 80), (96, 64), (33, 90), (64, 64)])]

    network, parts = taught(own, scenes)
    torch.stack(list(parts.values())).sum().backward()

    assert set(parts) == {"cls", "loc", "ctr", "p1", "p3", "keypoint", "direction"}
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    assert all(bool(gradient.isfinite().all()) for gradient in gradients)


def test_every_image_of_a_batch_teaches_keypoints() -> None:
    """The published code looks at the first two; here the third one's alone make a loss."""
    own, nobody = detector(), scene(people=0)

    _, parts = taught(own, [nobody, nobody, scene(3)])

    assert parts["keypoint"].item() > 1
    assert parts["direction"].item() > 0.1


def test_an_image_without_anybody_is_learnt() -> None:
    """The published code divides by zero."""
    network, parts = taught(detector(), [scene(people=0)])
    torch.stack(list(parts.values())).sum().backward()

    assert parts["cls"].item() > 0
    assert parts["keypoint"].item() == parts["direction"].item() == 0
    gradient = network.head.atten_producer.weight.grad
    assert gradient is not None
    assert not gradient.any()


def test_an_offset_that_hits_the_keypoint_has_a_gradient() -> None:
    """The published code's is not a number at a distance of zero."""
    own = detector()
    torch.manual_seed(0)
    network = own.network().train()
    last = network.basis.tower[4]
    assert isinstance(last, torch.nn.Conv2d)
    assert last.bias is not None
    with torch.no_grad():  # all offsets are 0: a keypoint on a cell's middle is hit
        last.weight.zero_()
        last.bias.zero_()
    one = scene(people=1)
    one.people.keypoints[..., :2] = 28  # 3 * 8 + 4
    batch = SceneBatch.of([one], own.multiple)

    parts = own.loss(network, read(batch, own, "cpu"), batch.people("cpu"))
    parts["direction"].backward()

    assert last.bias.grad is not None
    assert bool(last.bias.grad.isfinite().all())


def test_the_keypoint_losses_have_their_share() -> None:
    _, whole = taught(detector(), [scene()])
    _, eighth = taught(detector(keypoint_share=0.125), [scene()])

    for name in ("keypoint", "direction"):
        torch.testing.assert_close(eighth[name], whole[name] / 8)
    torch.testing.assert_close(eighth["p1"], whole["p1"])


def test_a_resnets_first_stages_learn_only_where_they_are_not_frozen() -> None:
    for frozen in (True, False):
        trunk = detector(network="r50", frozen=frozen).network().backbone.bottom_up
        stem, last = (trunk.get_submodule(name) for name in ("stem", "res5"))

        assert {p.requires_grad for p in stem.parameters()} == {not frozen}
        assert {p.requires_grad for p in last.parameters()} == {True}


def test_a_trunk_is_loaded(tmp_path: Path) -> None:
    torch.manual_seed(3)
    trunk = detector().network().backbone.bottom_up.state_dict()
    torch.save({**trunk, "fc.weight": torch.zeros(1000, 128)}, tmp_path / "dla.pth")

    network = detector(trunk=tmp_path / "dla.pth").network()

    for name, entry in network.backbone.bottom_up.state_dict().items():
        assert torch.equal(entry, trunk[name])


def test_a_narrow_network_counts_the_longest_side_as_the_largest_person() -> None:
    sizes = detector(longest=128).network().head.sizes_of_interest

    assert sizes.tolist() == [64, 128, 128]
