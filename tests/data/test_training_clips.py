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

    with pytest.raises(AnnotationError, match=r"joints\.json: 'clips' is missing"):
        read_clips(tmp_path)


def test_a_folder_without_clips_is_told_in_a_sentence(tmp_path):
    with pytest.raises(AnnotationError, match=r"is no pack of clips: it holds no joints\.json\."):
        read_clips(tmp_path)


@pytest.mark.parametrize(
    ("clip", "words"),
    [
        ({"file": "/etc/passwd", "joints": []}, "clips[0].file: expected a file of the pack"),
        ({"file": "a/../../b.mp4", "joints": []}, "clips[0].file: expected a file of the pack"),
        ({"file": "a\0.mp4", "joints": []}, "clips[0].file: expected a file of the pack"),
        ({"file": "a.mp4", "joints": []}, "joints: expected 2 triples of numbers for each"),
        ({"file": "a.mp4", "joints": [[[1, 2, 2]]]}, "joints: expected 2 triples"),
        ({"file": "a.mp4", "joints": [[1, 2], [3]]}, "joints: expected 2 triples"),
        ({"file": "a.mp4", "joints": [["a", {}]]}, "joints: expected 2 triples"),
        ({"file": "a.mp4", "joints": [[[1, 2, float("nan")]] * 2]}, "joints: expected 2 triples"),
        ({"file": "a.mp4", "joints": [[[1, 2, 0], [3, 4, 2]]]}, "expected one that is labelled"),
        ("a.mp4", "clips[0]: expected an object"),
    ],
)
def test_a_faulty_clip_is_told_with_its_place(clip, words, tmp_path):
    content = {"names": ["neck", "belly"], "clips": [clip]}
    (tmp_path / "joints.json").write_text(json.dumps(content))

    with pytest.raises(AnnotationError) as caught:
        read_clips(tmp_path)

    assert words in str(caught.value)


def test_a_drawn_scene_gives_the_walks_of_everyone_who_is_seen_for_long():
    walks = drawn_walks(1, 3, frames=9)

    assert walks
    for walk in walks:
        assert 8 <= len(walk.images) <= 9
        assert walk.keypoints.shape == (len(walk.images), 19, 3)
        assert (walk.keypoints[..., 2] == 1).all()
