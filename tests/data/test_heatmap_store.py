"""Keys of people on frames."""

import pytest

from data.heatmap_store import Key, key_of


@pytest.mark.parametrize(
    ("name", "video", "frame"),
    [
        ("images/val/000342_mpii_test/000017.jpg", "val/000342_mpii_test", "000017"),
        ("bonn_5sec/000342_mpii/00000001.jpg", "bonn_5sec/000342_mpii", "00000001"),
        ("clip/000003.png", "clip", "000003"),
        ("12.jpg", "", "12"),
    ],
)
def test_a_key_is_the_end_of_the_image_path_and_the_track(name, video, frame):
    assert Key(video, frame, 3) == key_of(name, 3)


def test_keys_lie_in_the_order_of_video_frame_and_track():
    keys = [Key("b", "1", 1), Key("a", "2", 10), Key("a", "2", 9), Key("a", "1", 30)]

    assert sorted(keys) == [keys[3], keys[2], keys[1], keys[0]]


def test_a_key_reads_as_people_say_it():
    assert str(Key("val/000342_mpii_test", "000017", 3)) == "val/000342_mpii_test/000017, track 3"
