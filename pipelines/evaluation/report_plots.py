"""The report's plots, drawn by matplotlib.

Nothing that stands in a person's files is written into them: matplotlib would read formulas in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from data.flat_sequence import Wholes
from data.json_fields import Doubles
from pipelines.evaluation.ap import Curve
from pipelines.evaluation.metric import NAMES, NEVER_PREDICTED, TOTAL, Metric
from pipelines.evaluation.report_style import FAINT, INK, RULE, colour, dash, drawing, letter

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BODY = (14, 13, 12, 9, 8, 10, 7, 11, 6, 3, 2, 4, 1, 5, 0)
"""The keypoints from the head down, left before right."""

WORDS = tuple(name.replace("_", " ") for name in NAMES)
MOST_POINTS = 250  # of a curve: more cannot be seen
MOST_LINES = 400  # of a time line's lane
LOWEST = -100.0  # per cent down to which bars go: MOTA has no lower limit

_WIDTH = 10.5  # inches of a plot as wide as the page
_PANELS = {"left": 0.05, "right": 0.985, "top": 0.965, "bottom": 0.075} | {
    "wspace": 0.13,
    "hspace": 0.25,
}
_LANE, _AXIS = 0.36, 0.24  # inches of a time line's lane, and of the frame numbers under it
_NUMBERED = 4  # runs whose APs find room in a panel
_GAP = 0.35  # that the bars of the total stand apart


def curves(runs: Sequence[Sequence[Curve]], ap: Sequence[Metric]) -> Figure:
    """Precision over recall, a panel per keypoint, the runs' 15 curves over one another.

    Precision is the interpolated one, under which AP is the area.
    """
    with drawing() as new_figure:
        figure = new_figure(figsize=(_WIDTH, 6.3))
        panels = figure.subplots(3, 5, sharex=True, sharey=True, gridspec_kw=_PANELS)
        for panel, joint in zip(panels.flat, BODY, strict=True):
            panel.set_title(WORDS[joint])
            panel.grid(color=RULE, linewidth=0.5)
            for number, run in enumerate(runs):
                recall, precision = outline(run[joint])
                panel.plot(recall, precision, color=colour(number), linestyle=dash(number))
            _name_aps(panel, [metric.values[joint] for metric in ap])
            if not any(len(run[joint].recall) for run in runs):
                panel.text(0.5, 0.5, NEVER_PREDICTED, ha="center", color=FAINT)
            elif joint in ap[0].reasons:
                panel.text(0.5, 0.5, ap[0].reasons[joint], ha="center", color=FAINT)
        panels[0, 0].set(xlim=(0, 1.02), ylim=(0, 1.04))
        for ticks in (panels[0, 0].set_xticks, panels[0, 0].set_yticks):
            ticks((0, 0.5, 1), ("0", "0.5", "1"))
        for panel in panels[-1]:
            panel.set_xlabel("recall")
        for panel in panels[:, 0]:
            panel.set_ylabel("precision")
        return figure


def outline(curve: Curve) -> tuple[Doubles, Doubles]:
    """Recall and interpolated precision (n,) of few points, from recall 0 down to precision 0."""
    if not len(curve.recall) or np.isnan(curve.recall[0]):
        return np.zeros(0), np.zeros(0)
    highest = np.maximum.accumulate(curve.precision[::-1])[::-1]
    some = np.unique(np.linspace(0, len(highest) - 1, MOST_POINTS).astype(np.int64))
    recall, precision = curve.recall[some], highest[some]
    return np.array([0, *recall, recall[-1]]), np.array([highest[0], *precision, 0])


def bars(runs: Sequence[Metric], label: str) -> Figure:
    """A metric of the keypoints and its total, a group of bars for each, per cent."""
    with drawing() as new_figure:
        figure = new_figure(figsize=(_WIDTH, 3.1))
        axes = figure.add_axes((0.055, 0.135, 0.942, 0.845))
        places, wide = [*BODY, TOTAL], 0.84 / len(runs)
        middle = np.append(np.arange(TOTAL), TOTAL + _GAP)
        values = np.array([run.values[places] for run in runs])
        for number, row in enumerate(values):
            at = middle + wide * (number - (len(runs) - 1) / 2)
            heights = np.maximum(np.nan_to_num(row), LOWEST)
            axes.bar(at, heights, 0.92 * wide, color=colour(number))
            _name_bars(axes, at, row, is_room=len(runs) == 1)
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.set_xticks(middle, [WORDS[place].replace(" ", "\n") for place in places])
        axes.tick_params(axis="x", length=0, labelsize=8.5)
        lowest = max(LOWEST, min(0.0, 1.15 * float(np.nanmin(values, initial=0.0))))
        axes.set(xlim=(-0.6, TOTAL + _GAP + 0.6), ylim=(lowest, 109), ylabel=f"{label}, per cent")
        axes.set_yticks([tick for tick in (-100, -50, 0, 25, 50, 75, 100) if tick >= lowest])
        axes.grid(axis="y", color=RULE, linewidth=0.5)
        return figure


def time_line(lanes: Sequence[Wholes], pictured: Sequence[int], most: int) -> Figure:
    """Identity switches over a video's frames, a lane per run.

    `lanes` are (F,) each: how many keypoints change their identity in each frame; `most` is the
    number that a line as high as its lane stands for. A triangle marks each pictured frame.
    """
    from matplotlib.ticker import MaxNLocator

    frames, count = len(lanes[0]), len(lanes)
    with drawing() as new_figure:
        height = count * _LANE + _AXIS
        figure = new_figure(figsize=(_WIDTH, height))
        axes = figure.add_axes((0.03, _AXIS / height, 0.95, 1 - _AXIS / height))
        for number, lane in enumerate(lanes):
            floor = count - 1 - number
            at, changed = strongest(lane)
            tops = floor + 0.1 + 0.7 * changed / max(1, most)
            axes.axhline(floor, color=RULE, linewidth=0.8)
            axes.vlines(at, floor, tops, color=colour(number), linewidth=2, zorder=3)
            if count > 1:
                spot = axes.get_yaxis_transform()
                axes.text(-0.02, floor + 0.2, letter(number), color=colour(number), transform=spot)
        spots = np.full(len(pictured), count - 0.1)
        axes.vlines(pictured, 0, spots, color=INK, linewidth=0.5, linestyle=(0, (1, 2)), zorder=1)
        axes.plot(pictured, spots, "v", color=INK, markersize=4, clip_on=False)
        axes.set(xlim=(-0.5, max(frames - 0.5, 0.5)), ylim=(0, count), yticks=())
        axes.xaxis.set_major_locator(MaxNLocator(12, integer=True))
        axes.tick_params(length=2, pad=2)
        for side in ("left", "bottom"):
            axes.spines[side].set_visible(False)
        return figure


def strongest(lane: Wholes) -> tuple[Wholes, Wholes]:
    """Frames with switches and how many; of neighbours in a long video those that have most."""
    at = np.flatnonzero(lane)
    if len(at) <= MOST_LINES:
        return at, lane[at]
    part = at * MOST_LINES // len(lane)
    order = np.lexsort((at, -lane[at], part))
    first = np.unique(part[order], return_index=True)[1]
    chosen = at[order[first]]
    return chosen, lane[chosen]


def _name_aps(panel: Axes, values: Sequence[float]) -> None:
    """The AP under each curve, where they find room."""
    if len(values) > _NUMBERED:
        return
    for number, value in enumerate(values):
        if np.isnan(value):
            continue
        name = "AP" if len(values) == 1 else letter(number)
        height = 0.05 + 0.12 * (len(values) - 1 - number)
        panel.text(0.05, height, f"{name} {value:.1f}", color=colour(number))


def _name_bars(axes: Axes, at: Doubles, values: Doubles, *, is_room: bool) -> None:
    """The number over each bar where there is room, and `nan` wherever there is no bar."""
    for x, value in zip(at, values, strict=True):
        if np.isnan(value):
            axes.text(x, 1, "nan", ha="center", va="bottom", color=FAINT, rotation=90)
        elif is_room:
            text = f"{value:.1f}".replace("-", "\N{MINUS SIGN}")
            axes.text(x, max(value, 0) + 1, text, ha="center", va="bottom")
