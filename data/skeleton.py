"""Skeletons: keypoint names, limbs, mirror pairs, OKS sigmas, and how one becomes the other."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from data.pose import Floats, Pose

# OKS standard deviations per body part. COCO's come from its evaluation page (keypoints-eval,
# section 1.3); head_top and head_bottom from CrowdPose's evaluation, which COCO lacks.
_SIGMAS = {
    "nose": 0.026,
    "eye": 0.025,
    "ear": 0.035,
    "shoulder": 0.079,
    "elbow": 0.072,
    "wrist": 0.062,
    "hip": 0.107,
    "knee": 0.087,
    "ankle": 0.089,
    "head_top": 0.079,
    "head_bottom": 0.079,
}

_LIMBS = (
    ("left_ankle", "left_knee"),
    ("left_knee", "left_hip"),
    ("right_ankle", "right_knee"),
    ("right_knee", "right_hip"),
    ("left_hip", "right_hip"),
    ("left_shoulder", "left_hip"),
    ("right_shoulder", "right_hip"),
    ("left_shoulder", "right_shoulder"),
    ("left_shoulder", "left_elbow"),
    ("left_elbow", "left_wrist"),
    ("right_shoulder", "right_elbow"),
    ("right_elbow", "right_wrist"),
    ("nose", "left_eye"),
    ("nose", "right_eye"),
    ("left_eye", "left_ear"),
    ("right_eye", "right_ear"),
    ("head_top", "nose"),
    ("nose", "head_bottom"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Skeleton:
    """An ordered set of named keypoints.

    `limbs` are pairs of keypoint indices to draw; `mirror[j]` is the keypoint that takes the place
    of j in a mirrored image; `sigmas` is (J,), the OKS standard deviations.
    """

    name: str
    keypoints: tuple[str, ...]
    limbs: tuple[tuple[int, int], ...]
    mirror: tuple[int, ...]
    sigmas: Floats

    def __len__(self) -> int:
        return len(self.keypoints)

    def index(self, keypoint: str) -> int:
        """The place of a keypoint by name; ValueError if the skeleton lacks it."""
        return self.keypoints.index(keypoint)

    def convert(self, pose: Pose, to: Skeleton) -> Pose:
        """The same person on another skeleton.

        Same-named keypoints are copied. A head_bottom that is not there is the midpoint of the
        shoulders with the mean of their scores (FSPose's own rule for PoseTrack's neck). What
        cannot be known gets position (0, 0) and score 0.
        """
        if len(pose.scores) != len(self):
            raise ValueError(f"{self.name} has {len(self)} keypoints, the pose {len(pose.scores)}")
        points = np.zeros((len(to), 2), np.float32)
        scores = np.zeros(len(to), np.float32)
        for target, keypoint in enumerate(to.keypoints):
            if keypoint in self.keypoints:
                source = self.index(keypoint)
                points[target], scores[target] = pose.keypoints[source], pose.scores[source]
            elif keypoint == "head_bottom":
                pair = [self.index("left_shoulder"), self.index("right_shoulder")]
                points[target] = pose.keypoints[pair].mean(0)
                scores[target] = pose.scores[pair].mean() if pose.scores[pair].all() else 0.0
        return replace(pose, keypoints=points, scores=scores)


def _skeleton(
    name: str, keypoints: tuple[str, ...], *, limbs: tuple[tuple[str, str], ...] = _LIMBS
) -> Skeleton:
    """A skeleton whose limbs, mirror pairs and sigmas follow from its keypoints' names."""
    place = {keypoint: index for index, keypoint in enumerate(keypoints)}
    swap = {"left": "right", "right": "left"}
    mirrored = []
    for keypoint in keypoints:
        side, _, part = keypoint.partition("_")
        mirrored.append(f"{swap[side]}_{part}" if side in swap else keypoint)
    parts = [k.partition("_")[2] if k.startswith(("left_", "right_")) else k for k in keypoints]
    return Skeleton(
        name=name,
        keypoints=keypoints,
        limbs=tuple((place[a], place[b]) for a, b in limbs if a in place and b in place),
        mirror=tuple(place[keypoint] for keypoint in mirrored),
        sigmas=np.array([_SIGMAS[part] for part in parts], np.float32),
    )


_COCO_NAMES = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)

COCO_17 = _skeleton("coco-17", _COCO_NAMES)
"""COCO's keypoints in file order."""

FSPOSE_19 = _skeleton("fspose-19", (*_COCO_NAMES, "head_top", "head_bottom"))
"""The embedded family's keypoints: COCO's 17, then head_top and head_bottom."""

POSETRACK_17 = _skeleton(
    "posetrack-17", ("nose", "head_bottom", "head_top", "left_ear", "right_ear", *_COCO_NAMES[5:])
)
"""PoseTrack18's keypoints in file order; the ears are never labelled."""

POSETRACK_15 = _skeleton(
    "posetrack-15",
    (
        "right_ankle",
        "right_knee",
        "right_hip",
        "left_hip",
        "left_knee",
        "left_ankle",
        "right_wrist",
        "right_elbow",
        "right_shoulder",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
        "head_bottom",
        "nose",
        "head_top",
    ),
)
"""PoseTrack17's and the evaluator's order; its neck is called head_bottom here."""

CROWDPOSE_14 = _skeleton(
    "crowdpose-14",
    (*_COCO_NAMES[5:], "head_top", "head_bottom"),
    limbs=(*_LIMBS, ("head_top", "head_bottom")),  # there is no nose between them
)
"""CrowdPose's keypoints in file order; its neck is called head_bottom here."""

SKELETONS = {s.name: s for s in (COCO_17, FSPOSE_19, POSETRACK_17, POSETRACK_15, CROWDPOSE_14)}
