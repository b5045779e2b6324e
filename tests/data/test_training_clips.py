"""People who move, for training on pairs of frames."""

import json

import numpy as np
import pytest

from data.errors import AnnotationError
from data.skeleton import FSPOSE_19
from data.training_clips import drawn_walks, read_clips
from data.video_writer import VideoWriter


def test_a_pack_of_clips_gives_frames_known_keypoints_and_boxes_around_them(tmp_path):
    with VideoWriter(tmp_path / "clip.mp4", (64, 48), 25) as writer:
        for _ in range(3):
            writer.write(np.full((48, 64, 3), 90, np.uint8))
    joints = [[[10, 8, 2], [20, 9, 2], [30, 40, 2], [99, 50, 0]]] * 3
    clip = {"file": "clip.mp4", "joints": joints}
    names = ["neck", "belly", "left_knee", "right_ankle"]
    (tmp_path / "joints.json").write_text(json.dumps({"names": names, "clips": [clip]}))

    (walk,) = read_clips(tmp_path)

    assert walk.images[2].shape == (48, 64, 3)
    assert walk.keypoints[0, FSPOSE_19.index("head_bottom")].tolist() == [10, 8, 2]
    assert walk.keypoints[0, FSPOSE_19.index("right_ankle"), 2] == 0
    assert walk.keypoints[0, :, 2].sum() == 4
    np.testing.assert_allclose(walk.boxes[0], [8.5, 5.6, 23, 36.8], rtol=1e-5)


def test_what_is_no_pack_of_clips_is_said_to_be_none(tmp_path):
    (tmp_path / "joints.json").write_text('{"names": ["neck"]}')

    with pytest.raises(AnnotationError, match=r"joints\.json: no pack of clips"):
        read_clips(tmp_path)


def test_a_drawn_scene_gives_the_walks_of_everyone_who_is_seen_for_long():
    walks = drawn_walks(1, 3, frames=9)

    assert walks
    for walk in walks:
        assert 8 <= len(walk.images) <= 9
        assert walk.keypoints.shape == (len(walk.images), 19, 3)
        assert (walk.keypoints[..., 2] == 1).all()
