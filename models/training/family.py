"""The embedded family's courses: finder, slow, fast and transfer network for 19 keypoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from data.errors import AnnotationError, ConfigError, WeightsError
from data.people_set import PeopleSet, PictureSet
from data.posetrack_set import AnnotatedSet
from data.skeleton import FSPOSE_19
from models import weights, zoo
from models.folding import folded
from models.training import finder as finding
from models.training import transfer as transferring
from models.training.course import Course, Role
from models.training.examples import Lesson
from models.training.finder_lesson import FinderLesson
from models.training.mixture import Mixture, Source
from models.training.pairs_lesson import DrawnPairs, FamilyStoredPairs
from models.training.people_lesson import PeopleLesson, Raster, Teacher
from models.training.pose import PLANS
from models.training.published.course import pairs_settings
from models.training.published.pairs import Pairs
from models.training.published.people import subjects
from models.training.records import described

FINAL = "final"
PADDING = 1.25

PoseNetwork = Literal["hrnet", "plain", "mobilenet"]


@dataclass(frozen=True, slots=True)
class Material:
    """Sets to learn from, each with the odds it is drawn by, and what is known of them in text.

    `names` goes into a run's settings: it must be the same when the run is gone on with.
    """

    people: tuple[tuple[PeopleSet, float], ...]
    pictures: tuple[tuple[PictureSet, float], ...]
    names: str
    notes: tuple[str, ...] = ()


def pose(
    role: Literal["slow", "fast"],
    material: Material,
    *,
    network: PoseNetwork,
    width: int | None,
    size: tuple[int, int] | None,
    sigma: float | None,
    teacher: Path | None,
    seed: int,
) -> Course:
    """A network on people's crops. AnnotationError where there is nobody; WeightsError."""
    learnt, measured = _split(material.people)
    sources = [Source(own, chosen, odds) for own, chosen, odds in learnt if len(chosen)]
    if not sources:
        raise AnnotationError(f"{material.names}: nobody has a keypoint to learn from.")
    rasters = _rasters(role, size, sigma)
    last = rasters[-1]
    lesson = PeopleLesson(
        Mixture(sources, _nobody(material.pictures)),
        rasters,
        tuple(Source(own, chosen, 1.0) for own, chosen in measured),
        None if teacher is None else _teacher(teacher),
    )
    name, arguments = pose_network(network, width)
    reads = {"size": list(last.size), "padding": PADDING, "sigma": last.sigma}
    settings = {
        "size": " ".join(f"{r.size[0]}x{r.size[1]}" for r in rasters),
        "sigma": last.sigma,
        "teacher": "none" if teacher is None else teacher.name,
    }
    shape = (3, last.size[1], last.size[0])
    course = _course(role, name, arguments, reads, lesson, settings, (shape,), seed)
    return _of(course, material)


def finder(material: Material, *, width: int | None, trunk: Path | None, seed: int) -> Course:
    """The person finder. AnnotationError where there are no pictures; WeightsError for a trunk."""
    sets = [own for own in material.pictures if not bool(own[0].held_out.all())]
    if not sets or not any(len(own) for own, _ in sets):
        raise AnnotationError(f"{material.names}: there are no pictures of people to learn from.")
    squares = finding.Squares(sets, _complete(sets[0][0]))
    _, measured = _split(material.pictures)
    waits = finding.TRUNK_LEARNS_FROM if trunk is not None else 0.0
    lesson = FinderLesson(squares, tuple(measured), waits)
    arguments = finder_arguments(width)
    reads = {
        "side": finding.READ_SIDE,
        "least_candidate": 0.12,  # the finder's own score, before its box is checked
        "least_score": 0.18,
        "overlap": finding.OVERLAP,
    }
    shape = (3, finding.READ_SIDE, finding.READ_SIDE)
    settings = {"trunk": "none" if trunk is None else trunk.name}
    course = _course("finder", "finder", arguments, reads, lesson, settings, (shape,), seed)
    if trunk is not None:
        _lend(course.network, trunk)
    return _of(course, material)


def stored_pairs(
    annotated: AnnotatedSet,
    *,
    pairs: Pairs,
    heatmaps: Mapping[str, Path | None],
    support_range: int,
    width: int | None,
    sigma: float | None,
    seed: int,
) -> Course:
    """The slim transfer network on two databases. Raises AnnotationError and StoreError."""
    lesson = FamilyStoredPairs(
        subjects(annotated),
        pairs=pairs,
        slow=heatmaps.get("slow"),
        fast=heatmaps.get("fast"),
        annotations=annotated.sha256,
        support_range=support_range,
        sigma=sigma or transferring.SIGMAS[0 if pairs != "fast" else 1],
        skeleton=FSPOSE_19,
    )
    settings = pairs_settings("slim_transfer", lesson, annotated, seed)
    return replace(_transfer(lesson, width, lesson.shapes, settings, seed), notes=lesson.notes)


def drawn_pairs(lesson: DrawnPairs, names: str, *, width: int | None, seed: int) -> Course:
    """The slim transfer network on pairs of clips and stills that two networks have read."""
    side = transferring.SIZE
    shapes = ((len(FSPOSE_19), side[1], side[0]),) * 2
    return _transfer(lesson, width, shapes, {"learns from": names}, seed)


# With fewer channels torch 2.15's convolutions write beyond their memory, where two threads share a
# batch of odd size whose channels come last.
LEAST_PLAIN = 16


def pose_network(network: PoseNetwork, width: int | None) -> tuple[str, dict[str, Any]]:
    """A pose network's name and arguments: the family's own, or one of another width."""
    plans = {plan.network: plan.arguments for plan in PLANS.values()}
    if network == "mobilenet":
        return network, {"keypoints": len(FSPOSE_19), "width": width or 32}
    own = dict(plans[network])
    if width is not None and network == "hrnet":
        own |= {"width": width, "stem": width}
    if width is not None and network == "plain":
        if width < LEAST_PLAIN:
            raise ConfigError(
                f"--width {width} is too narrow for plain; it begins at {LEAST_PLAIN}."
            )
        own |= {"widths": tuple(width * level for level in (1, 2, 3, 4))}
    return network, own


def finder_arguments(width: int | None) -> dict[str, Any]:
    """The finder's arguments: the family's, or those of one with a trunk of another width."""
    own = finding.ARGUMENTS
    if width is None:
        return own
    return {"trunk": {**own["trunk"], "width": width, "stem": width}, "head": 2 * width}


def _rasters(role: str, size: tuple[int, int] | None, sigma: float | None) -> tuple[Raster, ...]:
    """The family's growing crops, or one size all the way."""
    own = [Raster(start, reads, spread) for start, reads, spread, _ in PLANS[role].rasters]
    if size is not None:
        own = [Raster(0.0, size, own[-1].sigma)]
    return tuple(raster if sigma is None else replace(raster, sigma=sigma) for raster in own)


def _split(sets: Sequence[tuple[Any, float]]) -> tuple[list[Any], list[Any]]:
    """Each set with the places to learn from and its odds, and those to measure on."""
    learnt = [(own, np.flatnonzero(~own.held_out), odds) for own, odds in sets]
    held = [(own, np.flatnonzero(own.held_out)) for own, _ in sets]
    return learnt, [(own, chosen) for own, chosen in held if len(chosen)]


def _nobody(pictures: Sequence[tuple[PictureSet, float]]) -> PictureSet | None:
    """Where crops of nobody are cut: the first pictures that are not drawn anew each time."""
    return pictures[0][0] if pictures else None


def _complete(pictures: PictureSet) -> np.ndarray:
    whole = getattr(pictures, "complete", np.ones(len(pictures), bool))
    return np.flatnonzero(~pictures.held_out & whole)


def _transfer(
    lesson: Lesson,
    width: int | None,
    shapes: tuple[tuple[int, ...], ...],
    settings: Mapping[str, object],
    seed: int,
) -> Course:
    arguments = transferring.ARGUMENTS | ({} if width is None else {"channels": width})
    reads = {"size": [shapes[0][2], shapes[0][1]]}
    return _course("transfer", "slim_transfer", arguments, reads, lesson, settings, shapes, seed)


def _course(
    role: Role,
    network: str,
    arguments: Mapping[str, Any],
    reads: Mapping[str, Any],
    lesson: Lesson,
    settings: Mapping[str, object],
    shapes: tuple[tuple[int, ...], ...],
    seed: int,
) -> Course:
    description = zoo.Description(network, arguments, FSPOSE_19.name, role, reads)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        built = zoo.unbuilt(description).to(memory_format=torch.channels_last)
    told = {"network": f"{role} {network} {dict(arguments)}", **settings, "seed": seed}
    return Course(role, built, lesson, told, described(description), shapes, FINAL)


def _of(course: Course, material: Material) -> Course:
    settings = {**course.settings, "learns from": material.names}
    return replace(course, settings=settings, notes=(*course.notes, *material.notes))


def _teacher(path: Path) -> Teacher:
    """A trained slow network: a file that describes itself, or weights of the family's own."""
    model = zoo.described(path)
    if model is None:
        plan = PLANS["slow"]
        net, size = zoo.unbuilt(_described(plan.network, plan.arguments)), plan.rasters[-1][1]
    else:
        net, size = zoo.unbuilt(model.description), tuple(model.description.input["size"])
    weights.load(net, path)
    return Teacher(folded(net.float().eval()), size)


def _described(network: str, arguments: Mapping[str, Any]) -> zoo.Description:
    return zoo.Description(network, arguments, FSPOSE_19.name, "slow", {})


def _lend(network: nn.Module, path: Path) -> None:
    """Give a finder's trunk the entries of a slow network's file. Raises WeightsError."""
    trunk, lent = network.get_submodule("trunk"), weights.read(path)
    own = trunk.state_dict()
    unlike = [n for n, t in own.items() if n not in lent or lent[n].shape != t.shape]
    if unlike:
        raise WeightsError(
            f"{path} lends no trunk: {len(unlike)} of {len(own)} entries are missing or of another "
            f"shape, the first is {unlike[0]}. Give a slow network of the same --width."
        )
    trunk.load_state_dict({name: lent[name] for name in own})
