"""fspose evaluate posetrack on odd and damaged files: every rule that docs/evaluation.md states."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from data.skeleton import POSETRACK_15, POSETRACK_17

Fspose = Callable[..., Result]
Document = dict[str, Any]
Damage = Callable[["Files"], None]


class Files:
    """Two sequences, `a` and `b`, of three frames and one person each; predictions are perfect."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.truth, self.predictions = folder, folder / "truth", folder / "predictions"
        for side in (self.truth, self.predictions):
            side.mkdir()
            for name in "ab":
                self.store(side / f"{name}.json", video())

    def store(self, path: Path, content: Any) -> None:
        path.write_text(content if isinstance(content, str) else json.dumps(content))

    def change(self, path: Path, change: Callable[[Document], object]) -> None:
        content = json.loads(path.read_text())
        change(content)
        self.store(path, content)


def video(frames: int = 3) -> Document:
    images = [{"id": i, "file_name": f"v/{i:06d}.jpg", "is_labeled": True} for i in range(frames)]
    points = [
        v for k in range(17) for v in ((40 + k, 50 + 2 * k, 1) if k not in (3, 4) else (0,) * 3)
    ]
    person = {"track_id": 1, "keypoints": points, "scores": [0.9] * 17, "bbox_head": [0, 0, 12, 16]}
    category = {"name": "person", "keypoints": list(POSETRACK_17.keypoints)}
    people = [{"image_id": i, **copy.deepcopy(person)} for i in range(frames)]
    return {"images": images, "annotations": people, "categories": [category]}


def annolist(frames: int = 3) -> Document:
    """The same in PoseTrack17's form."""
    names = enumerate(POSETRACK_15.keypoints)
    order = [(joint, POSETRACK_17.index(name)) for joint, name in names]
    points = [
        {"id": [joint], "x": [40 + k], "y": [50 + 2 * k], "score": [0.9]} for joint, k in order
    ]
    box = {"x1": [0], "y1": [0], "x2": [12], "y2": [16]}
    person = {"track_id": [1], "annopoints": [{"point": points}], **box}
    images = [[{"name": f"v/{i + 1:08d}.jpg"}] for i in range(frames)]
    return {"annolist": [{"image": image, "annorect": [person]} for image in images]}


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.fixture
def run(fspose: Fspose, files: Files) -> Callable[..., Result]:
    def evaluate(*options: object) -> Result:
        return fspose("evaluate", "posetrack", files.truth, files.predictions, *options)

    return evaluate


def totals(ran: Result) -> tuple[float, float]:
    """AP and MOTA, of `--format json`."""
    metrics = json.loads(ran.stdout)["metrics"]
    return metrics["ap"]["ap"][15], metrics["mot"]["mota"][15]


# Errors: one line with the place, exit code 1, nothing on standard output, nothing written.


def on_prediction(change: Callable[[Document], object]) -> Damage:
    return lambda files: files.change(files.predictions / "b.json", change)


def on_truth(change: Callable[[Document], object]) -> Damage:
    return lambda files: files.change(files.truth / "b.json", change)


def prediction(text: str) -> Damage:
    return lambda files: files.store(files.predictions / "b.json", text)


def person(**fields: Any) -> Callable[[Document], object]:
    return lambda document: document["annotations"][1].update(fields)


def image(**fields: Any) -> Callable[[Document], object]:
    return lambda document: document["images"][1].update(fields)


def without_files(*names: str) -> Damage:
    def damage(files: Files) -> None:
        for name in names:
            (files.predictions / name).unlink()

    return damage


def folder_for_file(side: str) -> Damage:
    def damage(files: Files) -> None:
        (files.folder / side / "b.json").unlink()
        (files.folder / side / "b.json").mkdir()

    return damage


def file_for_folder(files: Files) -> None:
    for path in files.predictions.iterdir():
        path.unlink()
    files.predictions.rmdir()
    files.store(files.predictions, video())


def same_name(files: Files) -> None:
    files.store(files.truth / "b.more.json", video())


def unlabelled(files: Files) -> None:
    for name in "ab":
        files.change(files.truth / f"{name}.json", lambda document: document["annotations"].clear())


def deep(times: int) -> str:
    return "[" * times + "]" * times


def number(text: str, key: str) -> str:
    """The document with a text in place of a number, as JSON's own writer would not have it."""
    changed = video()
    changed["annotations"][1][key] = "here"
    return json.dumps(changed).replace('"here"', text)


ERRORS: dict[str, tuple[Damage, tuple[str, ...]]] = {
    "prediction file missing": (
        without_files("b.json"),
        ("predictions/b.json: the prediction file is missing", "also where nobody was found"),
    ),
    "all prediction files missing": (
        without_files("a.json", "b.json"),
        ("predictions/a.json: the prediction file is missing, and 1 more",),
    ),
    "nobody annotated anywhere": (unlabelled, ("None of the 2 sequences has an annotated person",)),
    "no track id": (
        on_prediction(lambda document: document["annotations"][1].pop("track_id")),
        ("b.json: frame v/000001.jpg: a person has no track_id", "--metrics ap"),
    ),
    "no track id in the truth": (
        on_truth(person(track_id=None)),
        ("truth/b.json: frame v/000001.jpg: a person has no track_id", "--metrics ap"),
    ),
    "track id of 10000": (
        on_prediction(person(track_id=10_000)),
        ("b.json: frame v/000001.jpg: expected track ids below 10000, found 10000",),
    ),
    "track id twice": (
        on_prediction(person(image_id=0)),
        ("b.json: frame v/000000.jpg: the track id 1 occurs twice", "--metrics ap"),
    ),
    "no head box": (
        on_truth(person(bbox_head=[])),
        ("truth/b.json: frame v/000001.jpg: an annotated person has no head box",),
    ),
    "NaN": (
        prediction(number("[NaN, 50, 1" + ", 0" * 48 + "]", "keypoints")),
        ("b.json: annotations[1].keypoints: expected 51 numbers, found nan",),
    ),
    "Infinity": (
        prediction(number("[3, -Infinity, 1" + ", 0" * 48 + "]", "keypoints")),
        ("b.json: annotations[1].keypoints: expected 51 numbers, found -inf",),
    ),
    "text for a number": (
        on_prediction(lambda document: document["annotations"][1]["scores"].__setitem__(0, "0.9")),
        ("b.json: annotations[1].scores: expected 17 numbers, found '0.9'",),
    ),
    "number of 400 digits": (
        prediction(number("1" + "0" * 400, "track_id")),
        ("b.json: annotations[1].track_id: expected a whole number, found",),
    ),
    "number of 5000 digits": (
        prediction(number("1" + "0" * 5000, "image_id")),
        ("b.json: expected JSON (a number has too many digits).",),
    ),
    "number of 64 bits without sign": (
        on_prediction(person(track_id=2**63)),
        ("b.json: annotations[1].track_id: expected a whole number, found a number too large",),
    ),
    "cut in the middle": (
        prediction(json.dumps(video())[:400]),
        ("b.json: expected JSON", "The file seems to be cut off."),
    ),
    "empty file": (prediction(""), ("b.json: expected JSON", "The file seems to be cut off.")),
    "no JSON": (prediction("nothing"), ("b.json: expected JSON",)),
    "nested without end": (prediction("[" * 200_000), ("b.json: expected JSON",)),
    "nested a hundred thousand times": (
        prediction(deep(100_000)),
        ("b.json: expected JSON (nested too deeply)",),
    ),
    "a value nested a thousand times": (
        prediction(number(deep(990), "track_id")),
        ("b.json: annotations[1].track_id: expected a whole number, found list",),
    ),
    "a name nested a thousand times": (
        prediction(json.dumps(video()).replace('"nose"', deep(990))),
        ("b.json: categories[0].keypoints: found list, expected names of",),
    ),
    "folder for a prediction": (folder_for_file("predictions"), ("b.json: this is a folder",)),
    "folder for a truth": (folder_for_file("truth"), ("truth/b.json: this is a folder",)),
    "file for the predictions": (
        file_for_folder,
        ("predictions: this is a file, but the truth is a folder",),
    ),
    "two files of one name": (same_name, ("a sequence 'b' like b.json", "Rename one")),
    "a file whose name cannot be shown": (
        lambda files: files.store(files.truth / "c\n.json", video()),
        ("truth: the name of 'c\\n.json' cannot be shown",),
    ),
    "frames of two videos": (
        on_prediction(image(file_name="w/000001.jpg")),
        ("b.json: holds frames of 'v' and 'w', expected one video",),
    ),
    "image id twice": (on_prediction(image(id=0)), ("b.json: images: the id 0 occurs twice",)),
    "annotation of no image": (
        on_prediction(person(image_id=7)),
        ("b.json: annotations[1].image_id: 7 is not the id of an image",),
    ),
    "another number of frames": (
        prediction(json.dumps(video(4))),
        ("b.json: lists 4 frames, the truth has 3",),
    ),
    "a name that cannot be shown": (
        on_prediction(image(file_name="v/\x1b[31m\udc00.jpg")),
        ("b.json: images[1].file_name: expected an image's path, found 'v/\\x1b[31m\\udc00.jpg'",),
    ),
}


@pytest.mark.parametrize("what", ERRORS)
def test_an_error_is_one_line_and_nothing_is_written(
    what: str, run: Callable[..., Result], files: Files
) -> None:
    damage, words = ERRORS[what]
    damage(files)

    ran = run("--out", files.folder / "out")

    (line,) = ran.stderr.splitlines()
    assert ran.exit_code == 1, ran.output
    assert line.startswith("Error: ")
    assert all(word in line for word in words), line
    assert len(line) < 600
    assert ran.stdout == ""
    assert not (files.folder / "out").exists()


# Odd files that are scored: the rule's note and scores.


def test_further_prediction_files_are_left_out_with_a_note(
    run: Callable[..., Result], files: Files
) -> None:
    files.store(files.predictions / "c.json", "{")
    files.store(files.predictions / "._a.json", "left by a copy")
    files.store(files.truth / "._a.json", "left by a copy")

    ran = run("--format", "json")

    assert totals(ran) == (100, 100)
    assert ran.stderr == "c.json: left out, for no file of the truth has that name.\n"


def test_a_sequence_of_one_frame_is_scored_but_not_officially_tracked(
    run: Callable[..., Result], files: Files
) -> None:
    for side in (files.truth, files.predictions):
        files.store(side / "b.json", video(1))

    ran = run("--format", "json", "-s")

    assert totals(ran) == (100, 100)
    assert "b: one compared frame; the official tool stops there" in ran.stderr
    alone = json.loads(ran.stdout)["sequences"]["b"]
    assert alone["metrics"]["mot"]["mota"][15] == 100
    assert alone["metrics"]["official_mot"]["mota"][15] is None
    assert "only in the last frame" in alone["reasons"]["official_mot"]["mota"]["total"]


def test_a_sequence_in_which_nobody_is_annotated_is_left_out_with_a_note(
    run: Callable[..., Result], files: Files
) -> None:
    files.change(files.truth / "b.json", lambda document: document["annotations"].clear())

    ran = run("--format", "json", "-s")

    assert totals(ran) == (100, 100)
    assert list(json.loads(ran.stdout)["sequences"]) == ["a"]
    assert ran.stderr == "b: left out, for nobody is annotated.\n"


def test_to_ap_alone_track_ids_do_not_matter(run: Callable[..., Result], files: Files) -> None:
    on_prediction(person(track_id=None))(files)
    on_truth(person(track_id=99_999))(files)

    ran = run("--metrics", "ap", "--format", "json")

    assert (ran.exit_code, ran.stderr) == (0, "")
    assert json.loads(ran.stdout)["metrics"]["ap"]["ap"][15] == 100


def test_a_track_id_twice_is_a_note_to_ap_alone(run: Callable[..., Result], files: Files) -> None:
    on_prediction(lambda d: d["annotations"].append({**d["annotations"][0]}))(files)

    ran = run("--metrics", "ap")

    assert ran.exit_code == 0
    assert "b.json: a track id occurs twice in a frame; for AP it does not matter" in ran.stderr


def test_a_track_id_twice_in_the_truth_is_a_note_to_mota_and_an_error_to_hota(
    run: Callable[..., Result], files: Files
) -> None:
    on_truth(lambda d: d["annotations"].append({**d["annotations"][0]}))(files)

    mota, hota = run(), run("--metrics", "hota")

    assert (mota.exit_code, hota.exit_code) == (0, 1)
    assert "truth/b.json: a track id occurs twice in a frame; MOTA counts on" in mota.stderr
    (line,) = hota.stderr.splitlines()
    assert "frame v/000000.jpg: the track id 1 occurs twice. HOTA needs ids that" in line


@pytest.mark.parametrize("scores", [[], None, "gone"])
def test_keypoints_without_scores_rank_last_with_a_note(
    run: Callable[..., Result], files: Files, scores: Any
) -> None:
    def damage(document: Document) -> None:
        for someone in document["annotations"]:
            someone["scores"] = scores
            if scores == "gone":
                del someone["scores"]

    on_prediction(damage)(files)

    ran = run("--format", "json")

    assert totals(ran) == (100, 100)
    assert "b.json: keypoints without a score, which are ranked last (-9999)" in ran.stderr


def test_an_ignore_region_of_two_points_is_left_out_with_a_note(
    run: Callable[..., Result], files: Files
) -> None:
    on_truth(image(ignore_regions_x=[[0, 90]], ignore_regions_y=[[0, 90]]))(files)

    ran = run("--format", "json")

    assert totals(ran) == (100, 100)
    assert "truth/b.json: ignore regions of fewer than 3 points were left out" in ran.stderr


@pytest.mark.parametrize("side", ["truth", "predictions"])
def test_a_posetrack17_file_among_posetrack18_files_is_read_as_what_it_is(
    run: Callable[..., Result], files: Files, side: str
) -> None:
    files.store(files.folder / side / "b.json", annolist())

    ran = run("--format", "json", "-s")

    assert totals(ran) == (100, 100)
    assert ran.stderr == ""
    assert json.loads(ran.stdout)["sequences"]["b"]["frames"] == 3


def test_a_sequence_called_as_the_set_does_not_take_its_files(
    run: Callable[..., Result], files: Files
) -> None:
    for side in (files.truth, files.predictions):
        files.store(side / "total.json", video())
    out = files.folder / "out"

    ran = run("--out", out, "-s")

    assert ran.exit_code == 1
    assert ran.stderr.startswith("Error: A sequence is called 'total'")
    assert not out.exists()
    assert run("--out", out).exit_code == 0  # without files of its own it is a name like any
