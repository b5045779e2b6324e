"""Who is replayed, frame by frame, and out of which heatmap databases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from collections.abc import Sequence as Several
from dataclasses import dataclass

import numpy as np

from data.annolist import frame_number
from data.crop import Crop
from data.errors import AnnotationError, StoreError
from data.heatmap_store import HeatmapStore, Key, key_of
from data.heatmaps import Heatmaps
from data.posetrack_set import AnnotatedSet
from data.skeleton import Skeleton
from pipelines.heatmap_job import Subject
from pipelines.keyframes import spaced

_SAMPLE = 64  # people by whose maps a database is judged


@dataclass(frozen=True, slots=True)
class Visit:
    """A person on one of a track's frames; `number` is the frame's, `key_number` the keyframe's."""

    subject: Subject
    number: int
    key_number: int

    @property
    def age(self) -> int:
        """Frames since the keyframe."""
        return self.number - self.key_number


Track = tuple[Visit, ...]


def tracks_of(
    annotated: AnnotatedSet, people: Mapping[Key, Subject], interval: int
) -> tuple[Track, ...]:
    """Every track's annotated frames with their keyframes (specification 4.1), in order.

    `people` are those with a usable box. Raises AnnotationError for a frame whose name has no
    number, or that of another one of its track.
    """
    found: dict[tuple[str, int], dict[int, Subject]] = defaultdict(dict)
    for sequence in annotated.sequences:
        for frame in sequence.frames:
            for key in (key_of(frame.frame_name, person.track) for person in frame.people):
                if key not in people:
                    continue
                number, own = frame_number(frame.frame_name), found[key.video, key.track]
                if number is None or number in own:
                    what = "has no number" if number is None else "has another frame's number"
                    raise AnnotationError(
                        f"{frame.frame_name!r} {what}, by which keyframes are chosen."
                    )
                own[number] = people[key]
    return tuple(_track(own, interval) for own in found.values())


def _track(subjects: Mapping[int, Subject], interval: int) -> Track:
    numbers = sorted(subjects)
    pairs = zip(numbers, spaced(numbers, interval), strict=True)
    return tuple(Visit(subjects[number], number, key) for number, key in pairs)


def require(store: HeatmapStore, wanted: Collection[Key], what: str) -> None:
    """StoreError unless everyone's maps are there; `what` names the database."""
    there = set(store.keys())
    missing = [key for key in wanted if key not in there]
    if missing:
        raise StoreError(
            f"{what} lacks the maps of {len(missing)} of {len(wanted)} people, the first is "
            f"{missing[0]}. Make the database of these annotations, and to its end."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """Both databases and the keypoints of their maps; their names are for messages.

    `padding` is by how much the slow net grows a box to its crop.
    """

    slow: HeatmapStore
    fast: HeatmapStore
    slow_name: str
    fast_name: str
    skeleton: Skeleton
    padding: float

    def slow_maps(self, visit: Visit) -> Heatmaps:
        """The slow maps; StoreError where they are not of the annotated box."""
        maps = self._checked(self.slow.get(visit.subject.key), visit, self.slow_name)
        if maps.crop != self.crop(visit, maps.crop.size):
            raise self._elsewhere(visit, self.slow_name)
        return maps

    def fast_maps(self, visit: Visit) -> Heatmaps:
        """The fast maps; StoreError where they are not of the annotated box."""
        maps = self._checked(self.fast.get(visit.subject.key), visit, self.fast_name)
        if maps.crop.center != self.crop(visit, maps.crop.size).center:
            raise self._elsewhere(visit, self.fast_name)
        return maps

    def crop(self, visit: Visit, size: tuple[int, int]) -> Crop:
        """The slow net's crop of the annotated box."""
        return Crop.around(visit.subject.box, size, self.padding)

    def sample(self, tracks: Several[Track]) -> list[Heatmaps]:
        """Some of the fast maps, spread over the tracks."""
        visits = [visit for track in tracks for visit in track]
        return [self.fast_maps(visit) for visit in visits[:: -(-len(visits) // _SAMPLE) or 1]]

    def _checked(self, maps: Heatmaps, visit: Visit, name: str) -> Heatmaps:
        if len(maps.maps) != len(self.skeleton):
            raise StoreError(
                f"{name}: the maps of {visit.subject.key} are of {len(maps.maps)} keypoints, "
                f"expected {len(self.skeleton)}."
            )
        if not np.isfinite(maps.maps).all():
            raise StoreError(
                f"{name}: the maps of {visit.subject.key} hold numbers that are not finite."
            )
        return maps

    def _elsewhere(self, visit: Visit, name: str) -> StoreError:
        return StoreError(
            f"{name}: the maps of {visit.subject.key} were made in another box than the annotated "
            "one. Give the annotations and the image size that it was made with."
        )


def padding_of(maps: Heatmaps, visit: Visit) -> float:
    """By how much a net grew a person's box to the crop of its maps, to four digits."""
    tight = Crop.around(visit.subject.box, maps.crop.size, 1.0)
    return round(maps.crop.scale[0] / tight.scale[0], 4)
