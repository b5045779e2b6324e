"""The state of a training: network, running average, optimiser, and how far it is."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

import torch
from torch import nn

from models.training.plan import Plan


@dataclass(frozen=True, slots=True)
class Epoch:
    """One line of the log: means over an epoch's examples (no accuracy where none is counted), what
    the network then reached on what was held out, if anything is, and the seconds of learning."""

    epoch: int
    rate: float
    loss: float
    accuracy: float | None
    held_out: float | None
    seconds: float

    @property
    def merit(self) -> float:
        """What makes one epoch better than another: the held-out figure, else a low loss."""
        return -self.loss if self.held_out is None else self.held_out


@dataclass(slots=True)
class Progress:
    """How far a run is: epochs done, batches done of the next one, and that one's sums.

    `rate` is the last learning rate; `steps` and `spent` (seconds of learning) count from the
    run's beginning.
    """

    epoch: int = 0
    step: int = 0
    loss: float = 0.0
    examples: float = 0.0
    accuracy: float = 0.0
    counted: float = 0.0
    seconds: float = 0.0
    rate: float = 0.0
    steps: int = 0
    spent: float = 0.0
    history: list[Epoch] = field(default_factory=list)

    @property
    def mean_loss(self) -> float:
        return self.loss / max(1, self.examples)

    @property
    def mean_accuracy(self) -> float:
        return self.accuracy / max(1, self.counted)

    def learnt(self, loss: float, examples: float, accuracy: float, counted: float) -> None:
        """One step more, with the sums over its examples and keypoints."""
        self.step += 1
        self.steps += 1
        self.loss += loss
        self.examples += examples
        self.accuracy += accuracy
        self.counted += counted

    def took(self, seconds: float) -> None:
        self.seconds += seconds
        self.spent += seconds

    def close_epoch(self, held_out: float | None) -> Epoch:
        """Put the epoch into the history and begin the next one."""
        self.epoch += 1
        means = self.mean_loss, self.mean_accuracy if self.counted else None
        row = Epoch(self.epoch, self.rate, *means, held_out, self.seconds)
        self.history.append(row)
        self.step, self.examples, self.counted = 0, 0.0, 0.0
        self.loss = self.accuracy = self.seconds = 0.0
        return row


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What a run changes. `average` is the running average of the weights, where there is one."""

    network: nn.Module
    average: nn.Module | None
    optimizer: torch.optim.Optimizer
    progress: Progress

    @classmethod
    def fresh(cls, network: nn.Module, plan: Plan) -> State:
        average = copy.deepcopy(network).eval() if plan.average else None
        kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
        optimizer = kinds[plan.optimizer](network.parameters(), plan.rate, weight_decay=plan.decay)
        return cls(network, average, optimizer, Progress())

    @property
    def result(self) -> nn.Module:
        """What is measured and kept: the average, where there is one."""
        return self.average or self.network

    @torch.no_grad()
    def follow(self, keep: float) -> None:
        """Move the average towards the network; `keep` is what stays of it."""
        if self.average is None:
            return
        own, new = self.average.state_dict(), self.network.state_dict()
        for name, mean in own.items():
            if mean.is_floating_point():
                mean.lerp_(new[name], 1 - keep)
            else:
                mean.copy_(new[name])
