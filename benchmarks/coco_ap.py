"""Average precision of COCO's keypoints on annotated boxes, by pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from data.pose import Floats

DRAWS = 200


class Answer(NamedTuple):
    """Keypoints (17, 2) in pixels and scores (17,) of somebody on an image."""

    image_id: int
    keypoints: Floats
    scores: Floats


class Precision(NamedTuple):
    """OKS AP, and 95 % of the bootstrap draws of pictures."""

    ap: float
    low: float
    high: float
    people: int


def average_precision(truth: Path, answers: Sequence[Answer]) -> Precision:
    """AP over all pictures of a COCO file; a detection's score is the mean of its keypoints'."""
    found = [
        {
            "image_id": answer.image_id,
            "category_id": 1,
            "score": float(answer.scores.mean()),
            "keypoints": np.column_stack([answer.keypoints, np.ones(17)]).ravel().tolist(),
        }
        for answer in answers
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        annotated = COCO(str(truth))
        run = COCOeval(annotated, annotated.loadRes(found), "keypoints")
        run.evaluate()
        whole = _accumulated(run)
        pictures, areas, cells = len(run.params.imgIds), len(run.params.areaRng), run.evalImgs
        rng, draws = np.random.default_rng(0), []
        for _ in range(DRAWS):
            drawn = rng.integers(0, pictures, pictures)
            run.evalImgs = [cells[area * pictures + i] for area in range(areas) for i in drawn]
            draws.append(_accumulated(run))
    low, high = np.nanpercentile(draws, [2.5, 97.5])
    return Precision(whole, float(low), float(high), len(found))


def _accumulated(run: COCOeval) -> float:
    """AP over people of all sizes; NaN where nobody is annotated."""
    run.accumulate()
    precision = run.eval["precision"][:, :, 0, 0, 0]
    known = precision[precision > -1]
    return float(known.mean()) if known.size else float("nan")
