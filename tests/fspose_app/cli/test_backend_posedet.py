"""PoseDet through the commands: what it reads, and what goes wrong in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click.testing import Result

from models.networks.hrnet import HRNet
from models.networks.posedet import PoseDet, posedet_dla

Fspose = Callable[..., Result]
WIDTHS = (4, 4, 8, 8, 16, 16)


def narrow(keypoints: int) -> PoseDet:
    """An untrained network that sees people everywhere."""
    torch.manual_seed(0)
    network = posedet_dla(keypoints=keypoints, channels=64, widths=WIDTHS)
    with torch.no_grad():
        network.bbox_head.cls_out.bias.fill_(1.0)
        network.bbox_head.init_out.bias.normal_(0, 2)  # their keypoints are apart
    return network


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoints: COCO, CrowdPose, another number of keypoints, half a file, another network."""
    folder = tmp_path_factory.mktemp("posedet")
    for name, keypoints in (("coco", 17), ("crowdpose", 15), ("mpii", 21)):
        content = {"meta": {"epoch": 210}, "state_dict": narrow(keypoints).state_dict()}
        torch.save(content, folder / f"{name}.pth")
    whole = (folder / "coco.pth").read_bytes()
    (folder / "half.pth").write_bytes(whole[: len(whole) // 2])
    sizes = {"modules": (1, 1, 1), "blocks": 1, "stem": 8, "first_blocks": 1}
    torch.save(HRNet(width=4, keypoints=17, **sizes).state_dict(), folder / "hrnet.pth")
    return folder


def given(checkpoint: Path, *options: str) -> list[object]:
    words = [word for option in ("side=64", *options) for word in ("--backend-option", option)]
    return ["--backend", "posedet", "--weights", f"backend={checkpoint}", *words, "--threads", "1"]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    image = np.full((64, 96, 3), 40, np.uint8)
    image[20:44, 30:54] = 220
    path = tmp_path / "picture.png"
    cv2.imwrite(str(path), image)
    return path


@pytest.mark.parametrize(("name", "numbers"), [("coco", 51), ("crowdpose", 42)])
def test_the_people_of_an_image_are_written_as_their_benchmark_has_them(
    fspose: Fspose, files: Path, picture: Path, tmp_path: Path, name: str, numbers: int
) -> None:
    out = tmp_path / "found.json"

    ran = fspose("detect", picture, "-o", out, *given(files / f"{name}.pth"))

    assert ran.exit_code == 0, ran.output
    people = json.loads(out.read_text())
    assert people
    for person in people:
        assert len(person["keypoints"]) == numbers
        assert set(person["keypoints"][2::3]) == {person["score"]}
        assert 0.05 < person["score"] < 1


@pytest.mark.parametrize("name", ["coco", "crowdpose"])
@pytest.mark.parametrize("scheme", ["every-frame", "fast-slow"])
def test_a_video_is_followed_with_it_alone_and_as_the_finder(
    fspose: Fspose,
    family: Path,
    files: Path,
    tiny_video: Path,
    tmp_path: Path,
    name: str,
    scheme: str,
) -> None:
    out, options = tmp_path / "out", ("most_people=2", "least_score=0.5")

    ran = fspose(
        *("track", tiny_video, "-o", out, "--no-overlay", "--scheme", scheme, "--family", family),
        *("--interval", "4", *given(files / f"{name}.pth", *options)),
    )

    assert ran.exit_code == 0, ran.output
    head, *frames = map(json.loads, (out / "result.jsonl").read_text().splitlines())
    alone = {"coco": "coco-17", "crowdpose": "crowdpose-14"}[name]
    assert head["skeleton"]["name"] == (alone if scheme == "every-frame" else "fspose-19")
    assert f"backend: {name}.pth" in {model["name"] for model in head["models"]}
    people = [person for frame in frames for person in frame["people"]]
    assert len(frames) == 12
    origins = {"backend"} if scheme == "every-frame" else {"slow", "fast"}
    assert {person["from"] for person in people} <= origins
    assert people


@pytest.mark.parametrize(
    ("name", "option", "words"),
    [
        ("coco", "variant=hrnet_w48", "holds the variant dla34, not hrnet_w48"),
        ("coco", "keypoint_set=crowdpose", "has 17 keypoints, crowdpose has 15"),
        ("mpii", "side=64", "holds PoseDet with 21 keypoints"),
        ("half", "side=64", "half.pth is no checkpoint, or is empty, damaged or cut short"),
        ("hrnet", "side=64", "does not fit PoseDet"),
        ("gone", "side=64", "there is no such checkpoint file"),
        ("coco", "variant=dla43", "'variant' of posedet is 'dla43'"),
        ("coco", "overlap=2", "'overlap' of posedet is 2"),
    ],
)
def test_a_checkpoint_or_option_that_does_not_fit_is_one_line(
    fspose: Fspose, files: Path, picture: Path, tmp_path: Path, name: str, option: str, words: str
) -> None:
    out = tmp_path / "found.json"

    ran = fspose("detect", picture, "-o", out, *given(files / f"{name}.pth", option))

    assert ran.exit_code == 1
    (line,) = ran.stderr.splitlines()
    assert line.startswith("Error: ")
    assert words in line
    assert not out.exists()


def odd_images(folder: Path) -> None:
    """Images that are rare: tiny, narrow, grey, with alpha, of 16 bits."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    images = {
        "one.png": rng.integers(0, 256, (1, 1, 3), np.uint8),
        "narrow.png": rng.integers(0, 256, (20, 10_000, 3), np.uint8),
        "grey.png": rng.integers(0, 256, (40, 60), np.uint8),
        "alpha.png": rng.integers(0, 256, (40, 60, 4), np.uint8),
        "deep.png": rng.integers(0, 65_536, (40, 60, 3), np.uint16),
    }
    for name, image in images.items():
        assert cv2.imwrite(str(folder / name), image)


@pytest.mark.parametrize("options", [(), ("flip=true", "scales=0.5,1")], ids=["plain", "several"])
def test_rare_images_are_read(
    fspose: Fspose, files: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    odd_images(tmp_path / "odd")
    out = tmp_path / "found.json"

    ran = fspose("detect", tmp_path / "odd", "-o", out, *given(files / "coco.pth", *options))

    assert ran.exit_code == 0, ran.output
    listed = json.loads(out.with_suffix(".images.json").read_text())["images"]
    names = {entry["id"]: Path(entry["file_name"]).stem for entry in listed}
    found = {names[person["image_id"]] for person in json.loads(out.read_text())}
    assert found == {"one", "narrow", "grey", "alpha", "deep"}


def test_a_jpeg_that_is_cut_short_is_one_that_failed(
    fspose: Fspose, files: Path, picture: Path, tmp_path: Path
) -> None:
    whole = cv2.imencode(".jpg", cv2.imread(str(picture)))[1].tobytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])

    ran = fspose(
        *("detect", picture, tmp_path / "cut.jpg", "-o", tmp_path / "found.json"),
        *given(files / "coco.pth"),
    )

    assert ran.exit_code == 5
    assert "cut.jpg: cannot be read as an image" in ran.stderr
    assert "Traceback" not in ran.output
