"""Examples and batches: drawn by seed, epoch and place, so that any run can be repeated.

What an example looks like depends on nothing else: not on the number of workers, nor on whether
the run was interrupted before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from data.pose import Floats

Inputs = tuple[NDArray[Any], ...]


class Example(NamedTuple):
    """What a network reads, the maps (J, h, w) it is taught, and their weights (J,), 0 or 1."""

    inputs: Inputs
    target: Floats
    weights: Floats


class Batch(NamedTuple):
    """Examples, stacked along a new first axis."""

    inputs: Inputs
    target: Floats
    weights: Floats


class Lesson(Protocol):
    """What a network learns from."""

    def __len__(self) -> int:
        """How many examples an epoch has."""

    def example(self, index: int, rng: np.random.Generator) -> Example:
        """One of them; several threads ask at a time."""

    def answer(self, network: nn.Module, inputs: Inputs, device: torch.device | str) -> Tensor:
        """The network's maps (N, J, h, w) of a batch's inputs."""


def batches(
    lesson: Lesson, *, seed: int, epoch: int, size: int, skip: int, workers: int
) -> Generator[Batch, None, None]:
    """An epoch's batches in their drawn order, without the first `skip`; the last may be small.

    With `workers`, as many threads prepare batches ahead; decoding and cutting let each other run.
    """
    order = np.random.default_rng([seed, epoch]).permutation(len(lesson)).tolist()
    parts = [order[start : start + size] for start in range(skip * size, len(order), size)]

    def prepare(indices: Sequence[int]) -> Batch:
        drawn = [lesson.example(i, np.random.default_rng([seed, epoch, i])) for i in indices]
        inputs = tuple(np.stack(each) for each in zip(*(one.inputs for one in drawn), strict=True))
        targets, weights = [one.target for one in drawn], [one.weights for one in drawn]
        return Batch(inputs, np.stack(targets), np.stack(weights))

    if workers == 0:
        yield from map(prepare, parts)
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="examples") as pool:
        waiting: deque[Future[Batch]] = deque()
        try:
            for part in parts:
                waiting.append(pool.submit(prepare, part))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:  # whoever stops early does not wait for what lies ahead
            for future in waiting:
                future.cancel()
