"""Names in the Pareto plot, where they cover nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

from fspose_app.bench.front import Point
from pipelines.evaluation.report_style import COLOURS, FAINT, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text
    from matplotlib.transforms import Bbox

RADII = (8, 18, 30, 44, 60, 80)  # points of print from a point to its label
ANGLES = (0.5, -0.5, 0, 1.0, -1.0, math.pi, 2.6, -2.6, 2.1, -2.1, math.pi / 2, -math.pi / 2)
NEIGHBOURS = 60.0  # points of print: nearer ones push a label to their other side
_LEADER = 12  # points of print from which on a line leads from the label to its point


def name_line(axes: Axes, point: Point, spots: Sequence[Sequence[float]], around: Bbox) -> Bbox:
    """A reference point's upright line, with its name along it where there are no points."""
    axes.axvline(point.cost, color=COLOURS[1], linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    tries: list[tuple[int, int, Text]] = []
    for height, side in product((0.02, 0.5, 0.68), ("right", "left")):
        name = axes.annotate(
            f"{point.name} (cost only)",
            (point.cost, height),
            xycoords=("data", "axes fraction"),
            xytext=(-3 if side == "right" else 3, 0),
            textcoords="offset points",
            rotation=90,
            ha=side,
            va="bottom",
            color=COLOURS[1],
            fontsize=8,
        )
        tries.append((_cover(extent(name).padded(4), [], spots, around), len(tries), name))
    chosen = _only(tries)
    return extent(chosen)


def _only(tries: Sequence[tuple[int, int, Text]]) -> Text:
    """Of names by what they cover and their turn the best; the others are taken away."""
    chosen = min(tries, key=lambda tried: tried[:2])[2]
    for *_, name in tries:
        if name is not chosen:
            name.remove()
    return chosen


def name_points(
    axes: Axes,
    placed: Sequence[tuple[Point, Sequence[float]]],
    best: Sequence[Point],
    taken: list[Bbox],
) -> None:
    """A name beside each point, where it covers no other name, no point and no edge.

    `placed` has each point's place on the picture, `taken` the names that are there.
    """
    figure = axes.get_figure()
    assert figure is not None
    spots, around = [spot for _, spot in placed], axes.get_window_extent()
    for point, spot in sorted(placed, key=lambda pair: -pair[0].kept):
        tries: list[tuple[int, int, Text]] = []
        for place in _places(spot, spots, NEIGHBOURS * figure.dpi / 72):
            name = _name(axes, point, place, INK if point in best else FAINT)
            cover = _cover(extent(name), taken, spots, around)
            tries.append((cover, len(tries), name))
            if not cover:
                break
        taken.append(extent(_only(tries)))


def _places(
    spot: Sequence[float], spots: Sequence[Sequence[float]], reach: float
) -> list[tuple[float, float]]:
    """Where a label may stand about its point, the best first: near, and away from neighbours."""
    near = [s for s in spots if 0 < math.dist(s, spot) < reach]
    angles: Sequence[float] = ANGLES
    if near:
        across = spot[0] - sum(s[0] for s in near) / len(near)
        up = spot[1] - sum(s[1] for s in near) / len(near)
        away = math.atan2(up, across)
        angles = sorted(ANGLES, key=lambda angle: -math.cos(angle - away))
    return [(r * math.cos(angle), r * math.sin(angle)) for r in RADII for angle in angles]


def _name(axes: Axes, point: Point, place: tuple[float, float], colour: str) -> Text:
    from matplotlib.patheffects import withStroke

    right, up = place
    far = math.hypot(right, up) > _LEADER
    return axes.annotate(
        point.name,
        (point.cost, point.kept),
        xytext=place,
        textcoords="offset points",
        ha="left" if right > 1 else "right" if right < -1 else "center",
        va="center",
        color=colour,
        fontsize=8.5,
        path_effects=[withStroke(linewidth=2.5, foreground="white")],  # over lines
        zorder=5,
        arrowprops={"arrowstyle": "-", "color": FAINT, "linewidth": 0.5, "shrinkB": 4}
        if far
        else None,
    )


def extent(text: Text) -> Bbox:
    """Of the words alone: an annotation's own has the line that leads to it."""
    from matplotlib.text import Text

    text.get_window_extent()  # puts an annotation in its place
    return Text.get_window_extent(text)


def _cover(box: Bbox, taken: Sequence[Bbox], spots: Sequence[Sequence[float]], around: Bbox) -> int:
    """How many names and points a name covers; leaving the panel counts most."""
    inside = around.x0 <= box.x0 and box.x1 <= around.x1
    inside = inside and around.y0 <= box.y0 and box.y1 <= around.y1
    names = sum(box.overlaps(other) for other in taken)
    margin = box.padded(3)
    return names + sum(margin.contains(x, y) for x, y in spots) + (0 if inside else 10)
