"""Fill a heatmap database for an annotated set with one network; starts again where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from collections.abc import Sequence as List
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Protocol

from data.crop import Crop
from data.errors import AnnotationError, SourceError
from data.frame import Image
from data.heatmap_store import HeatmapStore, Key, Record, Writable, key_of
from data.heatmaps import Heatmaps
from data.pose import Box, Floats
from data.posetrack import Annotated
from data.posetrack_set import AnnotatedSet, usable_box
from data.skeleton import Skeleton
from data.sources.folder import read_as_stored
from data.sources.prefetch import prefetch
from pipelines.timing import Clock, no_clock
from pipelines.write_behind import WriteBehind

_ENDLESS = (2**31, 2**31)  # the size of a picture that is not known yet
_CHUNK = 64  # records that a copy writes at once


class CropNet(Protocol):
    """A top-down network by its two halves: what it sees of each box, and the maps of that."""

    @property
    def skeleton(self) -> Skeleton: ...

    def crops(self, boxes: List[Box]) -> list[Crop]: ...

    def maps(self, cuts: List[Image]) -> Floats:
        """(N, J, h, w) of N images of the crops' size."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A person on a frame: whose maps, in which box (cleaned), of what score."""

    key: Key
    box: Box
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """What is to do: the frames on which someone is wanted who is not there yet.

    `frames_before` are done already, and so are `people_before` of `people`. `skipped` have no
    keypoint or no usable box.
    """

    frames: tuple[Annotated, ...]
    wanted: frozenset[Key]
    frames_before: int
    people: int
    skipped: int

    @property
    def people_before(self) -> int:
        return self.people - len(self.wanted)


@dataclass(slots=True)
class Tally:
    """What became of the work: people made now, people skipped, images that could not be read."""

    made: int = 0
    skipped: int = 0
    failed: list[SourceError] = field(default_factory=list)


def subjects(frame: Annotated, size: tuple[int, int] | None = None) -> list[Subject]:
    """The people of a frame with a keypoint and a usable box, which is cut to the picture.

    `size` (width, height) is the picture's where the annotation does not say it.
    """
    size = frame.size or size or _ENDLESS
    found = []
    for person in frame.people:
        box = usable_box(person, size)
        if box is not None:
            score = 1.0 if person.score is None else person.score
            found.append(Subject(key_of(frame.frame_name, person.track), box, score))
    return found


def plan(annotated: AnnotatedSet, there: Collection[Key]) -> Work:
    """What is to do where the people `there` are done; AnnotationError for a track seen double."""
    known, seen, frames = set(there), set[Key](), []
    before = people = 0
    for sequence in annotated.sequences:
        for frame in sequence.frames:
            keys = [subject.key for subject in subjects(frame)]
            for key in keys:
                if key in seen:
                    raise _double(key)
                seen.add(key)
            people += len(frame.people)
            if known.issuperset(keys):
                before += 1
            else:
                frames.append(frame)
    wanted = frozenset(seen - known)
    return Work(tuple(frames), wanted, before, len(seen), people - len(seen))


def require_images(annotated: AnnotatedSet, images: Path) -> None:
    """SourceError unless at least one image of the set is there."""
    names = [f.frame_name for sequence in annotated.sequences for f in sequence.frames]
    if names and not any(image_path(images, name).is_file() for name in names):
        raise SourceError(
            f"None of {len(names)} images is there, the first would be {images / names[0]}. "
            "Name the folder that the annotations' image paths start from."
        )


def fill(
    store: Writable,
    work: Work,
    images: Path,
    net: CropNet,
    *,
    batch: int,
    tell: Callable[[int], None],
    clock: Clock = no_clock,
) -> Tally:
    """Make the maps of everyone wanted, `batch` people of however many frames in one pass.

    Each batch is put into the store on a thread while the next one is made; whatever ends this
    function, what was made is written first. An image that cannot be read is passed over
    and listed. `tell` is called with the number of frames done. Stages told to the `clock`: read
    (wait for images, which are decoded and cut ahead), network, write (wait for the batch before).
    """
    tally = Tally()
    waiting: list[_Cut] = []

    def make(cuts: list[_Cut]) -> None:
        with clock("network"):
            maps = net.maps([cut.image for cut in cuts])
        with clock("write"):
            behind.put(_records(cuts, maps))
        tally.made += len(cuts)

    with WriteBehind(store) as behind:
        with closing(prefetch(_frames(work, images, net, tally))) as frames:
            for done, cuts in _timed(frames, clock):
                waiting += cuts
                while len(waiting) >= batch:
                    make(waiting[:batch])
                    del waiting[:batch]
                tell(work.frames_before + done)
        if waiting:
            make(waiting)
        with clock("write"):
            behind.wait()
    return tally


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    """What the network sees of one person."""

    subject: Subject
    crop: Crop
    image: Image


def _records(cuts: List[_Cut], maps: Floats) -> Iterator[Record]:
    size = (maps.shape[3], maps.shape[2])
    for cut, own in zip(cuts, maps, strict=True):
        yield Record(cut.subject.key, Heatmaps(own, cut.crop.sized(size)), cut.subject.score)


def _frames(
    work: Work, images: Path, net: CropNet, tally: Tally
) -> Iterator[tuple[int, list[_Cut]]]:
    """The number of frames done and the people of the last one, cut; runs ahead on a thread."""
    for done, frame in enumerate(work.frames, 1):
        path = image_path(images, frame.frame_name)
        try:
            image = _image(path)
        except SourceError as error:
            tally.failed.append(error)
            yield done, []
            continue
        people = subjects(frame, (image.shape[1], image.shape[0]))
        tally.skipped += len(subjects(frame)) - len(people)
        wanted = [subject for subject in people if subject.key in work.wanted]
        crops = net.crops([subject.box for subject in wanted])
        pairs = zip(wanted, crops, strict=True)
        yield done, [_Cut(subject, crop, crop.cut(image)) for subject, crop in pairs]


def _image(path: Path) -> Image:
    if not path.is_file():
        raise SourceError(f"{path}: there is no such image.")
    return read_as_stored(path)


def _timed(
    frames: Iterator[tuple[int, list[_Cut]]], clock: Clock
) -> Iterator[tuple[int, list[_Cut]]]:
    """The same, the wait for each told to the clock."""
    while True:
        with clock("read"):
            item = next(frames, None)
        if item is None:
            return
        yield item


def image_path(images: Path, frame_name: str) -> Path:
    """Where a frame's image lies: `images` is the folder that `frame_name` starts from, as the
    published code has it, or the folder `images` itself that the name begins with."""
    path = images / frame_name
    parts = PurePosixPath(frame_name).parts
    if len(parts) > 1 and parts[0] == images.name and not path.exists():
        return images.joinpath(*parts[1:])
    return path


def boxed(annotated: AnnotatedSet, size: tuple[int, int] | None) -> dict[Key, Subject]:
    """Everyone with a usable box; `size` is the pictures' where the annotations do not say it.

    Raises AnnotationError for a track seen double, and where a size is not known.
    """
    people = {}
    for sequence in annotated.sequences:
        for frame in sequence.frames:
            if frame.people and frame.size is None and size is None:
                raise AnnotationError(
                    f"{frame.frame_name}: width and height are not annotated. "
                    "Give them with --image-size."
                )
            for subject in subjects(frame, size):
                if subject.key in people:
                    raise _double(subject.key)
                people[subject.key] = subject
    return people


def _double(key: Key) -> AnnotationError:
    return AnnotationError(f"{key}: annotated twice, expected once per frame.")


def copy(
    source: HeatmapStore,
    store: Writable,
    people: Iterable[Subject],
    tell: Callable[[int], None],
) -> None:
    """Put the maps of these people from one store into another."""
    chunk: list[Record] = []
    for done, subject in enumerate(people, 1):
        chunk.append(Record(subject.key, source.get(subject.key), subject.score))
        if len(chunk) == _CHUNK:
            store.put(chunk)
            chunk = []
            tell(done)
    store.put(chunk)
