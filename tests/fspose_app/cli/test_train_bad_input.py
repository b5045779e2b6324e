"""fspose train: settings, folders and packs that a person, or somebody worse, got wrong."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import Result

from data.skeleton import COCO_17

Fspose = Callable[..., Result]
SMALL = ("--preset", "try", "--workers", 0, "--device", "cpu")
DRAWN = (*SMALL, "--drawn", 4)


def assert_told(ran: Result, *words: str, code: int = 1) -> None:
    """One line, no traceback, nothing on stdout, and that exit code."""
    assert ran.exit_code == code, ran.output
    (line,) = ran.stderr.splitlines()
    assert line.startswith("Error: ")
    assert all(word in line for word in words), line
    assert ran.stdout == ""


def write_packs(folder: Path) -> Path:
    """Six people of COCO, six of LSPET and six whole pictures."""
    rng = np.random.default_rng(5)
    for name in ("coco_people", "lspet", "coco_images"):
        pack = folder / name
        pack.mkdir(parents=True)
        with tarfile.open(pack / "images_00.tar", "w") as archive:
            for number in range(6):
                path = pack / f"{number}.png"
                cv2.imwrite(str(path), rng.integers(0, 255, (80, 60, 3), np.uint8))
                archive.add(path, path.name)
                path.unlink()
        more = {"shard": "images_00.tar", "split": "train", "boxes_complete": True}
        points = np.column_stack([rng.uniform(8, 50, 17), rng.uniform(8, 70, 17), np.full(17, 2)])
        person = {"bbox": [6, 6, 46, 66], "keypoints": points.ravel().tolist(), "iscrowd": 0}
        content = {
            "images": [{"id": n, "file_name": f"{n}.png", **more} for n in range(6)],
            "annotations": [{"image_id": n, **person} for n in range(6)],
            "categories": [{"name": "person", "keypoints": list(COCO_17.keypoints)}],
        }
        (pack / "annotations.json").write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lr: " + "[" * 5000, "deep.yaml: is not YAML: its brackets are nested too deeply."),
        ("lr: " + "9" * 5000, "is not YAML: a number, date or tag in it cannot be read."),
        ("lr: .inf", "lr is inf, but should be a finite number."),
        ("weight-decay: .nan", "weight-decay is nan, but should be a finite number."),
    ],
    ids=["deep", "digits", "inf", "nan"],
)
def test_a_hostile_settings_file_is_one_line(
    text: str, words: str, fspose: Fspose, tmp_path: Path
) -> None:
    file = tmp_path / "deep.yaml"
    file.write_text(text)

    ran = fspose("train", "slow", *DRAWN, "--config", file, "-o", tmp_path / "run")

    assert_told(ran, words)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--batch-size", "100000000"),
        ("--epochs", "99999999999999999999"),
        ("--seed", "99999999999999999999"),
        ("--drawn", "99999999999999999999"),
        ("--warmup", "99999999999999999999"),
        ("--width", "100000"),
        ("--minutes", "1e300"),
        ("--lr", "nan"),
        ("--lr", "inf"),
    ],
)
def test_absurd_numbers_are_one_line(
    option: str, value: str, fspose: Fspose, tmp_path: Path
) -> None:
    ran = fspose("train", "fast", *DRAWN, "-o", tmp_path / "run", option, value)

    assert_told(ran, f"{option} is ", "but should be ")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("more", [(), ("--dry-run",)], ids=["run", "dry-run"])
def test_there_must_be_a_run_to_go_on_with(
    more: tuple[str, ...], fspose: Fspose, tmp_path: Path
) -> None:
    ran = fspose("train", "fast", *DRAWN, "-o", tmp_path / "run", "--resume", *more)

    assert_told(ran, "There is no run to go on with", "run/last.pth is missing", "--resume")
    assert not (tmp_path / "run").exists()


def test_a_folder_without_packs_is_told_in_a_sentence(fspose: Fspose, tmp_path: Path) -> None:
    (tmp_path / "packs").mkdir()

    ran = fspose("train", "slow", *SMALL, "--packs", tmp_path / "packs", "-o", tmp_path / "run")

    assert_told(ran, "coco_people is no training pack: it holds no annotations.json.")
    assert "Errno" not in ran.stderr
    assert not (tmp_path / "run").exists()


def test_a_folder_without_clips_is_told_in_a_sentence(
    fspose: Fspose, family: Path, tmp_path: Path
) -> None:
    packs = write_packs(tmp_path / "packs")
    given = ("--packs", packs, "--family", family)

    ran = fspose("train", "transfer", *SMALL, *given, "-o", tmp_path / "run")

    assert_told(ran, "jhmdb is no pack of clips: it holds no joints.json.")
    assert not (tmp_path / "run").exists()


def hostile(pack: Path, kind: str) -> None:
    """Puts in place of the pictures' archive one that would do harm where it is unpacked."""
    with tarfile.open(pack / "images_00.tar", "w") as archive:
        member = tarfile.TarInfo("0.png")
        if kind == "symlink":
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        if kind == "hard link":
            member.type, member.linkname = tarfile.LNKTYPE, "/etc/passwd"
        if kind == "device":
            member.type, member.devmajor, member.devminor = tarfile.CHRTYPE, 1, 5
        if kind == "fifo":
            member.type = tarfile.FIFOTYPE
        if kind == "up":
            member.name = "../../0.png"
        if kind == "absolute":
            member.name = str(pack.absolute() / "0.png")
        archive.addfile(member)


@pytest.mark.parametrize("kind", ["symlink", "hard link", "device", "fifo", "up", "absolute"])
def test_an_archive_made_to_harm_does_none(kind: str, fspose: Fspose, tmp_path: Path) -> None:
    packs = write_packs(tmp_path / "packs")
    hostile(packs / "coco_people", kind)
    before = sorted(tmp_path.rglob("*"))

    ran = fspose("train", "slow", *SMALL, "--packs", packs, "-o", tmp_path / "run")

    assert_told(ran, "6 of 6 images are missing, the first is 0.png in the shards of")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("content", [b"", b"\x00" * 700, b"no archive" * 300])
def test_an_archive_that_is_none_is_one_line(
    content: bytes, fspose: Fspose, tmp_path: Path
) -> None:
    packs = write_packs(tmp_path / "packs")
    (packs / "lspet" / "images_00.tar").write_bytes(content)

    ran = fspose("train", "slow", *SMALL, "--packs", packs, "-o", tmp_path / "run")

    assert_told(ran, "lspet")
    assert not (tmp_path / "run").exists()


def test_a_dry_run_with_packs_leaves_nothing_behind(
    fspose: Fspose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packs = write_packs(tmp_path / "packs")
    for name in ("work", "tmp"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    before = sorted(tmp_path.rglob("*"))
    given = (*SMALL, "--batch-size", 2, "--epochs", 1, "--packs", packs, "--dry-run")

    whole = fspose("train", "slow", *given, "-o", "run")
    without = fspose("train", "finder", *given)

    assert whole.exit_code == without.exit_code == 0, whole.output + without.output
    assert "expected" in whole.stdout
    assert sorted(tmp_path.rglob("*")) == before


def test_a_dry_run_reads_what_is_decoded_already(fspose: Fspose, tmp_path: Path) -> None:
    packs = write_packs(tmp_path / "packs")
    given = (*SMALL, "--batch-size", 2, "--packs", packs, "--cache", tmp_path / "cache")
    run = fspose("train", "slow", *given, "--epochs", 0, "-o", tmp_path / "run")
    assert run.exit_code == 0, run.output
    for file in packs.rglob("*.tar"):
        file.unlink()
    kept = {path: path.read_bytes() for path in (tmp_path / "cache").iterdir()}

    ran = fspose("train", "slow", *given, "--dry-run")

    assert ran.exit_code == 0, ran.output
    assert {path: path.read_bytes() for path in (tmp_path / "cache").iterdir()} == kept
