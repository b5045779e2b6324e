"""fspose data posetrack prepare, on drawn sets and on damaged ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from data.annolist import write_annolist
from data.merged import read_merged
from data.posetrack import dumps, read
from data.posetrack_set import read_set

Fspose = Callable[..., Result]
VIDEO = "000002_mpii_test"


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree of two videos of three frames."""
    from fspose_app.cli import main

    folder = tmp_path_factory.mktemp("drawn") / "tree"
    args = ["--sequences", "2", "--frames", "3", "--size", "96x64", "--people", "2"]
    main(["synth", "--posetrack", str(folder), *args], standalone_mode=False)
    return folder


@pytest.fixture
def annotation(drawn: Path) -> dict[str, Any]:
    """The content of the validation video's file, with two people on its first frame."""
    content: dict[str, Any] = json.loads((drawn / f"annotations/val/{VIDEO}.json").read_text())
    first = content["images"][0]["id"]
    someone = content["annotations"][0]
    content["annotations"] = [
        someone | {"image_id": first, "id": first * 100 + index, "track_id": index}
        for index in range(2)
    ]
    return content


def store(folder: Path, content: Any) -> Path:
    """A folder `val` with one file."""
    (folder / "val").mkdir()
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / "val" / f"{VIDEO}.json").write_text(text)
    return folder / "val"


def assert_told(ran: Result, *words: str) -> None:
    """One line, exit code 1, no traceback, nothing on standard output."""
    assert ran.exit_code == 1, ran.output
    (line,) = ran.stderr.splitlines()
    assert line.startswith("Error: ")
    assert all(word in line for word in words), line
    assert "Traceback" not in ran.output
    assert ran.stdout == ""


def counts(ran: Result) -> dict[str, int]:
    rows = [line.rsplit(maxsplit=1) for line in ran.stdout.splitlines()[2:-1]]
    return {name.strip(): int(count) for name, count in rows}


def test_a_set_is_merged_and_split_again_without_loss(
    fspose: Fspose, drawn: Path, tmp_path: Path
) -> None:
    source = drawn / "annotations" / "val"

    merged = fspose("data", "posetrack", "prepare", source, "-o", tmp_path / "all.json")
    split = fspose("data", "posetrack", "prepare", tmp_path / "all.json", "-o", tmp_path / "val")

    assert (merged.exit_code, split.exit_code) == (0, 0), merged.output + split.output
    before, after = read_set(source), read_set(tmp_path / "val")
    assert [dumps(s) for s in before.sequences] == [dumps(s) for s in after.sequences]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.json", "val"]


def test_what_is_there_is_counted(fspose: Fspose, drawn: Path, tmp_path: Path) -> None:
    source = drawn / "annotations" / "val"

    ran = fspose("data", "posetrack", "prepare", source, "-o", tmp_path / "all.json")

    sequence = read(source / f"{VIDEO}.json")
    people = sum(len(frame.people) for frame in sequence.frames)
    assert counts(ran) == {
        "sequences": 1,
        "frames": 3,
        "labelled frames": 3,
        "people": people,
        "boxes filled in": 0,
        "areas filled in": people,
        "sizes filled in": 0,
        "people left out": 0,
    }
    assert ran.stdout.splitlines()[-1] == str(tmp_path / "all.json")


def test_what_official_files_lack_is_filled_in(
    fspose: Fspose, drawn: Path, annotation: dict[str, Any], tmp_path: Path
) -> None:
    for image in annotation["images"]:
        del image["width"], image["height"]
    del annotation["annotations"][0]["bbox"]
    source, out = store(tmp_path, annotation), tmp_path / "all.json"

    ran = fspose("data", "posetrack", "prepare", source, "-o", out, "--images", drawn)

    assert ran.exit_code == 0, ran.output
    told = counts(ran)
    assert (told["boxes filled in"], told["sizes filled in"], told["areas filled in"]) == (1, 3, 2)
    content = json.loads(out.read_text())
    assert {(image["width"], image["height"]) for image in content["images"]} == {(96, 64)}
    for person in content["annotations"]:
        assert person["area"] == pytest.approx(person["bbox"][2] * person["bbox"][3])
        assert person["area"] > 0


def test_an_older_annolist_is_merged(fspose: Fspose, drawn: Path, tmp_path: Path) -> None:
    sequence = read(drawn / f"annotations/val/{VIDEO}.json")
    (tmp_path / "val").mkdir()
    write_annolist(sequence, tmp_path / "val" / f"{VIDEO}.json")
    args = ("-o", tmp_path / "all.json", "--images", drawn)

    ran = fspose("data", "posetrack", "prepare", tmp_path / "val", *args)

    assert ran.exit_code == 0, ran.output
    (merged,) = read_merged(tmp_path / "all.json")
    assert [f.frame_name for f in merged.frames] == [f.frame_name for f in sequence.frames]
    for one, other in zip(sequence.frames, merged.frames, strict=True):
        assert [p.track for p in one.people] == [p.track for p in other.people]
        assert [p.keypoints.tolist() for p in one.people] == [
            p.keypoints.tolist() for p in other.people
        ]


def test_a_folder_for_the_split_can_be_named_like_a_file(
    fspose: Fspose, drawn: Path, tmp_path: Path
) -> None:
    source = drawn / "annotations" / "val"

    ran = fspose("data", "posetrack", "prepare", source, "--split", "-o", tmp_path / "v.json")

    assert ran.exit_code == 0, ran.output
    assert [path.name for path in (tmp_path / "v.json").iterdir()] == [f"{VIDEO}.json"]


def change_image(**values: Any) -> Callable[[Any], None]:
    return lambda content: content["images"][1].update(values)


def change_person(**values: Any) -> Callable[[Any], None]:
    return lambda content: content["annotations"][1].update(values)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda content: content.pop("annotations"), ("'annotations' is missing",)),
        (lambda content: content["images"][2].pop("file_name"), ("images[2]", "'file_name'")),
        (lambda content: content["annotations"][1].pop("track_id"), ("[1]", "'track_id'")),
        (lambda content: content["images"][1].pop("width"), ("both width and height",)),
        (change_image(id="7"), ("images[1].id", "expected int, found str")),
        (change_image(id=10000020000), ("images[1].id", "occurs twice")),
        (change_image(width="wide"), ("images[1].width", "expected int, found str")),
        (change_person(id=1000002000000), ("annotations[1].id", "occurs twice")),
        (change_person(track_id=0), ("track 0 occurs twice", "000000.jpg")),
        (change_person(keypoints="none"), ("annotations[1].keypoints", "found str")),
        (change_person(keypoints=[float("nan")] * 51), ("annotations[1]", "found nan")),
        (change_person(bbox=[1, 2, float("inf"), 4]), ("annotations[1].bbox", "found inf")),
        (change_person(bbox=[1, 2, 3]), ("annotations[1].bbox", "4 numbers")),
        (change_person(bbox=[500, 2, 30, 40]), (VIDEO, "track 1", "outside", "--skip-outside")),
        (change_person(image_id=3), ("annotations[1].image_id", "is not the id of an image")),
        (change_person(track_id=2**63), ("annotations[1].track_id", "a number too large")),
        (change_image(file_name="v/\0.jpg"), ("images[1].file_name", "expected an image's path")),
    ],
)
def test_bad_annotations_are_told_in_one_line(
    fspose: Fspose,
    annotation: dict[str, Any],
    tmp_path: Path,
    spoil: Callable[[Any], None],
    words: tuple[str, ...],
) -> None:
    spoil(annotation)
    source = store(tmp_path, annotation)

    ran = fspose("data", "posetrack", "prepare", source, "-o", tmp_path / "all.json")

    assert_told(ran, VIDEO, *words)
    assert [path.name for path in tmp_path.iterdir()] == ["val"]


@pytest.mark.parametrize(
    "content",
    ["", "{", "no json", "[]", "null", "[" * 200_000, "[" * 900 + "]" * 900, "1" * 5000],
    ids=["empty", "cut", "text", "list", "null", "no end", "deep", "huge"],
)
def test_a_file_of_another_kind_is_told(fspose: Fspose, tmp_path: Path, content: str) -> None:
    source = store(tmp_path, content)

    ran = fspose("data", "posetrack", "prepare", source, "-o", tmp_path / "all.json")

    assert_told(ran, f"{VIDEO}.json", "expected")


def test_sizes_that_nobody_knows_are_told(
    fspose: Fspose, annotation: dict[str, Any], tmp_path: Path
) -> None:
    for image in annotation["images"]:
        del image["width"], image["height"]
    source = store(tmp_path, annotation)

    ran = fspose("data", "posetrack", "prepare", source, "-o", tmp_path / "all.json")

    assert_told(ran, VIDEO, "no width and height", "--images")


def test_an_image_that_is_missing_in_the_middle_is_told(
    fspose: Fspose, drawn: Path, annotation: dict[str, Any], tmp_path: Path
) -> None:
    annotation["images"][1]["file_name"] = f"images/val/{VIDEO}/000007.jpg"
    source, out = store(tmp_path, annotation), tmp_path / "all.json"

    ran = fspose("data", "posetrack", "prepare", source, "-o", out, "--images", drawn)

    assert_told(ran, VIDEO, "000007.jpg", "is missing")
    assert not out.exists()


def test_people_outside_of_the_picture_can_be_left_out(
    fspose: Fspose, annotation: dict[str, Any], tmp_path: Path
) -> None:
    annotation["annotations"][1]["bbox"] = [500, 2, 30, 40]
    source, out = store(tmp_path, annotation), tmp_path / "all.json"

    ran = fspose("data", "posetrack", "prepare", source, "-o", out, "--skip-outside")

    assert ran.exit_code == 0, ran.output
    assert counts(ran)["people left out"] == 1
    assert len(json.loads(out.read_text())["annotations"]) == 1


def test_a_source_that_is_not_there_is_told(fspose: Fspose, tmp_path: Path) -> None:
    ran = fspose("data", "posetrack", "prepare", tmp_path / "gone", "-o", tmp_path / "all.json")

    assert_told(ran, "gone: no such file or folder")


def test_a_target_that_cannot_be_written_is_told(
    fspose: Fspose, drawn: Path, tmp_path: Path
) -> None:
    source = drawn / "annotations" / "val"
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")

    merged = fspose("data", "posetrack", "prepare", source, "-o", tmp_path / "none" / "all.json")
    split = fspose("data", "posetrack", "prepare", source, "-o", tmp_path / "full")

    assert_told(merged, "all.json cannot be written")
    assert_told(split, "full is there already")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["x"]


def test_the_source_is_not_overwritten(
    fspose: Fspose, annotation: dict[str, Any], tmp_path: Path
) -> None:
    source = store(tmp_path, annotation) / f"{VIDEO}.json"
    before = source.read_text()

    ran = fspose("data", "posetrack", "prepare", source, "-o", source)

    assert (ran.exit_code, source.read_text()) == (2, before)
    assert "SOURCE itself" in ran.stderr


HOSTILE = {
    "to the folder above": ["images/../0.jpg"],
    "to the folder above, of two alike": ["../x/0.jpg", "y/x/0.jpg"],
    "absolute, of two alike": ["/x/0.jpg", "y/x/0.jpg"],
    "of another system": ["..\\..\\x/0.jpg"],
    "hidden": [".x/0.jpg"],
    "with NUL": ["x\0y/0.jpg"],
    "too long": [f"{'x' * 300}/0.jpg"],
    "two of one name": ["1/a/x/0.jpg", "2/a/x/0.jpg"],
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_video_whose_name_is_no_files_is_told_and_nothing_is_written(
    fspose: Fspose, annotation: dict[str, Any], tmp_path: Path, what: str
) -> None:
    first = annotation["images"][0]
    images = [{**first, "id": i, "file_name": name} for i, name in enumerate(HOSTILE[what])]
    annotation |= {"images": images, "annotations": []}
    source = tmp_path / "in" / "all.json"
    source.parent.mkdir()
    source.write_text(json.dumps(annotation))
    (tmp_path / "work").mkdir()

    out = tmp_path / "work" / "out"
    ran = fspose("data", "posetrack", "prepare", source, "--split", "-o", out)

    assert_told(ran)
    left = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*"))
    assert left == ["in", "in/all.json", "work"]
    assert not Path("/_x.json").exists()  # where the absolute one would lead


def test_folders_above_the_video_do_not_lead_out_of_the_output(
    fspose: Fspose, annotation: dict[str, Any], tmp_path: Path
) -> None:
    for image in annotation["images"]:
        image["file_name"] = f"/../../{image['file_name']}"
    (tmp_path / "all.json").write_text(json.dumps(annotation))

    out = tmp_path / "work" / "out"
    ran = fspose("data", "posetrack", "prepare", tmp_path / "all.json", "--split", "-o", out)

    assert ran.exit_code == 0, ran.output
    assert [path.name for path in out.iterdir()] == [f"{VIDEO}.json"]
