"""What FCPose is taught beside FCOS: maps of everybody's keypoints, and each person's own.

FCPose specification 6.3 to 6.6. Three defects of the published code are not here: it looks at two
images of a batch only, divides by zero where nobody is, and has no gradient where a cell's offset
hits the keypoint exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from models.networks.fcos import Places
from models.networks.fcpose import Auxiliary, FCPose, FCPoseAnswer
from models.networks.fcpose_head import STRIDE, surroundings
from models.ops.points import cell_points
from models.training.fcos_loss import Assigned, FCOSLosses, assigned, fcos_losses, flat

FINE = 2  # stride of the maps on which keypoints are whole cells
SIGMAS = {FINE: 1.8, STRIDE: 0.9}  # in cells; a window reaches int(3 sigma + 1) cells
REACHES = {FINE: 6, STRIDE: 4}
AUXILIARY_WEIGHT, KEYPOINT_WEIGHT, DIRECTION_WEIGHT = 0.2, 2.5, 9.0
DISTANCE = 12.0  # how steeply a wrong offset counts, over a person's size
MOST_CELLS = 70  # that teach keypoints in one batch
TINY = 1e-12  # square pixels under a root whose gradient would be infinite at 0

Features = Callable[[Places], Tensor]
"""What the box tower has around n places: (n, 9 C)."""


class Truth(NamedTuple):
    """One image's people, in pixels of the input: `boxes` (n, 4) left, top, right, bottom and
    `keypoints` (n, K, 3) with v > 0 where labelled. `size` is the image's (height, width) before
    padding."""

    boxes: Tensor
    keypoints: Tensor
    size: tuple[int, int]


class Losses(NamedTuple):
    """Scalars, weighed; their sum is what is minimised."""

    fcos: FCOSLosses
    p1: Tensor
    p3: Tensor
    keypoint: Tensor
    direction: Tensor

    @property
    def total(self) -> Tensor:
        return torch.stack([*self.fcos, *self[1:]]).sum()


class Chosen(NamedTuple):
    """The n cells that teach keypoints, whom each answers for, and the part it has, (n,) each.

    The parts of a person's cells sum to 1.
    """

    places: Places
    people: Tensor
    shares: Tensor


def losses(
    network: FCPose,
    answer: FCPoseAnswer,
    auxiliary: Auxiliary,
    truths: Sequence[Truth],
    *,
    features: Features | None = None,
    most_cells: int = MOST_CELLS,
    keypoint_share: float = 1.0,
) -> Losses:
    """All losses of a batch of N images.

    `features` stands for what is gathered from the answer's towers. The two keypoint losses are
    multiplied by `keypoint_share`: the published code divided them by the number of its processes
    once too often, which 1/8 imitates (6.6).
    """
    sizes = network.head.sizes_of_interest.tolist()[:-1]
    boxes = [truth.boxes for truth in truths]
    taught = assigned(answer.levels, network.strides, boxes, sizes)
    towers = [level.tower for level in answer.levels]
    look = features or (lambda places: surroundings(towers, places))
    chosen = chosen_cells(answer, taught, most_cells)
    keypoint, direction = _keypoint_losses(network, answer, truths, chosen, look)
    return Losses(
        fcos_losses(answer.levels, taught),
        _map_loss(auxiliary.p1, drawn_keypoints(truths, FINE, auxiliary.p1.shape[2:])),
        _map_loss(auxiliary.p3, drawn_keypoints(truths, STRIDE, auxiliary.p3.shape[2:])),
        keypoint * keypoint_share,
        direction * keypoint_share,
    )


def drawn_keypoints(truths: Sequence[Truth], stride: int, size: Sequence[int]) -> Tensor:
    """(N, K, h, w) Gaussians of peak 1 on whole cells, the people of an image by their maximum.

    Every image's own part of the raster is drawn and ends where it does, the rest is 0.
    """
    maps = [_drawn(truth, stride) for truth in truths]
    height, width = size
    return torch.stack([pad(m, (0, width - m.shape[2], 0, height - m.shape[1])) for m in maps])


def keypoint_cells(truth: Truth, width: int) -> Tensor:
    """(n, K) int64: each keypoint's cell at stride 2 on a raster of that width, or -1.

    It is row * width + column; -1 stands for a keypoint that is not labelled or not in the image.
    """
    columns, rows, there = _cells(truth, FINE)
    return torch.where(there, rows * width + columns, -1)


def chosen_cells(answer: FCPoseAnswer, taught: Assigned, most: int) -> Chosen:
    """Of each person's cells the best, as many as everybody may have.

    `most` is shared out by the largest number of a person that any cell answers for.
    """
    given = flat(answer.levels)
    quality = given.logits.detach().sigmoid() * given.centerness.detach().sigmoid()
    cells = taught.positive
    people = taught.people[cells]
    cap = max(most // (int(people.max()) + 1), 1) if len(people) else 1
    kept, shares = [cells[:0]], [quality[:0]]
    for person in torch.unique(people):
        own = cells[people == person]
        if len(own) > cap:
            own = own[quality[own].topk(cap).indices]
        kept.append(own)
        shares.append(quality.new_full((len(own),), 1 / len(own)))
    every = torch.cat(kept)
    return Chosen(taught.places.at(every), taught.people[every], torch.cat(shares))


def _keypoint_losses(
    network: FCPose,
    answer: FCPoseAnswer,
    truths: Sequence[Truth],
    chosen: Chosen,
    features: Features,
) -> tuple[Tensor, Tensor]:
    """How unlikely the keypoints' cells are, and how far the offsets lead beside them."""
    count = chosen.shares.sum().clamp(min=1)
    seen = features(chosen.places)
    keypoint = direction = 0 * (seen.sum() + answer.bases.sum()) + 0 * _touch(network)
    first = 0
    for image, truth in enumerate(truths):
        here = torch.nonzero(chosen.places.images == image)[:, 0]
        people = chosen.people[here] - first
        first += len(truth.boxes)
        if not len(here):
            continue
        bases, offsets = network.bases_of(answer, image)
        maps = network.head(seen[here], chosen.places.at(here), bases)
        width = maps.shape[3] * STRIDE // FINE
        targets = keypoint_cells(truth, width)[people]
        weights = chosen.shares[here, None] * (targets >= 0)
        unlikely = _unlikeliness(maps, targets)
        beside = _expected_distance(maps, offsets, truth, people)
        keypoint = keypoint + (weights * unlikely).sum()
        direction = direction + (weights * beside).sum()
    return (
        KEYPOINT_WEIGHT * keypoint / (network.keypoints * count),
        DIRECTION_WEIGHT * direction / (DISTANCE * count),
    )


def _touch(network: FCPose) -> Tensor:
    """0 times the controller: its parameters get a gradient from every batch."""
    return sum((0 * p.sum() for p in network.head.atten_producer.parameters()), torch.zeros(()))


def _unlikeliness(maps: Tensor, targets: Tensor) -> Tensor:
    """(n, K) the negative log-probability of the targets' cells, at stride 2."""
    fine = interpolate(maps, scale_factor=STRIDE / FINE, mode="bilinear", align_corners=False)
    logs = fine.flatten(2).log_softmax(2)
    return -logs.gather(2, targets.clamp(min=0)[..., None])[..., 0]


def _expected_distance(maps: Tensor, offsets: Tensor, truth: Truth, people: Tensor) -> Tensor:
    """(n, K) how far the cells' own points lie from the keypoint, weighed by the maps: 0..1."""
    height, width = maps.shape[2:]
    cells = cell_points(height, width, STRIDE, shift=STRIDE // 2, device=maps.device)
    points = offsets.flatten(2).transpose(1, 2) + cells  # (K, h w, 2)
    toward = points - truth.keypoints[people][:, :, None, :2]
    distance = (toward.square().sum(3) + TINY).sqrt()
    corners = truth.boxes[people]
    size = (corners[:, 2:] - corners[:, :2]).mean(1)[:, None, None]
    far = torch.tanh(DISTANCE * distance / size / 2)
    return (maps.flatten(2).softmax(2) * far).sum(2)


def _map_loss(maps: Tensor, target: Tensor) -> Tensor:
    return AUXILIARY_WEIGHT * (maps - target).square().sum() / target.square().sum().clamp(min=1)


def _cells(truth: Truth, stride: int) -> tuple[Tensor, Tensor, Tensor]:
    """Columns, rows (n, K) int64, toward zero, and where they are labelled and in the image."""
    height, width = _raster(truth, stride)
    columns, rows = (truth.keypoints[..., :2] / stride).long().unbind(2)
    there = (truth.keypoints[..., 2] > 0) & (columns >= 0) & (rows >= 0)
    return columns, rows, there & (columns < width) & (rows < height)


def _raster(truth: Truth, stride: int) -> tuple[int, int]:
    """(height, width) in cells of an image alone, which is padded to multiples of 32."""
    height, width = (-(-side // 32) * 32 // stride for side in truth.size)
    return height, width


def _drawn(truth: Truth, stride: int) -> Tensor:
    """(K, h, w) of one image alone."""
    height, width = _raster(truth, stride)
    columns, rows, there = _cells(truth, stride)
    across = torch.arange(width, device=columns.device) - columns[..., None]
    down = torch.arange(height, device=rows.device) - rows[..., None]
    sigma, reach = SIGMAS[stride], REACHES[stride]
    maps = _bell(down, sigma, reach)[..., None] * _bell(across, sigma, reach)[..., None, :]
    maps = maps * there[..., None, None]
    return maps.amax(0) if len(maps) else maps.new_zeros(maps.shape[1:])


def _bell(steps: Tensor, sigma: float, reach: int) -> Tensor:
    return torch.exp(-steps.float().square() / (2 * sigma**2)) * (steps.abs() <= reach)
