"""FCPose's keypoint head: the networks that are written for each person, and how they are read.

FCPose specification 3.5 and 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.networks.fcos import Places
from models.ops.peaks import peak_shares
from models.ops.points import cell_points

STRIDE = 8  # of the bases and of a person's maps


class Keypoints(NamedTuple):
    """Keypoints of n people: `points` (n, K, 2) in pixels of the input, the cells they were read
    from and the maps' raw answers there, both (n, K), and `scores` (n, K) in 0..1."""

    points: Tensor
    cells: Tensor
    peaks: Tensor
    scores: Tensor


class KeypointHead(nn.Module):
    """The controller, and the networks that it writes.

    Such a network has three 1x1 convolutions: of the `bases` and two coordinates to `hidden`, to
    `hidden`, to `keypoints`. The coordinates are a cell's distance from the cell that found the
    person, over what its level counts as a person's size: `sizes_of_interest`, an entry.
    """

    def __init__(
        self, channels: int, *, sizes: Sequence[float], bases: int, hidden: int, keypoints: int
    ) -> None:
        super().__init__()
        self.shapes = [(hidden, bases + 2), (hidden, hidden), (keypoints, hidden)]
        count = sum(rows * columns + rows for rows, columns in self.shapes)
        self.sizes_of_interest = nn.Parameter(torch.tensor(sizes), requires_grad=False)
        self.atten_producer = nn.Linear(9 * channels, count)

    def forward(self, features: Tensor, places: Places, bases: Tensor) -> Tensor:
        """(n, K, h, w) raw maps of n people of one image.

        `features` (n, 9 C) is what the box tower has around their `places`; `bases` (B, h, w).
        """
        return self.maps(self.atten_producer(features), places, bases)

    def maps(self, written: Tensor, places: Places, bases: Tensor) -> Tensor:
        """The same for networks that the controller has written, (n, numbers)."""
        (first, first_bias), (second, second_bias), (third, third_bias) = self._layers(written)
        height, width = bases.shape[1:]
        cells = cell_points(height, width, STRIDE, shift=STRIDE // 2, device=bases.device)
        size = self.sizes_of_interest[places.levels][:, None, None]
        toward = (places.points[:, None] - cells) / size  # from each cell to the finding one
        x = first[..., :2] @ toward.transpose(1, 2) + first[..., 2:] @ bases.flatten(1)
        x = (x + first_bias).relu_()
        x = torch.baddbmm(second_bias, second, x).relu_()
        return torch.baddbmm(third_bias, third, x).view(*third.shape[:2], height, width)

    def _layers(self, written: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Weights (n, rows, columns) and biases (n, rows, 1), layer by layer.

        In the numbers' order each layer's weights come before its biases.
        """
        layers, start = [], 0
        for rows, columns in self.shapes:
            weights, biases = start + rows * columns, start + rows * columns + rows
            weight = written[:, start:weights].reshape(len(written), rows, columns)
            layers.append((weight, written[:, weights:biases, None]))
            start = biases
        return layers


def surroundings(towers: Sequence[Tensor], places: Places) -> Tensor:
    """(n, 9 C) the 3 x 3 cells of a level's map (N, C, h, w) around each place, zero outside.

    Of a channel's nine numbers the rows come one after the other, as a convolution's weights do.
    They are gathered for the asked places only: as a map of all places, as where the checkpoints
    were made, they take 206 MB of an image of 800 x 1344 (FCPose specification 11, 6).
    """
    features = towers[0].new_zeros(len(places.cells), 9 * towers[0].shape[1])
    steps = torch.arange(-1, 2, device=features.device)
    for level, tower in enumerate(towers):
        here = torch.nonzero(places.levels == level)[:, 0]
        if not len(here):
            continue
        height, width = tower.shape[2:]
        rows = (places.cells[here] // width)[:, None, None] + steps[:, None]
        columns = (places.cells[here] % width)[:, None, None] + steps
        there = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        images = places.images[here][:, None, None]
        around = tower[images, :, rows.clamp(0, height - 1), columns.clamp(0, width - 1)]
        around = around * there[..., None]  # (n, 3, 3, C)
        features = features.index_put((here,), around.permute(0, 3, 1, 2).flatten(1))
    return features


def read_keypoints(maps: Tensor, offsets: Tensor) -> Keypoints:
    """Keypoints from people's raw maps (n, K, h, w) and an image's offsets (K, 2, h, w).

    The cell is that of the highest answer, wherever it lies, and not only in the person's box. A
    map is taught to be a distribution over its cells by a soft-max, so its answers have no level
    of their own; the score is the share of that distribution in the 3 x 3 cells around the peak.
    """
    width = maps.shape[3]
    peaks, cells = maps.flatten(2).max(2)
    scores = peak_shares(maps)
    own = torch.stack([cells % width, cells // width], 2) * STRIDE + STRIDE // 2
    keypoint = torch.arange(maps.shape[1], device=maps.device)
    moved = offsets.flatten(2)[keypoint, :, cells]  # (n, K, 2)
    return Keypoints(own + moved, cells, peaks, scores)


def person_macs(head: KeypointHead, cells: int) -> int:
    """Multiply-adds of a person's own maps of that many cells, and of writing the network."""
    written = head.atten_producer.in_features * head.atten_producer.out_features
    return written + cells * sum(rows * columns for rows, columns in head.shapes)
