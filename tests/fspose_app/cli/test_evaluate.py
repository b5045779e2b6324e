"""fspose evaluate: what is shown, what is written, and one line for what is wrong."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from data.skeleton import POSETRACK_17

Fspose = Callable[..., Result]
Folders = tuple[Path, Path]


def person(frame: int, track: int, x: float, *, head_top: bool = True) -> dict[str, Any]:
    """An annotation whose keypoints lie to the right of x; a head is 12 pixels."""
    numbers = [[x + k, 50 + 2 * k, 1] for k in range(17)]
    gone = (3, 4) if head_top else (2, 3, 4)
    flat = [v for k, row in enumerate(numbers) for v in ([0, 0, 0] if k in gone else row)]
    box = {"bbox_head": [0, 0, 12, 16]}
    return {"image_id": frame, "track_id": track, "keypoints": flat, "scores": [0.9] * 17, **box}


def video(people: list[dict[str, Any]], frames: int = 3) -> dict[str, Any]:
    images = [{"id": i, "file_name": f"v/{i:06d}.jpg", "is_labeled": True} for i in range(frames)]
    category = {"name": "person", "keypoints": list(POSETRACK_17.keypoints)}
    return {"images": images, "annotations": people, "categories": [category]}


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """Two sequences of one person; the second is lost on a frame and then called otherwise."""
    people = [person(frame, 1, 40) for frame in range(3)]
    second = [person(0, 1, 41), person(2, 8, 41)]
    for side, other in (("truth", people), ("predictions", second)):
        (tmp_path / side).mkdir()
        (tmp_path / side / "a.json").write_text(json.dumps(video(people)))
        (tmp_path / side / "b.json").write_text(json.dumps(video(other)))
    return tmp_path / "truth", tmp_path / "predictions"


def run(fspose: Fspose, folders: Folders, *options: object) -> str:
    ran = fspose("evaluate", "posetrack", *folders, *options)

    assert ran.exit_code == 0, ran.output
    return ran.stdout


def test_the_table_lists_what_was_put_right_and_what_it_changed(
    fspose: Fspose, folders: Folders
) -> None:
    shown = run(fspose, folders)

    assert "&100.0 &100.0 &" not in shown
    assert "Tracking with the official tool's oddities put right" in shown
    # Of six frames one is missed and one is a switch; officially the last ones do not count.
    assert "1. the last compared frame of every sequence counts (frames: 2): MOTP" in shown
    assert "2. frames in which one side has no people count as they are (frames: 1)" in shown
    assert "MOTA 50.00 -> 66.67" in shown
    assert "all: MOTA 50.00 -> 66.67, MOTP " in shown


def test_the_official_table_has_no_corrections(fspose: Fspose, folders: Folders) -> None:
    shown = run(fspose, folders, "--as-official")

    assert "Tracking as the official tool counts" in shown
    assert "Put right" not in shown
    assert "& 50.0 & 50.0 & 50.0 & 50.0 & 50.0 & 50.0 & 50.0 & 50.0 &" in shown


def test_every_metric_and_sequence_is_shown_on_demand(fspose: Fspose, folders: Folders) -> None:
    shown = run(fspose, folders, "--metrics", "ap,mot,hota,idf1", "--per-sequence")

    header = next(line for line in shown.splitlines() if line.startswith("keypoint"))
    assert all(name in header for name in ("AP", "MOTA", "HOTA", "FA-HOTA", "IDF1"))
    rows = [line.split() for line in shown.splitlines() if line.startswith(("a ", "b "))]
    assert [row[0] for row in rows] == ["a", "b"]
    assert float(rows[0][1]) == 100


def test_one_metric_alone_shows_nothing_of_the_others(fspose: Fspose, folders: Folders) -> None:
    shown = run(fspose, folders, "--metrics", "idf1")

    assert "IDF1" in shown
    assert "Average precision" not in shown
    assert "Tracking" not in shown


def test_nan_has_its_reason_beside_it(fspose: Fspose, folders: Folders) -> None:
    headless = [person(frame, 1, 40, head_top=False) for frame in range(3)]
    for name in ("a", "b"):
        (folders[0] / f"{name}.json").write_text(json.dumps(video(headless)))

    shown = run(fspose, folders).splitlines()
    answer = json.loads(run(fspose, folders, "--format", "json"))
    lines = list(csv.DictReader(io.StringIO(run(fspose, folders, "--format", "csv"))))

    (row,) = [line for line in shown if line.startswith("head_top")]
    assert "nan" in row
    assert "AP: never annotated" in row
    assert any(line.startswith("&  nan &") for line in shown)
    assert "  nan: AP of head_top: never annotated" in shown
    assert answer["metrics"]["ap"]["ap"][14] is None
    assert answer["reasons"]["ap"]["ap"] == {"head_top": "never annotated"}
    assert all((line["value"] == "nan") == bool(line["reason"]) for line in lines)


def test_json_holds_everything(fspose: Fspose, folders: Folders) -> None:
    answer = json.loads(run(fspose, folders, "--format", "json", "--per-sequence"))
    official = json.loads(run(fspose, folders, "--format", "json", "--as-official"))

    assert answer["names"][12:] == ["neck", "nose", "head_top", "total"]
    assert answer["frames"] == 6
    assert len(answer["metrics"]["mot"]["mota"]) == 16
    assert [round(step["after"]["mota"], 1) for step in answer["corrections"]] == [50, 66.7, 66.7]
    assert set(answer["sequences"]) == {"a", "b"}
    assert set(official["metrics"]) == {"ap", "official_mot"}
    assert "corrections" not in official
    assert official["metrics"]["official_mot"] == answer["metrics"]["official_mot"]


def test_csv_has_a_line_per_number(fspose: Fspose, folders: Folders) -> None:
    lines = list(csv.DictReader(io.StringIO(run(fspose, folders, "--format", "csv", "-s"))))

    assert {line["sequence"] for line in lines} == {"all", "a", "b"}
    (found,) = [
        float(line["value"])
        for line in lines
        if [line[key] for key in ("sequence", "family", "metric", "keypoint")]
        == ["b", "ap", "rec", "nose"]
    ]
    assert found == pytest.approx(200 / 3)


def test_files_bear_the_official_names_and_numbers(
    fspose: Fspose, folders: Folders, tmp_path: Path
) -> None:
    out = tmp_path / "deep" / "out"

    run(fspose, folders, "-s", "--out", out, "--metrics", "ap,mot,hota,idf1")

    kinds = ("AP", "HOTA", "IDF1", "MOT", "MOT_corrected")
    wanted = {f"{part}_{kind}_metrics.json" for part in ("total", "a", "b") for kind in kinds}
    assert {path.name for path in out.iterdir()} == {*wanted, "scores.json"}
    official, corrected = (
        json.loads((out / f"total_{kind}_metrics.json").read_text())
        for kind in ("MOT", "MOT_corrected")
    )
    assert set(official) == set(corrected) == {"mota", "motp", "pre", "rec", "names"}
    assert official["names"]["15"] == "total"
    assert (round(official["mota"][15], 1), round(corrected["mota"][15], 1)) == (50, 66.7)


def test_two_processes_say_the_same(fspose: Fspose, folders: Folders) -> None:
    assert run(fspose, folders, "--processes", "2", "-s") == run(fspose, folders, "-s")


def test_predictions_without_a_truth_are_noted(fspose: Fspose, folders: Folders) -> None:
    (folders[1] / "more.json").write_text("{}")

    ran = fspose("evaluate", "posetrack", *folders)

    assert ran.exit_code == 0
    assert ran.stderr == "more.json: left out, for no file of the truth has that name.\n"


def cut(folders: Folders) -> None:
    path = folders[1] / "b.json"
    path.write_text(path.read_text()[:300])


def not_a_number(folders: Folders) -> None:
    path = folders[1] / "b.json"
    path.write_text(path.read_text().replace("[41, 50", "[NaN, 50", 1))


def a_folder(folders: Folders) -> None:
    (folders[1] / "b.json").unlink()
    (folders[1] / "b.json").mkdir()


def same_tracks(folders: Folders) -> None:
    people = [person(0, 1, 40), person(0, 1, 90)]
    (folders[1] / "b.json").write_text(json.dumps(video(people)))


def no_track(folders: Folders) -> None:
    nameless = person(0, 1, 40)
    del nameless["track_id"]
    (folders[1] / "b.json").write_text(json.dumps(video([nameless])))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda f: (f[1] / "b.json").unlink(), ["b.json: the prediction file is missing"]),
        (cut, ["b.json: expected JSON", "seems to be cut off"]),
        (not_a_number, ["b.json: annotations[0].keypoints: expected 51 numbers, found nan"]),
        (a_folder, ["b.json: this is a folder, expected a JSON file"]),
        (same_tracks, ["b.json: frame v/000000.jpg: the track id 1 occurs twice", "--metrics ap"]),
        (no_track, ["b.json: frame v/000000.jpg: a person has no track_id", "--metrics ap"]),
    ],
)
@pytest.mark.parametrize("form", ["table", "json"])
def test_bad_input_is_told_in_one_line(
    damage: Callable[[Folders], None],
    words: list[str],
    form: str,
    fspose: Fspose,
    folders: Folders,
    tmp_path: Path,
) -> None:
    damage(folders)

    ran = fspose("evaluate", "posetrack", *folders, "--format", form, "--out", tmp_path / "out")

    (line,) = ran.stderr.splitlines()
    assert ran.exit_code == 1
    assert line.startswith("Error: ")
    assert all(word in line for word in words), line
    assert ran.stdout == ""
    assert not (tmp_path / "out").exists()


def test_wrong_usage_is_clicks_own(fspose: Fspose, folders: Folders, tmp_path: Path) -> None:
    assert fspose("evaluate", "posetrack", tmp_path / "gone", folders[1]).exit_code == 2
    assert fspose("evaluate", "posetrack", *folders, "--metrics", "pck").exit_code == 2
    assert fspose("evaluate", "posetrack", *folders, "--format", "xml").exit_code == 2


def test_a_folder_that_cannot_be_made_is_told(
    fspose: Fspose, folders: Folders, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("")

    ran = fspose("evaluate", "posetrack", *folders, "--out", tmp_path / "taken" / "out")

    assert ran.exit_code == 1
    assert ran.stderr.startswith(f"Error: {tmp_path / 'taken' / 'out'} cannot be made: ")
