"""What a run of training leaves in its folder: weights per epoch, a log, and where to go on.

Every file is written under a temporary name and renamed when it is whole.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, astuple, dataclass, field, fields
from pathlib import Path

import torch
from torch import nn

from data.draft import Draft, output_error
from data.errors import ConfigError, OutputError, WeightsError
from models import taught
from models.training.published.schedule import FINAL
from models.weights import DAMAGE

LAST, LOG = "last.pth", "log.csv"
_KIND = "fspose.training/1"

Settings = Mapping[str, str]
"""What a run that is gone on with must share with its beginning, as text under option names."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """One line of the log: means over an epoch's examples, and the seconds it took."""

    epoch: int
    rate: float
    loss: float
    accuracy: float
    seconds: float


@dataclass(slots=True)
class Progress:
    """How far a run is: epochs done, batches done of the next one, and that one's sums."""

    epoch: int = 0
    step: int = 0
    loss: float = 0.0
    examples: int = 0
    accuracy: float = 0.0
    counted: int = 0
    seconds: float = 0.0
    history: list[Epoch] = field(default_factory=list)

    @property
    def mean_loss(self) -> float:
        return self.loss / max(1, self.examples)

    @property
    def mean_accuracy(self) -> float:
        return self.accuracy / max(1, self.counted)

    def close_epoch(self, rate: float) -> None:
        """Put the epoch into the history and begin the next one."""
        self.epoch += 1
        line = Epoch(self.epoch, rate, self.mean_loss, self.mean_accuracy, self.seconds)
        self.history.append(line)
        self.step, self.examples, self.counted = 0, 0, 0
        self.loss = self.accuracy = self.seconds = 0.0


@dataclass(frozen=True, slots=True)
class Records:
    """The files of one run in `folder`; `pattern` names an epoch's, `size` is the crop's."""

    folder: Path
    pattern: str
    settings: Settings
    size: tuple[int, int] | None

    def begin(self, *, resume: bool) -> None:
        """Make the folder. Raises OutputError where another run lies in it."""
        if not resume and (self.folder / LAST).exists():
            raise OutputError(
                f"{self.folder} holds a run already. Go on with it with --resume, or name another "
                "folder."
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise output_error(self.folder, error) from error

    def restore(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> Progress:
        """Put the last state into both and return how far it is; from the start if there is none.

        Raises WeightsError for a damaged file, ConfigError for other settings.
        """
        path = self.folder / LAST
        if not path.exists():
            return Progress()
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            if state["kind"] != _KIND:
                raise ValueError("another kind of file")
            self._compare(state["settings"], path)
            network.load_state_dict(state["network"])
            optimizer.load_state_dict(state["optimizer"])
            rows = [Epoch(*row) for row in state["history"]]
            return Progress(**{**state["progress"], "history": rows})
        except DAMAGE as error:
            raise WeightsError(
                f"{path} is no state of a training, or is damaged. Begin anew in another folder, "
                "with --start and the weights of the last epoch."
            ) from error

    def save(
        self, network: nn.Module, optimizer: torch.optim.Optimizer, progress: Progress
    ) -> None:
        """Write the state from which a run goes on, in the middle of an epoch or between two."""
        so_far = {name: value for name, value in asdict(progress).items() if name != "history"}
        state = {
            "kind": _KIND,
            "settings": dict(self.settings),
            "network": taught.state_of(network, self.size),
            "optimizer": optimizer.state_dict(),
            "progress": so_far,
            "history": [astuple(row) for row in progress.history],
        }
        _write(state, self.folder / LAST)

    def keep_epoch(self, network: nn.Module, progress: Progress) -> None:
        """Write the weights of the epoch that has just ended, and the log so far."""
        _write(
            taught.state_of(network, self.size), self.folder / self.pattern.format(progress.epoch)
        )
        names = [field.name for field in fields(Epoch)]
        with Draft(self.folder / LOG) as draft:
            draft.write(",".join(names) + "\n")
            for row in progress.history:
                draft.write(
                    f"{row.epoch},{row.rate:g},{row.loss:.8g},{row.accuracy:.6f},{row.seconds:.1f}\n"
                )

    def keep_final(self, network: nn.Module) -> Path:
        """Write the weights as they are at the end."""
        path = self.folder / FINAL
        _write(taught.state_of(network, self.size), path)
        return path

    def _compare(self, found: Settings, path: Path) -> None:
        for name, value in self.settings.items():
            if found.get(name) != value:
                raise ConfigError(
                    f"{path} was begun with {name} {found.get(name)}, and this run has {value}. "
                    "Go on with the same settings, or name another folder."
                )


def _write(content: object, path: Path) -> None:
    partial = path.with_name(path.name + ".partial")
    try:
        torch.save(content, partial)
        os.replace(partial, path)
    except (OSError, RuntimeError) as error:  # torch's own, where a disk is full
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise output_error(path, error) from error
