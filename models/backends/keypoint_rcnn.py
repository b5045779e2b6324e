"""Keypoint R-CNN: torchvision's two-stage network, boxes first and a keypoint head on each box.

How it works, where weights come from and under which licence: docs/backends/keypoint_rcnn.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models.detection import KeypointRCNN

from data.frame import Image
from data.pose import Pose
from data.skeleton import COCO_17
from models import layouts
from models.backends import _options
from models.backends._network import check_keypoints
from models.backends._views import PeopleInViews, Seen, Settings, as_poses
from models.networks import keypoint_rcnn
from models.ops.peaks import peak_shares
from models.weights import adopt, read, renamed

NAME = "keypoint_rcnn"


class TorchvisionPeople(PeopleInViews):
    """A `PoseBackend` around torchvision's network, one image or many at a time.

    A keypoint's score is the share of its map's soft-max around the peak
    (`models/ops/peaks.py`): torchvision hands out the map's highest number, which has no scale.
    """

    def __init__(self, network: KeypointRCNN, device: str, settings: Settings) -> None:
        super().__init__(settings)
        self._network = network.to(device).eval()
        self._device = device
        heads = network.roi_heads
        heads.score_thresh, heads.nms_thresh = settings.least_score, settings.overlap
        heads.detections_per_img = settings.most_people

    def _view(self, image: Image, scale: float) -> Image:
        return image  # torchvision brings it to size

    def _raster(self, view: Image, scale: float) -> tuple[int, ...]:
        return view.shape[:2]

    def _seen(self, views: Sequence[Image], scale: float) -> Iterator[Seen]:
        side, longest = self._settings.size(scale)
        self._network.transform.min_size, self._network.transform.max_size = (side,), longest
        pixels = [self._pixels(view, longest) for view in views]
        maps: list[Tensor] = []

        def keep(_: nn.Module, __: object, output: Tensor) -> None:
            maps.append(peak_shares(output.float()))

        watched = self._network.roi_heads.keypoint_predictor.register_forward_hook(keep)
        try:
            found = self._network(pixels)
        finally:
            watched.remove()
        shares = torch.split(torch.cat(maps), [len(people["boxes"]) for people in found])
        for people, share in zip(found, shares, strict=True):
            yield Seen(people["boxes"], people["scores"], people["keypoints"][..., :2], share)

    def _poses(self, seen: Seen, image: Image) -> list[Pose]:
        """torchvision takes COCO's whole numbers as they are."""
        return as_poses(seen, 0.0)

    def _pixels(self, view: Image, longest: int) -> Tensor:
        """(3, h, w) RGB in 0..1, with black below and on the right of what would vanish."""
        height, width = view.shape[:2]
        least = -(-max(height, width) // longest) + 1  # of which a pixel is left
        more = (max(0, least - height), max(0, least - width))
        whole = np.pad(view, ((0, more[0]), (0, more[1]), (0, 0))) if any(more) else view
        pixels = torch.from_numpy(np.ascontiguousarray(whole)).to(self._device)
        return pixels.permute(2, 0, 1).float() / 255


def build(
    weights: Path | None,
    device: str,
    *,
    least_score: float = 0.05,
    overlap: float = 0.5,
    most_people: int = 100,
    side: int = 800,
    longest: int = 1333,
    scales: str = "1",
    flip: bool = False,
) -> TorchvisionPeople:
    """Keypoint R-CNN with torchvision's own settings; random numbers where `weights` is None.

    Without a checkpoint the trunk is a ResNet-50. People of at most `least_score` are dropped;
    `overlap` is the IoU above which the weaker of two boxes goes. `side` and `longest` are the
    pixels that an image's shorter side is brought to and the longer may have. `scales` reads every
    image at several multiples of that, `flip` also mirrored; neither is torchvision's. Nothing is
    fetched. Raises ConfigError for an option out of range, WeightsError for a checkpoint of
    another network.
    """
    _options.check_usual(
        NAME,
        least_score=least_score,
        overlap=overlap,
        most_people=most_people,
        side=side,
        longest=longest,
    )
    settings = Settings(
        side=side,
        longest=longest,
        scales=_options.numbers(NAME, "scales", scales),
        flip=flip,
        least_score=least_score,
        overlap=overlap,
        most_people=most_people,
    )
    return TorchvisionPeople(_network(weights), device, settings)


def _network(path: Path | None) -> KeypointRCNN:
    if path is None:
        return keypoint_rcnn.keypoint_rcnn(keypoints=len(COCO_17))
    entries = read(path)
    is_old = keypoint_rcnn.OLD_ENTRY in entries
    entries = renamed(entries, keypoint_rcnn.RENAMES, path)
    found = layouts.keypoint_rcnn_arguments(entries) or {"keypoints": len(COCO_17)}
    with torch.device("meta"):
        network = keypoint_rcnn.keypoint_rcnn(**found)
    adopt(network, entries, path)
    check_keypoints(found["keypoints"], "Keypoint R-CNN", path)
    if is_old:
        keypoint_rcnn.use_old_variance(network)
    return network.float()
