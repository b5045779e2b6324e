"""Scores: what an evaluation found, of the set and of each sequence, ready to be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from data.flat_sequence import Wholes
from pipelines.evaluation.ap import Curve, Samples, curve
from pipelines.evaluation.metric import Metric

Families = Mapping[str, Mapping[str, Metric]]
"""Metrics by family and name.

`ap`: ap, pre, rec. `official_mot`: mota, motp, motp_matched, pre, rec, as the official tool has
them. `mot`: mota, motp, pre, rec, with its oddities put right. `hota`: PoseTrack21's names.
`idf1`: idf1, idp, idr.
"""


@dataclass(frozen=True, slots=True, eq=False)
class SequenceScores:
    """One sequence's scores, from its own counts.

    `frames` is how many were compared; `frame_names` are all of the video's. `switches` is (S, 5):
    frame in the video, joint, annotated track, predicted track before, predicted track now; it is
    empty where tracks were not scored.
    """

    name: str
    frames: int
    families: Families
    frame_names: tuple[str, ...]
    switches: Wholes


@dataclass(frozen=True, slots=True, eq=False)
class Correction:
    """One oddity of the official tool put right, after those before it: what it changed."""

    what: str
    before: Mapping[str, Metric]
    after: Mapping[str, Metric]


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """A set's scores. Two runs of one set have the same families, names and places of values.

    `samples` are the 15 joints' ranked predictions, empty where AP was not asked for; `notes` are
    sentences about the files that the person should know.
    """

    frames: int
    families: Families
    sequences: Mapping[str, SequenceScores]
    corrections: tuple[Correction, ...]
    samples: tuple[Samples, ...]
    notes: tuple[str, ...]

    def curves(self) -> tuple[Curve, ...]:
        """Precision over recall of the 15 joints."""
        return tuple(curve(joint) for joint in self.samples)
