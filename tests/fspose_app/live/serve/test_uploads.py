"""What is sent: bounded, looked into, named by us. Nothing is left of what is refused."""

import io
import socket
import struct
import time
import zipfile
import zlib
from urllib.parse import urlsplit

import pytest

from fspose_app.live.serve.uploads import Bounds, shown_name

LIMIT = 200_000


@pytest.fixture
def narrow(serve):
    """A server that takes little and waits shortly."""
    return serve(bounds=Bounds(LIMIT, silence=0.3))


def zipped():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("clip.txt", "no film")
    return content.getvalue()


def bomb(side):
    """The head of a PNG of many pixels, and few bytes."""
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b"")]
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


NO_VIDEOS = {
    "zip": zipped(),
    "text": b"hello, this is a text\n" * 100,
    "playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/passwd\n#EXT-X-ENDLIST\n",
    "script": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "manifest": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">'
    b"<Period><AdaptationSet><Representation><BaseURL>/etc/passwd</BaseURL></Representation>"
    b"</AdaptationSet></Period></MPD>",
    "picture": bomb(4),
    "one byte": b"x",
}


@pytest.mark.parametrize("content", NO_VIDEOS.values(), ids=NO_VIDEOS)
@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/detect"])
def test_what_is_no_video_or_picture_is_refused_whatever_its_name_is(plain, path, content):
    if path == "/v1/detect" and content == NO_VIDEOS["picture"]:
        content = content[:-30]
    sent = [
        {
            "content": content,
            "params": {"name": "clip.mp4"},
            "headers": {"content-type": "video/mp4"},
        },
        {"files": {"file": ("clip.mp4", content, "video/mp4")}},
    ]

    answers = [plain.client.post(path, **one) for one in sent]

    assert [answer.status_code for answer in answers] == [415, 415]
    assert all(str(plain.folder) not in answer.text for answer in answers)
    assert "/etc" not in answers[0].text
    assert plain.left() == []
    assert list(plain.folder.iterdir()) == []


def test_a_video_that_is_cut_short_is_refused(plain, clip):
    answer = plain.client.post("/v1/jobs", content=clip[: len(clip) // 3])

    assert answer.status_code == 415
    assert plain.left() == []


@pytest.mark.parametrize("side", [7_000, 12_000, 200_000])
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(plain, side):
    answer = plain.client.post("/v1/detect", content=bomb(side))

    assert answer.status_code == 415
    assert "million pixels" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/detect"])
def test_who_sends_a_little_too_much_is_told(narrow, path):
    content = bytes(2 * LIMIT)

    answers = [
        narrow.client.post(path, content=content),
        narrow.client.post(path, content=iter([content])),
        narrow.client.post(path, files={"file": ("a.mp4", content)}),
    ]

    assert [answer.status_code for answer in answers] == [413] * 3
    assert answers[0].json()["detail"].startswith("The file is larger than 0.2 MB")
    assert narrow.left() == []


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/detect"])
@pytest.mark.parametrize("kind", ["video/mp4", "multipart/form-data; boundary=x"])
def test_4_gigabytes_that_are_announced_are_refused_before_they_come(narrow, path, kind):
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n"

    answer = exchanged(narrow.url, head + f"Content-Length: {4 * 2**30}\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert narrow.left() == []


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/detect"])
@pytest.mark.parametrize("form", [b"", b"--x\r\n", b'--x\r\nA: filename="b"; filename="c"\r\n\r\n'])
def test_4_gigabytes_that_come_without_a_length_are_cut_off(narrow, path, form):
    kind = "multipart/form-data; boundary=x" if form else "video/mp4"
    if form == b"--x\r\n":
        form += b'Content-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n'
    sent = 0

    def pieces():
        nonlocal sent
        yield form
        while sent < 4 * 2**30:
            sent += 2**16
            yield bytes(2**16)

    begun = time.monotonic()
    answer = exchanged(
        narrow.url,
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n"
        "Transfer-Encoding: chunked\r\n\r\n",
        pieces(),
    )

    assert answer == b"" or answer.startswith(b"HTTP/1.1 413 ")  # what was cut off may be lost
    assert sent < 200 * LIMIT
    assert time.monotonic() - begun < 10
    assert narrow.left() == []
    assert narrow.client.get("/health").status_code == 200


def exchanged(url, head, pieces=()):
    """What is answered to a request, sent until the other side has enough."""
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port), timeout=10) as one:
        try:
            one.sendall(head.encode())
            for piece in filter(None, pieces):
                one.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
        except OSError:
            pass
        try:
            return one.recv(2000)
        except OSError:
            return b""


def test_a_client_that_falls_silent_is_given_up(narrow):
    head = "POST /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nabc"

    answer = exchanged(narrow.url, head)

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert narrow.left() == []


def test_nothing_is_left_of_an_upload_that_breaks_off(plain, until, clip):
    place = urlsplit(plain.url)
    with socket.create_connection((place.hostname, place.port)) as one:
        head = "POST /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n"
        one.sendall(head.encode() + clip[:500])
        until(lambda: list(plain.folder.iterdir()), bool)

    until(lambda: list(plain.folder.iterdir()), lambda found: found == [])


FORMS = {
    "empty": (b"", "multipart/form-data; boundary=x"),
    "no boundary": (b"--x\r\n", "multipart/form-data"),
    "long boundary": (b"--x\r\n", "multipart/form-data; boundary=" + "x" * 1000),
    "no form": (b"hello", "multipart/form-data; boundary=x"),
    "no file": (
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n',
        "multipart/form-data; boundary=x",
    ),
    "cut short": (
        b'--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\nabc',
        "multipart/form-data; boundary=x",
    ),
    "many headers": (b"--x\r\n" + b"A: b\r\n" * 5000, "multipart/form-data; boundary=x"),
    "nothing": (b"", "video/mp4"),
}


@pytest.mark.parametrize(("body", "kind"), FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/detect"])
def test_a_body_without_a_file_is_told(plain, path, body, kind):
    answer = plain.client.post(path, content=body, headers={"content-type": kind})

    assert answer.status_code == 400
    assert answer.json()["detail"].endswith(".")
    assert plain.left() == []


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("clip.mp4", "clip.mp4"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\clip.mp4", "clip.mp4"),
        ("/etc/cron.d/clip.mp4", "clip.mp4"),
        ("..", "video"),
        ("", "video"),
        ("a\0b\r\nSet-Cookie: x", "abSet-Cookie: x"),
        ("…ü 1.mp4", "…ü 1.mp4"),
        ("x" * 500, "x" * 120),
        ("../", "video"),
        (".htaccess", "htaccess"),
    ],
)
def test_a_name_is_only_shown(given, shown):
    assert shown == shown_name(given)
