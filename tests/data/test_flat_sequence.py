"""Sequences as flat arrays."""

from __future__ import annotations

import numpy as np

from data.flat_sequence import MISSING_SCORE, flat
from data.pose import Box
from data.posetrack import Annotated, Person, Sequence
from data.skeleton import POSETRACK_15, POSETRACK_17


def person(track: int, **more: object) -> Person:
    points = np.arange(34.0).reshape(17, 2)
    seen = np.ones(17)
    seen[POSETRACK_17.index("left_hip")], points[POSETRACK_17.index("left_hip")] = 0, 0
    return Person(points, seen, track, **more)


def test_people_become_rows_by_frame_and_keypoints_follow_by_name() -> None:
    heads = [Box(0, 0, 3, 4), None]
    scores = np.arange(17.0)
    people = [person(4, head=heads[0]), person(7, head=heads[1], scores=scores, has_points=False)]
    triangle, line = np.array([[0.0, 1], [2, 3], [4, 5]]), np.array([[0.0, 1], [2, 3]])
    frames = (
        Annotated("v/0.jpg", (), 10, is_labeled=False),
        Annotated("v/1.jpg", (people[0],), 11, ignore=(line, triangle)),
        Annotated("v/2.jpg", (people[1], people[0]), 12),
    )

    found = flat(Sequence("v", frames))

    assert (len(found), found.frame.tolist(), found.track.tolist()) == (3, [1, 2, 2], [4, 7, 4])
    assert (found.ids, found.is_labeled.tolist()) == ((10, 11, 12), [False, True, True])
    assert found.points[0, POSETRACK_15.index("nose")].tolist() == [0, 1]
    assert np.flatnonzero(~found.present[0]).tolist() == [POSETRACK_15.index("left_hip")]
    assert found.scores[1, POSETRACK_15.index("right_ankle")] == 16
    assert (found.scores[0] == MISSING_SCORE).all()
    np.testing.assert_allclose(found.head, [3, np.nan, 3])
    assert found.listed.tolist() == [True, False, True]
    assert found.regions.frame.tolist() == [1]
    assert found.regions.vertices.tolist() == triangle.tolist()


def test_a_video_without_people_has_no_rows() -> None:
    found = flat(Sequence("v", (Annotated("v/0.jpg", (), 1),)))

    assert (len(found), len(found.frame), found.points.shape) == (1, 0, (0, 15, 2))
