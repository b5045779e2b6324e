"""`--backend fcpose`: detection and both schemes of tracking, and what can be wrong with it."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click.testing import Result
from torch import Tensor

from models.networks import fcpose
from models.networks.fcpose import FCPose

Fspose = Callable[..., Result]
QUICK = ("side=64", "longest=96", "most_people=4")


def narrow(keypoints: int = 17) -> FCPose:
    """A small network that thinks that there is somebody everywhere."""
    torch.manual_seed(0)
    network = fcpose.over_resnet(
        (1, 1, 1, 1),
        widths=(8, 16, 16, 32),
        stem_width=8,
        keypoints=keypoints,
        channels=64,
        basis_width=16,
        bases=4,
        hidden=8,
    )
    with torch.no_grad():
        network.detector.cls_logits.bias.zero_()
        network.detector.bbox_pred.bias.fill_(1.5)
    return network


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fcpose") / "narrow.pth"
    torch.save({"model": narrow().state_dict(), "iteration": 3}, path)
    return path


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("image") / "people.png"
    pixels = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    cv2.imwrite(str(path), pixels)
    return path


def chosen(weights: Path, *options: str) -> list[object]:
    """The command line's words for the backend."""
    words: list[object] = ["--backend", "fcpose", "--weights", f"backend={weights}"]
    for option in (*QUICK, *options):
        words += ["--backend-option", option]
    return words


def assert_told(ran: Result, *words: str, code: int = 1) -> None:
    """One line that starts with Error and holds the words; no traceback, nothing on stdout."""
    assert ran.exit_code == code, ran.output
    (line,) = ran.stderr.splitlines()
    assert line.startswith("Error: ")
    assert all(word in line for word in words), line
    assert "Traceback" not in ran.output
    assert ran.stdout == ""


def test_detect_writes_the_people_of_an_image(
    fspose: Fspose, checkpoint: Path, image: Path, tmp_path: Path
) -> None:
    out, overlay = tmp_path / "results.json", tmp_path / "drawn"
    words = chosen(checkpoint, "flip=true", "scales=1,1.5")
    ran = fspose("detect", image, "-o", out, "--overlay", overlay, *words)

    assert ran.exit_code == 0, ran.output
    people = json.loads(out.read_text())
    assert len(people) == 4
    assert all(len(one["keypoints"]) == 51 for one in people)
    assert (overlay / "1-people.jpg").is_file()


@pytest.mark.parametrize("scheme", ["every-frame", "fast-slow"])
def test_track_takes_it_for_every_frame_and_for_keyframes(
    fspose: Fspose, checkpoint: Path, family: Path, video: Path, tmp_path: Path, scheme: str
) -> None:
    words = ["--scheme", scheme, "--family", family, "--no-overlay", *chosen(checkpoint)]
    ran = fspose("track", video, "-o", tmp_path / "out", *words)

    assert ran.exit_code == 0, ran.output
    header, *frames = map(json.loads, (tmp_path / "out/result.jsonl").read_text().splitlines())
    assert len(frames) == 40
    assert "backend: narrow.pth" in {model["name"] for model in header["models"]}
    assert header["skeleton"]["name"] == ("coco-17" if scheme == "every-frame" else "fspose-19")


def test_the_list_of_backends_names_it_with_its_options(fspose: Fspose) -> None:
    ran = fspose("backends")

    assert ran.exit_code == 0
    assert all(word in ran.stdout for word in ("fcpose", "variant: str = 'auto'", "scales: str"))


def of_variant(variant: str) -> dict[str, Tensor]:
    """A variant's entries, one number in every shape: the file stays small."""
    with torch.device("meta"):
        names = fcpose.VARIANTS[variant](17).state_dict()
    return {name: torch.full((), 0.01).expand(tensor.shape) for name, tensor in names.items()}


def test_a_checkpoint_of_another_variant_is_told(
    fspose: Fspose, image: Path, tmp_path: Path
) -> None:
    torch.save({"model": of_variant("r50")}, tmp_path / "fcpose50.pth")

    words = chosen(tmp_path / "fcpose50.pth", "variant=r101")
    ran = fspose("detect", image, "-o", tmp_path / "out.json", *words)

    assert_told(ran, "fcpose50.pth does not fit FCPose", "missing", "looks like FCPose R-50 with")
    assert not (tmp_path / "out.json").exists()


def test_a_checkpoint_of_another_number_of_keypoints_is_told(
    fspose: Fspose, image: Path, tmp_path: Path
) -> None:
    torch.save(narrow(14).state_dict(), tmp_path / "crowdpose.pth")

    ran = fspose("detect", image, "-o", tmp_path / "out.json", *chosen(tmp_path / "crowdpose.pth"))

    assert_told(ran, "crowdpose.pth holds FCPose for 14 keypoints; COCO's 17 are known here.")


def test_a_checkpoint_of_another_network_is_told(
    fspose: Fspose, image: Path, tmp_path: Path
) -> None:
    torch.save({"stage4.0.fuse_layers.0.1.0.weight": torch.zeros(3)}, tmp_path / "hrnet.pth")

    ran = fspose("detect", image, "-o", tmp_path / "out.json", *chosen(tmp_path / "hrnet.pth"))

    assert_told(ran, "hrnet.pth does not fit FCPose", "It looks like HRNet")


@pytest.mark.parametrize("name", ["half.pth", "half.pkl"])
def test_half_a_file_is_told(
    fspose: Fspose, checkpoint: Path, image: Path, tmp_path: Path, name: str
) -> None:
    content = checkpoint.read_bytes()
    if name.endswith(".pkl"):
        arrays = {n: tensor.numpy() for n, tensor in narrow().state_dict().items()}
        content = pickle.dumps({"model": arrays, "__author__": "them"})
    (tmp_path / name).write_bytes(content[: len(content) // 2])

    ran = fspose("detect", image, "-o", tmp_path / "out.json", *chosen(tmp_path / name))

    assert_told(ran, f"{name} is no checkpoint, or is empty, damaged or cut short")


def test_a_pickle_that_imports_something_is_told_and_does_not(
    fspose: Fspose, image: Path, tmp_path: Path
) -> None:
    witness = tmp_path / "witness"

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(witness),)

    (tmp_path / "trap.pkl").write_bytes(pickle.dumps({"model": {"a": Trap()}}))

    ran = fspose("detect", image, "-o", tmp_path / "out.json", *chosen(tmp_path / "trap.pkl"))

    assert_told(ran, "trap.pkl holds Python objects beside its tensors", "mkdir")
    assert not witness.exists()


def test_without_weights_it_is_told(fspose: Fspose, image: Path, tmp_path: Path) -> None:
    ran = fspose("detect", image, "-o", tmp_path / "out.json", "--backend", "fcpose")

    assert_told(ran, "Backend 'fcpose' comes without weights", "--weights backend=FILE")


def test_an_option_out_of_range_is_told(
    fspose: Fspose, checkpoint: Path, image: Path, tmp_path: Path
) -> None:
    ran = fspose("detect", image, "-o", tmp_path / "out.json", *chosen(checkpoint, "overlap=2"))

    assert_told(ran, "'overlap' of fcpose is 2.0; it lies in 0..1.")


def pixels(*shape: int, kind: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, np.iinfo(kind).max, shape, kind)


@pytest.mark.parametrize(
    "content",
    [
        pixels(1, 1, 3),
        pixels(20, 10000, 3),
        pixels(10000, 20, 3),
        pixels(50, 60),
        pixels(50, 60, 4),
        pixels(50, 60, 3, kind=np.uint16),
        pixels(50, 60, kind=np.uint16),
    ],
    ids=["1x1", "10000x20", "20x10000", "grey", "alpha", "16 bit", "grey, 16 bit"],
)
def test_an_image_of_any_kind_is_read(
    fspose: Fspose, checkpoint: Path, tmp_path: Path, content: np.ndarray
) -> None:
    cv2.imwrite(str(tmp_path / "odd.png"), content)

    ran = fspose("detect", tmp_path / "odd.png", "-o", tmp_path / "out.json", *chosen(checkpoint))

    assert ran.exit_code == 0, ran.output
    for one in json.loads((tmp_path / "out.json").read_text()):
        assert np.isfinite(one["keypoints"]).all()


def test_a_truncated_jpeg_is_told(
    fspose: Fspose, checkpoint: Path, image: Path, tmp_path: Path
) -> None:
    content = bytes(cv2.imencode(".jpg", pixels(80, 90, 3))[1])
    (tmp_path / "cut.jpg").write_bytes(content[: len(content) // 2])
    words = ["-o", tmp_path / "out.json", *chosen(checkpoint)]

    alone = fspose("detect", tmp_path / "cut.jpg", *words)
    among = fspose("detect", image, tmp_path / "cut.jpg", *words)

    assert_told(alone, "cut.jpg: cannot be read as an image, it is cut short.")
    assert among.exit_code == 5
    assert "cut.jpg: cannot be read as an image, it is cut short." in among.stderr
    assert {one["image_id"] for one in json.loads((tmp_path / "out.json").read_text())} == {1}
