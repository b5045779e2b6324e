from __future__ import annotations

import numpy as np
import pytest

from data.sources import decord_file, pyav
from data.sources.video import VideoFile

pytest.importorskip("decord", reason="Decord has no wheel for this processor")


def decord_pictures(path):
    source = VideoFile(path)
    with pyav.open_file(path) as container:
        tick = pyav.picture_stream(container, "clip").time_base
    yield from decord_file.pictures(path, source.info, tick)


@pytest.mark.parametrize(
    ("name", "codec"), [("clip.mp4", "libx264"), ("clip.mkv", "libx264"), ("clip.avi", "mpeg4")]
)
def test_decord_and_pyav_give_the_same_pictures(write_video, generator, name, codec):
    images = list(generator.integers(0, 255, (25, 48, 64, 3), np.uint8))
    path = write_video(images, name, codec=codec, g="10")

    by_decord, by_pyav = list(decord_pictures(path)), list(pyav.quick_pictures(path, None))

    assert [picture.pts for picture in by_pyav] == [picture.pts for picture in by_decord]
    for one, other in zip(by_decord, by_pyav, strict=True):
        assert np.abs(one.image.astype(int) - other.image).mean() < 1
        assert one.image.flags.c_contiguous


def test_decord_tells_the_stamps_of_a_variable_rate(write_video, greys):
    times = [0, 40, 200, 201, 1000]

    pictures = list(decord_pictures(write_video(greys(5), times=times)))

    steps = np.diff([picture.pts for picture in pictures])
    np.testing.assert_allclose(steps / steps.sum(), np.diff(times) / 1000, atol=1e-6)


def test_more_pictures_than_fit_in_memory_are_left_to_pyav(write_video, greys):
    path = write_video(greys(5))

    assert len(decord_file.sound_time_stamps(path, most=5)) == 5
    with pytest.raises(pyav.Unreliable, match="memory"):
        decord_file.sound_time_stamps(path, most=4)


def test_a_file_whose_last_packet_is_cut_is_left_to_pyav(write_video, generator):
    images = list(generator.integers(0, 255, (10, 48, 64, 3), np.uint8))
    path = write_video(images, faststart=True)
    path.write_bytes(path.read_bytes()[:-500])

    with pytest.raises(pyav.Unreliable):
        list(decord_pictures(path))


def test_pictures_before_damage_come_and_then_decord_is_given_up(
    write_video, greys, numbers_of, spoil
):
    path = write_video(greys(40), g="1")
    spoil(path, [20])
    pictures = []

    with pytest.raises(pyav.Unreliable, match="Decord fails at frame"):
        pictures.extend(decord_pictures(path))

    assert len(pictures) <= 20
    assert numbers_of(pictures) == list(range(len(pictures)))


@pytest.mark.parametrize(
    ("container", "codec", "expected"),
    [
        ("mov,mp4,m4a,3gp,3g2,mj2", "h264", True),
        ("matroska,webm", "hevc", True),
        ("matroska,webm", "vp9", False),
        ("hls", "h264", False),
        ("concat", "h264", False),
    ],
)
def test_only_plain_containers_and_codecs_suit_decord(container, codec, expected):
    assert expected == decord_file.suits(container, codec)
