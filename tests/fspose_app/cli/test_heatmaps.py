"""fspose heatmaps, as a person runs it: on a small drawn set, with untrained networks."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import Result

from data.errors import StoreError
from data.heatmap_file import HeatmapFile
from data.heatmap_store import Key
from data.posetrack_set import read_set
from data.sources.folder import read_image
from data.synthetic.posetrack_tree import TreePlan, write_tree
from pipelines.heatmap_job import plan

Fspose = Callable[..., Result]
VIDEO = "val/000002_mpii_test"


@pytest.fixture(scope="session")
def drawn_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two drawn videos of six frames; the second is the split val."""
    folder = tmp_path_factory.mktemp("tree")
    write_tree(folder, TreePlan(2, 6, (160, 120), seed=4), lambda done: None)
    return folder


@pytest.fixture
def tree(drawn_tree: Path, tmp_path: Path) -> Path:
    """A copy to break."""
    return shutil.copytree(drawn_tree, tmp_path / "tree")


@pytest.fixture
def people(drawn_tree: Path) -> int:
    return len(plan(read_set(drawn_tree / "annotations" / "val"), ()).wanted)


def arguments(tree: Path, family: Path, out: Path, *more: object) -> list[object]:
    return [
        *("heatmaps", "create", tree / "annotations" / "val", "--images", tree, "--net", "slow"),
        *("--family", family, "--device", "cpu", "-o", out, *more),
    ]


@pytest.fixture
def made(fspose: Fspose, family: Path, tree: Path, tmp_path: Path) -> Path:
    """A finished database at full precision."""
    ran = fspose(*arguments(tree, family, tmp_path / "a.fsh", "--precision", "exact"))
    assert ran.exit_code == 0, ran.output
    return tmp_path / "a.fsh"


def assert_told(ran: Result, *words: str, code: int = 1) -> None:
    assert ran.exit_code == code, ran.output
    (line,) = ran.stderr.splitlines()
    assert line.startswith("Error: ")
    assert all(word in line for word in words), line


@pytest.mark.parametrize("precision", ["exact", "half", "byte"])
def test_a_database_holds_everyone_and_says_what_it_is(
    fspose: Fspose, family: Path, tree: Path, tmp_path: Path, people: int, precision: str
) -> None:
    out = tmp_path / "a.sqlite"

    ran = fspose(*arguments(tree, family, out, "--precision", precision, "--batch", 5))

    assert ran.exit_code == 0, ran.output
    assert ran.stdout.splitlines()[0] == str(out)
    assert f"{people} ({people} of them now)" in ran.stdout
    with HeatmapFile.read(out) as store:
        header = store.header
        assert (header.net, header.network, header.precision) == ("slow", "tiny-slow", precision)
        assert (header.skeleton, header.size) == ("fspose-19", (48, 64))
        assert header.annotations == read_set(tree / "annotations" / "val").sha256
        assert len(header.weights) == 64
        assert len(store) == people
        assert store.get(store.keys()[0]).maps.shape == (19, 16, 12)


def test_a_second_run_changes_nothing(
    fspose: Fspose, family: Path, tree: Path, made: Path, people: int
) -> None:
    with HeatmapFile.read(made) as store:
        before = store.keys()

    ran = fspose(*arguments(tree, family, made, "--precision", "exact"))

    assert ran.exit_code == 0, ran.output
    assert f"{people} (0 of them now)" in ran.stdout
    with HeatmapFile.read(made) as store:
        assert before == store.keys()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("--precision", "byte"), "another precision: exact, and this run has byte"),
        (("--net", "fast"), "another net: slow, and this run has fast"),
    ],
)
def test_a_run_with_other_wishes_is_told(
    fspose: Fspose,
    family: Path,
    tree: Path,
    made: Path,
    change: tuple[str, str],
    words: str,
) -> None:
    ran = fspose(*arguments(tree, family, made, "--precision", "exact", *change))

    assert_told(ran, "a.fsh was made with", words, "-o")


def test_another_network_and_other_annotations_are_told(
    fspose: Fspose, family: Path, tree: Path, made: Path, tmp_path: Path
) -> None:
    weights = tmp_path / "other.pth"
    from models import zoo

    entries = zoo.build("tiny-slow", "cpu", family).state_dict()
    torch.save({name: tensor * 1.5 for name, tensor in entries.items()}, weights)
    run = arguments(tree, family, made, "--precision", "exact")

    other = fspose(*run, "--weights", f"slow={weights}")
    (file,) = (tree / "annotations" / "val").iterdir()
    file.write_text(json.dumps(json.loads(file.read_text())))
    changed = fspose(*run)

    assert_told(other, "another network: tiny-slow (", "slow: other.pth (")
    assert_told(changed, "another annotation set")


def test_missing_images_are_listed_and_made_when_they_are_back(
    fspose: Fspose, family: Path, tree: Path, tmp_path: Path, people: int
) -> None:
    gone = tree / "images" / VIDEO / "000003.jpg"
    away = gone.rename(tmp_path / "away.jpg")
    out = tmp_path / "a.fsh"

    first = fspose(*arguments(tree, family, out))
    checked = fspose("heatmaps", "verify", out, "--annotations", tree / "annotations" / "val")
    away.rename(gone)
    second = fspose(*arguments(tree, family, out))

    assert first.exit_code == 5
    assert "1 images could not be read" in first.stderr
    assert f"{gone}: there is no such image" in first.stderr
    assert checked.exit_code == 5
    assert f"{VIDEO}/000003, track 1" in checked.stderr
    assert second.exit_code == 0
    assert f"{people} (" in second.stdout


def test_a_wrong_images_folder_is_told_before_anything_is_made(
    fspose: Fspose, family: Path, tree: Path, tmp_path: Path
) -> None:
    run = arguments(tree, family, tmp_path / "a.fsh")
    run[4] = tmp_path

    assert_told(fspose(*run), "None of 6 images is there", VIDEO)
    assert not (tmp_path / "a.fsh").exists()


def test_a_sound_database_is_verified(fspose: Fspose, tree: Path, made: Path, people: int) -> None:
    ran = fspose("heatmaps", "verify", made, "--annotations", tree / "annotations" / "val")

    assert ran.exit_code == 0, ran.output
    assert f"{people}, 0 damaged" in ran.stdout


def test_damaged_records_are_named(fspose: Fspose, made: Path, people: int) -> None:
    with closing(sqlite3.connect(made)) as database, database:
        database.execute("UPDATE records SET score = 0.5 WHERE frame = '000002' AND track = 1")

    ran = fspose("heatmaps", "verify", made)

    assert ran.exit_code == 5
    assert f"{people}, 1 damaged" in ran.stdout
    assert f"the record of {VIDEO}/000002, track 1 is damaged" in ran.stderr


def test_other_annotations_and_a_cut_file_are_told(fspose: Fspose, tree: Path, made: Path) -> None:
    other = fspose("heatmaps", "verify", made, "--annotations", tree / "annotations" / "train")
    with made.open("r+b") as file:
        file.truncate(made.stat().st_size // 2)
    cut = fspose("heatmaps", "verify", made)

    assert_told(other, "was made for other annotations")
    assert cut.exit_code == 1
    assert "damaged or cut short" in cut.stderr


def test_the_maps_of_a_person_are_drawn(
    fspose: Fspose, tree: Path, made: Path, tmp_path: Path
) -> None:
    where = ("--video", VIDEO, "--frame", "000002", "--track", 1, "--images", tree)

    ran = fspose("heatmaps", "show", made, *where, "-o", tmp_path / "maps.png")

    assert ran.exit_code == 0, ran.output
    assert min(read_image(tmp_path / "maps.png").shape[:2]) > 500


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (("val/000009_mpii_test", "000002", 1), f"its videos are {VIDEO}"),
        ((VIDEO, "000099", 1), "frames are 000000 to 000005"),
        ((VIDEO, "000002", 77), "on that frame are tracks 1"),
    ],
)
def test_a_person_who_is_not_there_is_told_with_who_is(
    fspose: Fspose, tree: Path, made: Path, where: tuple[str, str, int], words: str
) -> None:
    video, frame, track = where
    place = ("--video", video, "--frame", frame, "--track", track, "--images", tree)

    ran = fspose("heatmaps", "show", made, *place)

    assert_told(ran, "holds no heatmaps of", words)


def test_an_image_that_is_gone_is_told(fspose: Fspose, made: Path, tmp_path: Path) -> None:
    where = ("--video", VIDEO, "--frame", "000002", "--track", 1, "--images", tmp_path)

    assert_told(fspose("heatmaps", "show", made, *where), f"no image {VIDEO}/000002")


def test_a_database_that_is_none_is_told(fspose: Fspose, tmp_path: Path) -> None:
    (tmp_path / "notes.fsh").write_text("no database\n" * 99)

    assert_told(fspose("heatmaps", "verify", tmp_path / "notes.fsh"), "no heatmap database")
    assert_told(fspose("heatmaps", "verify", tmp_path / "gone.fsh"), "no such heatmap database")


def test_a_database_that_may_not_be_written_is_told(
    fspose: Fspose, family: Path, tree: Path, made: Path
) -> None:
    made.chmod(0o444)
    if os.access(made, os.W_OK):
        pytest.skip("this user may write everything")

    ran = fspose(*arguments(tree, family, made, "--precision", "exact"))

    assert_told(ran, "a.fsh: it may not be written")


def test_a_read_only_folder_can_be_read(fspose: Fspose, made: Path) -> None:
    """A finished database needs no file beside it."""
    made.chmod(0o444)
    made.parent.chmod(0o555)
    try:
        ran = fspose("heatmaps", "verify", made)
    finally:
        made.parent.chmod(0o755)

    assert ran.exit_code == 0, ran.output


def process(run: list[object], **how: object) -> subprocess.Popen[str]:
    program = [sys.executable, "-m", "fspose_app", *map(str, run)]
    pipe = subprocess.PIPE
    return subprocess.Popen(program, stdout=pipe, stderr=pipe, text=True, **how)  # type: ignore[call-overload]


def assert_whole(path: Path, tree: Path) -> None:
    wanted = plan(read_set(tree / "annotations" / "val"), ()).wanted
    with HeatmapFile.read(path) as store:
        assert sorted(wanted) == store.keys()
        assert store.flaws() == []
        for key in wanted:
            store.get(key)


def there(path: Path) -> list[Key]:
    try:
        with HeatmapFile.read(path) as store:
            return store.keys()
    except StoreError:
        return []


def test_the_command_goes_on_after_it_was_killed(
    fspose: Fspose, family: Path, tree: Path, tmp_path: Path, people: int
) -> None:
    """The real process, killed when the first records are there, then run to its end."""
    out = tmp_path / "a.fsh"
    run = arguments(tree, family, out, "--batch", 1, "--precision", "byte")

    with process(run) as first:
        while not there(out):
            assert first.poll() is None, first.communicate()
            time.sleep(0.001)
        first.send_signal(signal.SIGKILL)
    before = there(out)
    second = fspose(*run)

    assert before
    assert second.exit_code == 0, second.output
    assert f"({people - len(before)} of them now)" in second.stdout
    assert_whole(out, tree)


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """A disk of its own, or a skipped test where this user may not mount one."""
    folder.mkdir()
    size = f"size={kilobytes}k"
    mount = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_and_what_was_written_stays(
    fspose: Fspose, family: Path, tree: Path, tmp_path: Path, people: int
) -> None:
    with small_disk(tmp_path / "disk", 4000) as disk:
        filler = disk / "filler"
        filler.write_bytes(bytes(3400 * 1024))
        out = disk / "a.fsh"
        run = arguments(tree, family, out, "--batch", 2, "--precision", "exact")

        ran = fspose(*run)
        assert_told(ran, "a.fsh: the disk is full. What was written is kept", code=1)
        before = there(out)
        filler.unlink()
        again = fspose(*run)

        assert before
        assert again.exit_code == 0, again.output
        assert f"({people - len(before)} of them now)" in again.stdout
        assert_whole(out, tree)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no limits of this kind")
def test_a_file_that_may_not_grow_is_told_and_what_was_written_stays(
    fspose: Fspose, family: Path, tree: Path, tmp_path: Path
) -> None:
    """The operating system refuses to write beyond a size; anyone may set such a limit."""
    import resource

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400 * 1024, 400 * 1024))

    out = tmp_path / "a.fsh"
    run = arguments(tree, family, out, "--batch", 2, "--precision", "exact")

    with process(run, preexec_fn=limit) as first:
        _, told = first.communicate()
    before = there(out)
    second = fspose(*run)

    assert first.returncode == 1
    assert [line[:5] for line in told.splitlines()] == ["Error"], told
    assert "What was written is kept" in told
    assert before
    assert second.exit_code == 0, second.output
    assert_whole(out, tree)


def test_a_published_folder_comes_in_and_goes_out_again(
    fspose: Fspose, tree: Path, made: Path, tmp_path: Path, people: int
) -> None:
    folder, again = tmp_path / "published", tmp_path / "b.fsh"
    annotations = ("--annotations", tree / "annotations" / "val")

    out = fspose("heatmaps", "export", made, folder)
    back = fspose(
        "heatmaps", "import", folder, *annotations, "--net", "slow", "-o", again,
        "--precision", "exact",
    )  # fmt: skip

    assert (out.exit_code, back.exit_code) == (0, 0), out.output + back.output
    assert len(list(folder.rglob("*.pt"))) == people
    with HeatmapFile.read(made) as first, HeatmapFile.read(again) as second:
        assert first.keys() == second.keys()
        assert second.is_finished
        assert second.header.weights == "unknown"
        for key in first.keys():  # noqa: SIM118  # a store is no mapping
            one, other = first.get(key), second.get(key)
            np.testing.assert_array_equal(one.maps, other.maps)
            assert one.crop == other.crop


def test_files_that_are_missing_or_nobodys_are_counted(
    fspose: Fspose, tree: Path, made: Path, tmp_path: Path, people: int
) -> None:
    folder, again = tmp_path / "published", tmp_path / "b.fsh"
    fspose("heatmaps", "export", made, folder)
    frame = folder / VIDEO / "000002"
    (frame / "1.pt").rename(frame / "88.pt")
    run = ("heatmaps", "import", folder, "--annotations", tree / "annotations" / "val")

    ran = fspose(*run, "--net", "slow", "-o", again)

    assert ran.exit_code == 5
    assert f"{people - 1} ({people - 1} of them now)" in ran.stdout
    assert "1 files, left out" in ran.stdout
    assert f"{VIDEO}/000002, track 1" in ran.stderr
    (frame / "88.pt").rename(frame / "1.pt")
    assert fspose(*run, "--net", "slow", "-o", again).exit_code == 0
    assert_whole(again, tree)


def test_a_folder_of_nothing_and_one_that_is_full_are_told(
    fspose: Fspose, tree: Path, made: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    run = ("--annotations", tree / "annotations" / "val", "--net", "slow")

    ran = fspose("heatmaps", "import", tmp_path / "empty", *run, "-o", tmp_path / "b.fsh")
    full = fspose("heatmaps", "export", made, tree)

    assert_told(ran, "holds nobody who is annotated", VIDEO)
    assert not (tmp_path / "b.fsh").exists()
    assert_told(full, "is there already and not empty")


def test_an_export_that_breaks_off_leaves_nothing(
    fspose: Fspose, made: Path, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(made)) as database, database:
        database.execute("UPDATE records SET checksum = 1 WHERE id = (SELECT max(id) FROM records)")

    ran = fspose("heatmaps", "export", made, tmp_path / "published")

    assert_told(ran, "is damaged (wrong checksum)")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("published")]


@pytest.mark.parametrize("key", [("--track", 10**30), ("--track", 1, "--video", "\udcff")])
def test_a_key_that_no_database_can_hold_is_told(
    fspose: Fspose, tree: Path, made: Path, tmp_path: Path, key: tuple[object, ...]
) -> None:
    where = ("--video", VIDEO, "--frame", "000000", "--images", tree)

    ran = fspose("heatmaps", "show", made, *where, *key, "-o", tmp_path / "a.png")

    assert_told(ran, "holds no heatmaps of")
    assert not (tmp_path / "a.png").exists()


@pytest.mark.parametrize("name", ["images/../../x.jpg", "/x.jpg", "images\\..\\x.jpg", "...jpg"])
def test_an_image_name_that_leads_out_of_its_folder_is_told(
    fspose: Fspose, family: Path, tree: Path, tmp_path: Path, name: str
) -> None:
    """Neither read nor written is what a hostile annotation file names."""
    (file,) = (tree / "annotations" / "val").iterdir()
    content = json.loads(file.read_text())
    for image in content["images"]:
        image["file_name"] = name
    content["images"] = content["images"][:1]
    first = content["images"][0]["id"]
    content["annotations"] = [one for one in content["annotations"] if one["image_id"] == first]
    file.write_text(json.dumps(content))
    folder = tmp_path / "deep" / "published"
    (folder / "val" / "a" / "b").mkdir(parents=True)
    track = content["annotations"][0]["track_id"]
    for place in (tmp_path, tmp_path / "deep", folder):
        torch.save(torch.zeros(17, 64, 48), place / f"{track}.pt")
        (place / "x").mkdir()
        torch.save(torch.zeros(17, 64, 48), place / "x" / f"{track}.pt")
        shutil.copy(next((tree / "images" / VIDEO).iterdir()), place / "x.jpg")
    run = arguments(tree, family, tmp_path / "a.fsh")
    run[4] = folder

    came = fspose(
        *("heatmaps", "import", folder, "--annotations", tree / "annotations" / "val"),
        *("--net", "slow", "-o", tmp_path / "b.fsh"),
    )

    assert_told(came, "expected a relative path of plain names")
    assert not (tmp_path / "b.fsh").exists()
    assert fspose(*run).exit_code == 1
    assert not there(tmp_path / "a.fsh")


@pytest.mark.parametrize(
    "key", [Key("..", "..", 1), Key("", "..", 1), Key("/elsewhere", "x", 1), Key("C:x/a", "x", 1)]
)
def test_a_database_whose_keys_lead_out_of_the_folder_is_not_exported(
    fspose: Fspose, made: Path, tmp_path: Path, key: Key
) -> None:
    with HeatmapFile.read(made) as store:
        header, record = store.header, store.record(store.keys()[0])
    foreign, folder = tmp_path / "foreign.fsh", tmp_path / "deep" / "deeper" / "out"
    with HeatmapFile.append(foreign, header) as store:
        store.put([replace(record, key=key)])
        store.finish()

    ran = fspose("heatmaps", "export", foreign, folder)

    assert_told(ran, "cannot be a file below", "Who made the database?")
    assert not list(tmp_path.rglob("*.pt"))
