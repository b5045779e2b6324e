"""Networks of the scheme that come as exported files: no weights of torch are read for them.

The file's own stamp says what its door must know. The head is in the file.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from data.errors import ConfigError, WeightsError
from data.skeleton import SKELETONS, Skeleton
from models.finder import CheckedFinder, Finder
from models.networks.finder import Found
from models.runtimes import files
from models.runtimes.base import SUFFIXES, Name, Precision, Session, cores
from models.runtimes.passes import create
from models.runtimes.stamp import Stamp
from models.runtimes.whole import Kind
from models.topdown import TopDown, raw_maps
from models.warp import Warp


def is_exported(path: Path | None) -> bool:
    """Whether a file is, by its name, an exported one that another runtime than torch runs."""
    return path is not None and path.suffix in (SUFFIXES["onnx"], SUFFIXES["openvino"])


class Handed(nn.Module):
    """A file's session as a network: tensors on the CPU in and out.

    `form` makes the network's answer of its tensors, without it the only one.
    """

    def __init__(self, session: Session, form: Callable[..., Any] = lambda only: only) -> None:
        super().__init__()
        self._session, self._form = session, form

    def forward(self, *inputs: Tensor) -> Any:
        answers = self._session([np.ascontiguousarray(entry.numpy()) for entry in inputs])
        return self._form(*map(torch.from_numpy, answers))


Opener = Callable[[Path, Kind], tuple[Stamp, Session]]


def opener(name: Name, threads: int | None, precision: Precision) -> Opener:
    """What opens exported files of a kind for the runtime of that name.

    It raises ConfigError for a runtime that does not run the file, and for an int8 file where that
    was not asked for; WeightsError for a file that is damaged, of another version or kind.
    """

    def opened(path: Path, kind: Kind) -> tuple[Stamp, Session]:
        if name == "torch":
            raise ConfigError(
                f"{path} is an exported file, which torch does not run. "
                "Give it --runtime openvino or onnx."
            )
        stamp, session = files.opened(path, create(name, threads or cores(), precision))
        if stamp.kind != kind:
            raise WeightsError(f"{path} holds a {stamp.kind} network, expected a {kind} one.")
        if stamp.precision == "int8" and precision != "int8":
            raise ConfigError(f"{path} calculates in int8. Say so too: --precision int8.")
        return stamp, session

    return opened


def topdown(path: Path, opened: Opener) -> TopDown:
    """The slow or the fast network of an exported file; raises what `opened` does."""
    stamp, session = opened(path, "topdown")
    (shape,) = stamp.shapes
    return TopDown(
        Handed(session),
        size=(shape[2], shape[1]),
        padding=float(_note(path, stamp, "padding")),
        skeleton=_skeleton(path, str(_note(path, stamp, "skeleton"))),
        device="cpu",
        head=raw_maps,
        peak=float(_note(path, stamp, "peak")),
    )


def finder(
    path: Path, opened: Opener, net: TopDown, *, least_score: float | None, most: int
) -> CheckedFinder:
    """The finder of an exported file, its boxes checked by `net`; raises what `opened` does.

    Without `least_score` at the one that the file recommends.
    """
    stamp, session = opened(path, "finder")
    overlap = float(_note(path, stamp, "overlap"))
    found = Finder(
        Handed(session, Found),
        side=int(_note(path, stamp, "side")),
        least_score=float(_note(path, stamp, "least_candidate")),
        overlap=overlap,
        most=most,
        device="cpu",
    )
    least = float(_note(path, stamp, "least_score") if least_score is None else least_score)
    return CheckedFinder(found, net, least_score=least, overlap=overlap, most=most)


def warp(path: Path, opened: Opener, skeleton: Skeleton) -> Warp:
    """The transfer network of an exported file, for people of that skeleton."""
    stamp, session = opened(path, "transfer")
    if stamp.shapes[0][0] != len(skeleton):
        raise WeightsError(
            f"{path} carries {stamp.shapes[0][0]} maps, {skeleton.name} has {len(skeleton)}."
        )
    return Warp(Handed(session), "cpu")


def _note(path: Path, stamp: Stamp, name: str) -> Any:
    if name not in stamp.notes:
        raise WeightsError(f"{path} does not say its {name}. Export it again.")
    return stamp.notes[name]


def _skeleton(path: Path, name: str) -> Skeleton:
    if name not in SKELETONS:
        raise WeightsError(f"{path} is for the skeleton {name!r}, which is unknown here.")
    return SKELETONS[name]
