"""Suppression of boxes that overlap a better one."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from data.pose import Floats


def box_nms(boxes: Floats, scores: Floats, overlap: float) -> list[int]:
    """Places of the boxes that stay, best first, the earlier one first among equals.

    `boxes` (N, 4) are left, top, right, bottom, `scores` (N,). A box goes whose score is not above
    0, or whose IoU with a better one that stays is above `overlap`. By OpenCV, for torchvision
    takes more than a second to be imported, and following people needs nothing else of it.
    """
    corners = np.asarray(boxes, np.float64).reshape(-1, 4)
    sides = np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]])
    kept: Sequence[int] = cv2.dnn.NMSBoxes(sides.tolist(), scores.tolist(), 0.0, overlap)
    return [int(place) for place in kept]
