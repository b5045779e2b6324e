"""Cards say what a network is, how it learned and what it reaches, from files alone."""

import json
import re
from pathlib import Path

import pytest
import torch

from data.errors import WeightsError
from models import zoo
from models.networks.slim_transfer import SlimTransfer
from models.training.card_figures import section
from models.training.cards import (
    COMMANDS,
    ROUNDS,
    Round,
    card,
    commands,
    continued,
    keep,
    merged,
)

ARGUMENTS = {"keypoints": 3, "channels": 4, "blocks": 1}
FOUND = {"pck": 0.5, "low": 0.4, "high": 0.6, "people": 7}
FIGURES = {
    "slow coco AP": FOUND,
    "slow lspet": FOUND,
    "accuracy": {"table": "| network |\n| MoveNet, recorded | 0.374 |", "verdicts": []},
    "finder": {
        "people": 9,
        "pictures": 4,
        **{f"recall_at_{limit}": 0.8 for limit in (0.25, 0.5, 1.0)},
        **{f"interval_at_{limit}": [0.7, 0.9] for limit in (0.25, 0.5, 1.0)},
        "gmacs": 0.5,
        "checked_boxes": 2.0,
        "gmacs_with_checks": 1.5,
    },
    "scheme": {"interval": 16, "default": "two-maps", "table": "| scheme |", "verdicts": ["kept"]},
    "tracking": {
        "drawn": [
            {
                "frames": 100,
                "mota": 61.0,
                "hota": 52.0,
                "idf1": 70.0,
                "people": 200,
                "switches": 3,
                "misses": 4,
                "false_positives": 5,
                "fragmentations": 6,
            }
        ],
        "verdict": "no switch: met",
    },
}


@pytest.fixture
def model(tmp_path: Path) -> zoo.BundledModel:
    network = SlimTransfer(**ARGUMENTS)
    description = zoo.Description("slim_transfer", ARGUMENTS, "x", "transfer", {"size": [4, 8]})
    zoo.save_bundled(network, "tiny", description, tmp_path)
    (found,) = zoo.bundled(tmp_path)
    return found


def checkpoint(folder: Path, role: str, *, steps: int, log: str = "") -> Path:
    (folder / role).mkdir(parents=True)
    torch.save({"spent": 90.0, "step": steps}, folder / role / "checkpoint.pt")
    if log:
        (folder / f"{role}.log").write_text(log)
    return folder


def test_a_card_says_what_the_network_is(model):
    text = card(model, [], FIGURES, orders=["fspose train transfer -o runs"])

    assert model.sha256 in text
    assert f"{model.parameters:,}" in text
    assert "GMACs a person" in text
    assert "```sh\nfspose train transfer -o runs\n```" in text


def test_rounds_come_from_checkpoints_and_the_last_line_of_their_logs(model, tmp_path):
    first = checkpoint(
        tmp_path / "one", "transfer", steps=12, log="begun\n07:38:47  67.0 min  loss 0.25\n\n"
    )
    second = checkpoint(tmp_path / "two", "transfer", steps=34)
    rounds = [Round.of(folder, "transfer") for folder in (first, second)]

    text = card(model, rounds, {})

    assert "- round 1: 12 steps in 2 minutes; the log ends with `67.0 min loss 0.25`" in text
    assert "- round 2: 34 steps in 2 minutes\n" in text


def test_a_folder_without_the_role_is_no_round(tmp_path):
    assert Round.of(checkpoint(tmp_path / "one", "slow", steps=1), "fast") is None


def test_a_round_is_known_once_its_checkpoint_is_gone_and_never_twice(tmp_path):
    file = tmp_path / ROUNDS
    first = checkpoint(tmp_path / "one", "slow", steps=12, log="1.5 min  loss 0.25\n")
    keep(file, continued(file, [first], ["slow", "fast"]))
    (first / "slow" / "checkpoint.pt").unlink()
    second = checkpoint(tmp_path / "two", "slow", steps=34)

    for _ in range(2):
        keep(file, continued(file, [second], ["slow", "fast"]))

    known = continued(file, [], ["slow", "fast"])
    assert known == {"slow": [Round(1.5, 12, "1.5 min loss 0.25"), Round(1.5, 34)], "fast": []}


def test_a_folder_without_a_checkpoint_is_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"gone holds no ROLE/checkpoint\.pt of slow, fast"):
        continued(tmp_path / ROUNDS, [tmp_path / "gone"], ["slow", "fast"])


def test_minutes_that_were_rounded_make_no_other_round(tmp_path):
    keep(tmp_path / ROUNDS, {"slow": [Round(2.0, 12)]})

    folder = checkpoint(tmp_path / "one", "slow", steps=12)

    assert continued(tmp_path / ROUNDS, [folder], ["slow"]) == {"slow": [Round(2.0, 12)]}


@pytest.mark.parametrize("bundled", zoo.bundled(), ids=lambda bundled: bundled.role)
def test_the_cards_tell_every_round_that_is_known(bundled):
    rounds = continued(zoo.BUNDLED / ROUNDS, [], [bundled.role])[bundled.role]

    told = re.findall(r"^- round (\d+): ([\d,]+) steps", bundled.card, re.MULTILINE)

    assert rounds
    assert told == [(f"{n}", f"{own.steps:,}") for n, own in enumerate(rounds, 1)]


def test_pictures_are_linked_where_there_are_any(model):
    link = "](../../docs/failures/transfer.jpg)"

    assert link in card(model, [], {}, has_picture=True)
    assert link not in card(model, [], {})


@pytest.mark.parametrize(
    ("role", "shown"),
    [
        ("slow", ["0.500 [0.400, 0.600]", "MoveNet, recorded", "| scheme |", "- kept"]),
        ("finder", ["| 0.5 | 0.800 [0.700, 0.900] |", "1.500"]),
        ("transfer", ["| scheme |"]),
    ],
)
def test_every_role_has_its_own_figures_and_the_trackers(role, shown):
    text = section(role, FIGURES)

    assert [part for part in shown if part not in text] == []
    assert "| drawn, 100 frames | 61.0 | 52.0 | 70.0 | 200 | 3 | 4 | 5 | 6 |" in text
    assert "- no switch: met" in text


def test_the_finder_has_no_part_in_the_scheme():
    assert "| scheme |" not in section("finder", FIGURES)


def test_without_figures_none_are_told():
    assert section("slow", {}) == "None are recorded."


def test_commands_are_quoted_from_the_page_of_training():
    page = """
fspose train slow --preset try
## How the embedded family was trained
python -m models.training.pose slow --minutes 1
python -m models.training.pose fast --minutes 2
python -m models.training.finder --minutes 3
fspose train transfer --preset family --minutes 4
"""

    found = {role: commands(role, page) for role in ("slow", "fast", "finder", "transfer")}

    assert {role: len(lines) for role, lines in found.items()} == dict.fromkeys(found, 1)
    assert found["transfer"] == ["fspose train transfer --preset family --minutes 4"]


@pytest.mark.parametrize("role", ["finder", "slow", "fast", "transfer"])
def test_our_own_page_has_commands_for_every_role(role):
    assert commands(role, COMMANDS.read_text(encoding="utf-8"))


def test_figures_of_other_weights_are_refused(model, tmp_path):
    stale = tmp_path / "accuracy.json"
    stale.write_text(json.dumps({"finder": {}, "weights": {"tiny": "0" * 64}}))

    with pytest.raises(WeightsError, match=r"accuracy\.json was measured with another tiny"):
        merged([stale], [model])


def test_figures_of_these_weights_are_joined(model, tmp_path):
    files = [tmp_path / name for name in ("a.json", "b.json")]
    for file in files:
        file.write_text(json.dumps({file.stem: 1, "weights": {"tiny": model.sha256}}))

    assert merged(files, [model]) == {"a": 1, "b": 1}


@pytest.mark.parametrize("bundled", zoo.bundled(), ids=lambda bundled: bundled.role)
def test_the_card_of_a_bundled_network_is_of_its_present_weights(bundled):
    assert f"| SHA-256 | {bundled.sha256} |" in bundled.card
