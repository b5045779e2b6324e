"""The one loop of all trainings: epochs of batches, whatever is learned and by which plan."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from data.errors import TrainingError
from models.training.examples import Batch, Lap, Lesson, steps_of
from models.training.plan import Plan
from models.training.processes import Crew, crew
from models.training.state import Epoch, Progress, State

SAVE_EVERY = 600.0  # seconds within a long epoch
BAD_BATCH = "bad-batch.pth"


class Watch(Protocol):
    """Who follows a run, and may stop it."""

    def show(self, progress: Progress) -> None:
        """A batch more lies behind."""

    def closed(self, epoch: Epoch) -> None:
        """So does an epoch."""

    @property
    def wants_stop(self) -> bool:
        """Whether to stop after the present batch."""


class Files(Protocol):
    """Where a run is kept."""

    def begin(self, *, resume: bool) -> None: ...
    def restore(self, state: State) -> None: ...
    def save(self, state: State) -> None: ...
    def keep_epoch(self, state: State) -> None: ...
    def keep_final(self, state: State) -> None: ...
    def keep_batch(self, batch: Batch, rank: int) -> Path: ...


@dataclass(frozen=True, slots=True)
class Run:
    """A plan, and what makes no difference to its outcome but for the seed: who prepares batches
    ahead, where the network learns, and the clock."""

    plan: Plan
    seed: int
    workers: int
    device: str
    clock: Callable[[], float] = time.monotonic


class Learner(nn.Module):
    """A network together with its lesson's loss, so that several processes share its gradients."""

    def __init__(self, network: nn.Module, lesson: Lesson, device: str, precision: str) -> None:
        super().__init__()
        self.network = network
        self._lesson, self._device, self._precision = lesson, device, precision

    def forward(self, batch: Batch, share: float) -> tuple[Tensor, float, int]:
        kind = torch.device(self._device).type
        mixed = torch.autocast(kind, torch.bfloat16, enabled=self._precision == "bfloat16")
        with mixed:
            taught = self._lesson.loss(self.network, batch, self._device, share)
        return taught.loss.float(), taught.accuracy, taught.counted


def teach(
    network: nn.Module, lesson: Lesson, run: Run, files: Files, watch: Watch, *, resume: bool
) -> bool:
    """Teach a network until the plan's end, or until it is to stop; whether it came to its end.

    A run that stopped, at whatever batch, and one that goes on from there end with the numbers of
    one that was never stopped, unless minutes are its length. Raises TrainingError where the loss
    is no number, and the errors of the lesson and the files.
    """
    files.begin(resume=resume)
    with crew(run.device) as us:
        run = replace(run, device=us.device)
        network = us.normalised(network) if run.plan.sync_norm else network
        state = State.fresh(network.to(run.device), run.plan)
        if resume:
            files.restore(state)
        learner = us.joined(Learner(network, lesson, run.device, run.plan.precision))
        training = _Training(lesson, run, files, watch, us, state, learner)
        training.require_steps()
        while not training.is_over():
            if not training.epoch():
                return False
        if us.leads:
            files.keep_final(state)
    return True


@dataclass(frozen=True, slots=True, eq=False)
class _Training:
    """What all steps of a run share."""

    lesson: Lesson
    run: Run
    files: Files
    watch: Watch
    us: Crew
    state: State
    learner: nn.Module

    def share(self, step: int | None = None) -> float:
        """How much of the run lies behind now, or behind a step of the present epoch."""
        progress = self.state.progress
        steps = steps_of(len(self.lesson), self.run.plan.batch, self.us.world)
        ahead = 0 if step is None else step - progress.step
        part = (progress.step + ahead) / max(1, steps)
        return self.run.plan.share(progress.epoch + part, progress.steps + ahead, progress.spent)

    def is_over(self) -> bool:
        """A run that stopped after the last batch of an epoch has still to close it."""
        if self.run.plan.minutes is not None:
            return self.share() >= 1
        is_closed = self.state.progress.step == 0
        epochs = self.state.progress.epoch
        return epochs >= self.run.plan.epochs or (is_closed and self.has_all_steps())

    def has_all_steps(self) -> bool:
        steps = self.run.plan.steps
        return steps is not None and self.state.progress.steps >= steps

    def require_steps(self) -> None:
        """TrainingError where an epoch has no batch for every process."""
        if steps_of(len(self.lesson), self.run.plan.batch, self.us.world) == 0:
            raise TrainingError(
                f"{len(self.lesson)} examples are too few for {self.us.world} processes."
            )

    def epoch(self) -> bool:
        """The rest of an epoch; False where the run is to stop within it."""
        run, progress = self.run, self.state.progress
        lap = Lap(
            run.seed,
            progress.epoch + 1,
            run.plan.batch,
            skip=len(self.lesson) if self.has_all_steps() else progress.step,
            workers=run.workers,
            rank=self.us.rank,
            world=self.us.world,
            share_of=self.share,
        )
        saved = before = run.clock()
        self.learner.train()
        with closing(self.lesson.batches(lap)) as batches:
            for batch in batches:
                self.step(batch)
                now = run.clock()
                progress.took(now - before)
                before = now
                self.watch.show(progress)
                stop = self.us.total((self.watch.wants_stop,))[0] > 0
                if stop or now - saved > SAVE_EVERY:
                    self.save()
                    saved = before = run.clock()
                if stop:
                    return False
                if self.has_all_steps() or (run.plan.minutes is not None and self.is_over()):
                    break
        self.close()
        return True

    def step(self, batch: Batch) -> None:
        """One step of the optimiser."""
        plan, state, progress = self.run.plan, self.state, self.state.progress
        share = self.share()
        progress.rate = plan.rate_at(progress.epoch + 1, progress.steps, share)
        for group in state.optimizer.param_groups:
            group["lr"] = progress.rate * group.get("multiple", 1.0)
        loss, accuracy, counted = self.learner(batch, share)
        value, count = float(loss.detach()), len(batch[0]) if batch else 1
        self.require_number(value, batch)
        state.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        if plan.clip:
            nn.utils.clip_grad_norm_(state.network.parameters(), plan.clip)
        if plan.clip_value:
            nn.utils.clip_grad_value_(state.network.parameters(), plan.clip_value)
        state.optimizer.step()
        # accuracy is weighted by its count as published (FSPose specification 1.5)
        progress.learnt(*self.us.total((value * count, count, accuracy * counted, counted)))
        state.follow(plan.kept(progress.steps))

    def require_number(self, loss: float, batch: Batch) -> None:
        """TrainingError where the loss is none in any process, with the batch kept."""
        if not math.isfinite(loss):
            self.files.keep_batch(batch, self.us.rank)
        if self.us.total((not math.isfinite(loss),))[0]:
            progress = self.state.progress
            raise TrainingError(
                f"The loss is {loss} in epoch {progress.epoch + 1}, batch {progress.step + 1}, "
                f"which is kept as {BAD_BATCH}; the last state on the disk is whole. Begin again "
                "with a lower --lr."
            )

    def save(self) -> None:
        """Write the state, unless the last step made it useless."""
        self.check()
        if self.us.leads:
            self.files.save(self.state)

    def close(self) -> None:
        """Measure, log and keep an epoch."""
        state, figure = self.state, None
        self.check()
        if self.us.leads:  # the others wait at the next step
            figure = self.lesson.measure(state.result, self.run.device)
        row = state.progress.close_epoch(figure)
        if self.us.leads:
            self.files.keep_epoch(state)
            self.files.save(state)
            self.watch.closed(row)

    def check(self) -> None:
        """TrainingError where a step made numbers out of bounds of the weights."""
        progress = self.state.progress
        if not all(bool(p.isfinite().all()) for p in self.state.network.parameters()):
            raise TrainingError(
                f"The weights are no numbers after epoch {progress.epoch + 1}, batch "
                f"{progress.step}. The last state on the disk is whole; begin again with a lower "
                "--lr."
            )
