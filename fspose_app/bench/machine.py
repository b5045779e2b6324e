"""The machine: what the figures of a benchmark were measured on, and what it could do at best."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from fspose_app import __version__, build
from fspose_app.bench.apart import Tell
from fspose_app.bench.job import Machine
from fspose_app.config import TrackSettings
from models import peak
from models.runtimes.base import PACKAGES, cores
from models.runtimes.passes import beside_int8

LIBRARIES = ("numpy", "av")


def machine(settings: TrackSettings, tell: Tell) -> Machine:
    """Raises ConfigError for a runtime, device or number of threads that is not there."""
    want = build.wanted(settings)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    best = peak.measured(want.placing, want.device)
    return Machine(
        processor=_processor(),
        system=f"{platform.system()} {platform.machine()}",
        cores=cores(),
        threads=settings.threads or cores(),
        device=want.device,
        runtime=want.runtime,
        precision=_precision(want),
        load=load,
        matrix=best.matrix,
        convolution=best.convolution,
        versions=_versions(dict.fromkeys((*LIBRARIES, "torch", *PACKAGES[want.runtime]))),
    )


def better(first: Machine, second: Machine) -> Machine:
    """The first, with the higher peaks of both."""
    return replace(
        first,
        matrix=max(first.matrix, second.matrix),
        convolution=max(first.convolution, second.convolution),
    )


def _precision(want: build.Wanted) -> str:
    """With int8 also what networks without ranges are in, such as the transfer network."""
    return f"int8 and {beside_int8(want.runtime)}" if want.precision == "int8" else want.precision


def _versions(packages: Mapping[str, object]) -> dict[str, str]:
    found = {"fspose": __version__, "python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not a package of this environment"
    return found


def _processor() -> str:
    """The processor's name where the system tells it."""
    told = Path("/proc/cpuinfo")
    if told.exists():
        for line in told.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
