"""Figures from what was measured, by hand."""

from __future__ import annotations

import csv
import io

import pytest

from fspose_app.bench.agreement import Agreement
from fspose_app.bench.job import Measured, Work
from fspose_app.bench.row import detail, row, to_csv

WORK = {
    "finder": Work(2, 2, 0.1, 0.4),
    "checks": Work(2, 8, 0.1, 0.4),
    "slow": Work(1, 4, 0.4, 8.0),
    "fast": Work(3, 12, 0.4, 4.0),
}


def run(name: str = "fast-slow", work: dict[str, Work] = WORK, people: int = 16) -> Measured:
    latencies = [0.1, 0.2, 0.3, 0.4]
    return Measured(name, 4, people, 2.0, latencies, work, {"find": 0.3}, 512.0)


def test_costs_are_per_person_and_frame() -> None:
    found = row(run(), None, None, 100.0)

    assert found.people == 4
    assert found.gmacs_nets == pytest.approx(12 / 16)
    assert found.gmacs_finding == pytest.approx(0.8 / 16)
    assert found.ms_nets == pytest.approx(800 / 16)
    assert found.ms_finding == pytest.approx(200 / 16)
    assert found.ms_all == pytest.approx(2000 / 16)
    assert found.frames_per_second == pytest.approx(2)
    assert (found.latency_p50, found.latency_p99) == (pytest.approx(250), pytest.approx(397))


def test_the_share_of_the_peak_is_of_all_networks() -> None:
    """12.8 GMACs are 25.6 billion operations: 0.256 s at 100 GFLOP/s, and a second was taken."""
    assert row(run(), None, None, 100.0).of_peak == pytest.approx(0.256)


def test_ratios_are_how_much_more_hrnet_takes() -> None:
    hrnet = run("hrnet-w32", {"hrnet-w32": Work(4, 16, 1.6, 120.0)})

    found = row(run(), None, hrnet, 100.0)

    assert found.hrnet_gmacs == pytest.approx(10)
    assert found.hrnet_ms_nets == pytest.approx(2)
    assert found.hrnet_ms_all == pytest.approx(1)


def test_nobody_shown_has_no_cost_per_person() -> None:
    found = row(run(people=0), None, run("hrnet-w32"), 100.0)

    assert (found.ms_nets, found.gmacs_nets, found.hrnet_gmacs) == (None, None, None)
    assert found.frames_per_second == pytest.approx(2)


def test_a_single_pass_is_no_run() -> None:
    one = Measured("published-transfer", 0, 1, 1.0, (), {"t": Work(1, 1, 1.0, 23.0)}, {}, 300.0)

    found = row(one, None, None, 100.0)

    assert (found.gmacs_nets, found.ms_nets) == (pytest.approx(23), pytest.approx(1000))
    assert (found.people, found.ms_all, found.frames_per_second) == (None, None, None)
    assert (found.latency_p50, found.gmacs_finding) == (None, None)


def test_a_table_for_programs_leaves_empty_what_has_no_value() -> None:
    rows = [
        row(run(), Agreement(98.5, 91.25, 16, 1, 2), run("hrnet-w32"), 100.0),
        row(run("hrnet-w32"), None, run("hrnet-w32"), 100.0),
    ]

    read = list(csv.DictReader(io.StringIO(to_csv(rows))))

    assert [one["scheme"] for one in read] == ["fast-slow", "hrnet-w32"]
    assert (read[0]["pck"], read[0]["oks"], read[0]["missed"]) == ("98.5", "91.25", "1")
    assert (read[1]["pck"], read[1]["missed"]) == ("", "")


def test_what_was_counted_stands_in_the_detail() -> None:
    found = detail(run())

    assert found["networks"]["checks"] == {"passes": 2, "items": 8, "seconds": 0.1, "gmacs": 0.4}
    assert (found["frames"], found["person_frames"]) == (4, 16)
