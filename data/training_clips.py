"""People who move, for training on pairs of frames: the pack of short clips, and drawn scenes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.errors import AnnotationError
from data.frame import Image
from data.pose import Floats
from data.skeleton import FSPOSE_19
from data.sources import open_source
from data.synthetic.presets import scene
from data.training_packs import extent

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
    path = pack / "joints.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        names = [NECK.get(name, name) for name in content["names"]]
        records = [
            (clip["file"], np.array(clip["joints"], np.float32)) for clip in content["clips"]
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AnnotationError(f"{path}: no pack of clips: {error}") from error
    ours = [(FSPOSE_19.index(n), k) for k, n in enumerate(names) if n in FSPOSE_19.keypoints]
    rows, columns = (list(side) for side in zip(*ours, strict=True))
    walks = []
    for file, joints in records:
        with open_source(str(pack / file)) as source:
            images = tuple(frame.image for frame in source)[: len(joints)]
        keypoints = np.zeros((len(images), len(FSPOSE_19), 3), np.float32)
        keypoints[:, rows] = joints[: len(images), columns]
        boxes = np.array([extent(points) for points in keypoints], np.float32)
        walks.append(Walk(images, keypoints, boxes, exact=False))
    return walks


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
