"""The plot's front is right, and no name hides another."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from data.errors import OutputError
from fspose_app.bench import plot
from fspose_app.bench.front import Point, front
from fspose_app.bench.labels import extent
from fspose_app.bench.plot import save
from fspose_app.bench.row import Row

EMPTY = dict.fromkeys(
    (
        *("people", "ms_nets", "ms_finding", "ms_all", "gmacs_nets", "gmacs_finding"),
        *("frames_per_second", "latency_p50", "latency_p95", "latency_p99"),
    )
)


def row(name: str, gmacs: float | None, pck: float | None) -> Row:
    found = Row(scheme=name, memory_mb=100.0, **EMPTY)
    ms = None if gmacs is None else 40 * gmacs
    return replace(found, gmacs_nets=gmacs, ms_all=ms, pck=pck)


ROWS = [
    row("every-frame-slow", 1.9, 100.0),
    row("fast-slow", 0.6, 91.0),
    row("two-maps", 0.6, 91.0),
    row("three-maps", 0.63, 90.8),
    row("recursive", 0.64, 90.9),
    row("hrnet-w32", 7.6, None),
    row("published-transfer", 23.0, None),
]


def test_the_front_rises_with_the_cost() -> None:
    points = [
        Point("dear", 3, 90),
        Point("best", 2, 95),
        Point("cheap", 1, 50),
        Point("same", 2, 95),
        Point("worse", 1.5, 40),
        Point("unknown", 0.1, math.nan),
    ]

    assert [point.name for point in front(points)] == ["cheap", "best"]


def test_a_picture_is_written(tmp_path: Path) -> None:
    save(ROWS, tmp_path / "pareto.png")

    with Image.open(tmp_path / "pareto.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > 1500


def test_names_cover_neither_each_other_nor_the_edge() -> None:
    from pipelines.evaluation.report_style import drawing

    points = [
        Point(row.scheme, row.gmacs_nets, math.nan if row.pck is None else row.pck)
        for row in ROWS
        if row.gmacs_nets
    ]
    with drawing() as new_figure:
        figure = new_figure(figsize=(7, 5))
        axes = figure.subplots()
        plot._draw(axes, points, "cost")
        boxes = [extent(text) for text in axes.texts]
        around = axes.get_window_extent()

    assert len(boxes) == len(points)
    pairs = [(a, b) for n, a in enumerate(boxes) for b in boxes[:n]]
    assert not any(a.overlaps(b) for a, b in pairs)
    assert all(around.x0 <= box.x0 and box.x1 <= around.x1 for box in boxes)


def test_rows_without_a_cost_or_agreement_do_not_stop_the_others(tmp_path: Path) -> None:
    save([row("fast-slow", 0.6, None), row("nobody", None, None)], tmp_path / "pareto.png")

    assert (tmp_path / "pareto.png").stat().st_size > 1000


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        save(ROWS, tmp_path / "nowhere" / "pareto.png")
