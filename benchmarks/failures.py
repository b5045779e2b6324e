"""Where the networks fail: pictures of the worst among the drawn people, for the model cards.

    python benchmarks/failures.py [--out docs/failures] [--weights DIR] [--clips 20]

From every eighth frame of the clips of `benchmarks/clips.py`, at most one of a person:

- `slow.jpg`, `fast.jpg`: the people whose seen limb keypoints are the farthest off on average;
- `transfer.jpg`: the people whom the default fusion reads worse than the slow net reads them on
  that frame, half an interval and a whole one after the keyframe;
- `finder.jpg`: the pictures with the most people missed and things taken for people.

The truth is green, what the network says is red, and in `transfer.jpg` the slow net is blue.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from clips import COUNT, clips
from seen import Seen, Track, tracks_of

from data.crop import Crop
from data.frame import Frame, Image
from data.heatmaps import Heatmaps
from data.pose import Box, Floats
from data.similarity import iou_matrix
from data.skeleton import FSPOSE_19
from data.synthetic.scene import Truth
from fspose_app.config import FUSION
from models import zoo
from models.decode import decode
from models.finder import CheckedFinder
from models.topdown import TopDown
from pipelines import fusion
from pipelines.memory import Remembered

EVERY = 8
INTERVAL = 16
LEAST_JUDGED = 6  # limb keypoints of somebody who is shown
LEAST_SEEN = 0.5  # of a body that the finder is to find
TILE, PICTURE = (180, 240), (320, 180)
PEOPLE, PICTURES = 8, 6
MOST_BYTES = 60_000
Shot = tuple[Frame, tuple[Truth, ...]]
GREEN, RED, BLUE = (40, 200, 60), (230, 40, 40), (60, 110, 255)


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """How bad something is, and its picture."""

    badness: float
    tile: Image


def far(seen: Seen, points: Floats) -> float:
    """Mean distance of the judged limb keypoints in torsos; 0 where too few are judged."""
    steps = seen.far(points)
    known = ~np.isnan(steps)
    return float(np.minimum(steps[known], 1.0).mean()) if known.sum() >= LEAST_JUDGED else 0.0


def read(net: TopDown, seen: Seen) -> tuple[Heatmaps, Floats]:
    (maps,) = net.heatmaps(seen.image, [seen.box])
    return maps, decode([maps])[0][0]


def worst_of(track: Track, look: Callable[[int], Case | None]) -> list[Case]:
    """The worst of a person's frames, if there is any."""
    cases = [look(place) for place in range(0, len(track), EVERY)]
    found = [case for case in cases if case is not None and case.badness > 0]
    return sorted(found, key=lambda case: -case.badness)[:1]


def of_net(net: TopDown, track: Track) -> list[Case]:
    def look(place: int) -> Case:
        seen = track[place]
        _, points = read(net, seen)
        return Case(far(seen, points), portrait(seen, [(points, RED)]))

    return worst_of(track, look)


def of_fusion(slow: TopDown, fast: TopDown, fuse: fusion.Fusion, track: Track) -> list[Case]:
    def look(place: int) -> Case | None:
        age = place % INTERVAL or INTERVAL - 1
        start, now = place // INTERVAL * INTERVAL, place // INTERVAL * INTERVAL + age
        if now >= len(track):
            return None
        seen = track[now]
        key, _ = read(slow, track[start])
        exact, said = read(slow, seen)
        quick, _ = read(fast, seen)
        (fused,) = fuse([fusion.Between(quick, exact.crop, Remembered(key, 0, key, 0), age)])
        points = decode([fused.answer])[0][0]
        worse = far(seen, points) - far(seen, said)
        return Case(worse, portrait(seen, [(said, BLUE), (points, RED)]))

    return worst_of(track, look)


def of_finder(finder: CheckedFinder, shots: Sequence[Shot]) -> list[Case]:
    """The worst of a clip's pictures."""
    cases = []
    for frame, truths in shots[::EVERY]:
        found = finder.find(frame.image)
        alike = iou_matrix([truth.box for truth in truths], found) >= 0.5
        missed = sum(
            truth.seen >= LEAST_SEEN and not near.any()
            for truth, near in zip(truths, alike, strict=True)
        )
        wrong = int((~alike.any(0)).sum()) if len(truths) else len(found)
        canvas = frame.image.copy()
        for box, color in ((t.box, GREEN) for t in truths):
            _rectangle(canvas, box, color)
        for box in found:
            _rectangle(canvas, box, RED)
        small = cv2.resize(canvas, PICTURE, interpolation=cv2.INTER_AREA)
        cases.append(Case(missed + wrong, np.asarray(small, np.uint8)))
    return sorted(cases, key=lambda case: -case.badness)[:1]


def portrait(seen: Seen, answers: Sequence[tuple[Floats, tuple[int, int, int]]]) -> Image:
    """A person's crop with the truth and answers drawn on it."""
    crop = Crop.around(seen.box, TILE, 1.25)
    canvas = crop.cut(seen.image)
    for points, color in ((seen.keypoints[:, :2], GREEN), *answers):
        cells = crop.from_image(np.asarray(points, np.float32)).round().astype(int)
        for first, second in FSPOSE_19.limbs:
            if min(seen.keypoints[[first, second], 2]) > 0:
                start, end = cells[first].tolist(), cells[second].tolist()
                cv2.line(canvas, start, end, color, 1, cv2.LINE_AA)
    return canvas


def _rectangle(canvas: Image, box: Box, color: tuple[int, int, int]) -> None:
    corners = ((round(box.left), round(box.top)), (round(box.right), round(box.bottom)))
    cv2.rectangle(canvas, *corners, color, 2)


def sheet(cases: Sequence[Case], count: int) -> Image | None:
    """The worst cases in two rows, the worst first; None where there are none."""
    worst = sorted(cases, key=lambda case: -case.badness)[:count]
    tiles = [case.tile for case in worst if case.badness > 0]
    if not tiles:
        return None
    tiles += [np.zeros_like(tiles[0])] * (count - len(tiles))
    rows = [np.hstack(tiles[: count // 2]), np.hstack(tiles[count // 2 :])]
    return np.vstack(rows)


def save(path: Path, picture: Image) -> None:
    """As a JPEG of the best quality that fits."""
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    for quality in range(85, 0, -5):
        _, content = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if len(content) <= MOST_BYTES:
            break
    path.write_bytes(content.tobytes())
    print(f"{path} {len(content)} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("docs", "failures"))
    parser.add_argument("--weights", type=Path, default=zoo.BUNDLED)
    parser.add_argument("--clips", type=int, default=COUNT)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    slow, fast = (zoo.topdown(role, "cpu", options.weights) for role in ("slow", "fast"))
    finder, carry = zoo.finder("cpu", options.weights), zoo.warp("cpu", options.weights)
    fuse = fusion.create(FUSION, interval=INTERVAL, resampling="smooth", transfer=carry)
    cases: dict[str, list[Case]] = {"slow": [], "fast": [], "transfer": [], "finder": []}
    for clip in clips(options.clips):
        shots = list(clip.scene)
        cases["finder"] += of_finder(finder, shots)
        for track in tracks_of(shots):
            cases["slow"] += of_net(slow, track)
            cases["fast"] += of_net(fast, track)
            cases["transfer"] += of_fusion(slow, fast, fuse, track)
    options.out.mkdir(parents=True, exist_ok=True)
    for role, found in cases.items():
        picture = sheet(found, PICTURES if role == "finder" else PEOPLE)
        if picture is not None:
            save(options.out / f"{role}.jpg", picture)


if __name__ == "__main__":
    main()
