"""What the fusions make of the fast net's maps, against copying the keyframe's and other ways.

    python benchmarks/fusion.py [DIR/annotations/VIDEO.json ...] [--scenes 4] [--interval 16]

The images that a PoseTrack18 file names lie in DIR. Drawn scenes that
no network was trained on come from a seed. Everyone is read in the annotated boxes with the
annotated tracks; keyframes come every `--interval` frames of a track. PCK@0.2 is the share of the
twelve limb keypoints within 0.2 of the torso, on frames between keyframes only, so that all rows
speak of the same people; `slow` there is what the fusions can hope for. `copied` is a fusion whose
transfer is to take the keyframe's maps as they are; the rows after the fusions use no transfer net
(`benchmarks/rivals.py`).
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from rivals import RIVALS, Reading

from data import posetrack
from data.frame import Image
from data.heatmaps import Heatmaps
from data.pose import Box, Floats
from data.skeleton import FSPOSE_19, POSETRACK_17
from data.synthetic.presets import demo, scene
from models import zoo
from models.decode import decode
from models.topdown import TopDown
from models.warp import Warp
from pipelines import fusion
from pipelines.memory import Remembered

LIMBS = [FSPOSE_19.index(name) for name in FSPOSE_19.keypoints[5:17]]
TORSO = FSPOSE_19.index("left_shoulder"), FSPOSE_19.index("right_hip")
SEED = 7_000_000  # far from the seeds of training


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A person on a frame; keypoints (19, 3) in pixels, flag 0 where unknown."""

    image: Image
    box: Box
    keypoints: Floats


def drawn(scenes: int) -> Iterator[list[Seen]]:
    """Everyone in the demo clip and in other drawn scenes, track by track."""
    for number in range(scenes):
        clip = demo(seconds=4) if number == 0 else scene(SEED + number, seconds=4)
        tracks: dict[int, list[Seen]] = defaultdict(list)
        for frame, truths in clip:
            for truth in truths:
                flags = (truth.visibility == 2)[:, None]
                points = np.concatenate([truth.keypoints, flags], 1).astype(np.float32)
                tracks[truth.track].append(Seen(frame.image, truth.box, points))
        yield from tracks.values()


def annotated(file: Path) -> Iterator[list[Seen]]:
    """Everyone in a PoseTrack18 file, track by track."""
    folder = file.parent.parent
    own = [
        POSETRACK_17.index(n) if n in POSETRACK_17.keypoints else -1 for n in FSPOSE_19.keypoints
    ]
    tracks: dict[int, list[Seen]] = defaultdict(list)
    for frame in posetrack.read(file).frames:
        pixels = cv2.imread(str(folder / frame.frame_name))
        image = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)
        for person in frame.people:
            points = np.concatenate([person.keypoints, person.present[:, None]], 1)[own]
            points[np.array(own) < 0] = 0
            if person.box is not None:
                tracks[person.track].append(Seen(image, person.box, points.astype(np.float32)))
    yield from tracks.values()


def copied(current: Sequence[Heatmaps], reference: Sequence[Heatmaps]) -> list[Heatmaps]:
    """No transfer net at all: the reference as it is."""
    return [replace(r, crop=c.crop) for c, r in zip(current, reference, strict=True)]


def reading(maps: Heatmaps) -> Reading:
    """One person's keypoints and scores."""
    points, scores = decode([maps])[0]
    return Reading(points, np.clip(scores, 0, 1))


class Ways:
    """Every way to answer, walked along one track at a time; counts right keypoints."""

    def __init__(self, slow: TopDown, fast: TopDown, transfer: Warp, interval: int) -> None:
        self.slow, self.fast, self.interval = slow, fast, interval
        names = [name for name in fusion.names() if name != "three-maps-light"]
        self.fusions = {
            f"{name}{how}": fusion.create(
                name, interval=interval, resampling="smooth", transfer=carry
            )
            for name in names
            for how, carry in (("", transfer), (", copied", copied))
            if not (name == "fast-only" and how)
        }
        self.right: dict[str, list[bool]] = defaultdict(list)

    def walk(self, track: list[Seen]) -> None:
        key, previous = None, None
        rivals = {name: kind() for name, kind in RIVALS.items()}
        answers: dict[str, Heatmaps] = {}
        for number, seen in enumerate(track):
            (exact,) = self.slow.heatmaps(seen.image, [seen.box])
            (quick,) = self.fast.heatmaps(seen.image, [seen.box])
            if key is None or number % self.interval == 0:
                key, key_number = exact, number
                answers = dict.fromkeys(self.fusions, exact)
                size = float(np.sqrt(seen.box.area))
                for rival in rivals.values():
                    rival.start(seen.image, reading(exact), reading(quick), size)
            else:
                self._judge("slow", exact, seen)
                self._judge("keyframe, copied", replace(key, crop=exact.crop), seen)
                for name, fuse in self.fusions.items():
                    past = Remembered(key, key_number, answers[name], number - 1, previous)
                    between = fusion.Between(quick, exact.crop, past, number - key_number)
                    (fused,) = fuse([between])
                    answers[name] = fused.answer
                    self._judge(name, answers[name], seen)
                for name, rival in rivals.items():
                    self._count(name, rival.follow(seen.image, reading(quick)), seen)
            previous = quick

    def _judge(self, name: str, maps: Heatmaps, seen: Seen) -> None:
        self._count(name, reading(maps).keypoints, seen)

    def _count(self, name: str, points: Floats, seen: Seen) -> None:
        left, right = seen.keypoints[list(TORSO)]
        torso = float(np.hypot(*(left - right)[:2]))
        if min(left[2], right[2]) <= 0 or torso < 1:
            return
        far = np.hypot(*(points - seen.keypoints[:, :2])[LIMBS].T) / torso
        self.right[name] += (far < 0.2)[seen.keypoints[LIMBS, 2] > 0].tolist()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", type=Path, nargs="*")
    parser.add_argument("--weights", type=Path, default=zoo.BUNDLED)
    parser.add_argument("--scenes", type=int, default=4)
    parser.add_argument("--interval", type=int, default=16)
    options = parser.parse_args()
    torch.set_num_threads(1)
    slow, fast = (zoo.topdown(role, "cpu", options.weights) for role in ("slow", "fast"))
    sets = {"drawn": drawn(options.scenes)} if options.scenes else {}
    sets |= {file.stem: annotated(file) for file in options.files}
    for name, tracks in sets.items():
        ways = Ways(slow, fast, zoo.warp("cpu", options.weights), options.interval)
        for track in tracks:
            ways.walk(track)
        for way, right in ways.right.items():
            print(f"{name:16} {way:24} PCK@0.2 {np.mean(right):.3f}  {len(right)} keypoints")


if __name__ == "__main__":
    main()
