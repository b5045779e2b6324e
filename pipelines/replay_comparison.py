"""What the corrections of the published rules are worth: replays under several rules, scored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Sequence as Several
from dataclasses import dataclass, replace

import numpy as np

from data.flat_sequence import flat
from data.heatmap_store import Key
from data.pose import Pose
from data.posetrack import Sequence
from data.posetrack_set import AnnotatedSet
from data.skeleton import Skeleton
from pipelines.evaluation.posetrack import evaluate_sequences
from pipelines.evaluation.scores import Scores
from pipelines.fusion import Fusion, Resampling
from pipelines.replay import Replay, predicted
from pipelines.replay_rules import OF_RECORDS, Corrections, has_tracks, judged
from pipelines.replay_stores import Stores, Track


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Predictions by some rules, on PoseTrack's keypoints as they were found, and their scores."""

    sequences: tuple[Sequence, ...]
    scores: Scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Replays of one annotated set by several rules.

    `fusion` makes the fusion for a way of resampling and the highest cell that counts as the fast
    net's ideal; `fast_peak` is what it really is. `threshold` is that of the published
    EVAL_TRACKING, or None without it.
    """

    annotated: AnnotatedSet
    stores: Stores
    tracks: tuple[Track, ...]
    fusion: Callable[[Resampling, float], Fusion]
    fast_peak: float
    batch: int
    threshold: float | None

    def outcomes(
        self, rules: Several[Corrections], tell: Callable[[int], None]
    ) -> dict[Corrections, Outcome]:
        """What comes of each set of corrections; `tell` gets people done, over all replays."""
        poses: dict[Corrections, dict[Key, Pose]] = {}

        def more(done: int) -> None:
            tell(sum(map(len, poses.values())) + done)

        for computed in computations(rules):
            poses[computed] = self._replay(computed).poses(self.tracks, more)
        return {wanted: self._outcome(wanted, poses[wanted - OF_RECORDS]) for wanted in rules}

    def _replay(self, corrections: Corrections) -> Replay:
        fusion = self.fusion(
            "smooth" if "resampling" in corrections else "nearest",
            self.fast_peak if "scale" in corrections else 1.0,
        )
        return Replay(stores=self.stores, fusion=fusion, corrections=corrections, batch=self.batch)

    def _outcome(self, corrections: Corrections, poses: Mapping[Key, Pose]) -> Outcome:
        skeleton: Skeleton = self.stores.skeleton
        found = tuple(predicted(one, poses, skeleton) for one in self.annotated.sequences)
        records = [judged(one, corrections, self.threshold) for one in found]
        tracked = has_tracks(corrections, self.threshold)
        return Outcome(found, scored(self.annotated, records, tracked=tracked))


def computations(rules: Iterable[Corrections]) -> list[Corrections]:
    """The replays that are needed: some corrections only change what is written."""
    return list(dict.fromkeys(wanted - OF_RECORDS for wanted in rules))


def scored(annotated: AnnotatedSet, records: Several[Sequence], *, tracked: bool) -> Scores:
    """The scores of predictions of the same frames, of their tracks too where they have some."""
    pairs = zip(annotated.sequences, records, strict=True)
    metrics = ("ap", "mot") if tracked else ("ap",)
    flats = [(flat(t), flat(p)) for t, p in pairs]
    if not tracked:  # they all have number 1, which is no track
        flats = [(t, replace(p, has_track=np.zeros(len(p.track), np.bool_))) for t, p in flats]
    return evaluate_sequences(flats, metrics=metrics)
