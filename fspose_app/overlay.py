"""Overlay: poses, boxes, track numbers and the keyframe mark, drawn on an image."""

from __future__ import annotations

import colorsys
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from data.frame import FrameResult, Image
from data.pose import Box, Floats, Pose
from data.skeleton import Skeleton

Color = tuple[int, int, int]

GOLDEN = 0.6180339887498949  # steps of the golden ratio around the hues never come close early
BRIGHTNESS = {"left": 0.50, "center": 0.38, "right": 0.28}
"""Relative luminance per side of the body: enough for black and for white behind it."""
INK: Color = (18, 18, 22)
PAPER: Color = (255, 255, 255)
SHIFT = 4  # OpenCV takes whole numbers; with these many binary places after the point
FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw(image: Image, result: FrameResult, skeleton: Skeleton, *, least_score: float) -> Image:
    """A copy of an RGB image (height, width, 3) with a frame's people drawn on it.

    Keypoints below `least_score` are left out, with the limbs that end in them; those that are
    less than half way from it to 1 are drawn thinner. Small people come last, so that whoever
    stands in front does not hide who is behind.
    """
    canvas: Image = np.array(image, order="C")
    unit = max(min(canvas.shape[:2]) / 480, 0.6)
    for pose in sorted(result.poses, key=lambda pose: -pose.box.area):
        _draw_box(canvas, pose, unit)
        _draw_body(canvas, pose, skeleton, least_score, unit)
    for pose in result.poses:
        if pose.track is not None:
            _draw_number(canvas, pose, unit)
    if result.keyframe:
        _draw_badge(canvas, unit)
    return canvas


@lru_cache(maxsize=4096)
def color_of(track: int | None, side: str = "center") -> Color:
    """The RGB colour of a track, and of its left or right side; grey where there is no track.

    It depends on nothing else, so a person keeps it from video to video and run to run.
    """
    hue = 0.0 if track is None else (0.94 + track * GOLDEN) % 1.0
    saturation = 0.0 if track is None else 0.95
    low, high = 0.0, 1.0
    for _ in range(16):  # the lightness whose luminance is the wanted one
        middle = (low + high) / 2
        if luminance(_rgb(hue, middle, saturation)) < BRIGHTNESS[side]:
            low = middle
        else:
            high = middle
    return _rgb(hue, high, saturation)


def luminance(color: Color) -> float:
    """Relative luminance of an sRGB colour, 0..1 (WCAG 2)."""
    parts = [part / 255 for part in color]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _rgb(hue: float, lightness: float, saturation: float) -> Color:
    red, green, blue = colorsys.hls_to_rgb(hue, lightness, saturation)
    return round(255 * red), round(255 * green), round(255 * blue)


def _draw_body(
    canvas: Image, pose: Pose, skeleton: Skeleton, least_score: float, unit: float
) -> None:
    """Limbs under joints, each over a dark rim, so that they stand out from any background."""
    reach = np.array(canvas.shape[1::-1], np.float32)
    points = pose.keypoints.clip(-4 * reach, 5 * reach)  # far beyond it OpenCV's numbers overflow
    shown = (pose.scores >= least_score) & np.isfinite(points).all(1)
    sure = pose.scores >= (1 + least_score) / 2 if least_score < 1 else shown
    width = float(np.clip(_size(pose.box) / 55, 1.2 * unit, 5.0 * unit))
    limbs = [(a, b) for a, b in skeleton.limbs if shown[a] and shown[b]]
    widths = [width if sure[a] and sure[b] else 0.6 * width for a, b in limbs]
    rim = 2 * max(0.25 * width, 0.6 * unit)
    for (a, b), thick in zip(limbs, widths, strict=True):
        _line(canvas, points[a], points[b], INK, thick + rim)
    for (a, b), thick in zip(limbs, widths, strict=True):
        side = _side(skeleton.keypoints[a], skeleton.keypoints[b])
        _line(canvas, points[a], points[b], color_of(pose.track, side), thick)
    for joint in np.flatnonzero(shown):
        name = skeleton.keypoints[joint]
        radius = (0.85 if sure[joint] else 0.6) * width * (0.7 if _is_of_face(name) else 1.0)
        _disc(canvas, points[joint], radius + rim / 2, INK)
        _disc(canvas, points[joint], radius, color_of(pose.track, _side(name, name)))
        if radius >= 2:
            _disc(canvas, points[joint], radius * 0.5, PAPER)


def _draw_box(canvas: Image, pose: Pose, unit: float) -> None:
    left, top, right, bottom = _inside(canvas, pose.box)
    thin = max(1, round(unit))
    color = color_of(pose.track)
    cv2.rectangle(canvas, (left, top), (right, bottom), color, thin, cv2.LINE_AA)


def _draw_number(canvas: Image, pose: Pose, unit: float) -> None:
    """The track number, above the box's top left corner where there is room, else inside."""
    least = max(0.27 * unit, 0.42)
    scale = float(np.clip(_size(pose.box) / 300, least, max(0.7 * unit, least)))
    left, top, _, _ = _inside(canvas, pose.box)
    _label(canvas, str(pose.track), (left, top), scale, color_of(pose.track), INK)


def _draw_badge(canvas: Image, unit: float) -> None:
    """The keyframe mark, at the bottom left: track numbers are rarely there."""
    margin = round(8 * unit)
    corner = (margin, canvas.shape[0] - margin)
    _label(canvas, "KEYFRAME", corner, max(0.45 * unit, 0.4), INK, PAPER)


def _label(
    canvas: Image, text: str, corner: tuple[int, int], scale: float, plate: Color, ink: Color
) -> None:
    """Text on a plate with a dark outline; the plate's bottom left is `corner`, if that fits in."""
    thin = max(1, round(1.8 * scale))
    (width, height), _ = cv2.getTextSize(text, FONT, scale, thin)
    pad = max(3, round(7 * scale))
    width, height = width + 2 * pad, height + 2 * pad
    left = max(0, min(corner[0], canvas.shape[1] - 1 - width))
    bottom = min(max(corner[1], height), canvas.shape[0] - 1)
    low, high = (left, bottom - height), (left + width, bottom)
    cv2.rectangle(canvas, low, high, plate, cv2.FILLED)
    cv2.rectangle(canvas, low, high, INK, 1)
    cv2.putText(canvas, text, (left + pad, bottom - pad), FONT, scale, ink, thin, cv2.LINE_AA)


def _line(canvas: Image, start: Floats, end: Floats, color: Color, width: float) -> None:
    """A line of any width, as a filled quad: OpenCV's own lines have whole pixels of width.

    Its ends stay blunt: a joint's disc, which is wider, will cover each.
    """
    along = end - start
    length = float(np.hypot(*along))
    if length < 1e-3:
        return
    across = np.array([-along[1], along[0]]) / length * width / 2
    corners = np.array([start + across, end + across, end - across, start - across])
    cv2.fillConvexPoly(canvas, _fixed(corners), color, cv2.LINE_AA, SHIFT)


def _disc(canvas: Image, center: Floats, radius: float, color: Color) -> None:
    x, y = _fixed(center).tolist()
    size = max(1, round(radius * 2**SHIFT))
    cv2.circle(canvas, (x, y), size, color, cv2.FILLED, cv2.LINE_AA, SHIFT)


def _fixed(points: Floats) -> NDArray[np.int32]:
    return np.asarray(np.round(points * 2**SHIFT), np.int32)


def _inside(canvas: Image, box: Box) -> tuple[int, int, int, int]:
    """A box's left, top, right and bottom pixels, moved into the picture."""
    height, width = canvas.shape[:2]
    corners = np.nan_to_num([box.left, box.top, box.right - 1, box.bottom - 1])
    left, top, right, bottom = np.clip(
        np.round(corners), 0, [width - 1, height - 1, width - 1, height - 1]
    ).astype(int)
    return int(left), int(top), int(right), int(bottom)


def _size(box: Box) -> float:
    """How big a person is, standing or lying: the longer side of the box, in pixels."""
    return max(box.width, box.height)


def _side(first: str, second: str) -> str:
    sides = {name.partition("_")[0] for name in (first, second)} & {"left", "right"}
    return sides.pop() if len(sides) == 1 else "center"


def _is_of_face(keypoint: str) -> bool:
    return keypoint.endswith(("nose", "eye", "ear"))
