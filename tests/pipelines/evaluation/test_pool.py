"""Work shared by processes."""

from __future__ import annotations

import time
from multiprocessing import active_children
from pathlib import Path

import pytest

from data.errors import FsposeError
from data.json_fields import load_json
from pipelines.evaluation.pool import each


@pytest.mark.parametrize("processes", [1, 2, 9])
def test_results_come_in_the_order_of_the_jobs_and_progress_is_told(processes: int) -> None:
    heard: list[int] = []

    found = each(len, ["a", "", "ccc", "bb"], processes=processes, tell=heard.append)

    assert found == [1, 0, 3, 2]
    assert heard == sorted(heard)
    assert heard[-1] == 4
    assert active_children() == []


@pytest.mark.parametrize("processes", [1, 2])
def test_nothing_to_do_is_done(processes: int) -> None:
    assert each(len, [], processes=processes, tell=lambda _: None) == []


def test_a_bug_in_the_work_shows_itself() -> None:
    with pytest.raises(TypeError):
        each(len, [[], 3, []], processes=2, tell=lambda _: None)


def test_what_a_killed_helper_had_to_do_is_done_all_the_same() -> None:
    heard: list[int] = []

    def kill(done: int) -> None:
        heard.append(done)
        if done > 15:  # by now it is at work
            for helper in active_children():
                helper.kill()

    found = each(time.sleep, [0.1] * 30, processes=2, tell=kill)

    assert found == [None] * 30
    assert heard == sorted(heard)
    assert heard[-1] == 30


def test_of_many_faults_the_first_is_told(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("one", "two", "three")]

    for processes in (1, 2):
        with pytest.raises(FsposeError, match="one: cannot be read"):
            each(load_json, paths, processes=processes, tell=lambda _: None)
