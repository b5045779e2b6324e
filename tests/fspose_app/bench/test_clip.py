"""The drawn clips are the same every time, and have the people that they promise."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from data.sources import open_source
from fspose_app.bench import clip

SMALL = (160, 90)


def silent(done: int) -> None:
    assert done >= 0


def test_the_scene_has_its_people_all_the_time() -> None:
    scene = clip.scene(SMALL)

    there = [len(scene.shoot(seconds)[1]) for seconds in np.linspace(0, clip.SECONDS - 0.1, 7)]

    assert there == [clip.PEOPLE] * 7


def test_the_scene_is_drawn_alike_every_time() -> None:
    first, second = (clip.drawn(2, silent, size=SMALL) for _ in range(2))

    assert len(first) == 2
    np.testing.assert_array_equal(first[1], second[1])


def test_pictures_are_repeated_and_enlarged(tmp_path: Path) -> None:
    images = [np.full((90, 160, 3), shade, np.uint8) for shade in (40, 200)]

    clip.write(tmp_path / "a.mp4", images, 5, (320, 180))

    with open_source(str(tmp_path / "a.mp4")) as source:
        shades = [int(frame.image.mean()) for frame in source]
        assert (source.info.width, source.info.height) == (320, 180)
    np.testing.assert_allclose(shades, [40, 200, 40, 200, 40], atol=4)


def test_a_crowd_has_everyone_in_a_box_of_much_the_same_size(tmp_path: Path) -> None:
    boxes = clip.crowd(tmp_path / "crowd.mp4", 12, 3, silent)

    with open_source(str(tmp_path / "crowd.mp4")) as source:
        assert sum(1 for _ in source) == len(boxes) == 3
    assert [len(found) for found in boxes] == [12, 12, 12]
    heights = [box.height for box in boxes[0]]
    assert 0.5 * clip.TILE[1] < min(heights) <= max(heights) <= clip.TILE[1]
    assert all(0 <= b.left < b.right <= clip.SIZE[0] and b.bottom <= clip.SIZE[1] for b in boxes[0])
