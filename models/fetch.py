"""Fetch published checkpoints: the only file of the house that opens a connection.

A file is written under `.partial` until it is whole and has the published SHA-256; a fetch that
was cut off goes on where it stopped. Only http and https are spoken.
"""

from __future__ import annotations

import errno
import http.client
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from data.errors import ConfigError, FetchError, OutputError, WeightsError
from models import archives
from models.published import File, Published

OFFLINE = "FSPOSE_OFFLINE"
PARTIAL = ".partial"
PATIENCE = 60.0  # seconds without a byte
_CHUNK = 1 << 18  # bytes

Tell = Callable[[str, int, int | None], None]
"""Told a file's name, how many bytes are there, and of how many, where that is known."""


def fetch(item: Published, folder: Path, tell: Tell) -> Path:
    """Fetch a checkpoint's files into a folder of its name in `folder`; returns the checkpoint.

    What is there already, and intact as far as that can be known, is kept. Raises ConfigError
    where FSPOSE_OFFLINE is set, FetchError where no mirror hands a file out whole, WeightsError
    for one with another SHA-256 than is published, OutputError where it cannot be written.
    """
    if not item.fetchable:
        raise FetchError(
            f"'{item.name}' cannot be fetched by a program. Get it by hand from {item.page}: "
            f"{item.by_hand}."
        )
    path = item.path(folder)
    missing = [file for file in item.files if not _is_there(file, path.with_name(file.name))]
    if missing and os.environ.get(OFFLINE, "0") not in ("", "0"):
        raise ConfigError(f"{OFFLINE} is set, so '{item.name}' is not fetched. Unset it first.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path.parent} cannot be made: {error.strerror}.") from error
    for file in missing:
        _from_any_mirror(file, path.with_name(file.name), tell)
    return path


def _is_there(file: File, path: Path) -> bool:
    """Whether a file was fetched before; it has its name only when it is whole."""
    if not path.is_file():
        return False
    if file.sha256 is not None and not archives.sha256(path).startswith(file.sha256):
        raise WeightsError(
            f"{path} is there already, and is not the published file: its SHA-256 begins with "
            f"{archives.sha256(path)[:8]}, not {file.sha256[:8]}. Move it away."
        )
    return True


def _from_any_mirror(file: File, path: Path, tell: Tell) -> None:
    """Try the mirrors in turn; the last one's error is told."""
    *others, last = file.mirrors
    for mirror in others:
        try:
            return _from_mirror(mirror, file, path, tell)
        except (FetchError, WeightsError):
            continue
    return _from_mirror(last, file, path, tell)


def _from_mirror(address: str, file: File, path: Path, tell: Tell) -> None:
    """Bring the file under its name, whole and verified.

    A part that an earlier fetch left is continued; if the whole then is not the published file,
    the part was of another, and the file is fetched anew.
    """
    partial = path.with_name(path.name + PARTIAL)
    continued = partial.is_file() and partial.stat().st_size > 0
    try:
        _download(address, partial, file.name, tell)
        found = archives.sha256(partial)
        if continued and file.sha256 is not None and not found.startswith(file.sha256):
            partial.unlink()
            _download(address, partial, file.name, tell)
            found = archives.sha256(partial)
        if file.sha256 is not None and not found.startswith(file.sha256):
            partial.unlink()
            raise WeightsError(
                f"{address} hands out another file than was published: its SHA-256 begins with "
                f"{found[:8]}, not {file.sha256[:8]}. Nothing was kept."
            )
        partial.replace(path)
    except OSError as error:
        raise OutputError(f"{partial} cannot be written: {error.strerror}.") from error


def _download(address: str, partial: Path, name: str, tell: Tell) -> None:
    """Append to `partial` what it lacks, or write it anew where the mirror cannot continue.

    Raises FetchError where the mirror cannot be reached, refuses, or stops too early.
    """
    have = partial.stat().st_size if partial.is_file() else 0
    try:
        response = _request(address, have)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE or not have:
            raise FetchError(f"{address} answers {error.code} {error.reason}.") from error
        if error.headers["Content-Range"] == f"bytes */{have}":
            return None  # whole already
        partial.unlink()  # longer than the file, so it is of another
        return _download(address, partial, name, tell)
    except (OSError, http.client.HTTPException) as error:
        raise _cut(address, partial, error) from error
    with response:
        begin, total = _extent(response, address)
        if begin not in (0, have):
            raise FetchError(f"{address} answers with another part than was asked for.")
        with partial.open("ab" if begin else "wb") as out:
            done = begin
            while chunk := _chunk(response, address, partial):
                _write(out, chunk)
                done += len(chunk)
                tell(name, done, total)
    if total is not None and done != total:
        raise FetchError(
            f"{address} was cut off after {done} of {total} bytes. The same command goes on there."
        )
    return None


def _chunk(response: http.client.HTTPResponse, address: str, partial: Path) -> bytes:
    try:
        return response.read(_CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise _cut(address, partial, error) from error


def _write(out: BinaryIO, chunk: bytes) -> None:
    try:
        out.write(chunk)
    except OSError as error:
        what = "the disk is full" if error.errno == errno.ENOSPC else error.strerror
        raise OutputError(f"{out.name} cannot be written: {what}.") from error


def _cut(address: str, partial: Path, error: Exception) -> FetchError:
    """A connection that could not be made, or broke."""
    reason = getattr(error, "reason", None) or error
    why = str(getattr(reason, "strerror", None) or reason).rstrip(".")
    kept = partial.is_file() and partial.stat().st_size > 0
    hint = "The same command goes on where it stopped." if kept else "Is there a connection?"
    return FetchError(f"{address} cannot be read: {why}. {hint}")


def _request(address: str, have: int) -> http.client.HTTPResponse:
    if urlsplit(address).scheme not in ("http", "https"):
        raise FetchError(f"{address} is no http address.")
    headers = {"User-Agent": "fspose", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    request = urllib.request.Request(address, headers=headers)
    response: http.client.HTTPResponse = _opener().open(request, timeout=PATIENCE)
    return response


def _opener() -> urllib.request.OpenerDirector:
    """What speaks http and https, and nothing else: no ftp, no local files."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        SecureRedirects(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


class SecureRedirects(urllib.request.HTTPRedirectHandler):
    """Follows a mirror elsewhere, but not from https to what anyone on the way can change."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        if req.type == "https" and urlsplit(newurl).scheme != "https":
            raise FetchError(f"{req.full_url} leads to {newurl}, which is not secure.")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _extent(response: http.client.HTTPResponse, address: str) -> tuple[int, int | None]:
    """Where in the file the answer begins, and how long the file is, where the mirror says so."""
    if response.headers.get_content_type() == "text/html":
        raise FetchError(f"{address} answers with a web page in place of the file.")
    if response.status == http.client.PARTIAL_CONTENT:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers["Content-Range"] or "")
        if found is None:
            return -1, None
        return int(found[1]), None if found[2] == "*" else int(found[2])
    length = response.headers["Content-Length"]
    return 0, int(length) if length is not None and length.isdigit() else None
