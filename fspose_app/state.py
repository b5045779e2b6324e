"""RunState: what a run needs to go on where it stopped, in an .npz file beside its result."""

from __future__ import annotations

import contextlib
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data.errors import OutputError, ResultError
from pipelines.pipeline import Snapshot

_FRAMES = "frames"
_MEMORY = "memory/"


@dataclass(frozen=True, slots=True, eq=False)
class RunState:
    """How many frames are done, and what the pipeline remembered after the last of them."""

    frames: int
    snapshot: Snapshot

    def save(self, path: Path) -> None:
        """Write the file as a whole: a kill leaves the one before. Raises OutputError."""
        fresh = path.with_name(path.name + ".new")
        arrays: dict[str, Any] = {_MEMORY + name: value for name, value in self.snapshot.items()}
        arrays[_FRAMES] = np.int64(self.frames)
        try:
            with fresh.open("wb") as file:
                np.savez(file, **arrays)
            os.replace(fresh, path)
        except OSError as error:
            with contextlib.suppress(OSError):
                fresh.unlink(missing_ok=True)
            raise OutputError(f"{path} cannot be written: {error.strerror or error}.") from error


def load_state(path: Path) -> RunState | None:
    """The state in a file, or None where there is no file. Raises ResultError."""
    if not path.exists():
        return None
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            memory = {
                name.removeprefix(_MEMORY): file[name]
                for name in file.files
                if name.startswith(_MEMORY)
            }
            return RunState(int(file[_FRAMES]), memory)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ResultError(
            f"{path} is damaged, so the run cannot go on from it. Start again with --overwrite."
        ) from error
