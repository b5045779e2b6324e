"""The report's plots: every one draws what it is of, and holds no more points than can be seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from pipelines.evaluation.ap import Curve, Samples, curve, scores
from pipelines.evaluation.metric import NEVER_ANNOTATED, NEVER_PREDICTED, TOTAL, metric
from pipelines.evaluation.report_plots import (
    MOST_LINES,
    bars,
    curves,
    outline,
    strongest,
    time_line,
)
from pipelines.evaluation.report_style import COLOURS, colour, dash, drawing, letter, svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Seen = Callable[[np.ndarray, str], int]


def rendered(figure: Figure) -> np.ndarray:
    """(h, w, 3): the figure as matplotlib itself draws pixels, so that no browser is needed."""
    canvas = FigureCanvasAgg(figure)
    with drawing():
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def samples(rng: np.random.Generator, count: int, right: float) -> Samples:
    return Samples(rng.permutation(count) / count, rng.random(count) < right, count)


@pytest.fixture
def joints(generator: np.random.Generator) -> list[Samples]:
    return [samples(generator, 400, 0.7) for _ in range(TOTAL)]


def test_every_panel_draws_every_curve(
    joints: list[Samples], generator: np.random.Generator, seen: Seen
) -> None:
    others = [samples(generator, 300, 0.4) for _ in range(TOTAL)]
    runs = [[curve(joint) for joint in run] for run in (joints, others)]
    figure = curves(runs, [scores(run)["ap"] for run in (joints, others)])

    image = rendered(figure)
    panels = figure.axes

    assert len(panels) == TOTAL
    for panel in panels:
        box = panel.get_window_extent()
        left, right = int(box.x0), int(box.x1)
        top, bottom = int(image.shape[0] - box.y1), int(image.shape[0] - box.y0)
        inside = image[top:bottom, left:right]
        assert seen(inside, colour(0)) > 50
        assert seen(inside, colour(1)) > 50


def test_a_keypoint_without_a_curve_tells_why(joints: list[Samples]) -> None:
    nothing = Samples(np.zeros(0), np.zeros(0, np.bool_), 0)
    unknown = Samples(np.ones(3), np.zeros(3, np.bool_), 0)
    joints[14], joints[13] = unknown, nothing
    figure = curves([[curve(joint) for joint in joints]], [scores(joints)["ap"]])

    drawn = svg(figure, "x")

    assert f">{NEVER_ANNOTATED}<" in drawn
    assert f">{NEVER_PREDICTED}<" in drawn
    assert "AP 0.0" in drawn


def test_the_area_below_an_outline_is_the_ap(generator: np.random.Generator) -> None:
    joint = samples(generator, 200, 0.6)

    recall, precision = outline(curve(joint))

    area = 100 * np.sum(np.diff(recall) * precision[1:])
    assert area == pytest.approx(scores([joint] * TOTAL)["ap"].values[0], abs=0.5)
    assert (np.diff(precision) <= 0).all()


def test_long_curves_are_thinned(generator: np.random.Generator) -> None:
    found = outline(curve(samples(generator, 100_000, 0.6)))

    assert len(found[0]) < 300
    assert outline(Curve(np.zeros(0), np.zeros(0), np.zeros(0)))[0].size == 0


def test_bars_of_every_run_are_drawn_also_below_zero(seen: Seen) -> None:
    high = metric(np.linspace(20, 95, TOTAL), NEVER_ANNOTATED)
    low = metric(np.full(TOTAL, -700.0), NEVER_ANNOTATED)

    image = rendered(bars([high, low], "MOTA"))

    assert seen(image, colour(0)) > 2000
    assert seen(image, colour(1)) > 2000


def test_a_bar_that_is_nan_is_named_so() -> None:
    values = np.full(TOTAL, 50.0)
    values[3] = np.nan

    assert svg(bars([metric(values, NEVER_ANNOTATED)], "MOTA"), "x").count(">nan<") == 1


def test_bars_of_nothing_but_nan_are_drawn() -> None:
    nothing = metric(np.full(TOTAL, np.nan), NEVER_ANNOTATED)

    assert svg(bars([nothing], "MOTA"), "x").count(">nan<") == TOTAL + 1


def test_a_time_line_shows_switches_where_they_are(seen: Seen) -> None:
    lanes = [np.zeros(100, np.int64), np.zeros(100, np.int64)]
    lanes[0][10], lanes[1][80] = 15, 3

    image = rendered(time_line(lanes, [10], 15))
    half = image.shape[1] // 2

    assert seen(image[:, 60:half], colour(0)) > 20
    assert seen(image[:, half:], colour(0)) == 0
    assert seen(image[:, half:], colour(1)) > 5
    assert seen(image[:, 60:half], colour(1)) == 0


def test_a_time_line_of_one_frame_is_drawn(seen: Seen) -> None:
    assert seen(rendered(time_line([np.array([4])], [0], 15)), colour(0)) > 5


def test_long_time_lines_keep_the_strongest(generator: np.random.Generator) -> None:
    lane = generator.integers(0, 5, 50_000)
    lane[31_234] = 99

    at, changed = strongest(lane)

    assert len(at) <= MOST_LINES
    assert (np.diff(at) > 0).all()
    assert changed.max() == 99
    np.testing.assert_array_equal(lane[at], changed)


def test_ids_of_a_plot_begin_with_its_name_and_nothing_tells_when_it_was_drawn() -> None:
    drawn = svg(time_line([np.array([4, 0, 1])], [0], 15), "s7")

    assert drawn.startswith("<svg ")
    assert 'id="s7-' in drawn
    assert all(part.startswith("s7-") for part in drawn.split(' id="')[1:])
    assert all(part.startswith("s7-") for part in drawn.split('href="#')[1:])
    assert "metadata" not in drawn
    assert "matplotlib.org" not in drawn


def test_runs_differ_in_letter_colour_and_line() -> None:
    looks = {(letter(run), colour(run), dash(run)) for run in range(30)}

    assert len(looks) == 30
    assert len({colour(run) for run in range(len(COLOURS))}) == len(COLOURS)
    assert [letter(run) for run in (0, 25, 26, 52)] == ["A", "Z", "A2", "A3"]
