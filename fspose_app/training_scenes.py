"""What a training of a detector learns from, and the keypoint AP that it is measured by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from data.annotated_images import every
from data.errors import AnnotationError, ConfigError
from data.evaluation_coco import CocoResults, CocoTruth
from data.image_store import open_images, require
from data.keypoint_sets import COCO, CROWDPOSE
from data.pose import Pose
from data.scenes import AnnotatedScenes, read_scenes
from data.skeleton import CROWDPOSE_14, Skeleton
from fspose_app.train_detectors import DetectorSettings
from models.training import detection, detectors
from models.training.course import Course
from models.training.detection import DetectionLesson, Exam, Integers
from pipelines.evaluation import oks


def detector_course(name: str, settings: DetectorSettings) -> Course:
    """A detector's course. Raises AnnotationError, SourceError, WeightsError and ConfigError."""
    detector = detectors.create(name, **settings.detector)
    path, images = _one(settings)
    scenes = _read(path, images, detector.skeleton)
    useful = scenes.with_people(detector.least_keypoints)
    held = np.zeros(len(scenes), bool)
    exam = None
    if settings.val is not None:
        exam = _exam(_read(settings.val, images, detector.skeleton), None, detector.skeleton)
    elif settings.hold_out:
        held = every(scenes.groups, settings.hold_out)
        exam = _exam(scenes, np.flatnonzero(held), detector.skeleton)
    chosen = np.flatnonzero(useful & ~held)
    if not len(chosen):
        raise AnnotationError(f"{path}: there are no images of people to learn from.")
    lesson = DetectionLesson(detector, scenes, chosen, exam)
    people = sum(len(scenes.people[place].boxes) for place in chosen)
    names = f"{path.name} ({people} people, {len(chosen)} images)"
    return detection.course(detector, lesson, names, settings.seed)


def _one(settings: DetectorSettings) -> tuple[Path, Path]:
    """The annotations and the place of the images."""
    if len(settings.annotations) != 1 or len(settings.images) != 1:
        raise ConfigError("A detector learns from one --annotations and its --images.")
    return settings.annotations[0], settings.images[0]


def _read(path: Path, images: Path, skeleton: Skeleton) -> AnnotatedScenes:
    """Scenes whose images are all there."""
    scenes = read_scenes(path, open_images(images), skeleton)
    require(scenes.store, scenes.names)
    return scenes


def _exam(scenes: AnnotatedScenes, held: Integers | None, skeleton: Skeleton) -> Exam | None:
    """All images, or those held out; None where there are none."""
    chosen = np.arange(len(scenes)) if held is None else held
    if not len(chosen):
        return None
    return Exam(scenes, chosen, partial(keypoint_ap, scenes, chosen, skeleton))


def keypoint_ap(
    scenes: AnnotatedScenes,
    chosen: Integers,
    skeleton: Skeleton,
    found: Sequence[Sequence[Pose]],
) -> float:
    """AP of OKS, 0 to 1, of the people found on each of the chosen images; pycocotools counts.

    People are compared on `skeleton`; regions of crowds are not regarded. 0 where nobody is.
    """
    annotated = [scenes.people[place] for place in chosen]
    counts = [len(people.boxes) for people in annotated]
    images = np.arange(len(chosen))
    boxes = np.concatenate([people.boxes for people in annotated]).astype(np.float64)
    boxes[:, 2:] -= boxes[:, :2]
    number = len(boxes)
    truth = CocoTruth(
        place="held out",
        keypoint_set=CROWDPOSE if skeleton is CROWDPOSE_14 else COCO,
        person=1,
        categories=frozenset({1}),
        images=images,
        crowding=np.full(len(images), np.nan),
        image=np.repeat(images, counts),
        keypoints=np.concatenate([p.keypoints for p in annotated]).astype(np.float64),
        labelled=np.concatenate([p.labelled for p in annotated]).astype(np.int64),
        boxes=boxes,
        area=np.concatenate([p.areas for p in annotated]).astype(np.float64),
        is_crowd=np.zeros(number, bool),
        head=np.full(number, np.nan),
        notes=(),
    )
    poses = [pose for people in found for pose in people]
    points = np.array([pose.keypoints for pose in poses], np.float64)
    flat = points.reshape(-1, len(skeleton), 2)
    results = CocoResults(
        image=np.repeat(images, [len(people) for people in found]),
        keypoints=np.concatenate([flat, np.ones_like(flat[..., :1])], -1),
        score=np.array([pose.score for pose in poses], np.float64),
        notes=(),
    )
    figure = oks.oks_values(oks.compare(truth, results))["AP"].number
    return 0.0 if math.isnan(figure) else figure / 100
