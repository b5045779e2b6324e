"""MoveNet Lightning beside our networks: its recorded figures, and a run of its own.

The figures were measured with its int8 file for 192 x 192 pixels (github google-coral/test_data,
commit 104342d2, Apache-2.0) on the same pictures by the protocol of `benchmarks/accuracy.py`, on
square crops whose side is `enlarge` times the box's longer one. 143 of the 146 people of
`coco_keypoints` are from COCO's training pictures, which it may have learned from.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from data.crop import Crop
from data.frame import Image
from data.pose import Box, Floats

SIDE = 192
KEYPOINTS = 17

RECORDED: dict[str, dict[str, tuple[float, float, float] | tuple[float]]] = {
    "MoveNet, enlarge 1.25, recorded": {
        "coco AP": (0.307, 0.24, 0.40),
        "coco, visible": (0.742, 0.68, 0.81),
        "coco, labelled": (0.666,),
        "lspet": (0.553, 0.51, 0.60),
        "bonn": (0.907, 0.86, 0.95),
    },
    "MoveNet, enlarge 1.0, recorded": {
        "coco AP": (0.374, 0.31, 0.46),
        "coco, visible": (0.798, 0.74, 0.86),
        "coco, labelled": (0.704,),
        "lspet": (0.568, 0.52, 0.61),
        "bonn": (0.932, 0.89, 0.97),
    },
}
"""Figure and, where it was recorded, its 95 % interval."""


class MoveNet:
    """A `.tflite` file of MoveNet single pose on square crops around boxes."""

    def __init__(self, path: Path, *, enlarge: float, threads: int) -> None:
        """ImportError where no LiteRT is installed (`pip install ai-edge-litert`)."""
        from ai_edge_litert.interpreter import Interpreter  # not among our own dependencies

        self._net = Interpreter(str(path), num_threads=threads)
        self._net.allocate_tensors()
        self._input = self._net.get_input_details()[0]
        self._output = self._net.get_output_details()[0]
        self._enlarge = enlarge

    def read(self, image: Image, box: Box) -> tuple[Floats, Floats]:
        """Keypoints (17, 2) in pixels of the image, and scores (17,)."""
        side = max(box.width, box.height) * self._enlarge
        crop = _square(box, side)
        shrunk = _cut(image, crop, round(side))
        self._net.set_tensor(self._input["index"], shrunk[None].astype(self._input["dtype"]))
        self._net.invoke()
        found: Any = self._net.get_tensor(self._output["index"])[0, 0]
        points = np.asarray(found[:, 1::-1] * SIDE, np.float32)  # it says y before x
        return crop.to_image(points), np.asarray(found[:, 2], np.float32)


def named(path: Path | None, threads: int) -> dict[str, MoveNet]:
    """The network at both enlargements; none without a file or where the runtime is missing."""
    if path is None:
        return {}
    try:
        return {
            f"MoveNet, enlarge {enlarge}": MoveNet(path, enlarge=enlarge, threads=threads)
            for enlarge in (1.25, 1.0)
        }
    except ImportError as error:
        print(f"MoveNet is not run again, for its runtime is not installed: {error}")
        return {}


def cells(row: str, columns: Sequence[str]) -> list[str]:
    """A recorded row's cells."""
    return [shown(RECORDED[row].get(column, ())) for column in columns]


def shown(figure: Sequence[float]) -> str:
    """`0.307 [0.240, 0.400]`, without an interval where there is none."""
    if not figure:
        return "-"
    value, *span = figure
    return f"{value:.3f}" + (f" [{span[0]:.3f}, {span[1]:.3f}]" if span else "")


def _square(box: Box, side: float) -> Crop:
    x, y = box.center
    square = Box.from_xywh(x - side / 2, y - side / 2, side, side)
    return Crop.around(square, (SIDE, SIDE), 1.0)


def _cut(image: Image, crop: Crop, side: int) -> Image:
    """The crop, averaged where it shrinks: in two steps, for warping takes single pixels."""
    whole = crop.sized((max(side, 8), max(side, 8))).cut(image)
    way = cv2.INTER_AREA if side > SIDE else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(whole, (SIDE, SIDE), interpolation=way), np.uint8)
