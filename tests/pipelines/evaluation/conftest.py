"""What tests of the evaluation share: files and people of a few frames."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.flat_sequence import FlatSequence, Regions
from data.frame import Image
from data.skeleton import POSETRACK_17
from pipelines.evaluation.loading import Compared, People

Drawn = Callable[..., People]
Document = dict[str, Any]


@pytest.fixture
def drawn_people() -> Drawn:
    """People on a coarse grid, so that distances tie; tracks change hands now and then."""

    def draw(rng: np.random.Generator, frames: int, most: int, ids: int) -> People:
        counts = rng.integers(0, most + 1, frames)
        frame = np.repeat(np.arange(frames), counts)
        tracks = [rng.permutation(ids)[:count] for count in counts]
        track = np.concatenate([np.zeros(0, np.int64), *tracks])
        points = rng.integers(0, 4, (len(frame), 15, 2)) + 0.25 * (track % 4)[:, None, None]
        present = rng.random((len(frame), 15)) < 0.8
        points = np.where(present[..., None], points, np.nan)
        scores = rng.permutation(len(frame) * 15).reshape(-1, 15) / 7
        return People(frame, points, present, scores, track, np.full(len(frame), 3.0))

    return draw


@pytest.fixture
def drawn_videos(drawn_people: Drawn) -> Callable[[int], Compared]:
    """Truth and prediction of ten frames with up to five people each, by a seed."""

    def draw(seed: int) -> Compared:
        rng = np.random.default_rng(seed)
        sides = [drawn_people(rng, 10, most, most + 1) for most in (4, 5)]
        return Compared("drawn", np.arange(10), sides[0], sides[1], ())

    return draw


@pytest.fixture
def flat_of() -> Callable[[People, int], FlatSequence]:
    """People as a sequence in which every frame is labelled."""

    def make(people: People, frames: int) -> FlatSequence:
        count = len(people.frame)
        return FlatSequence(
            name="drawn",
            place="drawn.json",
            frame_names=tuple(f"{i:06d}.jpg" for i in range(frames)),
            ids=None,
            is_labeled=np.ones(frames, np.bool_),
            frame=people.frame,
            points=np.nan_to_num(people.points),
            present=people.present,
            scores=people.scores,
            track=people.track,
            has_track=np.ones(count, np.bool_),
            head=people.head,
            listed=np.ones(count, np.bool_),
            regions=Regions(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 2))),
        )

    return make


@pytest.fixture
def person18() -> Callable[..., Document]:
    """A PoseTrack18 annotation: all keypoints around (x, y), one head being 12 pixels."""

    def make(frame: int, track: int, x: float, y: float = 50.0, **changes: Any) -> Document:
        keypoints = [v for k in range(17) for v in (x + k, y + 2 * k, int(k not in (3, 4)))]
        return {
            "image_id": frame,
            "track_id": track,
            "keypoints": [0 if k // 3 in (3, 4) else v for k, v in enumerate(keypoints)],
            "scores": [0.9] * 17,
            "bbox_head": [0, 0, 12, 16],
            **changes,
        }

    return make


@pytest.fixture
def video18() -> Callable[..., Document]:
    """A PoseTrack18 document of some frames, whose ids are 0, 1, ..."""

    def make(frames: int, people: Sequence[Document], **changes: Any) -> Document:
        images = [
            {"id": i, "file_name": f"images/val/v/{i:06d}.jpg", "is_labeled": True}
            for i in range(frames)
        ]
        category = {"name": "person", "keypoints": list(POSETRACK_17.keypoints)}
        document = {"images": images, "annotations": list(people), "categories": [category]}
        return {**document, **changes}

    return make


@pytest.fixture
def video17() -> Callable[..., Document]:
    """A PoseTrack17 document of one person per track in every frame, as person18's."""

    def make(frames: int, tracks: Sequence[int], x: float = 30.0) -> Document:
        places = {"nose": 13, "head_bottom": 12, "head_top": 14}
        points = [
            {"id": [places[name]], "x": [x + k], "y": [50.0 + 2 * k], "score": [0.9]}
            for k, name in enumerate(POSETRACK_17.keypoints)
            if name in places
        ]
        people = [
            {
                "track_id": [track],
                "annopoints": [{"point": points}],
                "x1": [0],
                "y1": [0],
                "x2": [12],
                "y2": [16],
            }
            for track in tracks
        ]
        records = [
            {"image": [{"name": f"images/bonn/v/{i + 1:08d}.jpg"}], "annorect": people}
            for i in range(frames)
        ]
        return {"annolist": records}

    return make


@pytest.fixture
def set_of(tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """Writes folders of truth and predictions; documents by sequence name, or raw text."""

    def write(truth: dict[str, Any], predictions: dict[str, Any]) -> tuple[Path, Path]:
        for side, documents in (("truth", truth), ("predictions", predictions)):
            (tmp_path / side).mkdir(exist_ok=True)
            for name, content in documents.items():
                text = content if isinstance(content, str) else json.dumps(content)
                (tmp_path / side / f"{name}.json").write_text(text)
        return tmp_path / "truth", tmp_path / "predictions"

    return write


@pytest.fixture
def seen() -> Callable[[Image, str], int]:
    """How many pixels of an image (h, w, 3), RGB, have a colour like `#0072b2`, about."""

    def count(image: Image, colour: str) -> int:
        wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
        return int((np.abs(image.astype(int) - wanted).max(2) < 25).sum())

    return count
