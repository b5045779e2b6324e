from __future__ import annotations

import functools
import http.server
import socket
import threading
import time

import pytest

from data.errors import SourceError
from data.sources.stream import Stream, without_password


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def served(tmp_path):
    """The address at which the test's folder is served."""
    handler = functools.partial(QuietHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_stream_is_read_from_its_first_frame_on(write_video, greys, numbers_of, served):
    write_video(greys(15, width=80), "clip.ts")

    with Stream(f"{served}/clip.ts") as stream:
        frames = list(stream)

    assert list(range(15)) == numbers_of(frames)
    assert list(range(15)) == [frame.index for frame in frames]
    assert (
        stream.info.width,
        stream.info.height,
        stream.info.count,
        stream.info.live,
    ) == (80, 48, None, True)


def test_leaving_the_stream_ends_its_frames(write_video, greys, served):
    write_video(greys(15), "clip.ts")
    with Stream(f"{served}/clip.ts") as stream:
        frames = iter(stream)
        next(frames)

    assert list(frames) == []


def test_nobody_at_the_address_is_told(capfd):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    for scheme in ("rtsp", "http", "rtmp", "tcp"):
        with pytest.raises(SourceError, match=r"cannot be opened.*Check the address"):
            Stream(f"{scheme}://127.0.0.1:{port}/live")
    assert capfd.readouterr() == ("", "")


def test_a_silent_server_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        start = time.monotonic()

        with pytest.raises(SourceError, match="nothing arrived in time"):
            Stream(f"http://127.0.0.1:{listener.getsockname()[1]}/live", patience=0.5)

    assert time.monotonic() - start < 5


def test_a_page_that_is_no_stream_is_told(tmp_path, served):
    (tmp_path / "page.html").write_text("<p>Hello.</p>" * 50)

    with pytest.raises(SourceError, match=r"page\.html: cannot be opened"):
        Stream(f"{served}/page.html")


def test_a_playlist_from_the_network_reads_no_local_file(tmp_path, write_video, greys, served):
    clip = write_video(greys(5), "clip.ts")
    playlist = f"#EXTM3U\n#EXTINF:1,\nfile://{clip}\n#EXT-X-ENDLIST\n"
    (tmp_path / "list.m3u8").write_text(playlist)

    with pytest.raises(SourceError):
        Stream(f"{served}/list.m3u8")


def test_an_unknown_kind_of_address_is_told_with_the_known_ones():
    with pytest.raises(SourceError, match=r"'gopher' are not read\. Known are http, https"):
        Stream("gopher://example.org/film")


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://anna:secret@10.0.0.5:554/live?x=1", "rtsp://10.0.0.5:554/live?x=1"),
        ("https://example.org/a.mp4", "https://example.org/a.mp4"),
    ],
)
def test_passwords_are_not_shown(address, shown):
    assert shown == without_password(address)


def test_a_password_is_in_no_message():
    with pytest.raises(SourceError) as caught:
        Stream("rtsp://anna:secret@127.0.0.1:1/live")

    assert "secret" not in str(caught.value)
