"""A course: a network and what it learns from; everything of a training but how long and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from data.posetrack_set import AnnotatedSet
from models.training.published import networks
from models.training.published.augment import NONE, Augmentation
from models.training.published.examples import Lesson
from models.training.published.lessons import Crops, Pairs, SoftCrops, StoredPairs, sigma_of
from models.training.published.people import Locate, require_images, subjects

SIZES = {"w32": (192, 256), "w48": (288, 384)}  # FSPose specification 1.2


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """`settings` are what a run that is gone on with must share with its beginning, `size` is the
    crop's (width, height), `left_out` counts the people who cannot be learned from."""

    role: str
    network: nn.Module
    lesson: Lesson
    settings: Mapping[str, object]
    size: tuple[int, int] | None
    left_out: int = 0

    def begun_with(self, checkpoint: Path) -> tuple[str, ...]:
        """Fill the network from a checkpoint; the entries that were left out. WeightsError."""
        return networks.start(self.network, checkpoint)


def slow(
    annotated: AnnotatedSet,
    locate: Locate,
    *,
    network: str,
    width: int | None,
    size: tuple[int, int] | None,
    sigma: float | None,
    augmentation: Augmentation,
    seed: int,
) -> Course:
    """HRNet on crops. Raises AnnotationError and SourceError."""
    size = size or SIZES[network]
    people = subjects(annotated)
    require_images(people, locate)
    lesson = Crops(people, locate, size, sigma or sigma_of(size), augmentation)
    name = network if width is None else f"of width {width}"
    net = networks.slow(network, width, seed)
    return Course("slow", net, lesson, _settings(name, lesson, annotated, seed), size)


def fast(
    annotated: AnnotatedSet,
    locate: Locate,
    *,
    width: int | None,
    size: tuple[int, int],
    sigma: float | None,
    augmentation: Augmentation,
    seed: int,
) -> Course:
    """MobileNet on crops. Raises AnnotationError and SourceError."""
    people = subjects(annotated)
    require_images(people, locate)
    lesson = SoftCrops(people, locate, size, sigma or 2.0, augmentation)
    name = "mobilenet" if width is None else f"mobilenet of width {width}"
    net = networks.fast(width, seed)
    return Course("fast", net, lesson, _settings(name, lesson, annotated, seed), size)


def transfer(
    annotated: AnnotatedSet,
    *,
    pairs: Pairs,
    heatmaps: Mapping[str, Path | None],
    support_range: int,
    width: int | None,
    sigma: float | None,
    seed: int,
) -> Course:
    """TransferNet on the maps of two databases. Raises AnnotationError and StoreError."""
    people = subjects(annotated)
    lesson = StoredPairs(
        people,
        pairs=pairs,
        slow=heatmaps.get("slow"),
        fast=heatmaps.get("fast"),
        annotations=annotated.sha256,
        support_range=support_range,
        sigma=sigma,
    )
    settings = {
        "network": "transfer" if width is None else f"transfer of width {width}",
        "pairs": pairs,
        "support-range": support_range,
        "sigma": lesson.sigma,
        "the databases of": " and ".join(lesson.weights),
        "seed": seed,
        "annotations": annotated.sha256,
    }
    net = networks.transferring(width, seed)
    return Course("transfer", net, lesson, settings, None, lesson.left_out)


def augmentation(*, varied: bool, half_body: bool) -> Augmentation:
    """The published one, with or without half bodies; or none at all."""
    if not varied:
        return NONE
    return Augmentation() if half_body else Augmentation(half_body=0)


def _settings(name: str, lesson: Crops, annotated: AnnotatedSet, seed: int) -> dict[str, object]:
    return {
        "network": name,
        "size": f"{lesson.size[0]}x{lesson.size[1]}",
        "sigma": lesson.sigma,
        "augmentation": lesson.augmentation,
        "seed": seed,
        "annotations": annotated.sha256,
    }
