"""Backends that need weights: detection, both schemes of tracking, and what can be wrong with it.

FCPose, DirectPose, hpos and Keypoint R-CNN, each narrow, and made to find people everywhere.
"""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from click.testing import Result
from torch import Tensor, nn

from models.networks import directpose, fcpose, hpos
from models.networks.keypoint_rcnn import keypoint_rcnn

Fspose = Callable[..., Result]
QUICK = ("side=64", "longest=96", "most_people=4")
TRUNK: dict[str, Any] = {"widths": (8, 16, 16, 32), "stem_width": 8}


@dataclass(frozen=True)
class Method:
    """A backend, a narrow network of it for so many keypoints, how errors call it, and a published
    network, what is asked of it that it is not, and what is told then."""

    backend: str
    narrow: Callable[[int], nn.Module]
    words: str
    published: Callable[[], nn.Module]
    asked: tuple[str, ...]
    told: tuple[str, ...]


def narrow_fcpose(keypoints: int) -> nn.Module:
    network = fcpose.over_resnet(
        (1, 1, 1, 1),
        **TRUNK,
        keypoints=keypoints,
        channels=64,
        basis_width=16,
        bases=4,
        hidden=8,
    )
    network.detector.cls_logits.bias.data.zero_()
    network.detector.bbox_pred.bias.data.fill_(1.5)
    return network


def narrow_directpose(keypoints: int) -> nn.Module:
    network = directpose.over_resnet(
        (1, 1, 1, 1), **TRUNK, channels=64, group_width=4, heatmap_width=8
    )
    network.head.cls_logits.bias.data.zero_()
    on_head = 2 * (5 + keypoints - 17)
    network.head.predictors[0] = nn.Conv2d(4, on_head, 1)
    return network


def narrow_hpos(keypoints: int) -> nn.Module:
    network = hpos.over_resnet(
        (1, 1, 1, 1), **TRUNK, keypoints=keypoints, channels=16, box_width=16, head_width=16
    )
    network.roi_heads.box_predictor.cls_score.bias.data[0] = 3
    return network


def narrow_keypoint_rcnn(keypoints: int) -> nn.Module:
    network = keypoint_rcnn(
        keypoints=keypoints,
        blocks=(1, 1, 1, 1),
        block_width=4,
        channels=16,
        box_width=16,
        head_widths=(16,),
    )
    network.roi_heads.box_predictor.cls_score.bias.data[1] = 3
    return network


METHODS = (
    Method(
        "directpose",
        narrow_directpose,
        "DirectPose",
        directpose.gluoncv_r50,
        ("variant=original",),
        ("holds the variant gluoncv, not original", "Leave the option variant out"),
    ),
    Method(
        "fcpose",
        narrow_fcpose,
        "FCPose",
        lambda: fcpose.fcpose_r50(17),
        ("variant=r101",),
        ("does not fit", "missing", "looks like FCPose R-50 with 17"),
    ),
    Method(
        "hpos",
        narrow_hpos,
        "hpos",
        lambda: hpos.hpos_r50(17),
        ("variant=r101",),
        ("does not fit", "missing", "looks like hpos, the improved Mask R-CNN, R-50 with 17"),
    ),
    Method(
        "keypoint_rcnn",
        narrow_keypoint_rcnn,
        "Keypoint R-CNN",
        lambda: hpos.hpos_r50(17),
        (),
        ("does not fit", "missing", "looks like hpos, the improved Mask R-CNN, R-50 with 17"),
    ),
)


@pytest.fixture(scope="module", params=METHODS, ids=lambda method: method.backend)
def method(request: pytest.FixtureRequest) -> Method:
    found = request.param
    assert isinstance(found, Method)
    return found


def narrow(method: Method, keypoints: int = 17) -> nn.Module:
    torch.manual_seed(0)
    return method.narrow(keypoints)


@pytest.fixture(scope="module")
def checkpoint(method: Method, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp(method.backend) / "narrow.pth"
    torch.save({"model": narrow(method).state_dict(), "iteration": 3}, path)
    return path


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("image") / "people.png"
    pixels = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    cv2.imwrite(str(path), pixels)
    return path


def chosen(method: Method, weights: Path, *options: str) -> list[object]:
    """The command line's words for the backend."""
    words: list[object] = ["--backend", method.backend, "--weights", f"backend={weights}"]
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
    fspose: Fspose, method: Method, checkpoint: Path, image: Path, tmp_path: Path
) -> None:
    out, overlay = tmp_path / "results.json", tmp_path / "drawn"
    words = chosen(method, checkpoint, "flip=true", "scales=1,1.5")
    ran = fspose("detect", image, "-o", out, "--overlay", overlay, *words)

    assert ran.exit_code == 0, ran.output
    people = json.loads(out.read_text())
    assert len(people) == 4
    assert all(len(one["keypoints"]) == 51 for one in people)
    assert (overlay / "1-people.jpg").is_file()


@pytest.mark.parametrize("scheme", ["every-frame", "fast-slow"])
def test_track_takes_it_for_every_frame_and_for_keyframes(
    fspose: Fspose,
    method: Method,
    checkpoint: Path,
    family: Path,
    video: Path,
    tmp_path: Path,
    scheme: str,
) -> None:
    words = ["--scheme", scheme, "--family", family, "--no-overlay", *chosen(method, checkpoint)]
    ran = fspose("track", video, "-o", tmp_path / "out", *words)

    assert ran.exit_code == 0, ran.output
    header, *frames = map(json.loads, (tmp_path / "out/result.jsonl").read_text().splitlines())
    assert len(frames) == 40
    assert "backend: narrow.pth" in {model["name"] for model in header["models"]}
    assert header["skeleton"]["name"] == ("coco-17" if scheme == "every-frame" else "fspose-19")


def test_the_list_of_backends_names_it_with_its_options(fspose: Fspose, method: Method) -> None:
    ran = fspose("backends")

    assert ran.exit_code == 0
    assert all(word in ran.stdout for word in (method.backend, "scales: str", "flip: bool"))


def shapes_of(network: Callable[[], nn.Module]) -> dict[str, Tensor]:
    """A network's entries, one number in every shape: the file stays small."""
    with torch.device("meta"):
        names = network().state_dict()
    return {name: torch.full((), 0.01).expand(tensor.shape) for name, tensor in names.items()}


def test_a_checkpoint_of_another_variant_is_told(
    fspose: Fspose, method: Method, image: Path, tmp_path: Path
) -> None:
    torch.save({"model": shapes_of(method.published)}, tmp_path / "r50.pth")

    words = chosen(method, tmp_path / "r50.pth", *method.asked)
    ran = fspose("detect", image, "-o", tmp_path / "out.json", *words)

    assert_told(ran, "r50.pth", *method.told)
    assert not (tmp_path / "out.json").exists()


def test_a_checkpoint_of_another_number_of_keypoints_is_told(
    fspose: Fspose, method: Method, image: Path, tmp_path: Path
) -> None:
    torch.save(narrow(method, 14).state_dict(), tmp_path / "crowdpose.pth")

    words = chosen(method, tmp_path / "crowdpose.pth")
    ran = fspose("detect", image, "-o", tmp_path / "out.json", *words)

    holds = f"crowdpose.pth holds {method.words} for 14 keypoints; COCO's 17 are known here."
    assert_told(ran, holds)


def test_a_checkpoint_of_another_network_is_told(
    fspose: Fspose, method: Method, image: Path, tmp_path: Path
) -> None:
    torch.save({"stage4.0.fuse_layers.0.1.0.weight": torch.zeros(3)}, tmp_path / "hrnet.pth")

    ran = fspose(
        "detect", image, "-o", tmp_path / "out.json", *chosen(method, tmp_path / "hrnet.pth")
    )

    assert_told(ran, "hrnet.pth does not fit", "It looks like HRNet")


@pytest.mark.parametrize("name", ["half.pth", "half.pkl"])
def test_half_a_file_is_told(
    fspose: Fspose, method: Method, checkpoint: Path, image: Path, tmp_path: Path, name: str
) -> None:
    content = checkpoint.read_bytes()
    if name.endswith(".pkl"):
        arrays = {n: tensor.numpy() for n, tensor in narrow(method).state_dict().items()}
        content = pickle.dumps({"model": arrays, "__author__": "them"})
    (tmp_path / name).write_bytes(content[: len(content) // 2])

    ran = fspose("detect", image, "-o", tmp_path / "out.json", *chosen(method, tmp_path / name))

    assert_told(ran, f"{name} is no checkpoint, or is empty, damaged or cut short")


def test_a_pickle_that_imports_something_is_told_and_does_not(
    fspose: Fspose, method: Method, image: Path, tmp_path: Path
) -> None:
    witness = tmp_path / "witness"

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(witness),)

    (tmp_path / "trap.pkl").write_bytes(pickle.dumps({"model": {"a": Trap()}}))

    ran = fspose(
        "detect", image, "-o", tmp_path / "out.json", *chosen(method, tmp_path / "trap.pkl")
    )

    assert_told(ran, "trap.pkl holds Python objects beside its tensors", "mkdir")
    assert not witness.exists()


def test_without_weights_it_is_told(
    fspose: Fspose, method: Method, image: Path, tmp_path: Path
) -> None:
    ran = fspose("detect", image, "-o", tmp_path / "out.json", "--backend", method.backend)

    assert_told(ran, f"Backend '{method.backend}' comes without weights", "--weights backend=FILE")


def test_an_option_out_of_range_is_told(
    fspose: Fspose, method: Method, checkpoint: Path, image: Path, tmp_path: Path
) -> None:
    words = chosen(method, checkpoint, "overlap=2")
    ran = fspose("detect", image, "-o", tmp_path / "out.json", *words)

    assert_told(ran, f"'overlap' of {method.backend} is 2.0; it lies in 0..1.")


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
    fspose: Fspose, method: Method, checkpoint: Path, tmp_path: Path, content: np.ndarray
) -> None:
    cv2.imwrite(str(tmp_path / "odd.png"), content)

    ran = fspose(
        "detect", tmp_path / "odd.png", "-o", tmp_path / "out.json", *chosen(method, checkpoint)
    )

    assert ran.exit_code == 0, ran.output
    for one in json.loads((tmp_path / "out.json").read_text()):
        assert np.isfinite(one["keypoints"]).all()


def test_a_truncated_jpeg_is_told(
    fspose: Fspose, method: Method, checkpoint: Path, image: Path, tmp_path: Path
) -> None:
    content = bytes(cv2.imencode(".jpg", pixels(80, 90, 3))[1])
    (tmp_path / "cut.jpg").write_bytes(content[: len(content) // 2])
    words = ["-o", tmp_path / "out.json", *chosen(method, checkpoint)]

    alone = fspose("detect", tmp_path / "cut.jpg", *words)
    among = fspose("detect", image, tmp_path / "cut.jpg", *words)

    assert_told(alone, "cut.jpg: cannot be read as an image, it is cut short.")
    assert among.exit_code == 5
    assert "cut.jpg: cannot be read as an image, it is cut short." in among.stderr
    assert {one["image_id"] for one in json.loads((tmp_path / "out.json").read_text())} == {1}
