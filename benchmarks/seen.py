"""People through a clip with their keypoints: the drawn clips' and an annotated sequence's."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from clips import Clip

from data import posetrack
from data.frame import Frame, Image
from data.pose import Box, Floats
from data.skeleton import FSPOSE_19, POSETRACK_17
from data.synthetic.scene import Truth

LIMBS = [FSPOSE_19.index(name) for name in FSPOSE_19.keypoints[5:17]]
TORSO = FSPOSE_19.index("left_shoulder"), FSPOSE_19.index("right_hip")
NEAR = 0.2  # of the torso
BONN = Path("annotated", "bonn_posetrack", "annotations", "060470979.json")  # in the media folder


def media(text: str) -> Path:
    """The media folder of a command line; refused before minutes are spent on drawn clips."""
    if not (Path(text) / BONN).is_file():
        raise ArgumentTypeError(f"there is no {BONN} in {text}")
    return Path(text)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A person on a frame; keypoints (19, 3) in pixels with flags: 0 unknown, 1 hidden, 2 seen.

    Keypoints of at least the flag `counts` are judged.
    """

    image: Image
    box: Box
    keypoints: Floats
    counts: int

    def far(self, points: Floats) -> Floats:
        """(12,) how far points (19, 2) are off on the limbs, in torsos; NaN where none is judged.

        Empty where the torso is not known or shorter than a pixel.
        """
        left, right = self.keypoints[list(TORSO)]
        torso = float(np.hypot(*(left - right)[:2]))
        if min(left[2], right[2]) <= 0 or torso < 1:
            return np.zeros(0, np.float32)
        steps = (points - self.keypoints[:, :2])[LIMBS]
        judged = self.keypoints[LIMBS, 2] >= self.counts
        return np.where(judged, np.hypot(*steps.T) / torso, np.nan).astype(np.float32)


Track = list[Seen]


def drawn(clips: Sequence[Clip]) -> Iterator[tuple[str, list[Track]]]:
    """Everyone in each clip, track by track."""
    for clip in clips:
        yield clip.name, tracks_of(clip.scene)


def tracks_of(shots: Iterable[tuple[Frame, tuple[Truth, ...]]]) -> list[Track]:
    """Everyone in a drawn clip's frames, track by track; seen keypoints are judged."""
    tracks: dict[int, Track] = defaultdict(list)
    for frame, truths in shots:
        for truth in truths:
            points = np.concatenate([truth.keypoints, truth.visibility[:, None]], 1)
            seen = Seen(frame.image, truth.box, points.astype(np.float32), counts=2)
            tracks[truth.track].append(seen)
    return list(tracks.values())


def annotated(file: Path) -> list[Track]:
    """Everyone in a PoseTrack18 file, track by track, whose images lie where `annotations/` does.

    All annotated keypoints are judged.
    """
    folder = file.parent.parent
    own = [
        POSETRACK_17.index(n) if n in POSETRACK_17.keypoints else -1 for n in FSPOSE_19.keypoints
    ]
    tracks: dict[int, Track] = defaultdict(list)
    for frame in posetrack.read(file).frames:
        pixels = cv2.imread(str(folder / frame.frame_name))
        assert pixels is not None, f"{folder / frame.frame_name} cannot be read"
        image = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)
        for person in frame.people:
            points = np.concatenate([person.keypoints, person.present[:, None]], 1)[own]
            points[np.array(own) < 0] = 0
            if person.box is not None:
                seen = Seen(image, person.box, points.astype(np.float32), counts=1)
                tracks[person.track].append(seen)
    return list(tracks.values())
