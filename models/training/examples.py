"""What a network learns from: lessons, and their batches, drawn by seed, epoch and place.

What an example looks like depends on nothing else: not on the number of workers or processes, nor
on whether the run was interrupted before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

Batch = tuple[NDArray[Any], ...]
"""Arrays whose first axis counts the examples."""
Integers = NDArray[np.int64]


class Taught(NamedTuple):
    """What a batch tells: its loss, and how many of `counted` keypoints were right (0..1)."""

    loss: Tensor
    accuracy: float = 0.0
    counted: int = 0


class Lesson(Protocol):
    """What a network learns from."""

    def __len__(self) -> int:
        """How many examples an epoch has."""

    def batches(self, lap: Lap) -> Generator[Batch, None, None]:
        """The rest of an epoch."""

    def loss(self, network: nn.Module, batch: Batch, device: str, share: float) -> Taught:
        """What a network in training makes of a batch; `share` of the run lies behind."""

    def measure(self, network: nn.Module, device: str) -> float | None:
        """How good a network is on what was held out, more being better; None where nothing is."""


@dataclass(frozen=True, slots=True)
class Draw:
    """Which examples of an epoch make a batch, and how much of the run lies behind then."""

    seed: int
    epoch: int
    indices: tuple[int, ...]
    share: float

    def rng(self, index: int) -> np.random.Generator:
        """An example's own random numbers."""
        return np.random.default_rng([self.seed, self.epoch, index])


@dataclass(frozen=True, slots=True)
class Lap:
    """An epoch, counted from 1, without its first `skip` batches of `size`.

    Of each batch this process draws every `world`-th example, beginning with number `rank`. With
    `workers`, as many threads prepare batches ahead; decoding and cutting let each other run.
    `share_of` tells how much of the run lies behind a batch of the epoch.
    """

    seed: int
    epoch: int
    size: int
    skip: int = 0
    workers: int = 0
    rank: int = 0
    world: int = 1
    share_of: Callable[[int], float] = lambda step: 0.0

    def draws(
        self, count: int, kinds: NDArray[np.bool_] | None = None
    ) -> list[tuple[int, tuple[int, ...]]]:
        """The number of each batch of `count` examples, and this process's part of it.

        Where examples have `kinds` (count,), a batch is of one kind, but for the last ones.
        """
        order = np.random.default_rng([self.seed, self.epoch]).permutation(count).tolist()
        if kinds is not None:
            order = _by_kind(order, kinds, self.size)
        parts = [order[n * self.size : (n + 1) * self.size] for n in range(self.steps(count))]
        own = [(n, tuple(part[self.rank :: self.world])) for n, part in enumerate(parts)]
        return own[self.skip :]

    def steps(self, count: int) -> int:
        """How many batches an epoch has; the last may be small, but has one for every process."""
        return steps_of(count, self.size, self.world)


def steps_of(count: int, size: int, world: int = 1) -> int:
    """How many batches of `size` there are in `count` examples for so many processes."""
    whole, rest = divmod(count, size)
    return whole + (rest >= world) if rest else whole


def _by_kind(order: Sequence[int], kinds: NDArray[np.bool_], size: int) -> list[int]:
    """The same examples, so that each `size` of them are of one kind while there are enough."""
    waiting: dict[bool, list[int]] = {True: [], False: []}
    batches: list[int] = []
    for index in order:
        own = waiting[bool(kinds[index])]
        own.append(index)
        if len(own) == size:
            batches += own
            own.clear()
    return [*batches, *waiting[True], *waiting[False]]


def prepared(
    make: Callable[[Draw], Batch],
    count: int,
    lap: Lap,
    kinds: NDArray[np.bool_] | None = None,
) -> Generator[Batch, None, None]:
    """A lap's batches of `count` examples in their drawn order, each made by `make`; a batch is
    of one kind where `kinds` (count,) are told."""

    def made(step: int, indices: tuple[int, ...]) -> Batch:
        return make(Draw(lap.seed, lap.epoch, indices, lap.share_of(step)))

    draws = lap.draws(count, kinds)
    if lap.workers == 0:
        yield from (made(step, indices) for step, indices in draws)
        return
    with ThreadPoolExecutor(lap.workers, thread_name_prefix="examples") as pool:
        waiting: deque[Future[Batch]] = deque()
        try:
            for step, indices in draws:
                waiting.append(pool.submit(made, step, indices))
                if len(waiting) > 2 * lap.workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:  # whoever stops early does not wait for what lies ahead
            for future in waiting:
                future.cancel()


def stacked(examples: Sequence[Sequence[NDArray[Any]]]) -> Batch:
    """Examples of several arrays each as one batch."""
    return tuple(np.stack(each) for each in zip(*examples, strict=True))
