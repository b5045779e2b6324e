"""Filling a database: the right people in the right boxes, in batches, again after any end."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from data.crop import Crop
from data.errors import AnnotationError, SourceError, StoreError
from data.heatmap_file import HeatmapFile
from data.heatmap_store import Header, Key, Record
from data.heatmaps import Heatmaps
from data.pose import Box
from data.posetrack import Annotated, Person, Sequence
from data.posetrack_set import AnnotatedSet, cleaned
from data.skeleton import POSETRACK_17, Skeleton
from pipelines.heatmap_check import check
from pipelines.heatmap_job import boxed, copy, fill, image_path, plan, require_images, subjects
from pipelines.timing import Stopwatch

ROOT = Path(__file__).parents[2]
SIZE = (96, 64)
HEADER = Header("slow", "bright", "a" * 64, "b" * 64, POSETRACK_17.name, (24, 32), "exact")


@dataclass
class Bright:
    """A network whose maps are the cut's brightness, a quarter of its size, times the keypoint."""

    batches: list[int] = field(default_factory=list)
    pause: float = 0.0

    @property
    def skeleton(self) -> Skeleton:
        return POSETRACK_17

    def crops(self, boxes):
        return [Crop.around(box, (24, 32), 1.25) for box in boxes]

    def maps(self, cuts):
        time.sleep(self.pause)
        self.batches.append(len(cuts))
        grey = np.stack([cut[::4, ::4].mean(2) / 255 for cut in cuts]).astype(np.float32)
        return grey[:, None] * np.arange(17, dtype=np.float32)[None, :, None, None]


def person(track: int, box: Box | None, *, known: bool = True) -> Person:
    points = np.full((17, 2), 20.0 if known else 0.0)
    return Person(points, np.full(17, float(known)), track, box)


def frame(name: str, people: tuple[Person, ...], size=SIZE) -> Annotated:
    return Annotated(name, people, int(Path(name).stem) + 1, size=size)


def video(name: str, frames: int, people: int) -> Sequence:
    """People who stand apart, a little further right on every frame."""
    annotated = []
    for index in range(frames):
        boxes = [Box.from_xywh(5 + 12 * i + index % 30, 8, 14, 40) for i in range(people)]
        named = tuple(person(track, box) for track, box in enumerate(boxes))
        annotated.append(frame(f"images/val/{name}/{index:06}.png", named))
    return Sequence(name, tuple(annotated))


def draw(folder: Path, annotated: AnnotatedSet) -> None:
    """An image per frame, each of a grey of its own."""
    for sequence in annotated.sequences:
        for index, one in enumerate(sequence.frames):
            path = folder / one.frame_name
            path.parent.mkdir(parents=True, exist_ok=True)
            image = np.full((SIZE[1], SIZE[0], 3), 40 + index % 200, np.uint8)
            cv2.imwrite(str(path), image, [cv2.IMWRITE_PNG_COMPRESSION, 1])


def make(path: Path, annotated: AnnotatedSet, images: Path, net: Bright, *, batch: int = 4):
    """What the command does: open, plan, fill."""
    told: list[int] = []
    with HeatmapFile.append(path, HEADER) as store:
        work = plan(annotated, store.keys())
        tally = fill(store, work, images, net, batch=batch, tell=told.append)
        if not tally.failed:
            store.finish()
    return work, tally, told


@pytest.fixture
def annotated() -> AnnotatedSet:
    """Two videos of five and four frames, with three and two people."""
    return AnnotatedSet((video("000001_mpii", 5, 3), video("000002_mpii", 4, 2)), "b" * 64)


@pytest.fixture
def images(annotated: AnnotatedSet, tmp_path: Path) -> Path:
    draw(tmp_path, annotated)
    return tmp_path


def test_everyone_is_read_in_the_cleaned_box_and_stored_with_its_crop(annotated, images):
    make(images / "a.fsh", annotated, images, Bright())

    with HeatmapFile.read(images / "a.fsh") as store:
        assert store.is_finished
        assert len(store) == 5 * 3 + 4 * 2
        for sequence in annotated.sequences:
            for one in sequence.frames:
                image = cv2.imread(str(images / one.frame_name))
                for who in one.people:
                    crop = Crop.around(cleaned(who.box, SIZE), (24, 32), 1.25)
                    expected = Bright().maps([crop.cut(image)])[0]
                    found = store.record(
                        Key(f"val/{sequence.name}", Path(one.frame_name).stem, who.track)
                    )
                    assert crop.sized((6, 8)) == found.heatmaps.crop
                    assert found.score == 1.0
                    np.testing.assert_array_equal(expected, found.heatmaps.maps)


def test_people_of_several_frames_share_a_batch(annotated, images):
    net = Bright()

    make(images / "a.fsh", annotated, images, net, batch=8)

    assert net.batches == [8, 8, 7]


def test_frames_done_are_told_and_the_stages_are_timed(annotated, images):
    watch, told = Stopwatch(), []
    with HeatmapFile.append(images / "a.fsh", HEADER) as store:
        work = plan(annotated, ())
        fill(store, work, images, Bright(), batch=8, tell=told.append, clock=watch)

    assert told == list(range(1, 10))
    assert watch.calls["network"] == 3
    assert watch.calls["write"] == 4, "a batch each, and the end"


def test_a_second_run_has_nothing_to_do(annotated, images):
    make(images / "a.fsh", annotated, images, Bright())
    net = Bright()

    work, tally, _ = make(images / "a.fsh", annotated, images, net)

    assert net.batches == []
    assert (work.frames, work.frames_before, work.people_before) == ((), 9, 23)
    assert tally.made == 0


def test_a_run_goes_on_where_it_stopped_and_makes_nobody_twice(annotated, images):
    class Breaking(Bright):
        def maps(self, cuts):
            if len(self.batches) == 3:
                raise KeyboardInterrupt
            return super().maps(cuts)

    with pytest.raises(KeyboardInterrupt):
        make(images / "a.fsh", annotated, images, Breaking())
    net = Bright()
    work, tally, told = make(images / "a.fsh", annotated, images, net)

    assert work.people_before == 12
    assert tally.made == sum(net.batches) == 11
    assert told[-1] == 9


@pytest.mark.parametrize("batches", [1, 3, 6])
def test_what_cannot_be_written_ends_the_run_and_the_rest_is_kept(annotated, images, batches):
    """The first, one in the middle and the last batch of six, which is written after all others."""
    with HeatmapFile.append(images / "a.fsh", HEADER) as store:

        class Full:
            def __init__(self):
                self.left = batches

            def put(self, records):
                self.left -= 1
                if not self.left:
                    raise StoreError("the disk is full")
                store.put(records)

        work, net = plan(annotated, ()), Bright()
        with pytest.raises(StoreError, match="the disk is full"):
            fill(Full(), work, images, net, batch=4, tell=lambda done: None)

        assert len(store) == 4 * (batches - 1)
        assert len(net.batches) <= batches + 1


def test_an_image_that_is_missing_or_broken_is_passed_over_and_made_later(annotated, images):
    paths = [images / annotated.sequences[0].frames[i].frame_name for i in (1, 3)]
    kept = [path.read_bytes() for path in paths]
    paths[0].unlink()
    paths[1].write_bytes(b"no image")

    _, tally, _ = make(images / "a.fsh", annotated, images, Bright())
    with HeatmapFile.read(images / "a.fsh") as store:
        assert (len(store), store.is_finished) == (23 - 6, False)
    for path, content in zip(paths, kept, strict=True):
        path.write_bytes(content)
    _, again, _ = make(images / "a.fsh", annotated, images, Bright())

    said = [str(error) for error in tally.failed]
    assert "000001.png: there is no such image" in said[0]
    assert "000003.png: cannot be read as an image" in said[1]
    assert (again.made, again.failed) == (6, [])
    with HeatmapFile.read(images / "a.fsh") as store:
        assert (len(store), store.is_finished) == (23, True)


def test_no_image_at_all_is_told(annotated, tmp_path):
    with pytest.raises(SourceError, match=r"None of 9 images is there, the first would be .*00000"):
        require_images(annotated, tmp_path)


def test_the_images_folder_itself_may_be_named(images):
    name = "images/val/000001_mpii/000000.png"

    assert image_path(images, name) == image_path(images / "images", name) == images / name


def test_who_has_no_keypoint_or_no_usable_box_is_skipped_and_counted(images):
    box = Box.from_xywh(10, 10, 20, 40)
    people = (
        person(1, box),
        person(2, None),
        person(3, box, known=False),
        person(4, Box.from_xywh(200, 10, 20, 20)),
        person(5, Box.from_xywh(10, 10, 0, 20)),
    )
    one = frame("images/val/000001_mpii/000000.png", people)

    work = plan(AnnotatedSet((Sequence("a", (one,)),), "b" * 64), ())

    assert [key.track for key in work.wanted] == [1]
    assert (work.people, work.skipped) == (1, 4)


def test_a_size_that_is_not_annotated_is_the_images(images):
    """Who is beside the image is found out when the image is read."""
    people = (
        person(1, Box.from_xywh(80, 10, 90, 40)),
        person(2, Box.from_xywh(300, 10, 20, 40)),
    )
    one = frame("images/val/000001_mpii/000000.png", people, size=None)
    annotated = AnnotatedSet((Sequence("a", (one,)),), "b" * 64)

    work, tally, _ = make(images / "a.fsh", annotated, images, Bright())

    assert (work.people, tally.made, tally.skipped) == (2, 1, 1)
    crop = Crop.around(cleaned(people[0].box, SIZE), (24, 32), 1.25)
    with HeatmapFile.read(images / "a.fsh") as store:
        assert crop.sized((6, 8)) == store.get(Key("val/000001_mpii", "000000", 1)).crop


def test_images_are_read_as_they_are_stored_not_turned(tmp_path):
    """EXIF orientation is ignored, as by the published code (specification 1.3)."""
    image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    image[:, :48] = 255
    path = tmp_path / "images/val/a/000000.jpg"
    path.parent.mkdir(parents=True)
    _, jpeg = cv2.imencode(".jpg", image)
    turned = bytes.fromhex("ffe1 0022 457869660000 4d4d002a00000008 0001 0112 0003 00000001 0006")
    path.write_bytes(jpeg.tobytes()[:2] + turned + bytes(6) + jpeg.tobytes()[2:])
    one = frame("images/val/a/000000.jpg", (person(1, Box.from_xywh(0, 0, 90, 64)),))
    assert cv2.imread(str(path)).shape[0] == SIZE[0], "OpenCV turns it, so the test means something"

    make(tmp_path / "a.fsh", AnnotatedSet((Sequence("a", (one,)),), "b" * 64), tmp_path, Bright())

    with HeatmapFile.read(tmp_path / "a.fsh") as store:
        own = store.get(Key("val/a", "000000", 1)).maps[16]
    assert own[4, 1] > 10 * own[4, 4] + 1


def test_a_track_that_is_annotated_twice_is_told(annotated):
    twice = AnnotatedSet((annotated.sequences[0], annotated.sequences[0]), "b" * 64)

    with pytest.raises(AnnotationError, match="000000, track 0: annotated twice"):
        plan(twice, ())
    with pytest.raises(AnnotationError, match="annotated twice"):
        boxed(twice, None)


def test_boxes_without_a_picture_need_its_size():
    one = frame("images/val/a/000000.png", (person(1, Box.from_xywh(80, 10, 90, 40)),), size=None)
    annotated = AnnotatedSet((Sequence("a", (one,)),), "b" * 64)

    with pytest.raises(AnnotationError, match=r"not annotated\. Give them with --image-size"):
        boxed(annotated, None)
    assert boxed(annotated, SIZE)[Key("val/a", "000000", 1)].box.right == SIZE[0] - 1


def test_a_person_has_the_score_of_the_annotation():
    scored = replace(person(1, Box.from_xywh(8, 8, 20, 40)), score=0.7)

    (subject,) = subjects(frame("images/val/a/000000.png", (scored,)))

    assert subject.score == 0.7


def test_a_copy_is_the_same_store(annotated, images):
    make(images / "a.fsh", annotated, images, Bright())
    people = boxed(annotated, None).values()

    with (
        HeatmapFile.read(images / "a.fsh") as source,
        HeatmapFile.append(images / "b.fsh", HEADER) as target,
    ):
        copy(source, target, people, lambda done: None)
        assert source.keys() == target.keys()
        for key in source.keys():  # noqa: SIM118  # a store is no mapping
            np.testing.assert_array_equal(source.get(key).maps, target.get(key).maps)


def test_a_check_names_who_is_missing_too_many_and_damaged(annotated, images):
    make(images / "a.fsh", annotated, images, Bright())
    wanted = plan(annotated, ()).wanted
    with HeatmapFile.append(images / "a.fsh", HEADER) as store:
        assert check(store, wanted, lambda done: None).damaged == ()
        maps = np.zeros((17, 8, 6), np.float32)
        stranger = Key("val/000009_mpii", "000000", 1)
        store.put([Record(stranger, Heatmaps(maps, Crop((0, 0), (1, 1), (6, 8))), 1.0)])
        gone, hurt = sorted(wanted)[2:4]
        place = " WHERE video = ? AND frame = ? AND track = ?"
        store._database.execute("DELETE FROM records" + place, (gone.video, gone.frame, gone.track))
        store._database.execute(
            "UPDATE records SET score = 0" + place, (hurt.video, hurt.frame, hurt.track)
        )

        found = check(store, wanted, lambda done: None)

    assert (found.records, found.flaws) == (23, ())
    assert (found.missing, found.strangers) == ((gone,), (stranger,))
    assert len(found.damaged) == 1
    assert str(hurt) in found.damaged[0]


KILLED = """
import importlib.util, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("job", sys.argv[1])
job = importlib.util.module_from_spec(spec)
sys.modules["job"] = job
spec.loader.exec_module(job)
folder, net = Path(sys.argv[2]), job.Bright(pause=float(sys.argv[3]))
annotated = job.killing_ground()
print("go", flush=True)
job.make(folder / "a.fsh", annotated, folder, net, batch=7)
"""


def killing_ground() -> AnnotatedSet:
    return AnnotatedSet(tuple(video(f"{i:06}_mpii", 50, 3) for i in range(4)), "b" * 64)


@pytest.mark.parametrize(
    ("kills", "pause"), [(3, 0.008), pytest.param(25, 0.06, marks=pytest.mark.slow)]
)
def test_a_run_that_is_killed_at_any_moment_loses_nothing_and_doubles_nobody(
    tmp_path: Path, generator: np.random.Generator, kills: int, pause: float
) -> None:
    """The process is killed (SIGKILL) again and again; from here the database is read meanwhile."""
    draw(tmp_path, killing_ground())
    path, before = tmp_path / "a.fsh", set[Key]()
    program = [sys.executable, "-c", KILLED, __file__, str(tmp_path), str(pause)]
    for left in reversed(range(kills + 1)):
        with subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "go\n"
            end = time.monotonic() + generator.uniform(0.0, 0.2)
            while process.poll() is None and (left == 0 or time.monotonic() < end):
                before = _sound(path, before)
            if left:
                assert process.poll() is None, "it was quicker than the kill"
                process.kill()
        assert process.returncode == (-signal.SIGKILL if left else 0)
        before = _sound(path, before)

    assert len(before) == 4 * 50 * 3
    with HeatmapFile.read(path) as store:
        assert store.is_finished
        assert store.flaws() == []


def _sound(path: Path, before: set[Key]) -> set[Key]:
    """Who is there now: nobody twice, nobody of `before` gone, every new record whole."""
    try:
        store = HeatmapFile.read(path)
    except StoreError as error:  # killed before there was anything to read
        if before or not re.search("no such|is no heatmap database", str(error)):
            raise
        return before
    with store:
        keys = store.keys()
        assert len(keys) == len(set(keys))
        assert before <= set(keys)
        for key in set(keys) - before:
            assert store.get(key).maps.shape == (17, 8, 6)
    return set(keys)
