"""COCO's and CrowdPose's evaluation: results of single images against annotated people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from data.evaluation_coco import CocoResults, CocoTruth, read_results, read_truth
from data.flat_sequence import Marks, Wholes
from data.json_fields import Doubles
from data.keypoint_sets import CROWDPOSE
from pipelines.evaluation import oks, pck
from pipelines.evaluation.notes import Note, told
from pipelines.evaluation.pool import Tell
from pipelines.evaluation.value import Values

OKS = "OKS"
"""The family of average precision and recall; PCK's families are called as PCK@0.2."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is wanted beside OKS scores: PCK within `torsos`, PCKh within `heads`; None for none."""

    torsos: float | None = None
    heads: float | None = None
    counted: pck.Counted = field(default_factory=pck.Counted)


@dataclass(frozen=True, slots=True, eq=False)
class ResultScores:
    """One results file's scores: how many results it has, and values by family and name."""

    count: int
    families: Mapping[str, Values]


@dataclass(frozen=True, slots=True, eq=False)
class CocoScores:
    """Scores of results files, by name, of one annotation file.

    `people` are all annotated, `to_find` those who are no crowd and have keypoints; `wanted` tells
    of each PCK family how many keypoints are to be found, `measured` of how many people.
    """

    keypoint_set: str
    images: int
    people: int
    to_find: int
    wanted: Mapping[str, Mapping[str, int]]
    measured: Mapping[str, int]
    results: Mapping[str, ResultScores]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Measure:
    """A kind of PCK that was asked for; `at` a distance in torsos or heads."""

    targets: pck.Targets
    at: float
    is_closed: bool

    def near(self, far: Doubles) -> Marks:
        """PCK takes what is nearer, PCKh what is at the limit as well, each as it is used."""
        return np.asarray(far <= self.at if self.is_closed else far < self.at)


def _silent(_: int) -> None:
    """Nobody is told how far the work is."""


def evaluate(
    truth: Path, results: Mapping[str, Path], asked: Asked | None = None, *, tell: Tell = _silent
) -> CocoScores:
    """The scores of results files, by name; `tell` hears how many are done.

    Raises AnnotationError for what `docs/evaluation.md` lists as an error, before anything is
    scored.
    """
    annotated = read_truth(truth)
    found = {name: read_results(path, annotated) for name, path in results.items()}
    measures = _measures(annotated, asked or Asked())
    scores = {}
    for done, (name, own) in enumerate(found.items(), 1):
        scores[name] = ResultScores(len(own.score), _families(annotated, own, measures))
        tell(done)
    notes = [Note(f"{truth}", what) for what in (*annotated.notes, *_uncrowded(annotated))]
    notes += [Note(f"{results[name]}", what) for name, own in found.items() for what in own.notes]
    return CocoScores(
        keypoint_set=annotated.keypoint_set.name,
        images=len(annotated.images),
        people=len(annotated.image),
        to_find=int(annotated.counts.sum()),
        wanted={n: pck.wanted_counts(annotated, m.targets) for n, m in measures.items()},
        measured={name: measure.targets.people for name, measure in measures.items()},
        results=scores,
        notes=told(notes),
    )


def _measures(truth: CocoTruth, asked: Asked) -> dict[str, _Measure]:
    measures = {}
    if asked.torsos is not None:
        targets = pck.targets(truth, pck.torso(truth), asked.counted)
        measures[f"PCK@{asked.torsos:g}"] = _Measure(targets, asked.torsos, False)
    if asked.heads is not None:
        targets = pck.targets(truth, pck.head(truth), asked.counted)
        measures[f"PCKh@{asked.heads:g}"] = _Measure(targets, asked.heads, True)
    return measures


def _families(
    truth: CocoTruth, results: CocoResults, measures: Mapping[str, _Measure]
) -> dict[str, Values]:
    most = _most(results.image) if measures else 0
    compared = oks.compare(truth, results, most=most)
    families = {OKS: oks.oks_values(compared)}
    if measures:
        partner = oks.partners(compared)
        for name, measure in measures.items():
            far = pck.distances(truth, results, partner, measure.targets)
            families[name] = pck.shares(measure.near(far), truth, measure.targets)
    return families


def _most(image: Wholes) -> int:
    """How many results the image has that has most."""
    return int(np.unique(image, return_counts=True)[1].max(initial=0))


def _uncrowded(truth: CocoTruth) -> list[str]:
    """What to tell of images that belong to none of CrowdPose's parts, where others do."""
    lacking = int(np.isnan(truth.crowding).sum())
    if truth.keypoint_set is not CROWDPOSE or not 0 < lacking < len(truth.images):
        return []
    return [f"images without a crowdIndex are neither easy, medium nor hard ({lacking})"]
