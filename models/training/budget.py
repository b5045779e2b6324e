"""Training for a time budget: the commands `python -m models.training.…` of the embedded family.

What such a run sees next depends on the clock. Its folder holds `checkpoint.pt`, from which it goes
on, and `average.pt`, the running average of the weights.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from models.training.examples import Batch, Lap, Taught
from models.training.loop import Run, teach
from models.training.plan import Plan
from models.training.state import Epoch, Progress, State

LOG = logging.getLogger(__name__)
Loss = Callable[[nn.Module, float], Tensor]
"""A network and the elapsed share of the budget (0..1) to the loss of one fresh batch."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How long and how fast a network learns; `minutes` is the whole budget over all resumes."""

    minutes: float
    rate: float = 1e-3
    decay: float = 0.02
    warmup: int = 200
    average: float = 0.999
    report_every: float = 300.0  # seconds between a checkpoint with its figures and the next

    def plan(self) -> Plan:
        return Plan(
            epochs=0,
            batch=1,
            rate=self.rate,
            minutes=self.minutes,
            schedule="cosine",
            warmup=self.warmup,
            optimizer="adamw",
            decay=self.decay,
            average=self.average,
            clip=5.0,
        )


def train(
    network: nn.Module,
    loss: Loss,
    measure: Callable[[nn.Module], str],
    folder: Path,
    recipe: Recipe,
) -> nn.Module:
    """Train until the budget is used; resume from `folder` where a checkpoint lies there.

    Returns the running average of the weights, which is also `folder/average.pt`.
    """
    lesson, files = _Functions(loss, measure, recipe.report_every), _Folder(folder)
    run = Run(recipe.plan(), seed=0, workers=0, device="cpu")
    teach(network, lesson, run, files, lesson, resume=True)
    assert files.average is not None
    return files.average


class _Functions:
    """Two functions as a lesson, which is its own watch; an epoch is the time between reports."""

    wants_stop = False

    def __init__(
        self, loss: Loss, measure: Callable[[nn.Module], str], report_every: float
    ) -> None:
        self._loss, self._measure, self._seconds = loss, measure, report_every
        self._words, self._spent, self._steps = "", 0.0, 0

    def __len__(self) -> int:
        return 1

    def batches(self, lap: Lap) -> Generator[Batch, None, None]:
        end = time.monotonic() + self._seconds
        while time.monotonic() < end:
            yield ()

    def loss(self, network: nn.Module, batch: Batch, device: str, share: float) -> Taught:
        return Taught(self._loss(network, share))

    def measure(self, network: nn.Module, device: str) -> float | None:
        self._words = self._measure(network)
        return None

    def show(self, progress: Progress) -> None:
        self._spent, self._steps = progress.spent, progress.steps

    def closed(self, epoch: Epoch) -> None:
        minutes = self._spent / 60
        LOG.info("%5.1f min  step %d  loss %.4f  %s", minutes, self._steps, epoch.loss, self._words)


class _Folder:
    """The two files of a run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.average: nn.Module | None = None

    def begin(self, *, resume: bool) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    def restore(self, state: State) -> None:
        self.average, path = state.result, self.folder / "checkpoint.pt"
        if not path.exists():
            return
        found = torch.load(path, weights_only=True)
        state.network.load_state_dict(found["network"])
        state.result.load_state_dict(found["average"])
        state.optimizer.load_state_dict(found["optimizer"])
        state.progress.spent, state.progress.steps = float(found["spent"]), int(found["step"])

    def save(self, state: State) -> None:
        content = {
            "network": state.network.state_dict(),
            "average": state.result.state_dict(),
            "optimizer": state.optimizer.state_dict(),
            "spent": state.progress.spent,
            "step": state.progress.steps,
        }
        for name, part in (
            ("checkpoint.pt", content),
            ("average.pt", state.result.state_dict()),
        ):
            partial = self.folder / f"{name}.partial"
            torch.save(part, partial)
            os.replace(partial, self.folder / name)

    def keep_epoch(self, state: State) -> None:
        """Nothing beside the state."""

    def keep_final(self, state: State) -> None:
        """The last report wrote it."""

    def keep_batch(self, batch: Batch, rank: int) -> Path:
        """Nothing: such a batch is known to its function only."""
        return self.folder
