"""An uploaded video through real networks, small ones: files without a path of this machine."""

import json

import av
import pytest

from data.errors import ConfigError, SourceError
from fspose_app.live.serve import work
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


@pytest.mark.parametrize(
    ("said", "scheme", "two_pass"),
    [
        ({}, "fast-slow", True),
        ({}, "every-frame", False),
        ({"two_pass": False}, "fast-slow", False),
        ({"two_pass": True}, "fast-slow", True),
        ({"two_pass": True}, "every-frame", False),  # it is a page's choice, not the default
        ({"keyframes": "adaptive"}, "fast-slow", False),
    ],
)
def test_a_video_is_followed_in_two_passes_where_there_can_be_two(
    family, video, tmp_path, said, scheme, two_pass
):
    follow = Follow(ServeSettings(family=family, device="cpu", **said))

    header, people = followed(follow, video, tmp_path, scheme)

    assert header["settings"]["two_pass"] is two_pass
    assert any(person["from"] == "between" for person in people) is two_pass


def test_frames_for_which_two_passes_have_no_room_are_followed_one_by_one(
    follow, video, tmp_path, monkeypatch
):
    frames = 2 * 16 + 16  # two intervals, and those that an answer waits for
    monkeypatch.setattr(work, "ROOM", frames * 96 * 64 * 3 - 1)
    small, _ = followed(follow, video, tmp_path / "small", "fast-slow")
    monkeypatch.setattr(work, "ROOM", frames * 96 * 64 * 3)
    large, _ = followed(follow, video, tmp_path / "large", "fast-slow")

    assert small["settings"]["two_pass"] is False
    assert large["settings"]["two_pass"] is True
    assert (small["settings"]["fusion"], large["settings"]["fusion"]) == ("gated", "fast-only")


def test_two_passes_that_cannot_be_are_told_before_anybody_is_served(family):
    settings = ServeSettings(family=family, device="cpu", two_pass=True, keyframes="adaptive")

    with pytest.raises(ConfigError, match="Give --causal"):
        Follow(settings).prepare(settings.scheme)


@pytest.mark.parametrize(("two_pass", "most"), [(False, 5), (True, 12)])
def test_a_wish_to_stop_ends_it_early(family, video, tmp_path, two_pass, most):
    """Two passes answer an interval of frames at once."""
    follow = Follow(ServeSettings(family=family, device="cpu", two_pass=two_pass, interval=4))
    stop, told = Cancel(), []

    def tell(done, total):
        told.append(done)
        if done == 5:
            stop.want()

    follow(video, tmp_path, name="x", scheme="fast-slow", tell=tell, stop=stop)

    assert 5 <= told[-1] <= most


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


def followed(follow, video, out, scheme):
    """A video's header and people."""
    out.mkdir(exist_ok=True)
    follow(video, out, name="x", scheme=scheme, tell=lambda done, total: None, stop=Cancel())
    header, *frames = map(json.loads, (out / "result.jsonl").read_text().splitlines())
    return header, [person for frame in frames for person in frame["people"]]
