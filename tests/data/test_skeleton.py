"""Skeletons: order, mirror pairs, and how one becomes another."""

import numpy as np
import pytest

from data.keypoint_sets import CROWDPOSE
from data.pose import Box, Pose
from data.skeleton import (
    COCO_17,
    CROWDPOSE_14,
    FSPOSE_19,
    POSETRACK_15,
    POSETRACK_17,
    SKELETONS,
    Skeleton,
)


def pose(skeleton: Skeleton) -> Pose:
    count = len(skeleton)
    points = np.arange(2 * count, dtype=np.float32).reshape(count, 2)
    return Pose(points, np.linspace(0.1, 0.9, count, dtype=np.float32), Box(0, 0, 9, 9), 0.5, 3)


def test_the_embedded_familys_keypoints_begin_with_cocos() -> None:
    assert FSPOSE_19.keypoints[:17] == COCO_17.keypoints
    assert FSPOSE_19.keypoints[17:] == ("head_top", "head_bottom")


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)
def test_mirroring_twice_changes_nothing(skeleton: Skeleton) -> None:
    mirror = np.array(skeleton.mirror)

    assert (mirror[mirror] == np.arange(len(skeleton))).all()
    assert skeleton.mirror[skeleton.index("left_knee")] == skeleton.index("right_knee")


@pytest.mark.parametrize("to", [COCO_17, POSETRACK_17, POSETRACK_15], ids=lambda s: s.name)
def test_the_19_hold_the_others_exactly(to: Skeleton) -> None:
    whole = pose(FSPOSE_19)

    part = FSPOSE_19.convert(whole, to)

    for index, name in enumerate(to.keypoints):
        assert (part.keypoints[index] == whole.keypoints[FSPOSE_19.index(name)]).all()
    assert (part.track, part.box, part.score) == (whole.track, whole.box, whole.score)


def test_a_missing_neck_is_the_middle_of_the_shoulders() -> None:
    whole = pose(COCO_17)

    part = COCO_17.convert(whole, POSETRACK_15)

    neck, shoulders = POSETRACK_15.index("head_bottom"), [5, 6]
    np.testing.assert_allclose(part.keypoints[neck], whole.keypoints[shoulders].mean(0))
    assert part.scores[neck] == pytest.approx(whole.scores[shoulders].mean())
    assert part.scores[POSETRACK_15.index("head_top")] == 0


def test_a_pose_of_another_skeleton_is_refused() -> None:
    with pytest.raises(ValueError, match="17 keypoints, the pose 19"):
        COCO_17.convert(pose(FSPOSE_19), POSETRACK_15)


def test_crowdposes_keypoints_are_those_it_is_judged_on_and_its_head_is_joined_to_the_neck() -> (
    None
):
    """The published evaluation's deviations (PoseDet specification 5.1)."""
    same = {"head_top": "top_head", "head_bottom": "neck"}

    assert CROWDPOSE.keypoints == tuple(same.get(k, k) for k in CROWDPOSE_14.keypoints)
    assert (12, 13) in CROWDPOSE_14.limbs
    deviations = [
        0.79,
        0.79,
        0.72,
        0.72,
        0.62,
        0.62,
        1.07,
        1.07,
        0.87,
        0.87,
        0.89,
        0.89,
        0.79,
        0.79,
    ]
    np.testing.assert_allclose(CROWDPOSE_14.sigmas * 10, deviations, rtol=1e-6)
