"""The report's tables: numbers as printed, differences that know what is better, worst first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.evaluation import report_tables as tables
from pipelines.evaluation.metric import NAMES, TOTAL, metric
from pipelines.evaluation.report_switches import Switch, lane, switches_in, worst_frames
from pipelines.evaluation.report_tables import Cell, Run, difference, number, side_by_side
from pipelines.evaluation.scores import Scores, SequenceScores

Document = dict[str, Any]


def sequence(name: str, mota: float, *, switches: int = 0) -> SequenceScores:
    """A sequence with one MOTA on all keypoints, and switches of one keypoint each in frame 0."""
    found = metric(np.full(TOTAL, mota), "never annotated")
    families = {"mot": dict.fromkeys(("mota", "motp", "pre", "rec"), found)}
    rows = np.array([[0, 0, 1, 2, 3]] * switches, np.int64).reshape(-1, 5)
    return SequenceScores(name, 5, families, ("0.jpg", "1.jpg"), rows)


def run(label: str, *parts: SequenceScores) -> Run:
    scores = Scores(5, parts[0].families, {p.name: p for p in parts}, (), (), ())
    return Run(label, f"results/{label}", scores)


def texts(cells: list[Cell]) -> list[str]:
    return [cell.text for cell in cells]


def test_a_difference_knows_what_is_better() -> None:
    assert difference(60.0, 50.0, "MOTA") == Cell("+10.0", "better")
    assert difference(49.5, 50.0, "MOTA") == Cell("-0.5", "worse")
    assert difference(3, 5, "id switches") == Cell("-2", "better")
    assert difference(6, 5, "id switches") == Cell("+1", "worse")
    assert difference(50.01, 50.0, "MOTA") == Cell("0.0", "same")
    assert difference(49.99, 50.0, "MOTA") == Cell("0.0", "same")
    assert difference(float("nan"), 50.0, "MOTA") == Cell("-", "same")


def test_numbers_are_printed_with_one_decimal() -> None:
    assert number(-12.345) == Cell("-12.3", "value")
    assert number(7.0, whole=True) == Cell("7", "value")
    assert number(float("nan")) == Cell("nan", "nan")


def test_every_run_but_the_first_is_followed_by_its_difference_to_the_first() -> None:
    assert texts(side_by_side([1.0, 2.0, 4.0], "AP")) == ["1.0", "2.0", "+1.0", "4.0", "+3.0"]


def test_sequences_stand_by_their_worst_run_and_nan_last() -> None:
    nan = float("nan")
    first = run("a", sequence("x", 90), sequence("y", 50), sequence("n", nan), sequence("z", 50))
    other = run("b", sequence("x", -5), sequence("y", 60), sequence("n", nan), sequence("z", 60))

    _, alone = tables.sequences([first], as_official=False)
    heads, both = tables.sequences([first, other], as_official=False)

    assert [one.name for one in alone] == ["y", "z", "x", "n"]
    assert [one.name for one in both] == ["x", "y", "z", "n"]
    assert both[0].frames == 5
    assert [head.text for head in heads] == ["MOTA", "id switches"]
    assert [texts(row.cells) for row in both[0].rows] == [
        ["90.0", "0"],
        ["-5.0", "0"],
        ["-95.0", "0"],
    ]
    assert both[-1].why == "MOTA: every keypoint is never annotated"


def test_reasons_of_runs_that_differ_bear_their_letters() -> None:
    runs = [run("a", sequence("x", 90)), run("b", sequence("x", float("nan")))]

    table = tables.compared_keypoints(runs, as_official=False)

    assert [row.name for row in table.rows] == list(NAMES)
    assert table.rows[0].why == "B: MOTA: never annotated"
    assert texts(table.rows[0].cells) == ["90.0", "nan", "-"]
    assert [head.text for head in table.heads] == ["A", "B", "B - A"]
    assert [(head.text, head.span) for head in table.over] == [("MOTA", 3)]


def test_the_overview_has_a_row_of_differences_under_each_but_the_first() -> None:
    runs = [
        run("a", sequence("x", 90, switches=2)),
        run("b", sequence("x", 95)),
        run("c", sequence("x", 80)),
    ]

    table = tables.overview(runs, as_official=False)

    assert [row.name for row in table.rows] == ["a", "b", "B - A", "c", "C - A"]
    assert [row.is_gap for row in table.rows] == [False, False, True, False, True]
    assert table.heads[-1].text == "id switches"
    assert texts(table.rows[2].cells)[-1] == "-2"


@pytest.fixture
def switched() -> SequenceScores:
    """Person 1 goes from 5 to 6 on two keypoints, from 5 to 7 on one; person 2 later."""
    rows = [[3, 0, 1, 5, 7], [3, 4, 1, 5, 6], [3, 2, 1, 5, 6], [8, 0, 2, 9, 4]]
    names = tuple(f"{i}.jpg" for i in range(10))
    return SequenceScores("v", 10, {}, names, np.array(rows, np.int64))


def test_switches_are_gathered_by_person_and_tracks(switched: SequenceScores) -> None:
    assert switches_in(switched, 3) == [Switch(1, 5, 6, (2, 4)), Switch(1, 5, 7, (0,))]
    assert switches_in(switched, 4) == []
    assert lane(switched).tolist() == [0, 0, 0, 3, 0, 0, 0, 0, 1, 0]


def test_the_worst_frames_of_all_runs_stand_in_order() -> None:
    lanes = [np.array([0, 5, 0, 1, 9]), np.array([7, 0, 0, 1, 0])]

    assert worst_frames(lanes, 2) == [0, 4]
    assert worst_frames(lanes, 9) == [0, 1, 3, 4]
    assert worst_frames(lanes, 0) == []
    assert worst_frames([np.zeros(3, np.int64)], 4) == []


def test_the_printed_columns_are_those_of_the_official_table(
    person18: Callable[..., Document],
    video18: Callable[..., Document],
    set_of: Callable[..., tuple[Path, Path]],
) -> None:
    from pipelines.evaluation.posetrack import evaluate

    video = video18(2, [person18(0, 1, 40), person18(1, 1, 40)])
    ours = Run("ours", "p", evaluate(*set_of({"v": video}, {"v": video})))

    table = tables.printed([ours], "mot", "mota")

    heads = ["Head", "Shou", "Elb", "Wri", "Hip", "Knee", "Ankl", "Total"]
    assert [head.text for head in table.heads] == [*heads, "MOTP", "MOT prec", "MOT rec"]
    assert texts(table.rows[0].cells) == ["100.0"] * 11
