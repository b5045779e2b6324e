"""fspose train, as a person runs it: on a small drawn set, with very narrow networks."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from click.testing import Result

from data.synthetic.posetrack_tree import TreePlan, write_tree
from models import taught

Fspose = Callable[..., Result]
TINY = {
    "slow": ("--width", 4, "--size", "64x64"),
    "fast": ("--width", 4, "--size", "64x64"),
}


@pytest.fixture(scope="session")
def drawn_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two drawn videos of three frames, one of each split."""
    folder = tmp_path_factory.mktemp("tree")
    write_tree(folder, TreePlan(2, 3, (128, 96), seed=4, people=2), lambda done: None)
    return folder


@pytest.fixture
def tree(drawn_tree: Path, tmp_path: Path) -> Path:
    """A copy to break."""
    return shutil.copytree(drawn_tree, tmp_path / "tree")


def command(net: str, tree: Path, out: Path, *more: object) -> list[object]:
    return [
        *("train", net, "--recipe", "published", "--annotations", tree / "annotations" / "train"),
        *("--images", tree, "--batch-size", 2, "--workers", 0, "--device", "cpu", "-o", out),
        *(*TINY[net], *more),
    ]


def last_line(ran: Result) -> str:
    return ran.stderr.strip().splitlines()[-1]


@pytest.fixture
def databases(fspose: Fspose, tree: Path, tmp_path: Path) -> list[object]:
    """Both networks' databases of the train half, as options of `fspose train transfer`."""
    given: list[object] = []
    for net in ("slow", "fast"):
        assert fspose(*command(net, tree, tmp_path / net, "--epochs", 0)).exit_code == 0
        file, weights = tmp_path / f"{net}.fsh", tmp_path / net / "final_state.pth"
        ran = fspose(
            *("heatmaps", "create", tree / "annotations" / "train", "--images", tree),
            *("--net", net, "--weights", f"{net}={weights}", "--device", "cpu", "-o", file),
        )
        assert ran.exit_code == 0, ran.output
        given += [f"--heatmaps-{net}", file]
    return given


def transfer(tree: Path, out: Path, *more: object) -> list[object]:
    return [
        *("train", "transfer", "--annotations", tree / "annotations" / "train", "--width", 4),
        *("--batch-size", 2, "--device", "cpu", "-o", out, *more),
    ]


@pytest.mark.parametrize(
    ("net", "weights", "size"),
    [("slow", "2_state.pth", (64, 64)), ("fast", "2epoch.pth", (64, 64))],
)
def test_a_run_leaves_weights_under_the_published_names_and_a_log(
    net: str, weights: str, size: tuple[int, int], fspose: Fspose, tree: Path, tmp_path: Path
) -> None:
    ran = fspose(*command(net, tree, tmp_path / "run", "--epochs", 2))

    assert ran.exit_code == 0, ran.output
    assert ran.stdout == f"{tmp_path / 'run' / 'final_state.pth'}\n"
    names = {path.name for path in (tmp_path / "run").iterdir()}
    first = weights.replace("2", "1", 1)
    assert names == {first, weights, "best.pth", "final_state.pth", "last.pth", "log.csv"}
    assert taught.size_of(tmp_path / "run" / weights) == size
    log = (tmp_path / "run" / "log.csv").read_text().splitlines()
    assert log[0] == "epoch,rate,loss,accuracy,held_out,seconds"
    assert [line.split(",")[:2] for line in log[1:]] == [["1", "0.0001"], ["2", "0.0001"]]


def test_the_transfer_network_learns_from_databases_alone(
    fspose: Fspose, tree: Path, tmp_path: Path, databases: list[object]
) -> None:
    shutil.rmtree(tree / "images")

    ran = fspose(*transfer(tree, tmp_path / "run", "--epochs", 1, *databases))

    assert ran.exit_code == 0, ran.output
    assert (tmp_path / "run" / "1epoch.pth").is_file()


def test_fast_pairs_need_only_the_fast_networks_database(
    fspose: Fspose, tree: Path, tmp_path: Path, databases: list[object]
) -> None:
    given = ("--epochs", 0, "--pairs", "fast")

    whole = fspose(*transfer(tree, tmp_path / "run", *given, *databases[2:]))
    lacking = fspose(*transfer(tree, tmp_path / "other", *given, *databases[:2]))

    assert whole.exit_code == 0, whole.output
    assert lacking.exit_code == 2
    assert "--pairs fast needs --heatmaps-fast." in lacking.stderr


def test_ctrl_c_ends_with_130_and_resume_goes_on(
    fspose: Fspose, tree: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"

    def interrupt() -> None:
        while not (run / "log.csv").exists():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    ran = fspose(*command("slow", tree, run, "--epochs", 100000))
    thread.join()

    assert ran.exit_code == 130
    assert last_line(ran) == "Stopped. The same command with --resume goes on from here."
    assert not [path for path in run.iterdir() if path.suffix == ".partial"]
    progress = torch.load(run / "last.pth", weights_only=True)["progress"]
    epochs = progress["epoch"] + 1
    again = fspose(*command("slow", tree, run, "--epochs", epochs, "--resume"))
    assert again.exit_code == 0, again.output
    assert len((run / "log.csv").read_text().splitlines()) == 1 + epochs


def test_a_start_for_other_keypoints_is_told(fspose: Fspose, tree: Path, tmp_path: Path) -> None:
    from models.networks.mobilenet import MobileNet

    torch.save(MobileNet(16, width=4).state_dict(), tmp_path / "mobilepose.pth")

    ran = fspose(
        *command("fast", tree, tmp_path / "run", "--epochs", 0),
        *("--start", tmp_path / "mobilepose.pth"),
    )

    assert ran.exit_code == 0, ran.output
    assert "mobilepose.pth: hm_conv.weight left out, which is for other keypoints." in ran.stderr


def assert_told(ran: Result, *words: str, code: int = 1) -> None:
    """One line, no traceback, and that exit code."""
    assert ran.exit_code == code, ran.output
    assert len(ran.stderr.strip().splitlines()) == 1, ran.stderr
    assert all(word in ran.stderr for word in words), ran.stderr


def test_missing_images_are_one_line(fspose: Fspose, tree: Path, tmp_path: Path) -> None:
    (tree / "images" / "train" / "000001_mpii_train" / "000001.jpg").unlink()

    ran = fspose(*command("slow", tree, tmp_path / "run"))

    assert_told(ran, "1 of 3 images are missing", "000001.jpg")
    assert not (tmp_path / "run").exists()


def test_an_image_that_breaks_on_the_way_is_one_line(
    fspose: Fspose, tree: Path, tmp_path: Path
) -> None:
    image = tree / "images" / "train" / "000001_mpii_train" / "000001.jpg"
    image.write_bytes(image.read_bytes()[:20])

    ran = fspose(*command("slow", tree, tmp_path / "run", "--workers", 2))

    assert ran.exit_code == 1  # on a slow machine lines of progress stand before the error
    assert last_line(ran).startswith("Error: ")
    assert "000001.jpg: cannot be read as an image" in last_line(ran)


def test_annotations_without_sizes_are_one_line(fspose: Fspose, tree: Path, tmp_path: Path) -> None:
    file = tree / "annotations" / "train" / "000001_mpii_train.json"
    content = json.loads(file.read_text())
    for image in content["images"]:
        del image["width"], image["height"]
    file.write_text(json.dumps(content))

    ran = fspose(*command("slow", tree, tmp_path / "run"))

    assert_told(ran, "width and height are not annotated", "fspose data posetrack prepare")


def test_faulty_annotations_are_one_line(fspose: Fspose, tree: Path, tmp_path: Path) -> None:
    (tree / "annotations" / "train" / "000001_mpii_train.json").write_text('{"images": 3}')

    assert_told(fspose(*command("fast", tree, tmp_path / "run")), "images", "expected")


def test_databases_of_other_annotations_are_one_line(
    fspose: Fspose, tree: Path, tmp_path: Path, databases: list[object]
) -> None:
    shutil.rmtree(tree / "annotations" / "train")
    shutil.copytree(tree / "annotations" / "val", tree / "annotations" / "train")

    ran = fspose(*transfer(tree, tmp_path / "run", *databases))

    assert_told(ran, "was made for other annotations", "fspose heatmaps create")


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (("--lr", 0.01), "lr 0.0001, and this run has 0.01"),
        (("--seed", 7), "seed 0, and this run has 7"),
        (("--no-half-body",), "augmentation"),
        (("--batch-size", 3), "batch-size 2, and this run has 3"),
    ],
)
def test_other_settings_do_not_go_on_with_a_run(
    more: tuple[object, ...], word: str, fspose: Fspose, tree: Path, tmp_path: Path
) -> None:
    fspose(*command("fast", tree, tmp_path / "run", "--epochs", 1))

    assert_told(fspose(*command("fast", tree, tmp_path / "run", "--resume", *more)), word)


def test_a_folder_with_a_run_needs_resume(fspose: Fspose, tree: Path, tmp_path: Path) -> None:
    fspose(*command("fast", tree, tmp_path / "run", "--epochs", 1))

    assert_told(fspose(*command("fast", tree, tmp_path / "run")), "holds a run", "--resume")


@pytest.mark.parametrize(
    ("net", "more"),
    [
        ("slow", ("--size", "100x200")),
        ("slow", ("--milestones", "7,5")),
        ("fast", ("--width", 6)),
        ("fast", ("--recipe", "own")),
    ],
)
def test_wrong_usage_is_2(
    net: str, more: tuple[object, ...], fspose: Fspose, tree: Path, tmp_path: Path
) -> None:
    assert fspose(*command(net, tree, tmp_path / "run", *more)).exit_code == 2


@pytest.mark.parametrize(
    ("net", "shown"),
    [
        ("slow", ("default: 10", "default: 16", "default: 5,7", "0.0001")),
        ("fast", ("default: 100", "default: 8", "default: 10,15", "224x224")),
        ("transfer", ("default: 20", "default: 16", "default: 5,7", "default: 5;")),
    ],
)
def test_help_shows_the_published_numbers(net: str, shown: tuple[str, ...], fspose: Fspose) -> None:
    text = " ".join(fspose("train", net, "--help").stdout.split())

    assert all(number in text for number in shown)
