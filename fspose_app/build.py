"""Settings become networks and a pipeline: the only place that chooses classes.

It brings in torch, which takes over a second; commands import it inside their function.
"""

from __future__ import annotations

import hashlib
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

from data.errors import ConfigError
from fspose_app.config import DetectSettings, NetworkSettings, Role, TrackSettings
from models import backends, device, zoo
from models.backends.base import PoseBackend
from models.backends.embedded import Embedded
from models.finder import Finder
from models.topdown import FlipTest, TopDown
from models.warp import Warp
from pipelines import fusion
from pipelines.every_frame import EveryFrame
from pipelines.fast_slow import FastSlow
from pipelines.keyframes import Every
from pipelines.people import FromBackend, FromDetector, PeopleFinder
from pipelines.pipeline import HeatmapNet, Pipeline
from pipelines.timing import Clock

EMBEDDED = "embedded"
# Of the embedded family, whose scores share one scale. Chosen by hand between the pipeline's
# defaults and stricter values, which showed fewer strangers in the drawn demo with older weights.
WEAK_SCORE, WEAK_FAST_SCORE = 0.2, 0.1
FLIP_SHIFT = 1  # cell to the right, as HRNet's SHIFT_HEATMAP; the embedded nets gain by it too
LEAST_SCORE = 0.1  # of a backend's pose that is taken for a person's, on every frame

Models = tuple[tuple[str, str], ...]
"""Names of networks, each with the SHA-256 of its weights."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What settings say of networks, with the device that `auto` became."""

    settings: NetworkSettings
    device: str

    @property
    def family(self) -> Path:
        return self.settings.family or zoo.BUNDLED

    def finder(self) -> Finder:
        least_score = self._least_score()
        file = self.settings.weights.get("finder")
        return zoo.finder(self.device, self.family, least_score=least_score, checkpoint=file)

    def net(self, role: zoo.Role) -> TopDown:
        file = self.settings.weights.get(role)
        return zoo.topdown(role, self.device, self.family, checkpoint=file)

    def slow(self) -> TopDown | FlipTest:
        """The slow network, reading everyone twice where that is wanted."""
        net = self.net("slow")
        return FlipTest(net, shift=FLIP_SHIFT) if self.settings.flip_test else net

    def warp(self) -> Warp:
        file = self.settings.weights.get("transfer")
        return zoo.warp(self.device, self.family, checkpoint=file)

    def backend(self) -> PoseBackend:
        """The backend by name; one that comes without weights must be given some."""
        settings = self.settings
        file = settings.weights.get("backend")
        if file is None:
            backends.describe(settings.backend)  # an unknown name is the first thing to tell
            raise ConfigError(
                f"Backend '{settings.backend}' comes without weights. "
                "Give it a checkpoint with --weights backend=FILE."
            )
        options = dict(settings.backend_options)
        return backends.create(settings.backend, weights=file, device=self.device, **options)

    def models(self, roles: Set[Role]) -> Models:
        """Who took part. Raises ConfigError for weights that nobody asked for."""
        unused = sorted(set(self.settings.weights) - roles)
        if unused:
            raise ConfigError(
                f"Weights for '{unused[0]}' were given, but this run has networks for "
                f"{', '.join(sorted(roles))} only."
            )
        return tuple(self._model(role) for role in sorted(roles))

    def _model(self, role: Role) -> tuple[str, str]:
        file = self.settings.weights.get(role)
        if file is not None:
            return f"{role}: {file.name}", hashlib.sha256(file.read_bytes()).hexdigest()
        assert role != "backend", "a backend's weights are always given"
        model = zoo.of_role(role, self.family)
        return model.name, model.sha256 or ""

    def _least_score(self) -> float | None:
        """The embedded finder's only option."""
        options = dict(self.settings.backend_options)
        value = options.pop("least_score", None)
        if options:
            raise ConfigError(
                f"Backend '{EMBEDDED}' has no option '{min(options)}'; it has: least_score."
            )
        if value is None:
            return None
        if isinstance(value, (bool, str)) or not 0 <= value <= 1:
            raise ConfigError(f"The option least_score is {value!r}, expected 0 to 1.")
        return float(value)


def wanted(settings: NetworkSettings) -> Wanted:
    """The device is chosen and torch's threads are set here, once. Raises ConfigError."""
    if settings.threads is not None:
        device.use_threads(settings.threads)
    return Wanted(settings, device.choose(settings.device))


def pipeline(settings: TrackSettings, want: Wanted, clock: Clock) -> tuple[Pipeline, Models]:
    """The scheme that `settings` name, and who takes part in it.

    Raises UnknownBackend, ConfigError, WeightsError.
    """
    if settings.scheme == "every-frame":
        backend, models = single_images(want)
        return EveryFrame(backend=backend, weak_score=LEAST_SCORE, clock=clock), models
    finder: PeopleFinder
    roles: set[Role] = {"slow", "fast"}
    if settings.backend == EMBEDDED:
        finder = FromDetector(want.finder().find)
        roles.add("finder")
    else:
        finder = FromBackend(want.backend())
        roles.add("backend")
    transfer = None
    if settings.fusion != "fast-only":
        transfer = want.warp()
        roles.add("transfer")
    scheme = FastSlow(
        finder=finder,
        slow=want.slow(),
        fast=want.net("fast"),
        fusion=fusion.create(
            settings.fusion,
            interval=settings.interval,
            resampling="smooth",
            transfer=transfer,
            light_transfer=transfer,
        ),
        keyframes=Every(settings.interval),
        padding=float(zoo.of_role("slow", want.family).description.input["padding"]),
        search_interval=settings.search_interval,
        weak_score=WEAK_SCORE,
        weak_fast_score=WEAK_FAST_SCORE,
        clock=clock,
    )
    return scheme, want.models(roles)


def single_images(want: Wanted) -> tuple[PoseBackend, Models]:
    """What finds the people of one image with their keypoints, and who takes part in it."""
    if want.settings.backend != EMBEDDED:
        return want.backend(), want.models({"backend"})
    embedded = Embedded(want.finder(), want.slow())
    return embedded, want.models({"finder", "slow"})


def net_on_boxes(settings: DetectSettings, want: Wanted) -> tuple[HeatmapNet, Models]:
    """The slow or the fast net alone, for people whose boxes are known."""
    net = want.slow() if settings.net == "slow" else want.net(settings.net)
    return net, want.models({settings.net})
