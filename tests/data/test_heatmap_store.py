"""Keys of people on frames."""

import pytest

from data.errors import AnnotationError
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


HOSTILE = [
    "images/../../x.jpg",
    "../val/a/x.jpg",
    "images/val/../x.jpg",
    "images/val/a/...jpg",  # the stem is `..`
    "...jpg",
    "..",
    "/x.jpg",
    "/val/a/x.jpg",
    "//server/share/val/a/x.jpg",
    "C:x/val/x.jpg",
    "images/C:x/a/x.jpg",
    "images/val/C:x.jpg",
    "images\\..\\..\\x.jpg",
    "images/val/a/..\\x.jpg",
    "images/val/a\0/x.jpg",
    "images/val/a/x\0.jpg",
    "",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_path_that_could_lead_out_of_its_folder_is_told(name):
    with pytest.raises(AnnotationError, match="expected a relative path of plain names"):
        key_of(name, 1)


@pytest.mark.parametrize("name", ["a..b/c...d/x..y.jpg", "val/a b/12:30.jpg", "./val/a/é.jpg"])
def test_odd_but_plain_names_are_no_danger(name):
    assert key_of(name, 1).is_place
