"""fspose evaluate coco: what is shown, what is written, and one line for what is wrong."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from data.keypoint_sets import COCO, CROWDPOSE, KeypointSet

Fspose = Callable[..., Result]
Files = tuple[Path, Path]


def keypoints(known: KeypointSet, left: float) -> list[float]:
    return [v for k in range(len(known)) for v in (left + 10 * (k % 4), 12 * k, 2)]


def write(folder: Path, known: KeypointSet) -> Files:
    """Two images; two people on the first and one on the second, who is not found."""
    people, results = [], []
    for number, (image, left) in enumerate([(4, 0), (4, 300), (9, 0)], 1):
        flat, box = keypoints(known, left), [left, 0, 40, 240]
        own = {"id": number, "image_id": image, "category_id": 1, "bbox": box, "area": 9600}
        people.append({**own, "keypoints": flat, "num_keypoints": len(known), "iscrowd": 0})
        if image == 4:
            one = {"image_id": image, "category_id": 1, "keypoints": flat, "score": 0.5}
            results.append(one)
    category = {"id": 1, "name": "person", "keypoints": list(known.keypoints)}
    images = [{"id": 4, "crowdIndex": 0.1}, {"id": 9, "crowdIndex": 0.5}]
    truth = {"images": images, "annotations": people, "categories": [category]}
    paths = folder / "truth.json", folder / "results.json"
    for path, content in zip(paths, (truth, results), strict=True):
        path.write_text(json.dumps(content))
    return paths


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return write(tmp_path, COCO)


def run(fspose: Fspose, *arguments: object) -> str:
    ran = fspose("evaluate", "coco", *arguments)

    assert ran.exit_code == 0, ran.output
    return ran.stdout


def test_the_table_has_cocos_ten_numbers(fspose: Fspose, files: Files) -> None:
    shown = run(fspose, *files).splitlines()

    assert shown[0] == "# COCO: 2 images, 3 people, 3 of them to be found"
    head, row = [line.split() for line in shown if line.startswith("results")]
    names = ["AP", "AP50", "AP75", "APM", "APL", "AR", "AR50", "AR75", "ARM", "ARL"]
    assert head[2:12] == names
    # Two of three are found, and nobody else: precision 1 up to a recall of 2/3.
    assert row[:8] == ["results.json", "2", "66.3", "66.3", "66.3", "nan", "66.3", "66.7"]
    assert "APM, ARM: nobody annotated is of that size" in " ".join(row)
    assert "PCK" not in "".join(shown)


def test_crowdpose_has_nine(fspose: Fspose, tmp_path: Path) -> None:
    files = write(tmp_path, CROWDPOSE)

    answer = json.loads(run(fspose, *files, "--format", "json"))

    metrics = answer["results"]["results.json"]["metrics"]["OKS"]
    assert answer["keypoint_set"] == "CrowdPose"
    assert list(metrics)[:6] == ["AP", "AP50", "AP75", "AR", "AR50", "AR75"]
    assert (metrics["AP easy"], metrics["AP medium"], metrics["AP hard"]) == (100, 0, None)
    reasons = answer["results"]["results.json"]["reasons"]
    assert reasons == {"OKS": {"AP hard": "nobody is annotated at that crowd index"}}


def test_pck_is_shown_per_keypoint_and_in_all(fspose: Fspose, files: Files) -> None:
    shown = run(fspose, *files, "--pck", "0.2", "--pckh", "0.5").splitlines()

    assert "PCK@0.2 (torsos), per cent; 3 people" in shown
    assert ["nose", "3", "66.7"] in [line.split() for line in shown]
    assert ["limbs", "36", "66.7"] in [line.split() for line in shown]
    assert ["all", "51", "66.7"] in [line.split() for line in shown]
    place = shown.index("PCKh@0.5 (heads), per cent; 0 people")
    reason = "  nan: nobody annotated has a head box, nor both a top_head and a neck"
    assert shown[place + 1] == reason


def test_pck_can_be_of_visible_keypoints_and_of_whole_people(fspose: Fspose, files: Files) -> None:
    truth = json.loads(files[0].read_text())
    truth["annotations"][0]["keypoints"][3 * 7 + 2] = 1  # an elbow is hidden
    files[0].write_text(json.dumps(truth))

    def annotated(*options: object) -> Any:
        answer = json.loads(run(fspose, *files, "--pck", 1, "--format", "json", *options))
        return answer["annotated"]["PCK@1"]["limbs"]

    assert annotated() == 36
    assert annotated("--visible") == 35
    assert annotated("--visible", "--least-limbs", 12) == 24


def test_several_files_stand_side_by_side(fspose: Fspose, files: Files, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / "mine.json"
    other.write_text(json.dumps(json.loads(files[1].read_text())[:1]))
    same = tmp_path / "other" / "results.json"
    same.write_text(other.read_text())

    shown = run(fspose, *files, other, "--pck", "0.2").splitlines()
    paths = json.loads(run(fspose, *files, same, "--format", "json"))

    assert ["keypoint", "annotated", "results.json", "mine.json"] in [
        line.split() for line in shown
    ]
    assert ["nose", "3", "66.7", "33.3"] in [line.split() for line in shown]
    assert list(paths["results"]) == [f"{tmp_path.name}_results.json", "other_results.json"]


def test_csv_has_a_line_per_number(fspose: Fspose, files: Files) -> None:
    text = run(fspose, *files, "--format", "csv", "--pck", "0.2", "--pckh", "0.5")

    lines = list(csv.DictReader(io.StringIO(text)))
    assert len(lines) == 10 + 2 * 19
    assert {line["family"] for line in lines} == {"OKS", "PCK@0.2", "PCKh@0.5"}
    assert all((line["value"] == "nan") == bool(line["reason"]) for line in lines)
    (found,) = [line for line in lines if (line["family"], line["name"]) == ("PCK@0.2", "nose")]
    assert float(found["value"]) == pytest.approx(200 / 3)


def test_everything_is_written(fspose: Fspose, files: Files, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"

    shown = run(fspose, *files, "--format", "json", "--out", out)

    assert {path.name for path in out.iterdir()} == {"scores.json", "scores.csv"}
    assert (out / "scores.json").read_text() == shown
    assert (out / "scores.csv").read_text() == run(fspose, *files, "--format", "csv")


def rewrite(path: Path, change: Callable[[Any], Any]) -> None:
    content = json.loads(path.read_text())
    path.write_text(json.dumps(change(content) or content))


def no_area(people: Any) -> None:
    for person in people["annotations"]:
        del person["area"]


def another_category(content: Any) -> None:
    content["categories"].append({"id": 2, "name": "dog"})


def test_what_is_put_up_with_is_noted(fspose: Fspose, files: Files) -> None:
    rewrite(files[0], no_area)
    rewrite(files[0], another_category)
    rewrite(files[1], lambda r: r[1].update(category_id=2))

    ran = fspose("evaluate", "coco", *files)

    assert ran.exit_code == 0
    assert ran.stderr.splitlines() == [
        f"{files[0]}: people without an area have 0.53 of their box's (3).",
        f"{files[1]}: results of other categories than person were left out (1).",
    ]


def test_people_without_keypoints_do_not_count(fspose: Fspose, files: Files) -> None:
    rewrite(files[0], lambda a: a["annotations"][2].pop("keypoints") and None)

    shown = run(fspose, *files)

    assert "3 people, 2 of them to be found" in shown
    assert "100.0" in shown


def test_empty_results_score_nothing(fspose: Fspose, files: Files) -> None:
    files[1].write_text("[]")

    ran = fspose("evaluate", "coco", *files, "--pck", "0.2", "--format", "json")

    metrics = json.loads(ran.stdout)["results"]["results.json"]["metrics"]
    assert (ran.exit_code, metrics["OKS"]["AP"], metrics["PCK@0.2"]["all"]) == (0, 0, 0)
    assert ran.stderr == f"{files[1]}: there are no results, so every score is 0.\n"


def cut(path: Path) -> None:
    path.write_text(path.read_text()[:300])


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def in_results(change: Callable[[Any], Any]) -> Callable[[Files], None]:
    return lambda files: rewrite(files[1], change)


def in_truth(change: Callable[[Any], Any]) -> Callable[[Files], None]:
    return lambda files: rewrite(files[0], change)


BAD: dict[str, tuple[Callable[[Files], None], str]] = {
    "unknown image": (
        in_results(lambda r: r[1].update(image_id=5)),
        "results.json: [1].image_id: 5 is no image of ",
    ),
    "unknown category": (
        in_results(lambda r: r[0].update(category_id=3)),
        "results.json: [0].category_id: 3 is no category of ",
    ),
    "NaN": (
        in_results(lambda r: r[1]["keypoints"].__setitem__(0, float("nan"))),
        "results.json: [1].keypoints (COCO's 17): expected 51 numbers, found nan",
    ),
    "too few keypoints": (
        in_results(lambda r: r[0].update(keypoints=r[0]["keypoints"][:42])),
        "results.json: [0].keypoints (COCO's 17): expected a list of 51 numbers, found 42",
    ),
    "no score": (
        in_results(lambda r: r[1].pop("score") and None),
        "results.json: [1].score: missing, and results are ranked by it.",
    ),
    "cut results": (lambda f: cut(f[1]), "results.json: expected JSON ("),
    "cut truth": (lambda f: cut(f[0]), "truth.json: expected JSON ("),
    "results are a folder": (lambda f: a_folder(f[1]), "results.json: this is a folder"),
    "truth is a folder": (lambda f: a_folder(f[0]), "truth.json: this is a folder"),
    "results are annotations": (
        lambda f: f[1].write_text(f[0].read_text()) and None,
        "results.json: expected a list of results, found a dict. It looks like an annotation file",
    ),
    "truth is results": (
        lambda f: f[0].write_text(f[1].read_text()) and None,
        "truth.json: expected an object with 'images', found a list",
    ),
    "nobody has keypoints": (
        in_truth(lambda a: [p.pop("keypoints") for p in a["annotations"]] and None),
        "truth.json: no person has a labelled keypoint",
    ),
    "one annotation id twice": (
        in_truth(lambda a: a["annotations"][0].update(id=2)),
        "truth.json: the annotation id 2 occurs 2 times",
    ),
    "one image id twice": (
        in_truth(lambda a: a["images"].append({"id": 4})),
        "truth.json: the image id 4 occurs 2 times",
    ),
    "NaN in the truth": (
        in_truth(lambda a: a["annotations"][1].update(area=float("nan"))),
        "truth.json: annotations[1].area: expected 1 numbers, found nan",
    ),
    "no box": (
        in_truth(lambda a: a["annotations"][1].pop("bbox") and None),
        "truth.json: annotations[1].bbox: expected a list of 4 numbers",
    ),
    "other keypoints": (
        in_truth(lambda a: a["categories"][0].update(keypoints=["beak"])),
        "truth.json: categories[0].keypoints: expected the names of COCO's 17 keypoints or",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_told_in_one_line(
    name: str, fspose: Fspose, files: Files, tmp_path: Path
) -> None:
    damage, words = BAD[name]
    damage(files)

    ran = fspose("evaluate", "coco", *files, "--out", tmp_path / "out")

    (line,) = ran.stderr.splitlines()
    assert ran.exit_code == 1
    assert line.startswith("Error: ")
    assert words in line
    assert ran.stdout == ""
    assert not (tmp_path / "out").exists()


def test_wrong_usage_is_clicks_own(fspose: Fspose, files: Files, tmp_path: Path) -> None:
    wrong = [
        (files[0],),
        (files[0], tmp_path / "gone.json"),
        (*files, files[1]),
        (*files, "--pck", "0"),
        (*files, "--pckh", "nan"),
        (*files, "--least-limbs", "13"),
        (*files, "--format", "xml"),
    ]

    assert [fspose("evaluate", "coco", *args).exit_code for args in wrong] == [2] * len(wrong)
    assert "named twice" in fspose("evaluate", "coco", *wrong[2]).stderr


def test_a_folder_that_cannot_be_made_is_told(fspose: Fspose, files: Files, tmp_path: Path) -> None:
    ran = fspose("evaluate", "coco", *files, "--out", files[0] / "out")

    assert ran.exit_code == 1
    assert ran.stderr.startswith(f"Error: {files[0] / 'out'} cannot be made: ")
