"""Lessons of whole images: batches, padding, what does not depend on company or workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from data.people_set import Flags
from data.pose import Box, Pose
from data.scenes import Scene, ScenePeople
from data.skeleton import COCO_17, Skeleton
from models.training.detection import DetectionLesson, Exam, People, SceneBatch, course, read
from models.training.examples import Lap

SIZES = ((40, 60), (50, 30), (33, 64), (64, 32))  # height, width


def people(count: int) -> ScenePeople:
    boxes = np.arange(4 * count, dtype=np.float32).reshape(count, 4) + np.array([0, 0, 9, 9])
    keypoints = np.ones((count, 17, 3), np.float32)
    keypoints[:, 16] = 0
    areas = np.arange(count, dtype=np.float32) + 5
    return ScenePeople(boxes.astype(np.float32), keypoints, areas, np.full(count, 16, np.float32))


@dataclass(frozen=True)
class Scenes:
    """Images of SIZES, each of a grey of its own, with 0, 1, 2 and 3 people."""

    @property
    def wide(self) -> Flags:
        return np.array([width > height for height, width in SIZES])

    def __len__(self) -> int:
        return len(SIZES)

    def people_of(self, index: int) -> ScenePeople:
        return people(index)

    def scene(self, index: int) -> Scene:
        return Scene(np.full((*SIZES[index], 3), 10 * (index + 1), np.uint8), people(index))


@dataclass(frozen=True)
class Backend:
    skeleton: Skeleton = COCO_17

    def poses(self, image: np.ndarray) -> list[Pose]:
        """Somebody as wide as the image."""
        box = Box(0, 0, image.shape[1], 9)
        return [Pose(np.zeros((17, 2), np.float32), np.ones(17, np.float32), box, 1.0)]


@dataclass(frozen=True)
class Detector:
    """Whose loss is the mean of the pixels, and the number of people."""

    name: str = "fake"
    skeleton: Skeleton = COCO_17
    shift: float = 0.5
    multiple: int = 32
    least_keypoints: int = 0
    input: tuple[int, int, int] = (3, 32, 32)

    @property
    def settings(self) -> Mapping[str, object]:
        return {"network": "fake"}

    def network(self) -> nn.Module:
        return nn.Conv2d(3, 1, 1)

    def start(self, network: nn.Module, path: Path) -> None:
        raise AssertionError("nobody starts it")

    def varied(self, scene: Scene, rng: np.random.Generator) -> Scene:
        """One pixel is drawn."""
        image = scene.image.copy()
        image[0, 0] = rng.integers(100, 256)
        return Scene(image, scene.people)

    def normalised(self, pixels: Tensor) -> Tensor:
        return pixels - 128

    def loss(
        self, network: nn.Module, images: Tensor, people: Sequence[People]
    ) -> Mapping[str, Tensor]:
        count = torch.tensor(float(sum(len(one.boxes) for one in people)))
        return {"pixels": images.mean() + 0 * network(images).sum(), "people": count}

    def backend(self, network: nn.Module, device: str) -> Backend:
        assert not network.training
        return Backend()


def lesson(exam: Exam | None = None, *, by_shape: bool = True) -> DetectionLesson:
    return DetectionLesson(Detector(), Scenes(), np.arange(4), exam, by_shape)


def batches(size: int, workers: int = 0, *, by_shape: bool = True) -> list[SceneBatch]:
    drawn = lesson(by_shape=by_shape).batches(Lap(3, 1, size, workers=workers))
    return [SceneBatch(*batch) for batch in drawn]


def test_a_batch_is_padded_to_multiples_and_to_the_most_people() -> None:
    scenes = [Scenes().scene(index) for index in (0, 2)]

    batch = SceneBatch.of(scenes, 32)

    assert batch.pixels.shape == (2, 64, 64, 3)
    assert batch.sizes.tolist() == [[40, 60], [33, 64]]
    assert batch.counts.tolist() == [0, 2]
    assert batch.boxes.shape == (2, 2, 4)
    nobody, two = batch.people("cpu")
    assert nobody.boxes.shape == (0, 4)
    assert nobody.keypoints.shape == (0, 17, 3)
    assert nobody.size == (40, 60)
    np.testing.assert_array_equal(two.boxes, scenes[1].people.boxes)
    np.testing.assert_array_equal(two.areas, scenes[1].people.areas)
    assert two.labelled.tolist() == [16, 16]


def test_a_batch_of_nobody_can_be_made() -> None:
    batch = SceneBatch.of([Scenes().scene(0)], 32)

    (nobody,) = batch.people("cpu")
    assert (len(nobody.boxes), batch.keypoints.shape) == (0, (1, 0, 17, 3))


def test_padding_is_0_after_the_colours_are_normalised() -> None:
    batch = SceneBatch.of([Scenes().scene(0), Scenes().scene(3)], 32)

    images = read(batch, Detector(), "cpu")

    assert images.shape == (2, 3, 64, 64)
    assert images[0, :, :40, :60].eq(10 - 128).all()
    assert not images[0, :, 40:].any()
    assert not images[0, :, :, 60:].any()
    assert images[1, :, :, :32].eq(40 - 128).all()


def test_only_known_keypoints_are_shifted() -> None:
    batch = next(b for b in batches(1) if b.counts[0] == 2)

    assert batch.keypoints[0, 0, 0].tolist() == [1.5, 1.5, 1]
    assert batch.keypoints[0, 0, 16].tolist() == [0, 0, 0]
    np.testing.assert_array_equal(batch.boxes[0], people(2).boxes)


def test_wide_and_high_images_do_not_share_a_batch() -> None:
    for batch in batches(2):
        heights, widths = batch.sizes.T
        assert len(set((widths > heights).tolist())) == 1


def test_what_is_left_over_of_both_shapes_is_learnt_too() -> None:
    assert sorted(len(batch.counts) for batch in batches(3)) == [1, 3]
    assert sum(len(batch.counts) for batch in batches(3, by_shape=False)) == 4


def test_workers_make_no_difference() -> None:
    alone, together = batches(2), batches(2, workers=3)

    for one, other in zip(alone, together, strict=True):
        for part, same in zip(one, other, strict=True):
            np.testing.assert_array_equal(part, same)


def test_the_loss_is_the_sum_of_its_parts() -> None:
    own = lesson()
    batch = SceneBatch.of([Scenes().scene(3)], 32)

    taught = own.loss(Detector().network(), batch, "cpu", 0.0)

    assert taught.loss.item() == pytest.approx(40 - 128 + 3)


def test_the_exam_sees_what_was_found_on_each_image() -> None:
    def mark(found: Sequence[Sequence[Pose]]) -> float:
        return sum(poses[0].box.width for poses in found)

    own = lesson(Exam(Scenes(), np.array([1, 2]), mark))
    network = Detector().network().train()

    assert own.measure(network, "cpu") == 30 + 64
    assert lesson().measure(network, "cpu") is None


def test_a_course_is_the_seeds() -> None:
    one, same, other = (
        course(Detector(), lesson(), "four", seed).network.weight for seed in (0, 0, 1)
    )

    assert torch.equal(one, same)
    assert not torch.equal(one, other)
