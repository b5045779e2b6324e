"""What tests of annotation files share: small documents, and MATLAB files made of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from data.skeleton import POSETRACK_17

Store = Callable[[str, Any], Path]


@pytest.fixture
def stored(tmp_path: Path) -> Store:
    """Writes a document as `<tmp_path>/<name>`: `.mat` as MATLAB file, text as it is, else JSON."""

    def store(name: str, content: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".mat":
            scipy.io.savemat(path, {"annolist": struct(content["annolist"])}, do_compression=True)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return store


def struct(value: Any) -> Any:
    """Lists of dictionaries as MATLAB's struct arrays; one-element lists as the element."""
    if isinstance(value, dict):
        return {key: struct(entry) for key, entry in value.items()}
    if not isinstance(value, list):
        return float(value) if isinstance(value, int) else value
    if len(value) == 1 and not isinstance(value[0], dict):
        return struct(value[0])
    if not value or not isinstance(value[0], dict):
        return value
    keys = list(dict.fromkeys(key for entry in value for key in entry))
    array = np.empty((1, len(value)), [(key, object) for key in keys])
    for index, entry in enumerate(value):
        for key in keys:
            array[key][0, index] = struct(entry.get(key, []))
    return array


@pytest.fixture
def posetrack18() -> dict[str, Any]:
    """Two frames of a video; two people on the first."""
    images = [
        {
            "id": 10000420000 + index,
            "frame_id": 10000420000 + index,
            "vid_id": "000042",
            "file_name": f"images/val/000042_mpii_test/{index:06d}.jpg",
            "nframes": 2,
            "is_labeled": index == 0,
            "ignore_regions_x": [[0, 9.5, 0]],
            "ignore_regions_y": [[0, 0, 9]],
            "width": 160,
            "height": 120,
        }
        for index in range(2)
    ]
    keypoints = [value for j in range(17) for value in (20 + j, 30.5 + 2 * j, int(j not in (3, 4)))]
    people = [
        {
            "id": 1000042000000 + track,
            "image_id": 10000420000,
            "category_id": 1,
            "track_id": track,
            "keypoints": keypoints,
            "scores": [],
            "bbox": [10, 20, 40, 60.5],
            "bbox_head": [15, 20, 9, 11],
        }
        for track in range(2)
    ]
    category = {"id": 1, "name": "person", "keypoints": list(POSETRACK_17.keypoints)}
    return {"images": images, "annotations": people, "categories": [category]}


@pytest.fixture
def posetrack17() -> dict[str, Any]:
    """Three frames of an annolist: two people, one without points; nobody; one; a region."""

    def point(joint: int, **more: Any) -> dict[str, Any]:
        return {"id": [joint], "x": [10.5 + joint], "y": [20.25 + 2 * joint], **more}

    def person(track: int, joints: list[int]) -> dict[str, Any]:
        head = {"x1": [11], "y1": [20], "x2": [19], "y2": [30]}
        points = [point(joint, is_visible=[int(joint != 5)]) for joint in joints]
        annopoints = [{"point": points}] if joints else []
        return {"track_id": [track], "annopoints": annopoints, **head}

    corners = [{"x": [x], "y": [y]} for x, y in ((0, 0), (8, 0), (8, 9))]
    people = [[person(0, [0, 5, 12]), person(1, [])], [], [person(0, [13, 14])]]
    return {
        "annolist": [
            {
                "image": [{"name": f"bonn_5sec/000342_mpii/{index + 1:08d}.jpg"}],
                "imgnum": [index + 1],
                "is_labeled": [int(index != 1)],
                "annorect": annorect,
                "ignore_regions": [{"point": corners}] if index == 2 else [],
            }
            for index, annorect in enumerate(people)
        ]
    }
