"""draft_folder: a folder that gets its name only when it is whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data.draft import output_error
from data.errors import OutputError


@contextmanager
def draft_folder(path: Path) -> Iterator[Path]:
    """A new folder under way, `<name>.partial` beside `path`; the block's end gives it its name.

    A block that ends with an exception leaves nothing. Raises OutputError when `path` is there
    and not an empty folder, and when the folder cannot be made.
    """
    try:
        target = path.resolve()
    except (OSError, RuntimeError) as error:  # links that lead in a circle
        raise OutputError(f"{path} cannot be made: its links lead in a circle.") from error
    partial = target.with_name(f"{target.name or 'root'}.partial")
    try:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise OutputError(f"{path} is there already and not empty. Name another folder.")
        shutil.rmtree(partial, ignore_errors=True)  # of a run that was killed
        partial.mkdir(parents=True)
    except OSError as error:
        raise OutputError(f"{path} cannot be made: {error.strerror or error}.") from error
    try:
        yield partial
        if target.is_dir():
            target.rmdir()  # empty; not every system replaces a folder
        os.replace(partial, target)
    except OSError as error:
        raise output_error(path, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
