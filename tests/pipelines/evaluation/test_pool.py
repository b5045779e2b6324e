"""Work shared by processes."""

from __future__ import annotations

import pytest

from pipelines.evaluation.pool import each


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_the_order_of_the_jobs_and_progress_is_told(processes: int) -> None:
    heard: list[int] = []

    found = each(len, ["a", "", "ccc", "bb"], processes=processes, tell=heard.append)

    assert found == [1, 0, 3, 2]
    assert heard == sorted(heard)
    assert heard[-1] == 4


def test_a_bug_in_the_work_shows_itself() -> None:
    with pytest.raises(TypeError):
        each(len, [[], 3, []], processes=2, tell=lambda _: None)
