"""The loop of the published recipes: epochs of seeded batches, Adam, squared errors of maps.

The time-driven loop of the embedded family (`models/training/loop.py`) has another aim: it has no
epochs, and what it sees next depends on the clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn

from data.errors import TrainingError
from models.training.published.examples import Batch, Lesson, batches
from models.training.published.records import Progress, Records
from models.training.published.schedule import Schedule
from models.training.targets import accuracy, joint_mse

SAVE_EVERY = 600.0  # seconds within a long epoch


class Watch(Protocol):
    """Who follows a run, and may stop it."""

    def show(self, done: int, progress: Progress) -> None:
        """`done` batches of all epochs lie behind."""

    @property
    def wants_stop(self) -> bool:
        """Whether to stop after the present batch."""


@dataclass(frozen=True, slots=True)
class Run:
    """What every recipe's run has: its schedule, its seed, who prepares batches, and where."""

    schedule: Schedule
    seed: int
    workers: int
    device: str
    clock: Callable[[], float] = time.monotonic


def train(
    network: nn.Module,
    lesson: Lesson,
    run: Run,
    records: Records,
    watch: Watch,
    *,
    resume: bool,
) -> bool:
    """Teach a network until the last epoch, or until it is to stop; whether it came to its end.

    A run that stopped, at whatever batch, and one that goes on from there end with the numbers of
    one that was never stopped. Raises TrainingError where the loss is no number, and the errors of
    the lesson and the records.
    """
    schedule = run.schedule
    records.begin(resume=resume)
    network.to(run.device)
    optimizer = torch.optim.Adam(network.parameters(), schedule.rate)
    progress = records.restore(network, optimizer) if resume else Progress()
    steps = -(-len(lesson) // schedule.batch)
    network.train()
    saved = run.clock()
    while progress.epoch < schedule.epochs:
        epoch = progress.epoch + 1
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate_of(epoch)
        drawn = batches(
            lesson,
            seed=run.seed,
            epoch=epoch,
            size=schedule.batch,
            skip=progress.step,
            workers=run.workers,
        )
        before = run.clock()
        with closing(drawn):
            for batch in drawn:
                _learn(network, optimizer, lesson, batch, progress, run.device)
                now = run.clock()
                progress.seconds += now - before
                before = now
                watch.show(progress.epoch * steps + progress.step, progress)
                if watch.wants_stop or now - saved > SAVE_EVERY:
                    records.save(network, optimizer, progress)
                    saved = now
                if watch.wants_stop:
                    return False
        progress.close_epoch(schedule.rate_of(epoch))
        records.keep_epoch(network, progress)
        records.save(network, optimizer, progress)
        saved = run.clock()
    records.keep_final(network)
    return True


def _learn(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    lesson: Lesson,
    batch: Batch,
    progress: Progress,
    device: str,
) -> None:
    """One step of Adam, and what it adds to the epoch's sums."""
    maps = lesson.answer(network, batch.inputs, device)
    target = torch.from_numpy(batch.target).to(device)
    loss = joint_mse(maps, target, torch.from_numpy(batch.weights).to(device))
    value = float(loss.detach())
    if value != value or value == float("inf"):
        raise TrainingError(
            f"The loss is {value} in epoch {progress.epoch + 1}, batch {progress.step + 1}. The "
            "last state on the disk is whole; begin again with a lower --lr."
        )
    optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    optimizer.step()
    count = len(batch.target)
    found = accuracy(maps.detach().cpu().numpy(), batch.target)
    progress.step += 1
    progress.loss += value * count
    progress.examples += count
    progress.accuracy += found.mean * found.counted  # weighted as published (specification 1.5)
    progress.counted += found.counted
