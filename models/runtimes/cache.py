"""Compiled networks kept on the disk, so that the next run need not trace and compile them again.

Tracing a network of the family takes up to a second and a half, compiling it half a second; reading
it back takes a tenth of a second (`docs/runtimes.md`). An entry has its own SHA-256 before it, and
gets its name only when it is whole; what is damaged is made again.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

MOST = 32  # entries; of a family's networks at a few sizes of picture, in three precisions
_DIGEST = hashlib.sha256().digest_size


class Cache:
    """Entries in a folder, each under a key; the least lately used of too many are removed.

    What cannot be read or written is no error, for the work can go on without: it is told to `tell`
    in a line.
    """

    def __init__(self, folder: Path, tell: Callable[[str], None]) -> None:
        self._folder, self._tell = folder, tell

    def load(self, key: str) -> bytes | None:
        """What was kept under the key; None where there is nothing, or nothing whole."""
        path = self._path(key)
        try:
            content = path.read_bytes()
            os.utime(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._tell(f"{path} cannot be read ({error.strerror}); the network is compiled again.")
            return None
        if hashlib.sha256(content[_DIGEST:]).digest() != content[:_DIGEST]:
            self.refused(key)
            return None
        return content[_DIGEST:]

    def refused(self, key: str) -> None:
        """An entry is of no use: it is told, and the next `save` replaces it."""
        self._tell(f"{self._path(key)} is damaged; the network is compiled again.")

    def save(self, key: str, content: bytes) -> None:
        """Keep content under the key."""
        path = self._path(key)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self._folder, prefix=".") as folder:
                draft = Path(folder, path.name)
                draft.write_bytes(hashlib.sha256(content).digest() + content)
                draft.replace(path)
            self._forget_the_oldest()
        except OSError as error:
            self._tell(
                f"{path} cannot be written ({error.strerror}); "
                "the network will be compiled again next time."
            )

    def _path(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.bin"

    def _forget_the_oldest(self) -> None:
        with suppress(FileNotFoundError):  # another run forgets too
            entries = sorted(self._folder.glob("*.bin"), key=lambda path: path.stat().st_mtime)
            for path in entries[:-MOST]:
                path.unlink()
