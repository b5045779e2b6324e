"""The merged JSON of many videos: what PoseWarper and FSPose train and validate on."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from collections.abc import Sequence as Several
from pathlib import Path, PurePosixPath
from typing import Any

from data.annolist import frame_number
from data.draft import Draft
from data.errors import AnnotationError
from data.json_fields import load_json, shown
from data.posetrack import (
    Annotated,
    Person,
    Sequence,
    frames_of,
    image_entry,
    length_of,
    person_entry,
)
from data.posetrack_fields import CATEGORY

_LEAST_ID = 10**10  # PoseTrack18's ids begin here (FSPose specification 6.4)


def read_merged(path: Path) -> tuple[Sequence, ...]:
    """The sequences of a merged JSON, in name order; AnnotationError."""
    return sequences_of(load_json(path), path)


def sequences_of(content: Any, path: Path) -> tuple[Sequence, ...]:
    """The sequences in a merged JSON's content, told apart by the folders of their images.

    A sequence bears its folder's name, and the folder's folder before it where two groups of
    PoseTrack17 have a video of the same name. AnnotationError where a folder is none that a file
    could be named after, such as `..`: names become names of files (`prepare --split`).
    """
    frames = frames_of(content, path)
    videos: dict[PurePosixPath, list[int]] = {}
    for index, frame in enumerate(frames):
        videos.setdefault(PurePosixPath(frame.frame_name).parent, []).append(index)
    names = [folder.name for folder in videos]
    sequences = []
    for folder, places in videos.items():
        is_alone = names.count(folder.name) == 1
        name = folder.name if is_alone else "_".join(folder.parts[-2:])
        if name.startswith(".") or "/" in name or "\\" in name:
            raise AnnotationError(
                f"{path}: images[{places[0]}].file_name: {shown(frames[places[0]].frame_name)} "
                "names no video. Expected a path such as "
                "'images/val/000342_mpii_test/000017.jpg'."
            )
        own = tuple(frames[place] for place in places)
        nframes = content["images"][places[0]].get("nframes")
        sequences.append(Sequence(name or path.stem, own, length_of(own, nframes)))
    return tuple(sorted(sequences, key=lambda sequence: sequence.name))


def write_merged(
    sequences: Several[Sequence], path: Path, show: Callable[[int], None] = lambda done: None
) -> None:
    """Store sequences as one merged JSON (FSPose specification 6.2); `show` gets frames done.

    Every frame must have a size and every person a box. Ids of PoseTrack18 are kept, others count
    from 1. The file gets its name when it is whole. Raises OutputError.
    """
    numbered = _numbered(sequences)
    with Draft(path) as draft:
        draft.write('{"images":[')
        draft.write(",\n".join(_dumped(_image(*entry)) for entry in numbered))
        draft.write('],\n"annotations":[')
        separator = ""
        count = 0
        for done, (frame, _, image_id) in enumerate(numbered, 1):
            for index, person in enumerate(frame.people):
                count += 1
                entry = _annotation(person, image_id, index, count)
                draft.write(separator + _dumped(entry))
                separator = ",\n"
            show(done)
        draft.write(f'],\n"categories":[{_dumped(CATEGORY)}]}}\n')


def _numbered(sequences: Several[Sequence]) -> list[tuple[Annotated, Sequence, int]]:
    """Every frame with its sequence and its id in the merged file."""
    free = itertools.count(1)
    used: set[int] = set()
    numbered = []
    for sequence in sequences:
        ids = {frame.id for frame in sequence.frames}
        keeps = min(ids, default=0) >= _LEAST_ID and not ids & used
        for frame in sequence.frames:
            image_id = frame.id if keeps else next(free)
            used.add(image_id)
            numbered.append((frame, sequence, image_id))
    return numbered


def _image(frame: Annotated, sequence: Sequence, image_id: int) -> dict[str, Any]:
    if frame.size is None:
        raise ValueError(f"{frame.frame_name} has no size")
    number = frame_number(frame.frame_name)
    is_counted = image_id < _LEAST_ID
    frame_id = number if is_counted and number is not None else image_id
    return image_entry(frame, sequence) | {"id": image_id, "frame_id": frame_id}


def _annotation(person: Person, image_id: int, index: int, count: int) -> dict[str, Any]:
    if person.box is None:
        raise ValueError(f"a person of image {image_id} has no box")
    entry = person_entry(person, image_id, index)
    _, _, width, height = entry["bbox"]
    number = entry["id"] if image_id >= _LEAST_ID else count
    return entry | {"id": number, "area": width * height, "iscrowd": 0}


def _dumped(entry: dict[str, Any]) -> str:
    return json.dumps(entry, separators=(",", ":"), allow_nan=False)
