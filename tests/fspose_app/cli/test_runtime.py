"""`--runtime`: the same people, found by another program than torch."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import Result

from models.runtimes import base, passes
from models.runtimes.base import FASTEST_FIRST, Name, cores, installed
from models.runtimes.passes import create

Fspose = Callable[..., Result]
QUICK = ("--interval", 4, "--search-interval", 2, "--no-overlay", "--threads", 1)


def or_skipped(name: Name) -> object:
    absent = pytest.mark.skipif(not installed(name), reason=f"the extra '{name}' is not installed")
    return pytest.param(name, marks=absent)


def lines(folder: Path) -> list[dict[str, Any]]:
    text = (folder / "result.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("name", [or_skipped(name) for name in FASTEST_FIRST])
def test_a_video_is_followed_as_in_torch(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path, name: Name
) -> None:
    for runtime in ("torch", name):
        ran = fspose(
            *("track", video, "-o", tmp_path / runtime, "--family", family),
            *("--runtime", runtime, *QUICK),
        )
        assert ran.exit_code == 0, ran.output

    (header, *found), (_, *expected) = lines(tmp_path / name), lines(tmp_path / "torch")

    assert header["settings"]["runtime"] == name
    assert header["settings"]["device"] == "cpu"
    assert any(frame["people"] for frame in expected)
    for one, other in zip(found, expected, strict=True):
        assert [p["track"] for p in one["people"]] == [p["track"] for p in other["people"]]
        for person, same in zip(one["people"], other["people"], strict=True):
            np.testing.assert_allclose(person["box"], same["box"], atol=0.05)


@pytest.mark.parametrize("name", [or_skipped(name) for name in FASTEST_FIRST])
def test_images_are_read_as_in_torch(
    fspose: Fspose, family: Path, tmp_path: Path, name: Name
) -> None:
    image = np.full((64, 96, 3), 40, np.uint8)
    image[20:44, 40:64] = 220
    cv2.imwrite(str(tmp_path / "a.png"), image)
    found = {}
    for runtime in ("torch", name):
        out = tmp_path / f"{runtime}.json"
        ran = fspose(
            *("detect", tmp_path / "a.png", "-o", out, "--family", family),
            *("--runtime", runtime, "--threads", 1),
        )
        assert ran.exit_code == 0, ran.output
        found[runtime] = json.loads(out.read_text())

    assert found["torch"]
    assert len(found[name]) == len(found["torch"])
    for one, other in zip(found[name], found["torch"], strict=True):
        np.testing.assert_allclose(one["bbox"], other["bbox"], atol=0.05)


def test_a_runtime_that_is_not_installed_is_told_with_the_one_command(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(base.PACKAGES, "onnx", ("a_package_that_nobody_has",))

    ran = fspose("track", video, "-o", tmp_path / "out", "--family", family, "--runtime", "onnx")

    assert ran.exit_code == 1
    (line,) = ran.stderr.splitlines()
    assert "The runtime 'onnx' is not installed" in line
    assert "pip install 'fspose[onnx]'" in line


def test_auto_without_another_runtime_is_torch(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in FASTEST_FIRST:
        monkeypatch.setitem(base.PACKAGES, name, ("a_package_that_nobody_has",))

    ran = fspose(
        *("track", video, "-o", tmp_path / "out", "--family", family),
        *("--runtime", "auto", "--device", "cpu", *QUICK),
    )

    assert ran.exit_code == 0, ran.output
    assert lines(tmp_path / "out")[0]["settings"]["runtime"] == "torch"


def test_more_threads_than_cores_are_told(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path
) -> None:
    words = ("track", video, "-o", tmp_path / "out", "--family", family)

    ran = fspose(*words, "--threads", min(512, cores() + 1))

    assert ran.exit_code == 1
    (line,) = ran.stderr.splitlines()
    assert f"there are {cores()} cores here" in line


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--precision", "half"), "'half' is for CUDA devices, not for 'cpu'"),
        (("--precision", "int8"), "fspose export slow --to onnx --precision int8"),
        (("--runtime", "onnx", "--precision", "bfloat16"), "float32 or int8 on 'cpu', not in bf"),
    ],
)
def test_a_precision_that_cannot_be_is_told_in_one_line(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    common = ("track", video, "-o", tmp_path / "out", "--family", family, "--device", "cpu")

    ran = fspose(*common, *words)

    assert ran.exit_code == 1
    (line,) = ran.stderr.splitlines()
    assert told in line


@pytest.mark.parametrize("name", ["torch", or_skipped("openvino")])
def test_a_video_is_followed_in_bfloat16(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path, name: Name
) -> None:
    ran = fspose(
        *("track", video, "-o", tmp_path / "out", "--family", family),
        *("--runtime", name, "--precision", "bfloat16", "--device", "cpu", *QUICK),
    )
    if "does not calculate in bfloat16" in ran.stderr:
        pytest.skip("the processor does not calculate in bfloat16")

    assert ran.exit_code == 0, ran.output
    header, *found = lines(tmp_path / "out")
    assert header["settings"]["precision"] == "bfloat16"
    assert any(frame["people"] for frame in found)


def test_an_exported_finder_is_refused(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path
) -> None:
    path = tmp_path / "finder.onnx"
    path.write_text("")

    ran = fspose(
        *("track", video, "-o", tmp_path / "out", "--family", family),
        *("--weights", f"finder={path}", "--runtime", "auto"),
    )

    assert ran.exit_code == 1
    assert "an exported finder, which takes pictures of one size only" in ran.stderr


@pytest.mark.skipif(not installed("onnx"), reason="the extra 'onnx' is not installed")
def test_a_damaged_compiled_network_is_made_again_with_a_line(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FSPOSE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(passes, "_runtime", lambda *kind: (create(*kind), {}))  # a new program's
    words = ("--family", family, "--runtime", "onnx", *QUICK)
    assert fspose("track", video, "-o", tmp_path / "a", *words).exit_code == 0
    kept = sorted((tmp_path / "home" / "compiled").iterdir())
    assert kept
    kept[0].write_bytes(b"damaged")

    ran = fspose("track", video, "-o", tmp_path / "b", *words)

    assert ran.exit_code == 0
    (line,) = [line for line in ran.stderr.splitlines() if "compiled again" in line]
    assert str(kept[0]) in line
    assert lines(tmp_path / "a")[1:] == lines(tmp_path / "b")[1:]


def test_an_unknown_runtime_in_a_settings_file_is_told(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path
) -> None:
    config = tmp_path / "run.yaml"
    config.write_text("runtime: tensorrt\n")

    ran = fspose("track", video, "-o", tmp_path / "out", "--config", config)

    assert ran.exit_code == 1
    assert "runtime is 'tensorrt'" in ran.stderr
