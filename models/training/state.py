"""The state of a training: network, running average, optimiser, and how far it is."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from models.training.plan import Plan

MOMENTUM = 0.9  # of SGD, in every published recipe here


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
        return cls(network, average, _optimizer(network, plan), Progress())

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


def _optimizer(network: nn.Module, plan: Plan) -> torch.optim.Optimizer:
    """A plan's optimiser. SGD has a momentum, and spares some the decay: the normalisations, as
    detectron2 does, or all biases, as its forerunner."""
    if plan.optimizer == "sgd":
        spared = _of_norms(network) if plan.spared == "norms" else _biases(network)
        groups = _groups(network, plan, spared=spared)
        return torch.optim.SGD(groups, plan.rate, momentum=MOMENTUM)
    kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    return kinds[plan.optimizer](_groups(network, plan, spared=set()), plan.rate)


def _groups(network: nn.Module, plan: Plan, *, spared: set[str]) -> list[dict[str, Any]]:
    """A network's parameters, those together that learn alike; `multiple` is of the rate."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    biases = _biases(network)
    for name, parameter in network.named_parameters():
        factors = (factor for start, factor in plan.multiples if name.startswith(start))
        factor = next(factors, 1.0) * (plan.bias_multiple if name in biases else 1.0)
        decay = 0.0 if name in spared else plan.decay
        groups.setdefault((factor, decay), []).append(parameter)
    return [
        {"params": own, "multiple": factor, "weight_decay": decay}
        for (factor, decay), own in groups.items()
    ]


def _biases(network: nn.Module) -> set[str]:
    """The names of all biases, those of normalisations too."""
    return {name for name, _ in network.named_parameters() if name.endswith("bias")}


def _of_norms(network: nn.Module) -> set[str]:
    """The names of the parameters of normalisations."""
    kinds = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm)
    return {
        f"{outer}.{inner}"
        for outer, module in network.named_modules()
        if isinstance(module, kinds)
        for inner, _ in module.named_parameters(recurse=False)
    }
