"""Several processes that teach one network, each on its part of every batch (`torchrun`).

torchrun starts the same command several times and tells each by its environment who it is. They
speak over the loopback (gloo on CPUs, NCCL on CUDA devices).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True, slots=True)
class Crew:
    """This process, `rank`, of the `world` many of a run."""

    rank: int = 0
    world: int = 1
    device: str = "cpu"

    @property
    def leads(self) -> bool:
        """Whether this process writes the files and speaks."""
        return self.rank == 0

    def joined(self, learner: nn.Module) -> nn.Module:
        """A module whose gradients become the mean over all processes."""
        if self.world == 1:
            return learner
        # some layers of an HRNet or a frozen trunk take no part in the loss
        return DistributedDataParallel(learner, find_unused_parameters=True)

    def normalised(self, network: nn.Module) -> nn.Module:
        """The network, with batch normalisations that look at all processes' parts of a batch.

        PyTorch has these on CUDA devices only.
        """
        if self.world == 1 or not self.device.startswith("cuda"):
            return network
        joined: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        return joined

    def total(self, numbers: Sequence[float]) -> list[float]:
        """Each number summed over all processes."""
        if self.world == 1:
            return list(numbers)
        summed = torch.tensor(numbers, dtype=torch.float64, device=self.device)
        distributed.all_reduce(summed)
        return [float(number) for number in summed]


@contextmanager
def crew(device: str) -> Iterator[Crew]:
    """The processes that torchrun started; this one alone where it did not.

    Of several CUDA devices each process on this machine takes its own, unless one was named.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Crew(device=device)
        return
    if device == "cuda":
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    is_cuda = device.startswith("cuda")
    if is_cuda:
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if is_cuda else "gloo")
    try:
        yield Crew(distributed.get_rank(), world, device)
    finally:
        distributed.destroy_process_group()
