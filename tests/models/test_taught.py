"""The note of the crop's size in a checkpoint, which other programs read over."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from data.pose import Box
from models import checkpoints, taught, weights, zoo
from models.training.published import networks


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))


def test_a_noted_size_is_found_again(tmp_path: Path) -> None:
    torch.save(taught.state_of(network(), (96, 128)), tmp_path / "a.pth")

    assert taught.size_of(tmp_path / "a.pth") == (96, 128)


def test_the_file_is_still_a_bare_state_dict(tmp_path: Path) -> None:
    torch.save(taught.state_of(network(), (96, 128)), tmp_path / "a.pth")

    entries = torch.load(tmp_path / "a.pth", weights_only=True)

    assert entries.keys() == network().state_dict().keys()
    network().load_state_dict(entries)
    assert weights.read(tmp_path / "a.pth").keys() == entries.keys()


@pytest.mark.parametrize("content", [{}, {"0.weight": torch.zeros(2)}, {"module": [1]}])
def test_other_programs_checkpoints_have_no_note(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "a.pth")

    assert taught.size_of(tmp_path / "a.pth") is None


def test_a_note_that_is_no_size_counts_for_nothing(tmp_path: Path) -> None:
    torch.save(taught.state_of(network(), (0, -4)), tmp_path / "a.pth")
    (tmp_path / "b.pth").write_bytes(b"\x80no archive")

    assert taught.size_of(tmp_path / "a.pth") is None
    assert taught.size_of(tmp_path / "b.pth") is None


def test_networks_are_used_on_crops_of_the_noted_size(tmp_path: Path) -> None:
    """Also under a name that published checkpoints of another size bear."""
    path = tmp_path / "final_state.pth"
    torch.save(taught.state_of(networks.slow("w32", 4, 0), (64, 96)), path)

    net = checkpoints.topdown("slow", "cpu", zoo.BUNDLED, checkpoint=path)

    assert net.crops([Box(0, 0, 10, 10)])[0].size == (64, 96)
    assert net.skeleton.name == "posetrack-17"
