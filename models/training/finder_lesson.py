"""What the embedded family's finder is taught: squares of pictures to scored boxes."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from data.people_set import PictureSet, Shot
from models.networks.finder import FinderNet
from models.training.examples import Batch, Draw, Lap, Taught, prepared, stacked
from models.training.finder import SIDE, Squares, answers, finder_loss, learnt, recall
from models.training.people_lesson import read

TALL = 50.0  # pixels; smaller people are not counted when the finder is measured
MEASURED = 300  # pictures at most


@dataclass(frozen=True, slots=True, eq=False)
class FinderLesson:
    """Squares, and the pictures of each set that are measured on.

    The trunk learns from this share of a run on: one that was lent from a pose network waits until
    what is new has learned.
    """

    squares: Squares
    held_out: tuple[tuple[PictureSet, NDArray[np.int64]], ...] = ()
    trunk_learns_from: float = 0.0

    def __len__(self) -> int:
        return len(self.squares)

    def batches(self, lap: Lap) -> Generator[Batch, None, None]:
        """Images (N, h, w, 3), and for each cell a box, whether it has one, whether it counts."""

        def make(draw: Draw) -> Batch:
            squares = [self.squares.draw(draw.rng(index)) for index in draw.indices]
            told = [answers(boxes, known, SIDE) for _, boxes, known in squares]
            cells = [tuple(part.numpy() for part in each) for each in told]
            return stacked([(s[0], *c) for s, c in zip(squares, cells, strict=True)])

        return prepared(make, len(self), lap)

    def loss(self, network: nn.Module, batch: Batch, device: str, share: float) -> Taught:
        assert isinstance(network, FinderNet)
        found = learnt(network, read(batch[0], device), share, self.trunk_learns_from)
        cells = (torch.from_numpy(part).to(device) for part in batch[1:])
        return Taught(finder_loss(found, *cells))

    def measure(self, network: nn.Module, device: str) -> float | None:
        """Recall at one false box per held-out picture; None where there is none."""
        if not self.held_out:
            return None
        network.eval()
        return recall(network, islice(self._shots(), MEASURED), TALL, device)

    def _shots(self) -> Iterator[Shot]:
        rng = np.random.default_rng(0)
        for pictures, chosen in self.held_out:
            yield from (pictures.shot(int(index), rng) for index in chosen)
