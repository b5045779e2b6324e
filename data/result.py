"""The result file's records: a header, then one per frame; to and from the nouns of the house."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from data.frame import Frame, FrameResult, Image, Origin
from data.pose import Box, Floats, Pose
from data.skeleton import SKELETONS, Skeleton

if TYPE_CHECKING:  # a package imports its __init__, and so every decoder; records need none
    from data.sources.info import SourceInfo

SCHEMA = "fspose.result/1"
ORIGINS: tuple[str, ...] = get_args(Origin)
Record = dict[str, Any]
"""A line of the file as JSON has it; `fspose_app/result.schema.json` says what is in it."""


def header_of(
    info: SourceInfo,
    skeleton: Skeleton,
    *,
    models: Sequence[tuple[str, str]],
    settings: Mapping[str, Any],
    version: str,
) -> Record:
    """The first line: what was read, with which networks and settings; no date, no machine.

    `models` are names with the SHA-256 of their weights; `settings` must be JSON as it stands.
    """
    return {
        "schema": SCHEMA,
        "source": info.name,
        "width": info.width,
        "height": info.height,
        "fps": _number(info.fps, 4),
        "skeleton": {
            "name": skeleton.name,
            "keypoints": list(skeleton.keypoints),
            "limbs": [list(limb) for limb in skeleton.limbs],
        },
        "models": [{"name": name, "sha256": sha256} for name, sha256 in models],
        "settings": dict(settings),
        "version": version,
    }


def record_of(result: FrameResult) -> Record:
    """A frame's line: pixels with 2 decimals, seconds and scores with 4, scores within 0..1."""
    return {
        "frame": result.frame.index,
        "time": _number(result.frame.seconds, 4),
        "keyframe": result.keyframe,
        "people": [
            _person(*each) for each in zip(result.poses, result.origins, _raw(result), strict=True)
        ],
    }


def result_of(record: Record, frame: Frame) -> FrameResult:
    """What a line says, of a frame that was read again or is `blank`."""
    people = record["people"]
    raw = tuple(_points(person.get("raw")) for person in people)
    return FrameResult(
        frame=frame,
        poses=tuple(_pose(person) for person in people),
        keyframe=record["keyframe"],
        origins=tuple(person["from"] for person in people),
        raw=raw if any(points is not None for points in raw) else (),
    )


def rounded(result: FrameResult) -> FrameResult:
    """The result with the numbers that the file will hold, so that a picture drawn while the video
    is read and one drawn from the file are the same."""
    return result_of(record_of(result), result.frame)


def blank(record: Record, header: Record) -> Frame:
    """The record's frame with a black image that takes no memory."""
    black: Image = np.broadcast_to(np.uint8(0), (header["height"], header["width"], 3))
    return Frame(record["frame"], record["time"], black, str(record["frame"]))


def skeleton_of(header: Record) -> Skeleton:
    """The skeleton a header names."""
    return SKELETONS[header["skeleton"]["name"]]


def line_of(record: Record) -> bytes:
    """A record as a line of the file. ASCII, so that any file name can be written."""
    return json.dumps(record, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"


def _person(pose: Pose, origin: Origin, raw: Floats | None) -> Record:
    person = {
        "track": pose.track,
        "box": [_number(side, 2) for side in pose.box.xywh],
        "score": _score(pose.score),
        "keypoints": [
            [x, y, score]
            for (x, y), score in zip(
                _numbers(pose.keypoints, 2), _numbers(pose.scores.clip(0, 1), 4), strict=True
            )
        ],
        "from": origin,
    }
    if raw is not None:
        person["raw"] = _numbers(raw, 2)
    return person


def _raw(result: FrameResult) -> tuple[Floats | None, ...]:
    return result.raw or (None,) * len(result.poses)


def _points(given: list[list[float]] | None) -> Floats | None:
    return None if given is None else np.array(given, np.float32).reshape(-1, 2)


def _pose(person: Record) -> Pose:
    keypoints = np.array(person["keypoints"], np.float32).reshape(-1, 3)
    left, top, width, height = person["box"]
    score = float(person["score"])
    return Pose(
        keypoints=keypoints[:, :2],
        scores=keypoints[:, 2],
        box=Box(left, top, left + width, top + height, score),
        score=score,
        track=person["track"],
    )


def _number(value: float, decimals: int) -> float:
    return round(float(value), decimals) + 0.0  # no minus before a zero


def _numbers(values: Floats, decimals: int) -> list[Any]:
    """The same of an array, as nested lists; all at once, for there are many."""
    found: list[Any] = (np.round(values.astype(np.float64), decimals) + 0.0).tolist()
    return found


def _score(value: float) -> float:
    return _number(min(max(float(value), 0.0), 1.0), 4)  # published nets leave 0..1
