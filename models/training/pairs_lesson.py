"""What the embedded family's transfer network is taught: two frames' maps to the present one's."""

from __future__ import annotations

import copy
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from data.errors import ConfigError
from data.training_clips import drawn_walks, read_clips
from data.training_packs import read_people
from models import zoo
from models.training.examples import Batch, Draw, Lap, Taught, prepared
from models.training.published.pairs import StoredPairs
from models.training.transfer import (
    CLIP_SHARE,
    HELD_OUT,
    Clips,
    Pairs,
    Stills,
    fusion_loss,
    right_cells,
)

SHARED_SPACE = 0.7  # of the batches are in the slow net's space, the others in the fast net's own


class FamilyStoredPairs(StoredPairs):
    """Pairs of two databases of the family's maps, by the family's own loss."""

    smooth = True  # as the live scheme re-draws the fast maps

    def loss(self, network: nn.Module, batch: Batch, device: str, share: float) -> Taught:
        current, reference, wanted, weights = (torch.from_numpy(part).to(device) for part in batch)
        return _taught(network, Pairs(current, reference, wanted, weights > 0))


@dataclass(frozen=True, slots=True, eq=False)
class DrawnPairs:
    """Pairs of clips and of stills whose maps are moved; `count` make an epoch.

    `odds` says how often each source is asked; `fresh` ones are measured on.
    """

    sources: tuple[Clips | Stills, ...]
    odds: tuple[float, ...]
    count: int
    fresh: tuple[Clips | Stills, ...] = ()

    def __len__(self) -> int:
        return self.count

    def batches(self, lap: Lap) -> Generator[Batch, None, None]:
        """Current, reference and wanted maps (N, 19, h, w), and which keypoints count (N, 19)."""

        def make(draw: Draw) -> Batch:
            rng = draw.rng(draw.indices[0])
            source = self.sources[int(rng.choice(len(self.sources), p=self.odds))]
            space = int(rng.random() >= SHARED_SPACE)
            return tuple(part.numpy() for part in _asked(source, rng, len(draw.indices), space))

        return prepared(make, len(self), lap)

    def loss(self, network: nn.Module, batch: Batch, device: str, share: float) -> Taught:
        return _taught(network, Pairs(*(torch.from_numpy(part).to(device) for part in batch)))

    def measure(self, network: nn.Module, device: str) -> float | None:
        """The share of keypoints within three cells, on pairs of other people."""
        network.eval()
        shares = []
        for source in self.fresh:
            pairs = Pairs(*(part.to(device) for part in _asked(source, _seeded(), 200, 0)))
            with torch.inference_mode():
                shares.append(right_cells(fused(network, pairs), pairs.wanted, pairs.counts))
        return float(np.mean(shares)) if shares else None


def drawn_pairs(
    family: Path,
    *,
    packs: Path | None,
    cache: Path,
    scenes: int,
    pool: int,
    count: int,
    seed: int,
    device: str,
) -> DrawnPairs:
    """Pairs that the slow and the fast network of `family` read of clips and stills.

    Clips are `scenes` drawn ones and those of the packs, if there are any; `pool` people of the
    packs are stills. Everything is read once, at the beginning. Raises ConfigError where there is
    no clip to learn from, AnnotationError for packs and WeightsError for the family.
    """
    nets = zoo.topdown("slow", device, family), zoo.topdown("fast", device, family)
    walks = drawn_walks(scenes, seed + 1)
    walks += [] if packs is None else read_clips(packs / "jhmdb")
    fresh = walks[::HELD_OUT] if len(walks) > 1 else []
    learnt = [walk for place, walk in enumerate(walks) if not fresh or place % HELD_OUT]
    if not learnt:
        raise ConfigError("There is no clip to learn from. Give --drawn or --packs.")
    sources: list[Clips | Stills] = [Clips(learnt, nets, seed=seed)]
    others: list[Clips | Stills] = [Clips(fresh, nets, seed=seed)] if fresh else []
    if packs is not None:
        people = read_people(packs, cache)
        sources.append(Stills(people, nets, count=pool, seed=seed, held_out=False))
        others.append(Stills(people, nets, count=min(pool, 300), seed=seed, held_out=True))
    odds = (CLIP_SHARE, 1 - CLIP_SHARE) if packs is not None else (1.0,)
    return DrawnPairs(tuple(sources), odds, count, tuple(others))


def fused(network: nn.Module, pairs: Pairs) -> Tensor:
    """The scheme's answer of two maps."""
    carried: Tensor = network(pairs.current, pairs.reference)
    return (carried + pairs.current) / 2


def _taught(network: nn.Module, pairs: Pairs) -> Taught:
    answer = fused(network, pairs)
    right = right_cells(answer.detach(), pairs.wanted, pairs.counts)
    counted = int(pairs.counts.sum())
    return Taught(fusion_loss(answer, pairs), right if counted else 0.0, counted)


def _asked(source: Clips | Stills, rng: np.random.Generator, count: int, space: int) -> Pairs:
    """Pairs drawn with `rng`; sources keep one of their own, which threads must not share."""
    own = copy.copy(source)
    own.rng = rng
    return own.draw(count, space)


def _seeded() -> np.random.Generator:
    return np.random.default_rng(1)
