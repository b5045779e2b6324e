"""Heatmaps to keypoints: arg-max, quarter-pixel shift, and the merge with a mirrored run.

NumPy only: `pipelines` reads poses from maps without ever loading torch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data.heatmaps import Heatmaps
from data.pose import Box, Floats, Pose

SHIFT = 0.25  # of a cell, toward the higher neighbour (FSPose specification 1.4)


def decode(heatmaps: Sequence[Heatmaps]) -> list[tuple[Floats, Floats]]:
    """Each person's keypoints (J, 2), in pixels of the image, and scores (J,), the maps' maxima.

    A map without a positive cell gives the crop's corner, with its maximum as score.
    """
    decoded: dict[int, tuple[Floats, Floats]] = {}
    for shape in {person.maps.shape for person in heatmaps}:
        places = [place for place, person in enumerate(heatmaps) if person.maps.shape == shape]
        maps = np.stack([heatmaps[place].maps for place in places])
        cells, scores = peaks(maps)
        for row, (place, points) in enumerate(zip(places, refined(maps, cells), strict=True)):
            decoded[place] = heatmaps[place].crop.to_image(points), scores[row]
    return [decoded[place] for place in range(len(heatmaps))]


def poses(heatmaps: Sequence[Heatmaps], boxes: Sequence[Box]) -> list[Pose]:
    """Every person's pose, scores clipped to 0..1; a pose's own score is the mean of them."""
    found = []
    for (keypoints, raw), box in zip(decode(heatmaps), boxes, strict=True):
        scores = np.clip(raw, 0, 1)
        found.append(Pose(keypoints, scores, box, float(scores.mean())))
    return found


def score(heatmaps: Heatmaps) -> float:
    """The score that a person's pose has in `poses`, without reading the keypoints."""
    return float(np.clip(heatmaps.maps.max((1, 2)), 0, 1).mean())


def pose(heatmaps: Heatmaps, box: Box) -> Pose:
    """One person's pose, as `poses` gives it."""
    return poses([heatmaps], [box])[0]


def peaks(maps: Floats) -> tuple[Floats, Floats]:
    """The highest cell of every map: (N, J, h, w) to x, y (N, J, 2) and maxima (N, J).

    Of equal cells the first in reading order wins; a map without a positive cell gives (0, 0).
    """
    width = maps.shape[3]
    flat = maps.reshape(*maps.shape[:2], -1)
    first = flat.argmax(2)
    scores = np.take_along_axis(flat, first[..., None], 2)[..., 0]
    cells = np.stack((first % width, first // width), 2).astype(np.float32)
    return np.where(scores[..., None] > 0, cells, np.float32(0)), scores


def refined(maps: Floats, cells: Floats) -> Floats:
    """Peaks (N, J, 2) moved a quarter cell toward the higher neighbour, along x and along y.

    Only cells with 1 < x < w - 1 and 1 < y < h - 1 move: cell 1 does not, as published.
    """
    height, width = maps.shape[2:]
    x, y = cells[..., 0].astype(np.intp), cells[..., 1].astype(np.intp)
    inside = (x > 1) & (x < width - 1) & (y > 1) & (y < height - 1)
    before_x, after_x = np.maximum(x - 1, 0), np.minimum(x + 1, width - 1)
    before_y, after_y = np.maximum(y - 1, 0), np.minimum(y + 1, height - 1)
    people, keypoints = np.ogrid[: maps.shape[0], : maps.shape[1]]
    right = maps[people, keypoints, y, after_x] - maps[people, keypoints, y, before_x]
    down = maps[people, keypoints, after_y, x] - maps[people, keypoints, before_y, x]
    step = np.float32(SHIFT) * np.sign(np.stack((right, down), 2))
    return np.asarray(cells + np.where(inside[..., None], step, np.float32(0)), np.float32)


def unflip(maps: Floats, mirror: Sequence[int]) -> Floats:
    """Maps (..., J, h, w) made on the mirrored crop, as if made on the crop itself.

    `mirror[j]` is the keypoint that takes the place of j in a mirrored image.
    """
    return np.ascontiguousarray(maps[..., list(mirror), :, ::-1])


def merge_flipped(maps: Floats, flipped: Floats, mirror: Sequence[int], *, shift: int) -> Floats:
    """The mean of maps (..., J, h, w) and those of the mirrored crop, moved `shift` cells right.

    The published networks want a shift of 1 when the flip test is on (HRNet's SHIFT_HEATMAP):
    their crops are mirrored about a pixel's edge, their maps about a cell's.
    """
    other = unflip(flipped, mirror)
    if shift:
        other[..., shift:] = other[..., :-shift].copy()  # the left columns stay, as published
    return np.asarray((maps + other) / 2, np.float32)
