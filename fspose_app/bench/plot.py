"""The Pareto plot: what a scheme costs against what it keeps of the slow network's answers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from data.draft import output_error
from fspose_app.bench.front import Point, front
from fspose_app.bench.labels import name_line, name_points
from fspose_app.bench.row import Row
from pipelines.evaluation.report_style import COLOURS, FAINT, RULE, drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DPI = 150
ROOM = 1.6  # factor left on both sides of the outermost costs, for labels
_MARGINS = {"left": 0.06, "right": 0.985, "top": 0.97, "bottom": 0.1, "wspace": 0.05}


def save(rows: Sequence[Row], path: Path) -> None:
    """A PNG with two panels, GMACs and milliseconds per person and frame. Raises OutputError."""
    panels: tuple[tuple[str, Callable[[Row], float | None]], ...] = (
        ("GMACs per person and frame, of the networks that read poses", lambda r: r.gmacs_nets),
        ("milliseconds per person and frame, of everything", lambda r: r.ms_all),
    )
    with drawing() as new_figure:
        figure = new_figure(figsize=(12, 5.4))
        both = figure.subplots(1, 2, sharey=True, gridspec_kw=_MARGINS)
        for axes, (label, cost) in zip(both, panels, strict=True):
            found = ((row, cost(row)) for row in rows)
            points = [Point(row.scheme, price, _known(row.pck)) for row, price in found if price]
            _draw(axes, points, label)
        figure.axes[0].set_ylabel(
            "PCK@0.2 against the slow network on every frame, per cent", color=FAINT
        )
        try:
            figure.savefig(path, format="png", dpi=DPI, facecolor="white")
        except OSError as error:
            raise output_error(path, error) from error


def _known(value: float | None) -> float:
    return math.nan if value is None else value


def _draw(axes: Axes, points: Sequence[Point], label: str) -> None:
    """Points, the front as steps, and lines for what has a cost only."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    agreeing = [point for point in points if not math.isnan(point.kept)]
    kept = [point.kept for point in agreeing]
    costs = [point.cost for point in points]
    low, high = min(kept, default=0.0), max(kept, default=100.0)
    gap = max(high - low, 1.0)
    axes.set_xscale("log")
    axes.set(xlim=(min(costs) / ROOM, max(costs) * ROOM), xlabel=label)
    axes.set_ylim(low - 0.25 * gap, high + 0.1 * gap)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(color=RULE, linewidth=0.5)
    best = front(points)
    axes.step(
        [point.cost for point in best],
        [point.kept for point in best],
        where="post",
        color=COLOURS[0],
        linewidth=1,
        alpha=0.6,
    )
    for point in agreeing:
        on_front = point in best
        axes.plot(
            point.cost,
            point.kept,
            "o",
            color=COLOURS[0] if on_front else "white",
            markeredgecolor=COLOURS[0] if on_front else FAINT,
            markersize=6,
            zorder=4 if on_front else 3,
        )
    around = axes.get_window_extent()  # places on the picture, which its margins have fixed
    spots = [axes.transData.transform((point.cost, point.kept)).tolist() for point in agreeing]
    lines = [point for point in points if math.isnan(point.kept)]
    taken = [name_line(axes, point, spots, around) for point in lines]
    name_points(axes, list(zip(agreeing, spots, strict=True)), best, taken)
