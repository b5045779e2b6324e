"""Opening the two heatmap databases of a replay: files of fspose, or published folders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from data.crop import Crop
from data.errors import AnnotationError, StoreError
from data.heatmap_file import HeatmapFile, told
from data.heatmap_store import UNKNOWN, HeatmapStore, Key
from data.posetrack_set import AnnotatedSet
from data.skeleton import FSPOSE_19, POSETRACK_17, SKELETONS, Skeleton
from fspose_app.config import NetName
from pipelines.heatmap_job import Subject
from pipelines.replay_stores import Stores, Track, padding_of, require

STRIDE, PADDING = 4, 1.25  # of the published networks' maps and crops (FSPose specification 1.3)
_BY_COUNT = {len(skeleton): skeleton for skeleton in (POSETRACK_17, FSPOSE_19)}


@dataclass(frozen=True, slots=True)
class Source:
    """A database, the keypoints of its maps, and what made them: a name and a SHA-256."""

    store: HeatmapStore
    skeleton: Skeleton
    network: str
    weights: str


@contextmanager
def open_stores(
    slow: Path,
    fast: Path,
    annotated: AnnotatedSet,
    people: Mapping[Key, Subject],
    tracks: tuple[Track, ...],
) -> Iterator[tuple[Stores, Mapping[NetName, Source]]]:
    """Both databases, of these annotations, the keyframes' slow maps and all fast maps in them.

    Raises StoreError where it is not so.
    """
    if not people:
        raise AnnotationError("Nobody is annotated with a keypoint and a box inside the image.")
    with ExitStack() as stack:
        sources: dict[NetName, Source] = {
            "slow": _open(stack, slow, "slow", annotated, people),
            "fast": _open(stack, fast, "fast", annotated, people),
        }
        first, second = (source.skeleton for source in sources.values())
        if first.keypoints != second.keypoints:
            raise StoreError(
                f"The maps of {slow} are of {first.name}, those of {fast} of {second.name}. "
                "Give databases of two networks of one kind."
            )
        visits = [visit for track in tracks for visit in track]
        keyframes = [visit.subject.key for visit in visits if visit.age == 0]
        require(sources["slow"].store, keyframes, str(slow))
        require(sources["fast"].store, [visit.subject.key for visit in visits], str(fast))
        yield (
            Stores(
                slow=sources["slow"].store,
                fast=sources["fast"].store,
                slow_name=str(slow),
                fast_name=str(fast),
                skeleton=first,
                padding=padding_of(sources["slow"].store.get(keyframes[0]), visits[0]),
            ),
            sources,
        )


def _open(
    stack: ExitStack,
    path: Path,
    net: NetName,
    annotated: AnnotatedSet,
    people: Mapping[Key, Subject],
) -> Source:
    if path.is_dir():
        return _folder(path, people)
    store = stack.enter_context(HeatmapFile.read(path))
    header = store.header
    if header.net != net:
        raise StoreError(f"{path} holds the maps of a {header.net} network, expected a {net} one.")
    if header.annotations != annotated.sha256:
        raise StoreError(
            f"{path} was made for other annotations: {told(header.annotations)}, and these are "
            f"{told(annotated.sha256)}."
        )
    return Source(store, SKELETONS[header.skeleton], header.network, header.weights)


def _folder(path: Path, people: Mapping[Key, Subject]) -> Source:
    """A published folder, which says nothing of itself; its first file tells the maps' shape."""
    from models.torch_store import TorchFolder, path_of, read_maps  # brings in torch

    first = next((path_of(path, key) for key in people if path_of(path, key).is_file()), None)
    if first is None:
        example = path_of(path, next(iter(people)))
        raise StoreError(f"{path} holds nobody who is annotated; expected files as {example}.")
    keypoints, height, width = read_maps(first).shape
    if keypoints not in _BY_COUNT:
        raise StoreError(f"{first} holds maps of {keypoints} keypoints, expected 17 or 19.")
    size = STRIDE * width, STRIDE * height
    crops = {key: Crop.around(one.box, size, PADDING) for key, one in people.items()}
    return Source(TorchFolder(path, crops), _BY_COUNT[keypoints], f"folder {path.name}", UNKNOWN)
