"""Pictures with people's boxes, on which an exported network is compared with its reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from data.errors import SourceError
from data.frame import Image
from data.pose import Box
from data.sources.folder import read_image
from data.synthetic import presets
from fspose_app.image_list import list_images, nothing_read

SCENES = 6
PEOPLE = 3  # of a scene
LEAST_SIDE = 8  # pixels of a box; what is smaller is a hand at the picture's edge
MOST = 48  # people, and of a finder pictures, are enough

Pictures = list[tuple[Image, Sequence[Box]]]


def drawn() -> Pictures:
    """The first frames of drawn scenes, always the same ones, with the people's true boxes."""
    found: Pictures = []
    for seed in range(SCENES):
        frame, truths = next(iter(presets.scene(seed, people=PEOPLE, seconds=0.1)))
        boxes = [truth.box for truth in truths]
        large = [box for box in boxes if min(box.width, box.height) >= LEAST_SIDE]
        if large:
            found.append((frame.image, large))
    return found


def of_images(names: Sequence[str], find: Callable[[Image], list[Box]]) -> Pictures:
    """The people that `find` sees on images (files, folders, globs), the first ones of many.

    Raises SourceError for images that cannot be read, and where nobody is on them.
    """
    found: Pictures = []
    for path in _listed(names):
        image = read_image(path)
        boxes = find(image)[: MOST - sum(len(people) for _, people in found)]
        if boxes:
            found.append((image, boxes))
        if sum(len(people) for _, people in found) >= MOST:
            break
    if not found:
        raise SourceError(f"Nobody is found on {', '.join(names)}. Give images with people.")
    return found


def whole_images(names: Sequence[str]) -> Pictures:
    """The same images, the first ones of many, whoever is on them. Raises SourceError as above."""
    return [(read_image(path), ()) for path in _listed(names)[:MOST]]


def _listed(names: Sequence[str]) -> list[Path]:
    listed = list_images(names, None)
    if listed.failed:
        raise nothing_read(listed.failed[:1])
    return [path for _, path in listed.images]
