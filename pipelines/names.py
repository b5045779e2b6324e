"""Names: what people are called in the answers, settled with both sides of a gap in view."""

from __future__ import annotations

from collections.abc import Mapping, Set
from itertools import groupby

from data.frame import Frame
from data.skeleton import Skeleton
from pipelines.paths import Paths, Reading, parted
from pipelines.stitch import Joining, joined

Path = list[Reading]
Stretch = tuple[int, int]
"""A track, and the frame from which on it is read without a gap."""


class Names:
    """`of` are the names by stretch, `next` is the next one that is free.

    A stretch ends where its track was not read for longer than `fill` seconds and `stride` frames.
    What the tracker then takes for the same person is a stretch of its own: whose it is, is settled
    anew with the motion on both sides of the gap. One name may have stretches of several tracks.
    """

    def __init__(self, skeleton: Skeleton, joining: Joining, fill: float, stride: int) -> None:
        self._skeleton, self._joining = skeleton, joining
        self._fill, self._stride = fill, stride
        self.of: dict[Stretch, int] = {}
        self.next = 1

    def restore(self, names: dict[Stretch, int], next_name: int) -> None:
        """Go on with what `of` and `next` were."""
        self.of, self.next = names, next_name

    def forget(self) -> None:
        """Forget who has which name; the next one stays."""
        self.of = {}

    def keep(self, paths: Paths) -> None:
        """Forget the names of the stretches of which no reading is left."""
        left = self._stretches(paths)
        self.of = {stretch: name for stretch, name in self.of.items() if stretch in left}

    def give(self, paths: Paths, end: int, known: Set[int], read: Frame) -> None:
        """Name every stretch that begins before the frame `end`.

        It gets the name of a path that it goes on, or the next free one. Tracks that are `known`
        may go on by themselves: where one was seen until shortly before the last frame that was
        `read`, its name is given to nobody else. Who was read on one frame alone, though the next
        ones were looked at, is nobody.
        """
        stretches = self._stretches(paths)
        new = sorted(
            (s for s, path in stretches.items() if s not in self.of and path[0].frame < end),
            key=lambda s: (stretches[s][0].frame, s),
        )
        for _, group in groupby(new, key=lambda s: stretches[s][0].frame):
            begun = dict(enumerate(group))
            paths_begun = {number: stretches[stretch] for number, stretch in begun.items()}
            over = self._over(stretches, known, read)
            owners = joined(over, paths_begun, self._skeleton, self._joining, read.size)
            for number, stretch in begun.items():
                path = stretches[stretch]
                if number in owners:
                    self.of[stretch] = owners[number]
                elif len(path) > 1 or path[0].frame == read.index:
                    self.of[stretch], self.next = self.next, self.next + 1

    def whole(self, paths: Paths) -> dict[int, Path]:
        """The whole paths of all names so far, in their order."""
        return self._whole(self._stretches(paths))

    def _whole(self, stretches: Mapping[Stretch, Path]) -> dict[int, Path]:
        whole: dict[int, Path] = {}
        for stretch, path in stretches.items():
            if stretch in self.of:
                whole.setdefault(self.of[stretch], []).extend(path)
        return {name: sorted(path, key=_frame) for name, path in sorted(whole.items())}

    def _over(
        self, stretches: Mapping[Stretch, Path], known: Set[int], read: Frame
    ) -> dict[int, Path]:
        """The whole paths of the names that no track goes on by itself."""
        going = {
            self.of[stretch]
            for stretch, path in stretches.items()
            if stretch in self.of and stretch[0] in known and self._goes_on(path[-1], read)
        }
        return {name: path for name, path in self._whole(stretches).items() if name not in going}

    def _goes_on(self, last: Reading, read: Frame) -> bool:
        """Whether a later reading could still be of the same stretch."""
        soon = read.seconds - last.seconds <= self._fill + 1e-6
        return soon or read.index - last.frame <= self._stride

    def _stretches(self, paths: Paths) -> dict[Stretch, Path]:
        """What is remembered of each stretch; of the first one of a track the frames at which it
        began may be forgotten, and its name is not."""
        stretches: dict[Stretch, Path] = {}
        for track in paths:
            parts = parted(paths.of(track), self._fill, self._stride)
            begun = parts[0][0].frame
            before = [frame for own, frame in self.of if own == track and frame <= begun]
            stretches[track, max(before, default=begun)] = parts[0]
            stretches |= {(track, part[0].frame): part for part in parts[1:]}
        return stretches


def _frame(reading: Reading) -> int:
    return reading.frame
