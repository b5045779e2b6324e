"""OKS average precision and recall of COCO and CrowdPose, counted by pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from data.evaluation_coco import CocoResults, CocoTruth
from data.flat_sequence import Marks, Wholes
from data.keypoint_sets import COCO, CROWDPOSE, KeypointSet
from pipelines.evaluation.value import Value, Values, missing

MOST = 20
"""Results of an image that count, those of the highest scores: the tool's own number."""

# The tool's ten numbers in its order, and CrowdPose's part of them.
_STATS = ("AP", "AP50", "AP75", "APM", "APL", "AR", "AR50", "AR75", "ARM", "ARL")
_CROWDPOSE_STATS = ("AP", "AP50", "AP75", "AR", "AR50", "AR75")

CROWDING: Mapping[str, tuple[float, float]] = {
    "AP easy": (-np.inf, 0.2),
    "AP medium": (0.2, 0.8),
    "AP hard": (0.8, np.inf),
}
"""CrowdPose's parts by the images' crowd index, the upper limit excluded, as its tools have them
(evaluation specification, section 10; its paper says 0.1 in place of 0.2)."""

NO_SIZE = "nobody annotated is of that size"
NO_INDEX = "the images have no crowdIndex"
NO_CROWD = "nobody is annotated at that crowd index"

_LIKE_SHOULDERS = ("top_head", "neck")
_CATEGORY = 1


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Truth and results after pycocotools' matching; `tool` is its COCOeval."""

    truth: CocoTruth
    tool: Any


def compare(truth: CocoTruth, results: CocoResults, *, most: int = MOST) -> Compared:
    """Every result against everyone annotated in its image.

    The OKS of the `most` best-scored results of an image is kept for `partners`; average
    precision is of the best 20 in any case.
    """
    # Not at the head of the file: it brings a web client along, for downloads.
    from pycocotools.coco import COCO as Annotations
    from pycocotools.cocoeval import COCOeval

    with _silence():
        annotated = Annotations()
        annotated.dataset = _dataset(truth, _annotations(truth))
        annotated.createIndex()
        if len(results.score):
            found = annotated.loadRes(_entries(results))
        else:  # of which it cannot load any
            found = Annotations()
            found.dataset = _dataset(truth, [])
            found.createIndex()
        tool = COCOeval(annotated, found, "keypoints")
        tool.params.kpt_oks_sigmas = sigmas(truth.keypoint_set, tool.params.kpt_oks_sigmas)
        tool.params.maxDets = sorted({MOST, max(MOST, most)})
        tool.evaluate()
    return Compared(truth, tool)


def oks_values(compared: Compared) -> Values:
    """COCO's ten numbers, or CrowdPose's nine; per cent."""
    tool = compared.tool
    with _silence():
        tool.accumulate()
        tool.summarize()
    stats = {
        name: missing(NO_SIZE) if number < 0 else Value(100 * float(number))
        for name, number in zip(_STATS, tool.stats, strict=True)
    }
    if compared.truth.keypoint_set is not CROWDPOSE:
        return stats
    return {name: stats[name] for name in _CROWDPOSE_STATS} | _by_crowding(compared)


def partners(compared: Compared) -> Wholes:
    """(N,): which result is each annotated person's, -1 where there is none.

    In every image pairs are made from the highest OKS down, each result and each person once; of
    equal ones the result of the higher score goes first. Crowds and people without a labelled
    keypoint get none.
    """
    truth, tool = compared.truth, compared.tool
    partner = np.full(len(truth.image), -1, np.int64)
    of_image: dict[int, list[int]] = {}
    for index, image in enumerate(truth.image.tolist()):
        of_image.setdefault(image, []).append(index)
    counts = truth.counts
    for cell in tool.evalImgs[: len(tool.params.imgIds)]:  # the first area range: everyone
        if cell is None or not len(tool.ious[cell["image_id"], _CATEGORY]):
            continue
        oks = tool.ious[cell["image_id"], _CATEGORY]
        people = np.array(of_image[int(cell["image_id"])])
        columns = counts[people]
        found = np.array(cell["dtIds"]) - 1
        for row, column in _greedy(oks[:, columns]):
            partner[people[columns][column]] = found[row]
    return partner


def sigmas(keypoint_set: KeypointSet, of_coco: Any) -> Any:
    """(J,): a set's OKS sigmas out of COCO's 17; CrowdPose gives its head the shoulders'."""
    same = ["left_shoulder" if n in _LIKE_SHOULDERS else n for n in keypoint_set.keypoints]
    return of_coco[[COCO.index(name) for name in same]]


def _by_crowding(compared: Compared) -> dict[str, Value]:
    """AP of the images of each range of crowd indices, to four digits as CrowdPose's tool has it.

    The tool's cells of the other images are taken away, which leaves what a fresh evaluation of
    the part would find: images do not touch each other before they are joined.
    """
    truth, tool = compared.truth, compared.tool
    if np.isnan(truth.crowding).all():
        return dict.fromkeys(CROWDING, missing(NO_INDEX))
    cells = tool.evalImgs
    values: dict[str, Value] = {}
    for name, (low, high) in CROWDING.items():
        inside: Marks = (truth.crowding >= low) & (truth.crowding < high)  # False of NaN
        chosen = set(truth.images[inside].tolist())
        tool.evalImgs = [cell if cell and cell["image_id"] in chosen else None for cell in cells]
        with _silence():
            tool.accumulate()
        precision = tool.eval["precision"][:, :, 0, 0, 0]  # (10 thresholds, 101): everyone, best 20
        known = precision[precision > -1]
        mean = 100 * round(float(known.mean()), 4) if len(known) else 0.0
        values[name] = Value(mean) if len(known) else missing(NO_CROWD)
    tool.evalImgs = cells
    return values


def _greedy(oks: Any) -> Iterator[tuple[int, int]]:
    """Pairs (row, column) of a matrix from its highest value down, each row and column once."""
    rows: set[int] = set()
    columns: set[int] = set()
    for place in np.argsort(-oks, axis=None, kind="stable").tolist():
        row, column = divmod(place, oks.shape[1])
        if row not in rows and column not in columns:
            rows.add(row)
            columns.add(column)
            yield row, column


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """pycocotools prints how far it is."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield


def _dataset(truth: CocoTruth, annotations: list[dict[str, Any]]) -> dict[str, Any]:
    images = [{"id": number} for number in truth.images.tolist()]
    return {"images": images, "annotations": annotations, "categories": [{"id": _CATEGORY}]}


def _annotations(truth: CocoTruth) -> list[dict[str, Any]]:
    """Everyone annotated, numbered from 1: the tool takes a match with number 0 for none."""
    return [
        {
            "id": index + 1,
            "image_id": image,
            "category_id": _CATEGORY,
            "keypoints": truth.keypoints[index].ravel(),
            "num_keypoints": int(truth.labelled[index]),
            "bbox": truth.boxes[index].tolist(),
            "area": float(truth.area[index]),
            "iscrowd": int(truth.is_crowd[index]),
        }
        for index, image in enumerate(truth.image.tolist())
    ]


def _entries(results: CocoResults) -> list[dict[str, Any]]:
    """Results without their boxes: with them the tool would class sizes by the box, as it should
    for boxes, where COCO's keypoint results are classed by the extent of their keypoints."""
    return [
        {
            "image_id": image,
            "category_id": _CATEGORY,
            "keypoints": results.keypoints[index].ravel(),
            "score": score,
        }
        for index, (image, score) in enumerate(
            zip(results.image.tolist(), results.score.tolist(), strict=True)
        )
    ]
