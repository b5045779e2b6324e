"""Metered: what settings say of networks, with every pass of each counted under its role."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from data.skeleton import Skeleton
from fspose_app import build
from fspose_app.config import TrackSettings
from models.checkpoints import NetRole
from models.finder import CheckedFinder
from models.metering import FINDER, Meter
from models.runtimes.passes import Placing
from models.topdown import TopDown
from models.warp import Warp


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered(build.Wanted):
    """The wanted networks, each counted under its role wherever it runs."""

    meter: Meter
    role: str = ""

    @property
    def placing(self) -> Placing:
        return self.meter.placing(self.role, self.plain.placing)

    @property
    def plain(self) -> build.Wanted:
        """The same, uncounted."""
        return build.Wanted(
            **{part.name: getattr(self, part.name) for part in fields(build.Wanted)}
        )

    def finder(self) -> CheckedFinder:
        return build.Wanted.finder(replace(self, role=FINDER))

    def net(self, role: NetRole) -> TopDown:
        return build.Wanted.net(replace(self, role=role), role)

    def warp(self, role: build.WarpRole, skeleton: Skeleton) -> Warp:
        return build.Wanted.warp(replace(self, role=role), role, skeleton)


def metered(settings: TrackSettings) -> Metered:
    want = build.wanted(settings)
    return Metered(**{part.name: getattr(want, part.name) for part in fields(want)}, meter=Meter())
