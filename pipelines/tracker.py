"""Tracker: gives every pose its track; predicts, matches, bears, loses and finds people again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.frame import Frame
from data.pose import Box, Pose
from data.similarity import iou_matrix
from data.skeleton import Skeleton
from pipelines.assign import FORBIDDEN, assign
from pipelines.likeness import Costs, distances, oks, overlap, pushed_in, share_inside
from pipelines.snapshot import Arrays
from pipelines.track import Track


@dataclass(frozen=True, slots=True)
class Tracking:
    """What a tracker believes in. Times are seconds of the video, whatever its frame rate.

    A person without support is still shown for `quiet` seconds, is lost after `patience`, and can
    be found again until `memory` seconds after that. A new track needs support of `birth`. Poses
    coincide above `duplicate_oks`, boxes above `duplicate_iou`. Lengths are in units of the box's
    size, the root of its area.
    """

    quiet: float = 0.25
    patience: float = 0.5
    memory: float = 1.5
    birth: float = 1.5
    duplicate_oks: float = 0.75
    duplicate_iou: float = 0.75
    dissimilarity: float = 0.8  # the highest cost, 1 - (OKS + IoU) / 2, of somebody still the same
    lost_again: float = 0.1  # what a lost track costs more than one that is alive
    reach: float = 0.5  # how far from its prediction anyone may turn up,
    reach_growth: float = 1.0  # how much farther for every second out of sight,
    farthest: float = 1.5  # and how far at most
    visible: float = 0.25  # the part of a box within the picture below which the person has left


@dataclass(frozen=True, slots=True)
class Tracked:
    """A track's number and where its person should be on the present frame."""

    track: int
    box: Box


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """A pose on the present frame and what speaks for it.

    `found` is the finder's own box, where it gave one. `support` is the pose's evidence in units of
    the least that makes a person: below 1 it is no person's. `measured` is what the present image
    alone says, where the pose also holds memories: these move with the box, so a box that followed
    them would follow itself.
    """

    pose: Pose
    measured: Pose
    found: Box | None
    support: float


class Tracker:
    """Everyone who is followed in one video, and the next free number.

    On each frame: `carry`, perhaps `recognise`, then `see`. Tracks are alive (their boxes are
    carried, networks look there) or lost (they move on in thought only, and may be found again).
    Numbers count from 1, and none is given twice.
    """

    def __init__(self, skeleton: Skeleton, settings: Tracking) -> None:
        self._skeleton, self._settings = skeleton, settings
        self._tracks: dict[int, Track] = {}
        self._next = 1
        self._now = self._before = 0.0  # seconds of the present frame and of the one before

    @classmethod
    def restored(
        cls, skeleton: Skeleton, settings: Tracking, snapshot: Mapping[str, NDArray[Any]]
    ) -> Tracker:
        """The tracker that `snapshot()` described."""
        tracker = cls(skeleton, settings)
        tracker._tracks = {track.number: track for track in Track.unpack(snapshot)}
        tracker._next, tracker._now = int(snapshot["next"]), float(snapshot["now"])
        return tracker

    def snapshot(self) -> Arrays:
        """Everything, as arrays."""
        return {
            **Track.pack(list(self._tracks.values()), len(self._skeleton)),
            "next": np.array(self._next, np.int64),
            "now": np.array(self._now, np.float64),
        }

    @property
    def alive(self) -> frozenset[int]:
        """The numbers of all tracks that are carried."""
        return frozenset(number for number, track in self._tracks.items() if track.alive)

    @property
    def known(self) -> frozenset[int]:
        """The numbers of all tracks that may be seen again: those alive and those lost."""
        return frozenset(self._tracks)

    def box(self, number: int) -> Box:
        """A track's box, after all that was learnt."""
        return self._tracks[number].motion.box

    def unseen(self, number: int) -> float:
        """Seconds since a track last had support; 0 when the present frame gave it."""
        return self._now - self._tracks[number].seen

    def forget(self) -> None:
        """Forgets everyone, the lost too; numbers go on."""
        self._tracks = {}

    def carry(self, frame: Frame) -> list[Tracked]:
        """Moves everyone on to `frame` by their own motion; those alive, in order of number.

        Who is mostly outside the picture is lost at once, who was lost too long is forgotten.
        """
        self._before, self._now = self._now, frame.seconds
        limit = self._settings.patience + self._settings.memory
        kept = (t for t in self._tracks.values() if t.alive or self.unseen(t.number) <= limit)
        self._tracks = {track.number: track for track in kept}
        for track in self._tracks.values():
            track.motion.pass_time(self._now - self._before)
            box = track.motion.box
            track.alive = track.alive and share_inside(box, frame.size) >= self._settings.visible
            # Who left is awaited at the picture's edge, not where they would be by now.
            track.expected = box if track.alive else pushed_in(box, frame.size)
        return [Tracked(t.number, t.expected) for t in self._tracks.values() if t.alive]

    def trust(self, numbers: Iterable[int]) -> None:
        """Takes these to be where they are expected on the present frame, without a look."""
        for number in numbers:
            self._tracks[number].seen = self._now

    def recognise(self, boxes: Sequence[Box]) -> list[int | None]:
        """The living track whose carried box each found box is, by boxes alone; changes nothing.

        The lost take part, so that nobody is taken for the neighbour who is just coming back.
        """
        tracks = list(self._tracks.values())
        owners: list[int | None] = [None] * len(boxes)
        for row, column in assign(self._costs(tracks, boxes), _OTHER_PLACE).pairs:
            owners[column] = tracks[row].number if tracks[row].alive else None
        return owners

    def see(
        self, known: Mapping[int, Sighting], fresh: Sequence[Sighting], *, searched: bool
    ) -> dict[int, Sighting]:
        """Learns from the frame; the sightings that are truly somebody's, by track.

        `known` come from the tracks' own carried boxes, `fresh` are nobody's yet. Of tracks that
        coincide one goes on; the others wait unseen until they part or are lost. `searched` says
        that the finder looked at the frame: whom it misses and the networks doubt is lost at once.
        """
        single = self._without_doubles(known)
        taken = {n: known[n] for n in single if self._is_settled(n, known[n], fresh)}
        numbers = self._numbers(fresh, taken)
        new = {n: s for n, s in zip(numbers, fresh, strict=True) if n is not None}
        sightings = {**known, **new}  # a stranger may turn out to be whom the fast net lost
        if searched:
            for number, sighting in sightings.items():
                track = self._tracks[number]
                track.unfound = 0 if sighting.found else track.unfound + 1
        own = self._without_doubles({**taken, **new})
        sure = [sightings[number] for number in own]
        for number in sorted(
            known.keys() - taken.keys() - new.keys(), key=lambda n: n not in single
        ):
            if not any(self._coincide(known[number], other) for other in sure):
                own.add(number)
                sure.append(known[number])
        strong = {number for number in own if self._is_strong(number, sightings[number])}
        doubts = {number: self._doubt(self._tracks[number], strong) for number in strong}
        for number in sorted(strong):
            track, sighting = self._tracks[number], sightings[number]
            track.learn(sighting.measured, sighting.found, doubt=doubts[number])
            track.hold(sighting.measured)
            track.seen, track.alive = self._now, True
        for number, track in self._tracks.items():
            late = self._now - track.seen >= self._settings.patience
            given_up = searched and number in own - strong and track.unfound > 0
            track.alive = track.alive and not late and not given_up
        return {number: sightings[number] for number in sorted(own & self.alive)}

    def _numbers(
        self, fresh: Sequence[Sighting], taken: Mapping[int, Sighting]
    ) -> list[int | None]:
        """The track of each fresh sighting: an old one that is not taken, a new one, or none.

        What the finder found comes first, matched by OKS and IoU, then by plain distance: who is
        not found sees in the own carried box what stands there, perhaps somebody else. What is
        found and nobody's, and no other's double, is born.
        """
        numbers: list[int | None] = [None] * len(fresh)
        poses = [sighting.pose for sighting in fresh]
        tracks = [track for number, track in self._tracks.items() if number not in taken]
        costs = self._costs(tracks, [pose.box for pose in poses], poses)
        limit = self._settings.dissimilarity
        found = [column for column, sighting in enumerate(fresh) if sighting.found]
        first = assign(costs[:, found], limit)
        for row, place in first.pairs:
            numbers[found[place]] = tracks[row].number
        left = [found[place] for place in first.columns if fresh[found[place]].support >= 1]
        waiting = [tracks[row] for row in first.rows]
        far = self._distances(waiting, [poses[column].box for column in left])
        for row, place in assign(far, 1.0).pairs:
            numbers[left[place]] = waiting[row].number
        missed = [column for column, sighting in enumerate(fresh) if not sighting.found]
        rows = [row for row in first.rows if tracks[row].number not in numbers]
        for row, place in assign(costs[np.ix_(rows, missed)], limit).pairs:
            numbers[missed[place]] = tracks[rows[row]].number
        people = list(taken.values())
        people += [s for s, number in zip(fresh, numbers, strict=True) if number is not None]
        for column in sorted(left, key=lambda column: -fresh[column].support):
            if numbers[column] is None and self._is_new(fresh[column], people):
                numbers[column] = self._bear(poses[column])
                people.append(fresh[column])
        return numbers

    def _bear(self, pose: Pose) -> int:
        number, self._next = self._next, self._next + 1
        self._tracks[number] = Track.born(number, pose, self._now)
        return number

    def _is_new(self, sighting: Sighting, known: Sequence[Sighting]) -> bool:
        if sighting.support < self._settings.birth:
            return False
        return not any(self._coincide(sighting, other) for other in known)

    def _is_settled(self, number: int, sighting: Sighting, fresh: Sequence[Sighting]) -> bool:
        """Whether a known person's own sighting stands: no fresh one is near that may be theirs."""
        if sighting.found or sighting.support < 1:
            return sighting.found is not None
        boxes = [other.pose.box for other in fresh if other.found]
        return not (self._distances([self._tracks[number]], boxes) <= 1).any()

    def _is_strong(self, number: int, sighting: Sighting) -> bool:
        """Whether the evidence suffices; whom the finder keeps missing needs twice as much."""
        return sighting.support >= (2 if self._tracks[number].unfound >= 2 else 1)

    def _doubt(self, track: Track, strong: set[int]) -> float:
        """How much less a measurement counts while another track's box overlaps this one's.

        In a crossing the networks see the person in front in both boxes. Who then believes the
        measured box leaves with the wrong person; so the motion is rather left to itself, most of
        all while the other one cannot be seen.
        """
        others = [other for other in self._tracks.values() if other is not track]
        overlaps = iou_matrix([track.expected], [other.expected for other in others])[0]
        close = [o.number for o, iou in zip(others, overlaps, strict=True) if iou > _CLOSE]
        if not close:
            return 1.0
        return _DOUBT_BESIDE if strong.issuperset(close) else _DOUBT_HIDING

    def _without_doubles(self, sightings: Mapping[int, Sighting]) -> set[int]:
        own, numbers = set(sightings), sorted(sightings)
        boxes = [sightings[number].pose.box for number in numbers]
        for row, column in np.argwhere(np.triu(iou_matrix(boxes, boxes), 1) > 0).tolist():
            older, younger = numbers[row], numbers[column]
            if {older, younger} <= own and self._coincide(sightings[older], sightings[younger]):
                own.discard(self._double(older, younger, sightings))
        return own

    def _double(self, older: int, younger: int, sightings: Mapping[int, Sighting]) -> int:
        """Which of two tracks that see one person is not that person's.

        Who waits already keeps waiting: where two paths cross, either fits for a moment. Else it is
        the one whose moved pose fits plainly worse, and in doubt the younger.
        """
        waiting = [n for n in (older, younger) if self._tracks[n].seen < self._before]
        if len(waiting) == 1:
            return waiting[0]
        fits = []
        for number in (older, younger):
            pose = self._tracks[number].moved()
            fits.append(oks([pose], [sightings[number].measured], self._skeleton)[0, 0])
        return older if fits[1] > fits[0] + _PLAINLY else younger

    def _coincide(self, first: Sighting, second: Sighting) -> bool:
        """Whether two sightings show one person, by what is measured or by what is answered."""
        shared = overlap(first.pose.box, second.pose.box)
        if shared == 0 or shared > self._settings.duplicate_iou:
            return shared > 0
        pairs = ((first.measured, second.measured), (first.pose, second.pose))
        alike = max(float(oks([one], [other], self._skeleton)[0, 0]) for one, other in pairs)
        return alike > self._settings.duplicate_oks

    def _costs(
        self, tracks: Sequence[Track], boxes: Sequence[Box], poses: Sequence[Pose] | None = None
    ) -> Costs:
        """(tracks, boxes): 1 - IoU, or 1 - the mean of OKS and IoU; FORBIDDEN where too far."""
        alike = iou_matrix([track.expected for track in tracks], boxes).astype(np.float64)
        late = np.array([0.0 if track.alive else self._settings.lost_again for track in tracks])
        far = self._distances(tracks, boxes) > 1
        if poses is not None:
            for row, track in enumerate(tracks):
                near = np.flatnonzero(~far[row]).tolist()
                similar = oks([track.moved()], [poses[i] for i in near], self._skeleton)[0]
                alike[row, near] = (alike[row, near] + similar) / 2
        return np.asarray(np.where(far, FORBIDDEN, 1 - alike + late[:, None]), np.float64)

    def _distances(self, tracks: Sequence[Track], boxes: Sequence[Box]) -> Costs:
        """(tracks, boxes): distances in what is plausible after the time out of sight."""
        s = self._settings
        reach = [min(s.reach + s.reach_growth * self.unseen(t.number), s.farthest) for t in tracks]
        return distances([track.expected for track in tracks], boxes, reach)


_CLOSE = 0.3  # IoU of two predicted boxes from which on the two people may be mixed up
_OTHER_PLACE = 0.5  # 1 - IoU above which a crop no longer shows the person as the finder sees it
_DOUBT_BESIDE = 2.0
_DOUBT_HIDING = 4.0
_PLAINLY = 0.1  # the difference of two OKS that means something
