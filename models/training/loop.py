"""One loop for every network: a time budget, cosine schedule, running average, checkpoints."""

from __future__ import annotations

import copy
import logging
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How long and how fast a network learns; `minutes` is the whole budget over all resumes."""

    minutes: float
    rate: float = 1e-3
    decay: float = 0.02
    warmup: int = 200
    average: float = 0.999
    report_every: float = 300.0  # seconds between a checkpoint with its figures and the next


Loss = Callable[[nn.Module, float], Tensor]
"""A network and the elapsed share of the budget (0..1) to the loss of one fresh batch."""


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
    folder.mkdir(parents=True, exist_ok=True)
    average = copy.deepcopy(network).eval()
    optimizer = torch.optim.AdamW(network.parameters(), recipe.rate, weight_decay=recipe.decay)
    spent, step = _resume(folder, network, average, optimizer)
    clock, reported, total, count = time.monotonic(), time.monotonic(), 0.0, 0
    while (share := spent / (60 * recipe.minutes)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = _rate(recipe, share, step)
        network.train()
        optimizer.zero_grad(set_to_none=True)
        value = loss(network, share)
        torch.autograd.backward(value)
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        step += 1
        _follow(average, network, min(recipe.average, step / (step + 20)))
        total, count = total + float(value.detach()), count + 1
        now = time.monotonic()
        spent, clock = spent + now - clock, now
        if now - reported > recipe.report_every:
            _save(folder, network, average, optimizer, spent, step)
            LOG.info(
                "%5.1f min  step %d  loss %.4f  %s",
                spent / 60,
                step,
                total / count,
                measure(average),
            )
            total, count, reported = 0.0, 0, time.monotonic()
            clock = reported  # measuring is not training
    _save(folder, network, average, optimizer, spent, step)
    LOG.info("%5.1f min  step %d  end  %s", spent / 60, step, measure(average))
    return average


def _rate(recipe: Recipe, share: float, step: int) -> float:
    warm = min(1.0, (step + 1) / recipe.warmup)
    return recipe.rate * warm * max(0.01, 0.5 * (1 + math.cos(math.pi * share)))


def _follow(average: nn.Module, network: nn.Module, keep: float) -> None:
    with torch.no_grad():
        for mean, new in zip(
            average.state_dict().values(), network.state_dict().values(), strict=True
        ):
            if mean.is_floating_point():
                mean.lerp_(new, 1 - keep)
            else:
                mean.copy_(new)


def _save(
    folder: Path,
    network: nn.Module,
    average: nn.Module,
    optimizer: torch.optim.Optimizer,
    spent: float,
    step: int,
) -> None:
    state = {
        "network": network.state_dict(),
        "average": average.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    for name, content in (
        ("checkpoint.pt", {**state, "spent": spent, "step": step}),
        ("average.pt", average.state_dict()),
    ):
        partial = folder / f"{name}.partial"
        torch.save(content, partial)
        os.replace(partial, folder / name)


def _resume(
    folder: Path, network: nn.Module, average: nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[float, int]:
    path = folder / "checkpoint.pt"
    if not path.exists():
        return 0.0, 0
    state = torch.load(path, weights_only=True)
    network.load_state_dict(state["network"])
    average.load_state_dict(state["average"])
    optimizer.load_state_dict(state["optimizer"])
    return float(state["spent"]), int(state["step"])
