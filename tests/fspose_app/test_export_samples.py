"""The people on whom an exported network is tried."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from data.errors import SourceError
from data.pose import Box
from fspose_app import export_samples
from fspose_app.export_samples import LEAST_SIDE, MOST, drawn, of_images, whole_images


def test_drawn_people_are_the_same_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_samples, "SCENES", 1)

    ((image, boxes),), ((again, _),) = drawn(), drawn()

    np.testing.assert_array_equal(image, again)
    assert boxes
    assert all(min(box.width, box.height) >= LEAST_SIDE for box in boxes)


def test_of_many_people_the_first_are_taken(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "c.png"):
        cv2.imwrite(str(tmp_path / name), np.zeros((8, 8, 3), np.uint8))

    found = of_images([str(tmp_path)], lambda image: [Box(0, 0, 4, 4)] * (MOST - 8))

    assert [len(boxes) for _, boxes in found] == [MOST - 8, 8]


def test_a_finder_takes_whole_images_whoever_is_on_them(tmp_path: Path) -> None:
    for name, width in (("a.png", 8), ("b.png", 6)):
        cv2.imwrite(str(tmp_path / name), np.zeros((8, width, 3), np.uint8))

    found = whole_images([str(tmp_path)])

    assert [(image.shape, len(boxes)) for image, boxes in found] == [((8, 8, 3), 0), ((8, 6, 3), 0)]
    with pytest.raises(SourceError, match="gone"):
        whole_images([str(tmp_path / "gone.png")])


def test_images_of_nobody_are_told(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((8, 8, 3), np.uint8))

    with pytest.raises(SourceError, match="Nobody is found"):
        of_images([str(tmp_path)], lambda image: [])
