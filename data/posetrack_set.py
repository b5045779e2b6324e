"""AnnotatedSet: the annotated videos of a folder or of one merged file, whatever their format."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from data.annolist import annolist_of, read_annolist
from data.errors import AnnotationError
from data.json_fields import load_bytes, parse_json
from data.merged import sequences_of
from data.pose import Box
from data.posetrack import Person, Sequence, sequence_of

SUFFIXES = (".json", ".mat")


@dataclass(frozen=True, slots=True, eq=False)
class AnnotatedSet:
    """Sequences in name order, and the SHA-256 over their files' bytes in name order."""

    sequences: tuple[Sequence, ...]
    sha256: str


def read_set(path: Path, show: Callable[[int], None] = lambda frames: None) -> AnnotatedSet:
    """The sequences of a folder of per-video files, or of one file, which may be a merged one.

    Each file's format is told by its content: PoseTrack18 or 21, PoseTrack17's annolist, merged;
    MATLAB files by their suffix. `show` gets the number of frames read so far. Raises
    AnnotationError for what cannot be read, for two files of one video, and where two annotated
    people of a frame have the same track (predictions may, as published ones do).
    """
    digest = hashlib.sha256()
    sequences: dict[str, Sequence] = {}
    frames = 0
    for file in _files(path):
        content = load_bytes(file)
        digest.update(content)
        for sequence in _sequences(file, content, alone=not path.is_dir()):
            if sequence.name in sequences:
                raise AnnotationError(f"{path}: holds two files of video {sequence.name}.")
            _check_tracks(sequence, file)
            sequences[sequence.name] = sequence
            frames += len(sequence.frames)
            show(frames)
    ordered = sorted(sequences.values(), key=lambda sequence: sequence.name)
    return AnnotatedSet(tuple(ordered), digest.hexdigest())


def cleaned(box: Box, size: tuple[int, int]) -> Box | None:
    """A box cut to an image of `size` (width, height), or None where nothing is left of it.

    As published (FSPose specification 1.3): the last pixel's index is the edge, so that the box
    becomes one pixel narrower and lower.
    """
    left, top = max(0.0, box.left), max(0.0, box.top)
    right = min(size[0] - 1.0, left + max(0.0, box.width - 1))
    bottom = min(size[1] - 1.0, top + max(0.0, box.height - 1))
    if box.area <= 0 or right < left or bottom < top:
        return None
    return replace(box, left=left, top=top, right=right, bottom=bottom)


def usable_box(person: Person, size: tuple[int, int]) -> Box | None:
    """The cleaned box of a person with a keypoint, or None of one whom the published code drops.

    That is who has no box, no keypoint (FSPose specification 6.2), or no box inside the image.
    """
    if person.box is None or max(person.keypoints.max(), person.visibility.max()) <= 0:
        return None
    return cleaned(person.box, size)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise AnnotationError(f"{path}: no such file or folder.")
    try:
        found = sorted(file for file in path.iterdir() if _is_annotation(file))
    except OSError as error:
        raise AnnotationError(f"{path}: cannot be read ({error.strerror or error}).") from error
    if not found:
        raise AnnotationError(
            f"{path}: a folder without annotation files ({', '.join(SUFFIXES)}). "
            "Name the folder of one split, such as annotations/val."
        )
    return found


def _is_annotation(file: Path) -> bool:
    """By its suffix; copied folders hold `._x.json` that are none."""
    return file.suffix.lower() in SUFFIXES and not file.name.startswith(".") and file.is_file()


def _sequences(file: Path, content: bytes, *, alone: bool) -> Iterator[Sequence]:
    if file.suffix.lower() == ".mat":
        yield read_annolist(file)
        return
    entries = parse_json(content, file)
    if isinstance(entries, dict) and "annolist" in entries:
        yield annolist_of(entries, file)
    elif alone:
        yield from sequences_of(entries, file)
    else:
        yield sequence_of(entries, file)


def _check_tracks(sequence: Sequence, file: Path) -> None:
    for frame in sequence.frames:
        tracks = [person.track for person in frame.people if person.scores is None]
        if len(set(tracks)) < len(tracks):
            twice = next(track for track in tracks if tracks.count(track) > 1)
            raise AnnotationError(
                f"{file}: track {twice} occurs twice in frame {frame.frame_name!r}."
            )
