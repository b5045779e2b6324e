"""Pictures of frames: found below their folder and nowhere else, small, people framed."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from data.errors import SourceError
from data.evaluation_files import parse
from data.flat_sequence import FlatSequence
from pipelines.evaluation.report_pictures import HEIGHT, WIDTH, picture, picture_path

Document = dict[str, Any]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with one image, beside one with an image that is nobody's business."""
    for name in ("images/val/v/000000.jpg", "private/secret.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        cv2.imwrite(str(path), np.full((300, 400, 3), 120, np.uint8))
    return tmp_path


def test_names_start_from_the_folder_or_with_it(root: Path) -> None:
    for folder, name in (
        (root, "images/val/v/000000.jpg"),
        (root, "./images/val/v/000000.jpg"),
        (root / "images", "images/val/v/000000.jpg"),
        (root / "images", "val/v/000000.jpg"),
    ):
        assert picture_path(folder, name) == (root / "images/val/v/000000.jpg").resolve()


@pytest.mark.parametrize(
    "name",
    [
        "../private/secret.jpg",
        "val/../../private/secret.jpg",
        "images/../../private/secret.jpg",
        "{root}/private/secret.jpg",
        "..\\private\\secret.jpg",
        "C:\\private\\secret.jpg",
        "//host/share/secret.jpg",
        "",
    ],
)
def test_names_that_lead_out_are_refused(name: str, root: Path) -> None:
    with pytest.raises(SourceError, match="leads out of --images"):
        picture_path(root / "images", name.format(root=root))


def test_links_that_lead_out_are_refused(root: Path) -> None:
    (root / "images/val/link.jpg").symlink_to(root / "private/secret.jpg")
    (root / "images/val/folder").symlink_to(root / "private")

    for name in ("val/link.jpg", "val/folder/secret.jpg"):
        with pytest.raises(SourceError, match="leads out of --images"):
            picture_path(root / "images", name)


def test_the_folder_itself_may_be_a_link(root: Path) -> None:
    (root / "images-link").symlink_to(root / "images")

    assert picture_path(root / "images-link", "val/v/000000.jpg").name == "000000.jpg"
    assert picture_path(root / "images-link", "images-link/val/v/000000.jpg").is_file()


@pytest.mark.parametrize("name", ["val/gone.jpg", "val/v", "x\0.jpg", "a" * 5000, "val/fifo.jpg"])
def test_what_is_no_image_is_not_opened(name: str, root: Path) -> None:
    os.mkfifo(root / "images/val/fifo.jpg")  # whoever opened it would wait for ever

    with pytest.raises(SourceError, match="no such image below --images"):
        picture_path(root / "images", name)


def shown(uri: str) -> np.ndarray:
    content = base64.b64decode(uri.removeprefix("data:image/jpeg;base64,"))
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image


@pytest.fixture
def truth(person18: Callable[..., Document], video18: Callable[..., Document]) -> FlatSequence:
    """Two people, 17 by 34 pixels each, from (50, 100) and (300, 150) on."""
    return parse(video18(1, [person18(0, 3, 50, 100), person18(0, 8, 300, 150)]), "t", "v")


def test_the_people_in_question_are_framed(root: Path, truth: FlatSequence) -> None:
    plain = shown(picture(root, truth, 0, []))
    framed = shown(picture(root, truth, 0, [8]))

    assert plain.shape == (HEIGHT, WIDTH, 3)
    changed = np.abs(framed.astype(int) - plain).max(2) > 60
    rows, columns = np.nonzero(changed)
    # The picture is 0.9 of the image; the name stands above the frame.
    assert 0.9 * 285 < columns.min() < columns.max() < 0.9 * 330
    assert 0.9 * 120 < rows.min() < rows.max() < 0.9 * 200


def test_keypoints_far_outside_are_framed_at_the_edge(
    root: Path, person18: Callable[..., Document], video18: Callable[..., Document]
) -> None:
    far = person18(0, 3, 1e9, -1e9)
    truth = parse(video18(1, [far]), "t", "v")

    assert shown(picture(root, truth, 0, [3])).shape == (HEIGHT, WIDTH, 3)


def test_small_images_are_not_blown_up(root: Path, truth: FlatSequence) -> None:
    cv2.imwrite(str(root / "images/val/v/000000.jpg"), np.zeros((40, 60, 3), np.uint8))

    assert shown(picture(root, truth, 0, [3, 8])).shape == (40, 60, 3)


def test_a_broken_image_is_told(root: Path, truth: FlatSequence) -> None:
    (root / "images/val/v/000000.jpg").write_bytes(b"no image")

    with pytest.raises(SourceError, match="cannot be read as an image"):
        picture(root, truth, 0, [3])
