"""FCPose: one stage, a small network of its own for every person found; needs weights.

How it works, where weights come from and under which licence: docs/backends/fcpose.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from data.frame import Image
from models import layouts
from models.backends import _options
from models.backends._network import Kind
from models.backends._views import PaddedPeople, Seen, Settings
from models.networks import fcpose
from models.networks.fcpose import FCPose
from models.preprocess import padded_bgr

NAME = "fcpose"
KIND = Kind(
    "FCPose", fcpose.VARIANTS, layouts.fcpose_arguments, fcpose.of_arguments, fcpose.RENAMES
)
SIZES = {3: (512, 736), 5: (800, 1333)}  # by the number of levels: shorter side, longest side


class OneStagePeople(PaddedPeople):
    """A `PoseBackend` around FCPose, one image or many at a time.

    A keypoint's score is the share of its map's soft-max around the peak
    (`models/ops/peaks.py`), the pose's is the box's.
    """

    def __init__(self, network: FCPose, device: str, settings: Settings) -> None:
        super().__init__(settings)
        self._network = network.to(device).eval()
        self._device = device

    def _seen(self, views: Sequence[Image], scale: float) -> Iterator[Seen]:
        answer = self._network(padded_bgr(views, self._device))
        for number in range(len(views)):
            found, keypoints = self._network.people(
                answer,
                number,
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
    overlap: float = 0.6,
    most_people: int = 100,
    side: int | None = None,
    longest: int | None = None,
    scales: str = "1",
    flip: bool = False,
) -> OneStagePeople:
    """FCPose with the settings it was published with; random numbers where `weights` is None.

    `variant` is r50, r101, dla34 or dla34-shared; with auto it is what the checkpoint holds, r50
    without one. Cells that are a person's with less than `least_score` are not looked at; what
    remains is scored by the root of that times how much in a box's middle the cell lies.
    `overlap` is the IoU above which the weaker of two boxes goes. `side` and `longest` are the
    pixels that an image's shorter side is brought to and the longer may have (the variant's own:
    800 and 1333, or 512 and 736 for dla34). `scales` reads every image at several multiples of
    that, `flip` also mirrored; neither is part of the published method. Raises ConfigError for
    an option out of range, WeightsError for a checkpoint of another network.
    """
    _options.check_choice(NAME, "variant", variant, ("auto", *fcpose.VARIANTS))
    _options.check_usual(
        NAME,
        least_score=least_score,
        overlap=overlap,
        most_people=most_people,
        side=side,
        longest=longest,
    )
    network = KIND.network(weights, variant)
    own_side, own_longest = SIZES[len(network.strides)]
    settings = Settings(
        side=own_side if side is None else side,
        longest=own_longest if longest is None else longest,
        scales=_options.numbers(NAME, "scales", scales),
        flip=flip,
        least_score=least_score,
        overlap=overlap,
        most_people=most_people,
    )
    return OneStagePeople(network, device, settings)
