from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from click.testing import CliRunner

from data.errors import OutputError
from data.posetrack import read
from fspose_app.cli.synth import command

SHORT = ("--seconds", "0.4", "--fps", "10", "--size", "96x64", "--people", "1")


def test_a_clip_and_its_truth_are_written(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "place"

    done = CliRunner().invoke(command, [str(folder), "--scene", "demo", *SHORT])

    assert (done.exit_code, done.exception) == (0, None)
    assert sorted(path.name for path in folder.iterdir()) == ["clip.json", "clip.mp4"]
    with av.open(str(folder / "clip.mp4")) as container:
        images = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    sequence = read(folder / "clip.json")
    assert len(images) == len(sequence.frames) == 4
    assert images[0].shape == (64, 96, 3)
    assert sorted({p.track for frame in sequence.frames for p in frame.people}) == [1]


def test_the_same_seed_writes_the_same_truth(tmp_path: Path) -> None:
    for name in ("a", "b"):
        CliRunner().invoke(command, [str(tmp_path / name), "--seed", "5", *SHORT])

    assert (tmp_path / "a/clip.json").read_text() == (tmp_path / "b/clip.json").read_text()


def test_people_are_drawn_on_the_image_that_is_named(tmp_path: Path) -> None:
    import cv2

    cv2.imwrite(str(tmp_path / "red.png"), np.full((40, 60, 3), (0, 0, 250), np.uint8))
    arguments = ["--background", str(tmp_path / "red.png"), "--scene", "crossing", *SHORT]

    CliRunner().invoke(command, [str(tmp_path / "out"), *arguments], catch_exceptions=False)

    with av.open(str(tmp_path / "out/clip.mp4")) as container:
        image = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert image[..., 0].mean() > 180 > 60 > image[..., 1].mean()


@pytest.mark.parametrize(
    ("option", "value"),
    [("--size", "big"), ("--size", "16x16"), ("--people", "0"), ("--fps", "0"), ("--scene", "x")],
)
def test_wrong_usage_is_told_and_nothing_is_made(tmp_path: Path, option: str, value: str) -> None:
    done = CliRunner().invoke(command, [str(tmp_path / "out"), option, value])

    assert done.exit_code == 2
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    done = CliRunner().invoke(command, [str(tmp_path / "file"), *SHORT])

    assert isinstance(done.exception, OutputError)
    assert "cannot be made" in str(done.exception)


def test_what_cannot_be_finished_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").mkdir()  # the final name cannot be taken

    done = CliRunner().invoke(command, [str(tmp_path), *SHORT])

    assert isinstance(done.exception, OutputError)
    assert [tmp_path / "clip.mp4"] == list(tmp_path.iterdir())


TREE = ("--posetrack", "--sequences", "2", "--frames", "3", "--size", "96x64")


def test_a_posetrack_tree_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "tree"

    done = CliRunner().invoke(command, [str(folder), *TREE, "--label-every", "2"])

    assert (done.exit_code, done.exception) == (0, None)
    assert done.stdout.split() == [str(folder / "images"), str(folder / "annotations")]
    files = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    assert files == [
        "annotations/train/000001_mpii_train.json",
        "annotations/val/000002_mpii_test.json",
        *(f"images/train/000001_mpii_train/{index:06d}.jpg" for index in range(3)),
        *(f"images/val/000002_mpii_test/{index:06d}.jpg" for index in range(3)),
    ]
    sequence = read(folder / "annotations/val/000002_mpii_test.json")
    assert [frame.is_labeled for frame in sequence.frames] == [True, False, True]
    assert [path.name for path in folder.parent.iterdir()] == ["tree"]


def test_a_tree_is_not_written_among_other_files(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")

    done = CliRunner().invoke(command, [str(tmp_path), *TREE])

    assert isinstance(done.exception, OutputError)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--frames", "3"),
        ("--sequences", "2"),
        ("--label-every", "2"),
        ("--posetrack", "--scene", "demo"),
        ("--posetrack", "--seconds", "2"),
        ("--posetrack", "--sequences", "1"),
    ],
    ids=" ".join,
)
def test_options_of_clips_and_trees_are_not_mixed(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    done = CliRunner().invoke(command, [str(tmp_path / "out"), *arguments])

    assert done.exit_code == 2
    assert not (tmp_path / "out").exists()
