"""Jobs through the API: one after another, with progress, files, and an end."""

import io
import logging
import socket

import av
import cv2
import numpy as np
import pytest

from data.errors import SourceError

UNKNOWN = "x" * 22


def send(served, clip, name="clip.mp4", **params):
    return served.client.post("/v1/jobs", content=clip, params={"name": name, **params})


@pytest.fixture
def gated(serve):
    """A server whose worker waits to be let go on."""
    served = serve()
    served.work.gate.clear()
    return served


def test_a_video_is_followed_and_its_files_can_be_fetched(serve, clip):
    served = serve()

    sent = send(served, clip, "my clip.mp4")
    job = served.job(sent.json()["id"])
    overlay = served.client.get(job["links"]["overlay"])
    result = served.client.get(job["links"]["result"])

    assert (sent.status_code, sent.json()["links"]["result"]) == (202, None)
    assert (job["state"], job["progress"], job["frames"], job["total"]) == ("done", 1.0, 3, 3)
    assert 3590 < job["keep_seconds"] <= 3600
    assert overlay.headers["content-type"] == "video/mp4"
    assert (
        overlay.headers["content-disposition"] == "inline; filename*=utf-8''my%20clip-overlay.mp4"
    )
    with av.open(io.BytesIO(overlay.content)) as video:
        assert sum(1 for _ in video.decode(video=0)) == 3
    assert result.text.startswith('{"schema"')
    assert result.headers["content-type"] == "application/jsonl"
    assert served.left() == ["overlay.mp4", "result.jsonl"]  # the upload is gone


def test_a_form_is_as_good(serve, clip):
    served = serve()
    form = {"data": {"note": "x"}, "files": {"file": ("my.mp4", clip), "other": ("o", b"no film")}}

    job = served.client.post("/v1/jobs", params={"scheme": "every-frame"}, **form).json()

    assert (job["name"], job["scheme"]) == ("my.mp4", "every-frame")
    assert served.job(job["id"])["state"] == "done"


def test_a_part_of_the_overlay_may_be_asked_for(serve, clip):
    served = serve()
    job = served.job(send(served, clip).json()["id"])

    whole = served.client.get(job["links"]["overlay"])
    part = served.client.get(job["links"]["overlay"], headers={"range": "bytes=10-19"})

    assert (part.status_code, part.content) == (206, whole.content[10:20])


def test_of_two_jobs_at_once_one_waits_and_says_so(gated, clip):
    first = send(gated, clip, "first.mp4").json()["id"]
    gated.job(first, "running")

    second, third = (send(gated, clip, name).json() for name in ("second.mp4", "third.mp4"))

    assert [(job["state"], job["before"]) for job in (second, third)] == [
        ("queued", 1),
        ("queued", 2),
    ]
    assert gated.work.seen == ["first.mp4"]
    gated.work.gate.set()
    assert gated.job(third["id"])["state"] == "done"
    assert gated.work.seen == ["first.mp4", "second.mp4", "third.mp4"]


def test_progress_is_told_while_it_runs_and_files_only_at_the_end(gated, clip):
    number = send(gated, clip).json()["id"]

    job = gated.job(number, "running")
    early = [gated.client.get(f"/v1/jobs/{number}/{kind}") for kind in ("result", "overlay")]

    assert (job["frames"], job["total"], round(job["progress"], 2)) in [(1, 3, 0.33), (0, 3, 0)]
    assert job["links"]["overlay"] is None
    assert [answer.status_code for answer in early] == [409, 409]
    gated.work.gate.set()
    gated.job(number)


def test_more_jobs_than_may_wait_are_turned_away(gated, clip):
    answers = [send(gated, clip).status_code for _ in range(9)]

    assert answers == [202] * 8 + [503]


def test_who_is_turned_away_is_answered_after_the_upload_so_that_nothing_is_reset(gated, clip):
    for _ in range(8):
        send(gated, clip)
    address = gated.client.base_url
    head = f"POST /v1/jobs HTTP/1.1\r\nHost: {address.host}\r\nContent-Length: {len(clip)}\r\n\r\n"

    with socket.create_connection((address.host, address.port), timeout=0.2) as line:
        line.sendall(head.encode())
        with pytest.raises(TimeoutError):  # the rest of the upload is waited for
            line.recv(1)
        line.settimeout(30)
        line.sendall(clip)
        answer = line.recv(1 << 16)

    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 10" in answer


@pytest.mark.parametrize("when", ["running", "queued", "done"])
def test_a_job_that_is_removed_leaves_nothing(gated, clip, until, when):
    first = send(gated, clip).json()["id"]
    number = send(gated, clip).json()["id"] if when == "queued" else first
    if when == "done":
        gated.work.gate.set()
    gated.job(number, when)

    answer = gated.client.delete(f"/v1/jobs/{number}")

    assert answer.status_code == 204
    assert gated.client.get(f"/v1/jobs/{number}").status_code == 404
    assert gated.client.delete(f"/v1/jobs/{number}").status_code == 404
    gated.work.gate.set()
    until(lambda: [path.name for path in gated.folder.iterdir()], lambda left: number not in left)


def test_files_go_when_their_time_is_over(serve, clip, until):
    served = serve(keep=0.5)
    number = send(served, clip).json()["id"]
    served.job(number, "done")

    until(
        lambda: served.jobs.sweep() or served.client.get(f"/v1/jobs/{number}").status_code,
        lambda status: status == 404,
    )

    assert list(served.folder.iterdir()) == []


def test_a_job_that_fails_says_why_without_a_path(serve, clip):
    served = serve()
    served.work.error = lambda path: SourceError(f"{path}: cut short. See {path.parent}/x.")

    job = served.job(send(served, clip).json()["id"])

    assert (job["state"], job["message"]) == ("failed", "clip.mp4: cut short. See x.")
    assert job["progress"] is not None
    assert served.left() == []


def test_a_bug_ends_its_job_and_not_the_others(serve, clip, caplog):
    served = serve()
    served.work.error = lambda path: ZeroDivisionError(f"a bug at {path}")

    with caplog.at_level(logging.ERROR):
        failed = served.job(send(served, clip).json()["id"])
    served.work.error = None
    done = served.job(send(served, clip).json()["id"])

    assert failed["message"] == "A bug of fspose ended the job; the server's log says more."
    assert "ZeroDivisionError" in caplog.text
    assert done["state"] == "done"


@pytest.mark.parametrize("name", ["../../../tmp/evil.mp4", "..%2f..%2fevil.mp4", "/etc/evil.mp4"])
@pytest.mark.parametrize("way", ["query", "form"])
def test_a_name_with_dots_leads_nowhere(serve, clip, name, way):
    served = serve()
    if way == "query":
        sent = send(served, clip, name).json()
    else:
        sent = served.client.post("/v1/jobs", files={"file": (name, clip)}).json()

    job = served.job(sent["id"])
    answer = served.client.get(job["links"]["result"])

    assert job["name"] in ("evil.mp4", "..%2f..%2fevil.mp4".lstrip("."), "%2f..%2fevil.mp4")
    assert "/" not in answer.headers["content-disposition"]
    assert served.left() == ["overlay.mp4", "result.jsonl"]
    assert {path.parent.name for path in served.folder.rglob("*.mp4")} == {job["id"]}


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/jobs/{UNKNOWN}",
        f"/v1/jobs/{UNKNOWN}/result",
        f"/v1/jobs/{UNKNOWN}/upload",
        "/v1/jobs/../../etc/passwd",
        "/v1/jobs/..%2f..%2f..%2fetc%2fpasswd",
        "/v1/jobs/%2e%2e",
        "/v1/jobs/%00",
        "/static/index.html",
        "/../app.py",
        "/..%2fapp.py",
        "/page.css/../../app.py",
        "/index.html",
        "/docs",
        "/redoc",
        "/v1/jobs/" + "x" * 5000,
    ],
)
def test_no_other_path_leads_to_a_file(plain, path):
    answer = plain.client.get(path)

    assert answer.status_code in (404, 405, 422)
    assert "root:" not in answer.text
    assert "import" not in answer.text


def test_the_people_of_a_picture_are_told(plain, picture):
    sent = [{"content": picture}, {"files": {"file": ("a.jpg", picture)}}]

    answers = [plain.client.post("/v1/detect", **one) for one in sent]

    assert [answer.status_code for answer in answers] == [200, 200]
    found = answers[0].json()
    assert found == answers[1].json()
    assert (found["width"], found["height"]) == (64, 48)
    assert len(found["skeleton"]["keypoints"]) == 17
    (person,) = found["people"]
    assert (person["id"], person["category_id"], person["bbox"]) == (1, 1, [0, 0, 64, 48])
    assert person["keypoints"][-3:] == [32, 16, 1]  # a score above 1 is 1
    assert person["num_keypoints"] == 16


def test_a_picture_is_turned_upright(plain, picture):
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    head = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif

    found = plain.client.post("/v1/detect", content=picture[:2] + head + picture[2:]).json()

    assert (found["width"], found["height"]) == (48, 64)


def test_a_picture_that_is_cut_short_is_refused(plain, picture):
    assert plain.client.post("/v1/detect", content=picture[:-300]).status_code == 415


def test_png_and_webp_are_pictures_too(plain):
    image = np.full((10, 20, 3), 90, np.uint8)
    kinds = [".png", ".webp", ".bmp", ".tiff"]

    answers = [
        plain.client.post("/v1/detect", content=bytes(cv2.imencode(k, image)[1])) for k in kinds
    ]

    assert [answer.status_code for answer in answers] == [200] * len(kinds)
