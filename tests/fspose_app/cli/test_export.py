"""`fspose export`: networks for other runtimes, compared before they are written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import Result

from fspose_app import export_samples
from models import zoo
from models.runtimes import base, drift
from models.runtimes.base import SUFFIXES, Target, installed
from models.runtimes.ranges import beside, path_beside

Fspose = Callable[..., Result]


def or_skipped(target: Target) -> object:
    there = target == "torchscript" or installed(target)
    absent = pytest.mark.skipif(not there, reason=f"the extra '{target}' is not installed")
    return pytest.param(target, marks=absent)


def assert_told(ran: Result, *words: str, code: int = 1) -> None:
    assert ran.exit_code == code, ran.output
    line = ran.stderr.splitlines()[-1]
    assert line.startswith("Error: ")
    assert all(word in line for word in words), line
    assert "Traceback" not in ran.output


@pytest.fixture(autouse=True)
def _few_drawn_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_samples, "SCENES", 1)


@pytest.mark.parametrize("target", [or_skipped(target) for target in SUFFIXES])
@pytest.mark.parametrize("network", ["fast", "transfer", "finder"])
def test_a_network_is_written_and_found_equal_again(
    fspose: Fspose, family: Path, tmp_path: Path, network: str, target: Target
) -> None:
    path = tmp_path / f"net{SUFFIXES[target]}"
    # An untrained transfer network gives maps that are full of ties, which rounding decides.
    own = () if network == "transfer" else ("--family", family)
    words = ("export", network, "--to", target, *own, "--threads", 1)

    ran = fspose(*words, "-o", path)

    assert ran.exit_code == 0, ran.output
    error, moved, name = ran.stdout.splitlines()
    assert error.startswith("largest error ")
    assert "pixels of the map at most" in moved
    assert name == str(path)
    assert path.is_file()
    again = fspose(*words, "--check", path)
    assert again.exit_code == 0, again.output
    assert again.stdout == ran.stdout


def test_real_images_take_the_place_of_drawn_people(
    fspose: Fspose, family: Path, tmp_path: Path
) -> None:
    image = np.full((64, 96, 3), 40, np.uint8)
    image[20:44, 40:64] = 220
    cv2.imwrite(str(tmp_path / "a.png"), image)
    words = ("export", "fast", "--to", "torchscript", "--family", family)

    ran = fspose(*words, "--images", tmp_path / "a.png", "-o", tmp_path / "fast.pt")

    assert ran.exit_code == 0, ran.output
    assert (tmp_path / "fast.pt").is_file()


def test_images_that_are_not_there_or_show_nobody_are_told(
    fspose: Fspose, family: Path, tmp_path: Path
) -> None:
    cv2.imwrite(str(tmp_path / "grey.png"), np.zeros((64, 64, 3), np.uint8))
    words = ("export", "fast", "--to", "torchscript", "-o", tmp_path / "fast.pt")

    assert_told(fspose(*words, "--family", family, "--images", "gone.png"), "gone.png: no such")
    ran = fspose(*words, "--images", tmp_path / "grey.png")

    assert_told(ran, "Nobody is found", "grey.png")
    assert not (tmp_path / "fast.pt").exists()


def test_what_drifts_is_refused(
    fspose: Fspose, family: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(drift.BOUNDS, "float32", drift.Bounds(-1, 1))  # nothing is so near

    ran = fspose(
        *("export", "fast", "--to", "torchscript", "--family", family), "-o", tmp_path / "f.pt"
    )

    assert_told(ran, "f.pt drifts from torch", "Nothing was written")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", [or_skipped(target) for target in SUFFIXES])
def test_garbage_to_check_is_told(
    fspose: Fspose, family: Path, tmp_path: Path, target: Target
) -> None:
    path = tmp_path / f"net{SUFFIXES[target]}"
    path.write_text("garbage")

    ran = fspose("export", "slow", "--to", target, "--family", family, "--check", path)

    assert_told(ran, path.name)


@pytest.mark.parametrize("target", ["onnx", "openvino"])
def test_a_runtime_that_is_not_installed_is_told(
    fspose: Fspose,
    family: Path,
    tmp_path: Path,
    target: Target,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(base.PACKAGES, target, ("a_package_that_nobody_has",))
    path = tmp_path / f"net{SUFFIXES[target]}"

    ran = fspose("export", "slow", "--to", target, "--family", family, "-o", path)

    assert_told(ran, f"'{target}' is not installed", f"pip install 'fspose[{target}]'")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("slow", "--to", "onnx", "-o", "slow.pt"), "ends in .onnx"),
        (("slow", "--to", "ranges", "-o", "slow.json"), "ends in .ranges.json"),
        (("transfer", "--to", "ranges"), "Ranges are not learnt for the transfer network"),
        (("slow", "--to", "ranges"), "int8 needs --images with people"),
        (("everything", "--to", "onnx"), "everything"),
        (("slow",), "--to"),
        (("slow", "--to", "onnx", "--precision", "int8"), "int8 needs --images with people"),
        (("slow", "--to", "onnx", "--precision", "half"), "'half' is not one of"),
    ],
)
def test_wrong_usage_is_told(fspose: Fspose, words: tuple[str, ...], told: str) -> None:
    ran = fspose("export", *words)

    assert ran.exit_code == 2
    assert told in ran.stderr


def test_ranges_are_not_compared_again(fspose: Fspose, tmp_path: Path) -> None:
    path = tmp_path / "slow.ranges.json"
    path.write_text("")

    ran = fspose("export", "slow", "--to", "ranges", "--check", path)

    assert ran.exit_code == 2
    assert "Ranges are not compared again" in ran.stderr


@pytest.mark.skipif(not installed("onnx"), reason="the extra 'onnx' is not installed")
@pytest.mark.parametrize("network", ["fast", "finder"])
def test_ranges_are_learnt_from_images(
    fspose: Fspose, family: Path, tmp_path: Path, network: zoo.Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The maps of an untrained network are full of ties, which decide where a keypoint is.
    monkeypatch.setitem(drift.BOUNDS, "int8", drift.Bounds(9, 50))
    for name in ("a", "b"):
        image = np.full((64, 96, 3), 40, np.uint8)
        image[20:44, 40:64] = 220
        cv2.imwrite(str(tmp_path / f"{name}.png"), image)
    own = tmp_path / "family"
    shutil.copytree(family, own)
    weights = zoo.of_role(network, own).path
    path = path_beside(weights)

    ran = fspose(
        *("export", network, "--to", "ranges", "--family", own, "--threads", 1),
        *("--images", tmp_path / "a.png", "--images", tmp_path / "b.png", "-o", path),
    )

    assert ran.exit_code == 0, ran.output
    assert ran.stderr == ""
    assert ran.stdout.splitlines()[-1] == str(path)
    found = beside(weights)
    assert found is not None
    assert found.learnt_from > 0
    assert found.tensors


def test_a_file_is_checked_or_written_not_both(fspose: Fspose, tmp_path: Path) -> None:
    path = tmp_path / "slow.onnx"
    path.write_text("")

    ran = fspose("export", "slow", "--to", "onnx", "--check", path, "-o", path)

    assert ran.exit_code == 2
    assert "exclude each other" in ran.stderr


def test_weights_that_are_not_used_are_told(fspose: Fspose, family: Path, tmp_path: Path) -> None:
    weights = f"fast={family / 'tiny-fast.safetensors'}"

    ran = fspose(
        *("export", "slow", "--to", "torchscript", "--family", family, "--weights", weights),
        *("-o", tmp_path / "slow.pt"),
    )

    assert_told(ran, "Weights for 'fast'", "slow only")


@pytest.mark.skipif(
    not (installed("onnx") and installed("openvino")), reason="onnx and openvino are not installed"
)
def test_int8_is_learnt_from_images_and_then_followed_with(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The maps of an untrained network are full of ties, which decide where a keypoint is.
    monkeypatch.setitem(drift.BOUNDS, "int8", drift.Bounds(9, 50))
    image = np.full((64, 96, 3), 40, np.uint8)
    image[20:44, 40:64] = 220
    cv2.imwrite(str(tmp_path / "a.png"), image)
    words = ("--family", family, "--threads", 1)
    path = tmp_path / "slow-int8.onnx"

    ran = fspose(
        *("export", "slow", "--to", "onnx", "--precision", "int8", *words),
        *("--images", tmp_path / "a.png", "-o", path),
    )

    assert ran.exit_code == 0, ran.output
    assert ran.stderr == ""
    again = fspose(
        *("export", "slow", "--to", "onnx", "--check", path, *words),
        *("--images", tmp_path / "a.png"),
    )
    assert again.stdout == ran.stdout

    track = ("track", video, "--no-overlay", "--runtime", "openvino", "--weights", f"slow={path}")
    out = tmp_path / "out"
    refused = fspose(*track, *words, "-o", out)
    assert_told(refused, "slow-int8.onnx calculates in int8", "--precision int8")

    followed = fspose(*track, *words, "-o", out, "--precision", "int8", "--overwrite")
    assert followed.exit_code == 0, followed.output
    header = json.loads((out / "result.jsonl").read_text().splitlines()[0])
    assert header["settings"]["precision"] == "int8"
    assert "slow: slow-int8.onnx" in {model["name"] for model in header["models"]}
