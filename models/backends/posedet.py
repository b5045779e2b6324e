"""PoseDet: one stage, cells that look at the keypoints they guess; needs weights.

How it works, where weights come from and under which licence: docs/backends/posedet.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from data.frame import Image
from data.pose import Pose
from data.skeleton import Skeleton
from models.backends import _options
from models.backends._views import pose_around
from models.folding import folded
from models.posedet_checkpoints import (
    DLA34,
    KEYPOINTS,
    SKELETONS,
    VARIANTS,
    W48,
    trained,
    untrained,
)
from models.posedet_people import Candidates, candidates, people, turned_back
from models.preprocess import normalised

NAME = "posedet"
SIDE, SIDES = 512, {W48: 640}  # in pixels; the published settings of W48 mean 640 and take 512
LONGEST = 25 / 16  # the longer side's limit, as a share of the shorter's: 800 x 512, 1000 x 640
OVERLAPS = {"coco": 0.2, "crowdpose": 0.3}  # OKS above which the weaker of two poses goes
AUTO = "auto"
FILL = 32  # the network's input is filled up with zeros to multiples of it


@dataclass(frozen=True, slots=True)
class Settings:
    """How images are read and who is handed out; `build` says what each means.

    `sizes` are pixels of the shorter side and what the longer may have, of each reading.
    """

    sizes: tuple[tuple[int, int], ...]
    flip: bool
    least_score: float
    overlap: float
    most_people: int
    most_per_level: int


class PoseDetPeople:
    """A `PoseBackend` around a PoseDet network.

    The network has no confidence of single keypoints: each has its pose's score, 0..1. A person's
    box is the one around the keypoints, grown by a fifth.
    """

    def __init__(
        self, network: nn.Module, skeleton: Skeleton, settings: Settings, device: str
    ) -> None:
        self.skeleton = skeleton
        self._network = network.to(device).eval()
        self._settings, self._device = settings, device

    def poses(self, image: Image) -> list[Pose]:
        """The people of one RGB image (h, w, 3), best first."""
        return self.batch([image])[0]

    def batch(self, images: Sequence[Image]) -> list[list[Pose]]:
        """The people of several RGB images of any sizes, each image's best first.

        Those that are read at one size go through the network together; others do not, so nobody's
        poses depend on the company.
        """
        views: list[list[Candidates]] = [[] for _ in images]
        for side, longest in self._settings.sizes:
            for size, members in _by_size(images, side, longest).items():
                for mirrored in (False, True)[: 1 + self._settings.flip]:
                    seen = self._seen([images[place] for place in members], size, mirrored)
                    for place, view in zip(members, seen, strict=True):
                        views[place].append(view)
        return [
            self._people(of_image, image) for of_image, image in zip(views, images, strict=True)
        ]

    def _seen(
        self, images: Sequence[Image], size: tuple[int, int], mirrored: bool
    ) -> list[Candidates]:
        """What the network says of images brought to `size`, in pixels of each image itself."""
        small: list[Image] = [
            np.asarray(cv2.resize(np.ascontiguousarray(image), size), np.uint8) for image in images
        ]
        if mirrored:
            small = [image[:, ::-1] for image in small]
        settings = self._settings
        with torch.inference_mode():
            levels = self._network(_filled(normalised(small, self._device)))
            found = candidates(
                levels, size=size, most=settings.most_per_level, least_score=settings.least_score
            )
        back = []
        for view, image in zip(found, images, strict=True):
            height, width = image.shape[:2]
            zoom = torch.tensor([size[0] / width, size[1] / height])
            view = Candidates(view.points / zoom, view.scores)
            back.append(turned_back(view, width, self._mirror(view)) if mirrored else view)
        return back

    def _mirror(self, view: Candidates) -> tuple[int, ...]:
        """Which keypoint takes whose place; those that the skeleton lacks keep theirs."""
        return (*self.skeleton.mirror, *range(len(self.skeleton), view.points.shape[1]))

    def _people(self, views: Sequence[Candidates], image: Image) -> list[Pose]:
        if not views:
            return []
        settings = self._settings
        found = people(views, self.skeleton, overlap=settings.overlap, most=settings.most_people)
        rows = zip(found.points.numpy(), found.scores.tolist(), strict=True)
        return [
            pose_around(points, np.full(len(points), score, np.float32), score, image)
            for points, score in rows
        ]


def build(
    weights: Path | None,
    device: str,
    *,
    variant: str = "auto",
    keypoint_set: str = "auto",
    least_score: float = 0.05,
    overlap: float | None = None,
    most_people: int = 100,
    most_per_level: int = 500,
    side: int | None = None,
    longest: int | None = None,
    scales: str = "1",
    flip: bool = False,
) -> PoseDetPeople:
    """PoseDet with the settings it was published with; random numbers where `weights` is None.

    `variant` is dla34, hrnet_w32 or hrnet_w48, `keypoint_set` coco or crowdpose; with auto they are
    what the checkpoint holds, dla34 and coco without one. `least_score` drops weaker people,
    `most_per_level` keeps so many cells of a level, and `overlap` is the OKS above which the weaker
    of two poses goes (the keypoint set's own: 0.2, or 0.3 for CrowdPose). `side` and `longest` are
    the pixels that an image's shorter side is brought to and the longer may have (512, or 640 for
    hrnet_w48; 25/16 of it). `scales` reads every image at several multiples of that, `flip` also
    mirrored. Raises ConfigError for an option out of range, WeightsError for a checkpoint of
    another network.
    """
    _options.check_choice(NAME, "variant", variant, (AUTO, *VARIANTS))
    _options.check_choice(NAME, "keypoint_set", keypoint_set, (AUTO, *KEYPOINTS))
    _options.check(NAME, "most_per_level", most_per_level, 1, 100_000)
    _options.check_usual(
        NAME,
        least_score=least_score,
        overlap=overlap,
        most_people=most_people,
        side=side,
        longest=longest,
    )
    shares = _options.numbers(NAME, "scales", scales)
    wanted = None if variant == AUTO else variant
    wanted_set = None if keypoint_set == AUTO else keypoint_set
    if weights is None:
        own = wanted or DLA34
        network = untrained(own, wanted_set or "coco")
    else:
        network, own = trained(weights, wanted, wanted_set)
    own_set = next(name for name, count in KEYPOINTS.items() if count == network.keypoints)
    shorter = SIDES.get(own, SIDE) if side is None else side
    longer = int(shorter * LONGEST) if longest is None else longest
    settings = Settings(
        sizes=tuple((round(share * shorter), round(share * longer)) for share in shares),
        flip=flip,
        least_score=least_score,
        overlap=OVERLAPS[own_set] if overlap is None else overlap,
        most_people=most_people,
        most_per_level=most_per_level,
    )
    return PoseDetPeople(folded(network), SKELETONS[network.keypoints], settings, device)


def _by_size(images: Sequence[Image], side: int, longest: int) -> dict[tuple[int, int], list[int]]:
    """The places of the images that have pixels, by the size (width, height) they are read at."""
    groups: dict[tuple[int, int], list[int]] = {}
    for place, image in enumerate(images):
        if not image.size:
            continue
        height, width = image.shape[:2]
        share = min(longest / max(height, width), side / min(height, width))
        size = max(1, int(width * share + 0.5)), max(1, int(height * share + 0.5))
        groups.setdefault(size, []).append(place)
    return groups


def _filled(batch: Tensor) -> Tensor:
    """(N, 3, h, w) with zeros to the right and below, up to multiples of FILL."""
    height, width = batch.shape[2:]
    return nn.functional.pad(batch, (0, -width % FILL, 0, -height % FILL))
