"""The demo clip with the bundled weights, against the truth it was drawn from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from data.pose import Box
from data.posetrack import read
from data.similarity import iou_matrix
from fspose_app.cli import main

DEMO = Path(__file__).parents[2] / "docs" / "demo"


@pytest.mark.slow
def test_the_bundled_networks_follow_the_people_of_the_demo(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["track", str(DEMO / "demo.mp4"), "-o", str(tmp_path)])

    assert result.exit_code == 0, result.output
    lines = (tmp_path / "result.jsonl").read_text().splitlines()
    frames = [json.loads(line) for line in lines[1:]]
    truth = read(DEMO / "demo.json").frames
    assert len(frames) == len(truth) == 200
    wanted, found, strangers, owners = 0, 0, 0, {}
    for frame, annotated in zip(frames, truth, strict=True):
        people = [person for person in annotated.people if person.box is not None]
        own = [Box.from_xywh(*person["box"]) for person in frame["people"]]
        overlaps = iou_matrix([person.box for person in people], own)
        wanted += len(people)
        strangers += int((overlaps.max(0, initial=0) < 0.3).sum())
        for person, row in zip(people, overlaps, strict=True):
            if len(row) and row.max() >= 0.5:
                found += 1
                track = frame["people"][int(row.argmax())]["track"]
                owners.setdefault(person.track, []).append(track)
    assert found / wanted > FOUND
    assert strangers / len(frames) < STRANGERS
    steady = [np.mean(np.array(tracks) == np.median(tracks)) for tracks in owners.values()]
    assert np.mean(steady) > STEADY


FOUND = 0.6  # of the annotated people, on all frames
STRANGERS = 0.5  # tracks per frame that are nobody
STEADY = 0.6  # of a person's frames that bear one number
