"""fspose models: the published checkpoints are listed, shown, fetched and verified."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from click.testing import Result

from models import published
from models.networks.transfer import TransferNet
from models.published import File, Published

Fspose = Callable[..., Result]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FSPOSE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("FSPOSE_OFFLINE", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "home" / "models"


@pytest.fixture
def net(tmp_path: Path) -> Path:
    path = tmp_path / "mirror" / "20epoch.pth"
    path.parent.mkdir()
    torch.save(TransferNet(blocks=1, channels=4).state_dict(), path)
    return path


@pytest.fixture
def mirror(net: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server on this machine, and a catalogue of one checkpoint that it holds."""

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(net.parent))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def one_published(
    monkeypatch: pytest.MonkeyPatch, address: str, sha256: str | None, name: str = "20epoch.pth"
) -> None:
    file = File(name, (f"{address}/{name}",), sha256)
    item = Published("one", "transfer", "T", "posetrack-17", None, "free", "https://a.b", (file,))
    monkeypatch.setattr(published, "CATALOGUE", (item,))


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_every_published_checkpoint_is_listed(fspose: Fspose, family: Path) -> None:
    ran = fspose("models", "list", "--family", family)

    assert ran.exit_code == 0
    for item in published.CATALOGUE:
        (row,) = (line for line in ran.stdout.splitlines() if line.startswith(f"{item.name} "))
        assert item.use in row
        assert ("by hand" in row) == (not item.fetchable)
    assert "not published" in ran.stdout


@pytest.mark.parametrize("item", published.CATALOGUE, ids=lambda item: item.name)
def test_what_is_known_of_it_is_shown(fspose: Fspose, item: Published) -> None:
    ran = fspose("models", "show", item.name)

    assert ran.exit_code == 0
    for words in (item.network, item.skeleton, item.licence, item.page, item.by_hand):
        assert words in ran.stdout
    for file in item.files:
        assert file.name in ran.stdout
        assert (file.sha256 or "not published") in ran.stdout
        assert all(address in ran.stdout for address in file.mirrors)


def test_a_checkpoint_is_fetched_verified_and_then_listed_as_fetched(
    fspose: Fspose, mirror: str, net: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_published(monkeypatch, mirror, sha256_of(net))

    ran = fspose("models", "fetch", "one")

    assert ran.exit_code == 0, ran.stderr
    path = home / "one" / "20epoch.pth"
    assert path.read_bytes() == net.read_bytes()
    assert str(path) in ran.stdout.splitlines()
    assert "a transfer network with 17 keypoints" in ran.stdout
    assert "this is one, as published" in ran.stdout
    assert "fetched" in fspose("models", "list").stdout.splitlines()[-1]


def test_a_checkpoint_without_a_published_hash_is_opened_and_its_hash_is_told(
    fspose: Fspose, mirror: str, net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_published(monkeypatch, mirror, None)

    ran = fspose("models", "fetch", "one", "--out", tmp_path / "mine")

    assert ran.exit_code == 0, ran.stderr
    assert (tmp_path / "mine" / "one" / "20epoch.pth").is_file()
    assert f"sha256: {sha256_of(net)}" in ran.stdout
    assert "no published checksum is known" in ran.stdout


@pytest.mark.parametrize(
    ("sha256", "name", "words"),
    [
        ("0" * 64, "20epoch.pth", "hands out another file than was published"),
        (None, "gone.pth", "gone.pth answers 404"),
    ],
)
def test_what_goes_wrong_is_one_line(
    fspose: Fspose,
    mirror: str,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    sha256: str | None,
    name: str,
    words: str,
) -> None:
    one_published(monkeypatch, mirror, sha256, name)

    ran = fspose("models", "fetch", "one")

    assert ran.exit_code == 1
    (line,) = (line for line in ran.stderr.splitlines() if line.startswith("Error: "))
    assert words in line
    assert not list(home.rglob("*.pth*"))


def test_offline_nothing_is_fetched(fspose: Fspose, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FSPOSE_OFFLINE", "1")

    ran = fspose("models", "fetch", "fspose-published-fast")

    assert ran.exit_code == 1
    assert ran.stderr.startswith("Error: FSPOSE_OFFLINE is set")


def test_what_a_program_cannot_fetch_is_told_where_to_get(fspose: Fspose) -> None:
    ran = fspose("models", "fetch", "hrnet-w32-coco-256x192")

    assert ran.exit_code == 1
    assert "by hand" in ran.stderr
    assert "drive.google.com" in ran.stderr


def test_an_unknown_name_is_told(fspose: Fspose) -> None:
    ran = fspose("models", "fetch", "hrnet-w32-coco")

    assert ran.exit_code == 1
    assert "did you mean hrnet-w32-coco-" in ran.stderr


def test_a_file_is_said_to_hold_what_it_holds(fspose: Fspose, net: Path) -> None:
    ran = fspose("models", "verify", net)

    assert ran.exit_code == 0
    assert "a transfer network with 17 keypoints" in ran.stdout
    assert sha256_of(net) in ran.stdout


def test_a_file_that_is_not_what_its_name_says_is_told(fspose: Fspose, net: Path) -> None:
    named = net.rename(net.with_name("pose_hrnet_w32_256x192.pth"))

    ran = fspose("models", "verify", named)

    assert ran.exit_code == 1
    assert "bears the name of 'hrnet-w32-coco-256x192'" in ran.stderr


@pytest.mark.parametrize("content", [None, b"", b"hello"])
def test_a_file_that_is_no_checkpoint_is_told(
    fspose: Fspose, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "a.pth"
    if content is not None:
        path.write_bytes(content)

    ran = fspose("models", "verify", path)

    assert ran.exit_code == 1
    assert "a.pth" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
