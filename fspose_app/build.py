"""Settings become networks and a pipeline: the only place that chooses classes.

It brings in torch, which takes over a second; commands import it inside their function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from data.errors import ConfigError
from data.skeleton import Skeleton
from fspose_app import adaptive
from fspose_app.config import (
    BenchSettings,
    DetectSettings,
    HeatmapSettings,
    NetworkSettings,
    ReplaySettings,
    Role,
    RunSettings,
    SchemeSettings,
)
from fspose_app.console import Console
from models import archives, backends, checkpoints, device, published, zoo
from models.backends.base import PoseBackend
from models.backends.embedded import Embedded
from models.finder import CheckedFinder
from models.runtimes import base as runtimes
from models.runtimes import handed, whole
from models.runtimes.cache import Cache
from models.runtimes.passes import Placing, beside_int8, placing
from models.runtimes.ranges import RangesOf
from models.runtimes.whole import Picture, Whole
from models.topdown import FlipTest, TopDown
from models.warp import Warp
from pipelines import fusion
from pipelines.budget import Budget
from pipelines.every_frame import EveryFrame
from pipelines.fast_slow import FastSlow
from pipelines.keyframes import Every, First
from pipelines.one_euro import Smoothed
from pipelines.people import FromBackend, FromDetector, PeopleFinder
from pipelines.pipeline import HeatmapNet, Pipeline
from pipelines.schedule import Adaptive
from pipelines.timing import Clock
from pipelines.tracker import Tracking

EMBEDDED = "embedded"
COMPILED = "compiled"  # the folder of compiled networks, beside that of fetched ones
# Of the embedded family, whose scores share one scale. Chosen by hand between the pipeline's
# defaults and stricter values, which showed fewer strangers in the drawn demo with older weights.
WEAK_SCORE, WEAK_FAST_SCORE = 0.2, 0.1
FLIP_SHIFT = 1  # cell to the right, as HRNet's SHIFT_HEATMAP; the embedded nets gain by it too
# Of a backend's pose whose box the slow network looks into: detectors hand out guesses from 0.05
# on, as benchmarks want it. One-stage scores are low (the root of two shares, in DirectPose their
# product); those of the two-stage ones are a soft-max of person and nobody, even at a half.
SURE_SCORE = 0.3
SURE_SCORES = {"directpose": 0.1, "hpos": 0.5, "keypoint_rcnn": 0.5}
LEAST_SCORE = 0.1  # of a backend's pose that is taken for a person's, on every frame

WarpRole = Literal["transfer", "light-transfer"]
Models = tuple[tuple[str, str], ...]
"""Names of networks, each with the SHA-256 of its weights."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What settings say of networks, with the device and the runtime that `auto` became."""

    settings: NetworkSettings
    device: str
    runtime: runtimes.Name = "torch"
    precision: runtimes.Precision = "float32"

    @property
    def effective(self) -> dict[str, str]:
        """What `auto` became, for the header of a result."""
        return {"device": self.device, "runtime": self.runtime}

    @property
    def placing(self) -> Placing:
        """Where the scheme's own networks run; other backends run in torch."""
        cache = Cache(published.home() / COMPILED, _note)
        threads = self.settings.threads
        return placing(self.runtime, threads, self.precision, device=self.device, cache=cache)

    @property
    def family(self) -> Path:
        return self.settings.family or zoo.BUNDLED

    def file(self, role: Role) -> Path | None:
        """The checkpoint that was given for a role; a fetched one may be given by its name."""
        given = self.settings.weights.get(role)
        if given is None or archives.parts(given):
            return given
        item = self._fetched(given)
        if item is None:
            return given
        path = item.path(published.models_folder())
        if not archives.parts(path):
            raise ConfigError(f"'{item.name}' is not fetched: run fspose models fetch {item.name}.")
        return path

    def weights_of(self, role: Role) -> Path:
        """The file of a role's weights: a given one, else the family's."""
        assert role != "backend", "the family has none"
        assert role != "light-transfer", "the family has none"
        return self.file(role) or zoo.of_role(role, self.family).path

    def finder(self) -> CheckedFinder:
        least_score = self._least_score()
        file = self.file("finder")
        if file is not None and handed.is_exported(file):
            checks = zoo.topdown("fast", self.device, self.family).placed(self.placing)
            most = zoo.MOST_PEOPLE
            return handed.finder(file, self._opener(), checks, least_score=least_score, most=most)
        finder = zoo.finder(self.device, self.family, least_score=least_score, checkpoint=file)
        self._tell_of_int8("finder", finder.finder.ranges)
        return finder.placed(self.placing)

    def net(self, role: checkpoints.NetRole) -> TopDown:
        given, known = self.settings.weights.get(role), self.settings.weights_as.get(role)
        if given is None and known is not None:
            raise ConfigError(f"--weights-as {role}={known} needs --weights {role}=FILE too.")
        item = published.find(known) if known is not None else None
        file = self.file(role)
        if file is not None and handed.is_exported(file):
            return handed.topdown(file, self._opener())
        if item is None and given is not None:
            item = self._fetched(given)
        net = checkpoints.topdown(role, self.device, self.family, checkpoint=file, known=item)
        self._tell_of_int8(role, net.ranges)
        return net.placed(self.placing)

    def _tell_of_int8(self, role: Role, ranges: RangesOf | None) -> None:
        """A line where int8 is wanted of a network that cannot have it."""
        if self.precision == "int8" and (ranges is None or ranges() is None):
            instead = beside_int8(self.runtime)
            _note(f"The {role} network has no ranges for int8, so it runs in {instead}.")

    def _opener(self) -> handed.Opener:
        return handed.opener(self.runtime, self.settings.threads, self.precision)

    def slow(self) -> TopDown | FlipTest:
        """The slow network, reading everyone twice where that is wanted."""
        net = self.net("slow")
        return FlipTest(net, shift=FLIP_SHIFT) if self.settings.flip_test else net

    def warp(self, role: WarpRole, skeleton: Skeleton) -> Warp:
        file = self.file(role)
        if file is not None and handed.is_exported(file):
            return handed.warp(file, self._opener(), skeleton)
        warp = checkpoints.warp(self.device, self.family, skeleton, checkpoint=file)
        return warp.placed(self.placing)

    def backend(self) -> PoseBackend:
        """The backend by name; one that comes without weights must be given some."""
        settings = self.settings
        file = self.file("backend")
        if file is None:
            backends.describe(settings.backend)  # an unknown name is the first thing to tell
            raise ConfigError(
                f"Backend '{settings.backend}' comes without weights. "
                "Give it a checkpoint with --weights backend=FILE."
            )
        options = dict(settings.backend_options)
        return backends.create(settings.backend, weights=file, device=self.device, **options)

    def sure_score(self) -> float:
        """From which on a backend's people are taken on keyframes; its option least_score, where it
        was given, is that too."""
        given = self.settings.backend_options.get("least_score")
        if isinstance(given, (int, float)):  # text was refused when the backend was built
            return float(given)
        return SURE_SCORES.get(self.settings.backend, SURE_SCORE)

    def models(self, roles: Set[Role]) -> Models:
        """Who took part. Raises ConfigError for weights that nobody asked for."""
        unused = sorted({*self.settings.weights, *self.settings.weights_as} - roles)
        if unused:
            raise ConfigError(
                f"Weights for '{unused[0]}' were given, but this run has networks for "
                f"{', '.join(sorted(roles))} only."
            )
        taken = [self._model(role) for role in sorted(roles)]
        if "finder" in roles:  # the family's fast network checks its boxes, whoever else is fast
            checker = zoo.of_role("fast", self.family)
            taken.append((checker.name, checker.sha256 or ""))
        return tuple(dict.fromkeys(taken))

    def _model(self, role: Role) -> tuple[str, str]:
        file = self.file(role)
        if file is not None:
            return f"{role}: {file.name}", archives.sha256(file)
        assert role != "backend", "a backend's weights are always given"
        assert role != "light-transfer", "it is only asked for where its weights are given"
        model = zoo.of_role(role, self.family)
        return model.name, model.sha256 or ""

    @staticmethod
    def _fetched(given: Path) -> published.Published | None:
        """The published checkpoint that is given by its name in place of a file."""
        named = (i for i in published.CATALOGUE if i.files and i.name == str(given))
        return None if archives.parts(given) else next(named, None)

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


def _note(text: str) -> None:
    Console().note(text)


def wanted(settings: NetworkSettings) -> Wanted:
    """Device and runtime are chosen and torch's threads set here, once. Raises ConfigError."""
    precision: runtimes.Precision = "float32"
    if isinstance(settings, (RunSettings, BenchSettings)):  # others have one of what files hold
        precision = settings.precision
    if settings.threads is not None:
        device.use_threads(settings.threads)
    only_cpu = settings.device == "auto" and settings.runtime in runtimes.FASTEST_FIRST
    chosen = "cpu" if only_cpu else device.choose(settings.device)
    runtime = runtimes.choose(settings.runtime, chosen, precision)
    if runtime != "torch" and settings.backend == EMBEDDED:
        device.use_threads(1)  # torch has little left to do, and must not take the cores for it
    return Wanted(settings, chosen, runtime, precision)


def pipeline(
    settings: SchemeSettings, want: Wanted, clock: Clock, tracking: Tracking | None = None
) -> tuple[Pipeline, Models]:
    """The scheme that `settings` name, and who takes part in it.

    `tracking` is what its tracker believes in, where that is not the default. Raises
    UnknownBackend, ConfigError, WeightsError.
    """
    tracking = tracking or Tracking()
    adaptive.check(settings)
    if settings.scheme == "every-frame":
        backend, models = single_images(want)
        scheme = EveryFrame(backend=backend, weak_score=LEAST_SCORE, tracking=tracking, clock=clock)
        return _smoothed(scheme, settings), models
    finder: PeopleFinder
    roles: set[Role] = {"slow", "fast"}
    if settings.backend == EMBEDDED:
        finder = FromDetector(want.finder().find)
        roles.add("finder")
    else:
        finder = FromBackend(want.backend(), want.sure_score())
        roles.add("backend")
    slow, fast = want.slow(), want.net("fast")
    if slow.skeleton.keypoints != fast.skeleton.keypoints:
        raise ConfigError(
            f"The slow network's keypoints are {slow.skeleton.name}, the fast network's "
            f"{fast.skeleton.name}. Give --weights of one kind for slow, fast and transfer."
        )
    how = settings.one_pass_fusion
    transfer, light = _warps(how, want, slow.skeleton, roles)
    fast_slow = FastSlow(
        finder=finder,
        slow=slow,
        fast=fast,
        fusion=fusion.create(
            how,
            interval=settings.interval,
            resampling="smooth",
            transfer=transfer,
            light_transfer=light,
            fast_peak=fast.peak,
        ),
        keyframes=Every(settings.interval) if settings.keyframes == "every" else First(),
        padding=slow.padding,
        search_interval=settings.search_interval,
        weak_score=WEAK_SCORE,
        weak_fast_score=WEAK_FAST_SCORE * fast.peak,
        tracking=tracking,
        adaptive=None if settings.keyframes == "every" else _schedule(settings, want),
        alone=fusion.FastOnly("smooth", fast.peak),
        clock=clock,
    )
    return _smoothed(fast_slow, settings), want.models(roles)


def _smoothed(scheme: Pipeline, settings: SchemeSettings) -> Pipeline:
    """The scheme with a One-Euro filter behind it, where that is wanted."""
    return Smoothed(pipeline=scheme) if settings.smooth else scheme


def _schedule(settings: SchemeSettings, want: Wanted) -> Adaptive:
    """Whose turn it is, with the prices of networks where there is a budget."""
    if settings.budget is None:
        return adaptive.adaptive(settings, None)
    return adaptive.adaptive(settings, _budget(settings.budget, settings, want))


def _budget(gmacs: float, settings: SchemeSettings, want: Wanted) -> Budget:
    """What networks cost is counted in torch, whatever runs them. Raises ConfigError."""
    for role in ("slow", "fast", "transfer"):
        if handed.is_exported(want.file(role)):
            raise ConfigError(
                f"What the exported {role} network costs is not known, so no budget can be kept. "
                "Give its checkpoint, or leave --budget out."
            )
    plain = replace(want, device="cpu", runtime="torch", precision="float32")
    slow, fast = plain.net("slow"), plain.net("fast")
    transfer, _ = _warps(settings.one_pass_fusion, plain, slow.skeleton, set())
    return adaptive.priced(gmacs, settings, slow, fast, transfer)


def _warps(
    name: str, want: Wanted, skeleton: Skeleton, roles: set[Role]
) -> tuple[Warp | None, Warp | None]:
    """The transfer nets of a fusion, for the slow and for the fast net's maps; tells `roles`."""
    if name == "fast-only":
        return None, None
    transfer = want.warp("transfer", skeleton)
    roles.add("transfer")
    if name != "three-maps-light" or "light-transfer" not in want.settings.weights:
        return transfer, transfer
    roles.add("light-transfer")
    return transfer, want.warp("light-transfer", skeleton)


def replayed_fusion(
    settings: ReplaySettings, want: Wanted, skeleton: Skeleton
) -> tuple[Callable[[fusion.Resampling, float], fusion.Fusion], Models]:
    """What makes the fusion for a way of resampling and a fast net's peak, and its networks."""
    roles: set[Role] = set()
    transfer, light = _warps(settings.fusion, want, skeleton, roles)
    if not roles and settings.weights:
        raise ConfigError(f"Weights were given, but '{settings.fusion}' needs no network.")

    def make(resampling: fusion.Resampling, fast_peak: float) -> fusion.Fusion:
        return fusion.create(
            settings.fusion,
            interval=settings.interval,
            resampling=resampling,
            transfer=transfer,
            light_transfer=light,
            fast_peak=fast_peak,
        )

    return make, want.models(roles)


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


def stored_net(settings: HeatmapSettings, want: Wanted) -> tuple[TopDown, Models]:
    """The slow or the fast net whose maps are to be stored."""
    return want.net(settings.net), want.models({settings.net})


def exportable(role: Role, want: Wanted, pictures: Sequence[Picture]) -> tuple[str, Whole]:
    """The network of a role under its name, with what it is tried on.

    Raises ConfigError, WeightsError.
    """
    roles: set[Role] = {role, "slow"} if role == "transfer" else {role}
    name, _ = want.models(roles)[sorted(roles).index(role)]
    if role == "finder":
        return name, whole.of_finder(want.finder(), pictures)
    if role == "transfer":
        net = want.net("slow")
        return name, whole.of_warp(want.warp("transfer", net.skeleton), net, pictures)
    return name, whole.of_topdown(want.net("slow" if role == "slow" else "fast"), pictures)
