"""Schedule: who of the people in sight is read by which network on a frame, and who by none.

A person's keyframes are the person's own: the slow net reads whoever the evidence calls for, a few
on a frame, the most urgent first. The fast net reads who moves; who hardly does is carried for some
frames. What the fast net says is merged with the keyframe only while the keyframe still shows the
person as they are: whose limbs move quickly is answered by the fast net alone. A budget bounds all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from data.errors import ConfigError
from data.frame import Frame
from data.pose import Pose
from data.similarity import iou_matrix
from pipelines import evidence
from pipelines.budget import Budget, Purses
from pipelines.cuts import Thumbnail, is_cut, thumbnail
from pipelines.evidence import Evidence
from pipelines.snapshot import Arrays, part, prefixed
from pipelines.tracker import Tracked

Turn = Literal["slow", "fused", "fast", "carried"]
"""`fused` is the fast net with the keyframe's maps, `fast` the fast net alone."""

# What counts as one whole reason to read somebody. Chosen on drawn clips of the seeds for tuning
# and on Bonn's sequence, against the slow net on every frame (docs/keyframes.md).
_MOVED = 0.04  # sizes that the keypoints have probably moved within the box since they were read
_CHANGED = 4.0  # contrasts by which the picture changed
_DOUBT = 0.15  # sizes between the answer and the fast net's own
_GROWTH = 0.7  # of the logarithm of the box's size since the keyframe
_FALL = 0.5  # of the score, as a share of the keyframe's
_SOONEST = 8  # frames between two keyframes of a person, whatever the evidence says
# Sizes a second within the box from which on the keyframe's maps pull the answer away: on moving
# people the fast net alone is right more often then, on people who stay the fusion is.
_STIRRED = 0.4
_NEAR = 0.1  # IoU of two tracks' boxes from which on their people may be mixed up
_AT_ONCE = 8  # people, of whom one has a keyframe on a frame: of more the eighth part
_SETTLED = 8  # frames after a cut in which no other one counts, so that a flicker costs little
SKIP = 3  # frames in a row on which somebody may go unread, unless another number is asked for


@dataclass(frozen=True, slots=True)
class Adaptive:
    """How people get their turns. A keyframe comes `longest` frames after the last at the latest,
    as far as the budget allows; nobody is carried for more than `skip` frames in a row."""

    longest: int = 32
    skip: int = SKIP
    budget: Budget | None = None

    def __post_init__(self) -> None:
        if self.longest < 1 or self.skip < 0:
            raise ConfigError(
                f"Keyframes {self.longest} frames apart with {self.skip} skipped were asked for; "
                "they are at least 1 apart, and 0 or more are skipped."
            )
        if self.budget is None:
            return
        least = self.budget.least(self.skip)
        if not self.budget.gmacs >= least:
            raise ConfigError(
                f"A budget of {self.budget.gmacs:g} GMAC per person and frame cannot be met: with "
                f"these networks and settings the least is {math.ceil(1000 * least) / 1000:g}."
            )


@dataclass(frozen=True, slots=True)
class _Wish:
    """One person's reasons: whole ones from 1 on. `read` is infinite for who must be read, `quick`
    the turn of the fast net that suits them."""

    track: int
    read: float
    key: float
    quick: Turn


class Schedule:
    """The turns of one video under way, and all that they depend on."""

    def __init__(self, settings: Adaptive) -> None:
        self._settings = settings
        self._known: dict[int, Evidence] = {}
        self._purses = None if settings.budget is None else Purses(settings.budget)
        self._before: Thumbnail | None = None
        self._last_cut: int | None = None

    @classmethod
    def restored(cls, settings: Adaptive, snapshot: Mapping[str, NDArray[Any]]) -> Schedule:
        """The schedule that `snapshot()` described."""
        schedule = cls(settings)
        schedule._known = evidence.unpack(part(snapshot, "known"))
        if schedule._purses is not None:
            schedule._purses.restore(snapshot["purses"])
        schedule._before = next(iter(snapshot["before"]), None)
        schedule._last_cut = next(iter(snapshot["last_cut"].tolist()), None)
        return schedule

    def snapshot(self) -> Arrays:
        """Everything, as arrays."""
        before = [] if self._before is None else [self._before]
        last_cut = [] if self._last_cut is None else [self._last_cut]
        return {
            **prefixed("known", evidence.pack(self._known)),
            "purses": np.zeros(0) if self._purses is None else self._purses.snapshot(),
            "before": np.array(before, np.uint8),
            "last_cut": np.array(last_cut, np.int64),
        }

    def cuts(self, frame: Frame) -> bool:
        """Whether another shot begins with the frame; to be asked once on each frame, in order."""
        before, self._before = self._before, thumbnail(frame.image)
        if before is None or not is_cut(before, self._before):
            return False
        settled = self._last_cut is None or frame.index >= self._last_cut + _SETTLED
        if settled:
            self._last_cut = frame.index
        return settled

    def mixed(self, people: Sequence[Tracked]) -> set[int]:
        """Who may be mixed up with somebody near, and so is better read by the slow net in the
        finder's box and matched anew where the finder looks; nobody where there is a budget.

        Who goes on from the track's own box in a crossing sees there whoever stands in front.
        """
        if self._purses is not None:
            return set()
        boxes = [tracked.box for tracked in people]
        shared = np.triu(iou_matrix(boxes, boxes), 1)
        pairs = np.argwhere(shared > _NEAR).tolist()
        return {people[place].track for pair in pairs for place in pair}

    def turns(
        self, frame: Frame, people: Sequence[Tracked], *, searched: bool, fresh: int
    ) -> dict[int, Turn]:
        """Who is read by which net, by track; `fresh` others get the slow one anyway.

        On frames on which the finder looked, everyone is read: its boxes are learnt from beside
        poses only.
        """
        wishes = self._wishes(frame, people, must=searched)
        turns: dict[int, Turn] = {w.track: w.quick if w.read >= 1 else "carried" for w in wishes}
        due = sorted((w for w in wishes if w.key >= 1), key=lambda wish: -wish.key)
        asked = due[: max(1, math.ceil(len(people) / _AT_ONCE))]
        turns |= {wish.track: "slow" for wish in asked}
        return turns if self._purses is None else self._paid(wishes, turns, fresh)

    def learn(
        self, frame: Frame, tracked: Tracked, answer: Pose, measured: Pose | None, *, key: bool
    ) -> None:
        """Takes in a reading of a track, whose box is what the track made of it.

        `measured` is what the fast net alone says, None where that was not merged with a keyframe.
        `key` says that the slow net read.
        """
        past, box = self._known.get(tracked.track), tracked.box
        if self._purses is not None and measured is None and not key:
            self._purses.unmerged()
        if past is None:
            self._known[tracked.track] = evidence.first(frame, box, answer)
        else:
            self._known[tracked.track] = evidence.after(past, frame, box, answer, measured, key=key)

    def pose(self, tracked: Tracked) -> Pose:
        """The pose of who is carried."""
        return self._known[tracked.track].pose(tracked.box)

    def forget(self) -> None:
        """Forgets everyone; what is owed stays."""
        self._known = {}

    def keep(self, tracks: Set[int]) -> None:
        """Forgets all others; who is read in vain is among them, and so will be read again."""
        self._known = {n: known for n, known in self._known.items() if n in tracks}

    def _wishes(self, frame: Frame, people: Sequence[Tracked], *, must: bool) -> list[_Wish]:
        wishes = []
        for tracked in people:
            known = self._known.get(tracked.track)
            if known is None:
                wishes.append(_Wish(tracked.track, math.inf, 0.0, "fused"))
                continue
            late = frame.index - known.index > self._settings.skip
            read = math.inf if must or late else self._read(frame, tracked, known)
            key = self._key(frame, tracked, known, read)
            quick: Turn = "fast" if known.stir >= _STIRRED else "fused"
            wishes.append(_Wish(tracked.track, read, key, quick))
        return wishes

    def _read(self, frame: Frame, tracked: Tracked, known: Evidence) -> float:
        """The reasons to read somebody: the motion that is probable, and the change of pixels."""
        moved = known.stir * (frame.seconds - known.seconds) / _MOVED
        return moved + known.change(frame.image, tracked.box) / _CHANGED

    def _key(self, frame: Frame, tracked: Tracked, known: Evidence, read: float) -> float:
        """The reasons for a keyframe; 0 while it would be too soon, or nothing moves."""
        age, longest = frame.index - known.key_index, self._settings.longest
        if age < longest and (age < _SOONEST or read < 1):
            return 0.0
        growth = abs(math.log(evidence.size_of(tracked.box) / known.key_size))
        fall = max(0.0, 1 - known.score / max(known.key_score, 1e-6))
        return age / longest + known.doubt / _DOUBT + growth / _GROWTH + fall / _FALL

    def _paid(
        self, wishes: Sequence[_Wish], turns: Mapping[int, Turn], fresh: int
    ) -> dict[int, Turn]:
        """The turns that the budget allows, the most urgent first.

        Whom the keyframes' share cannot pay for takes a turn of the fast net's. Who must be read
        is, and new people get the slow net, even if that is owed for a while.
        """
        purses = self._purses
        assert purses is not None, "without a budget nothing is to be paid"
        purses.earn(len(wishes) + fresh)
        for _ in range(fresh):
            purses.slow.pay()
        paid: dict[int, Turn] = {wish.track: "carried" for wish in wishes}
        for wish in sorted(wishes, key=lambda wish: -wish.key):
            if turns[wish.track] == "slow" and purses.slow.pays_for(wish.key):
                purses.slow.pay()
                paid[wish.track] = "slow"
        left = (wish for wish in wishes if paid[wish.track] != "slow")
        for wish in sorted(left, key=lambda wish: -wish.read):
            if math.isinf(wish.read) or purses.fast.pays_for(wish.read):
                purses.fast.pay()
                paid[wish.track] = wish.quick
        return paid
