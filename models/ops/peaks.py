"""How sure a keypoint's map is of its peak, where a map is taught as a distribution."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import avg_pool2d


def peak_shares(maps: Tensor) -> Tensor:
    """(N, K), 0..1, from logits (N, K, h, w): the soft-max's share in the 3 x 3 cells of the peak.

    1 where a map points at one place, 0.5 where it wavers between two. A number that is added to
    all cells of a map changes nothing, as it changes nothing in how such maps are taught.
    """
    _, cells = maps.flatten(2).max(2)
    shares = maps.flatten(2).softmax(2).view_as(maps)
    near = 9 * avg_pool2d(shares, 3, 1, 1)
    return near.flatten(2).gather(2, cells[..., None])[..., 0].clamp(0, 1)
