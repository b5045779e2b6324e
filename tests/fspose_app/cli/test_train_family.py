"""fspose train with the family's recipe, as a person runs it: kinds of data, and bad input."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from click.testing import Result

from data.skeleton import COCO_17
from models import zoo

Fspose = Callable[..., Result]
ROOT = Path(__file__).parents[3]
SMALL = ("--preset", "try", "--batch-size", 2, "--epochs", 1, "--workers", 0, "--device", "cpu")


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """Six pictures with a person each; annotations beside the folder `images`."""
    rng = np.random.default_rng(3)
    (tmp_path / "images").mkdir()
    images: list[dict[str, Any]] = []
    people: list[dict[str, Any]] = []
    for number in range(6):
        picture = rng.integers(0, 255, (80, 60, 3), np.uint8)
        cv2.imwrite(str(tmp_path / "images" / f"{number}.png"), picture)
        points = np.column_stack([rng.uniform(8, 50, 17), rng.uniform(8, 70, 17), np.full(17, 2)])
        images.append({"id": number, "file_name": f"{number}.png", "width": 60, "height": 80})
        people.append(
            {
                "id": number,
                "image_id": number,
                "category_id": 1,
                "bbox": [6, 6, 46, 66],
                "keypoints": points.ravel().tolist(),
            }
        )
    category = {"id": 1, "name": "person", "keypoints": list(COCO_17.keypoints)}
    content = {"images": images, "annotations": people, "categories": [category]}
    (tmp_path / "coco.json").write_text(json.dumps(content))
    return tmp_path


def command(net: str, folder: Path, *more: object) -> list[object]:
    return [
        *("train", net, *SMALL, "--annotations", folder / "coco.json"),
        *("--images", folder / "images", "-o", folder / "run", *more),
    ]


def change(folder: Path, mend: Callable[[dict[str, Any]], None]) -> None:
    file = folder / "coco.json"
    content = json.loads(file.read_text())
    mend(content)
    file.write_text(json.dumps(content))


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "run" / "log.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def shards(folder: Path, *, without: str = "") -> None:
    """Two tar files in place of the pictures."""
    files = sorted((folder / "images").iterdir())
    for number in range(2):
        with tarfile.open(folder / "images" / f"{number}.tar", "w") as archive:
            for file in files[number::2]:
                if file.name != without:
                    archive.add(file, file.name)
    for file in files:
        file.unlink()


def assert_told(ran: Result, *words: str, code: int = 1) -> None:
    """One line at the end, no traceback, and that exit code."""
    assert ran.exit_code == code, ran.output
    last = ran.stderr.strip().splitlines()[-1]
    assert last.startswith("Error: "), ran.stderr
    assert all(word in last for word in words), ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(("net", "network"), [("slow", "hrnet"), ("fast", "plain")])
def test_pose_networks_learn_from_coco_people(
    net: str, network: str, fspose: Fspose, coco: Path
) -> None:
    ran = fspose(*command(net, coco))

    assert ran.exit_code == 0, ran.output
    names = {path.name for path in (coco / "run").iterdir()}
    assert names == {"best.safetensors", "final.safetensors", "last.pth", "log.csv"}
    made = zoo.described(coco / "run" / "final.safetensors")
    assert made is not None
    assert (made.role, made.network) == (net, network)
    assert made.description.input["size"] == [64, 96]
    (row,) = rows(coco)
    assert 0 <= float(row["held_out"]) <= 1  # one of the six is held out
    assert row["accuracy"] == ""


def test_what_was_trained_can_be_used(fspose: Fspose, coco: Path, video: Path) -> None:
    for net in ("finder", "slow", "fast"):
        ran = fspose(*command(net, coco), "-o", coco / net, "--epochs", 0)
        assert ran.exit_code == 0, ran.output
    weights = [f"{net}={coco / net / 'final.safetensors'}" for net in ("finder", "slow", "fast")]

    ran = fspose(
        *("track", video, "-o", coco / "tracked", "--no-overlay", "--fusion", "fast-only"),
        *(word for each in weights for word in ("--weights", each)),
    )

    assert ran.exit_code == 0, ran.output


def test_images_may_lie_in_shards(fspose: Fspose, coco: Path) -> None:
    shards(coco)

    ran = fspose(*command("fast", coco))

    assert ran.exit_code == 0, ran.output


def test_the_finder_learns_from_whole_pictures_with_a_lent_trunk(
    fspose: Fspose, coco: Path
) -> None:
    slow = fspose(*command("slow", coco), "-o", coco / "slow", "--epochs", 0)
    assert slow.exit_code == 0, slow.output

    ran = fspose(*command("finder", coco), "--trunk", coco / "slow" / "final.safetensors")

    assert ran.exit_code == 0, ran.output
    assert 0 <= float(rows(coco)[0]["held_out"]) <= 1


def test_drawn_people_alone_are_enough_and_a_teacher_helps(fspose: Fspose, coco: Path) -> None:
    fspose(*command("slow", coco), "-o", coco / "slow", "--epochs", 0)

    ran = fspose(
        *("train", "fast", *SMALL, "--drawn", 4, "-o", coco / "run"),
        *("--teacher", coco / "slow" / "final.safetensors"),
    )

    assert ran.exit_code == 0, ran.output
    assert rows(coco)[0]["held_out"] == ""


def test_the_transfer_network_learns_from_drawn_clips(
    fspose: Fspose, coco: Path, family: Path
) -> None:
    ran = fspose(
        *("train", "transfer", *SMALL, "--drawn", 1, "--family", family, "-o", coco / "run"),
        *("--minutes", 0.001),
    )

    assert ran.exit_code == 0, ran.output
    assert (coco / "run" / "final.safetensors").is_file()


def test_a_dry_run_prints_cost_steps_and_hours_and_writes_nothing(
    fspose: Fspose, coco: Path
) -> None:
    ran = fspose(*command("slow", coco), "--epochs", 10, "--dry-run")

    assert ran.exit_code == 0, ran.output
    text = " ".join(ran.stdout.split())
    for words in ("parameters 301,891", "0.0111 GMACs, input 3x96x64", "steps 30", "hours"):
        assert words in text, text
    assert not (coco / "run").exists()


def test_settings_come_from_a_file(fspose: Fspose, coco: Path) -> None:
    file = coco / "train.yaml"
    data = f"annotations: {coco / 'coco.json'}\nimages: {coco / 'images'}\n"
    file.write_text(f"{data}out: {coco / 'run'}\nepochs: 2\n")

    ran = fspose("train", "fast", "--config", file, *SMALL[:4], "--workers", 0, "--device", "cpu")

    assert ran.exit_code == 0, ran.output
    assert len(rows(coco)) == 2


def test_minutes_end_a_run_too(fspose: Fspose, coco: Path) -> None:
    ran = fspose(*command("fast", coco), "--minutes", 0.0001)

    assert ran.exit_code == 0, ran.output
    assert torch.load(coco / "run" / "last.pth", weights_only=True)["progress"]["spent"] >= 0.006


def test_tensorboard_gets_the_log(fspose: Fspose, coco: Path) -> None:
    pytest.importorskip("tensorboardX")

    ran = fspose(*command("fast", coco), "--tensorboard")

    assert ran.exit_code == 0, ran.output
    (events,) = (coco / "run" / "tensorboard").iterdir()
    assert b"held_out" in events.read_bytes()


def test_tensorboard_that_is_missing_is_one_line(
    fspose: Fspose, coco: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)

    ran = fspose(*command("fast", coco), "--tensorboard")

    assert_told(ran, "--tensorboard needs the package tensorboardX", "fspose[tensorboard]")


@pytest.mark.parametrize("net", ["slow", "finder"])
def test_an_empty_data_set_is_one_line(net: str, fspose: Fspose, coco: Path) -> None:
    change(coco, lambda content: content.update(images=[], annotations=[]))

    assert_told(fspose(*command(net, coco)), "coco.json", "to learn from")
    assert not (coco / "run").exists()


def test_an_image_missing_from_a_shard_is_one_line(fspose: Fspose, coco: Path) -> None:
    shards(coco, without="3.png")

    ran = fspose(*command("slow", coco))

    assert_told(ran, "1 of 6 images are missing", "3.png in the shards of")
    assert not (coco / "run").exists()


def test_keypoints_outside_are_told_and_not_used(fspose: Fspose, coco: Path) -> None:
    change(coco, lambda content: content["annotations"][0].update(keypoints=[9e3, 5, 2] * 17))

    ran = fspose(*command("fast", coco))

    assert ran.exit_code == 0, ran.output
    assert "coco.json: keypoints outside their image, not used: 17." in ran.stderr


def test_who_has_no_label_is_told_and_left_out(fspose: Fspose, coco: Path) -> None:
    change(coco, lambda content: content["annotations"][0].update(keypoints=[0] * 51))

    ran = fspose(*command("fast", coco))

    assert ran.exit_code == 0, ran.output
    assert "coco.json: people without a keypoint, only boxes: 1." in ran.stderr


def test_a_batch_whose_every_keypoint_is_masked_teaches_nothing(fspose: Fspose, coco: Path) -> None:
    """Crops of a box far from the only keypoint, whose absence means nothing in drawn people."""

    def mend(content: dict[str, Any]) -> None:
        for person in content["annotations"]:
            person["keypoints"] = [55, 75, 2, *[0] * 48]
            person["bbox"] = [0, 0, 6, 6]

    change(coco, mend)

    ran = fspose(*command("fast", coco))

    assert ran.exit_code == 0, ran.output
    assert np.isfinite(float(rows(coco)[0]["loss"]))


def test_another_skeleton_is_one_line(fspose: Fspose, coco: Path) -> None:
    change(coco, lambda content: content["categories"][0].update(keypoints=["thumb"] * 17))

    assert_told(fspose(*command("fast", coco)), "categories[0].keypoints: expected the names")


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_batch(
    fspose: Fspose, coco: Path
) -> None:
    ran = fspose(*command("fast", coco), "--lr", 1e36, "--warmup", 0)

    assert_told(ran, "The loss is nan in epoch 1, batch 2", "bad-batch.pth", "a lower --lr")
    assert torch.load(coco / "run" / "bad-batch.pth", weights_only=True)[0].shape[0] == 2
    assert not (coco / "run" / "last.pth").exists()


def test_another_networks_state_is_one_line(fspose: Fspose, coco: Path) -> None:
    assert fspose(*command("fast", coco)).exit_code == 0
    before = (coco / "run" / "last.pth").read_bytes()

    ran = fspose(*command("slow", coco), "--resume")

    assert_told(ran, "last.pth was begun with network fast plain", "slow hrnet")
    assert (coco / "run" / "last.pth").read_bytes() == before


def test_a_full_disk_is_one_line_and_keeps_the_last_state(fspose: Fspose, coco: Path) -> None:
    """/dev/full takes the place of the file under way: it has no room for anything."""
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no /dev/full here")
    assert fspose(*command("fast", coco)).exit_code == 0
    before = (coco / "run" / "last.pth").read_bytes()
    (coco / "run" / "last.pth.partial").symlink_to(full)

    ran = fspose(*command("fast", coco), "--epochs", 2, "--resume")

    assert_told(ran, "last.pth cannot be written: No space left on device.")
    assert (coco / "run" / "last.pth").read_bytes() == before
    again = fspose(*command("fast", coco), "--epochs", 2, "--resume")
    assert again.exit_code == 0, again.output
    assert len(rows(coco)) == 2


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--recipe", "published", "--drawn", 3), "--drawn is not for --recipe published"),
        (("--images", "images", "--images", "images"), "There are 1 --annotations and 3 --images"),
        (("--network", "w32"), "--network is 'w32', but should be 'hrnet', 'plain'"),
        (("--teacher", "nothing.pth"), "nothing.pth: there is no such checkpoint file."),
    ],
)
def test_what_does_not_go_together_is_one_line(
    more: tuple[object, ...],
    words: str,
    fspose: Fspose,
    coco: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(coco)

    assert_told(fspose(*command("slow", coco), *more), words)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("slow", "-o", "run"), "Missing option '--annotations'."),
        (("finder", "-o", "run"), "Missing option '--annotations'. Or give --packs or --drawn."),
        (("fast", "--drawn", 3, "--recipe", "family"), "Missing option '--out' / '-o'."),
        (("fast", "--annotations", ".", "-o", "run"), "Missing option '--images'."),
        (("slow", "--preset", "fast"), "'fast' is not one of"),
    ],
)
def test_wrong_usage_is_2(args: tuple[object, ...], words: str, fspose: Fspose) -> None:
    ran = fspose("train", *args)

    assert ran.exit_code == 2
    assert words in ran.stderr


@pytest.mark.slow
def test_torchrun_shares_a_training_between_processes(coco: Path) -> None:
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    typed = [str(word) for word in command("fast", coco, "--threads", 1)]

    ran = subprocess.run(
        [sys.executable, *launcher, "-m", "fspose_app", *typed],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == f"{coco / 'run' / 'final.safetensors'}\n"
    assert len(rows(coco)) == 1
    assert torch.load(coco / "run" / "last.pth", weights_only=True)["progress"]["steps"] == 2
