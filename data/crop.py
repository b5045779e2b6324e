"""Crop: a person's box as centre and scale, and the affine map to the network's image and back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from data.frame import Image
from data.pose import Box, Floats

PIXELS_PER_SCALE = 200.0  # HRNet's unit of scale (FSPose specification 1.3)
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Crop:
    """A region of an image, mapped to a raster of `size` (width, height).

    `center` is in pixels of the image, `scale` in units of 200 pixels (width, height), `rotation`
    in degrees. Only the width of `scale` enters the map, which is therefore a uniform zoom
    followed by a rotation (HRNet's convention; FSPose specification 1.3). No half-pixel shift.
    """

    center: tuple[float, float]
    scale: tuple[float, float]
    size: tuple[int, int]
    rotation: float = 0.0

    @classmethod
    def around(cls, box: Box, size: tuple[int, int], padding: float) -> Crop:
        """The crop of `size` that holds `box`, grown to the size's aspect and by `padding`."""
        aspect = size[0] / size[1]
        width, height = max(box.width, 1e-3), max(box.height, 1e-3)
        if width > aspect * height:
            height = width / aspect
        elif width < aspect * height:
            width = height * aspect
        x, y = box.center
        scale = np.array([width, height], np.float32) / np.float32(PIXELS_PER_SCALE)
        scale *= np.float32(padding)
        center = np.array([x, y], np.float32)
        return cls((float(center[0]), float(center[1])), (float(scale[0]), float(scale[1])), size)

    def sized(self, size: tuple[int, int]) -> Crop:
        """The same region on another raster, such as a heatmap's."""
        return replace(self, size=size)

    def matrix(self) -> Matrix:
        """(2, 3) float64: pixels of the image to pixels of the raster."""
        source, target = self._points()
        return np.asarray(cv2.getAffineTransform(source, target), np.float64)

    def inverse(self) -> Matrix:
        """(2, 3) float64: pixels of the raster to pixels of the image."""
        source, target = self._points()
        return np.asarray(cv2.getAffineTransform(target, source), np.float64)

    def from_image(self, points: Floats) -> Floats:
        """(..., 2) points of the image as points of the raster."""
        return _apply(self.matrix(), points)

    def to_image(self, points: Floats) -> Floats:
        """(..., 2) points of the raster as points of the image."""
        return _apply(self.inverse(), points)

    def cut(self, image: Image) -> Image:
        """The region as an image of `size`: bilinear, black outside the picture."""
        cut = cv2.warpAffine(image, self.matrix(), self.size, flags=cv2.INTER_LINEAR)
        return np.asarray(cut, np.uint8)

    def _points(self) -> tuple[Floats, Floats]:
        """Three points of the image and where they go (FSPose specification 1.3), float32."""
        width, height = self.size
        reach = -0.5 * PIXELS_PER_SCALE * self.scale[0]
        angle = np.pi * self.rotation / 180
        direction = np.array([-reach * np.sin(angle), reach * np.cos(angle)])
        source = np.zeros((3, 2), np.float32)
        target = np.zeros((3, 2), np.float32)
        source[0] = self.center
        source[1] = np.asarray(self.center) + direction
        target[0] = width * 0.5, height * 0.5
        target[1] = width * 0.5, height * 0.5 - width * 0.5
        source[2] = _third(source[0], source[1])
        target[2] = _third(target[0], target[1])
        return source, target


def _third(first: Floats, second: Floats) -> Floats:
    """The point that makes a right angle at `second`."""
    step = first - second
    return np.asarray(second + np.array([-step[1], step[0]], np.float32), np.float32)


def _apply(matrix: Matrix, points: Floats) -> Floats:
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2], np.float32)
