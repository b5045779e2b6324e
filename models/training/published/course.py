"""The published courses: HRNet, MobileNet and TransferNet on PoseTrack's people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from torch import nn

from data.posetrack_set import AnnotatedSet
from models.training.course import Course, Role
from models.training.published import networks
from models.training.published.augment import NONE, Augmentation
from models.training.published.lessons import Crops, SoftCrops, sigma_of
from models.training.published.pairs import Pairs, StoredPairs
from models.training.published.people import Locate, require_images, subjects
from models.training.published.schedule import FINAL, PATTERNS
from models.training.records import bare

SIZES = {"w32": (192, 256), "w48": (288, 384)}  # FSPose specification 1.2


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
    val: AnnotatedSet | None = None,
) -> Course:
    """HRNet on crops; `val` is what epochs are measured on. AnnotationError and SourceError."""
    size = size or SIZES[network]
    lesson = _crops(Crops, annotated, val, locate, size, sigma or sigma_of(size), augmentation)
    name = f"hrnet {network}" if width is None else f"hrnet of width {width}"
    net = networks.slow(network, width, seed)
    return _course("slow", net, lesson, _settings(name, lesson, annotated, seed))


def fast(
    annotated: AnnotatedSet,
    locate: Locate,
    *,
    width: int | None,
    size: tuple[int, int],
    sigma: float | None,
    augmentation: Augmentation,
    seed: int,
    val: AnnotatedSet | None = None,
) -> Course:
    """MobileNet on crops; `val` is what epochs are measured on. AnnotationError, SourceError."""
    lesson = _crops(SoftCrops, annotated, val, locate, size, sigma or 2.0, augmentation)
    name = "mobilenet" if width is None else f"mobilenet of width {width}"
    net = networks.fast(width, seed)
    return _course("fast", net, lesson, _settings(name, lesson, annotated, seed))


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
    lesson = StoredPairs(
        subjects(annotated),
        pairs=pairs,
        slow=heatmaps.get("slow"),
        fast=heatmaps.get("fast"),
        annotations=annotated.sha256,
        support_range=support_range,
        sigma=sigma,
    )
    name = "transfer" if width is None else f"transfer of width {width}"
    settings = pairs_settings(name, lesson, annotated, seed)
    course = _course("transfer", networks.transferring(width, seed), lesson, settings)
    return replace(course, notes=lesson.notes)


def augmentation(*, varied: bool, half_body: bool) -> Augmentation:
    """The published one, with or without half bodies; or none at all."""
    if not varied:
        return NONE
    return Augmentation() if half_body else Augmentation(half_body=0)


def pairs_settings(
    name: str, lesson: StoredPairs, annotated: AnnotatedSet, seed: int
) -> dict[str, object]:
    """What a run on databases must share with its beginning."""
    return {
        "network": name,
        "pairs": lesson.pairs,
        "support-range": lesson.support_range,
        "sigma": lesson.sigma,
        "the databases of": " and ".join(lesson.weights),
        "seed": seed,
        "annotations": annotated.sha256,
    }


def _crops(
    kind: type[Crops],
    annotated: AnnotatedSet,
    val: AnnotatedSet | None,
    locate: Locate,
    size: tuple[int, int],
    sigma: float,
    varied: Augmentation,
) -> Crops:
    """The crops of everyone whose image is there, with those of `val` held out."""
    held_out = None
    if val is not None:
        held_out = _crops(kind, val, None, locate, size, sigma, NONE)
    people = subjects(annotated)
    require_images(people, locate)
    return kind(people, locate, size, sigma, varied, held_out)


def _course(
    role: Role, network: nn.Module, lesson: Crops | StoredPairs, settings: Mapping[str, object]
) -> Course:
    if isinstance(lesson, Crops):
        size = lesson.size
        inputs: tuple[tuple[int, ...], ...] = ((3, size[1], size[0]),)
        return Course(role, network, lesson, settings, bare(size), inputs, FINAL, PATTERNS[role])
    return Course(role, network, lesson, settings, bare(None), lesson.shapes, FINAL, PATTERNS[role])


def _settings(name: str, lesson: Crops, annotated: AnnotatedSet, seed: int) -> dict[str, object]:
    return {
        "network": name,
        "size": f"{lesson.size[0]}x{lesson.size[1]}",
        "sigma": lesson.sigma,
        "augmentation": lesson.augmentation,
        "seed": seed,
        "annotations": annotated.sha256,
    }
