"""Checkpoints in zip archives, whole or split into numbered parts, read in place.

FSPose's slow network comes as `final_state.zip.001` and `.002`: a zip file cut in two (FSPose
specification 1.1). Its parts are read as one file; nothing is unpacked beside them.
"""

from __future__ import annotations

import errno
import hashlib
import io
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from data.errors import WeightsError

SUFFIXES = (".pth", ".pt", ".tar", ".ckpt")  # of what is taken for the checkpoint in an archive
_PART = re.compile(r"^(?P<stem>.+)\.(?P<number>\d{3})$")
_CHUNK = 1 << 20  # bytes

# What a damaged archive, or one of an unknown kind, is seen to raise.
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, LookupError)


def parts(path: Path) -> list[Path]:
    """The files that a checkpoint's path stands for, in order; empty where there is none.

    `x.zip.001`, `x.zip.002` and `x.zip` (where no file has that name) all stand for the numbered
    parts of `x.zip`; any other path for itself. Raises WeightsError that names a missing part.
    """
    found = _PART.match(path.name)
    stem = path.with_name(found["stem"]) if found else path
    if path.is_file() and not (found and stem.suffix == ".zip"):
        return [path]
    numbered = {
        int(match["number"]): beside
        for beside in stem.parent.glob("*")
        if (match := _PART.match(beside.name)) and match["stem"] == stem.name
    }
    if not numbered or stem.suffix != ".zip":
        return []
    last = max(*numbered, int(found["number"]) if found else 1)
    for number in range(1, last + 1):
        if number not in numbered:
            raise _missing(stem, number)
    return [numbered[number] for number in sorted(numbered)]


def is_archive(path: Path) -> bool:
    """Whether a path names a zip archive, by its name: `x.zip` or a numbered part of it."""
    found = _PART.match(path.name)
    return Path(found["stem"] if found else path.name).suffix == ".zip"


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The one checkpoint in an archive, as a file that can be read anywhere.

    It lies, without a name, in the system's folder for temporary files, so that its reader needs
    the memory of the tensors only. Raises WeightsError for an archive that is damaged, lacks a
    part, or holds no checkpoint or several.
    """
    pieces = parts(path)
    with ExitStack() as stack:
        whole = io.BufferedReader(_Joined([stack.enter_context(p.open("rb")) for p in pieces]))
        if not zipfile.is_zipfile(whole):
            raise _not_whole(path, pieces)
        unpacked = stack.enter_context(tempfile.TemporaryFile())
        try:
            with zipfile.ZipFile(whole) as archive:
                name = _checkpoint(archive.namelist(), path)
                with archive.open(name) as packed:
                    shutil.copyfileobj(packed, unpacked, _CHUNK)
        except OSError as error:
            place = f"unpacked in {tempfile.gettempdir()}"
            raise WeightsError(f"{path} cannot be {place}: {error.strerror}.") from error
        except _DAMAGE as error:
            what = str(error).rstrip(".")
            raise WeightsError(
                f"{path} cannot be unpacked: {what}. Fetch or copy it again."
            ) from error
        unpacked.seek(0)
        yield unpacked


def sha256(path: Path) -> str:
    """The SHA-256 of a checkpoint's bytes; a split archive's parts count as one file.

    Raises WeightsError where there is no such file, or it cannot be read.
    """
    pieces = parts(path)
    if not pieces:
        raise WeightsError(f"{path}: there is no such checkpoint file.")
    digest = hashlib.sha256()
    try:
        for piece in pieces:
            with piece.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror}.") from error
    return digest.hexdigest()


class _Joined(io.RawIOBase):
    """Files one after the other, as one file to read."""

    def __init__(self, files: Sequence[IO[bytes]]) -> None:
        self._files = files
        self._sizes = [file.seek(0, io.SEEK_END) for file in files]
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: sum(self._sizes)}[whence]
        if start + offset < 0:
            raise OSError(errno.EINVAL, f"a place before the beginning: {start + offset}")
        self._place = start + offset
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # of bytes, always
        begin = self._place
        for file, size in zip(self._files, self._sizes, strict=True):
            if begin < size:
                file.seek(begin)
                chunk = file.read(min(len(buffer), size - begin))
                buffer[: len(chunk)] = chunk
                self._place += len(chunk)
                return len(chunk)
            begin -= size
        return 0


def _checkpoint(names: Sequence[str], path: Path) -> str:
    """The name of the one checkpoint among an archive's members."""
    files = [name for name in names if not name.endswith("/") and "__MACOSX" not in name]
    found = [name for name in files if name.endswith(SUFFIXES)]
    if len(found) != 1:
        held = ", ".join(files[:5]) or "nothing"
        raise WeightsError(
            f"{path} should hold one checkpoint ({', '.join(SUFFIXES)}), but holds {held}. "
            "Unpack it and give the checkpoint itself."
        )
    return found[0]


def _not_whole(path: Path, pieces: Sequence[Path]) -> WeightsError:
    """An archive whose end, where its table of contents is, cannot be found."""
    found = _PART.match(pieces[-1].name)
    if found is None:
        return WeightsError(f"{path} is no zip archive, or is cut short; fetch or copy it again.")
    following = pieces[-1].with_name(f"{found['stem']}.{int(found['number']) + 1:03}")
    return WeightsError(
        f"{following} is missing, or {pieces[-1].name} is damaged: the archive has no end. "
        "Put all parts into one folder."
    )


def _missing(stem: Path, number: int) -> WeightsError:
    part = stem.with_name(f"{stem.name}.{number:03}")
    return WeightsError(f"{part} is missing. Put all parts of {stem.name} into one folder.")
