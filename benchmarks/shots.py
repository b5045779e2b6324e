"""Clips in memory with everyone who is annotated, what was answered of them, and how near it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from clips import Clip
from seen import LIMBS, TORSO, Seen

from data import posetrack
from data.frame import Frame, FrameResult
from data.pose import Floats, Pose
from data.similarity import iou_matrix
from data.skeleton import FSPOSE_19, POSETRACK_17
from data.synthetic.scene import sequence
from models.decode import poses as decoded
from pipelines.pipeline import HeatmapNet

LEAST_IOU = 0.3  # of a person's box and an answer's that may be theirs
Answers = list[list[Pose | None]]
"""Frame by frame the pose of each annotated person, None where nobody was seen there."""


@dataclass(frozen=True, slots=True, eq=False)
class Shots:
    """A clip: its frames, and everyone who is annotated on each, with their boxes."""

    name: str
    frames: list[Frame]
    people: list[list[Seen]]
    truth: posetrack.Sequence


def drawn(clip: Clip) -> Shots:
    """A drawn clip; seen keypoints are judged."""
    frames, truths = zip(*clip.scene, strict=True)
    people = []
    for frame, there in zip(frames, truths, strict=True):
        points = [np.concatenate([t.keypoints, t.visibility[:, None]], 1) for t in there]
        people.append(
            [
                Seen(frame.image, truth.box, known.astype(np.float32), counts=2)
                for truth, known in zip(there, points, strict=True)
            ]
        )
    return Shots(clip.name, [*frames], people, sequence(clip.name, clip.scene.size, truths))


def annotated(file: Path) -> Shots:
    """A PoseTrack18 file's sequence at 25 frames a second; all annotated keypoints are judged."""
    truth, folder = posetrack.read(file), file.parent.parent
    own = [
        POSETRACK_17.index(n) if n in POSETRACK_17.keypoints else -1 for n in FSPOSE_19.keypoints
    ]
    frames, people = [], []
    for index, shot in enumerate(truth.frames):
        pixels = cv2.imread(str(folder / shot.frame_name))
        assert pixels is not None, f"{folder / shot.frame_name} cannot be read"
        image = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)
        frames.append(Frame(index, index / 25, image, shot.frame_name))
        found = []
        for person in shot.people:
            points = np.concatenate([person.keypoints, person.present[:, None]], 1)[own]
            points[np.array(own) < 0] = 0
            assert person.box is not None, f"{shot.frame_name}: somebody has no box"
            found.append(Seen(image, person.box, points.astype(np.float32), counts=1))
        people.append(found)
    return Shots(truth.name, frames, people, truth)


def answers(results: Sequence[FrameResult], shots: Shots) -> Answers:
    """Each annotated person's pose: that of the nearest box, each box once."""
    found = []
    for result, people in zip(results, shots.people, strict=True):
        near = iou_matrix([one.box for one in people], [pose.box for pose in result.poses])
        row: list[Pose | None] = [None] * len(people)
        while near.size and near.max() >= LEAST_IOU:
            person, pose = np.unravel_index(near.argmax(), near.shape)
            row[int(person)] = result.poses[int(pose)]
            near[person, :] = near[:, pose] = -1
        found.append(row)
    return found


def on_boxes(net: HeatmapNet, shots: Shots) -> list[list[Pose]]:
    """What a network says of everyone in the annotated boxes."""
    found = []
    for frame, people in zip(shots.frames, shots.people, strict=True):
        boxes = [person.box for person in people]
        found.append(decoded(net.heatmaps(frame.image, boxes), boxes))
    return found


def jitter(found: Answers, shots: Shots) -> list[tuple[float, float]]:
    """By how much velocities change, the answer's and the truth's, in torsos per frame and frame.

    The mean of the judged limb keypoints, wherever one number follows one person through three
    frames.
    """
    history: dict[int, list[tuple[int, Pose, Seen]]] = {}
    changes = []
    for index, (people, poses) in enumerate(zip(shots.people, found, strict=True)):
        numbers = [person.track for person in shots.truth.frames[index].people]
        for seen, pose, number in zip(people, poses, numbers, strict=True):
            past = history.setdefault(number, [])
            if pose is None or (past and past[-1][0] != index - 1):
                past.clear()
            if pose is None:
                continue
            past.append((index, pose, seen))
            del past[:-3]
            if len(past) == 3 and len({one.track for _, one, _ in past}) == 1:
                answer = _change([one.keypoints for _, one, _ in past], seen)
                changes.append((answer, _change([one.keypoints for _, _, one in past], seen)))
    return changes


def _change(points: Sequence[Floats], seen: Seen) -> float:
    first, second, third = (one[LIMBS, :2] for one in points)
    torso = float(np.hypot(*(seen.keypoints[TORSO[0]] - seen.keypoints[TORSO[1]])[:2]))
    judged = seen.keypoints[LIMBS, 2] >= seen.counts
    if torso < 1 or not judged.any():
        return float("nan")
    return float(np.hypot(*(third - 2 * second + first)[judged].T).mean() / torso)
