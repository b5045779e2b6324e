"""What a person can get wrong: one line that says what and what to do, and the exit code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click.testing import Result

Fspose = Callable[..., Result]


@pytest.fixture
def text_video(tmp_path: Path) -> Path:
    path = tmp_path / "notes.mp4"
    path.write_text("not a video at all\n" * 100)
    return path


def assert_told(ran: Result, *words: str, code: int = 1) -> None:
    """One line that starts with Error and holds the words; no traceback, nothing on stdout."""
    assert ran.exit_code == code, ran.output
    (line,) = ran.stderr.splitlines()
    assert line.startswith("Error: ")
    assert all(word in line for word in words), line
    assert "Traceback" not in ran.output
    assert ran.stdout == ""


def test_a_missing_file_is_told(fspose: Fspose, tmp_path: Path) -> None:
    ran = fspose("track", tmp_path / "gone.mp4", "-o", tmp_path / "out")

    assert_told(ran, "gone.mp4: no such file or folder", "Check")
    assert not (tmp_path / "out").exists()


def test_a_folder_without_images_is_told(fspose: Fspose, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    ran = fspose("track", tmp_path / "empty", "-o", tmp_path / "out")

    assert_told(ran, "empty: a folder without images", ".jpg")
    assert not (tmp_path / "out").exists()


def test_a_text_file_named_as_a_video_is_told(
    fspose: Fspose, text_video: Path, tmp_path: Path
) -> None:
    ran = fspose("track", text_video, "-o", tmp_path / "out")

    assert_told(ran, "notes.mp4")
    assert not (tmp_path / "out").exists()


def test_an_unreadable_image_is_told(fspose: Fspose, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 nothing more")

    ran = fspose("track", tmp_path / "broken.jpg", "-o", tmp_path / "out")

    assert_told(ran, "broken.jpg: cannot be read as an image")


def test_a_camera_that_is_not_there_is_told(fspose: Fspose, tmp_path: Path) -> None:
    if Path("/dev/video97").exists():
        pytest.skip("there is a camera 97")

    ran = fspose("track", "webcam:97", "-o", tmp_path / "out")

    assert_told(ran, "97")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("scheme", ["fast-slow", "every-frame"])
def test_an_unknown_backend_is_told_with_the_nearest_names(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path, scheme: str
) -> None:
    args = ("--backend", "keypoint_rcn", "--scheme", scheme, "--family", family)
    ran = fspose("track", video, "-o", tmp_path / "out", *args)

    assert_told(ran, "no backend 'keypoint_rcn'", "keypoint_rcnn")
    assert not (tmp_path / "out").exists()


def test_a_backend_without_weights_is_told(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path
) -> None:
    args = ("--backend", "keypoint_rcnn", "--family", family)
    ran = fspose("track", video, "-o", tmp_path / "out", *args)

    assert_told(ran, "'keypoint_rcnn' comes without weights", "--weights backend=FILE")


@pytest.mark.parametrize("role", ["slow", "fast", "transfer", "finder"])
def test_a_checkpoint_of_another_network_is_told(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path, role: str
) -> None:
    torch.save({"stage4.0.fuse_layers.0.1.0.weight": torch.zeros(3)}, tmp_path / "hrnet.pth")

    args = ("--weights", f"{role}={tmp_path / 'hrnet.pth'}", "--family", family)
    ran = fspose("track", video, "-o", tmp_path / "out", *args)

    assert_told(ran, "hrnet.pth does not fit", "missing", "It looks like HRNet")
    assert not (tmp_path / "out").exists()


def test_a_checkpoint_that_is_none_is_told(
    fspose: Fspose, family: Path, video: Path, text_video: Path, tmp_path: Path
) -> None:
    args = ("--weights", f"slow={text_video}", "--family", family)
    ran = fspose("track", video, "-o", tmp_path / "out", *args)

    assert_told(ran, "notes.mp4 is no checkpoint")


def test_weights_that_no_network_asks_for_are_told(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path
) -> None:
    args = ("--weights", f"fast={family / 'tiny-fast.safetensors'}", "--scheme", "every-frame")
    ran = fspose("track", video, "-o", tmp_path / "out", "--family", family, *args)

    assert_told(ran, "Weights for 'fast'", "finder, slow only")


def test_an_option_that_the_backend_lacks_is_told(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path
) -> None:
    args = ("--backend-option", "least=0.2", "--family", family)
    ran = fspose("track", video, "-o", tmp_path / "out", *args)

    assert_told(ran, "no option 'least'", "least_score")


@pytest.mark.parametrize("value", ["[" * 5000, "2001-99-99", "9" * 5000])
def test_a_backend_option_that_yaml_chokes_on_is_a_text(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path, value: str
) -> None:
    args = ("--backend-option", f"least={value}", "--family", family)
    ran = fspose("track", video, "-o", tmp_path / "out", *args)

    assert_told(ran, "no option 'least'", "least_score")


def test_a_folder_without_networks_is_told(fspose: Fspose, video: Path, tmp_path: Path) -> None:
    (tmp_path / "family").mkdir()

    ran = fspose("track", video, "-o", tmp_path / "out", "--family", tmp_path / "family")

    assert_told(ran, "One bundled finder network is expected", "found: none")


def test_a_device_that_is_not_there_is_told(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path
) -> None:
    args = ("--device", "cuda:77", "--family", family)
    ran = fspose("track", video, "-o", tmp_path / "out", *args)

    assert_told(ran, "no device 'cuda:77'", "--device cpu")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("intervall: 4", ("unknown key 'intervall'", "did you mean 'interval'?")),
        ("interval: 0", ("interval is 0", "greater than or equal to 1")),
        ("interval: [", ("is not YAML",)),
        ("interval: " + "[" * 5000, ("is not YAML: its brackets are nested too deeply",)),
        ("fps: .inf", ("fps is inf", "a finite number")),
    ],
)
def test_a_broken_settings_file_is_told(
    fspose: Fspose, video: Path, tmp_path: Path, text: str, words: tuple[str, ...]
) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text(text)

    ran = fspose("track", video, "-o", tmp_path / "out", "--config", config)

    assert_told(ran, "settings.yaml", *words)
    assert not (tmp_path / "out").exists()


def test_an_output_that_cannot_be_made_is_told(fspose: Fspose, video: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    ran = fspose("track", video, "-o", tmp_path / "file" / "out")

    assert_told(ran, "file/out cannot be made: Not a directory.", "-o")


def test_a_rate_for_a_video_is_told(fspose: Fspose, video: Path, tmp_path: Path) -> None:
    ran = fspose("track", video, "-o", tmp_path / "out", "--fps", 10)

    assert_told(ran, "square.mp4 has times of its own")


@pytest.mark.parametrize(
    "args",
    [
        ("--interval", "0"),
        ("--interval", "often"),
        ("--scheme", "slow"),
        ("--fusion", "none"),
        ("--format", "jsonl,xml"),
        ("--weights", "slow"),
        ("--weights", "quick=a.pth"),
        ("--backend-option", "=3"),
        ("--resume", "--overwrite"),
        ("--config", "gone.yaml"),
        ("--nonsense",),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_told_with_exit_code_2(
    fspose: Fspose, video: Path, args: tuple[str, ...]
) -> None:
    ran = fspose("track", video, *args)

    assert ran.exit_code == 2
    assert ran.stderr.splitlines()[-1].startswith("Error: ")


def test_debug_shows_where_an_error_came_from(fspose: Fspose, text_video: Path) -> None:
    ran = fspose("--debug", "track", text_video)

    assert ran.exit_code == 1
    assert "Traceback" in ran.stderr
    assert ran.stderr.splitlines()[-1].startswith("Error: ")


def test_images_that_are_all_missing_are_told(fspose: Fspose, tmp_path: Path) -> None:
    one = fspose("detect", tmp_path / "a.jpg", "-o", tmp_path / "results.json")
    two = fspose("detect", tmp_path / "a.jpg", tmp_path / "b.jpg", "-o", tmp_path / "results.json")

    assert_told(one, "a.jpg: no such file or folder")
    assert_told(two, "None of 2 inputs could be read", "a.jpg")
    assert list(tmp_path.iterdir()) == []


def test_results_that_cannot_be_written_are_told(
    fspose: Fspose, family: Path, tmp_path: Path
) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((8, 8, 3), np.uint8))

    out = tmp_path / "a.png" / "results.json"
    ran = fspose("detect", tmp_path / "a.png", "-o", out, "--family", family)

    assert_told(ran, "results.json cannot be written: Not a directory")


def test_an_annotation_file_that_is_none_is_told(fspose: Fspose, text_video: Path) -> None:
    ran = fspose("detect", text_video, "--boxes", text_video)

    assert_told(ran, "notes.mp4", "JSON")


def test_an_unknown_model_is_told(fspose: Fspose, family: Path) -> None:
    ran = fspose("models", "show", "tiny-slwo", "--family", family)

    assert_told(ran, "no bundled network 'tiny-slwo'", "tiny-slow")


def test_a_damaged_model_is_told(fspose: Fspose, family: Path, tmp_path: Path) -> None:
    for path in family.iterdir():
        content = path.read_bytes()
        changed = content[:-1] + b"x" if path.name == "tiny-slow.safetensors" else content
        (tmp_path / path.name).write_bytes(changed)

    ran = fspose("models", "verify", "--family", tmp_path)

    assert ran.exit_code == 1
    assert "tiny-slow.safetensors has SHA-256" in ran.stderr
