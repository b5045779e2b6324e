from __future__ import annotations

import os
import re

import av
import numpy as np
import pytest

from data.errors import OutputError
from data.frame import Frame, FrameResult
from data.pose import Box, Pose
from data.result import header_of
from data.result_file import read_result
from data.skeleton import COCO_17
from data.sources.info import SourceInfo
from fspose_app.live.segments import Segments

INFO = SourceInfo("street", 96, 64, 25.0, None, live=True)


def header(info):
    return header_of(info, COCO_17, models=[], settings={}, version="0")


def result(index, size=(96, 64), noise=None):
    width, height = size
    image = np.full((height, width, 3), 90, np.uint8)
    if noise is not None:
        image = noise.integers(0, 255, image.shape, np.uint8)
    pose = Pose(np.ones((17, 2), np.float32), np.ones(17, np.float32), Box(1, 2, 3, 4), 0.5, 7)
    frame = Frame(index, 100 + index / 25, image, str(index))
    return FrameResult(frame, (pose,), False, ("fast",))


def write(segments, *results):
    for each in results:
        segments.write(each, each.frame.image, INFO)


def shown(path):
    """Frames, the last one's seconds, and the size of an overlay."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    return len(frames), float(frames[-1].time), (frames[0].width, frames[0].height)


def pairs(folder):
    return [(path, path.with_suffix(".mp4")) for path in sorted(folder.glob("*.jsonl"))]


def test_a_pair_of_files_holds_the_same_frames_from_0(tmp_path):
    segments = Segments(tmp_path / "new" / "street", header, limit=10**9)
    write(segments, *(result(index) for index in (3, 4, 8)))

    segments.close()

    ((path, overlay),) = pairs(tmp_path / "new" / "street")
    assert re.fullmatch(r"\d{8}T\d{6}Z\.jsonl", path.name)
    head, records = read_result(path)
    assert (head["source"], head["width"], head["height"]) == ("street", 96, 64)
    assert [(r["frame"], r["time"]) for r in records] == [(0, 0.0), (1, 0.04), (2, 0.2)]
    assert shown(overlay) == (3, pytest.approx(0.2), (96, 64))


def test_what_is_over_the_size_is_closed_and_the_next_begun(tmp_path, generator):
    segments = Segments(tmp_path, header, limit=60_000)
    write(segments, *(result(index, noise=generator) for index in range(200)))

    segments.close()

    files = pairs(tmp_path)
    assert len(files) > 2
    assert sorted(os.listdir(tmp_path)) == sorted(p.name for pair in files for p in pair)
    counts = [len(list(read_result(path)[1])) for path, _ in files]
    assert sum(counts) == 200
    assert counts == [shown(overlay)[0] for _, overlay in files]
    sizes = [path.stat().st_size + overlay.stat().st_size for path, overlay in files]
    # The encoder holds some frames back, which are written when the file is closed.
    assert all(60_000 < size < 600_000 for size in sizes[:-1])


def test_pictures_of_another_size_come_into_files_of_their_own(tmp_path):
    segments = Segments(tmp_path, header, limit=10**9)
    write(segments, result(0), result(1), result(2, (48, 32)), result(3, (48, 32)))

    segments.close()

    found = [
        (read_result(path)[0]["width"], len(read_result(path)[1]), shown(overlay)[2])
        for path, overlay in pairs(tmp_path)
    ]
    assert sorted(found) == [(48, 2, (48, 32)), (96, 2, (96, 64))]


def test_without_a_frame_there_is_no_file(tmp_path):
    segments = Segments(tmp_path, header, limit=10**9)

    segments.close()
    segments.close()

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(OutputError, match="file/street cannot be made: Not a directory"):
        Segments(tmp_path / "file" / "street", header, limit=10**9)


def test_a_folder_that_has_gone_is_told_and_nothing_is_left_under_a_final_name(tmp_path):
    folder = tmp_path / "street"
    segments = Segments(folder, header, limit=10**9)
    write(segments, result(0))
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()

    with pytest.raises(OutputError):
        write(segments, result(1))

    with pytest.raises(OutputError):
        segments.close()
    segments.close()
    assert not folder.exists()
