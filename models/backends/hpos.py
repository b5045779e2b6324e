"""hpos: two stages, Mask R-CNN with more context for the keypoints; needs weights.

How it works, where weights come from and under which licence: docs/backends/hpos.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from data.frame import Image
from models import layouts
from models.backends import _options
from models.backends._network import Kind
from models.backends._views import PaddedPeople, Seen, Settings
from models.networks import hpos
from models.networks.hpos import Hpos
from models.preprocess import padded_bgr

NAME = "hpos"
KIND = Kind("hpos", hpos.VARIANTS, layouts.hpos_arguments, hpos.over_resnet, hpos.RENAMES)


class HposPeople(PaddedPeople):
    """A `PoseBackend` around hpos, one image or many at a time.

    A keypoint's score is the share of its map's soft-max around the peak
    (`models/ops/peaks.py`), the pose's is the box's.
    """

    def __init__(self, network: Hpos, device: str, settings: Settings) -> None:
        super().__init__(settings)
        self._network = network.to(device).eval()
        self._device = device

    def _seen(self, views: Sequence[Image], scale: float) -> Iterator[Seen]:
        answer = self._network(padded_bgr(views, self._device))
        for number, view in enumerate(views):
            found, keypoints = self._network.people(
                answer,
                number,
                (view.shape[0], view.shape[1]),
                least_score=self._settings.least_score,
                overlap=self._settings.overlap,
                most_people=self._settings.most_people,
            )
            yield Seen(found.boxes, found.scores, keypoints.points, keypoints.scores)


def build(
    weights: Path | None,
    device: str,
    *,
    variant: str = "auto",
    least_score: float = 0.05,
    overlap: float = 0.5,
    most_people: int = 100,
    side: int = 800,
    longest: int = 1333,
    scales: str = "1",
    flip: bool = False,
) -> HposPeople:
    """hpos with the settings it was published with; random numbers where `weights` is None.

    `variant` is r50 or r101; with auto it is what the checkpoint holds, r50 without one. People of
    at most `least_score` are dropped; `overlap` is the IoU above which the weaker of two boxes
    goes. `side` and `longest` are the pixels that an image's shorter side is brought to and the
    longer may have. `scales` reads every image at several multiples of that, `flip` also mirrored;
    neither is part of the published method. Raises ConfigError for an option out of range,
    WeightsError for a checkpoint of another network.
    """
    _options.check_choice(NAME, "variant", variant, ("auto", *hpos.VARIANTS))
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
    return HposPeople(KIND.network(weights, variant), device, settings)
