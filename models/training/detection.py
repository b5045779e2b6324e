"""What one-stage and two-stage detectors are taught: whole images with everyone on them.

A detector is one file, `models/training/detectors/NAME.py`, with a class that fills `Detector` and
a function `build(**settings) -> Detector`; the folder is the registry (`detectors.create`). The
file says how the network is built (variant, width, trunk, frozen stages), how images vary
(of the parts in `models/training/views.py`), what the losses are, and which backend reads images
with it. All else is here and in `models/training/loop.py`: batches, padding, colours, the held-out
figure, checkpoints, resuming. What a person may set is a class in
`fspose_app/train_detectors.py`, and the published recipes are `fspose_app/presets/NAME/*.yaml`;
the command comes of itself.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from data.frame import Image
from data.pose import Floats, Pose
from data.scenes import Scene, SceneSet
from data.skeleton import Skeleton
from models.backends.base import PoseBackend
from models.training.course import Course
from models.training.examples import Batch, Draw, Lap, Taught, prepared
from models.training.records import bare

FINAL = "final"
Integers = NDArray[np.int64]


class People(NamedTuple):
    """The n people of one image of a batch, in pixels of the network's input.

    `boxes` (n, 4): left, top, right, bottom. `keypoints` (n, K, 3): x, y and a flag, more than 0
    where known. `areas` (n,): square pixels of the person. `labelled` (n,): how many keypoints the
    annotation has, also beyond the image. `size`: the image's (height, width) before padding.
    """

    boxes: Tensor
    keypoints: Tensor
    areas: Tensor
    labelled: Tensor
    size: tuple[int, int]


class Detector(Protocol):
    """A method, in one variant with one set of settings.

    `skeleton` has the annotated keypoints that are read, in their order; `shift` is added to their
    x and y and to nothing else (COCO's whole numbers are pixels' centres: 0.5 makes them
    continuous coordinates, as the boxes are). Batches are padded to multiples of `multiple`.
    Images are learnt from where so many keypoints are labelled on all people together as
    `least_keypoints` says. `input` is a shape (3, h, w) that images have in use, for the cost.
    """

    @property
    def name(self) -> str: ...

    @property
    def skeleton(self) -> Skeleton: ...

    @property
    def shift(self) -> float: ...

    @property
    def multiple(self) -> int: ...

    @property
    def least_keypoints(self) -> int: ...

    @property
    def input(self) -> tuple[int, int, int]: ...

    @property
    def settings(self) -> Mapping[str, object]:
        """What a run that is gone on with must share with its beginning, beside the plan."""

    def network(self) -> nn.Module:
        """A fresh one of torch's random numbers, its trunk loaded and its first stages frozen
        where the settings say so. Raises WeightsError and ConfigError."""

    def start(self, network: nn.Module, path: Path) -> None:
        """Fill a network from a whole checkpoint of the method. Raises WeightsError."""

    def varied(self, scene: Scene, rng: np.random.Generator) -> Scene:
        """An image and its people as they are learnt from; all randomness is `rng`'s.

        Keypoints may become more than the skeleton's. SourceError where it cannot be done."""

    def normalised(self, pixels: Tensor) -> Tensor:
        """The network's colours of (N, 3, h, w) RGB in 0..255; padding becomes 0 after it."""

    def loss(
        self, network: nn.Module, images: Tensor, people: Sequence[People]
    ) -> Mapping[str, Tensor]:
        """The parts of the loss of a batch (N, 3, h, w), whose sum is minimised."""

    def backend(self, network: nn.Module, device: str) -> PoseBackend:
        """The network as it is used, to be measured on held-out images; it is not copied."""


class SceneBatch(NamedTuple):
    """N scenes, padded to one size and one number of people.

    `pixels` (N, h, w, 3) uint8 RGB; `sizes` (N, 2) int64, height and width before padding;
    `counts` (N,) int64 people. `boxes` (N, P, 4), `keypoints` (N, P, K, 3), `areas` and `labelled`
    (N, P), as in `People`; rows from an image's count on mean nothing.
    """

    pixels: Image
    sizes: Integers
    counts: Integers
    boxes: Floats
    keypoints: Floats
    areas: Floats
    labelled: Floats

    @classmethod
    def of(cls, scenes: Sequence[Scene], multiple: int) -> SceneBatch:
        """Scenes as one batch; images are padded on the right and below, up to multiples."""
        sizes = np.array([scene.image.shape[:2] for scene in scenes], np.int64)
        height, width = (-(-side // multiple) * multiple for side in sizes.max(0).tolist())
        pixels = np.zeros((len(scenes), height, width, 3), np.uint8)
        for place, scene in zip(pixels, scenes, strict=True):
            place[: scene.image.shape[0], : scene.image.shape[1]] = scene.image
        counts = np.array([len(scene.people.boxes) for scene in scenes], np.int64)
        parts = zip(*(scene.people for scene in scenes), strict=True)
        return cls(pixels, sizes, counts, *(_filled(part, int(counts.max())) for part in parts))

    def people(self, device: str) -> list[People]:
        """Each image's people."""
        found = []
        for image, count in enumerate(self.counts.tolist()):
            boxes, keypoints, areas, labelled = (
                torch.from_numpy(part[image, :count]).to(device) for part in self[3:]
            )
            height, width = self.sizes[image].tolist()
            found.append(People(boxes, keypoints, areas, labelled, (height, width)))
        return found


def _filled(parts: Sequence[Floats], most: int) -> Floats:
    """Rows of several images as one array, with zeros where an image has fewer."""
    filled = np.zeros((len(parts), most, *parts[0].shape[1:]), np.float32)
    for place, part in zip(filled, parts, strict=True):
        place[: len(part)] = part
    return filled


@dataclass(frozen=True, slots=True, eq=False)
class Exam:
    """Held-out images, and what makes a figure (more is better) of their found people in order."""

    scenes: SceneSet
    chosen: Integers
    mark: Callable[[Sequence[Sequence[Pose]]], float]


@dataclass(frozen=True, slots=True, eq=False)
class DetectionLesson:
    """The scenes of a set at `chosen` places; `exam` is measured on.

    As in detectron2 wide and high images do not share a batch but in an epoch's last ones, where
    `by_shape`: less of a batch is padding.
    """

    detector: Detector
    scenes: SceneSet
    chosen: Integers
    exam: Exam | None = None
    by_shape: bool = True

    def __len__(self) -> int:
        return len(self.chosen)

    def batches(self, lap: Lap) -> Generator[Batch, None, None]:
        """Scene batches."""

        def make(draw: Draw) -> Batch:
            scenes = [self._scene(index, draw.rng(index)) for index in draw.indices]
            return SceneBatch.of(scenes, self.detector.multiple)

        kinds = self.scenes.wide[self.chosen] if self.by_shape else None
        return prepared(make, len(self), lap, kinds)

    def _scene(self, index: int, rng: np.random.Generator) -> Scene:
        image, people = self.scenes.scene(int(self.chosen[index]))
        keypoints = people.keypoints.copy()
        keypoints[..., :2] += self.detector.shift * (keypoints[..., 2:] > 0)
        return self.detector.varied(Scene(image, people._replace(keypoints=keypoints)), rng)

    def loss(self, network: nn.Module, batch: Batch, device: str, share: float) -> Taught:
        scenes = SceneBatch(*batch)
        images = read(scenes, self.detector, device)
        parts = self.detector.loss(network, images, scenes.people(device))
        return Taught(torch.stack(list(parts.values())).sum())

    def measure(self, network: nn.Module, device: str) -> float | None:
        """The exam's figure; None without one."""
        if self.exam is None:
            return None
        backend = self.detector.backend(network.eval(), device)
        images = (self.exam.scenes.scene(int(place)).image for place in self.exam.chosen)
        return self.exam.mark([backend.poses(image) for image in images])


def read(batch: SceneBatch, detector: Detector, device: str) -> Tensor:
    """A batch's pixels as the network reads them, (N, 3, h, w), 0 where they are padding.

    Bytes travel to the device, not floats: a quarter of the traffic.
    """
    pixels = torch.from_numpy(batch.pixels).to(device).permute(0, 3, 1, 2).float()
    images = detector.normalised(pixels)
    for image, (height, width) in zip(images, batch.sizes.tolist(), strict=True):
        image[:, height:] = 0
        image[:, :, width:] = 0
    return images


def course(detector: Detector, lesson: DetectionLesson, names: str, seed: int) -> Course:
    """A detector and its lesson as a course; `names` says what is learnt from.

    Raises what building the network raises.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = detector.network()

    def fill(network: nn.Module, path: Path) -> tuple[str, ...]:
        detector.start(network, path)
        return ()

    settings = {**detector.settings, "learns from": names, "seed": seed}
    form, inputs = bare(None), (detector.input,)
    return Course(detector.name, network, lesson, settings, form, inputs, FINAL, fill=fill)
