"""What settings leave to the source, one pass or two above all, and the pipeline for either."""

from __future__ import annotations

from data.errors import ConfigError
from fspose_app import build
from fspose_app.config import FUSION, TrackSettings
from models import device
from models.topdown import TopDown
from pipelines.fast_slow import FastSlow
from pipelines.fusion import FastOnly, TwoMaps
from pipelines.pipeline import LatePipeline, Pipeline
from pipelines.scout import Eyes
from pipelines.smoothing import Smoothing
from pipelines.spans import Rhythm
from pipelines.timing import Clock
from pipelines.two_pass import TwoPass

TWO_PASS_BY_DEFAULT = True  # of files, where the settings say nothing: docs/two-pass.md has why
TWO_PASS_FUSION = "fast-only"  # there, where the settings say nothing: docs/two-pass.md has why
CARRYING = "two-maps"  # there, with maps carried from both sides
FUSIONS = (CARRYING, "fast-only")  # that there are with a keyframe on either side


def in_two(settings: TrackSettings, *, live: bool) -> bool:
    """Whether there are two passes. Raises ConfigError where they were asked for and cannot be."""
    reason = _hindrance(settings, live)
    if settings.two_pass and reason:
        raise ConfigError(f"{reason} Give --causal, or leave --two-pass out.")
    if settings.two_pass is None:
        return TWO_PASS_BY_DEFAULT and not reason
    return settings.two_pass


def settled(settings: TrackSettings, *, live: bool) -> TrackSettings:
    """The settings with `two_pass` and `fusion` as they are for such a source.

    Weights for a transfer network are given to be used, so they bring back the fusion that does.
    Raises what `in_two` does.
    """
    two_pass = in_two(settings, live=live)
    usual = FUSION
    if two_pass:
        usual = CARRYING if "transfer" in settings.weights else TWO_PASS_FUSION
    return settings.model_copy(update={"two_pass": two_pass, "fusion": settings.fusion or usual})


@device.one_thread()
def pipeline(
    settings: TrackSettings, want: build.Wanted, clock: Clock, *, live: bool
) -> tuple[Pipeline | LatePipeline, build.Models]:
    """The scheme that `settings` name for such a source, and who takes part in it.

    Raises what `build.pipeline` does.
    """
    settings = settled(settings, live=live)
    if not settings.two_pass:
        return build.pipeline(settings, want, clock)
    plain = settings.model_copy(update={"smooth": False})
    scheme, models = build.pipeline(plain, want, clock)
    assert isinstance(scheme, FastSlow)
    return two_pass(scheme, settings, clock), models


def two_pass(scheme: FastSlow, settings: TrackSettings, clock: Clock) -> TwoPass:
    """The same networks in two passes."""
    assert isinstance(scheme.fast, TopDown)
    assert isinstance(scheme.fusion, (TwoMaps, FastOnly))
    smoothing = Smoothing()
    if settings.smooth is False:
        smoothing = Smoothing(cutoff=None, fill=smoothing.fill)
    return TwoPass(
        eyes=Eyes(
            finder=scheme.finder,
            slow=scheme.slow,
            fast=scheme.fast,
            weak_score=scheme.weak_score,
            weak_fast_score=scheme.weak_fast_score,
            clock=clock,
        ),
        transfer=scheme.fusion.transfer if isinstance(scheme.fusion, TwoMaps) else None,
        padding=scheme.padding,
        interval=settings.interval,
        rhythm=Rhythm(settings.search_interval, min(Rhythm().stride, settings.search_interval)),
        tracking=scheme.tracking,
        smoothing=smoothing,
        fast_peak=scheme.fusion.fast_peak,
    )


def _hindrance(settings: TrackSettings, live: bool) -> str:
    """Why there cannot be two passes, in one sentence; '' where there can."""
    if live:
        return "A camera or stream has no frames ahead, which two passes need."
    if settings.scheme != "fast-slow":
        return f"The scheme {settings.scheme} has no keyframes, which two passes need."
    if settings.keyframes != "every":
        return "Adaptive keyframes are chosen frame by frame, which two passes do not."
    if settings.fusion not in (None, *FUSIONS):
        return f"The fusion {settings.fusion} looks back alone; two passes have two-maps for it."
    return ""
