"""Stills: image after image to its people; what fails is told at the end, not on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2

from data.coco import CocoAnnotations
from data.draft import output_error
from data.errors import FsposeError, SourceError
from data.frame import Frame, FrameResult, Image, Origin
from data.pose import Pose
from data.skeleton import Skeleton
from data.sources.folder import read_image
from fspose_app.image_list import ImageList, nothing_read
from fspose_app.overlay import draw
from fspose_app.sinks import LEAST_SCORE
from models.backends.base import PoseBackend
from models.decode import poses
from pipelines.pipeline import HeatmapNet

Reading = Callable[[int, Image], list[Pose]]
"""The people of an image, given its id and its pixels."""


def by_backend(backend: PoseBackend) -> Reading:
    """People as a backend finds them."""
    return lambda number, image: backend.poses(image)


def on_boxes(net: HeatmapNet, truth: CocoAnnotations) -> Reading:
    """The annotated people, each read by `net` in the annotated box; no crowds."""
    boxes: dict[int, list[Pose]] = {}
    for person in truth.people:
        if not person.is_crowd:
            boxes.setdefault(person.image_id, []).append(person.pose)

    def read(number: int, image: Image) -> list[Pose]:
        known = [pose.box for pose in boxes.get(number, [])]
        return poses(net.heatmaps(image, known), known)

    return read


@dataclass(slots=True)
class Stills:
    """A list of images on its way through a network."""

    listed: ImageList
    reading: Reading
    skeleton: Skeleton
    overlay: Path | None
    tell: Callable[[int], None]
    failed: list[FsposeError] = field(init=False)

    def __post_init__(self) -> None:
        self.failed = list(self.listed.failed)

    def __iter__(self) -> Iterator[tuple[int, Pose]]:
        """Image ids and people, in order. An error at the end where not one image was read."""
        for done, (number, path) in enumerate(self.listed.images, 1):
            try:
                image = read_image(path)
            except SourceError as error:
                self.failed.append(error)
            else:
                people = self.reading(number, image)
                yield from ((number, pose) for pose in people)
                if self.overlay is not None:
                    self._draw(number, path, image, people)
            self.tell(done)
        if len(self.failed) == self.listed.total:
            raise nothing_read(self.failed)

    def _draw(self, number: int, path: Path, image: Image, people: list[Pose]) -> None:
        """A picture named by the image's id and name: names alone may occur twice."""
        assert self.overlay is not None
        frame = Frame(0, 0.0, image, str(path))
        origins: tuple[Origin, ...] = tuple("backend" for _ in people)
        result = FrameResult(frame, tuple(people), False, origins)
        drawn = draw(image, result, self.skeleton, least_score=LEAST_SCORE)
        target = self.overlay / f"{number}-{path.stem}.jpg"
        _, content = cv2.imencode(".jpg", cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR))
        fresh = target.with_name(target.name + ".partial")
        try:
            self.overlay.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(content.tobytes())
            fresh.replace(target)
        except OSError as error:
            raise output_error(target, error) from error
