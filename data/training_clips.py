"""People who move, for training on pairs of frames: the pack of short clips, and drawn scenes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from data.errors import AnnotationError
from data.frame import Image
from data.json_fields import load_json, required, shown
from data.pose import Floats
from data.skeleton import FSPOSE_19
from data.sources import open_source
from data.synthetic.presets import scene
from data.training_packs import extent

FILE = "joints.json"
LEAST_FRAMES = 8  # of a walk; shorter ones hold no motion
NECK = {"neck": "head_bottom"}  # JHMDB's word; face and belly are no keypoint of ours


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """One person through consecutive frames of a clip.

    `images` are the frames, `keypoints` (T, 19, 3) x, y in their pixels and a flag, 0 where the
    keypoint is not known, `boxes` (T, 4) x, y, width, height. `exact` says that the keypoints are
    good enough to be a target; else only the motion is.
    """

    images: tuple[Image, ...]
    keypoints: Floats
    boxes: Floats
    exact: bool


def read_clips(pack: Path) -> list[Walk]:
    """The walks of the pack `jhmdb`; AnnotationError where it is not one, SourceError for clips."""
    path = pack / FILE
    if not path.is_file():
        raise AnnotationError(
            f"{pack} is no pack of clips: it holds no {FILE}. The packs' folder holds jhmdb beside "
            "coco_people and lspet."
        )
    content = load_json(path)
    names = [NECK.get(name, name) for name in map(str, required(content, "names", list, f"{path}"))]
    ours = [(FSPOSE_19.index(n), k) for k, n in enumerate(names) if n in FSPOSE_19.keypoints]
    rows, columns = [row for row, _ in ours], [column for _, column in ours]
    walks = []
    for number, clip in enumerate(required(content, "clips", list, f"{path}")):
        place = f"{path}: clips[{number}]"
        file, joints = _file(clip, place), _joints(clip, (len(names), 3), columns, place)
        with open_source(str(pack / file)) as source:
            images = tuple(frame.image for frame in source)[: len(joints)]
        keypoints = np.zeros((len(images), len(FSPOSE_19), 3), np.float32)
        keypoints[:, rows] = joints[: len(images), columns]
        boxes = np.array([extent(points) for points in keypoints], np.float32)
        walks.append(Walk(images, keypoints, boxes, exact=False))
    return walks


def _file(clip: Any, place: str) -> str:
    name: str = required(clip, "file", str, place)
    path = PurePosixPath(name)
    if "\0" in name or path.is_absolute() or ".." in path.parts or not path.name:
        raise AnnotationError(f"{place}.file: expected a file of the pack, found {shown(name)}.")
    return name


def _joints(clip: Any, shape: tuple[int, int], columns: list[int], place: str) -> Floats:
    """Every joint of every frame, (T, J, 3), of which each frame has one of ours at least."""
    listed = required(clip, "joints", list, place)
    try:
        joints = np.array(listed, np.float32)
    except (ValueError, TypeError, OverflowError):  # ragged, or no numbers
        joints = np.zeros(0, np.float32)
    if joints.ndim != 3 or joints.shape[1:] != shape or not np.isfinite(joints).all():
        expected = f"{shape[0]} triples of numbers for each frame"
        raise AnnotationError(f"{place}.joints: expected {expected}.")
    if not (joints[:, columns, 2] > 0).any(1).all():
        raise AnnotationError(f"{place}.joints: expected one that is labelled in each frame.")
    return joints


def drawn_walks(scenes: int, seed: int, *, frames: int = 40) -> list[Walk]:
    """Everyone who is seen for long enough in that many drawn scenes."""
    walks = []
    for number in range(scenes):
        drawn = scene(seed * 10_000 + number, size=(426, 240), seconds=frames / 25 + 2, fps=25)
        shots = [shot for _, shot in zip(range(frames), drawn, strict=False)]
        tracks = {truth.track for _, truths in shots for truth in truths}
        for track in sorted(tracks):
            seen = [
                (frame.image, truth)
                for frame, truths in shots
                for truth in truths
                if truth.track == track and truth.seen > 0.5
            ]
            if len(seen) < LEAST_FRAMES:
                continue
            points = np.stack([truth.keypoints for _, truth in seen])
            flags = np.ones((*points.shape[:2], 1))  # hidden ones are known exactly too
            walks.append(
                Walk(
                    tuple(image for image, _ in seen),
                    np.concatenate([points, flags], 2).astype(np.float32),
                    np.array([truth.box.xywh for _, truth in seen], np.float32),
                    exact=True,
                )
            )
    return walks
