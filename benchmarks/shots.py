"""Clips in memory with everyone who is annotated, what was answered of them, and how near it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import cv2
import numpy as np
from clips import Clip
from seen import LIMBS, NEAR, TORSO, Seen

from data import posetrack
from data.frame import Frame, FrameResult
from data.pose import Floats, Pose
from data.similarity import iou_matrix, oks_matrix
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


@dataclass(slots=True)
class Near:
    """How near answers are to the truth and to the slow net's, in sums over people and frames.

    Who is not answered counts as wrong, so that whoever finds more people gains. `own_judged` and
    `own_agreed` count those alone whom the slow net reads as themselves: its answer is nearer to
    their own truth than to anybody else's. Where one stands behind another it reads whoever is in
    front, and who rightly keeps silent there would agree less.
    """

    people: int = 0
    judged: int = 0
    right: int = 0
    agreed: int = 0
    own_judged: int = 0
    own_agreed: int = 0
    alike: float = 0.0

    def judge(self, found: Answers, slow: Sequence[Sequence[Pose | None]], shots: Shots) -> None:
        """Adds a clip; `slow` are the slow net's answers."""
        for people, poses, others in zip(shots.people, found, slow, strict=True):
            themselves = as_themselves(people, others)
            for seen, pose, other, own in zip(people, poses, others, themselves, strict=True):
                nowhere = np.full((len(FSPOSE_19), 2), np.inf, np.float32)
                far = seen.far(nowhere if pose is None else pose.keypoints)
                judged = int((~np.isnan(far)).sum())
                self.people += 1
                self.judged += judged
                self.own_judged += judged * own
                self.right += int((far < NEAR).sum())
                if pose is None or other is None:
                    continue
                steps = np.zeros((len(FSPOSE_19), 2), np.float32)
                steps[LIMBS] = (pose.keypoints - other.keypoints)[LIMBS]
                agreed = int((seen.far(seen.keypoints[:, :2] + steps) < NEAR).sum())
                self.agreed += agreed
                self.own_agreed += agreed * own
                self.alike += float(oks_matrix([pose], [other], FSPOSE_19)[0, 0])

    def row(self) -> dict[str, float]:
        """The shares of limb keypoints that agree and that are right, and the mean OKS."""
        return {
            "agrees": self.agreed / self.judged,
            "of own": self.own_agreed / self.own_judged,
            "OKS": self.alike / self.people,
            "PCK": self.right / self.judged,
        }

    def __add__(self, other: Near) -> Near:
        names = [each.name for each in fields(Near)]
        return Near(**{name: getattr(self, name) + getattr(other, name) for name in names})


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


def as_themselves(people: Sequence[Seen], answers: Sequence[Pose | None]) -> list[bool]:
    """Of each person of a frame whether the answer is nearer to them than to anybody else."""
    truths = [
        Pose(one.keypoints[:, :2], (one.keypoints[:, 2] > 0).astype(np.float32), one.box, 1.0)
        for one in people
    ]
    found = []
    for place, answer in enumerate(answers):
        near = oks_matrix([] if answer is None else [answer], truths, FSPOSE_19)
        found.append(bool(near.size) and bool(near[0, place] >= near.max()))
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
