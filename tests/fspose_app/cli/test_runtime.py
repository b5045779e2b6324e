"""`--runtime`: the same people, found by another program than torch."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import Result

from fspose_app import export_samples
from models import archives, zoo
from models.runtimes import base, passes
from models.runtimes.base import FASTEST_FIRST, Name, cores, installed
from models.runtimes.exported import graph_of
from models.runtimes.passes import create
from models.runtimes.quantized import learnt, quantized
from models.runtimes.ranges import Range, Ranges, path_beside

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
        (("--precision", "int8"), "float32 or bfloat16 on 'cpu', not in int8"),
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


@pytest.mark.skipif(not installed("onnx"), reason="the extra 'onnx' is not installed")
def test_a_video_is_followed_with_an_exported_finder_as_with_the_familys(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_samples, "SCENES", 1)
    path, words = tmp_path / "finder.onnx", ("--family", family, *QUICK)
    ran = fspose(*("export", "finder", "--to", "onnx", "--family", family, "-o", path))
    assert ran.exit_code == 0, ran.output

    given = ("--weights", f"finder={path}", "--runtime", "onnx")
    assert fspose("track", video, "-o", tmp_path / "own", *words).exit_code == 0
    ran = fspose("track", video, "-o", tmp_path / "given", *words, *given)

    assert ran.exit_code == 0, ran.output
    (header, *found), (_, *expected) = lines(tmp_path / "given"), lines(tmp_path / "own")
    assert "finder: finder.onnx" in {model["name"] for model in header["models"]}
    assert any(frame["people"] for frame in expected)
    for one, other in zip(found, expected, strict=True):
        assert [p["track"] for p in one["people"]] == [p["track"] for p in other["people"]]
    refused = fspose("track", video, "-o", tmp_path / "no", *words, *given[:2])
    assert refused.exit_code == 1
    assert "which torch does not run" in refused.stderr


@pytest.fixture
def ranged(family: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The family, with ranges of its fast network that need no learning."""
    pytest.importorskip("onnxruntime")
    own = tmp_path / "family"
    shutil.copytree(family, own)
    weights = zoo.of_role("fast", own).path
    net = zoo.topdown("fast", "cpu", own)
    width, height = zoo.of_role("fast", own).description.input["size"]
    images = np.random.default_rng(0).random((2, 3, height, width), np.float32)
    graph, _ = graph_of(net.network, (images.shape[1:],))
    ranges = Ranges(archives.sha256(weights), 2, learnt(graph, (images,)))
    path_beside(weights).write_text(ranges.text)
    return own


@pytest.mark.parametrize("name", [or_skipped(name) for name in FASTEST_FIRST])
def test_a_video_is_followed_in_int8_where_ranges_lie_beside_the_weights(
    fspose: Fspose,
    ranged: Path,
    video: Path,
    tmp_path: Path,
    name: Name,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = []

    def counting(graph: bytes, ranges: Mapping[str, Range]) -> bytes:
        made.append(len(ranges))
        return quantized(graph, ranges)

    monkeypatch.setattr(passes, "quantized", counting)
    monkeypatch.setenv("FSPOSE_HOME", str(tmp_path / "home"))

    ran = fspose(
        *("track", video, "-o", tmp_path / "out", "--family", ranged, "--causal"),
        *("--runtime", name, "--precision", "int8", *QUICK),
    )

    assert ran.exit_code == 0, ran.output
    assert len(made) == 1  # the fast network's, who also checks the finder's boxes
    header, *found = lines(tmp_path / "out")
    assert header["settings"]["precision"] == "int8"
    assert any(frame["people"] for frame in found)
    told = [line for line in ran.stderr.splitlines() if "no ranges for int8" in line]
    assert [word in line for word, line in zip(("finder", "slow"), told, strict=True)] == [True] * 2


def test_ranges_of_other_weights_are_told_in_one_line(
    fspose: Fspose, ranged: Path, video: Path, tmp_path: Path
) -> None:
    path = path_beside(zoo.of_role("fast", ranged).path)
    said = json.loads(path.read_text()) | {"weights": "0" * 64}
    path.write_text(json.dumps(said))
    words = ("track", video, "--family", ranged, "--runtime", "onnx", *QUICK)

    ran = fspose(*words, "-o", tmp_path / "out", "--precision", "int8")

    assert ran.exit_code == 1
    assert f"{path} was learnt with other weights" in ran.stderr.splitlines()[-1]
    assert fspose(*words, "-o", tmp_path / "out").exit_code == 0  # float32 does not look for them


def test_int8_without_onnx_runtime_is_told_with_the_one_command(
    fspose: Fspose, ranged: Path, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openvino")
    monkeypatch.setitem(base.PACKAGES, "onnx", ("a_package_that_nobody_has",))

    ran = fspose(
        *("track", video, "-o", tmp_path / "out", "--family", ranged, *QUICK),
        *("--runtime", "auto", "--device", "cpu", "--precision", "int8"),
    )

    assert ran.exit_code == 1
    assert "pip install 'fspose[onnx]'" in ran.stderr.splitlines()[-1]


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
