"""What the slow and the fast network are taught: a person's crop to its maps.

FSPose specification 1.5, 1.6 and 7.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from data.sources.folder import read_as_stored
from models.preprocess import normalised
from models.training.examples import Batch, Lap, Taught
from models.training.published.augment import Augmentation, view
from models.training.published.maps import Example, Inputs, batches, taught
from models.training.published.people import Locate, Subject
from models.training.targets import gaussian_targets

STRIDE = 4  # pixels of a crop to a cell of its maps, in every network here


def sigma_of(size: tuple[int, int]) -> float:
    """The published sigma in cells: 2, of the large crops of 288 x 384 on 3 (specification 1.2)."""
    return 3.0 if size[0] >= 288 else 2.0


def map_size(size: tuple[int, int]) -> tuple[int, int]:
    """The maps' (width, height) of crops of `size`."""
    return size[0] // STRIDE, size[1] // STRIDE


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """People's crops of `size` (width, height) and their Gaussians; for the slow network.

    `held_out` is the same of other people, whose crops do not vary.
    """

    people: Sequence[Subject]
    locate: Locate
    size: tuple[int, int]
    sigma: float
    augmentation: Augmentation
    held_out: Crops | None = None

    def __len__(self) -> int:
        return len(self.people)

    def batches(self, lap: Lap) -> Generator[Batch, None, None]:
        return batches(self, lap)

    def loss(self, network: nn.Module, batch: Batch, device: str, share: float) -> Taught:
        return taught(self, network, batch, device)

    def measure(self, network: nn.Module, device: str) -> float | None:
        """The share of held-out keypoints found (specification 1.5)."""
        if self.held_out is None:
            return None
        network.eval()
        right = counted = 0.0
        with torch.inference_mode(), closing(self.held_out.batches(Lap(0, 1, 32))) as drawn:
            for batch in drawn:
                told = taught(self.held_out, network, batch, device)
                right, counted = right + told.accuracy * told.counted, counted + told.counted
        return right / max(1.0, counted)

    def example(self, index: int, rng: np.random.Generator) -> Example:
        """A person's varied crop; SourceError for an image that cannot be read."""
        subject = self.people[index]
        image = read_as_stored(self.locate(subject.frame_name))
        seen = view(subject, self.size, image.shape[1], self.augmentation, rng)
        cut, joints = seen.shown(image, subject.keypoints)
        target, weights = gaussian_targets(
            joints,
            seen.weights(subject.visible),
            image_size=self.size,
            map_size=map_size(self.size),
            sigma=self.sigma,
        )
        return Example((cut,), target, weights)

    def answer(self, network: nn.Module, inputs: Inputs, device: torch.device | str) -> Tensor:
        """The raw maps."""
        return network(normalised(list(inputs[0]), device))


class SoftCrops(Crops):
    """The same for the fast network, whose maps are compared after their soft-max.

    Each sums to 1, the target's peak is 1: the error cannot become zero (specification 0.4).
    """

    __slots__ = ()

    def answer(self, network: nn.Module, inputs: Inputs, device: torch.device | str) -> Tensor:
        return network(normalised(list(inputs[0]), device)).heatmaps
