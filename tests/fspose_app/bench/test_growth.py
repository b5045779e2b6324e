"""Series of clips that grow, and what is told of a scheme on each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.sources import open_source
from fspose_app.bench import clip, growth
from fspose_app.bench.growth import Stage, grown, stages
from fspose_app.bench.job import Measured, Work
from fspose_app.console import Console


@pytest.fixture(autouse=True)
def _quickly_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip, "DRAWN", (128, 72))
    monkeypatch.setattr(clip, "SECONDS", 0.4)
    monkeypatch.setattr(growth, "SMALL", (128, 72))
    monkeypatch.setattr(growth, "COUNTS", (1, 3))
    monkeypatch.setattr(growth, "SIZES", {"90p": (160, 90), "180p": (320, 180)})
    monkeypatch.setattr(growth, "MINUTES", (0.02, 0.05))


def seen(stage: Stage) -> tuple[int, int, int]:
    """Width, height and frames of a stage's clip."""
    with open_source(str(stage.clip)) as source:
        return source.info.width, source.info.height, sum(1 for _ in source)


def test_people_grow_with_their_boxes(tmp_path: Path) -> None:
    found = list(stages("people", 3, 1.0, tmp_path, Console()))

    assert [stage.grown for stage in found] == ["1", "3"]
    assert [[len(boxes) for boxes in stage.boxes or ()] for stage in found] == [[1] * 3, [3] * 3]
    assert [seen(stage)[2] for stage in found] == [3, 3]


def test_pictures_grow_and_show_the_same(tmp_path: Path) -> None:
    found = list(stages("size", 2, 1.0, tmp_path, Console()))

    assert [seen(stage) for stage in found] == [(160, 90, 2), (320, 180, 2)]
    means = []
    for stage in found:
        with open_source(str(stage.clip)) as source:
            means.append(next(iter(source)).image.mean((0, 1)))
    np.testing.assert_allclose(means[0], means[1], atol=3)


def test_length_grows_up_to_the_one_asked_for(tmp_path: Path) -> None:
    lengths = []
    for stage in stages("length", 2, 0.04, tmp_path, Console()):
        assert seen(stage)[2] == stage.frames
        lengths.append((stage.grown, stage.frames))

    assert lengths == [("0.02", 15), ("0.04", 30)]


def test_a_stage_has_the_costs_of_everything() -> None:
    work = {"finder": Work(1, 1, 0.1, 1.0), "fast": Work(4, 8, 0.4, 3.0)}
    run = Measured("fast-slow", 4, 8, 2.0, [0.1] * 4, work, {}, 300.0)

    found = grown(Stage("2", Path("2.mp4"), 4), run)

    assert (found.grown, found.people, found.memory_mb) == ("2", 2, 300)
    assert found.gmacs == pytest.approx(0.5)
    assert found.ms == pytest.approx(250)
    assert found.frames_per_second == pytest.approx(2)
