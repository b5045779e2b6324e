"""fspose train fcpose | posedet, as a person runs it: small pictures, narrow networks, faults."""

from __future__ import annotations

import csv
import json
import os
import signal
import tarfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from click.testing import Result

from data.skeleton import COCO_17, CROWDPOSE_14
from data.synthetic.posetrack_tree import TreePlan, write_tree
from models import backends

Fspose = Callable[..., Result]
BOTH = ("fcpose", "posedet")
EVERY = (*BOTH, "directpose", "hpos", "keypoint_rcnn")
RUN = ("--preset", "try", "--epochs", 1, "--workers", 0, "--device", "cpu", "--threads", 1)
READING = {
    "directpose": {"side": 96, "longest": 160},
    "fcpose": {"side": 96, "longest": 160},
    "hpos": {"side": 96, "longest": 160},
    "keypoint_rcnn": {"side": 96, "longest": 160},
    "posedet": {"side": 96},
}


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """Four pictures of 80 x 60 with a person each; annotations beside the folder `images`."""
    return pictures(tmp_path, COCO_17.keypoints)


def pictures(folder: Path, names: tuple[str, ...]) -> Path:
    rng = np.random.default_rng(3)
    (folder / "images").mkdir()
    images: list[dict[str, Any]] = []
    people: list[dict[str, Any]] = []
    for number in range(4):
        left, top = 6 + 3 * number, 6
        picture = np.full((60, 80, 3), 90, np.uint8)
        picture[top : top + 48, left : left + 30] = rng.integers(120, 255, 3)
        cv2.imwrite(str(folder / "images" / f"{number}.png"), picture)
        count = len(names)
        x, y = left + 28 * rng.random(count), top + 46 * rng.random(count)
        points = np.column_stack([x, y, np.full(count, 2)])
        images.append({"id": number, "file_name": f"{number}.png", "width": 80, "height": 60})
        person = {"id": number + 1, "image_id": number, "category_id": 1, "iscrowd": 0}
        person |= {"bbox": [left, top, 30, 48], "area": 900, "keypoints": points.ravel().tolist()}
        people.append(person)
    category = {"id": 1, "name": "person", "keypoints": list(names)}
    content = {"images": images, "annotations": people, "categories": [category]}
    (folder / "people.json").write_text(json.dumps(content))
    return folder


def command(network: str, folder: Path, *more: object) -> list[object]:
    return [
        *("train", network, *RUN, "--annotations", folder / "people.json"),
        *("--images", folder / "images", "-o", folder / "run", *more),
    ]


def change(folder: Path, mend: Callable[[dict[str, Any]], None]) -> None:
    file = folder / "people.json"
    content = json.loads(file.read_text())
    mend(content)
    file.write_text(json.dumps(content))


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "run" / "log.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def assert_told(ran: Result, *words: str, code: int = 1) -> None:
    """One line at the end, no traceback, and that exit code."""
    assert ran.exit_code == code, ran.output
    last = ran.stderr.strip().splitlines()[-1]
    assert last.startswith("Error: "), ran.stderr
    assert all(word in last for word in words), ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("network", EVERY)
def test_a_run_leaves_a_checkpoint_that_is_a_backend(
    network: str, fspose: Fspose, coco: Path
) -> None:
    ran = fspose(*command(network, coco))

    assert ran.exit_code == 0, ran.output
    assert ran.stdout == f"{coco / 'run' / 'final.pth'}\n"
    names = {path.name for path in (coco / "run").iterdir()}
    assert names == {"best.pth", "final.pth", "last.pth", "log.csv"}
    (row,) = rows(coco)
    assert np.isfinite(float(row["loss"]))
    assert row["held_out"] == ""
    backend = backends.create(
        network, weights=coco / "run" / "final.pth", device="cpu", **READING[network]
    )
    assert backend.skeleton is COCO_17
    assert isinstance(backend.poses(np.zeros((60, 80, 3), np.uint8)), list)


def test_crowdposes_annotations_are_learnt_as_they_are(fspose: Fspose, tmp_path: Path) -> None:
    pictures(tmp_path, (*CROWDPOSE_14.keypoints[:12], "head", "neck"))
    change(tmp_path, lambda content: [a.pop("area") for a in content["annotations"]])

    ran = fspose(*command("posedet", tmp_path, "--keypoint-set", "crowdpose", "--hold-out", 0.25))

    assert ran.exit_code == 0, ran.output
    assert 0 <= float(rows(tmp_path)[0]["held_out"]) <= 1
    file = tmp_path / "run" / "final.pth"
    assert backends.create("posedet", weights=file, device="cpu").skeleton is CROWDPOSE_14


@pytest.mark.parametrize("network", BOTH)
def test_posetracks_annotations_are_learnt_too(
    network: str, fspose: Fspose, tmp_path: Path
) -> None:
    write_tree(tmp_path, TreePlan(2, 2, (128, 96), seed=4, people=2), lambda done: None)

    ran = fspose(
        *("train", network, *RUN, "--annotations", tmp_path / "annotations" / "train"),
        *("--val", tmp_path / "annotations" / "val", "--images", tmp_path, "-o", tmp_path / "run"),
    )

    assert ran.exit_code == 0, ran.output
    assert 0 <= float(rows(tmp_path)[0]["held_out"]) <= 1


def test_images_may_lie_in_a_tar_file(fspose: Fspose, coco: Path) -> None:
    with tarfile.open(coco / "images.tar", "w") as archive:
        for file in (coco / "images").iterdir():
            archive.add(file, file.name)

    ran = fspose(
        *command("posedet", coco)[:-4], "--images", coco / "images.tar", "-o", coco / "run"
    )

    assert ran.exit_code == 0, ran.output


@pytest.mark.parametrize(
    ("network", "cost"),
    [
        ("fcpose", "GMACs, input 3x96x160"),
        ("hpos", "GMACs, input 3x96x160"),
        ("keypoint_rcnn", "GMACs, input 3x96x160"),
        ("posedet", "GMACs, input 3x96x96"),
    ],
)
def test_a_dry_run_prints_cost_steps_and_hours_and_writes_nothing(
    network: str, cost: str, fspose: Fspose, coco: Path
) -> None:
    ran = fspose(*command(network, coco), "--epochs", 10, "--dry-run")

    assert ran.exit_code == 0, ran.output
    text = " ".join(ran.stdout.split())
    for words in ("parameters", cost, "examples 4 an epoch", "steps 20", "hours"):
        assert words in text, text
    assert not (coco / "run").exists()


@pytest.mark.parametrize("network", EVERY)
def test_the_published_networks_are_the_default(network: str, fspose: Fspose) -> None:
    text = " ".join(fspose("train", network, "--help").stdout.split())

    wanted = {
        "directpose": ("default: 180000", "default: polynomial", "default: 10.0", "default: 5.0"),
        "fcpose": ("default: r50", "default: 270000", "default: 180000,240000", "default: sgd"),
        "hpos": ("default: r50", "default: 2160000", "default: 1680000,2000000", "default: 512"),
        "keypoint_rcnn": ("default: r50", "default: 46", "default: 37,44", "default: 0.02"),
        "posedet": ("default: dla34", "default: 210", "default: 181,201", "default: 35.0"),
    }
    assert all(number in text for number in wanted[network])


@pytest.mark.parametrize("network", EVERY)
def test_an_interrupted_run_ends_as_one_that_was_not(
    network: str, fspose: Fspose, coco: Path
) -> None:
    """Ctrl-C after the first epoch: exit code 130, and --resume goes on with the same numbers."""
    whole = fspose(*command(network, coco, "--epochs", 3), "-o", coco / "whole")
    assert whole.exit_code == 0, whole.output

    def interrupt() -> None:
        while not (coco / "run" / "log.csv").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    ran = fspose(*command(network, coco, "--epochs", 100_000))
    thread.join()
    assert ran.exit_code == 130
    assert ran.stderr.strip().splitlines()[-1].startswith("Stopped.")
    assert not list((coco / "run").glob("*.partial"))

    done = torch.load(coco / "run" / "last.pth", weights_only=True)["progress"]["epoch"]
    epochs = max(3, done + 1)
    again = fspose(*command(network, coco, "--epochs", epochs, "--resume"))
    assert again.exit_code == 0, again.output
    assert len(rows(coco)) == epochs
    if epochs == 3:
        one, other = (
            torch.load(coco / folder / "final.pth", weights_only=True)
            for folder in ("run", "whole")
        )
        assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("network", EVERY)
def test_the_seed_draws_the_run_again(network: str, fspose: Fspose, coco: Path) -> None:
    made = []
    for name, seed, workers in (("a", 0, 0), ("b", 0, 2), ("c", 1, 0)):
        more = ("--seed", seed, "--workers", workers, "-o", coco / name)
        assert fspose(*command(network, coco), *more).exit_code == 0
        made.append(torch.load(coco / name / "final.pth", weights_only=True))

    same, other = (
        all(torch.equal(made[0][name], entries[name]) for name in made[0]) for entries in made[1:]
    )
    assert (same, other) == (True, False)


def test_steps_end_a_run_and_their_settings_are_kept(fspose: Fspose, coco: Path) -> None:
    first = fspose(*command("fcpose", coco, "--steps", 1, "--milestones", "1"))
    assert first.exit_code == 0, first.output
    assert torch.load(coco / "run" / "last.pth", weights_only=True)["progress"]["steps"] == 1

    again = fspose(*command("fcpose", coco, "--milestones", "1", "--resume"))

    assert_told(again, "was begun with milestones 1 steps, and this run has 1")


@pytest.mark.parametrize("network", EVERY)
def test_a_run_may_start_from_a_whole_checkpoint(network: str, fspose: Fspose, coco: Path) -> None:
    assert fspose(*command(network, coco), "-o", coco / "first").exit_code == 0
    start = coco / "first" / "final.pth"

    ran = fspose(*command(network, coco), "--start", start, "--epochs", 0)

    assert ran.exit_code == 0, ran.output
    one, other = (torch.load(p, weights_only=True) for p in (start, coco / "run" / "final.pth"))
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("network", BOTH)
@pytest.mark.parametrize("option", ["--start", "--trunk"])
def test_a_checkpoint_of_another_network_is_one_line(
    option: str, network: str, fspose: Fspose, coco: Path
) -> None:
    torch.save({"hm_conv.weight": torch.zeros(3, 3, 1, 1)}, coco / "other.pth")

    ran = fspose(*command(network, coco), option, coco / "other.pth")

    assert_told(ran, "other.pth", "does not fit")
    assert not (coco / "run").exists()


@pytest.mark.parametrize("network", BOTH)
def test_a_checkpoint_that_is_missing_or_cut_short_is_one_line(
    network: str, fspose: Fspose, coco: Path
) -> None:
    assert fspose(*command(network, coco), "-o", coco / "first", "--epochs", 0).exit_code == 0
    content = (coco / "first" / "final.pth").read_bytes()
    (coco / "half.pth").write_bytes(content[: len(content) // 2])

    half = fspose(*command(network, coco), "--start", coco / "half.pth")
    missing = fspose(*command(network, coco), "--trunk", coco / "nothing.pth")

    assert_told(half, "half.pth", "damaged or cut short")
    assert_told(missing, "nothing.pth", "there is no such checkpoint file")


@pytest.mark.parametrize("network", BOTH)
def test_missing_images_are_one_line(network: str, fspose: Fspose, coco: Path) -> None:
    (coco / "images" / "2.png").unlink()

    assert_told(fspose(*command(network, coco)), "1 of 4 images are missing", "2.png")
    assert not (coco / "run").exists()


def test_an_image_that_breaks_on_the_way_is_one_line(fspose: Fspose, coco: Path) -> None:
    image = coco / "images" / "2.png"
    image.write_bytes(image.read_bytes()[:30])

    assert_told(fspose(*command("posedet", coco)), "2.png: cannot be read as an image")


@pytest.mark.parametrize("network", BOTH)
def test_nobody_to_learn_from_is_one_line(network: str, fspose: Fspose, coco: Path) -> None:
    change(coco, lambda content: content.update(annotations=[]))

    assert_told(fspose(*command(network, coco)), "there are no images of people to learn from")


def test_fcpose_needs_a_keypoint_and_posedet_does_not(fspose: Fspose, coco: Path) -> None:
    change(coco, lambda content: [a.update(keypoints=[0] * 51) for a in content["annotations"]])

    assert_told(fspose(*command("fcpose", coco)), "there are no images of people to learn from")
    ran = fspose(*command("posedet", coco))
    assert ran.exit_code == 0, ran.output


def test_faulty_annotations_are_one_line(fspose: Fspose, coco: Path) -> None:
    change(coco, lambda content: content["annotations"][1].update(bbox=[1, 2]))

    assert_told(fspose(*command("fcpose", coco)), "annotations[1].bbox: expected")


def test_other_keypoints_are_one_line(fspose: Fspose, coco: Path) -> None:
    change(coco, lambda content: content["categories"][0].update(keypoints=["thumb"] * 17))

    assert_told(fspose(*command("posedet", coco)), "categories[0].keypoints: expected the names")


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_batch(
    fspose: Fspose, coco: Path
) -> None:
    wild = ("--lr", 1e30, "--warmup", 0, "--clip-value", 0, "--epochs", 5)
    ran = fspose(*command("fcpose", coco, *wild))

    assert_told(ran, "bad-batch.pth", "a lower --lr")
    kept = torch.load(coco / "run" / "bad-batch.pth", weights_only=True)
    assert kept[0].shape[0] == 2
    assert not (coco / "run" / "final.pth").exists()


@pytest.mark.parametrize(
    ("network", "more", "words", "code"),
    [
        ("fcpose", ("--network", "hrnet_w32"), "Invalid value for '--network'", 2),
        ("posedet", ("--patch", 100), "--patch is 100, but should be a multiple of 32", 1),
        ("posedet", ("--precision", "bfloat16"), "Invalid value for '--precision'", 2),
        ("fcpose", ("--least-side", 128), "--least-side 128 is more than --most-side 96", 1),
        ("fcpose", ("--drawn", 3), "No such option", 2),
        ("fcpose", ("--keypoint-share", 0), "Invalid value for '--keypoint-share'", 2),
        ("posedet", ("--resume",), "There is no run to go on with", 1),
    ],
)
def test_what_cannot_be_is_one_line(
    network: str, more: tuple[object, ...], words: str, code: int, fspose: Fspose, coco: Path
) -> None:
    assert_told(fspose(*command(network, coco, *more)), words, code=code)
    assert not (coco / "run").exists()


@pytest.mark.parametrize("missing", ["--annotations", "--images", "-o"])
def test_what_must_be_given_is_asked_for(missing: str, fspose: Fspose, coco: Path) -> None:
    words = command("fcpose", coco)
    place = words.index(missing)

    ran = fspose(*words[:place], *words[place + 2 :])

    assert_told(ran, "Missing option", code=2)


def test_several_annotations_are_one_line(fspose: Fspose, coco: Path) -> None:
    ran = fspose(*command("fcpose", coco), "--annotations", coco / "people.json")

    assert_told(ran, "A detector learns from one --annotations and its --images")


def test_another_detectors_state_is_one_line(fspose: Fspose, coco: Path) -> None:
    assert fspose(*command("posedet", coco)).exit_code == 0
    before = (coco / "run" / "last.pth").read_bytes()

    ran = fspose(*command("fcpose", coco, "--resume"))

    assert_told(ran, "was begun with network posedet dla34 4 coco, and this run has fcpose dla34 4")
    assert (coco / "run" / "last.pth").read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize("network", EVERY)
def test_a_narrow_network_learns_four_pictures(network: str, fspose: Fspose, coco: Path) -> None:
    """The loss falls by a third, and the checkpoint is a backend that finds people."""
    own = {
        "directpose": ("--width", 8),
        "fcpose": ("--optimizer", "adam", "--weight-decay", 0, "--clip-value", 0),
        "hpos": ("--width", 8),
        "keypoint_rcnn": ("--width", 8),
        "posedet": ("--width", 8),
    }
    quick = ("--no-augment", "--batch-size", 4, "--epochs", 60, "--lr", 2e-3, *own[network])

    ran = fspose(*command(network, coco, *quick))

    assert ran.exit_code == 0, ran.output
    losses = [float(row["loss"]) for row in rows(coco)]
    assert np.mean(losses[-5:]) < 2 / 3 * np.mean(losses[:5])
    found = fspose(
        *("detect", coco / "images", "-o", coco / "results.json", "--backend", network),
        *("--image-ids", coco / "people.json", "--device", "cpu"),
        *("--weights", f"backend={coco / 'run' / 'final.pth'}"),
        *(w for o, v in READING[network].items() for w in ("--backend-option", f"{o}={v}")),
    )
    assert found.exit_code == 0, found.output
    assert json.loads((coco / "results.json").read_text())
