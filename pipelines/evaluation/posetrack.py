"""PoseTrack's evaluation: predicted poses and tracks against annotated ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from data.errors import AnnotationError
from data.evaluation_files import read
from data.flat_sequence import FlatSequence
from pipelines.evaluation import ap, hota, identity, mot
from pipelines.evaluation.folders import Pair, file_pairs
from pipelines.evaluation.loading import compare
from pipelines.evaluation.matching import NEAR, close_pairs
from pipelines.evaluation.metric import Metric
from pipelines.evaluation.notes import Note, told
from pipelines.evaluation.pool import Tell, each
from pipelines.evaluation.scores import Correction, Scores, SequenceScores

METRICS = ("ap", "mot", "hota", "idf1")
"""What can be asked for."""

_TRACKING = frozenset({"mot", "hota", "idf1"})


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """One sequence's own scores, and the counts of which the set's are made; None if not asked."""

    scores: SequenceScores
    notes: tuple[Note, ...]
    samples: tuple[ap.Samples, ...] | None
    mot: mot.MotTally | None
    identity: identity.IdentityCounts | None
    hota: hota.Table | None


def _silent(_: int) -> None:
    """Nobody is told how far the work is."""


def evaluate(
    truth: Path,
    predictions: Path,
    *,
    metrics: Sequence[str] = ("ap", "mot"),
    processes: int = 1,
    tell: Tell = _silent,
) -> Scores:
    """The scores of a folder of prediction files, or of one file, against the truth.

    Files are paired by name and taken in name order; `tell` hears how many pairs are done.
    Raises AnnotationError for what `docs/evaluation.md` lists as an error.
    """
    pairs, notes = file_pairs(truth, predictions)
    work = partial(_tally_files, metrics=tuple(metrics))
    return combine(each(work, pairs, processes=processes, tell=tell), notes)


def evaluate_sequences(
    pairs: Iterable[tuple[FlatSequence, FlatSequence]], *, metrics: Sequence[str] = ("ap", "mot")
) -> Scores:
    """The scores of sequences in memory, pairs of truth and prediction.

    `data.flat_sequence.flat` makes them of a Sequence, `data.evaluation_files.parse` of a JSON.
    """
    ordered = sorted(pairs, key=lambda pair: pair[0].name)
    if len({truth.name for truth, _ in ordered}) < len(ordered):
        raise ValueError("two sequences have one name")
    return combine([tally(*pair, metrics=metrics) for pair in ordered])


def tally(truth: FlatSequence, predicted: FlatSequence, *, metrics: Sequence[str]) -> Tally:
    """What one sequence adds to the set, and its own scores."""
    unknown = set(metrics) - set(METRICS)
    if unknown:
        raise ValueError(f"unknown metrics: {sorted(unknown)}")
    compared = compare(truth, predicted, tracks=not _TRACKING.isdisjoint(metrics))
    close = close_pairs(compared.truth, compared.predicted, NEAR)
    samples = ap.joint_samples(compared, close) if "ap" in metrics else None
    counts = mot.tally(compared, close) if "mot" in metrics else None
    covered = identity.tally(compared, close) if "idf1" in metrics else None
    table = hota.tally(truth, predicted) if "hota" in metrics else None
    families: dict[str, dict[str, Metric]] = {}
    if samples is not None:
        families["ap"] = ap.scores(samples)
    if counts is not None:
        families["mot"] = mot.scores(counts.real)
        fed = max(0, counts.frames - 1)
        families["official_mot"] = mot.official_scores(counts.official, frames=fed)
    if covered is not None:
        families["idf1"] = identity.scores(covered)
    if table is not None:
        families["hota"] = hota.sequence_scores(table)
    switches = np.zeros((0, 5), np.int64) if counts is None else counts.switches
    own = SequenceScores(truth.name, len(compared), families, truth.frame_names, switches)
    return Tally(own, compared.notes, samples, counts, covered, table)


def combine(tallies: Sequence[Tally], notes: Sequence[Note] = ()) -> Scores:
    """The set's scores from those of its sequences, which are in name order.

    Sequences in which nobody is annotated appear in HOTA's sums alone, and in a note.
    """
    kept = [part for part in tallies if part.scores.frames]
    if not kept:
        raise AnnotationError(
            f"None of the {len(tallies)} sequences has an annotated person, so there is nothing "
            "to score."
        )
    families: dict[str, dict[str, Metric]] = {}
    samples = ap.joined([part.samples for part in kept if part.samples is not None])
    if any(part.samples is not None for part in kept):
        families["ap"] = ap.scores(samples)
    counted = [part.mot for part in kept if part.mot is not None]
    corrections: tuple[Correction, ...] = ()
    if counted:
        corrections = _corrections(counted)
        families["official_mot"] = dict(corrections[0].before)
        families["mot"] = dict(corrections[-1].after)
    covered = [part.identity for part in kept if part.identity is not None]
    if covered:
        families["idf1"] = identity.scores(identity.joined(covered))
    tables = [part.hota for part in tallies if part.hota is not None]
    if tables:
        families["hota"] = hota.scores(tables)
    return Scores(
        frames=sum(part.scores.frames for part in kept),
        families=families,
        sequences={part.scores.name: part.scores for part in kept},
        corrections=corrections,
        samples=samples if "ap" in families else (),
        notes=told([*notes, *_notes(tallies)]),
    )


def _tally_files(pair: Pair, *, metrics: tuple[str, ...]) -> Tally:
    truth, predicted = pair
    return tally(read(truth), read(predicted), metrics=metrics)


def _corrections(counted: Sequence[mot.MotTally]) -> tuple[Correction, ...]:
    """What each oddity of the official tool does to the tracking scores, one after another."""
    official = mot.joined([part.official for part in counted])
    with_last = mot.joined([part.with_last for part in counted])
    real = mot.joined([part.real for part in counted])
    frames = sum(part.frames for part in counted)
    fed = sum(max(0, part.frames - 1) for part in counted)
    one_sided = sum(part.one_sided for part in counted)
    states = (
        mot.official_scores(official, frames=fed),
        mot.official_scores(with_last, frames=frames),
        mot.official_scores(real, frames=frames),
        mot.scores(real),
    )
    sentences = (
        f"the last compared frame of every sequence counts (frames: {len(counted)})",
        f"frames in which one side has no people count as they are (frames: {one_sided}); "
        "officially each is one miss and one false positive per keypoint",
        "MOTP is of matched pairs alone, and keypoints without a match do not enter its mean; "
        "officially every near pair is summed as well, and switches again",
    )
    return tuple(
        Correction(what, before, after)
        for what, before, after in zip(sentences, states[:-1], states[1:], strict=True)
    )


def _notes(tallies: Sequence[Tally]) -> Iterator[Note]:
    """What the files were like, and which sequences were left out where."""
    for part in tallies:
        yield from part.notes
        if not part.scores.frames:
            yield Note(part.scores.name, "left out, for nobody is annotated")
        elif part.mot is not None and part.mot.frames == 1:
            yield Note(
                part.scores.name,
                "one compared frame; the official tool stops there, its scores here leave it out",
            )
