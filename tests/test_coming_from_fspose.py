"""docs/coming-from-fspose.md is true: its commands run, and nothing of the original is left out."""

from __future__ import annotations

import re
import shlex
import zipfile
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import torch
from click.testing import CliRunner
from torch import nn

from fspose_app.cli import main
from models.networks.hrnet import HRNet
from models.networks.mobilenet import MobileNet
from models.networks.transfer import TransferNet

PAGE = (Path(__file__).parents[1] / "docs" / "coming-from-fspose.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
LINES = [line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()]
COMMANDS = [shlex.split(line) for line in LINES]
MENTIONED = [shlex.split(text) for text in re.findall(r"(?<!`)`(fspose [^`]+)`(?!`)", PAGE)]
FLAGS, SETTINGS, DEFECTS = "Flags", "Configuration keys", "Defects, and what happens here"

# What the original's three commands are typed with and take besides, and its configuration.
CREATE = """--cfg --heatmap_root --mobilenet OUTPUT_DIR LOG_DIR DATASET.NUM_LABELED_VIDEOS
DATASET.NUM_LABELED_FRAMES_PER_VIDEO DATASET.JSON_DIR DATASET.IMG_DIR POSETRACK_ANNOT_DIR
DATASET.IS_POSETRACK18 MODEL.PRETRAINED MODEL.EVALUATE PRINT_FREQ DATASET.ROT_FACTOR
DATASET.SCALE_FACTOR DATASET.FLIP TRAIN.BATCH_SIZE_PER_GPU --skip_create --do_validate"""
PREDICT = """--cfg --cfg_lightx2 --lightx2_model --validate_type --light_heatmap_dir
--light_origin_image_width --light_origin_image_height --large_heatmap_dir
--large_origin_image_width --large_origin_image_height --three_hp --i_frame_intreval --inh_hp
--inh_heatmap_dir --write_gt --save_accuracy_folder --detail_info_file --save_all_score
--half"""
KEYS = {
    "": """POSETRACK_ANNOT_DIR OUTPUT_DIR LOG_DIR DATA_DIR EXPERIMENT_NAME GPUS WORKERS PRINT_FREQ
    AUTO_RESUME PIN_MEMORY RANK ONLY_CONSECUTIVE ONLY_CONSECUTIVE_VAL_FINETUNE SAVE_HEATMAPS
    LOAD_HEATMAPS SAVE_PREDS PREDS_SFX LOAD_PREDS SAVE_OFFSETS LOAD_PROPAGATED_GT_PREDS
    LOAD_PRECOMPUTED_FLOW_PREDS FLOW_TYPE EVAL_TRACKING TRACK_PREDS_FILE TRACKING_THRESHOLD
    SAVE_DATASET_IMG HALF_BODY""",
    "CUDNN.": "BENCHMARK DETERMINISTIC ENABLED",
    "MODEL.": """NAME INIT_WEIGHTS FREEZE_WEIGHTS PRETRAINED NUM_JOINTS TAG_PER_JOINT TARGET_TYPE
    IMAGE_SIZE HEATMAP_SIZE SIGMA EXTRA CYCLE_CONSISTENCY_FINETUNE MPII_PRETRAINED
    USE_WARPING_TRAIN USE_WARPING_TEST WARPING_REVERSE USE_GT_INPUT_TRAIN USE_GT_INPUT_TEST
    TIMESTEP_DELTA TIMESTEP_DELTA_RAND TIMESTEP_DELTA_RANGE ITER SPATIOTEMPORAL_POSE_AGGREGATION
    EVALUATE DILATION_EXP VISUALIZE_OFFSETS""",
    "LOSS.": "USE_OHKM TOPK USE_TARGET_WEIGHT USE_DIFFERENT_JOINTS_WEIGHT",
    "DATASET.": """ROOT DATASET TRAIN_SET TEST_SET DATA_FORMAT HYBRID_JOINTS_TYPE SELECT_DATA
    NUM_LABELED_FRAMES_PER_VIDEO NUM_LABELED_VIDEOS NUM_ADJACENT_FRAMES TEST_ON_TRAIN JSON_FILE
    PSEUDO_GT_TRAIN JSON_DIR IMG_DIR IS_POSETRACK18 FLIP SCALE_FACTOR ROT_FACTOR PROB_HALF_BODY
    NUM_JOINTS_HALF_BODY COLOR_RGB""",
    "TRAIN.": """LR_FACTOR LR_STEP LR STSN_LR OPTIMIZER MOMENTUM WD NESTEROV GAMMA1 GAMMA2
    BEGIN_EPOCH END_EPOCH RESUME CHECKPOINT BATCH_SIZE_PER_GPU SHUFFLE""",
    "TEST.": """BATCH_SIZE_PER_GPU FLIP_TEST POST_PROCESS SHIFT_HEATMAP USE_GT_BBOX IMAGE_THRE
    NMS_THRE SOFT_NMS OKS_THRE IN_VIS_THRE COCO_BBOX_FILE BBOX_THRE MODEL_FILE
    MODEL_FILE_FOR_OFFSETS""",
    "DEBUG.": """DEBUG SAVE_BATCH_IMAGES_GT SAVE_BATCH_IMAGES_PRED SAVE_HEATMAPS_GT
    SAVE_HEATMAPS_PRED""",
}


def commands(group: click.Group = main) -> Iterator[click.Command]:
    """Every command, those of groups too."""
    for command in group.commands.values():
        yield from commands(command) if isinstance(command, click.Group) else (command,)


def flags_of(command: click.Command) -> set[str]:
    return {flag for each in command.params for flag in (*each.opts, *each.secondary_opts)}


def unknown(words: list[str]) -> list[str]:
    """Words that are neither a command's name nor one of its options; values are not looked at."""
    command: click.Command = main
    while isinstance(command, click.Group) and words:
        if words[0] not in command.commands:
            return words[:1]
        command, words = command.commands[words[0]], words[1:]
    return [word for word in words if word.startswith("-") and word not in flags_of(command)]


def rows(heading: str) -> list[list[str]]:
    """The cells of the rows of all tables under a heading."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def in_code(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def explained(heading: str) -> set[str]:
    """What the first cells of the tables under a heading name."""
    return {name for cells in rows(heading) for name in in_code(cells[0])}


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder to work in but for the published repository's checkpoints, drawn narrow."""
    torch.manual_seed(3)
    models = tmp_path / "models" / "posetrack18"
    hrnet = HRNet(width=8, keypoints=17, modules=(1, 1, 1), blocks=1, stem=8, first_blocks=1)
    save_split(hrnet, models / "pose_hrnet" / "w32_256x192_adam_lr1e-4")
    save(MobileNet(17, 8), models / "mobilenet_test_1" / "100epoch.pth")
    for folder in ("transfer_net_64x48_w32_mobilenet", "transfer_net_56x56_mobilenetx2"):
        save(TransferNet(blocks=2, channels=4), models / folder / "20epoch.pth")
    monkeypatch.chdir(tmp_path)


def save(network: nn.Module, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), path)


def save_split(network: nn.Module, folder: Path) -> None:
    """A checkpoint in a zip file that is cut in two."""
    save(network, folder / "final_state.pth")
    with zipfile.ZipFile(folder / "whole.zip", "w") as archive:
        archive.write(folder / "final_state.pth", "final_state.pth")
    content = (folder / "whole.zip").read_bytes()
    half = len(content) // 2
    (folder / "final_state.zip.001").write_bytes(content[:half])
    (folder / "final_state.zip.002").write_bytes(content[half:])
    (folder / "final_state.pth").unlink()
    (folder / "whole.zip").unlink()


def test_every_line_of_a_code_block_is_a_command_that_is_run() -> None:
    assert {kind for kind, _ in BLOCKS} == {"sh"}
    assert len(re.findall("```|~~~|^ {4}", PAGE, re.MULTILINE)) == 2 * len(BLOCKS)
    assert {typed[0] for typed in COMMANDS} == {"fspose"}
    assert len(COMMANDS) == PAGE.count("\nfspose ") > 20
    assert ["fspose", "models", "list"] in MENTIONED


@pytest.mark.parametrize("typed", [*COMMANDS, *MENTIONED], ids=" ".join)
def test_a_command_of_the_page_and_its_options_exist(typed: list[str]) -> None:
    assert unknown(typed[1:]) == []


@pytest.mark.parametrize("heading", [FLAGS, SETTINGS, DEFECTS])
def test_commands_and_options_that_a_table_answers_with_exist(heading: str) -> None:
    every = set().union(*map(flags_of, commands()))
    answers = [shlex.split(text) for cells in rows(heading) for text in in_code(cells[-1])]
    full = [words for words in answers if words[0] in main.commands]
    flags = {words[0] for words in answers if words[0].startswith("-")}

    assert [words for words in full if unknown(words)] == []
    assert len(full) > 2
    assert flags <= every
    assert len(flags) > 4


def test_unknown_words_are_seen() -> None:
    assert unknown(["heatmaps", "create", "a", "--net", "slow"]) == []
    assert unknown(["heatmaps", "make"]) == ["make"]
    assert unknown(["heatmaps", "create", "--half"]) == ["--half"]


def test_every_flag_of_the_three_commands_has_its_row() -> None:
    flags = {word for word in f"{CREATE} {PREDICT}".split() if word.startswith("--")}

    assert flags <= explained(FLAGS)


def test_every_key_has_its_row() -> None:
    keys = {f"{group}{name}" for group, names in KEYS.items() for name in names.split()}

    assert keys | {word for word in CREATE.split() if word[0] != "-"} == explained(SETTINGS)


def test_every_defect_has_its_row() -> None:
    numbered = [cells for cells in rows(DEFECTS) if cells[0].isdigit()]

    assert [cells[0] for cells in numbered] == [str(number) for number in range(1, 12)]
    assert all(len(cells) == 3 and all(cells) for cells in numbered)


@pytest.mark.usefixtures("workplace")
def test_every_command_of_the_page_runs_in_order() -> None:
    for typed in COMMANDS:
        ran = CliRunner().invoke(main, typed[1:])
        assert ran.exit_code == 0, f"{shlex.join(typed)}\n{ran.output}"
