"""The log for TensorBoard, where its package is installed."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from data.errors import ConfigError

FOLDER = "tensorboard"  # in the run's folder


class Board:
    """A run's scalars for TensorBoard, by `step`; nothing without a folder."""

    def __init__(self, folder: Path | None) -> None:
        """Raises ConfigError where the package is missing."""
        self._writer: Any = None
        self.step = 0
        if folder is None:
            return
        try:
            tensorboardx = import_module("tensorboardX")
        except ImportError as error:
            raise ConfigError(
                "--tensorboard needs the package tensorboardX. Install it with "
                "`pip install 'fspose[tensorboard]'`."
            ) from error
        self._writer = tensorboardx.SummaryWriter(str(folder / FOLDER))

    def add(self, **scalars: float | None) -> None:
        """Numbers of the present `step`; None is left out."""
        if self._writer is None:
            return
        for name, value in scalars.items():
            if value is not None:
                self._writer.add_scalar(name, value, self.step)
        self._writer.flush()

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
