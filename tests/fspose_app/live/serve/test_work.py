"""An uploaded video through real networks, small ones: files without a path of this machine."""

import json

import av
import pytest

from data.errors import SourceError
from fspose_app.live.serve.jobs import MOST_KEPT, Cancel, Jobs
from fspose_app.live.serve.settings import ServeSettings
from fspose_app.live.serve.work import Follow


@pytest.fixture
def follow(family):
    return Follow(ServeSettings(family=family, device="cpu"))


@pytest.mark.parametrize("scheme", ["fast-slow", "every-frame"])
def test_a_video_becomes_a_result_and_an_overlay(follow, video, tmp_path, scheme):
    told = []

    follow(
        video,
        tmp_path,
        name="my clip.mp4",
        scheme=scheme,
        tell=lambda done, total: told.append((done, total)),
        stop=Cancel(),
    )

    header, *frames = map(json.loads, (tmp_path / "result.jsonl").read_text().splitlines())
    with av.open(str(tmp_path / "overlay.mp4")) as overlay:
        stream = overlay.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert sum(1 for _ in overlay.decode(stream)) == 40
    assert (header["source"], header["settings"]["scheme"]) == ("my clip.mp4", scheme)
    assert len(frames) == 40
    assert told == [(done, 40) for done in range(41)]
    assert "/" not in json.dumps(header).replace("fspose.result/1", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["overlay.mp4", "result.jsonl"]


def test_a_wish_to_stop_ends_it_early(follow, video, tmp_path):
    stop, told = Cancel(), []

    def tell(done, total):
        told.append(done)
        if done == 5:
            stop.want()

    follow(video, tmp_path, name="x", scheme="fast-slow", tell=tell, stop=stop)

    assert told[-1] == 5


def test_a_video_that_cannot_be_read_is_told(follow, tmp_path):
    (tmp_path / "upload").write_bytes(b"no film")

    with pytest.raises(SourceError):
        follow(
            tmp_path / "upload",
            tmp_path,
            name="x",
            scheme="fast-slow",
            tell=lambda done, total: None,
            stop=Cancel(),
        )


def test_of_too_many_results_the_oldest_go(tmp_path, until):
    now = [0.0]
    jobs = Jobs(tmp_path, lambda *args, **_: None, keep=1e9, now=lambda: now[0])
    numbers = []
    for _ in range(MOST_KEPT + 2):
        now[0] += 1
        job = jobs.reserve()
        job.upload.write_bytes(b"a film")
        jobs.start(job, name="clip.mp4", scheme="fast-slow")
        until(lambda number=job.id: jobs.find(number).state, lambda state: state == "done")
        numbers.append(job.id)

    jobs.sweep()

    assert [number for number in numbers if jobs.find(number) is None] == numbers[:2]
    assert len(list(tmp_path.iterdir())) == MOST_KEPT
    jobs.close()
