"""Fetching from a server on this machine: whole, cut off, continued, wrong, missing."""

from __future__ import annotations

import hashlib
import re
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from data.errors import ConfigError, FetchError, OutputError, WeightsError
from models.fetch import SecureRedirects, fetch
from models.published import File, Published

CONTENT = np.random.default_rng(3).bytes(700_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Server:
    """A mirror: what it holds, how it misbehaves, and what it was asked for."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True  # whether it can begin in the middle
    cut_after: int | None = None  # bytes of one answer, of which it announced more
    headers: dict[str, str] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("FSPOSE_OFFLINE", raising=False)
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name, wanted = self.path.lstrip("/"), self.headers["Range"]
            state.asked.append((name, wanted))
            if name in state.moved:
                self.send_response(302)
                self.send_header("Location", state.moved[name])
                self.end_headers()
                return
            if name not in state.files:
                self.send_error(404)
                return
            content, begin = state.files[name], 0
            found = re.fullmatch(r"bytes=(\d+)-", wanted or "")
            if found and state.ranges:
                begin = int(found[1])
            if begin and begin >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.end_headers()
                return
            self.send_response(206 if begin else 200)
            self.send_header("Content-Length", str(len(content) - begin))
            if begin:
                end = len(content) - 1
                self.send_header("Content-Range", f"bytes {begin}-{end}/{len(content)}")
            for key, value in state.headers.items():
                self.send_header(key, value)
            self.end_headers()
            with suppress(ConnectionError):  # who asked may have seen enough
                self.wfile.write(content[begin:][: state.cut_after])

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        state.address = f"http://127.0.0.1:{served.server_port}"
        thread = threading.Thread(target=served.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield state
        finally:
            served.shutdown()
            thread.join()


def item(
    server: Server, *names: str, sha256: str | None = SHA256, mirrors: tuple[str, ...] = ()
) -> Published:
    files = tuple(
        File(name, mirrors or (f"{server.address}/{name}",), sha256)
        for name in names or ("net.pth",)
    )
    return Published("one", "slow", "N", "coco-17", None, "free", "https://a.b", files, "")


def nobody(name: str, done: int, total: int | None) -> None: ...


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_file_is_fetched_under_its_name_in_a_folder_of_the_models(server, tmp_path):
    server.files["net.pth"] = CONTENT
    told = []

    path = fetch(item(server), tmp_path / "models", lambda *args: told.append(args))

    assert path == tmp_path / "models" / "one" / "net.pth"
    assert path.read_bytes() == CONTENT
    assert told[-1] == ("net.pth", len(CONTENT), len(CONTENT))
    assert names(tmp_path) == ["net.pth"]


@pytest.mark.parametrize("sha256", [SHA256[:8], None])
def test_the_first_digits_or_none_will_do(server, tmp_path, sha256):
    server.files["net.pth"] = CONTENT

    assert fetch(item(server, sha256=sha256), tmp_path, nobody).read_bytes() == CONTENT


def test_all_parts_are_fetched_and_the_first_is_the_checkpoints_path(server, tmp_path):
    server.files = {"a.zip.001": b"first", "a.zip.002": b"second"}

    path = fetch(item(server, "a.zip.001", "a.zip.002", sha256=None), tmp_path, nobody)

    assert path.name == "a.zip.001"
    assert names(tmp_path) == ["a.zip.001", "a.zip.002"]


def test_what_is_there_is_not_fetched_again(server, tmp_path):
    server.files["net.pth"] = CONTENT
    fetch(item(server), tmp_path, nobody)

    fetch(item(server), tmp_path, nobody)

    assert len(server.asked) == 1


def test_another_file_in_its_place_is_told_and_left_alone(server, tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "net.pth").write_bytes(b"mine")

    with pytest.raises(WeightsError, match=r"is not the published file.* Move it away"):
        fetch(item(server), tmp_path, nobody)

    assert (tmp_path / "one" / "net.pth").read_bytes() == b"mine"
    assert server.asked == []


@pytest.mark.parametrize("sha256", [SHA256, SHA256[:8]])
def test_a_file_with_another_hash_is_not_kept(server, tmp_path, sha256):
    server.files["net.pth"] = CONTENT[:-1] + b"x"

    with pytest.raises(WeightsError, match=r"SHA-256 begins with .*, not .*\. Nothing was kept"):
        fetch(item(server, sha256=sha256), tmp_path, nobody)

    assert names(tmp_path) == []


def test_a_cut_off_transfer_is_told_and_continued(server, tmp_path):
    server.files["net.pth"] = CONTENT
    server.cut_after = 300_000
    with pytest.raises(FetchError, match=r"cut off after 300000 of 700000 bytes\. The same"):
        fetch(item(server), tmp_path, nobody)
    assert names(tmp_path) == ["net.pth.partial"]
    server.cut_after = None

    path = fetch(item(server), tmp_path, nobody)

    assert path.read_bytes() == CONTENT
    assert [wanted for _, wanted in server.asked] == [None, "bytes=300000-"]
    assert names(tmp_path) == ["net.pth"]


def test_a_mirror_that_cannot_continue_starts_again(server, tmp_path):
    server.files["net.pth"] = CONTENT
    server.ranges = False
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "net.pth.partial").write_bytes(CONTENT[:1000])

    assert fetch(item(server), tmp_path, nobody).read_bytes() == CONTENT


@pytest.mark.parametrize("left", [b"another file's" * 100, CONTENT[:-1] + b"x", CONTENT + b"more"])
def test_a_part_of_another_file_is_thrown_away(server, tmp_path, left):
    server.files["net.pth"] = CONTENT
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "net.pth.partial").write_bytes(left)

    assert fetch(item(server), tmp_path, nobody).read_bytes() == CONTENT


def test_a_whole_part_only_gets_its_name(server, tmp_path):
    server.files["net.pth"] = CONTENT
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "net.pth.partial").write_bytes(CONTENT)
    told = []

    path = fetch(item(server), tmp_path, lambda *args: told.append(args))

    assert path.read_bytes() == CONTENT
    assert told == []


def test_a_missing_file_is_told(server, tmp_path):
    with pytest.raises(FetchError, match=r"/net\.pth answers 404 Not Found"):
        fetch(item(server), tmp_path, nobody)

    assert names(tmp_path) == []


def test_the_next_mirror_is_tried(server, tmp_path):
    server.files["good"] = CONTENT
    server.files["wrong"] = b"wrong"
    mirrors = tuple(f"{server.address}/{name}" for name in ("gone", "wrong", "good"))

    assert fetch(item(server, mirrors=mirrors), tmp_path, nobody).read_bytes() == CONTENT


def test_a_web_page_is_not_taken_for_the_file(server, tmp_path):
    server.files["net.pth"] = b"<html>Please log in</html>"
    server.headers["Content-Type"] = "text/html; charset=utf-8"

    with pytest.raises(FetchError, match="answers with a web page"):
        fetch(item(server, sha256=None), tmp_path, nobody)

    assert names(tmp_path) == []


def test_a_mirror_that_moved_is_followed(server, tmp_path):
    server.files["there"] = CONTENT
    server.moved["net.pth"] = f"{server.address}/there"

    assert fetch(item(server), tmp_path, nobody).read_bytes() == CONTENT


@pytest.mark.parametrize("elsewhere", ["file:///etc/passwd", "ftp://127.0.0.1/net.pth"])
def test_a_mirror_does_not_lead_to_other_kinds_of_address(server, tmp_path, elsewhere):
    server.moved["net.pth"] = elsewhere

    with pytest.raises(FetchError):
        fetch(item(server), tmp_path, nobody)
    with pytest.raises(FetchError, match="no http address"):
        fetch(item(server, mirrors=(elsewhere,)), tmp_path, nobody)


def test_nobody_at_the_address_is_told(server, tmp_path):
    with pytest.raises(FetchError, match=r"cannot be read: .*refused\. Is there a connection\?"):
        fetch(item(server, mirrors=("http://127.0.0.1:9/net.pth",)), tmp_path, nobody)


@pytest.mark.parametrize("value", ["1", "true"])
def test_offline_nothing_is_asked_for(server, tmp_path, monkeypatch, value):
    monkeypatch.setenv("FSPOSE_OFFLINE", value)

    with pytest.raises(ConfigError, match="FSPOSE_OFFLINE is set"):
        fetch(item(server), tmp_path, nobody)

    assert server.asked == []


def test_offline_what_is_there_is_found(server, tmp_path, monkeypatch):
    server.files["net.pth"] = CONTENT
    monkeypatch.setenv("FSPOSE_OFFLINE", "0")
    path = fetch(item(server), tmp_path, nobody)
    monkeypatch.setenv("FSPOSE_OFFLINE", "1")

    assert fetch(item(server), tmp_path, nobody) == path


def test_what_only_people_can_get_is_told(tmp_path):
    by_hand = Published(
        "one", "slow", "N", "coco-17", None, "free", "https://a.b", (File("a.pth"),), "that folder"
    )

    with pytest.raises(FetchError, match=r"by hand from https://a\.b: that folder\."):
        fetch(by_hand, tmp_path, nobody)


def test_a_folder_that_cannot_be_made_is_told(server, tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(OutputError, match=r"file/one cannot be made: Not a directory\."):
        fetch(item(server), tmp_path / "file", nobody)


def test_a_file_that_cannot_be_written_is_told(server, tmp_path):
    server.files["net.pth"] = CONTENT
    (tmp_path / "one" / "net.pth.partial").mkdir(parents=True)

    with pytest.raises(OutputError, match=r"net\.pth\.partial cannot be written"):
        fetch(item(server), tmp_path, nobody)


def test_nobody_is_led_from_a_secure_address_to_another():
    request = urllib.request.Request("https://a.b/net.pth")

    with pytest.raises(FetchError, match="not secure"):
        SecureRedirects().redirect_request(request, None, 302, "", {}, "http://a.b/net.pth")
