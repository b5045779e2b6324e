"""fspose evaluate posetrack --format html, and several folders of predictions at once."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import pytest
from click.testing import Result

from data.skeleton import POSETRACK_17
from fspose_app.score_comparison import labels

Fspose = Callable[..., Result]
Folders = tuple[Path, Path, Path]


def person(frame: int, track: int) -> dict[str, Any]:
    """An annotation whose keypoints lie to the right of 40; a head is 12 pixels."""
    points = [[0, 0, 0] if k in (3, 4) else [40 + k, 50 + 2 * k, 1] for k in range(17)]
    flat = [value for point in points for value in point]
    box = {"bbox_head": [0, 0, 12, 16]}
    return {"image_id": frame, "track_id": track, "keypoints": flat, "scores": [0.9] * 17, **box}


def video(tracks: list[int]) -> str:
    """One person on as many frames, called as `tracks` says."""
    images = [{"id": i, "file_name": f"v/{i:06d}.jpg"} for i in range(len(tracks))]
    people = [person(frame, track) for frame, track in enumerate(tracks)]
    category = {"name": "person", "keypoints": list(POSETRACK_17.keypoints)}
    return json.dumps({"images": images, "annotations": people, "categories": [category]})


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """Truth, perfect predictions, and some in which a person changes the identity."""
    made = []
    for name, tracks in (("truth", [1, 1, 1, 1]), ("good", [1, 1, 1, 1]), ("bad", [1, 1, 2, 2])):
        (tmp_path / name).mkdir()
        (tmp_path / name / "v.json").write_text(video(tracks))
        made.append(tmp_path / name)
    return made[0], made[1], made[2]


def run(fspose: Fspose, *arguments: object) -> Result:
    ran = fspose("evaluate", "posetrack", *arguments, "--metrics", "mot")

    assert ran.exit_code == 0, ran.output
    return ran


def test_the_report_is_a_page_on_standard_output(fspose: Fspose, folders: Folders) -> None:
    ran = run(fspose, folders[0], folders[2], "--format", "html")

    assert ran.stdout.startswith("<!DOCTYPE html>")
    assert ran.stdout.rstrip().endswith("</html>")
    assert "person 1: 1 → 2" in ran.stdout
    assert f"{folders[2]}" in ran.stdout


def test_with_out_the_report_lies_beside_the_official_files(
    fspose: Fspose, folders: Folders, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    page = run(fspose, folders[0], folders[2], "--format", "html").stdout

    ran = run(fspose, folders[0], folders[2], "--format", "html", "--out", out)

    assert ran.stdout == f"{out / 'report.html'}\n"
    assert (out / "report.html").read_text(encoding="utf-8") == page
    assert {path.name for path in out.iterdir()} == {
        "report.html",
        "scores.json",
        "total_MOT_metrics.json",
        "total_MOT_corrected_metrics.json",
    }


def test_only_html_writes_a_report(fspose: Fspose, folders: Folders, tmp_path: Path) -> None:
    run(fspose, folders[0], folders[2], "--out", tmp_path / "out")

    assert not (tmp_path / "out/report.html").exists()


def test_pictures_come_from_images(fspose: Fspose, folders: Folders, tmp_path: Path) -> None:
    (tmp_path / "pictures/v").mkdir(parents=True)
    cv2.imwrite(f"{tmp_path / 'pictures/v/000002.jpg'}", np.zeros((90, 90, 3), np.uint8))
    images = ("--images", tmp_path / "pictures")

    ran = run(fspose, folders[0], folders[2], "--format", "html", *images)
    (tmp_path / "pictures/v/000002.jpg").unlink()
    without = run(fspose, folders[0], folders[2], "--format", "html", *images)

    assert ran.stdout.count("data:image/jpeg;base64,") == 1
    assert ran.stderr == ""
    assert "data:image/jpeg" not in without.stdout
    assert without.stderr == "v/000002.jpg: no picture: no such image below --images.\n"


def test_several_predictions_are_shown_side_by_side(fspose: Fspose, folders: Folders) -> None:
    shown = run(fspose, *folders, "--per-sequence").stdout
    rows = [line.split() for line in shown.splitlines()]

    assert f"== good: {folders[1]}" in shown
    assert f"  B: {folders[2]}" in shown
    # Fifteen of sixty keypoints switch.
    assert ["A", "good", "100.0", "0"] in rows
    assert ["B", "bad", "75.0", "15"] in rows
    assert ["nose", "100.0", "75.0", "-25.0"] in rows
    assert ["v", "4", "A", "100.0", "0"] in rows
    assert rows.count(["B", "-", "A", "-25.0", "+15"]) == 2


def test_several_predictions_as_json_csv_and_files(
    fspose: Fspose, folders: Folders, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    answer = json.loads(run(fspose, *folders, "--format", "json", "--out", out).stdout)
    alone = json.loads(run(fspose, folders[0], folders[2], "--format", "json").stdout)
    text = run(fspose, *folders, "--format", "csv").stdout
    lines = list(csv.DictReader(io.StringIO(text)))

    assert list(answer["predictions"]) == ["good", "bad"]
    assert answer["predictions"]["bad"] == alone
    assert {line["predictions"] for line in lines} == {"good", "bad"}
    assert json.loads((out / "bad/scores.json").read_text()) == alone
    assert (out / "good/total_MOT_metrics.json").is_file()


def test_several_predictions_are_in_one_report(
    fspose: Fspose, folders: Folders, tmp_path: Path
) -> None:
    out = tmp_path / "out"

    run(fspose, *folders, "--format", "html", "--out", out)

    page = (out / "report.html").read_text(encoding="utf-8")
    assert f"{folders[1]}" in page
    assert f"{folders[2]}" in page
    assert {path.name for path in out.iterdir()} == {"good", "bad", "report.html"}


def test_notes_tell_whose_they_are(fspose: Fspose, folders: Folders) -> None:
    (folders[2] / "extra.json").write_text("{}")

    ran = run(fspose, *folders)

    assert ran.stderr == ("bad: extra.json: left out, for no file of the truth has that name.\n")


def test_bad_predictions_among_good_ones_stop_before_anything_is_written(
    fspose: Fspose, folders: Folders, tmp_path: Path
) -> None:
    (folders[2] / "v.json").write_text("{")

    ran = fspose(
        *("evaluate", "posetrack", *folders, "--format", "html", "--out", tmp_path / "out")
    )

    assert ran.exit_code == 1
    assert ran.stderr.startswith(f"Error: {folders[2] / 'v.json'}: expected JSON")
    assert ran.stdout == ""
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--images", "."], "--images is for the pictures of --format html."),
        (["--format", "html", "--images", "no such folder"], "does not exist"),
    ],
)
def test_wrong_usage_is_told(
    options: list[str], words: str, fspose: Fspose, folders: Folders
) -> None:
    ran = fspose("evaluate", "posetrack", *folders, *options)

    assert ran.exit_code == 2
    assert words in ran.stderr


def test_predictions_named_twice_or_not_at_all_are_told(fspose: Fspose, folders: Folders) -> None:
    truth, good, _ = folders

    twice = fspose("evaluate", "posetrack", truth, good, f"{good}/../good")
    none = fspose("evaluate", "posetrack", truth)

    assert (twice.exit_code, none.exit_code) == (2, 2)
    assert "named twice" in twice.stderr
    assert "Missing argument 'PREDICTIONS...'" in none.stderr


def test_labels_are_as_short_as_can_be() -> None:
    assert labels([Path("runs/one"), Path("runs/two")]) == ["one", "two"]
    assert labels([Path("a/results"), Path("b/results")]) == ["a_results", "b_results"]
    assert labels([Path("/")]) == ["predictions"]
    assert labels([Path("a/../b")]) == ["b"]
    with pytest.raises(click.UsageError, match="twice"):
        labels([Path("a"), Path("./a")])
