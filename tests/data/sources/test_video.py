from __future__ import annotations

import socket
import struct
import subprocess
import sys
import wave

import av
import numpy as np
import pytest

from data.errors import SourceError
from data.sources import pyav
from data.sources.video import VideoFile

FORMATS = [
    ("clip.mp4", "libx264", "yuv420p", {"bf": "2", "g": "10"}),
    ("clip.mkv", "libx264", "yuv420p", {}),
    ("clip.ts", "libx264", "yuv420p", {}),
    ("clip.avi", "mpeg4", "yuv420p", {"b": "4000000", "qmin": "1"}),
    ("clip.webm", "libvpx-vp9", "yuv420p", {}),
    ("clip.gif", "gif", "gray", {}),
]


@pytest.mark.parametrize(("name", "codec", "pixels", "options"), FORMATS)
def test_every_frame_comes_once_and_in_order(
    write_video, greys, numbers_of, name, codec, pixels, options
):
    source = VideoFile(write_video(greys(30), name, codec=codec, pixels=pixels, **options))

    frames = list(source)

    assert list(range(30)) == numbers_of(frames)
    assert list(range(30)) == [frame.index for frame in frames]
    np.testing.assert_allclose([f.seconds for f in frames], np.arange(30) / 10, atol=1e-9)
    assert source.damaged == 0


def test_info_tells_size_rate_and_announced_count(write_video, greys):
    path = write_video(greys(12, width=80, height=50))

    info = VideoFile(path).info

    assert (str(path), 80, 50, 10.0, 12, False) == (
        info.name,
        info.width,
        info.height,
        info.fps,
        info.count,
        info.live,
    )


def test_a_container_without_a_count_announces_what_its_length_amounts_to(write_video, greys):
    source = VideoFile(write_video(greys(12), "clip.webm", codec="libvpx-vp9"))

    assert source.info.count == 12


def test_images_are_rgb_bytes_in_one_piece(write_video):
    red = np.zeros((48, 64, 3), np.uint8)
    red[..., 0] = 255
    (frame,) = VideoFile(write_video([red]))

    np.testing.assert_allclose(frame.image.mean((0, 1)), [255, 0, 0], atol=4)
    assert np.uint8 == frame.image.dtype
    assert frame.image.flags.c_contiguous
    assert frame.name == "0"


@pytest.mark.parametrize(("width", "height"), [(321, 241), (33, 17)])
def test_an_odd_size_is_kept(write_video, greys, numbers_of, width, height):
    images = greys(5, width=width, height=height)

    frames = list(VideoFile(write_video(images, pixels="yuv444p")))

    assert {(width, height)} == {frame.size for frame in frames}
    assert list(range(5)) == numbers_of(frames)


def test_a_file_can_be_read_twice(write_video, greys, numbers_of):
    with VideoFile(write_video(greys(6))) as source:
        first, second = list(source), list(source)

    assert numbers_of(first) == numbers_of(second) == list(range(6))


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
def test_time_follows_the_stamps_of_a_variable_rate(write_video, greys, name):
    times = [500, 540, 700, 701, 1500, 1540]

    frames = list(VideoFile(write_video(greys(6), name, times=times)))

    expected = [(time - times[0]) / 1000 for time in times]
    np.testing.assert_allclose([frame.seconds for frame in frames], expected, atol=1e-6)


# What the matrix of a phone's file asks for, and the same done to the stored array.
TURNS = {
    "quarter right": ((0, 1, -1, 0), lambda image: np.rot90(image, -1)),
    "upside down": ((-1, 0, 0, -1), lambda image: np.rot90(image, 2)),
    "quarter left": ((0, -1, 1, 0), lambda image: np.rot90(image, 1)),
    "mirrored": ((-1, 0, 0, 1), lambda image: image[:, ::-1]),
    "flipped": ((1, 0, 0, -1), lambda image: image[::-1]),
    "transposed": ((0, 1, 1, 0), lambda image: image.transpose(1, 0, 2)),
}


@pytest.mark.parametrize("turn", TURNS)
def test_frames_are_upright_whatever_the_matrix_in_the_file(write_video, turn):
    corners = np.zeros((48, 64, 3), np.uint8)
    corners[:24, :32], corners[:24, 32:], corners[24:, :32] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    path = write_video([corners] * 3)
    (a, b, c, d), turned = TURNS[turn]
    set_display_matrix(path, a, b, c, d)

    source = VideoFile(path)
    frames = list(source)

    expected = turned(corners)
    assert (source.info.height, source.info.width, 3) == expected.shape
    assert len(frames) == 3
    for frame in frames:
        assert frame.image.flags.c_contiguous
        assert np.abs(frame.image.astype(int) - expected).mean() < 12


def set_display_matrix(path, a, b, c, d):
    """Writes the matrix into the track header box of an MP4 file."""
    content = bytearray(path.read_bytes())
    place = content.index(b"tkhd") + 4 + 4 + 20 + 16  # version 0: flags, times and ids, layer
    assert struct.pack(">3i", 65536, 0, 0) == content[place : place + 12]
    one = 65536
    matrix = struct.pack(">9i", a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30)
    content[place : place + 36] = matrix
    path.write_bytes(content)


def test_a_header_that_promises_more_frames_is_forgiven(write_video, greys, numbers_of):
    path = write_video(greys(20), "clip.avi", codec="mpeg4", b="4000000", qmin="1")
    content = bytearray(path.read_bytes())
    place = content.index(b"strh") + 8 + 32
    assert struct.pack("<I", 20) == content[place : place + 4]
    content[place : place + 4] = struct.pack("<I", 48)
    path.write_bytes(content)

    source = VideoFile(path)

    assert source.info.count == 48
    assert list(range(20)) == numbers_of(list(source))


def test_a_damaged_packet_costs_its_own_frame_only(write_video, greys, numbers_of, spoil, capfd):
    path = write_video(greys(40), g="1")  # every frame stands alone
    spoil(path, packets=[20])

    source = VideoFile(path)
    frames = list(source)

    kept = [number for number in range(40) if number != 20]
    assert kept == numbers_of(frames)
    assert list(range(39)) == [frame.index for frame in frames]
    np.testing.assert_allclose([f.seconds for f in frames], np.array(kept) / 10, atol=1e-9)
    assert source.damaged == 1
    assert capfd.readouterr() == ("", "")


def test_a_damaged_end_ends_without_an_error(write_video, greys, numbers_of, spoil):
    path = write_video(greys(40), g="1")
    spoil(path, packets=[37, 38, 39])

    source = VideoFile(path)

    assert list(range(37)) == numbers_of(list(source))
    assert source.damaged == 3


def test_damage_is_counted_anew_in_each_pass(write_video, greys, spoil):
    path = write_video(greys(40), g="1")
    spoil(path, packets=[5, 9])
    source = VideoFile(path)

    lengths = [sum(1 for _ in source) for _ in range(2)]

    assert lengths == [38, 38]
    assert source.damaged == 2


@pytest.mark.parametrize(
    ("name", "codec"), [("clip.mp4", "libx264"), ("clip.mkv", "libx264"), ("clip.avi", "mpeg4")]
)
def test_a_file_cut_in_the_middle_gives_what_is_left(write_video, packet_places, name, codec):
    # Noise, so that most of the file is pictures and not its header.
    noise = np.random.default_rng(0).integers(0, 255, (30, 48, 64, 3), np.uint8)
    path = write_video(list(noise), name, codec=codec, faststart=name.endswith("mp4"), g="1")
    whole = list(VideoFile(path))
    content = path.read_bytes()
    untouched = sum(end <= len(content) // 2 for _, end in packet_places(path))
    path.write_bytes(content[: len(content) // 2])

    source = VideoFile(path)
    left = list(source)

    assert 3 < untouched <= len(left) <= untouched + 1
    for frame, same in zip(left[:-1], whole, strict=False):  # the last may be patched together
        assert frame.seconds == same.seconds
        assert np.array_equal(frame.image, same.image)
    assert source.damaged <= 1


def test_a_cut_packet_is_counted_as_damage(write_video, packet_places):
    noise = np.random.default_rng(0).integers(0, 255, (30, 48, 64, 3), np.uint8)
    path = write_video(list(noise), faststart=True, g="1")
    start, _ = packet_places(path)[12]
    path.write_bytes(path.read_bytes()[: start + 100])

    source = VideoFile(path)

    assert 12 <= sum(1 for _ in source) <= 13
    assert source.damaged == 1


def broken_files(tmp_path, write_video, greys):
    """Files that cannot be opened, each with words of its message."""
    missing_index = write_video(greys(20))
    content = missing_index.read_bytes()
    missing_index.write_bytes(content[: content.index(b"moov") - 8])
    header_only = write_video(greys(20), "header.mp4", faststart=True)
    content = header_only.read_bytes()
    header_only.write_bytes(content[: content.index(b"mdat") + 4])
    unknown = write_video(greys(3), "unknown.mp4")
    unknown.write_bytes(unknown.read_bytes().replace(b"avc1", b"xyzw"))
    empty = tmp_path / "empty.mp4"
    empty.touch()
    text = tmp_path / "text.mp4"
    text.write_text("Once upon a time. " * 100)
    sound = tmp_path / "sound.wav"
    with wave.open(str(sound), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(1600))
    return [
        (missing_index, "cut short or not a video"),
        (header_only, "no picture in it can be decoded"),
        (unknown, "codec is not known"),
        (empty, "is empty"),
        (text, "cut short or not a video"),
        (sound, "holds no pictures"),
        (tmp_path / "missing.mp4", "No such file"),
    ]


def test_what_is_no_video_is_refused_in_one_line(tmp_path, write_video, greys, capfd):
    for path, words in broken_files(tmp_path, write_video, greys):
        with pytest.raises(SourceError, match=words) as caught:
            VideoFile(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["list.m3u8", "list.mp4", "disguised.mp4", "script.mp4", "s.sdp"])
def test_a_local_file_never_makes_us_connect(tmp_path, name):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/a.ts"
        playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{address}\n#EXT-X-ENDLIST\n"
        (tmp_path / name).write_text(
            {
                "script.mp4": f"ffconcat version 1.0\nfile '{address}'\n",
                "disguised.mp4": "\ufeff" + playlist,
                "s.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
                "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
            }.get(name, playlist),
            encoding="utf-8",
        )

        with pytest.raises(SourceError):
            VideoFile(tmp_path / name)

        with pytest.raises(TimeoutError):
            listener.accept()


def test_ffmpeg_itself_keeps_a_playlist_from_connecting(tmp_path):
    """The second lock: where a playlist's first bytes are not recognised, the protocol is."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        path = tmp_path / "list.m3u8"
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/a.ts"
        path.write_text(f"#EXTM3U\n#EXTINF:9,\n{address}\n#EXT-X-ENDLIST\n")

        with pytest.raises(av.FFmpegError):
            pyav.open_quietly(f"file:{path}", protocols="file")

        with pytest.raises(TimeoutError):
            listener.accept()


def test_pyav_reads_everything_where_decord_is_missing(write_video, greys):
    path = write_video(greys(8))
    program = (
        "import sys; sys.modules['decord'] = None\n"
        "from pathlib import Path\n"
        "from data.sources.video import VideoFile\n"
        f"print(sum(1 for _ in VideoFile(Path({str(path)!r}))))"
    )

    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert (answer.stdout, answer.stderr) == ("8\n", "")
