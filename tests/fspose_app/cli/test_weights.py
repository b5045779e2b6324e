"""--weights with published networks: FSPose's own, HRNet's, and what does not go together."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click.testing import Result
from torch import nn

from models.networks.hrnet import HRNet
from models.networks.mobilenet import MobileNet
from models.networks.transfer import TransferNet

Fspose = Callable[..., Result]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """FSPose's four files by their names, the slow one's parts too; and an HRNet for COCO.

    The slow and the transfer networks are narrow. Untrained maps hold no people: the fast one's
    are next to flat, so every score is low.
    """
    folder = tmp_path_factory.mktemp("published")
    torch.manual_seed(0)
    sizes = {"modules": (1, 1, 1), "blocks": 1, "stem": 8, "first_blocks": 1}
    slow = HRNet(width=4, keypoints=17, **sizes)
    _make_loud(slow.final_layer, 5.0)
    torch.save(slow.state_dict(), folder / "final_state.pth")
    torch.save({"state_dict": slow.state_dict()}, folder / "pose_hrnet_w32_256x192.pth")
    fast = MobileNet()
    _make_loud(fast.hm_conv, 400.0)
    torch.save(fast.state_dict(), folder / "100epoch.pth")
    torch.save(TransferNet(blocks=1, channels=4).state_dict(), folder / "20epoch.pth")
    with zipfile.ZipFile(folder / "whole", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "final_state.pth", "final_state.pth")
    content = (folder / "whole").read_bytes()
    (folder / "split").mkdir()
    (folder / "split" / "final_state.zip.001").write_bytes(content[:5000])
    (folder / "split" / "final_state.zip.002").write_bytes(content[5000:])
    return folder


def _make_loud(layer: nn.Module, gain: float) -> None:
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.mul_(gain)


def weights(files: Path, **changed: str) -> list[str]:
    names = {
        "slow": "final_state.pth",
        "fast": "100epoch.pth",
        "transfer": "20epoch.pth",
    } | changed
    return [
        word for role, name in names.items() for word in ("--weights", f"{role}={files / name}")
    ]


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    """Three images of 96 x 64 with a bright square in each."""
    folder = tmp_path / "frames"
    folder.mkdir()
    for index in range(3):
        picture = np.full((64, 96, 3), 40, np.uint8)
        picture[20:44, 30 + index : 54 + index] = 220
        cv2.imwrite(str(folder / f"{index}.png"), picture)
    return folder


@pytest.mark.parametrize(
    ("slow", "fusion", "light"),
    [
        ("final_state.pth", "two-maps", False),
        ("split/final_state.zip.001", "three-maps-light", True),
    ],
)
def test_fsposes_own_checkpoints_follow_a_video(
    fspose: Fspose,
    family: Path,
    frames: Path,
    files: Path,
    tmp_path: Path,
    slow: str,
    fusion: str,
    light: bool,
) -> None:
    out, more = tmp_path / "out", {"light-transfer": "20epoch.pth"} if light else {}

    ran = fspose(
        *("track", frames, "-o", out, "--no-overlay", "--interval", "2", "--fusion", fusion),
        "--causal",
        *("--family", family, "--threads", "1", *weights(files, slow=slow, **more)),
    )

    assert ran.exit_code == 0, ran.stderr
    head, *rest = map(json.loads, (out / "result.jsonl").read_text().splitlines())
    assert head["skeleton"]["name"] == "posetrack-17"
    models = {model["name"]: model["sha256"] for model in head["models"]}
    given = {"fast: 100epoch.pth", "transfer: 20epoch.pth", f"slow: {Path(slow).name}"}
    assert given | {f"{role}: {name}" for role, name in more.items()} <= set(models)
    assert all(len(sha256) == 64 for sha256 in models.values())
    assert len(rest) == 3
    people = [person for frame in rest for person in frame["people"]]
    assert {"slow", "fused"} <= {person["from"] for person in people}
    assert all(len(person["keypoints"]) == 17 for person in people)


def test_a_slow_checkpoint_alone_reads_images(
    fspose: Fspose, family: Path, files: Path, frames: Path, tmp_path: Path
) -> None:
    ran = fspose(
        *("detect", frames / "0.png", "-o", tmp_path / "found.json", "--family", family),
        *("--weights", f"slow={files / 'pose_hrnet_w32_256x192.pth'}"),
    )

    assert ran.exit_code == 0, ran.stderr
    assert (tmp_path / "found.json").is_file()


def test_a_fetched_checkpoint_is_given_by_its_name(
    fspose: Fspose,
    family: Path,
    files: Path,
    frames: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FSPOSE_HOME", str(tmp_path))
    folder = tmp_path / "models" / "fspose-published-slow"
    (tmp_path / "models").mkdir()
    (files / "split").rename(folder)
    args = ("--family", family, "--weights", "slow=fspose-published-slow")

    ran = fspose("detect", frames / "0.png", "-o", tmp_path / "found.json", *args)
    folder.rename(files / "split")
    gone = fspose("detect", frames / "0.png", "-o", tmp_path / "found.json", *args)

    assert ran.exit_code == 0, ran.stderr
    assert gone.exit_code == 1
    assert "run fspose models fetch fspose-published-slow" in gone.stderr


@pytest.mark.parametrize(
    ("changed", "more", "words"),
    [
        (
            {"slow": "pose_hrnet_w32_256x192.pth"},
            (),
            "keypoints are coco-17, the fast network's posetrack-17",
        ),
        (
            {},
            ("--weights-as", "slow=hrnet-w32-coco-256x192"),
            "keypoints are coco-17, the fast network's posetrack-17",
        ),
        ({}, ("--weights-as", "slow=hrnet-w32-coco"), "did you mean hrnet-w32-coco"),
        ({}, ("--weights-as", "slow=fspose-published-fast"), "is no slow network"),
        ({"slow": "100epoch.pth"}, (), "It looks like the MobileNet fast network"),
        ({"fast": "20epoch.pth"}, (), "It looks like a transfer network"),
        ({"transfer": "final_state.pth"}, (), "It looks like HRNet-W4 with 17 keypoints"),
        ({"slow": "split/final_state.zip.003"}, (), "zip.003 is missing"),
    ],
)
def test_what_does_not_go_together_is_one_line(
    fspose: Fspose,
    family: Path,
    tiny_video: Path,
    files: Path,
    tmp_path: Path,
    changed: dict[str, str],
    more: tuple[str, ...],
    words: str,
) -> None:
    ran = fspose(
        *("track", tiny_video, "-o", tmp_path / "out", "--family", family),
        *(*weights(files, **changed), *more),
    )

    assert ran.exit_code == 1
    (line,) = ran.stderr.splitlines()
    assert line.startswith("Error: ")
    assert words in line
    assert not (tmp_path / "out").exists()


def test_a_published_slow_network_beside_an_embedded_fast_one_is_told(
    fspose: Fspose, family: Path, tiny_video: Path, files: Path, tmp_path: Path
) -> None:
    ran = fspose(
        *("track", tiny_video, "-o", tmp_path / "out", "--family", family),
        *("--weights", f"slow={files / 'final_state.pth'}"),
    )

    assert ran.exit_code == 1
    assert "are posetrack-17, the fast network's fspose-19. Give --weights of one" in ran.stderr


def test_a_kind_without_a_checkpoint_is_told(
    fspose: Fspose, family: Path, tiny_video: Path, tmp_path: Path
) -> None:
    ran = fspose(
        *("track", tiny_video, "-o", tmp_path / "out", "--family", family),
        *("--weights-as", "slow=hrnet-w32-coco-256x192"),
    )

    assert ran.exit_code == 1
    assert "needs --weights slow=FILE too" in ran.stderr
