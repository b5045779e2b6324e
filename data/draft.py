"""Draft: a text file that gets its name only when it is whole."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from types import TracebackType

from data.errors import OutputError


class Draft:
    """Text under way, in `<name>.partial` beside its target; `close` gives it its name.

    A `with` block that ends with an exception removes the partial file instead, and so does an
    error while writing. Raises OutputError when the file cannot be made or written.
    """

    def __init__(self, path: Path) -> None:
        require_file(path)
        self.path = path
        self._partial = path.with_name(path.name + ".partial")
        try:
            self._file = self._partial.open("w", encoding="utf-8", newline="\n")
            self.is_open = True
        except OSError as error:
            raise output_error(path, error) from error

    def write(self, text: str) -> None:
        try:
            self._file.write(text)
        except OSError as error:
            self.abandon()
            raise output_error(self.path, error) from error

    def close(self) -> None:
        """Give the file its name; nothing where it is closed already."""
        if not self.is_open:
            return
        try:
            self._file.close()
            os.replace(self._partial, self.path)
            self.is_open = False
        except OSError as error:
            self.abandon()
            raise output_error(self.path, error) from error

    def abandon(self) -> None:
        """Remove the partial file; nothing where it is closed already."""
        if not self.is_open:
            return
        self.is_open = False
        # Whatever else goes wrong now, the error that led here is the one to tell.
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._partial.unlink(missing_ok=True)

    def __enter__(self) -> Draft:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()


def require_file(path: Path) -> None:
    """OutputError for a folder, and for a device such as /dev/null: renaming would replace it."""
    if path.exists() and not path.is_file():
        raise OutputError(f"{path} cannot be written: it is there and no file. Name another.")


def output_error(path: Path, error: Exception) -> OutputError:
    """What to tell of a path that a library could not write."""
    reason = getattr(error, "strerror", None) or str(error)
    return OutputError(f"{path} cannot be written: {reason}.")
