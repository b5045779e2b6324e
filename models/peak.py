"""What the machine can do at best: a matrix product and 3x3 convolutions in the runtime in use.

A network cannot be quicker than its multiply-adds at this pace. One multiply-add is two floating
point operations, as the field counts; convolutions are counted as if done directly.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models import cost
from models.networks.blocks import conv3x3
from models.runtimes.learning import at_random
from models.runtimes.passes import Placing

SIDE = 1536  # of the square matrices
BATCH = 8  # people, as a scheme has them on a full frame
# (channels, height, width) of what HRNet-W32 and its like convolve; the quickest counts.
LAYERS = ((32, 64, 48), (64, 32, 24), (128, 32, 24), (256, 16, 12))
DEPTH = 6  # convolutions one after the other: overhead of a pass is not what is asked for
FEW = 4  # channels of what comes in and goes out, which int8 leaves as it is
SECONDS = 0.4  # spent on each


@dataclass(frozen=True, slots=True)
class Peak:
    """Billions of floating point operations a second."""

    matrix: float
    convolution: float


class _Product(nn.Module):
    """(N, k, k) times a matrix (k, k)."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(side, side) - 0.5)

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight


def measured(placing: Placing, device: torch.device | str, *, seconds: float = SECONDS) -> Peak:
    """The least time of passes within `seconds` each, batch `BATCH` for convolutions."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        product = _Product(SIDE)
        square = torch.rand(1, SIDE, SIDE) - 0.5
        matrix = SIDE**3 / _least(placing, product, square, device, seconds)
        paces = []
        for channels, height, width in LAYERS:
            layers = nn.Sequential(
                nn.Conv2d(FEW, channels, 1),
                *(conv3x3(channels, channels) for _ in range(DEPTH)),
                nn.Conv2d(channels, FEW, 1),
            )
            layers = layers.to(memory_format=torch.channels_last)  # as `folded` lays the networks
            maps = torch.rand(BATCH, FEW, height, width) - 0.5
            took = _least(placing, layers, maps, device, seconds)
            paces.append(cost.macs(layers, maps) / took)
    return Peak(2 * matrix / cost.GIGA, 2 * max(paces) / cost.GIGA)


@torch.inference_mode()
def _least(
    placing: Placing, network: nn.Module, given: Tensor, device: torch.device | str, seconds: float
) -> float:
    """The least seconds of a pass."""
    network, shape = network.to(device).eval(), tuple(given.shape[1:])
    placed, given = placing(network, lambda: at_random(network, shape)), given.to(device)
    placed(given)  # the first one prepares
    least, end = float("inf"), time.perf_counter() + seconds
    while least == float("inf") or time.perf_counter() < end:
        start = time.perf_counter()
        placed(given)
        if given.is_cuda:
            torch.cuda.synchronize()
        least = min(least, time.perf_counter() - start)
    return least
