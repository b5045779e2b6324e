"""A picture of one person's heatmaps over the crop: one panel per keypoint, and all together."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np

from data.draft import output_error, require_file
from data.frame import Image
from data.heatmaps import Heatmaps
from data.pose import Floats
from data.skeleton import Skeleton
from models.decode import peaks, refined

HEIGHT = 240  # of a panel in pixels, about
COLUMNS = 5
MARGIN, STRIP = 6, 22  # between panels; above each, for its words
DIM = 0.55  # of the crop under the maps
INK, PAPER, PEAK = (235, 235, 235), (24, 24, 28), (255, 255, 255)
FONT = cv2.FONT_HERSHEY_SIMPLEX


def picture(heatmaps: Heatmaps, image: Image, skeleton: Skeleton, title: str) -> Image:
    """All maps of a person over the crop that they were made on, RGB.

    The first panel shows the highest map at every cell. Colours run from a map's 0 to its peak; a
    cross marks the decoded position, and the number is the score, the peak's value.
    """
    maps = heatmaps.maps
    zoom = max(1, round(HEIGHT / maps.shape[1]))
    size = (maps.shape[2] * zoom, maps.shape[1] * zoom)
    crop = heatmaps.crop.sized(size).cut(image)
    cells, scores = peaks(maps[None])
    points = refined(maps[None], cells)[0]
    panels = [_panel(crop, maps.max(0), points[scores[0] > 0], zoom, title)]
    for name, own, point, score in zip(skeleton.keypoints, maps, points, scores[0], strict=True):
        shown = point[None] if score > 0 else point[None][:0]
        panels.append(_panel(crop, own, shown, zoom, f"{name} {score:.2f}"))
    return _grid(panels)


def write_png(path: Path, image: Image) -> None:
    """Store an RGB picture, under its name only when whole. Raises OutputError."""
    require_file(path)
    _, content = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    fresh = path.with_name(path.name + ".partial")
    try:
        fresh.write_bytes(content.tobytes())
        fresh.replace(path)
    except OSError as error:
        raise output_error(path, error) from error


def _panel(crop: Image, own: Floats, points: Floats, zoom: int, words: str) -> Image:
    """A crop (h, w, 3) with a map (h / zoom, w / zoom) over it, its words above."""
    height, width = crop.shape[:2]
    share = np.clip(own / max(float(own.max()), 1e-6), 0, 1).astype(np.float32)
    # Cell i is drawn over pixels i * zoom on: the maps' own convention has no half-pixel shift.
    grid = np.array([[zoom, 0, 0], [0, zoom, 0]], np.float64)
    share = np.clip(cv2.warpAffine(share, grid, (width, height), flags=cv2.INTER_LINEAR), 0, 1)
    heat = cv2.applyColorMap((255 * share).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    weight = np.sqrt(share)[..., None]
    mixed = np.clip(crop * DIM * (1 - weight) + heat * weight, 0, 255).astype(np.uint8)
    canvas: Image = np.full((height + STRIP, width, 3), PAPER, np.uint8)
    canvas[STRIP:] = mixed
    for x, y in points:
        place = (round(float(x) * zoom), STRIP + round(float(y) * zoom))
        cv2.drawMarker(canvas, place, PEAK, cv2.MARKER_CROSS, 9, 1, cv2.LINE_AA)
    scale = min(0.42, 0.42 * width / max(cv2.getTextSize(words, FONT, 0.42, 1)[0][0] + 4, 1))
    cv2.putText(canvas, words, (2, STRIP - 7), FONT, scale, INK, 1, cv2.LINE_AA)
    return canvas


def _grid(panels: list[Image]) -> Image:
    height, width = panels[0].shape[:2]
    rows = math.ceil(len(panels) / COLUMNS)
    shape = (rows * (height + MARGIN) + MARGIN, COLUMNS * (width + MARGIN) + MARGIN, 3)
    canvas: Image = np.full(shape, PAPER, np.uint8)
    for place, panel in enumerate(panels):
        top = MARGIN + place // COLUMNS * (height + MARGIN)
        left = MARGIN + place % COLUMNS * (width + MARGIN)
        canvas[top : top + height, left : left + width] = panel
    return canvas
