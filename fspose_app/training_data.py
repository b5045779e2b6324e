"""What a training of the family learns from: annotated images, the training packs, drawn people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from data.annotated_images import (
    AnnotatedImages,
    AnnotatedPeople,
    AnnotatedPictures,
    read_annotated,
)
from data.drawn_packs import DrawnPeople, DrawnPictures
from data.errors import ConfigError
from data.flat_images import lend
from data.image_store import open_images, require
from data.people_set import Flags, PeopleSet, PictureSet, Some
from data.training_packs import PACKED, read_people, read_pictures
from fspose_app.train_config import FamilyFinder, FamilySlow, TrainSettings
from models.training.family import Material
from models.training.pose import SPORTS_SHARE

CACHE = "cache"  # in the run's folder, where none is named

People = list[tuple[PeopleSet, float]]
Pictures = list[tuple[PictureSet, float]]


def cache_of(settings: FamilySlow | FamilyFinder) -> Path:
    """Where decoded pictures are kept. Raises ConfigError where nothing says it."""
    if settings.cache is not None:
        return settings.cache
    if settings.out is None:
        raise ConfigError("Without --out the packs' decoded pictures need a folder: give --cache.")
    return settings.out / CACHE


@contextmanager
def borrowed_cache(settings: TrainSettings) -> Iterator[TrainSettings]:
    """The settings with a cache that is gone afterwards: decoded pictures that lie in their own one
    are read from there, others are decoded for the time being."""
    packs = getattr(settings, "packs", None)
    if packs is None:
        yield settings
        return
    own = getattr(settings, "cache", None) or (settings.out or Path()) / CACHE
    with TemporaryDirectory(prefix="fspose-") as folder:
        for name in PACKED:
            lend(own / name, Path(folder) / name)
        yield settings.model_copy(update={"cache": Path(folder)})


def material(settings: FamilySlow | FamilyFinder) -> Material:
    """Everything that settings name. Raises AnnotationError, SourceError and ConfigError."""
    people: People = []
    pictures: Pictures = []
    names: list[str] = []
    notes: list[str] = []
    for path, images in _with_images(settings):
        found = _annotated(path, images)
        held = np.zeros(len(found.names), bool)
        if settings.val is None:
            held = found.every(settings.hold_out)
        _add(found, held, people, pictures)
        notes += found.notes(path)
        names.append(f"{path.name} ({len(found.images)} people, {len(found.names)} images)")
    if settings.val is not None:
        found = _annotated(settings.val, settings.images[0])
        _add(found, np.ones(len(found.names), bool), people, pictures)
        notes += found.notes(settings.val)
    if settings.packs is not None:
        packs = read_people(settings.packs, cache_of(settings))
        whole = read_pictures(settings.packs, cache_of(settings))
        known = packs.absent_is_known
        for own, share in ((known, 1 - SPORTS_SHARE), (~known, SPORTS_SHARE)):
            people.append((Some(packs, np.flatnonzero(own)), share * len(packs)))
        pictures.append((whole, float(len(whole))))
        names.append(f"packs ({len(packs)} people, {len(whole)} pictures)")
    if settings.drawn:
        people.append((DrawnPeople(settings.drawn), float(settings.drawn)))
        pictures.append((DrawnPictures(settings.drawn), float(settings.drawn)))
        names.append(f"drawn ({settings.drawn})")
    return Material(tuple(people), tuple(pictures), " and ".join(names), tuple(notes))


def _with_images(settings: FamilySlow | FamilyFinder) -> list[tuple[Path, Path]]:
    """Each annotation path with the place of its images."""
    many, images = settings.annotations, settings.images
    if len(images) == 1:
        images = images * len(many)
    if len(images) != len(many):
        raise ConfigError(
            f"There are {len(many)} --annotations and {len(images)} --images. Give one --images "
            "for all, or one for each in the same order."
        )
    return list(zip(many, images, strict=True))


def _annotated(path: Path, images: Path) -> AnnotatedImages:
    found = read_annotated(path, open_images(images))
    require(found.store, found.names)
    return found


def _add(found: AnnotatedImages, held: Flags, people: People, pictures: Pictures) -> None:
    persons = AnnotatedPeople(found, held[list(found.images)])
    people.append((persons, float(len(persons))))
    pictures.append((AnnotatedPictures(found, held), float(len(found.names))))
