"""fspose evaluate heatmaps, as a person runs it: on a small drawn set, with untrained networks."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import Result

from data.synthetic.posetrack_tree import TreePlan, write_tree
from fspose_app.config import ReplaySettings, TrackSettings, settings

Fspose = Callable[..., Result]
VIDEOS = ["000002_mpii_test.json", "000004_mpii_test.json"]


@dataclass(frozen=True)
class Databases:
    """Two databases of the split val, and its annotations."""

    slow: Path
    fast: Path
    annotations: Path


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, family: Path) -> Databases:
    """Two drawn videos of twenty frames, every other one annotated, and their people's maps."""
    from click.testing import CliRunner

    from fspose_app.cli import main

    folder = tmp_path_factory.mktemp("replay")
    plan = TreePlan(4, 20, (160, 120), seed=4, label_every=2)
    write_tree(folder, plan, lambda done: None)
    annotations = folder / "annotations" / "val"
    for net in ("slow", "fast"):
        arguments = [
            *("heatmaps", "create", annotations, "--images", folder, "--net", net),
            *("--family", family, "--device", "cpu", "--precision", "exact"),
            *("-o", folder / f"{net}.fsh"),
        ]
        ran = CliRunner().invoke(main, [str(argument) for argument in arguments])
        assert ran.exit_code == 0, ran.output
    return Databases(folder / "slow.fsh", folder / "fast.fsh", annotations)


@pytest.fixture
def databases(made: Databases, tmp_path: Path) -> Databases:
    """Copies to break."""
    return Databases(
        Path(shutil.copy(made.slow, tmp_path / "slow.fsh")),
        Path(shutil.copy(made.fast, tmp_path / "fast.fsh")),
        Path(shutil.copytree(made.annotations, tmp_path / "val")),
    )


@pytest.fixture
def replay(fspose: Fspose, family: Path) -> Callable[..., Result]:
    def run(of: Databases, out: Path, *more: object) -> Result:
        return fspose(
            *("evaluate", "heatmaps", of.slow, of.fast, "--annotations", of.annotations),
            *("--interval", 6, "--family", family, "--device", "cpu", "-o", out, *more),
        )

    return run


def scores(out: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((out / "scores.json").read_text())
    return content


def assert_told(ran: Result, *words: str, code: int = 1) -> None:
    assert ran.exit_code == code, ran.output
    line = ran.stderr.splitlines()[-1]
    assert line.startswith("Error: ")
    assert all(word in line for word in words), line


def test_both_rules_and_every_correction_are_shown(
    replay: Callable[..., Result], made: Databases, tmp_path: Path
) -> None:
    out = tmp_path / "out"

    ran = replay(made, out)

    assert ran.exit_code == 0, ran.output
    lines = ran.stdout.splitlines()
    starts = [line.split("  ")[0] for line in lines]
    assert {"as published", "ours", "difference"} <= set(starts)
    assert sum(line.rstrip().endswith((" yes", " no")) for line in lines) == 6
    assert lines[-1] == str(out)
    for rules in ("as-published", "ours"):
        assert sorted(path.name for path in (out / rules).iterdir()) == VIDEOS
    told = scores(out)
    assert told["fusion"] == "two-maps"
    assert [outcome["rules"] for outcome in told["outcomes"]] == [  # type: ignore[attr-defined]
        *("as published", "ours"),
        *["alone"] * 6,
    ]


@pytest.mark.parametrize("fusion", ["0", "1", "2", "4", "5", "inherit"])
def test_every_published_type_runs_and_is_its_name(
    replay: Callable[..., Result], made: Databases, tmp_path: Path, fusion: str
) -> None:
    names = {
        "0": "two-maps",
        "1": "fast-only",
        "2": "three-maps",
        "4": "three-maps-light",
        "5": "previous-only",
        "inherit": "recursive",
    }

    ran = replay(made, tmp_path / "number", "--fusion", fusion, "--not-alone")
    same = replay(made, tmp_path / "name", "--fusion", names[fusion], "--not-alone")

    assert ran.exit_code == same.exit_code == 0, ran.output + same.output
    number, name = (scores(tmp_path / folder) for folder in ("number", "name"))
    assert number == name
    assert number["fusion"] == names[fusion]
    models = [model["name"] for model in number["models"]]  # type: ignore[attr-defined]
    assert models == ([] if fusion == "1" else ["tiny-transfer"])


def test_the_published_rules_alone_make_the_same_files(
    replay: Callable[..., Result], made: Databases, tmp_path: Path
) -> None:
    both = replay(made, tmp_path / "both", "--not-alone")
    one = replay(made, tmp_path / "one", "--as-published")

    assert both.exit_code == one.exit_code == 0, both.output + one.output
    assert not (tmp_path / "one" / "ours").exists()
    assert "difference" not in one.stdout
    for name in VIDEOS:
        files = [tmp_path / run / "as-published" / name for run in ("both", "one")]
        assert files[0].read_bytes() == files[1].read_bytes()
        content = json.loads(files[0].read_text())
        tracks = {person["track_id"][0] for f in content["annolist"] for person in f["annorect"]}
        assert tracks <= {0, 1}  # 0 in frames without people


@pytest.mark.parametrize("form", ["annolist", "posetrack18"])
def test_the_files_get_the_shown_scores_from_the_evaluator(
    fspose: Fspose, replay: Callable[..., Result], made: Databases, tmp_path: Path, form: str
) -> None:
    assert replay(made, tmp_path / "out", "--format", form).exit_code == 0

    for number, rules in enumerate(("as-published", "ours")):
        metrics = ("ap", "mot")[: number + 1]
        ran = fspose(
            *("evaluate", "posetrack", made.annotations, tmp_path / "out" / rules),
            *("--metrics", ",".join(metrics), "-o", tmp_path / rules),
        )
        assert ran.exit_code == 0, ran.output
        outcome = scores(tmp_path / "out")["outcomes"][number]  # type: ignore[index]
        written = scores(tmp_path / rules)["metrics"]
        for family, name in (("ap", "ap"), ("mot", "mota"))[: number + 1]:
            expected = written[family][name]  # type: ignore[index]
            assert outcome["metrics"][family][name] == pytest.approx(expected)


def test_a_published_folder_is_as_good_as_a_database(
    fspose: Fspose, replay: Callable[..., Result], made: Databases, tmp_path: Path
) -> None:
    for net in ("slow", "fast"):
        assert fspose("heatmaps", "export", getattr(made, net), tmp_path / net).exit_code == 0
    folders = Databases(tmp_path / "slow", tmp_path / "fast", made.annotations)

    first = replay(made, tmp_path / "files", "--not-alone")
    second = replay(folders, tmp_path / "folders", "--not-alone")

    assert first.exit_code == second.exit_code == 0, second.output
    for rules in ("as-published", "ours"):
        for name in VIDEOS:
            files = (tmp_path / kind / rules / name for kind in ("files", "folders"))
            one, other = (path.read_bytes() for path in files)
            assert one == other


def test_the_tracking_threshold_writes_tracks(
    replay: Callable[..., Result], made: Databases, tmp_path: Path
) -> None:
    out = tmp_path / "out"

    ran = replay(made, out, "--as-published", "--tracking-threshold", 0.5)

    assert ran.exit_code == 0, ran.output
    content = json.loads((out / "as-published" / VIDEOS[0]).read_text())
    tracks = {person["track_id"][0] for f in content["annolist"] for person in f["annorect"]}
    assert len(tracks) > 1
    assert "mot" in scores(out)["outcomes"][0]["metrics"]  # type: ignore[index]


def test_our_rules_can_be_chosen(
    replay: Callable[..., Result], made: Databases, tmp_path: Path
) -> None:
    out = tmp_path / "out"

    ran = replay(made, out, "--corrections", "neck,alignment", "--not-alone", "--batch", 1)

    assert ran.exit_code == 0, ran.output
    ours = scores(out)["outcomes"][1]  # type: ignore[index]
    assert ours["corrections"] == ["alignment", "neck"]


def test_databases_the_wrong_way_round_are_told(
    replay: Callable[..., Result], made: Databases, tmp_path: Path
) -> None:
    ran = replay(Databases(made.fast, made.slow, made.annotations), tmp_path / "out")

    assert_told(ran, "fast.fsh holds the maps of a fast network, expected a slow one")
    assert not (tmp_path / "out").exists()


def test_a_database_of_other_annotations_is_told(
    replay: Callable[..., Result], databases: Databases, tmp_path: Path
) -> None:
    path = databases.annotations / VIDEOS[0]
    path.write_text(path.read_text() + "\n")

    ran = replay(databases, tmp_path / "out")

    assert_told(ran, "slow.fsh was made for other annotations")


def test_a_database_of_another_kind_of_network_is_told(
    replay: Callable[..., Result], databases: Databases, tmp_path: Path
) -> None:
    change(databases.fast, "UPDATE header SET value = 'posetrack-17' WHERE name = 'skeleton'")

    ran = replay(databases, tmp_path / "out")

    assert_told(ran, "fspose-19", "posetrack-17", "two networks of one kind")


def test_missing_people_are_told_with_the_first_and_their_number(
    replay: Callable[..., Result], databases: Databases, tmp_path: Path
) -> None:
    change(databases.fast, "DELETE FROM records WHERE frame > '000010'")

    ran = replay(databases, tmp_path / "out")

    assert_told(ran, "fast.fsh lacks the maps of", "the first is val/000002_mpii_test/000012")
    assert not (tmp_path / "out").exists()


def test_only_the_keyframes_slow_maps_are_wanted(
    replay: Callable[..., Result], databases: Databases, tmp_path: Path
) -> None:
    whole = replay(databases, tmp_path / "whole", "--not-alone")
    with sqlite3.connect(databases.slow) as database:
        rows = database.execute("SELECT video, track, CAST(frame AS INTEGER) FROM records")
        tracks: dict[tuple[str, int], list[int]] = {}
        for video, track, frame in rows.fetchall():
            tracks.setdefault((video, track), []).append(frame)
        for (video, track), frames in tracks.items():
            last = None
            for frame in sorted(frames):
                if last is None or frame >= last + 6:
                    last = frame
                else:
                    database.execute(
                        "DELETE FROM records WHERE video = ? AND track = ? AND frame = ?",
                        (video, track, f"{frame:06d}"),
                    )
    database.close()

    few = replay(databases, tmp_path / "few", "--not-alone")

    assert whole.exit_code == few.exit_code == 0, few.output
    assert scores(tmp_path / "whole") == scores(tmp_path / "few")


def test_what_is_no_database_is_told(
    replay: Callable[..., Result], made: Databases, tmp_path: Path
) -> None:
    (tmp_path / "text.fsh").write_text("no database")
    (tmp_path / "empty").mkdir()

    text = replay(Databases(made.slow, tmp_path / "text.fsh", made.annotations), tmp_path / "out")
    empty = replay(Databases(tmp_path / "empty", made.fast, made.annotations), tmp_path / "out")

    assert_told(text, "text.fsh")
    assert_told(empty, "empty holds nobody who is annotated; expected files as")


def test_annotations_that_cannot_be_scored_are_told_before_the_replay(
    fspose: Fspose, replay: Callable[..., Result], databases: Databases, tmp_path: Path
) -> None:
    path = databases.annotations / VIDEOS[0]
    content = json.loads(path.read_text())
    for entry in content["annotations"]:
        del entry["bbox_head"]
    path.write_text(json.dumps(content))

    ran = replay(databases, tmp_path / "out")

    assert_told(ran, "an annotated person has no head box")
    assert not (tmp_path / "out").exists()


def test_a_folder_with_something_in_it_stays_as_it_is(
    replay: Callable[..., Result], made: Databases, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")

    ran = replay(made, out)

    assert_told(ran, "out is there already and not empty")
    assert [path.name for path in out.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--fusion", "3"), "is not one of"),
        (("--fusion", "four-maps"), "is not one of"),
        (("--corrections", "nose"), "'nose' is not one of"),
        (("--as-published", "--corrections", "neck"), "exclude each other"),
    ],
)
def test_wrong_usage_is_told(
    replay: Callable[..., Result],
    made: Databases,
    tmp_path: Path,
    more: tuple[object, ...],
    words: str,
) -> None:
    ran = replay(made, tmp_path / "out", *more)

    assert_told(ran, words, code=2)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--fusion", "1", "--weights", "transfer=x.pth"), "needs no network"),
        (("--weights", "slow=x.pth"), "Weights for 'slow' were given"),
        (("--weights", "transfer=x.pth"), "x.pth"),
    ],
)
def test_weights_that_do_not_fit_are_told(
    replay: Callable[..., Result],
    made: Databases,
    tmp_path: Path,
    more: tuple[object, ...],
    words: str,
) -> None:
    ran = replay(made, tmp_path / "out", *more)

    assert_told(ran, words)


def test_settings_know_the_published_numbers(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("fusion: 0\n")

    assert settings(TrackSettings, file, {}).fusion == "two-maps"
    assert settings(ReplaySettings, None, {"fusion": "inherit"}).fusion == "recursive"


def change(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as database:
        database.execute(statement)
    database.close()


@pytest.mark.parametrize(
    "names",
    [["images/../0.jpg"], ["/x/0.jpg", "y/x/0.jpg"], ["../x/0.jpg", "y/x/0.jpg"], ["x\0y/0.jpg"]],
)
def test_a_video_whose_name_is_no_files_is_told_and_nothing_is_written(
    fspose: Fspose, made: Databases, tmp_path: Path, names: list[str]
) -> None:
    content = json.loads((made.annotations / VIDEOS[0]).read_text())
    images = [{**content["images"][0], "id": i, "file_name": name} for i, name in enumerate(names)]
    (tmp_path / "all.json").write_text(json.dumps({**content, "images": images, "annotations": []}))
    args = ("--annotations", tmp_path / "all.json", "-o", tmp_path / "work" / "out")

    ran = fspose("evaluate", "heatmaps", made.slow, made.fast, *args)

    assert_told(ran, "all.json: images[0].file_name")
    assert [path.name for path in tmp_path.iterdir()] == ["all.json"]


@pytest.mark.parametrize(
    "content", ["", "[" * 200_000, '{"images": 1' + "0" * 5000 + "}"], ids=["empty", "deep", "huge"]
)
def test_annotations_that_are_no_json_are_told(
    fspose: Fspose, made: Databases, tmp_path: Path, content: str
) -> None:
    (tmp_path / "all.json").write_text(content)
    args = ("--annotations", tmp_path / "all.json", "-o", tmp_path / "out")

    ran = fspose("evaluate", "heatmaps", made.slow, made.fast, *args)

    assert_told(ran, "all.json: expected JSON")
    assert not (tmp_path / "out").exists()
