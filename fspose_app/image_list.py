"""ImageList: the images that a person named, each with its id, and the names that led nowhere."""

from __future__ import annotations

import glob
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from data.coco import CocoAnnotations
from data.draft import Draft
from data.errors import AnnotationError, FsposeError, SourceError
from data.sources.folder import images_among


@dataclass(frozen=True, slots=True)
class ImageList:
    """Ids and paths in order, and an error for each name or image that cannot be in the list."""

    images: tuple[tuple[int, Path], ...]
    failed: tuple[FsposeError, ...]

    @property
    def total(self) -> int:
        """How many inputs there were: images, and names that led to none."""
        return len(self.images) + len(self.failed)


def list_images(names: Sequence[str], annotations: CocoAnnotations | None) -> ImageList:
    """Files, folders and globs as images; ids from `annotations`, else from 1 in order."""
    paths: list[Path] = []
    failed: list[FsposeError] = []
    for name in names:
        try:
            paths.extend(_named(name))
        except SourceError as error:
            failed.append(error)
    if annotations is None:
        return ImageList(tuple(enumerate(paths, 1)), tuple(failed))
    places = _by_last_name(annotations)
    images = []
    for path in paths:
        try:
            images.append((_id_of(path, places), path))
        except AnnotationError as error:
            failed.append(error)
    return ImageList(tuple(images), tuple(failed))


def nothing_read(failed: Sequence[FsposeError]) -> FsposeError:
    """What to tell where every single input failed."""
    if len(failed) == 1:
        return failed[0]
    return SourceError(f"None of {len(failed)} inputs could be read. The first: {failed[0]}")


def write_image_list(path: Path, images: Sequence[tuple[int, Path]]) -> None:
    """Store ids and file names, as COCO's `images` has them. Raises OutputError."""
    entries = [{"id": number, "file_name": str(image)} for number, image in images]
    with Draft(path) as draft:
        draft.write(json.dumps({"images": entries}, indent=1) + "\n")


def _named(name: str) -> list[Path]:
    path = Path(name)
    if path.is_file():
        return [path]
    is_pattern = glob.has_magic(name) and not path.is_dir()
    if not path.is_dir() and not is_pattern:
        raise SourceError(f"{name}: no such file or folder. Check the name.")
    try:
        matches = map(Path, glob.iglob(name, recursive=True)) if is_pattern else path.iterdir()
        found = images_among(matches)
    except OSError as error:
        raise SourceError(f"{name}: cannot be listed ({error.strerror}).") from error
    if not found:
        raise SourceError(f"{name}: {'matches' if is_pattern else 'a folder with'} no image.")
    return found


def _by_last_name(annotations: CocoAnnotations) -> dict[str, list[tuple[int, str]]]:
    """Ids and full names of an annotation file's images, by the last part of the name."""
    places: dict[str, list[tuple[int, str]]] = {}
    for image in annotations.images.values():
        last = PurePosixPath(image.file_name).name
        places.setdefault(last, []).append((image.id, image.file_name))
    return places


def _id_of(path: Path, places: Mapping[str, list[tuple[int, str]]]) -> int:
    """The image's id; where several share its name, the one whose folders fit too."""
    candidates = places.get(path.name, [])
    if len(candidates) > 1:
        whole = f"/{path.resolve().as_posix()}"
        candidates = [(n, name) for n, name in candidates if whole.endswith(f"/{name}")]
    if len(candidates) != 1:
        count = "no" if not candidates else "more than one"
        raise AnnotationError(f"{path}: {count} image of that name in the annotations.")
    return candidates[0][0]
