"""A written video opens everywhere, keeps its times, and never stands half-written."""

from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from data.errors import OutputError
from data.frame import Image
from data.video_writer import Effort, VideoWriter


def grey(width: int, height: int, level: int = 90) -> Image:
    return np.full((height, width, 3), level, np.uint8)


def write(path: Path, count: int, size: tuple[int, int] = (64, 48), fps: float = 25.0) -> None:
    with VideoWriter(path, size, fps) as writer:
        for index in range(count):
            writer.write(grey(*size, level=5 * index))


def boxes(path: Path) -> list[str]:
    """The names of an MP4 file's outermost boxes, in file order."""
    data, names, start = path.read_bytes(), [], 0
    while start < len(data):
        length = int.from_bytes(data[start : start + 4], "big")
        names.append(data[start + 4 : start + 8].decode("ascii"))
        start += length
    return names


def times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [float(frame.time) for frame in container.decode(video=0)]


def test_a_video_is_h264_in_yuv420p_with_its_index_in_front(tmp_path: Path) -> None:
    write(tmp_path / "clip.mp4", 12)

    with av.open(str(tmp_path / "clip.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert len(list(container.decode(stream))) == 12
    order = boxes(tmp_path / "clip.mp4")
    assert order.index("moov") < order.index("mdat")


def test_the_duration_counts_the_last_frame(tmp_path: Path) -> None:
    write(tmp_path / "clip.mp4", 10, fps=20.0)

    with av.open(str(tmp_path / "clip.mp4")) as container:
        stream = container.streams.video[0]
        assert float(stream.duration * stream.time_base) == pytest.approx(0.5, abs=1e-3)


def test_colours_are_those_of_the_matrix_that_the_file_names(tmp_path: Path) -> None:
    """The numbers are BT.709's for (230, 60, 20), worked out by hand; BT.601 has 107 for 96."""
    with VideoWriter(tmp_path / "clip.mp4", (1280, 720), 25) as writer:
        writer.write(np.full((720, 1280, 3), (230, 60, 20), np.uint8))

    with av.open(str(tmp_path / "clip.mp4")) as container:
        frame = next(container.decode(video=0))
    assert (int(frame.colorspace), int(frame.color_range)) == (1, 1)  # BT.709, 16..235
    planes = frame.to_ndarray()
    np.testing.assert_allclose(planes[[300, 800, 1000], 100], [96, 93, 204], atol=1)


@pytest.mark.parametrize(
    ("size", "written"), [((63, 47), (64, 48)), ((1, 1), (2, 2)), ((64, 48), (64, 48))]
)
def test_odd_sizes_are_padded_to_even_ones(
    tmp_path: Path, size: tuple[int, int], written: tuple[int, int]
) -> None:
    write(tmp_path / "clip.mp4", 2, size)

    with av.open(str(tmp_path / "clip.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == written


def test_variable_frame_times_are_kept(tmp_path: Path) -> None:
    given = [0.0, 0.04, 0.08, 0.58, 0.6125, 2.0]

    with VideoWriter(tmp_path / "clip.mp4", (64, 48), 25) as writer:
        for seconds in given:
            writer.write(grey(64, 48), seconds)

    np.testing.assert_allclose(times(tmp_path / "clip.mp4"), given, atol=1e-4)


def test_times_that_stand_still_or_go_back_are_made_to_increase(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "clip.mp4", (64, 48), 25) as writer:
        for seconds in [0.0, 0.5, 0.5, 0.4, 0.6]:
            writer.write(grey(64, 48), seconds)

    read = times(tmp_path / "clip.mp4")
    assert len(read) == 5
    assert all(later > earlier for earlier, later in pairwise(read))
    assert read[-1] == pytest.approx(0.6, abs=1e-4)


def test_an_image_of_another_size_is_fitted_and_centred(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "clip.mp4", (64, 64), 25) as writer:
        writer.write(grey(200, 100, level=200))

    with av.open(str(tmp_path / "clip.mp4")) as container:
        shown = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert shown[32].min() > 180
    assert shown[:12].max() < 30
    assert shown[-12:].max() < 30


def test_the_same_frames_make_the_same_bytes(tmp_path: Path) -> None:
    write(tmp_path / "one.mp4", 8)
    write(tmp_path / "two.mp4", 8)

    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()


def test_nothing_stands_under_the_final_name_until_the_end(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with VideoWriter(path, (64, 48), 25) as writer:
        writer.write(grey(64, 48))
        assert [entry.name for entry in tmp_path.iterdir()] == ["clip.mp4.partial"]

    assert [entry.name for entry in tmp_path.iterdir()] == ["clip.mp4"]


def test_an_error_leaves_the_older_file_and_no_partial_one(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"older")

    def interrupted() -> None:
        with VideoWriter(path, (64, 48), 25) as writer:
            writer.write(grey(64, 48))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert [entry.name for entry in tmp_path.iterdir()] == ["clip.mp4"]
    assert path.read_bytes() == b"older"


def test_without_frames_there_is_no_file(tmp_path: Path) -> None:
    write(tmp_path / "clip.mp4", 0)

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_an_output_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"clip\.mp4 cannot be written: No such file"):
        VideoWriter(tmp_path / "missing" / "clip.mp4", (64, 48), 25)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_full_disk_is_an_output_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4.partial").symlink_to("/dev/full")

    with pytest.raises(OutputError, match=r"clip\.mp4 cannot be written: No space left"):
        write(tmp_path / "clip.mp4", 30)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_that_is_none_is_a_programming_mistake(tmp_path: Path, fps: float) -> None:
    with pytest.raises(ValueError, match="frames per second"):
        VideoWriter(tmp_path / "clip.mp4", (64, 48), fps)


@pytest.mark.parametrize("effort", ["veryfast", "superfast"])
def test_either_effort_keeps_what_is_drawn(tmp_path: Path, effort: Effort) -> None:
    picture = grey(128, 96)
    picture[40:44, 20:100] = (250, 250, 250)

    with VideoWriter(tmp_path / "clip.mp4", (128, 96), 25, effort=effort) as writer:
        for _ in range(5):
            writer.write(picture)

    with av.open(str(tmp_path / "clip.mp4")) as container:
        shown = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(shown) == 5
    np.testing.assert_allclose(shown[-1][41:43, 24:96].mean(), 250, atol=6)
    np.testing.assert_allclose(shown[-1][:30].mean(), 90, atol=3)
