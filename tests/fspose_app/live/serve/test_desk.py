"""The live part: frames to everyone who looks, and nobody who holds the others up."""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest


def start(served, source="0", **more):
    return served.client.post("/v1/live/start", json={"source": source, **more})


def numbers(answer):
    return json.loads(answer.headers["x-fspose-frame"])


def test_a_source_is_started_shown_and_stopped(plain, until):
    served = plain
    idle = served.client.get("/v1/live").json()

    started = start(served, scheme="every-frame").json()
    picture = served.client.get("/v1/live/picture")
    live = served.client.get("/v1/live").json()
    stopped = served.client.post("/v1/live/stop").json()

    assert (idle["state"], idle["frame"]) == ("idle", None)
    assert (started["source"], started["scheme"]) == ("Camera 0", "every-frame")
    image = cv2.imdecode(np.frombuffer(picture.content, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (48, 64, 3)
    assert numbers(picture)["people"] == 2
    assert numbers(picture)["age"] >= 0.05
    assert live["state"] == "running"
    assert live["frame"]["times"] == {"find": 0.002, "fast": 0.011}
    assert stopped["state"] == "idle"
    assert served.runs[0].state == "stopped"


def test_who_asks_again_gets_newer_frames_only(plain):
    served = plain
    start(served)
    seen = [0]

    for _ in range(10):
        answer = served.client.get("/v1/live/picture", params={"after": seen[-1]})
        seen.append(numbers(answer)["sequence"])

    assert seen == sorted(set(seen))


def test_ten_clients_at_once_all_see_what_is_new_and_the_engine_is_asked_by_one(serve):
    served = serve()
    start(served)
    begun, asked = time.monotonic(), served.runs[0].asked

    def watch(_):
        after, seen = 0, []
        while time.monotonic() < begun + 1.0:
            answer = served.client.get("/v1/live/picture", params={"after": after})
            after = numbers(answer)["sequence"]
            seen.append(after)
        return seen

    with ThreadPoolExecutor(10) as clients:
        watched = list(clients.map(watch, range(10)))

    took = time.monotonic() - begun
    assert all(len(seen) >= 3 for seen in watched)
    assert all(seen == sorted(set(seen)) for seen in watched)
    assert served.runs[0].asked - asked <= 50 * took + 10  # once a frame, not once a client


def test_a_client_that_stops_reading_holds_nobody_up_and_is_hung_up_on(serve, until):
    served = serve(silence=1000)
    start(served)
    place = urlsplit(served.url)
    lazy = []
    for _ in range(3):
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.connect((place.hostname, place.port))
        one.sendall(b"GET /v1/live/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        lazy.append(one)
    first = numbers(served.client.get("/v1/live/picture"))
    time.sleep(1.0)

    second = numbers(served.client.get("/v1/live/picture"))

    assert second["index"] - first["index"] >= 25
    assert second["age"] < 0.5
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        until(lambda: [closed(one) for one in lazy], all, patience=20.0)
    for one in lazy:
        one.close()


def closed(one):
    """Whether the other side has hung up, though what it sent was not read."""
    one.setblocking(False)
    try:
        one.send(b"x")
    except BlockingIOError:
        return False
    except OSError:
        return True
    return False


def test_mjpeg_is_a_picture_after_the_other(serve):
    served = serve()
    start(served)

    with served.client.stream("GET", "/v1/live/stream") as answer:
        content = b""
        for piece in answer.iter_bytes():
            content += piece
            if content.count(b"--frame") > 3:
                break

    assert answer.headers["content-type"] == "multipart/x-mixed-replace; boundary=frame"
    head, _, rest = content.partition(b"\r\n\r\n")
    length = int(head.rpartition(b":")[2])
    assert cv2.imdecode(np.frombuffer(rest[:length], np.uint8), 1).shape == (48, 64, 3)
    assert rest[length:].startswith(b"\r\n--frame")


def test_a_run_is_stopped_while_it_starts(serve, run_that_never_starts):
    served = serve(run=run_that_never_starts)
    started = start(served).json()
    begun = time.monotonic()

    stopped = served.client.post("/v1/live/stop").json()

    assert started["state"] == "starting"
    assert started["message"] == "Opening 0."
    assert stopped["state"] == "idle"
    assert served.runs[0].state == "stopped"
    assert time.monotonic() - begun < 2


def test_a_second_start_ends_the_first_run(plain):
    served = plain
    start(served)
    before = numbers(served.client.get("/v1/live/picture"))["sequence"]

    start(served, "rtsp://camera.local/2")
    after = served.client.get("/v1/live/picture", params={"after": before})

    assert [run.state for run in served.runs] == ["stopped", "running"]
    assert numbers(after)["sequence"] > before


def test_many_who_start_and_stop_at_once_leave_one_run_at_most(plain):
    served = plain
    verbs = [lambda: start(served), lambda: served.client.post("/v1/live/stop")] * 10

    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda verb: verb().status_code, verbs))

    assert set(answers) == {200}
    assert sum(run.state == "running" for run in served.runs) <= 1


def test_a_page_that_is_older_than_the_server_sees_again(plain):
    served = plain
    start(served)

    answer = served.client.get("/v1/live/picture", params={"after": 10**9})

    assert answer.status_code == 200


def test_a_run_that_fails_says_why_without_its_path(serve, until):
    served = serve(named=("/films/secret/clip.mp4",))
    start(served, "clip.mp4")

    served.runs[0].fail("/films/secret/clip.mp4: cannot be read.")

    live = until(lambda: served.client.get("/v1/live").json(), lambda a: a["state"] == "failed")
    assert live["message"] == "clip.mp4: cannot be read."


@pytest.mark.parametrize(
    "source",
    ["/etc/passwd", "clip.mp4", "../clip.mp4", "file:clip.mp4", "12345", "secret/clip.mp4", "x"],
)
def test_no_file_of_this_machine_can_be_named_from_the_page(plain, source):
    answer = start(plain, source)

    assert answer.status_code == 422
    assert plain.runs == []


def test_a_source_that_was_named_is_known_by_its_label(serve):
    served = serve(
        named=("/a/clip.mp4", "/b/clip.mp4", "rtsp://me:secret@camera.local/1", "webcam:3")
    )

    labels = served.client.get("/v1/about").json()["live"]["sources"]
    start(served, "clip.mp4 (2)")
    start(served, labels[2])

    assert labels == ["clip.mp4", "clip.mp4 (2)", "rtsp://camera.local/1", "Camera 3"]
    assert [run.address for run in served.runs] == [
        "/b/clip.mp4",
        "rtsp://me:secret@camera.local/1",
    ]


@pytest.mark.parametrize("source", ["0", "rtsp://other.local/1"])
def test_with_named_only_nothing_else_is_followed(serve, source):
    served = serve(named=("webcam:3",), is_open=False)

    assert start(served, source).status_code == 422
    assert start(served, "Camera 3").status_code == 200


def test_settings_that_do_not_fit_are_told(serve):
    answer = start(serve(named=("broken.mp4",)), "broken.mp4")

    assert (answer.status_code, answer.json()["detail"]) == (422, "The settings do not fit.")


@pytest.mark.parametrize(
    "body", [{}, {"source": ""}, {"source": "0", "scheme": "no"}, {"source": 1}, [], {"x": 1}]
)
def test_a_start_that_is_not_what_it_should_be_is_told(plain, body):
    answer = plain.client.post("/v1/live/start", json=body)

    assert answer.status_code == 422
    assert isinstance(answer.json()["detail"], str)


def test_one_run_that_is_shown_is_not_stopped_from_the_page(serve, a_run):
    a_run.start()
    served = serve(shown=a_run)

    picture = served.client.get("/v1/live/picture")
    answers = [start(served), served.client.post("/v1/live/stop")]
    about = served.client.get("/v1/about").json()

    assert picture.status_code == 200
    assert [answer.status_code for answer in answers] == [409, 409]
    assert a_run.state == "running"
    assert about["uploads"] is None
    assert served.client.post("/v1/jobs").status_code == 404
    a_run.stop()
